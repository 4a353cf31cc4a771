// Matrix products and convolutions of quantised integers: sums of (a - zero) * (b - zero) in i32, which wrap as ONNX
// has it, and the forms that scale the sum back to a quantised type or to floats:
//   C[…, m, n] = sum(k) (A[…, m, k] - za[m]) * (B[…, k, n] - zb[n])
//   Y = saturate(round(C * (sa * sb / sy)) + zy)
// A zero point that is known to be zero leaves no trace; padding of a convolution counts as its zero point.

import TensorIR

/// A quantised operand: scale and zero point broadcast to it from the right.
struct QuantisedOperand {
    var value: ValueID
    var zero: ValueID?

    /// The element as i32 without its zero point.
    func difference(_ e: Emitter, _ indices: [Expr], _ slots: inout Slots) throws(NodeProblem) -> Expr {
        let element = Expr.cast(.i32, .read(slot: slots.slot(value), indices))
        guard let zero, !e.isZero(zero) else { return element }
        if let literal = e.literal(zero) { return element - .literal(.integer(literal.integer, .i32)) }
        let own = e.shape(zero)
        guard broadcast(e.shape(value), own) == e.shape(value) else {
            throw .misfit("zero points of \(shapeText(own)) for \(shapeText(e.shape(value)))")
        }
        let at = own.indices.map { own[$0] == 1 ? .integer(0) : indices[indices.count - own.count + $0] }
        return element - .cast(.i32, .read(slot: slots.slot(zero), at))
    }
}

extension Emitter {
    /// Quantised integers that products take.
    func quantisedOperand(_ index: Int) throws(NodeProblem) -> ValueID {
        let value = try operand(index)
        switch dtype(value) {
        case .i8, .u8, .i16, .u16: return value
        case .f16, .bf16, .f32, .f64, .i32, .i64, .u32, .u64, .bool, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz,
            .f8e8m0, .f4e2m1, .i4, .u4, .i2, .u2:
            throw .wrongType(input: index, dtype(value), expected: "i8 or u8")
        }
    }

    /// One parameter without axes, a vector of one per row of a matrix as a column, anything else as it is.
    mutating func perRow(_ value: ValueID?, of matrix: ValueID) throws(NodeProblem) -> ValueID? {
        guard let value else { return nil }
        if type(value).elements == 1 { return try reshaped(value, to: []) }
        let own = shape(value)
        guard own.count == 1, type(matrix).rank > 1 else { return value }
        return try reshaped(value, to: [own[0], 1])
    }

    /// One parameter without axes, anything else as it is.
    mutating func perColumn(_ value: ValueID?) throws(NodeProblem) -> ValueID? {
        guard let value else { return nil }
        return type(value).elements == 1 ? try reshaped(value, to: []) : value
    }
}

/// `A · B` in i32, with numpy's broadcasting of leading axes, vectors included.
func integerMatrixProduct(
    _ e: inout Emitter, _ a: QuantisedOperand, _ b: QuantisedOperand
) throws(NodeProblem) -> ValueID {
    let (x, y) = (e.shape(a.value), e.shape(b.value))
    guard let depth = x.last, !y.isEmpty, y[max(y.count - 2, 0)] == depth,
        let batch = broadcast(Array(x.dropLast(2)), Array(y.dropLast(2)))
    else { throw .misfit("\(shapeText(x)) times \(shapeText(y))") }
    let rows = x.count > 1 ? [x[x.count - 2]] : []
    let columns = y.count > 1 ? [y[y.count - 1]] : []
    let result = batch + rows + columns
    guard isReasonable(result) else { throw .tooLarge(result) }
    let all = coordinates(result)
    let k = depth == 1 ? Expr.integer(0) : .axis(result.count)
    func leading(_ shape: [Int]) -> [Expr] {
        let own = Array(shape.dropLast(2))
        return own.indices.map { own[$0] == 1 ? .integer(0) : .axis(batch.count - own.count + $0) }
    }
    let row = rows.isEmpty ? [] : [all[batch.count]]
    let column = columns.isEmpty ? [] : [all[batch.count + rows.count]]
    var slots = Slots()
    let left = try a.difference(e, leading(x) + row + [k], &slots)
    let right = try b.difference(e, leading(y) + [k] + column, &slots)
    return try e.define(
        slots.values, TensorType(.i32, result), .reduce(.sum, extents: [depth], condition: nil, left * right))
}

/// A convolution in i32; the weights' zero points are one number or one per output channel.
func integerConvolution(
    _ e: inout Emitter, _ x: QuantisedOperand, _ w: QuantisedOperand
) throws(NodeProblem) -> ValueID {
    let (image, weights) = (e.shape(x.value), e.shape(w.value))
    guard image.count >= 3, weights.count == image.count else {
        throw .misfit("an image of \(shapeText(image)) and weights of \(shapeText(weights))")
    }
    let groups = try e.integer("group", default: 1)
    guard groups >= 1, weights[0] % groups == 0, weights[0] > 0, image[1] == weights[1] * groups else {
        throw .misfit("\(image[1]) channels in \(groups) groups and weights of \(shapeText(weights))")
    }
    let window = try Window(e, input: Array(image[2...]), kernel: Array(weights[2...]))
    let result = [image[0], weights[0]] + window.output
    let extents = [weights[1]] + window.kernel
    guard isReasonable(result), isReasonable(extents) else { throw .tooLarge(result + extents) }
    let all = coordinates(result)
    let inner = extents.indices.map { extents[$0] == 1 ? Expr.integer(0) : .axis(result.count + $0) }
    let position = window.indices(position: Array(all[2...]), offset: Array(inner[1...]))
    let group = Expr.binary(.floorDivide, all[1], .integer(weights[0] / groups))
    let channel = groups == 1 ? inner[0] : group * .integer(weights[1]) + inner[0]
    var slots = Slots()
    var element = try x.difference(e, [all[0], channel] + position, &slots)
    if let inside = window.isInside(position) { element = .select(inside, element, zero(.i32)) }
    let product = element * (try w.difference(e, [all[1]] + inner, &slots))
    return try e.define(
        slots.values, TensorType(.i32, result),
        .reduce(
            .sum, extents: extents, condition: nil, IndexSimplifier(extents: result + extents).simplify(product)))
}

