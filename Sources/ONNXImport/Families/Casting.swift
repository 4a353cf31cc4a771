// Cast and CastLike. Most conversions are one cast of TensorIR; the ones that ONNX words otherwise are composed here:
// floats beyond integers of 4 and 2 bits wrap, `saturate = 0` gives NaN or infinities instead of the greatest number,
// and powers of two (float8e8m0) round up, down or to the nearest. Each is one elementwise definition.

import Basics
import TensorIR

/// What a conversion does where the target does not have the number.
struct CastRules {
    enum Rounding: String {
        case up, down, nearest
    }
    /// Numbers beyond 8-bit floats become the greatest one; else NaN, or an infinity where there is one.
    var saturates = true
    /// Of powers of two; `nearest` takes ties up.
    var rounding = Rounding.up

    init() {}

    init(_ e: Emitter) throws(NodeProblem) {
        saturates = try e.flag("saturate", default: true)
        let mode = try e.text("round_mode", default: "up")
        guard let rounding = Rounding(rawValue: mode) else {
            throw .attribute("round_mode", reason: "has the unknown value \"\(mode)\"")
        }
        self.rounding = rounding
    }
}

/// Cast before version 6: the type is a name.
func emitCastByName(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let name = try e.text("to", default: "")
    guard let dtype = (Int32(1)...13).first(where: { typeName($0).uppercased() == name }).flatMap(DType.init(onnx:))
    else { throw .unsupportedForm("a conversion to \"\(escaped(name))\"") }
    return [try e.converted(try e.operand(0), to: dtype, CastRules())]
}

func emitCast(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let number = try e.integer("to", default: 0)
    guard let dtype = DType(onnx: Int32(number)) else {
        throw .unsupportedForm("a conversion to \(typeName(Int32(number)))")
    }
    return [try e.converted(try e.operand(0), to: dtype, try CastRules(e))]
}

func emitCastLike(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let dtype = e.dtype(try e.operand(1))
    return [try e.converted(try e.operand(0), to: dtype, try CastRules(e))]
}

extension Emitter {
    /// An operand of any float type, storage floats as f32.
    mutating func anyFloatOperand(_ index: Int) throws(NodeProblem) -> ValueID {
        let value = try operand(index)
        guard dtype(value).isFloat else { throw .wrongType(input: index, dtype(value), expected: "floats") }
        return dtype(value).isStorage ? try cast(value, to: .f32) : value
    }

    /// The same elements as another dtype; the value itself when it has that dtype.
    mutating func converted(_ value: ValueID, to dtype: DType, _ rules: CastRules) throws(NodeProblem) -> ValueID {
        let from = self.dtype(value)
        guard from != dtype else { return value }
        return try elementwise([value], dtype) { conversion($0[0], from: from, to: dtype, rules) }
    }
}

/// `x`, of dtype `from`, as `to`.
func conversion(_ x: Expr, from: DType, to: DType, _ rules: CastRules = CastRules()) -> Expr {
    if from == to { return x }
    if to == .f8e8m0 { return powerOfTwo(x, from: from, rules) }
    if to.isStorage, to.isExact, from.isFloat { return .cast(to, .cast(.i32, x)) }
    guard !rules.saturates, let excess = Excess(to) else { return .cast(to, x) }
    return excess.applied(x, from: from, to)
}

/// Which numbers do not fit an 8-bit float, and what becomes of them without saturation.
private struct Excess {
    /// Half a step above the greatest number.
    var limit: Double
    /// Whether the limit itself rounds out of the range: ties go to the even neighbour.
    var isIncluded: Bool
    var hasInfinities = false

    init?(_ dtype: DType) {
        switch dtype {
        case .f8e4m3fn: (limit, isIncluded) = (464, false)
        case .f8e4m3fnuz: (limit, isIncluded) = (248, true)
        case .f8e5m2: (limit, isIncluded, hasInfinities) = (61440, true, true)
        case .f8e5m2fnuz: (limit, isIncluded) = (61440, true)
        case .f8e8m0, .f4e2m1, .i4, .u4, .i2, .u2, .f16, .bf16, .f32, .f64, .i8, .i16, .i32, .i64, .u8, .u16, .u32,
            .u64, .bool:
            return nil
        }
    }

    func applied(_ x: Expr, from: DType, _ to: DType) -> Expr {
        let value = from == .f32 ? x : .cast(.f32, x)
        let beyond = Expr.binary(isIncluded ? .greaterOrEqual : .greater, .unary(.absolute, value), .float(limit))
        let isNegative = Expr.binary(.less, value, .float(0))
        let other: Expr =
            hasInfinities
            ? .select(isNegative, .float(-.infinity, to), .float(.infinity, to)) : .float(.nan, to)
        return .select(beyond, other, .cast(to, value))
    }
}

/// Powers of two from 2^-127 to 2^127; the sign is lost. A cast rounds up and saturates, the rest follows in double,
/// where all of them are normal numbers.
private func powerOfTwo(_ x: Expr, from: DType, _ rules: CastRules) -> Expr {
    let value = from == .f32 ? x : .cast(.f32, x)
    let up = Expr.cast(.f8e8m0, value)
    if rules.saturates, rules.rounding == .up { return up }
    let size = Expr.unary(.absolute, .cast(.f64, value))
    let above = Expr.cast(.f64, up)
    let below = Expr.select(.binary(.greater, above, size), above * .float(0.5, .f64), above)
    let rounded: Expr
    switch rules.rounding {
    case .up: rounded = up
    case .down: rounded = .cast(.f8e8m0, below)
    case .nearest:
        let isFar = Expr.binary(.greaterOrEqual, size, below * .float(1.5, .f64))
        rounded = .cast(.f8e8m0, .select(isFar, below * .float(2, .f64), below))
    }
    if rules.saturates { return rounded }
    let isOutside = Expr.binary(
        .or, .binary(.less, size, .float(0x1p-127, .f64)), .binary(.greater, size, .float(0x1p127, .f64)))
    return .select(isOutside, .float(.nan, .f8e8m0), rounded)
}
