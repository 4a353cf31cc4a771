// Rows as columns: what SQLite stores, what a key is computed over, and what `dump` prints are one list of fields.
// Input: a row. Output: its canonical text, its key (the digest of that text), or the row read back from SQLite. The
// text is `table`, then a line per column: `name value`; a free text is `name (bytes) text`, so that no text can
// imitate another row. Reading back trusts nothing: a hand-edited or damaged row yields a `RowFlaw`, not a trap.

import Basics
import GRDB

/// A row of a fact table, or of the cache.
package protocol StoredRow: Hashable, Sendable {
    static var tableName: String { get }
    /// Columns after `key`, in the order of `fields`.
    static var columns: [Column] { get }
    var fields: [Field] { get }
    init(_ reader: inout RowReader) throws(RowFlaw)
}

/// A row of a fact table.
package protocol FactRow: StoredRow {
    static var table: FactTable { get }
}

extension FactRow {
    package static var tableName: String { table.rawValue }
}

/// The value of one column.
package enum Field: Hashable, Sendable {
    case digest(Digest)
    case text(String)
    /// A text that may be as long as a model.
    case bigText(String)
    case integer(Int)
    case real(Double)
    case reals([Double])
    case flag(Bool)
}

/// The name and kind of one column.
package struct Column: Hashable, Sendable {
    enum Kind: Hashable, Sendable { case digest, text, bigText, integer, real, reals, flag }
    let name: String
    let kind: Kind

    static func digest(_ name: String) -> Column { Column(name: name, kind: .digest) }
    static func text(_ name: String) -> Column { Column(name: name, kind: .text) }
    static func bigText(_ name: String) -> Column { Column(name: name, kind: .bigText) }
    static func integer(_ name: String) -> Column { Column(name: name, kind: .integer) }
    static func real(_ name: String) -> Column { Column(name: name, kind: .real) }
    static func reals(_ name: String) -> Column { Column(name: name, kind: .reals) }
    static func flag(_ name: String) -> Column { Column(name: name, kind: .flag) }
}

/// What is wrong with one column of a row.
package enum RowFlaw: Error, Hashable, Sendable {
    case notANumber(column: String)
    case tooLong(column: String, bytes: Int, bytesMax: Int)
    case zeroByte(column: String)
    case notADigest(column: String)
    case wrongType(column: String)
}

/// Longest text of a column, in bytes.
let textBytesMax = 1 << 20
/// Longest text of a graph or program, in bytes.
let bigTextBytesMax = 64 << 20

extension StoredRow {
    /// The digest of the canonical text: what makes two rows one.
    package var key: Digest { Digest(of: canonicalText) }

    /// The row as text; equal texts, equal rows.
    package var canonicalText: String {
        var out = Self.tableName + "\n"
        for (column, field) in zip(Self.columns, fields) {
            out += column.name
            switch field {
            case .digest(let digest): out += " \(digest.hex)\n"
            case .text(let text), .bigText(let text): out += " (\(text.utf8.count)) \(text)\n"
            case .integer(let value): out += " \(value)\n"
            case .real(let value): out += " \(realText(value))\n"
            case .reals(let values): out += " [\(values.map(realText).joined(separator: " "))]\n"
            case .flag(let value): out += value ? " true\n" : " false\n"
            }
        }
        return out
    }

    /// Why this row cannot be stored, `nil` when it can.
    var flaw: RowFlaw? {
        for (column, field) in zip(Self.columns, fields) {
            switch field {
            case .digest, .integer, .flag: continue
            case .text(let text): if let flaw = textFlaw(text, column, textBytesMax) { return flaw }
            case .bigText(let text): if let flaw = textFlaw(text, column, bigTextBytesMax) { return flaw }
            case .real(let value): if value.isNaN { return .notANumber(column: column.name) }
            case .reals(let values): if values.contains(where: \.isNaN) { return .notANumber(column: column.name) }
            }
        }
        return nil
    }