func emitMatMulInteger(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (a, b) = (try e.quantisedOperand(0), try e.quantisedOperand(1))
    let zeros = (try e.perRow(e.optional(2), of: a), try e.perColumn(e.optional(3)))
    return [
        try integerMatrixProduct(
            &e, QuantisedOperand(value: a, zero: zeros.0), QuantisedOperand(value: b, zero: zeros.1))
    ]
}

func emitConvInteger(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (x, w) = (try e.quantisedOperand(0), try e.quantisedOperand(1))
    return [
        try integerConvolution(
            &e, QuantisedOperand(value: x, zero: try e.perColumn(e.optional(2))),
            QuantisedOperand(value: w, zero: try perChannel(&e, e.optional(3), of: w)))
    ]
}

/// A vector of one per output channel as a tensor that broadcasts to the weights.
private func perChannel(
    _ e: inout Emitter, _ value: ValueID?, of weights: ValueID
) throws(NodeProblem) -> ValueID? {
    guard let value, e.type(value).elements > 1 else { return try e.perColumn(value) }
    guard let channels = e.shape(weights).first, e.shape(value) == [channels] else {
        throw .misfit("zero points of \(shapeText(e.shape(value))) for weights of \(shapeText(e.shape(weights)))")
    }
    return try e.reshaped(value, to: [channels] + [Int](repeating: 1, count: e.type(weights).rank - 1))
}

/// Inputs: A, its scale, its zero point, B, its scale, its zero point, the result's scale and zero point.
func emitQLinearMatMul(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (a, b) = (try e.quantisedOperand(0), try e.quantisedOperand(3))
    let left = QuantisedOperand(value: a, zero: try e.perRow(e.optional(2), of: a))
    let right = QuantisedOperand(value: b, zero: try e.perColumn(e.optional(5)))
    let scales = [
        try e.perRow(try e.scaleOperand(1), of: a), try e.perColumn(try e.scaleOperand(4)),
        try e.perRow(try e.scaleOperand(6), of: a),
    ].compactMap { $0 }
    let sum = try integerMatrixProduct(&e, left, right)
    let factor = try requantisationFactor(&e, scales.map { Operand($0) })
    return [try requantised(&e, sum, Operand(factor), zero: try e.perRow(e.optional(7), of: a), default: e.dtype(a))]
}

/// Inputs: X, its scale, its zero point, W, its scale, its zero point, the result's scale and zero point, bias (i32).
func emitQLinearConv(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (x, w) = (try e.quantisedOperand(0), try e.quantisedOperand(3))
    var sum = try integerConvolution(
        &e, QuantisedOperand(value: x, zero: try e.perColumn(e.optional(2))),
        QuantisedOperand(value: w, zero: try perChannel(&e, e.optional(5), of: w)))
    if let bias = e.optional(8) {
        guard e.dtype(bias) == .i32 else { throw .wrongType(input: 8, e.dtype(bias), expected: "i32") }
        sum = try e.elementwise([Operand(sum), Operand(bias, along: 1)], .i32) { $0[0] + $0[1] }
    }
    let channels = e.shape(w)[0]
    var scales: [Operand] = []
    for index in [1, 4, 6] {
        let scale = try e.scaleOperand(index)
        let count = e.type(scale).elements
        guard count == 1 || (index == 4 && e.shape(scale) == [channels]) else {
            throw .misfit("\(count) scales in input \(index)")
        }
        scales.append(count == 1 ? Operand(try e.reshaped(scale, to: [])) : Operand(scale))
    }
    let factor = try requantisationFactor(&e, scales)
    let isVector = e.type(factor).rank == 1
    return [
        try requantised(
            &e, sum, isVector ? Operand(factor, along: 1) : Operand(factor), zero: try e.perColumn(e.optional(7)),
            default: e.dtype(x))
    ]
}

extension Emitter {
    /// A scale: f32, f16 or bf16.
    func scaleOperand(_ index: Int) throws(NodeProblem) -> ValueID { try floatOperand(index) }
}

/// `a * b / y` of the three scales, in f32.
func requantisationFactor(_ e: inout Emitter, _ scales: [Operand]) throws(NodeProblem) -> ValueID {
    let dtypes = scales.map { e.dtype($0.value) }
    return try e.elementwise(scales, .f32) { reads in
        let wide = zip(reads, dtypes).map { conversion($0, from: $1, to: .f32) }
        return .cast(.f32, Formula.divide(.cast(.f32, wide[0] * wide[1]), wide[2]))
    }
}

/// An i32 sum times `factor`, rounded, with the zero point added, in the zero point's dtype.
private func requantised(
    _ e: inout Emitter, _ sum: ValueID, _ factor: Operand, zero: ValueID?, default dtype: DType
) throws(NodeProblem) -> ValueID {
    let dtype = zero.map { e.dtype($0) } ?? dtype
    let operands = [Operand(sum), factor] + (zero.map { [Operand($0)] } ?? [])
    return try e.elementwise(operands, dtype) { reads in
        requantised(.cast(.f32, reads[0]) * reads[1], zero: reads.count > 2 ? reads[2] : nil, dtype)
    }
}
