// Writes untrusted text (names of a model's tensors) as literals of the languages of a bundle. Every result is plain
// ASCII without control characters, so that no reader, terminal or editor sees more than was meant. For C see
// `cStringLiteral` in Emit.

/// A JSON string, quotes included. `<`, `>` and `&` are escaped, so that the text may stand inside HTML.
package func jsonStringLiteral(_ text: String) -> String {
    var out = "\""
    for unit in text.utf16 {
        switch unit {
        case 0x22: out += "\\\""
        case 0x5c: out += "\\\\"
        case 0x3c, 0x3e, 0x26: out += "\\u" + hex(UInt32(unit), digits: 4)
        case 0x20...0x7e: out.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
        default: out += "\\u" + hex(UInt32(unit), digits: 4)
        }
    }
    return out + "\""
}

/// A Python 3 string, quotes included.
package func pythonStringLiteral(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
        switch scalar.value {
        case 0x22: out += "\\\""
        case 0x5c: out += "\\\\"
        case 0x20...0x7e: out.unicodeScalars.append(scalar)
        case ..<0x100: out += "\\x" + hex(scalar.value, digits: 2)
        case ..<0x1_0000: out += "\\u" + hex(scalar.value, digits: 4)
        default: out += "\\U" + hex(scalar.value, digits: 8)
        }
    }
    return out + "\""
}

/// Text of a Markdown paragraph or table cell that stands for itself: punctuation and other scripts become character
/// references; what cannot be seen (controls, marks of writing direction) becomes its code.
package func markdownText(_ text: String, limit: Int = 120) -> String {
    var out = ""
    for (position, scalar) in text.unicodeScalars.enumerated() {
        if position == limit { return out + "..." }
        switch scalar.value {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x20: out.unicodeScalars.append(scalar)
        case 0x21...0x7e: out += "&#\(scalar.value);"
        default: out += isSeen(scalar) ? "&#\(scalar.value);" : "U+" + hex(scalar.value, digits: 4)
        }
    }
    return out
}

private func isSeen(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
        .spaceSeparator, .nonspacingMark, .enclosingMark, .spacingMark:
        return false
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber,
        .letterNumber, .otherNumber, .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
        .initialPunctuation, .finalPunctuation, .otherPunctuation, .mathSymbol, .currencySymbol, .modifierSymbol,
        .otherSymbol:
        return true
    @unknown default: return false
    }
}

private func hex(_ value: UInt32, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
}
