// Rows travel as their canonical text: what a worker sends is what the catalog keys. Parsing accepts exactly what
// `canonicalText` prints, so a parsed row has the key of its text; anything else is `nil`, never a trap.

import Basics
import GRDB

extension CatalogRow {
    /// Parses what `canonicalText` prints; `nil` for any other text.
    package init?(parsing text: String) {
        var scanner = RowScanner(text)
        guard let name = scanner.line(), let table = FactTable(rawValue: name) else { return nil }
        var values: [DatabaseValue] = []
        for column in table.columns {
            guard let value = scanner.value(column) else { return nil }
            values.append(value)
        }
        guard scanner.isAtEnd else { return nil }
        var reader = RowReader(values: values, table.columns)
        guard let row = try? table.read(&reader), row.canonicalText == text else { return nil }
        self = row
    }
}

private struct RowScanner {
    private var rest: Substring.UTF8View

    init(_ text: String) { rest = Substring(text).utf8 }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func line() -> String? {
        guard let end = rest.firstIndex(of: 0x0a) else { return nil }
        let line = String(rest[..<end])
        rest = rest[rest.index(after: end)...]
        return line
    }

    mutating func value(_ column: Column) -> DatabaseValue? {
        guard skip(column.name + " ") else { return nil }
        switch column.kind {
        case .text, .bigText: return sizedText()?.databaseValue
        case .digest: return line()?.databaseValue
        case .integer: return line().flatMap(Int.init)?.databaseValue
        case .flag:
            switch line() {
            case "true": return 1.databaseValue
            case "false": return 0.databaseValue
            default: return nil
            }
        case .real: return line().flatMap(realValue)?.databaseValue
        case .reals:
            guard let line = line(), line.hasPrefix("["), line.hasSuffix("]") else { return nil }
            return String(line.dropFirst().dropLast()).databaseValue
        }
    }

    private mutating func skip(_ prefix: String) -> Bool {
        guard rest.starts(with: prefix.utf8) else { return false }
        rest = rest.dropFirst(prefix.utf8.count)
        return true
    }

    /// `(bytes) text` and a line end.
    private mutating func sizedText() -> String? {
        guard skip("("), let close = rest.firstIndex(of: 0x29), let count = Int(String(rest[..<close]) ?? "") else {
            return nil
        }
        rest = rest[rest.index(after: close)...]
        guard skip(" "), count >= 0, rest.count > count else { return nil }
        let end = rest.index(rest.startIndex, offsetBy: count)
        guard rest[end] == 0x0a, let text = String(rest[..<end]) else { return nil }
        rest = rest[rest.index(after: end)...]
        return text
    }
}
