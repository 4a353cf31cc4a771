// `ironworks test`: ONNX test cases through the whole pipeline with first choices. Several cases run in a process each,
// so that one that brings its process down is one failure. Input: folders. Output: a line per failure, then the counts;
// exit code 1 when any failed.

import ArgumentParser
import Basics
import Glibc
import Runtime

struct TestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Runs ONNX test cases (model.onnx with test_data_set folders).")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "Folders of test cases, or folders that hold such folders.")
    var folders: [String]

    private static let caseWallMs = 300_000

    func run() throws {
        var cases: [TestCase] = []
        for folder in folders { cases += try TestCase.all(in: folder) }
        let progress = Progress(global)
        var tally = TestTally()
        if cases.count == 1 {
            let shop = try ModelShop(catalogPath: nil, progress)
            note(cases[0], cases[0].verdict(shop, try ProgramBench()), &tally, progress)
        } else {
            // calibrates, and finds out that there is a compiler, before there is anything to repeat
            _ = try ModelShop(catalogPath: nil, progress)
            for test in cases { note(test, try verdictInChild(test), &tally, progress) }
        }
        standardOutput(global.json ? tally.json.text : tally.line)
        if tally.failed > 0 { throw ExitCode(1) }
    }

    private func note(_ test: TestCase, _ verdict: Verdict, _ tally: inout TestTally, _ progress: Progress) {
        tally.add(test.name, verdict)
        if !global.json, let line = TestTally.line(test.name, verdict) { standardOutput(line) }
        if case .passed = verdict { progress.detail("passed \(escaped(test.name))") }
    }

    private func verdictInChild(_ test: TestCase) throws -> Verdict {
        var variables = ["LC_ALL=C", "SWIFT_BACKTRACE=enable=no"]
        for name in ["PATH", "HOME", "TMPDIR", "IRONWORKS_CACHE"] {
            if let value = environment(name) { variables.append("\(name)=\(value)") }
        }
        let result = try runTool(
            "/proc/self/exe", ["test", "--quiet", Folder.absolute(test.folder)], environment: variables,
            wallMs: TestCommand.caseWallMs)
        return TestTally.verdict(ofChild: result.end, output: result.output, name: test.name)
    }
}

/// The counts, and the lines by which a process tells another what it found. Pure.
struct TestTally: Equatable {
    private(set) var cases: [Case] = []

    struct Case: Equatable {
        var name: String
        var verdict: Verdict
    }

    mutating func add(_ name: String, _ verdict: Verdict) { cases.append(Case(name: name, verdict: verdict)) }

    var passed: Int { cases.count { $0.verdict == .passed } }
    var skipped: Int {
        cases.count { test in
            if case .skipped = test.verdict { return true }
            return false
        }
    }
    var failed: Int { cases.count - passed - skipped }

    var line: String { "\(passed) passed, \(failed) failed, \(skipped) skipped" }

    /// What a person reads of a case that did not pass.
    static func line(_ name: String, _ verdict: Verdict) -> String? {
        switch verdict {
        case .passed: nil
        case .failed(let reason): "FAIL \(escaped(name)): \(reason)"
        case .skipped(let reason): "skip \(escaped(name)): \(reason)"
        }
    }

    /// The verdict of a child that ran exactly this case.
    static func verdict(ofChild end: ChildProcess.End?, output: String, name: String) -> Verdict {
        let lines = output.split(separator: "\n").map(String.init)
        func reason(_ word: String) -> String? {
            let head = "\(word) \(escaped(name)): "
            return lines.first { $0.hasPrefix(head) }.map { String($0.dropFirst(head.count)) }
        }
        switch end {
        case .exited(0)?: return reason("skip").map(Verdict.skipped) ?? .passed
        case .exited?: return .failed(reason("FAIL") ?? lines.last ?? "it said nothing")
        case .signalled(let signal)?: return .failed("this program crashed with signal \(signal); please report it")
        case nil: return .failed("it did not end in time")
        }
    }

    var json: JSON {
        .object([
            ("schema", .string("ironworks.test/1")),
            (
                "cases",
                .array(
                    cases.map { test in
                        let (outcome, reason) = TestTally.words(test.verdict)
                        return .object([
                            ("name", .string(test.name)), ("outcome", .string(outcome)),
                            ("reason", reason.map(JSON.string)),
                        ])
                    })
            ), ("passed", .integer(passed)), ("failed", .integer(failed)), ("skipped", .integer(skipped)),
        ])
    }

    private static func words(_ verdict: Verdict) -> (outcome: String, reason: String?) {
        switch verdict {
        case .passed: ("passed", nil)
        case .failed(let reason): ("failed", reason)
        case .skipped(let reason): ("skipped", reason)
        }
    }
}