    /// What SQLite stores, in the order of the columns.
    var databaseValues: [DatabaseValue] {
        fields.map { field in
            switch field {
            case .digest(let digest): digest.hex.databaseValue
            case .text(let text), .bigText(let text): text.databaseValue
            case .integer(let value): value.databaseValue
            case .real(let value): value.databaseValue
            case .reals(let values): values.map(realText).joined(separator: " ").databaseValue
            case .flag(let value): (value ? 1 : 0).databaseValue
            }
        }
    }

    /// `key, column, …` with an optional prefix for joins.
    static func selection(_ prefix: String = "") -> String {
        ([prefix + "key"] + columns.map { prefix + $0.name }).joined(separator: ", ")
    }
}

private func textFlaw(_ text: String, _ column: Column, _ bytesMax: Int) -> RowFlaw? {
    if text.utf8.count > bytesMax {
        return .tooLong(column: column.name, bytes: text.utf8.count, bytesMax: bytesMax)
    }
    return text.utf8.contains(0) ? .zeroByte(column: column.name) : nil
}

/// Minus zero is zero here: SQLite stores it as such.
private func realText(_ value: Double) -> String { numberText(value == 0 ? 0 : value) }

/// Reads the columns of one stored row in order.
package struct RowReader {
    private let values: [DatabaseValue]
    private let columns: [Column]
    private var index = 0

    /// `row` holds `key` and then the columns.
    init(_ row: Row, _ columns: [Column]) {
        self.init(values: columns.indices.map { row[$0 + 1] as DatabaseValue }, columns)
    }

    /// One value per column.
    init(values: [DatabaseValue], _ columns: [Column]) {
        precondition(values.count == columns.count, "one value per column")
        self.values = values
        self.columns = columns
    }

    private mutating func next() -> (name: String, value: DatabaseValue) {
        defer { index += 1 }
        return (columns[index].name, values[index])
    }

    mutating func digest() throws(RowFlaw) -> Digest {
        let (name, value) = next()
        guard case .string(let hex) = value.storage, let digest = Digest(hex: hex) else {
            throw .notADigest(column: name)
        }
        return digest
    }

    mutating func text() throws(RowFlaw) -> String {
        let (name, value) = next()
        guard case .string(let text) = value.storage else { throw .wrongType(column: name) }
        return text
    }

    mutating func bigText() throws(RowFlaw) -> String { try text() }

    mutating func integer() throws(RowFlaw) -> Int {
        let (name, value) = next()
        guard case .int64(let number) = value.storage else { throw .wrongType(column: name) }
        return Int(number)
    }

    mutating func real() throws(RowFlaw) -> Double {
        let (name, value) = next()
        guard case .double(let number) = value.storage else { throw .wrongType(column: name) }
        return number
    }

    mutating func reals() throws(RowFlaw) -> [Double] {
        let (name, value) = next()
        guard case .string(let text) = value.storage else { throw .wrongType(column: name) }
        var numbers: [Double] = []
        for part in text.split(separator: " ") {
            guard let number = realValue(part) else { throw .notANumber(column: name) }
            numbers.append(number)
        }
        return numbers
    }

    mutating func flag() throws(RowFlaw) -> Bool {
        let (name, value) = next()
        switch value.storage {
        case .int64(0): return false
        case .int64(1): return true
        case .int64, .null, .double, .string, .blob: throw .wrongType(column: name)
        }
    }
}

/// Parses what `numberText` prints; no number for NaN.
func realValue(_ text: some StringProtocol) -> Double? {
    if text.hasPrefix("0x"), text.hasSuffix("f64") {
        guard let bits = UInt64(text.dropFirst(2).dropLast(3), radix: 16) else { return nil }
        let value = Double(bitPattern: bits)
        return value.isNaN ? nil : value
    }
    guard let value = Double(String(text)), value.isFinite else { return nil }
    return value
}
