// Escaping, number texts, the text writer, fault points and the random sequence: small things that every digest,
// sentence or repeatable run depends on.

import Testing

@testable import Basics

@Suite struct SmallTextTests {
    @Test func escapedTextIsSafeToPrint() {
        #expect(escaped("plain é 漢") == "plain é 漢")
        #expect(escaped("a\"b\\c\nd") == "a\\\"b\\\\c\\nd")
        #expect(escaped("\u{1b}[31m\t\r\u{0}\u{7f}\u{9b}") == "\\u{1b}[31m\\u{9}\\u{d}\\u{0}\\u{7f}\\u{9b}")
        // line separators and the marks that turn the writing direction around
        #expect(escaped("a\u{2028}b\u{202e}c") == "a\\u{2028}b\\u{202e}c")
    }

    @Test func escapedTextIsCutAtItsLimit() {
        #expect(escaped(String(repeating: "x", count: 200)) == String(repeating: "x", count: 200))
        #expect(escaped(String(repeating: "x", count: 201)) == String(repeating: "x", count: 200) + "…")
        #expect(escaped("abcdef", limit: 3) == "abc…")
        #expect(escaped("", limit: 0) == "")
    }

    @Test func escapingIsOneToOneOnShortTexts() {
        var seen: [String: String] = [:]
        let pieces = ["a", "\\", "n", "\n", "\"", "u{7}", "\u{7}"]
        for a in pieces {
            for b in pieces {
                for c in pieces {
                    let text = a + b + c
                    let shown = escaped(text)
                    #expect(seen[shown] == nil || seen[shown] == text)
                    seen[shown] = text
                }
            }
        }
        #expect(seen.count > 300)
    }

    @Test func numbersPrintAndParseBack() {
        var random = SeededRandom(seed: 11)
        for _ in 0..<5000 {
            let double = Double(bitPattern: random.next())
            if double.isFinite { #expect(Double(numberText(double))?.bitPattern == double.bitPattern) }
            let float = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
            if float.isFinite, float != 0 { #expect(Float(numberText(float))?.bitPattern == float.bitPattern) }
        }
    }

    @Test func numbersWithoutADecimalTextPrintTheirBits() {
        #expect(numberText(Double.infinity) == "0x7ff0000000000000f64")
        #expect(numberText(-Double.infinity) == "0xfff0000000000000f64")
        #expect(numberText(Double.nan) == "0x7ff8000000000000f64")
        #expect(numberText(-0.0) == "0x8000000000000000f64")
        #expect(numberText(0.0) == "0.0")
        #expect(numberText(Float.infinity) == "0x7f800000f32")
        #expect(numberText(Float.nan) == "0x7fc00000f32")
        #expect(numberText(-Float(0)) == "0x80000000f32")
        #expect(numberText(Float(0.1)) == "0.1")
        #expect(numberText(1e21) == "1e+21")
        #expect(numberText(1.0 / 3) == "0.3333333333333333")
    }

    @Test func blocksIndentTheirBodies() {
        var writer = TextWriter()
        writer.block("a") { out in
            out.line("b")
            out.block("c", tail: " -> d") { $0.line("e") }
        }
        writer.write("f")
        #expect(writer.text == "a {\n  b\n  c {\n    e\n  } -> d\n}\nf")
    }

    @Test(arguments: [
        "", ":", "received", "received:", "received:0", "received:-1", "received:x", "received:1:2", "received::1",
        ":received:1", "Received:1", "acked:1", "received: 1",
    ])
    func faultPointsAreNamedExactly(_ text: String) {
        #expect(throws: FaultPointError(text: text)) { try FaultPoint.arm(text) }
    }

    @Test func aWrongFaultPointSaysWhichThereAre() {
        #expect(
            FaultPointError(text: "acked\n:1").sentence
                == "IRONWORKS_FAULT=acked\\n:1 names no fault point; use POINT:N with one of received, beforeCommit, "
                + "afterCommit, beforeAck, duringBurst")
    }

    @Test func syntaxErrorsNameTheirPlace() {
        let error = SyntaxError("no", at: SourcePosition(line: 3, column: 14))
        #expect(error.sentence == "line 3, column 14: no")
        #expect("\(error)" == error.sentence)
    }
}

@Suite struct SeededRandomTests {
    /// xoshiro256** seeded by splitmix64, computed independently.
    @Test func knownSequences() {
        var zero = SeededRandom(seed: 0)
        #expect(
            (0..<4).map { _ in zero.next() }
                == [0x99ec_5f36_cb75_f2b4, 0xbf6e_1f78_4956_452a, 0x1a5f_849d_4933_e6e0, 0x6aa5_94f1_262d_2d2c])
        var answer = SeededRandom(seed: 42)
        #expect(
            (0..<4).map { _ in answer.next() }
                == [0x1578_0b2e_0c2e_c716, 0x6104_d986_6d11_3a7e, 0xae17_5332_39e4_99a1, 0xecb8_ad47_03b3_60a1])
    }

    @Test func derivedValuesAreStable() {
        var random = SeededRandom(seed: 7)
        #expect((0..<6).map { _ in random.below(10) } == [4, 4, 8, 4, 4, 1])
        random = SeededRandom(seed: 7)
        #expect([random.unit(), random.unit()] == [0.7005764821796896, 0.2787512294737843])
    }

    @Test func valuesStayInTheirRange() {
        var random = SeededRandom(seed: 3)
        var seen: Set<Int> = []
        for _ in 0..<2000 {
            let value = random.below(7)
            #expect((0..<7).contains(value))
            seen.insert(value)
            #expect((0..<1).contains(random.unit()))
        }
        #expect(seen.count == 7)
        #expect(random.below(1) == 0)
    }

    @Test func aCopyGoesItsOwnWay() {
        var a = SeededRandom(seed: 9)
        _ = a.next()
        var b = a
        #expect(a == b)
        #expect(a.next() == b.next())
        _ = a.next()
        #expect(a != b)
    }
}
