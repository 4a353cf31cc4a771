// `catalog show DIGEST`: every row that the digits name, column by column with its texts, then what else is known about
// the thing: a workload's calls and candidates, a candidate's verdicts, readings and failures, a model's workloads.

import ArgumentParser
import Basics
import Catalog

struct CatalogShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows the rows that a digest, or its first digits, names.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "At least 4 digits of a digest.")
    var digest: String

    func run() throws {
        let catalog = try openForReading(global.catalogPath)
        let (digest, tables) = try resolve(digest, in: catalog)
        let shown = try ShownRows(catalog, digest, tables)
        try catalog.close()
        standardOutput(global.json ? shown.json.text : shown.text)
    }
}

struct ShownRows {
    var digest: Digest
    var rows: [CatalogRow]
    /// What refers to the digest, by what it says about it.
    var related: [(title: String, rows: [CatalogRow])]
    var voided: Set<Digest>

    init(digest: Digest, rows: [CatalogRow], related: [(title: String, rows: [CatalogRow])], voided: Set<Digest>) {
        self.digest = digest
        self.rows = rows
        self.related = related
        self.voided = voided
    }

    init(_ catalog: Catalog, _ digest: Digest, _ tables: [FactTable]) throws(CatalogError) {
        self.digest = digest
        voided = try catalog.voided()
        rows = []
        related = []
        for table in tables {
            rows += try catalog.rows(of: table, named: digest)
            related += try ShownRows.related(catalog, table, digest)
        }
        related += [("tags", try catalog.rows(TagRow.self).filter { $0.target == digest }.map(CatalogRow.tag))]
        related.removeAll(where: \.rows.isEmpty)
    }

    private static func related(
        _ catalog: Catalog, _ table: FactTable, _ digest: Digest
    ) throws(CatalogError) -> [(title: String, rows: [CatalogRow])] {
        switch table {
        case .models:
            return [
                ("calls", try catalog.calls(model: digest).map(CatalogRow.modelWorkload)),
                ("programs", try catalog.programs(model: digest).map(CatalogRow.program)),
            ]
        case .workloads:
            return [
                ("calls", try catalog.calls(workload: digest).map(CatalogRow.modelWorkload)),
                ("candidates", try catalog.candidates(workload: digest).map(CatalogRow.candidate)),
                ("finals", try catalog.finals(workload: digest).map(CatalogRow.final)),
            ]
        case .candidates:
            return [
                ("verdicts", try catalog.verdicts(candidate: digest).map(CatalogRow.verdict)),
                ("readings", try catalog.readings(candidate: digest).map(CatalogRow.reading)),
                ("failures", try catalog.failures(candidate: digest).map(CatalogRow.failure)),
                ("objects", try catalog.objectChecks(candidate: digest).map(CatalogRow.objectCheck)),
            ]
        case .jobs, .modelWorkloads, .deviceClasses, .devices, .calibrations, .toolchains, .expansions, .readings,
            .verdicts, .failures, .finals, .drifts, .objectChecks, .programs, .suspicions, .voids, .tags:
            return []
        }
    }

    var text: String {
        var out: [String] = []
        for row in rows {
            out.append("\(row.table.rawValue) \(row.key.hex)" + (voided.contains(row.key) ? " (voided)" : ""))
            out += row.columns.map { column($0.name, $0.value) }
        }
        for (title, rows) in related {
            out.append("\n\(title):")
            out += rows.map { "  " + line($0) }
        }
        return out.joined(separator: "\n")
    }

    /// A column on one line, a text of several lines below its name.
    private func column(_ name: String, _ value: Field) -> String {
        let plain = plainText(value)
        guard plain.contains("\n") else { return "  \(name): \(plain)" }
        return "  \(name):\n"
            + plain.split(separator: "\n", omittingEmptySubsequences: false).dropLast(plain.hasSuffix("\n") ? 1 : 0)
            .map { "    " + $0 }.joined(separator: "\n")
    }

    /// A row on one line: its own digest or key, then its short columns.
    private func line(_ row: CatalogRow) -> String {
        var out = row.key.short + (voided.contains(row.key) ? " (voided)" : "")
        for (name, value) in row.columns {
            switch value {
            case .digest(let digest): if digest != self.digest { out += " \(name) \(digest.short)" }
            case .text(let text), .bigText(let text):
                if !text.contains("\n"), !text.isEmpty { out += " \(name) \(escaped(text))" }
            case .integer, .real, .reals, .flag: out += " \(name) \(plainText(value))"
            }
        }
        return out
    }

    var json: JSON {
        .object([
            ("schema", .string("ironworks.catalog_show/1")), ("digest", .string(digest.hex)),
            ("rows", .array(rows.map(object))),
            (
                "related",
                .object(related.map { title, rows in (title, .array(rows.map(object))) })
            ),
        ])
    }

    private func object(_ row: CatalogRow) -> JSON {
        let head: [(String, JSON?)] = [
            ("table", .string(row.table.rawValue)), ("key", .string(row.key.hex)),
            ("voided", voided.contains(row.key) ? .boolean(true) : nil),
        ]
        return .object(head + row.columns.map { name, value in (name, jsonValue(value)) })
    }

    private func jsonValue(_ value: Field) -> JSON? {
        switch value {
        case .digest(let digest): .string(digest.hex)
        case .text(let text), .bigText(let text): .string(text)
        case .integer(let value): .integer(value)
        case .real(let value): value.isFinite ? .number(value) : nil
        case .reals(let values): .array(values.map(JSON.number))
        case .flag(let value): .boolean(value)
        }
    }
}

/// A column's value for people. Texts out of a catalog are foreign: all but their line ends is made safe to print.
private func plainText(_ value: Field) -> String {
    switch value {
    case .digest(let digest): digest.hex
    case .text(let text), .bigText(let text):
        text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { printable(String($0)) }.joined(separator: "\n")
    case .integer(let value): "\(value)"
    case .real(let value): numberText(value)
    case .reals(let values): "[" + values.map { numberText($0) }.joined(separator: " ") + "]"
    case .flag(let value): value ? "true" : "false"
    }
}

/// The text with control characters and marks that turn a line as escapes; quotes stay as they are.
func printable(_ text: String) -> String {
    var out = ""
    for scalar in text.unicodeScalars {
        let value = scalar.value
        if value < 0x20 || (0x7f...0x9f).contains(value) || (0x2028...0x202e).contains(value) {
            out += "\\u{" + String(value, radix: 16) + "}"
        } else {
            out.unicodeScalars.append(scalar)
        }
    }
    return out
}
