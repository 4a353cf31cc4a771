// `ironworks operators`: which operators of a model are imported, in which versions; one of them by its name; or the
// page docs/operators.md. Input: nothing but a name. Output: a table, JSON, or Markdown on stdout.

import ArgumentParser
import Basics
import Glibc
import ONNXImport

struct OperatorsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "operators", abstract: "Lists the ONNX operators that are imported, or shows one.",
        discussion: "Versions are those of the operator set that a model imports.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "One operator, as ONNX spells it.")
    var name: String?
    @Flag(name: .long, help: "Print the page docs/operators.md.")
    var markdown = false

    func run() throws {
        if markdown, name != nil || global.json { throw OperatorsError.pageIsWhole }
        if markdown {
            // the page ends in a newline of its own
            writeAll(STDOUT_FILENO, operatorPage(operatorListing()))
            return
        }
        let report = try OperatorsReport(name: name)
        standardOutput(global.json ? report.json.text : report.text)
    }
}

enum OperatorsError: Explained, Equatable {
    case unknown(name: String, alike: [String])
    case pageIsWhole

    var sentence: String {
        switch self {
        case .unknown(let name, let alike):
            "'\(escaped(name, limit: 80))' is no operator of ONNX or com.microsoft: "
                + (alike.isEmpty
                    ? "'ironworks operators' lists those that are imported"
                    : "did you mean " + alike.joined(separator: ", ").replacingLast(", ", with: " or ") + "?")
        case .pageIsWhole: "--markdown prints the whole page: give neither a name nor --json with it"
        }
    }
}

/// Operators as a table and as JSON.
struct OperatorsReport {
    var entries: [OperatorEntry]

    /// The operator of this name in each domain that has one, imported or not; without a name all that are imported.
    init(name: String?) throws(OperatorsError) {
        let all = operatorListing()
        guard let name else {
            entries = all.filter(\.isImported)
            return
        }
        entries = all.filter { $0.name == name }
        if entries.isEmpty { throw .unknown(name: name, alike: operatorNames(like: name, in: all)) }
    }

    var text: String {
        let head = ["operator", "domain", "versions", "definitions", "area"]
        let rows = entries.map { entry in
            [
                entry.name, entry.domain.rawValue, entry.isImported ? entry.versionsText : "-",
                entry.isImported ? entry.definitionsText : "-", entry.area.rawValue,
            ]
        }
        let refusals = entries.compactMap { entry in
            entry.refusal.map { "\(entry.name) of \(entry.domain.rawValue) is not imported: \($0)" }
        }
        return ([table([head] + rows)] + refusals).joined(separator: "\n")
    }

    var json: JSON {
        .object([
            ("schema", .string("ironworks.operators/1")),
            ("operators", .array(entries.map(OperatorsReport.json))),
        ])
    }

    private static func json(_ entry: OperatorEntry) -> JSON {
        .object([
            ("name", .string(entry.name)), ("domain", .string(entry.domain.rawValue)),
            ("area", .string(entry.area.rawValue)), ("imported", .boolean(entry.isImported)),
            (
                "versions",
                .array(entry.versions.map { .array([.integer($0.lowerBound), .integer($0.upperBound)]) })
            ),
            ("definitions", .array(entry.definitions.filter(\.isImported).map { .integer($0.since) })),
            ("reason", entry.refusal.map { .string($0) }),
        ])
    }
}
