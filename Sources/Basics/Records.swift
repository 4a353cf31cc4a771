// Records carry texts inside texts: a line per field, `name (bytes) text`, so that no text can imitate another field.
// Jobs and units of work are records; the parser takes exactly what the writer prints.

package struct RecordWriter: Sendable {
    package private(set) var text: String

    /// Starts a record of `kind`, a single word.
    package init(kind: String) { text = kind + "\n" }

    package mutating func field(_ name: String, _ value: String) { text += "\(name) (\(value.utf8.count)) \(value)\n" }
    package mutating func field(_ name: String, _ value: Int) { field(name, String(value)) }
    package mutating func field(_ name: String, _ value: Double) { field(name, numberText(value)) }
    package mutating func field(_ name: String, _ value: Digest) { field(name, value.hex) }
}

/// A record did not parse.
package struct RecordError: Explained, Equatable {
    package var message: String
    package init(_ message: String) { self.message = message }
    package var sentence: String { "a record is damaged: \(message)" }
}

package struct RecordReader: Sendable {
    package let kind: String
    private var fields: [(name: String, value: String)] = []
    private var at = 0

    package init(_ text: String) throws(RecordError) {
        var rest = Substring(text).utf8
        guard let end = rest.firstIndex(of: 0x0a), let kind = String(rest[..<end]) else {
            throw RecordError("it has no kind")
        }
        self.kind = kind
        rest = rest[rest.index(after: end)...]
        while !rest.isEmpty {
            guard let space = rest.firstIndex(of: 0x20), let name = String(rest[..<space]) else {
                throw RecordError("a field without a name")
            }
            rest = rest[rest.index(after: space)...]
            guard rest.first == 0x28, let close = rest.firstIndex(of: 0x29),
                let count = Int(String(rest[rest.index(after: rest.startIndex)..<close]) ?? ""), count >= 0
            else { throw RecordError("field '\(escaped(name, limit: 40))' has no size") }
            rest = rest[rest.index(after: close)...]
            guard rest.first == 0x20, count <= rest.count - 2 else {
                throw RecordError("field '\(escaped(name, limit: 40))' is cut off")
            }
            rest = rest.dropFirst()
            let stop = rest.index(rest.startIndex, offsetBy: count)
            guard rest[stop] == 0x0a, let value = String(rest[..<stop]) else {
                throw RecordError("field '\(escaped(name, limit: 40))' does not end where it says")
            }
            fields.append((name, value))
            rest = rest[rest.index(after: stop)...]
        }
    }

    /// The name of the next field; `nil` at the end.
    package var next: String? { at < fields.count ? fields[at].name : nil }

    package mutating func string(_ name: String) throws(RecordError) -> String {
        guard at < fields.count, fields[at].name == name else {
            throw RecordError("expected field '\(name)', found '\(escaped(next ?? "the end", limit: 40))'")
        }
        at += 1
        return fields[at - 1].value
    }

    package mutating func integer(_ name: String) throws(RecordError) -> Int {
        let text = try string(name)
        guard let value = Int(text) else { throw RecordError("field '\(name)' is no integer") }
        return value
    }

    package mutating func double(_ name: String) throws(RecordError) -> Double {
        let text = try string(name)
        guard let value = Double(text), value.isFinite else { throw RecordError("field '\(name)' is no number") }
        return value
    }

    package mutating func digest(_ name: String) throws(RecordError) -> Digest {
        let text = try string(name)
        guard let value = Digest(hex: text) else { throw RecordError("field '\(name)' is no digest") }
        return value
    }
}
