// BitCast: the same bits under another dtype of the same size. Integers are a cast that wraps. Floats have no bits in
// an expression, so they are taken apart and put together by exact arithmetic in f64 and a table of powers of two:
// a normal number is ±(1 + fraction) · 2^exponent. What arithmetic cannot tell is lost: every NaN becomes
// the quiet one.

import TensorIR

/// Fields of an IEEE format and where its exponents start.
private struct FloatFormat {
    let dtype: DType
    let bits: Int
    let fractionBits: Int
    let bias: Int

    init?(_ dtype: DType) {
        switch dtype {
        case .f16: (bits, fractionBits, bias) = (16, 10, 15)
        case .bf16: (bits, fractionBits, bias) = (16, 7, 127)
        case .f32: (bits, fractionBits, bias) = (32, 23, 127)
        case .f64: (bits, fractionBits, bias) = (64, 52, 1023)
        case .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .bool, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz,
            .f8e8m0, .f4e2m1, .i4, .u4, .i2, .u2:
            return nil
        }
        self.dtype = dtype
    }

    /// The greatest exponent field: infinities and NaN.
    var special: Int { 2 * bias + 1 }

    /// The value of a unit in the last place under each exponent field but `special`; 0 counts as 1.
    var units: [Double] {
        (0..<special).map { Double(sign: .plus, exponent: max($0, 1) - bias - fractionBits, significand: 1) }
    }
}

func emitBitCast(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.operand(0)
    let number = try e.integer("to", default: 0)
    let from = e.dtype(x)
    guard let to = DType(onnx: Int32(number)), !to.isStorage, !from.isStorage else {
        throw .unsupportedForm("the bits of \(from.rawValue) as \(typeName(Int32(number)))")
    }
    guard to.bytes == from.bytes else {
        throw .misfit("the bits of \(from.rawValue) are no \(to.rawValue)")
    }
    if from == to { return [x] }
    var value = x
    if let format = FloatFormat(from) { value = try takenApart(&e, x, format) }
    if let format = FloatFormat(to) { return [try putTogether(&e, value, format)] }
    return [try e.cast(value, to: to)]
}

/// Bits of a float as i64, the sign extended.
private func takenApart(_ e: inout Emitter, _ x: ValueID, _ format: FloatFormat) throws(NodeProblem) -> ValueID {
    let units = table(&e, format)
    let wide = try e.cast(x, to: .f64)
    let type = TensorType(.i64, e.shape(x))
    // log gives the field of a normal number but for one; the table decides
    let guess = try e.elementwise([wide], .i64) { reads in
        let logarithm = Expr.unary(.log, .unary(.absolute, reads[0])) * .float(1 / 0.6931471805599453, .f64)
        let field = Expr.cast(.i64, .unary(.floor, logarithm)) + .integer(format.bias)
        return Formula.minimum(Formula.maximum(field, .integer(1)), .integer(format.special - 1))
    }
    let field = try e.define([wide, guess, units], type, .map(exponentField(coordinates(type.shape), format)))
    return try e.define([wide, field, units], type, .map(joinedFields(coordinates(type.shape), format)))
}

/// The exponent field of slot 0, given a guess in slot 1 and the units in slot 2.
private func exponentField(_ at: [Expr], _ format: FloatFormat) -> Expr {
    let (size, field) = (Expr.unary(.absolute, .read(slot: 0, at)), Expr.read(slot: 1, at))
    let least = Expr.read(slot: 2, [field]) * .float(Double(1 << format.fractionBits), .f64)
    let isLess = Expr.binary(.less, size, least)
    let isMore = Expr.binary(.greaterOrEqual, size, least * .float(2, .f64))
    let down = Formula.maximum(field - .integer(1), .integer(0))
    let up = Formula.minimum(field + .integer(1), .integer(format.special - 1))
    return .select(isLess, down, .select(isMore, up, field))
}

/// The bits of slot 0, given its exponent field in slot 1 and the units in slot 2.
private func joinedFields(_ at: [Expr], _ format: FloatFormat) -> Expr {
    let (value, field) = (Expr.read(slot: 0, at), Expr.read(slot: 1, at))
    let size = Expr.unary(.absolute, value)
    let units = Expr.cast(.i64, Formula.divide(size, .read(slot: 2, [field])))
    // a subnormal number is its count of units
    let normal = (field - .integer(1)) * .integer(1 << format.fractionBits) + units
    let finite = Expr.select(.binary(.equal, field, .integer(0)), units, normal)
    let infinity = format.special << format.fractionBits
    let quiet = infinity | 1 << (format.fractionBits - 1)
    let isInfinite = Expr.binary(.equal, size, .float(.infinity, .f64))
    let magnitude = Expr.select(
        .unary(.isNaN, value), .integer(quiet), .select(isInfinite, .integer(infinity), finite))
    // minus zero is not below zero, but its inverse is
    let inverse = Formula.divide(.float(1, .f64), value)
    let isNegative = Expr.binary(
        .or, .binary(.less, value, .float(0, .f64)), .binary(.less, inverse, .float(0, .f64)))
    let sign = format.bits == 64 ? Int.min : -(1 << (format.bits - 1))
    return .select(isNegative, magnitude + .integer(sign), magnitude)
}

/// The float that the low bits of an integer are.
private func putTogether(_ e: inout Emitter, _ x: ValueID, _ format: FloatFormat) throws(NodeProblem) -> ValueID {
    let units = table(&e, format)
    let read = Expr.read(slot: 0, coordinates(e.shape(x)))
    let bits = e.dtype(x) == .i64 ? read : Expr.cast(.i64, read)
    func field(_ shift: Int, _ count: Int) -> Expr {
        .binary(.bitAnd, .binary(.shiftRight, bits, .integer(shift)), .integer(1 << count - 1))
    }
    let fraction = field(0, format.fractionBits)
    let exponent = field(format.fractionBits, format.bits - 1 - format.fractionBits)
    let isNegative = Expr.binary(.equal, field(format.bits - 1, 1), .integer(1))
    let whole = Expr.select(
        .binary(.equal, exponent, .integer(0)), fraction, fraction + .integer(1 << format.fractionBits))
    let unit = Expr.read(slot: 1, [Formula.minimum(exponent, .integer(format.special - 1))])
    let special = Expr.select(.binary(.equal, fraction, .integer(0)), .float(.infinity, .f64), .float(.nan, .f64))
    let isSpecial = Expr.binary(.equal, exponent, .integer(format.special))
    let magnitude = Expr.select(isSpecial, special, .cast(.f64, whole) * unit)
    let value = Expr.select(isNegative, .unary(.negate, magnitude), magnitude)
    return try e.cast(try e.define([x, units], TensorType(.f64, e.shape(x)), .map(value)), to: format.dtype)
}

private func table(_ e: inout Emitter, _ format: FloatFormat) -> ValueID {
    let units = format.units
    return e.constant(TensorValue(TensorType(.f64, [units.count]), floats: units))
}
