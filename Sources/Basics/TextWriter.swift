// Writes the texts: bytes are appended, lines are indented by two spaces per open block.

package struct TextWriter: Sendable {
    package private(set) var bytes: [UInt8] = []
    private var depth = 0

    package init() {}

    /// Appends `text` to the current line.
    package mutating func write(_ text: String) { bytes.append(contentsOf: text.utf8) }

    /// Writes one whole line at the current indentation.
    package mutating func line(_ text: String) {
        for _ in 0..<depth { write("  ") }
        write(text)
        write("\n")
    }

    /// Writes `head {`, the body one level deeper, and `}` followed by `tail`.
    package mutating func block(_ head: String, tail: String = "", _ body: (inout TextWriter) -> Void) {
        line(head + " {")
        depth += 1
        body(&self)
        depth -= 1
        line("}" + tail)
    }

    package var text: String { String(decoding: bytes, as: UTF8.self) }
}

/// The shortest text that parses back to the same number; NaN, infinities and minus zero as hex bits.
package func numberText(_ value: Float) -> String {
    if !value.isFinite || (value == 0 && value.sign == .minus) {
        return "0x" + String(value.bitPattern, radix: 16) + "f32"
    }
    return value.description
}

package func numberText(_ value: Double) -> String {
    if !value.isFinite || (value == 0 && value.sign == .minus) {
        return "0x" + String(value.bitPattern, radix: 16) + "f64"
    }
    return value.description
}
