// The command line of the fuzzer. Input: how long, which corpus, where findings go. Output: a line per finding, and a
// last line with the counts; exit code 1 when something was found. `child` and `make` are what it starts itself with;
// `make` also makes one case again by hand.

import ArgumentParser
import Basics
import Glibc
import ImportFuzzing
import Runtime

struct Fuzz: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "FuzzImport", abstract: "Feeds changed models to the importer.",
        subcommands: [FuzzAll.self, FuzzChild.self, FuzzMake.self], defaultSubcommand: FuzzAll.self)
}

struct FuzzAll: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Runs cases for some minutes, or a number of cases.")

    @Option(name: .long, help: "Stop after this many minutes.")
    var minutes: Double?
    @Option(name: .long, help: "Stop after this many cases (default: 20000, unless --minutes is given).")
    var cases: Int?
    @Option(name: .long, help: "The first seed of every file, 1 or more.")
    var seed: UInt64 = 1
    @Option(name: .long, help: "Files that are changed: *.onnx.")
    var corpus: String
    @Option(name: .long, help: "Where cases go that brought the importer down.")
    var findings: String
    @Option(name: .long, help: "Where cases go that were refused for a new reason.")
    var keep: String?
    @Option(name: .long, help: "Children at a time.")
    var jobs: Int = 1

    func validate() throws {
        guard jobs >= 1, jobs <= 256 else { throw ValidationError("--jobs is a number from 1 to 256") }
        guard seed >= 1 else { throw ValidationError("--seed is 1 or more; seed 0 changes nothing") }
        guard cases ?? 1 >= 1, minutes ?? 1 > 0 else { throw ValidationError("--cases and --minutes are above 0") }
    }

    func run() throws {
        do {
            let tally = try fuzzed()
            writeLine(STDOUT_FILENO, tally.line)
            if tally.findings > 0 { throw ExitCode(1) }
        } catch let error as any Explained {
            writeLine(STDERR_FILENO, "error: " + error.sentence)
            throw ExitCode(1)
        }
    }

    private func fuzzed() throws -> FuzzTally {
        let names = Folder.names(in: corpus).filter { $0.hasSuffix(".onnx") }
        guard !names.isEmpty else { throw ValidationError("\(corpus) holds no .onnx file") }
        let work = try Folder.makeTemporary(in: "/tmp")
        defer { Folder.removeTree(work) }
        try Folder.make(findings)
        if let keep { try Folder.make(keep) }
        let kept =
            try keep
            ?? {
                try Folder.make(work + "/kept"); return work + "/kept"
            }()
        var farm = FuzzFarm(
            files: names.map { corpus + "/" + $0 }, seed: seed, work: work, findings: findings, kept: kept)
        return try farm.run(
            jobs: jobs, casesMax: cases ?? (minutes == nil ? 20_000 : .max), seconds: minutes.map { $0 * 60 })
    }
}

struct FuzzMake: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "make", abstract: "Writes the case that a seed makes of a corpus file.")

    @Argument(help: "The corpus file.")
    var file: String
    @Argument(help: "The seed.")
    var seed: UInt64
    @Argument(help: "Where to write the case.")
    var output: String

    func run() throws { try Folder.write(fuzzCase(try Folder.read(file), seed: seed), to: output) }
}

func writeLine(_ descriptor: Int32, _ text: String) {
    var rest = Array((text + "\n").utf8)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
    }
}
