// The command line and the job file as one value: what is on the command line wins.

import Basics
import DeviceModel
import Glibc
import ONNXImport
import Pipeline
import Runtime

struct TuneRequest {
    var name: String
    /// What a person asked for; kept in the catalog.
    var text: String
    var models: [JobModel]
    /// Compilers the job allows, preferred first.
    var toolchains: [JobFile.Compiler]
    var workers: Int
    var candidates: Int
    /// Whether Winograd's algorithm may be chosen; one answer for all models.
    var winograd: Bool
    var deadline: Tick.Span?
    var measureWith: String
    var isa: ISA?
    var catalogPath: String
    var allowNetworkFilesystem: Bool
    var resumeCommand: String

    init(_ command: TuneCommand) throws {
        let job: JobFile
        let bindings = try JobBinding.list(parsing: command.bind)
        if command.inputs.count == 1, command.inputs[0].hasSuffix(".yaml") || command.inputs[0].hasSuffix(".yml") {
            guard command.bind.isEmpty else {
                throw CommandError.badOption(
                    option: "bind", value: command.bind[0], expected: "'bindings:' in the job file")
            }
            let bytes = try Folder.read(command.inputs[0], limit: JobFile.bytesMax)
            text = String(decoding: bytes, as: UTF8.self)
            job = try JobFile(parsing: text, path: command.inputs[0])
        } else {
            job = JobFile(models: command.inputs, bindings: bindings)
            text = CommandLine.arguments.dropFirst().joined(separator: " ")
        }
        let home = environment("HOME") ?? "/"
        models = try job.expandedModels(listFiles: { Folder.names(in: $0) }, home: home)
        for model in models {
            for threads in model.settings.threads { try checkThreads(threads) }
        }
        name = job.name
        toolchains = job.search.toolchains
        workers = command.workers ?? job.farm.workers
        guard (1...256).contains(workers) else {
            throw CommandError.badOption(option: "workers", value: "\(workers)", expected: "1 to 256")
        }
        let answers = Set(models.map(\.settings.winograd))
        guard answers.count <= 1 else {
            throw CommandError.badOption(
                option: "winograd", value: "auto for some models and never for others",
                expected: "one setting for all models of a job; put the others into a job of their own")
        }
        winograd = answers != [.never]
        candidates = job.search.candidatesPerWorkload
        if let effort = command.effort {
            guard let known = JobFile.Effort(rawValue: effort) else {
                throw CommandError.badOption(option: "effort", value: effort, expected: "quick, night or exhaustive")
            }
            candidates = known.candidates
        }
        var budget = job.budget
        if let text = command.budget { budget = try JobFile.Budget(duration: text) }
        if let text = command.until { budget = try JobFile.Budget(until: text) }
        deadline = budget.map(TuneRequest.span)
        measureWith = command.measureWith
        _ = try parseMeasureWith(measureWith)
        if let isa = command.isa {
            guard let known = ISA(rawValue: isa) else {
                throw CommandError.badOption(option: "isa", value: isa, expected: "avx512, avx2 or plain")
            }
            self.isa = known
        }
        catalogPath =
            try command.global.catalog ?? environment("IRONWORKS_CATALOG") ?? job.catalogPath(home: home)
            ?? command.global.catalogPath
        allowNetworkFilesystem = command.allowNetworkFilesystem
        resumeCommand = (["ironworks"] + CommandLine.arguments.dropFirst().map(shellQuoted)).joined(separator: " ")
    }

    /// From now to the end of the budget.
    private static func span(_ budget: JobFile.Budget) -> Tick.Span {
        switch budget {
        case .duration(let span): return span
        case .until(let clock):
            var now = time(nil)
            var local = tm()
            localtime_r(&now, &local)
            let today = Int(local.tm_hour) * 3600 + Int(local.tm_min) * 60 + Int(local.tm_sec)
            let goal = clock.hour * 3600 + clock.minute * 60
            return .seconds(Int64(goal > today ? goal - today : goal - today + 86_400))
        }
    }
}

/// `word` as a shell reads it back.
func shellQuoted(_ word: String) -> String {
    let plain = word.utf8.allSatisfy { byte in
        (0x30...0x3a).contains(byte) || (0x40...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
            || [0x2b, 0x2c, 0x2d, 0x2e, 0x2f, 0x3d, 0x5f].contains(byte)
    }
    guard !plain || word.isEmpty else { return word }
    return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
}
