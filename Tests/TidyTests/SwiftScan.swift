// Blanks what is not code in a Swift text, so that a check never trips over a comment or over a program in a string
// literal (the emitters are full of C). In: a text. Out: the same text with comments, and on request the insides of
// string literals, as spaces; lines and columns stay. Code inside an interpolation stays code.

import Glibc

/// The text without comments and without the insides of strings, line by line.
func codeLines(_ text: String) -> [Substring] {
    blanked(text, strings: true).split(separator: "\n", omittingEmptySubsequences: false)
}

/// Blanks comments, and the insides of string literals when `strings` is set.
func blanked(_ text: String, strings: Bool) -> String {
    var scan = SwiftScan(text, blanksStrings: strings)
    scan.run()
    return String(decoding: scan.bytes, as: UTF8.self)
}

private struct SwiftScan {
    var bytes: [UInt8]
    private let blanksStrings: Bool
    private var at = 0
    private var modes: [Mode] = [.code(parentheses: 0)]

    private enum Mode {
        case code(parentheses: Int)
        case literal(hashes: Int, isBlock: Bool)
    }

    init(_ text: String, blanksStrings: Bool) {
        bytes = Array(text.utf8)
        self.blanksStrings = blanksStrings
    }

    mutating func run() {
        while at < bytes.count, let mode = modes.last {
            switch mode {
            case .code(let parentheses): code(parentheses)
            case .literal(let hashes, let isBlock): literal(hashes, isBlock)
            }
        }
    }

    private mutating func code(_ parentheses: Int) {
        if matches("//", at) {
            while at < bytes.count, bytes[at] != newline { blank() }
        } else if matches("/*", at) {
            comment()
        } else if let hashes = literalStarts() {
            let isBlock = matches("\"\"\"", at + hashes)
            at += hashes + (isBlock ? 3 : 1)
            modes.append(.literal(hashes: hashes, isBlock: isBlock))
        } else {
            if bytes[at] == open {
                modes[modes.count - 1] = .code(parentheses: parentheses + 1)
            } else if bytes[at] == close {
                if parentheses == 0, modes.count > 1 {
                    modes.removeLast()
                } else {
                    modes[modes.count - 1] = .code(parentheses: max(parentheses - 1, 0))
                }
            }
            at += 1
        }
    }

    private mutating func literal(_ hashes: Int, _ isBlock: Bool) {
        let quotes = isBlock ? 3 : 1
        if bytes[at] == newline, !isBlock {
            modes.removeLast()
        } else if bytes[at] == backslash, hashRun(at + 1) >= hashes {
            let escaped = at + 1 + hashes
            if escaped < bytes.count, bytes[escaped] == open {
                at = escaped + 1
                modes.append(.code(parentheses: 0))
            } else {
                inside(count: hashes + 2)
            }
        } else if matches(isBlock ? "\"\"\"" : "\"", at), hashRun(at + quotes) >= hashes {
            at += quotes + hashes
            modes.removeLast()
        } else {
            inside(count: 1)
        }
    }

    private mutating func comment() {
        var depth = 0
        repeat {
            if matches("/*", at) {
                depth += 1
                blank()
            } else if matches("*/", at) {
                depth -= 1
                blank()
            }
            blank()
        } while depth > 0 && at < bytes.count
    }

    /// The number of `#` before a quote when a literal starts here.
    private func literalStarts() -> Int? {
        let hashes = hashRun(at)
        return matches("\"", at + hashes) ? hashes : nil
    }

    private func hashRun(_ start: Int) -> Int {
        var end = start
        while end < bytes.count, bytes[end] == hash { end += 1 }
        return end - start
    }

    private func matches(_ mark: StaticString, _ start: Int) -> Bool {
        guard start + mark.utf8CodeUnitCount <= bytes.count else { return false }
        for offset in 0..<mark.utf8CodeUnitCount where bytes[start + offset] != mark.utf8Start[offset] { return false }
        return true
    }

    private mutating func inside(count: Int) {
        for _ in 0..<count where at < bytes.count {
            if blanksStrings { blank() } else { at += 1 }
        }
    }

    private mutating func blank() {
        guard at < bytes.count else { return }
        if bytes[at] != newline { bytes[at] = space }
        at += 1
    }

    private let newline = UInt8(ascii: "\n"), space = UInt8(ascii: " "), hash = UInt8(ascii: "#")
    private let open = UInt8(ascii: "("), close = UInt8(ascii: ")"), backslash = UInt8(ascii: "\\")
}

/// Whether a byte may stand in an identifier.
func isNamePart(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
        true
    default: byte >= 0x80
    }
}

/// Whether `token` occurs in `text` at all: a quick look before a careful one.
func mentions(_ text: String, _ token: String) -> Bool {
    text.withCString { text in token.withCString { token in strstr(text, token) != nil } }
}

/// Whether `token` stands in `line`, not as a part of a longer name. With `freeStanding`, not after a dot either, and
/// not where a function of that name is declared.
func stands(_ token: String, in line: Substring, freeStanding: Bool = false) -> Bool {
    let line = Array(line.utf8)
    let token = Array(token.utf8)
    guard let first = token.first, let last = token.last, line.count >= token.count else { return false }
    for start in 0...(line.count - token.count) where line[start] == first {
        let end = start + token.count
        guard line[start..<end].elementsEqual(token) else { continue }
        if start > 0, isNamePart(first), isNamePart(line[start - 1]) { continue }
        if end < line.count, isNamePart(last), isNamePart(line[end]) { continue }
        if freeStanding, start > 0 {
            let before = String(decoding: line[..<start], as: UTF8.self)
            if before.hasSuffix(".") && !before.hasSuffix("Swift.") || before.hasSuffix("func ") { continue }
        }
        return true
    }
    return false
}
