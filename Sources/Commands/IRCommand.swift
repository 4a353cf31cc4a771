// `ironworks ir`: the texts of the compilers on the command line. cat prints the canonical text, fmt writes it back,
// verify says whether a text holds what its kind demands, run interprets it on seeded inputs. Input: files. Output:
// texts, sentences with positions, summaries of results.

import ArgumentParser
import Basics
import Runtime
import TensorIR

struct IRCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ir", abstract: "Prints, formats, verifies and runs the texts of the compilers.",
        subcommands: [IRCatCommand.self, IRFormatCommand.self, IRVerifyCommand.self, IRRunCommand.self])
}

/// A file's text and what it parses to.
private func read(_ path: String) throws -> (text: String, parsed: IRFile) {
    let bytes = try Folder.read(path, limit: Graph.textBytesMax)
    guard let text = String(validating: bytes, as: UTF8.self) else {
        throw InspectionError.badText(path: path, reason: "it is not UTF-8")
    }
    return (text, try IRFile(text, path: path))
}

private func schema(_ what: String) -> (String, JSON?) { ("schema", .string("ironworks.ir_\(what)/1")) }

struct IRCatCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cat", abstract: "Prints the canonical text of a file.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "A text.")
    var file: String

    func run() throws {
        let (_, parsed) = try read(file)
        guard global.json else { return writeAll(1, parsed.canonical) }
        standardOutput(
            JSON.object([
                schema("cat"), ("path", .string(file)), ("texts", .array(parsed.parts.map { $0.json(withText: true) })),
            ]).text)
    }
}

struct IRFormatCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fmt", abstract: "Rewrites files in their canonical text; comments are lost.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "Texts.")
    var files: [String]

    func run() throws {
        // all are parsed before any is written
        let parsed = try files.map { (path: $0, content: try read($0)) }
        for (path, content) in parsed {
            let changed = content.text != content.parsed.canonical
            if changed {
                let draft = path + ".draft"
                try Folder.write(Array(content.parsed.canonical.utf8), to: draft)
                try Folder.replace(draft, final: path)
            }
            standardOutput(
                global.json
                    ? JSON.object([schema("fmt"), ("path", .string(path)), ("changed", .boolean(changed))]).text
                    : "\(escaped(path, limit: 1024)): \(changed ? "rewritten" : "unchanged")")
        }
    }
}

struct IRVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Says whether texts hold what their kinds demand; exit code 1 when not.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "Texts.")
    var files: [String]

    func run() throws {
        var failed = false
        for path in files {
            do {
                let (_, parsed) = try read(path)
                try parsed.verify()
                standardOutput(global.json ? json(path, parsed, nil).text : okLine(parsed))
            } catch {
                failed = true
                if global.json { standardOutput(json(path, nil, sentence(of: error)).text) }
                writeError("error: " + sentence(of: error))
            }
        }
        if failed { throw ExitCode(1) }
    }

    private func json(_ path: String, _ parsed: IRFile?, _ reason: String?) -> JSON {
        .object([
            schema("verify"), ("path", .string(path)), ("ok", .boolean(reason == nil)),
            ("texts", parsed.map { .array($0.parts.map { $0.json(withText: false) }) }),
            ("reason", reason.map(JSON.string)),
        ])
    }
}

extension IRText {
    func json(withText: Bool) -> JSON {
        .object([
            ("kind", .string(kind.rawValue)), ("digest", .string(digest.hex)),
            ("text", withText ? .string(canonical) : nil),
        ])
    }
}

/// `FILE: ok, workload 1a2b3c4d5e6f`, or how many texts it holds.
func okLine(_ file: IRFile) -> String {
    let named = file.parts.map { "\($0.kind.rawValue) \($0.digest.short)" }
    return "\(escaped(file.path, limit: 1024)): ok, " + (named.count == 1 ? named[0] : "\(named.count) texts")
}

struct IRRunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Interprets a workload, graph, kernel or program on seeded inputs.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "A text.")
    var file: String
    @Option(name: .long, help: "Another seed, other inputs.")
    var seed: UInt64 = 0
    @Option(name: .long, help: "The kernels of a program, in its order.")
    var kernels: String?

    func run() throws {
        let (_, parsed) = try read(file)
        try parsed.verify()
        var bodies = parsed
        if let kernels {
            bodies = try read(kernels).parsed
            try bodies.verify()
        }
        let subject = try runnable(parsed)
        let results = try interpret(subject, path: file, seed: seed, kernels: bodies)
        standardOutput(
            global.json
                ? JSON.object([
                    schema("run"), ("kind", .string(subject.kind.rawValue)), ("seed", .string(String(seed))),
                    ("results", .array(results.map(\.json))),
                ]).text
                : summaryText(results))
    }
}
