// A JSON value that prints in one way: members in the order given, two spaces of indentation, arrays of plain values
// on one line.

package indirect enum JSONText: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    case string(String)
    case integer(Int)
    /// Finite.
    case number(Double)
    case array([JSONText])
    case object([Member])

    package struct Member: Hashable, Sendable {
        package var key: String
        package var value: JSONText
        package init(_ key: String, _ value: JSONText) {
            self.key = key
            self.value = value
        }
    }

    package init(dictionaryLiteral members: (String, JSONText)...) { self = .object(members.map(Member.init)) }

    /// The text with a final newline.
    package var text: String { text(indent: "") + "\n" }

    private func text(indent: String) -> String {
        let inner = indent + "  "
        switch self {
        case .string(let string): return jsonStringLiteral(string)
        case .integer(let value): return String(value)
        case .number(let value):
            precondition(value.isFinite, "JSON has no infinite number")
            return value.description
        case .array(let values):
            if values.allSatisfy(\.isPlain) {
                return "[" + values.map { $0.text(indent: "") }.joined(separator: ", ") + "]"
            }
            return "[\n" + values.map { inner + $0.text(indent: inner) }.joined(separator: ",\n") + "\n\(indent)]"
        case .object(let members):
            if members.isEmpty { return "{}" }
            let lines = members.map { inner + jsonStringLiteral($0.key) + ": " + $0.value.text(indent: inner) }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(indent)}"
        }
    }

    private var isPlain: Bool {
        switch self {
        case .string, .integer, .number: true
        case .array, .object: false
        }
    }
}
