// Bad input is thrown as a closed enum that carries facts; one file per module renders each case into a sentence
// that says what happened, where, and what to do next. Shells print `sentence` and never anything else.

/// An error that a person may see.
package protocol Explained: Error, Sendable, CustomStringConvertible {
    /// One sentence: what happened, where, what to do next. No trailing newline.
    var sentence: String { get }
}

extension Explained {
    package var description: String { sentence }
}

/// Where in a text something stands, both counted from 1.
package struct SourcePosition: Hashable, Sendable, CustomStringConvertible {
    package var line: Int
    package var column: Int
    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
    package var description: String { "\(line):\(column)" }
}

/// A text did not parse.
package struct SyntaxError: Explained, Equatable {
    package var position: SourcePosition
    package var message: String
    package init(_ message: String, at position: SourcePosition) {
        self.position = position
        self.message = message
    }
    package var sentence: String { "line \(position.line), column \(position.column): \(message)" }
}

/// Makes bytes from a model, job or peer safe to print: control characters and quotes become escapes.
package func escaped(_ text: String, limit: Int = 200) -> String {
    var out = ""
    for scalar in text.unicodeScalars {
        if out.utf8.count >= limit { return out + "…" }
        switch scalar {
        case "\"": out += "\\\""
        case "\\": out += "\\\\"
        case "\n": out += "\\n"
        default:
            if scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) || (0x2028...0x202e).contains(scalar.value) {
                out += "\\u{" + String(scalar.value, radix: 16) + "}"
            } else {
                out.unicodeScalars.append(scalar)
            }
        }
    }
    return out
}
