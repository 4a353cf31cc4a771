// The one lexer of all texts. Works on bytes, skips spaces and `//` comments, and yields tokens on demand.
// Identifiers are `[A-Za-z_][A-Za-z0-9_.]*`; a number keeps its spelling; punctuation is matched greedily from a
// fixed list. Parsers are recursive descent over this, and every error carries a position.

package struct Lexer: Sendable {
    package enum Token: Hashable, Sendable {
        case word(String)
        case number(String)
        case string(String)
        case mark(String)
        case end
    }

    private let bytes: [UInt8]
    private var at = 0
    private var tokenStart = 0
    package private(set) var token: Token = .end

    /// Positions the lexer on the first token.
    package init(_ text: String) throws(SyntaxError) { try self.init(bytes: Array(text.utf8)) }

    package init(bytes: [UInt8]) throws(SyntaxError) {
        self.bytes = bytes
        try advance()
    }

    /// Where the current token starts.
    package var position: SourcePosition {
        var line = 1
        var column = 1
        for byte in bytes[..<min(tokenStart, bytes.count)] {
            if byte == 0x0a {
                line += 1
                column = 1
            } else {
                column += 1
            }
        }
        return SourcePosition(line: line, column: column)
    }

    package func fail(_ message: String) -> SyntaxError { SyntaxError(message, at: position) }

    /// Reads the next token.
    package mutating func advance() throws(SyntaxError) {
        skipBlank()
        tokenStart = at
        guard at < bytes.count else {
            token = .end
            return
        }
        let first = bytes[at]
        if Lexer.startsWord(first) {
            while at < bytes.count, Lexer.startsWord(bytes[at]) || Lexer.isDigit(bytes[at]) || bytes[at] == 0x2e {
                // ".." is a range mark, never part of a word
                if bytes[at] == 0x2e, at + 1 < bytes.count, bytes[at + 1] == 0x2e { break }
                at += 1
            }
            token = .word(spelling)
        } else if Lexer.isDigit(first) {
            readNumber()
            token = .number(spelling)
        } else if first == 0x22 {
            token = .string(try readString())
        } else {
            token = .mark(try readMark())
        }
    }

    /// Takes `mark` if it is next.
    package mutating func take(_ mark: String) throws(SyntaxError) -> Bool {
        guard token == .mark(mark) else { return false }
        try advance()
        return true
    }

    package mutating func takeWord(_ word: String) throws(SyntaxError) -> Bool {
        guard token == .word(word) else { return false }
        try advance()
        return true
    }

    package mutating func expect(_ mark: String) throws(SyntaxError) {
        guard try take(mark) else { throw fail("expected '\(mark)', found \(found)") }
    }

    package mutating func expectWord(_ word: String) throws(SyntaxError) {
        guard try takeWord(word) else { throw fail("expected '\(word)', found \(found)") }
    }

    package mutating func word(_ what: String) throws(SyntaxError) -> String {
        guard case .word(let text) = token else { throw fail("expected \(what), found \(found)") }
        try advance()
        return text
    }

    package mutating func string(_ what: String) throws(SyntaxError) -> String {
        guard case .string(let text) = token else { throw fail("expected \(what), found \(found)") }
        try advance()
        return text
    }

    /// An integer with optional minus sign.
    package mutating func integer(_ what: String) throws(SyntaxError) -> Int {
        let negative = try take("-")
        guard case .number(let text) = token, let magnitude = UInt64(text) else {
            throw fail("expected \(what), found \(found)")
        }
        let value: Int
        if negative, magnitude == UInt64(Int.max) + 1 {
            value = Int.min
        } else {
            guard let small = Int(exactly: magnitude) else { throw fail("\(what) does not fit 64 bits") }
            value = negative ? -small : small
        }
        try advance()
        return value
    }

    /// Items separated by commas up to `close`, which is taken.
    package mutating func list(
        until close: String, _ item: (inout Lexer) throws(SyntaxError) -> Void
    ) throws(SyntaxError) {
        if try take(close) { return }
        repeat { try item(&self) } while try take(",")
        try expect(close)
    }

    /// The current token as a person would quote it.
    package var found: String {
        switch token {
        case .word(let text), .number(let text), .mark(let text): return "'\(escaped(text, limit: 40))'"
        case .string(let text): return "\"\(escaped(text, limit: 40))\""
        case .end: return "the end of the text"
        }
    }

    private var spelling: String { String(decoding: bytes[tokenStart..<at], as: UTF8.self) }

    private mutating func skipBlank() {
        while at < bytes.count {
            let byte = bytes[at]
            if byte == 0x20 || byte == 0x0a || byte == 0x09 || byte == 0x0d {
                at += 1
            } else if byte == 0x2f, at + 1 < bytes.count, bytes[at + 1] == 0x2f {
                while at < bytes.count, bytes[at] != 0x0a { at += 1 }
            } else {
                return
            }
        }
    }

    private mutating func readNumber() {
        while at < bytes.count {
            let byte = bytes[at]
            let exponentSign =
                (byte == 0x2b || byte == 0x2d) && !isHex && (bytes[at - 1] == 0x65 || bytes[at - 1] == 0x45)
            if byte == 0x2e {
                guard at + 1 < bytes.count, Lexer.isDigit(bytes[at + 1]) else { return }
            } else if !Lexer.isDigit(byte), !Lexer.startsWord(byte), !exponentSign {
                return
            }
            at += 1
        }
    }

    private var isHex: Bool { tokenStart + 1 < bytes.count && bytes[tokenStart + 1] == 0x78 }

    private mutating func readString() throws(SyntaxError) -> String {
        var out: [UInt8] = []
        at += 1
        while at < bytes.count, bytes[at] != 0x22 {
            if bytes[at] == 0x5c {
                at += 1
                guard at < bytes.count else { break }
                switch bytes[at] {
                case 0x6e: out.append(0x0a)
                case 0x5c, 0x22: out.append(bytes[at])
                default: throw fail("unknown escape in a string")
                }
            } else {
                out.append(bytes[at])
            }
            at += 1
        }
        guard at < bytes.count else { throw fail("a string without its closing quote") }
        at += 1
        return String(decoding: out, as: UTF8.self)
    }

    private static let longMarks: [[UInt8]] = ["..<", "->", "<-", "==", "!=", "<=", ">=", "&&", "||", "+="].map {
        Array($0.utf8)
    }

    private mutating func readMark() throws(SyntaxError) -> String {
        for mark in Lexer.longMarks where bytes[at...].starts(with: mark) {
            at += mark.count
            return spelling
        }
        guard (0x21...0x7e).contains(bytes[at]) else { throw fail("a byte that no text may hold") }
        at += 1
        return spelling
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    private static func startsWord(_ byte: UInt8) -> Bool {
        (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || byte == 0x5f
    }
}
