// Digits: every literal prints to one spelling and comes back with the same bits.

import Basics
import Testing

@testable import TensorIR

private func parsed(_ text: String) throws -> Expr {
    var lexer = try Lexer(text)
    var scope = ExprScope()
    scope.axes = ["i0": 0]
    let out = try scope.expression(&lexer)
    guard lexer.token == .end else { throw lexer.fail("text is left") }
    return out.expr
}

@Test func specialFloatsPrintAsBits() throws {
    let cases: [(Literal, String)] = [
        (.float(.nan, .f32), "0x7fc00000:f32"), (.float(.infinity, .f32), "0x7f800000:f32"),
        (.float(-.infinity, .f32), "0xff800000:f32"), (.float(-0.0, .f32), "0x80000000:f32"),
        (.float(-0.0, .f64), "0x8000000000000000:f64"), (.float(.infinity, .f16), "0x7c00:f16"),
        (.float(.nan, .bf16), "0x7fc0:bf16"), (.float(-.infinity, .bf16), "0xff80:bf16"),
        (.float(Double(nan: 5, signaling: false), .f64), "0x7ff8000000000005:f64"),
        (.float(1e300, .f32), "0x7f800000:f32"),
    ]
    for (literal, text) in cases {
        #expect(literal.text == text)
        #expect(try parsed(text) == .literal(literal))
    }
}

@Test func ordinaryNumbersPrintTheShortestDigits() throws {
    let cases: [(Literal, String)] = [
        (.float(0.5, .f32), "0.5"), (.float(0.1, .f32), "0.1"), (.float(0.1, .f64), "0.1:f64"),
        (.float(1, .f32), "1.0"), (.float(-2.5, .f32), "-2.5"), (.float(1e-5, .f32), "1e-05"),
        (.float(1e30, .f32), "1e+30"), (.float(65504, .f16), "65504.0:f16"), (.float(1e-45, .f32), "1e-45"),
        (.float(3.140625, .bf16), "3.140625:bf16"), (.integer(3), "3"), (.integer(-3), "-3"),
        (.integer(.min), "-9223372036854775808"), (.integer(.max), "9223372036854775807"),
        (.integer(3, .i32), "3:i32"), (.integer(-1, .i8), "-1:i8"), (.integer(255, .u8), "255:u8"),
        (.boolean(true), "true"), (.boolean(false), "false"),
    ]
    for (literal, text) in cases {
        #expect(literal.text == text)
        #expect(try parsed(text) == .literal(literal))
    }
}

@Test func everyHalfAndManyFloatsComeBackBitForBit() throws {
    for bits in 0...UInt16.max where bits % 7 == 0 || bits & 0x3ff == 0 {
        let half = Literal.float(Double(Float16(bitPattern: bits)), .f16)
        let brain = Literal.float(Double(Float(bitPattern: UInt32(bits) << 16)), .bf16)
        #expect(try parsed(half.text) == .literal(half))
        #expect(try parsed(brain.text) == .literal(brain))
    }
    var random = SeededRandom(seed: 5)
    for _ in 0..<5000 {
        let bits = random.next()
        let single = Literal.float(Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits))), .f32)
        let double = Literal.float(Double(bitPattern: bits), .f64)
        #expect(try parsed(single.text) == .literal(single))
        #expect(try parsed(double.text) == .literal(double))
    }
}

@Test func aMinusBeforeDigitsIsPartOfTheLiteral() throws {
    let three = Expr.integer(3)
    let cases: [(Expr, String)] = [
        (.integer(-3), "-3"), (.unary(.negate, three), "-(3)"), (.unary(.negate, .integer(-3)), "-(-3)"),
        (.unary(.negate, .unary(.negate, three)), "--(3)"), (.unary(.negate, .axis(0)), "-i0"),
        (.axis(0) - three, "i0 - 3"), (.axis(0) - .integer(-3), "i0 - -3"), (.axis(0) + .integer(-3), "i0 + -3"),
        (.unary(.negate, .axis(0) + three), "-(i0 + 3)"), (.unary(.negate, .axis(0)) * three, "-i0 * 3"),
        (.unary(.negate, .axis(0) * three), "-(i0 * 3)"),
    ]
    let names = ExprNames.canonical(rank: 1)
    for (expr, text) in cases {
        #expect(expr.text(names) == text)
        #expect(try parsed(text) == expr)
    }
}

@Test func parenthesesAreMinimal() throws {
    let (i, one, two) = (Expr.axis(0), Expr.integer(1), Expr.integer(2))
    func both(_ op: BinaryOperator, _ a: Expr, _ b: Expr) -> Expr { .binary(op, a, b) }
    let less = both(.less, i, two)
    let cases: [(Expr, String)] = [
        ((i + one) + two, "i0 + 1 + 2"), (i + (one + two), "i0 + (1 + 2)"), (i - (one - two), "i0 - (1 - 2)"),
        ((i + one) * two, "(i0 + 1) * 2"), (i + one * two, "i0 + 1 * 2"),
        (both(.floorDivide, i, one * two), "i0 / (1 * 2)"), (both(.floorModulo, i, two) * one, "i0 % 2 * 1"),
        (both(.and, less, both(.or, less, less)), "i0 < 2 && (i0 < 2 || i0 < 2)"),
        (both(.or, both(.and, less, less), less), "i0 < 2 && i0 < 2 || i0 < 2"),
        (both(.equal, less, less), "(i0 < 2) == (i0 < 2)"), (.unary(.not, less), "!(i0 < 2)"),
        (.select(less, one, .cast(.i64, two)), "(i0 < 2 ? 1 : i64(2))"),
        (.select(less, .literal(.integer(1, .i32)), .cast(.i32, i)), "(i0 < 2 ? 1:i32 : i32(i0))"),
        (.select(less, .float(1), .cast(.f32, i)) * .float(2), "(i0 < 2 ? 1.0 : f32(i0)) * 2.0"),
    ]
    let names = ExprNames.canonical(rank: 1)
    for (expr, text) in cases {
        #expect(expr.text(names) == text)
        #expect(try parsed(text) == expr)
    }
}
