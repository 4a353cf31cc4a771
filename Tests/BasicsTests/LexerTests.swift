// Tokens, positions and limits of the one lexer that every text goes through. Errors carry the position of the token
// that did not fit.

import Basics
import Testing

@Suite struct LexerTests {
    private func tokens(_ text: String) throws(SyntaxError) -> [Lexer.Token] {
        var lexer = try Lexer(text)
        var out: [Lexer.Token] = []
        while lexer.token != .end {
            out.append(lexer.token)
            try lexer.advance()
        }
        return out
    }

    /// The sentence of the error that `body` throws.
    private func refusal(_ text: String, _ body: (inout Lexer) throws(SyntaxError) -> Void) -> String? {
        do throws(SyntaxError) {
            var lexer = try Lexer(text)
            try body(&lexer)
            return nil
        } catch {
            return error.sentence
        }
    }

    @Test func wordsNumbersStringsAndMarks() throws {
        #expect(
            try tokens("abc _x9 a.b.c t0: f32[128,768] \"q\" -> x")
                == [
                    .word("abc"), .word("_x9"), .word("a.b.c"), .word("t0"), .mark(":"), .word("f32"), .mark("["),
                    .number("128"), .mark(","), .number("768"), .mark("]"), .string("q"), .mark("->"), .word("x"),
                ])
    }

    @Test func numbersKeepTheirSpelling() throws {
        #expect(
            try tokens("0 007 1.5 2e-7 2E+7 0x7fc00000f32 1e308 3.x")
                == [
                    .number("0"), .number("007"), .number("1.5"), .number("2e-7"), .number("2E+7"),
                    .number("0x7fc00000f32"), .number("1e308"), .number("3"), .mark("."), .word("x"),
                ])
        // a sign belongs to an exponent of a decimal only, never to a hex digit e
        #expect(try tokens("0xe-1") == [.number("0xe"), .mark("-"), .number("1")])
        #expect(try tokens("1-1") == [.number("1"), .mark("-"), .number("1")])
    }

    @Test func rangesAreNeitherWordNorNumber() throws {
        #expect(try tokens("0..<64") == [.number("0"), .mark("..<"), .number("64")])
        #expect(try tokens("a..<b") == [.word("a"), .mark("..<"), .word("b")])
    }

    @Test func longMarksAreGreedy() throws {
        #expect(
            try tokens("== != <= >= && || += <- -> = < ! &")
                == ["==", "!=", "<=", ">=", "&&", "||", "+=", "<-", "->", "=", "<", "!", "&"].map { .mark($0) })
    }

    @Test func blanksAndCommentsSeparate() throws {
        #expect(try tokens(" a\t// b \"c\n\r\n d//") == [.word("a"), .word("d")])
        #expect(try tokens("a / b") == [.word("a"), .mark("/"), .word("b")])
        #expect(try tokens("// only") == [])
        #expect(try tokens("") == [])
    }

    @Test func stringsWithEscapes() throws {
        #expect(try tokens(#""a\"b\\c\nd é//""#) == [.string("a\"b\\c\nd é//")])
        #expect(
            refusal("x\n  \"abc") { lexer throws(SyntaxError) in try lexer.advance() }
                == "line 2, column 3: a string without its closing quote")
        #expect(refusal(#""a\q""#) { _ in } == "line 1, column 1: unknown escape in a string")
        #expect(refusal("\"a\\") { _ in } == "line 1, column 1: a string without its closing quote")
    }

    @Test func bytesThatNoTextMayHold() {
        #expect(
            refusal("a é") { lexer throws(SyntaxError) in try lexer.advance() }
                == "line 1, column 3: a byte that no text may hold")
        #expect(refusal("\u{0}") { _ in } == "line 1, column 1: a byte that no text may hold")
        #expect(refusal("\u{7f}") { _ in } == "line 1, column 1: a byte that no text may hold")
    }

    @Test func positionsCountFromOne() throws {
        var lexer = try Lexer("one\n  two // x\n\n three")
        #expect(lexer.position == SourcePosition(line: 1, column: 1))
        try lexer.advance()
        #expect(lexer.position == SourcePosition(line: 2, column: 3))
        try lexer.advance()
        #expect(lexer.position == SourcePosition(line: 4, column: 2))
        #expect(lexer.position.description == "4:2")
        try lexer.advance()
        #expect(lexer.position == SourcePosition(line: 4, column: 7))
        #expect(lexer.token == .end)
        try lexer.advance()
        #expect(lexer.token == .end)
    }

    @Test func integersReachTheLimitsOf64Bits() throws {
        for value in [0, 1, -1, Int.max, Int.min, 1 << 40] {
            var lexer = try Lexer("\(value)")
            #expect(try lexer.integer("a count") == value)
            #expect(lexer.token == .end)
        }
        func read(_ text: String) -> String? {
            refusal(text) { lexer throws(SyntaxError) in _ = try lexer.integer("a count") }
        }
        #expect(read("9223372036854775808") == "line 1, column 1: a count does not fit 64 bits")
        #expect(read("-9223372036854775809") == "line 1, column 2: a count does not fit 64 bits")
        #expect(read("99999999999999999999") == "line 1, column 1: expected a count, found '99999999999999999999'")
        #expect(read("1.5") == "line 1, column 1: expected a count, found '1.5'")
        #expect(read("0x10") == "line 1, column 1: expected a count, found '0x10'")
        #expect(read("--1") == "line 1, column 2: expected a count, found '-'")
        #expect(read("") == "line 1, column 1: expected a count, found the end of the text")
    }

    @Test func whatIsFoundIsQuotedAndShortened() {
        #expect(
            refusal("a b") { lexer throws(SyntaxError) in try lexer.expect("{") }
                == "line 1, column 1: expected '{', found 'a'")
        #expect(
            refusal("\"x\\ny\"") { lexer throws(SyntaxError) in _ = try lexer.word("a name") }
                == "line 1, column 1: expected a name, found \"x\\ny\"")
        #expect(
            refusal("{") { lexer throws(SyntaxError) in try lexer.expectWord("kernel") }
                == "line 1, column 1: expected 'kernel', found '{'")
        #expect(
            refusal("7") { lexer throws(SyntaxError) in _ = try lexer.string("a name") }
                == "line 1, column 1: expected a name, found '7'")
        let long = String(repeating: "a", count: 1000)
        #expect(
            refusal(long) { lexer throws(SyntaxError) in try lexer.expect("(") }
                == "line 1, column 1: expected '(', found '\(String(repeating: "a", count: 40))…'")
    }

    @Test func takingLeavesWhatDoesNotFit() throws {
        var lexer = try Lexer("a , b")
        #expect(try !lexer.take(","))
        #expect(try !lexer.takeWord("b"))
        #expect(try lexer.takeWord("a"))
        #expect(try lexer.take(","))
        #expect(try lexer.word("a name") == "b")
    }

    @Test func listsEndAtTheirMark() throws {
        func read(_ text: String) throws(SyntaxError) -> [Int] {
            var lexer = try Lexer(text)
            var out: [Int] = []
            try lexer.list(until: "]") { lexer throws(SyntaxError) in out.append(try lexer.integer("a number")) }
            return out
        }
        #expect(try read("]") == [])
        #expect(try read("1]") == [1])
        #expect(try read("1, -2 ,3]") == [1, -2, 3])
        #expect(throws: SyntaxError("expected ']', found '2'", at: SourcePosition(line: 1, column: 3))) {
            try read("1 2]")
        }
        #expect(throws: SyntaxError("expected a number, found ']'", at: SourcePosition(line: 1, column: 4))) {
            try read("1, ]")
        }
        #expect(throws: SyntaxError("expected ']', found the end of the text", at: SourcePosition(line: 1, column: 2)))
        {
            try read("1")
        }
    }
}
