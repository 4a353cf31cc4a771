// QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear:
//   y = saturate(round(x / scale) + zero)        x = (y - zero) * scale
// Scales and zero points are one number, a vector along an axis, or one per block of an axis. Quantised integers are
// ordinary integer definitions; rounding, adding the zero point and saturating are exact in f32, where all of their
// numbers are whole and below 2^24.

import TensorIR

func emitQuantizeLinear(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (x, scale) = (try e.operand(0), try e.operand(1))
    let zero = e.optional(2)
    let dtype = try quantisedType(e, zero)
    guard e.dtype(scale).isFloat else { throw .wrongType(input: 1, e.dtype(scale), expected: "floats") }
    guard e.dtype(x) != .bool, !e.dtype(x).isStorage else {
        throw .wrongType(input: 0, e.dtype(x), expected: "numbers")
    }
    let grain = try Grain(e, scale, over: x)
    let saturates = try e.flag("saturate", default: true)
    let precision = try precision(e, x, scale)
    let work = accumulator(precision)
    var slots = Slots()
    let read = Expr.read(slot: slots.slot(x), coordinates(e.shape(x)))
    let step = try grain.element(e, scale, &slots)
    // rounded as the operator has it, whatever computes it
    var quotient = Expr.cast(
        precision,
        .binary(
            .divide, conversion(read, from: e.dtype(x), to: work), conversion(step, from: e.dtype(scale), to: work)))
    if precision != work { quotient = .cast(work, quotient) }
    var value = dtype.isExact ? .unary(.round, quotient) : quotient
    if let zero, !e.isZero(zero) { value = value + .cast(work, try grain.element(e, zero, &slots)) }
    var rules = CastRules()
    rules.saturates = saturates
    let stored = dtype.isExact ? .cast(dtype, value) : conversion(value, from: work, to: dtype, rules)
    return [try e.defineSimplified(slots.values, TensorType(dtype, e.shape(x)), stored)]
}

/// The dtype of the result: that of the zero point, the one an attribute names, or u8.
private func quantisedType(_ e: Emitter, _ zero: ValueID?) throws(NodeProblem) -> DType {
    let number = try e.integer("output_dtype", default: 0)
    var dtype = DType.u8
    if let zero {
        dtype = e.dtype(zero)
    } else if number != 0 {
        guard let named = DType(onnx: Int32(number)) else {
            throw .attribute("output_dtype", reason: "is \(typeName(Int32(number)))")
        }
        dtype = named
    }
    if number != 0, DType(onnx: Int32(number)) != dtype {
        throw .attribute(
            "output_dtype", reason: "is \(typeName(Int32(number))) and the zero point is \(dtype.rawValue)")
    }
    switch dtype {
    case .u8, .i8, .u16, .i16, .u4, .i4, .u2, .i2, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f4e2m1: return dtype
    case .f16, .bf16, .f32, .f64, .i32, .i64, .u32, .u64, .bool, .f8e8m0:
        throw .unsupportedForm("quantisation to \(dtype.rawValue)")
    }
}

/// What the quotient is rounded to: as an attribute says, or the type of the scale where that computes.
private func precision(_ e: Emitter, _ x: ValueID, _ scale: ValueID) throws(NodeProblem) -> DType {
    let number = try e.integer("precision", default: 0)
    guard number != 0 else { return e.dtype(scale).isStorage ? .f32 : e.dtype(scale) }
    guard let named = DType(onnx: Int32(number)), named.isFloat, !named.isStorage else {
        throw .attribute("precision", reason: "is \(typeName(Int32(number)))")
    }
    return named
}

func emitDequantizeLinear(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (x, scale) = (try e.operand(0), try e.operand(1))
    let zero = e.optional(2)
    let from = e.dtype(x)
    guard e.dtype(scale).isFloat else { throw .wrongType(input: 1, e.dtype(scale), expected: "floats") }
    let number = try e.integer("output_dtype", default: 0)
    guard let dtype = number == 0 ? e.dtype(scale) : DType(onnx: Int32(number)), dtype.isFloat, !dtype.isStorage else {
        throw .unsupportedForm("a result of \(number == 0 ? e.dtype(scale).rawValue : typeName(Int32(number)))")
    }
    if let zero, e.dtype(zero) != from { throw .mixedTypes([from, e.dtype(zero)]) }
    let grain = try Grain(e, scale, over: x)
    let work = accumulator(dtype)
    var slots = Slots()
    let exact: DType = from.isFloat ? work : .i32
    var value = conversion(.read(slot: slots.slot(x), coordinates(e.shape(x))), from: from, to: exact)
    if let zero, !e.isZero(zero) {
        value = value - conversion(try grain.element(e, zero, &slots), from: from, to: exact)
    }
    let step = conversion(try grain.element(e, scale, &slots), from: e.dtype(scale), to: work)
    let result = conversion(value, from: exact, to: work) * step
    return [
        try e.defineSimplified(
            slots.values, TensorType(dtype, e.shape(x)), dtype == work ? result : .cast(dtype, result))
    ]
}

/// y, its scale and its zero point, for u8. Where every element is zero the scale is 1.
func emitDynamicQuantizeLinear(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.floatOperand(0)
    let (scale, zero) = try dynamicQuantisation(&e, x)
    return [try dynamicallyQuantised(&e, x, scale, zero), scale, zero]
}

