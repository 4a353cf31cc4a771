// `ironworks reduce`: a model that fails, shrunk to a few nodes that fail in the same way. Input: the model, what
// counts as failing, limits. Output: a model file that needs no other (or, with over 64 MiB of weights, one data file),
// and the command that shows the failure. Every candidate is tried in a child; they share the original's weights
// through hard links, so a large model is not copied hundreds of times.

import ArgumentParser
import Basics
import Glibc
import ONNXImport
import Runtime

struct ReduceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reduce", abstract: "Shrinks a model that fails to a few nodes that fail in the same way.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The model (.onnx).")
    var model: String
    @Option(name: .long, help: "mismatch (with the interpreter), crash (or hang), or error (a refusal).")
    var when: ReduceWhen
    @Option(name: .long, help: "NAME=N for a symbolic dimension, NAME=1x3x48x192 for an input's shape.")
    var bind: [String] = []
    @Option(name: .long, help: "The refusal must have this text (default: be of the same kind as the model's).")
    var containing: String?
    @Option(name: .long, help: "Where to write (default: MODEL.reduced.onnx).")
    var out: String?
    @Option(name: .long, help: "Candidates tried at most.")
    var limit: Int = 500
    @Option(name: .long, help: "Longest time of one try, in seconds.")
    var seconds: Int = 60
    @Option(name: .long, help: "Inputs are random with this seed.")
    var seed: UInt64 = 7
    @Option(name: .long, help: "Lanes of the program.")
    var threads: Int = 1

    private static let inlineBytesMax = 64 << 20

    func run() throws {
        try check()
        let file = try ModelFile(path: model)
        let bench = ReduceBench(
            probe: ReduceProbe(seconds: seconds, seed: seed, threads: threads, catalog: global.catalog), bind: bind,
            work: try Folder.makeTemporary(in: environment("TMPDIR") ?? "/tmp"), name: file.name)
        defer { Folder.removeTree(bench.work) }
        let (stage, failure) = try foundFailure(bench.probe)
        let progress = Progress(global)
        progress.note("\(escaped(file.name)): \(file.message.nodeCount) nodes, fails when \(stage.rawValue)")
        var shrinker = ModelShrinker<any Error>(
            try bench.detached(file), limit: limit, knownValues: { try bench.knownValues($0) },
            fails: { failure.matches(try bench.outcome($0, stage), names: bench.names) },
            progress: { progress.note($0) })
        guard let shrunk = try shrinker.run() else { throw ReduceError.notReproduced(path: model) }
        let target = out ?? defaultOutput
        let dataPath = try write(shrunk.model, bench, to: target)
        let again = try bench.probe.outcome(target, stage, bind: shrunk.model.applicable(bind))
        guard failure.matches(again, names: ReduceFailure.names(of: target)) else {
            throw ReduceError.notReproduced(path: target)
        }
        report(shrunk, target, dataPath, again, command(target, stage, shrunk.model.applicable(bind)))
    }

    private func check() throws {
        try checkThreads(threads)
        guard limit > 0 else {
            throw CommandError.badOption(option: "limit", value: "\(limit)", expected: "a number above 0")
        }
        guard seconds > 0, seconds <= 86_400 else {
            throw CommandError.badOption(option: "seconds", value: "\(seconds)", expected: "1 to 86400")
        }
        if containing != nil, when != .error {
            throw CommandError.badOption(
                option: "containing", value: containing ?? "", expected: "it with --when error")
        }
    }

    private var defaultOutput: String {
        (model.hasSuffix(".onnx") ? String(model.dropLast(5)) : model) + ".reduced.onnx"
    }

    /// The first stage at which the model fails, and how.
    private func foundFailure(_ probe: ReduceProbe) throws -> (ReduceStage, ReduceFailure) {
        var last = ReduceOutcome.fine
        for stage in when.stages {
            last = try probe.outcome(model, stage, bind: bind)
            let failure = ReduceFailure(when, last, containing: containing, names: ReduceFailure.names(of: model))
            if let failure { return (stage, failure) }
            if last != .fine { break }
        }
        throw ReduceError.doesNotFail(model: model, when: when, text: containing, outcome: last.text)
    }

    /// Writes the model, and what is too large for it, beside each other; the path of the second file.
    private func write(_ model: ModelMessage, _ bench: ReduceBench, to target: String) throws -> String? {
        let name = (target.split(separator: "/").last.map(String.init) ?? target) + ".data"
        let file = try ModelFile(path: try bench.write(model))
        let (own, data) = file.selfContained(dataName: name, inlineBytesMax: ReduceCommand.inlineBytesMax)
        guard let bytes = own.encoded else { throw ReduceError.notReproduced(path: target) }
        try Folder.write(bytes, to: target)
        guard !data.isEmpty else { return nil }
        try Folder.write(data, to: target + ".data")
        return target + ".data"
    }

    /// What a person types to see the failure.
    private func command(_ path: String, _ stage: ReduceStage, _ bind: [String]) -> String {
        let bindings = bind.map { " --bind \(escaped($0))" }.joined()
        let lanes = threads == 1 ? "" : " --threads \(threads)"
        let inputs = " --inputs random:\(seed)"
        return switch stage {
        case .known, .imported: "ironworks dump \(escaped(path)) --after imported\(bindings)"
        case .assembled: "ironworks dump \(escaped(path)) --after program\(bindings)"
        case .run: "ironworks run \(escaped(path))\(inputs)\(lanes)\(bindings)"
        case .compared:
            "ironworks reduce \(escaped(path)) --when mismatch --limit 1 --seed \(seed)\(lanes)\(bindings)"
        }
    }

    private func report(
        _ shrunk: ShrunkModel, _ path: String, _ dataPath: String?, _ outcome: ReduceOutcome, _ command: String
    ) {
        guard global.json else {
            standardOutput(outcome.text)
            let ended = shrunk.reachedLimit ? ", the limit" : ""
            standardOutput(
                "wrote \(escaped(path))" + (dataPath.map { " and \(escaped($0))" } ?? "")
                    + " after \(shrunk.candidates) candidates\(ended)")
            standardOutput("\(shrunk.nodesBefore) nodes before, \(shrunk.nodesAfter) after; see it with: \(command)")
            return
        }
        let report = JSON.object([
            ("schema", .string("ironworks.reduce/1")), ("model", .string(model)), ("when", .string(when.rawValue)),
            ("nodes_before", .integer(shrunk.nodesBefore)), ("nodes_after", .integer(shrunk.nodesAfter)),
            ("candidates", .integer(shrunk.candidates)), ("reached_limit", .boolean(shrunk.reachedLimit)),
            ("output", .string(path)), ("data", dataPath.map(JSON.string)), ("failure", .string(outcome.text)),
            ("command", .string(command)),
        ])
        standardOutput(report.text)
    }
}