/// Scale (f32) and zero point (u8) that map the range of `x`, with 0 in it, to 0 ... 255.
func dynamicQuantisation(
    _ e: inout Emitter, _ x: ValueID
) throws(NodeProblem) -> (scale: ValueID, zero: ValueID) {
    guard e.dtype(x) == .f32 else { throw .wrongType(input: 0, e.dtype(x), expected: "f32") }
    let all = Array(0..<e.type(x).rank)
    let greatest = try e.reduced(x, axes: all, keep: false, .max, .f32)
    let least = try e.reduced(x, axes: all, keep: false, .min, .f32)
    let scale = try e.elementwise([greatest, least], .f32) { range in
        let span = Formula.maximum(range[0], .float(0)) - Formula.minimum(range[1], .float(0))
        return .select(
            .binary(.equal, span, .float(0)), .float(1), .cast(.f32, Formula.divide(.cast(.f32, span), .float(255))))
    }
    let zero = try e.elementwise([least, scale], .u8) { reads in
        requantised(.float(0) - Formula.divide(Formula.minimum(reads[0], .float(0)), reads[1]), zero: nil, .u8)
    }
    return (scale, zero)
}

/// `x` in u8.
func dynamicallyQuantised(
    _ e: inout Emitter, _ x: ValueID, _ scale: ValueID, _ zero: ValueID
) throws(NodeProblem) -> ValueID {
    try e.elementwise([x, scale, zero], .u8) { reads in
        requantised(Formula.divide(reads[0], reads[1]), zero: reads[2], .u8)
    }
}

/// `saturate(round(value) + zero)` of an f32; `zero` is of `dtype`. The value is f32 wherever it is computed, so that
/// ties fall the same way in kernels and in their references.
func requantised(_ value: Expr, zero: Expr?, _ dtype: DType) -> Expr {
    let rounded = Expr.unary(.round, .cast(.f32, value))
    guard let zero, !isZero(zero) else { return .cast(dtype, rounded) }
    return .cast(dtype, rounded + .cast(.f32, zero))
}

private func isZero(_ expr: Expr) -> Bool {
    guard case .literal(let literal) = expr else { return false }
    return literal.float == 0
}

extension Emitter {
    /// A known constant whose elements are all zero.
    func isZero(_ value: ValueID) -> Bool {
        guard builder.isConstant(value), type(value).elements <= GraphBuilder.foldedElementsMax,
            let known = builder.constantValue(value)
        else { return false }
        switch known.elements {
        case .floats(let elements): return elements.allSatisfy { $0 == 0 }
        case .integers(let elements): return elements.allSatisfy { $0 == 0 }
        }
    }

    /// Adds a map whose indices are simplified first.
    mutating func defineSimplified(
        _ operands: [ValueID], _ type: TensorType, _ value: Expr
    ) throws(NodeProblem) -> ValueID {
        try mapped(operands, type) { _ in value }
    }
}

/// How scales and zero points spread over a tensor.
private struct Grain {
    private enum Spread {
        case whole
        case along(Int)
        case blocks(axis: Int, size: Int)
    }
    private let shape: [Int]
    private let spread: Spread
    private let parameters: [Int]

    init(_ e: Emitter, _ scale: ValueID, over x: ValueID) throws(NodeProblem) {
        shape = e.shape(x)
        parameters = e.shape(scale)
        let block = try e.integer("block_size", default: 0)
        guard block >= 0 else { throw .attribute("block_size", reason: "is \(block)") }
        if e.type(scale).elements == 1 {
            spread = .whole
            return
        }
        let axis = shape.count == 1 ? 0 : try e.axis(try e.integer("axis", default: 1), rank: shape.count)
        if block > 0 {
            var blocks = shape
            blocks[axis] = (shape[axis] + block - 1) / block
            guard parameters == blocks else {
                throw .misfit(
                    "scales of \(shapeText(parameters)) for blocks of \(block) along axis \(axis) of "
                        + shapeText(shape))
            }
            spread = .blocks(axis: axis, size: block)
        } else {
            guard parameters == [shape[axis]] else {
                throw .misfit("scales of \(shapeText(parameters)) along axis \(axis) of \(shapeText(shape))")
            }
            spread = .along(axis)
        }
    }

    /// The scale or zero point of the element at the result's axes.
    func element(_ e: Emitter, _ value: ValueID, _ slots: inout Slots) throws(NodeProblem) -> Expr {
        let own = e.shape(value)
        if let literal = e.literal(value) { return .literal(literal) }
        if e.type(value).elements == 1 {
            return .read(slot: slots.slot(value), own.map { _ in .integer(0) })
        }
        guard own == parameters else {
            throw .misfit("zero points of \(shapeText(own)) beside scales of \(shapeText(parameters))")
        }
        var indices = coordinates(shape)
        switch spread {
        case .whole: throw .misfit("zero points of \(shapeText(own)) beside one scale")
        case .along(let axis): indices = [indices[axis]]
        case .blocks(let axis, let size):
            indices[axis] = .binary(.floorDivide, indices[axis], .integer(size))
        }
        return .read(slot: slots.slot(value), indices)
    }
}
