// The QLinear operators of com.microsoft that work element by element: every quantised operand comes with its scale and
// zero point, each one number. They compute on the numbers that the integers stand for, in f32, and quantise again:
//   y = saturate(round(f((a - za) * sa, …) / sy) + zy)

import TensorIR

/// A quantised tensor with its scale and zero point.
private struct Scaled {
    var value: ValueID
    var scale: ValueID
    var zero: ValueID

    var operands: [ValueID] { [value, scale, zero] }
}

extension Emitter {
    /// Scale and zero point of a tensor of `dtype`, without axes; a zero point that is left out is 0.
    fileprivate mutating func parameters(
        scale: Int, zero: Int, _ dtype: DType
    ) throws(NodeProblem) -> (scale: ValueID, zero: ValueID) {
        let scale = try single(try floatOperand(scale), input: scale)
        guard self.dtype(scale) == .f32 else { throw .wrongType(input: zero - 1, self.dtype(scale), expected: "f32") }
        guard let given = optional(zero) else {
            return (scale, constant(TensorValue(TensorType(dtype, []), integers: [0])))
        }
        guard self.dtype(given) == dtype else { throw .mixedTypes([dtype, self.dtype(given)]) }
        return (scale, try single(given, input: zero))
    }

    /// A tensor of one element without its axes.
    mutating func single(_ value: ValueID, input: Int) throws(NodeProblem) -> ValueID {
        guard type(value).elements == 1 else {
            throw .misfit("\(shapeText(shape(value))) as input \(input), which is one number")
        }
        return try reshaped(value, to: [])
    }

    fileprivate mutating func scaled(_ index: Int) throws(NodeProblem) -> Scaled {
        let value = try quantisedOperand(index)
        let (scale, zero) = try parameters(scale: index + 1, zero: index + 2, dtype(value))
        return Scaled(value: value, scale: scale, zero: zero)
    }
}

/// `a - zero` in i32.
private func difference(_ element: Expr, _ zero: Expr) -> Expr {
    if case .literal(let literal) = zero {
        return literal.integer == 0
            ? .cast(.i32, element) : .cast(.i32, element) - .literal(.integer(literal.integer, .i32))
    }
    return .cast(.i32, element) - .cast(.i32, zero)
}

/// The number that element, scale and zero point stand for.
private func dequantised(_ reads: ArraySlice<Expr>) -> Expr {
    let parts = Array(reads)
    return .cast(.f32, .cast(.f32, difference(parts[0], parts[2])) * parts[1])
}

/// QLinearAdd.
func emitQLinearAdd(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    try binary(&e) { reads in
        Formula.divide(dequantised(reads[0..<3]) + dequantised(reads[3..<6]), reads[6])
    }
}

/// QLinearMul.
func emitQLinearMul(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    try binary(&e) { reads in
        let product = difference(reads[0], reads[2]) * difference(reads[3], reads[5])
        let factor = Formula.divide(.cast(.f32, reads[1] * reads[4]), reads[6])
        return .cast(.f32, product) * .cast(.f32, factor)
    }
}

/// The formula gets both operands as element, scale and zero point, then the result's scale.
private func binary(_ e: inout Emitter, _ formula: ([Expr]) -> Expr) throws(NodeProblem) -> [ValueID] {
    let (a, b) = (try e.scaled(0), try e.scaled(3))
    let dtype = try e.sameType([a.value, b.value])
    let (scale, zero) = try e.parameters(scale: 6, zero: 7, dtype)
    return [
        try e.elementwise(a.operands + b.operands + [scale, zero], dtype) { reads in
            requantised(formula(reads), zero: reads[7], dtype)
        }
    ]
}

/// QLinearSigmoid.
func emitQLinearSigmoid(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    try unary(&e) { Formula.sigmoid($0, .f32) }
}

/// QLinearLeakyRelu.
func emitQLinearLeakyRelu(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let alpha = try e.float("alpha", default: 0.01)
    return try unary(&e) { Formula.leakyRelu($0, alpha: alpha, .f32) }
}

private func unary(_ e: inout Emitter, _ formula: (Expr) -> Expr) throws(NodeProblem) -> [ValueID] {
    let x = try e.scaled(0)
    let dtype = e.dtype(x.value)
    let (scale, zero) = try e.parameters(scale: 3, zero: 4, dtype)
    return [
        try e.elementwise(x.operands + [scale, zero], dtype) { reads in
            requantised(Formula.divide(formula(dequantised(reads[0..<3])), reads[3]), zero: reads[4], dtype)
        }
    ]
}

/// QLinearConcat: the result's scale and zero point, then tensor, scale and zero point of each part.
func emitQLinearConcat(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    guard let raw = try e.integer("axis") else { throw .attribute("axis", reason: "is missing") }
    guard e.inputs.count >= 5, (e.inputs.count - 2) % 3 == 0 else {
        throw .misfit("\(e.inputs.count) inputs, which are no scale, zero point and threes of them")
    }
    var parts: [Scaled] = []
    for index in stride(from: 2, to: e.inputs.count, by: 3) { parts.append(try e.scaled(index)) }
    let dtype = try e.sameType(parts.map(\.value))
    let (scale, zero) = try e.parameters(scale: 0, zero: 1, dtype)
    let first = e.shape(parts[0].value)
    let axis = try e.axis(raw, rank: first.count)
    var values: [ValueID] = []
    for part in parts {
        var shape = e.shape(part.value)
        if shape.count == first.count { shape[axis] = first[axis] }
        guard shape == first else {
            throw .misfit("\(shapeText(first)) beside \(shapeText(e.shape(part.value)))")
        }
        let isSame = e.isSameConstant(part.scale, scale) && e.isSameConstant(part.zero, zero)
        values.append(
            isSame
                ? part.value
                : try e.elementwise(part.operands + [scale, zero], dtype) { reads in
                    requantised(Formula.divide(dequantised(reads[0..<3]), reads[3]), zero: reads[4], dtype)
                })
    }
    return [try concatenated(&e, values, axis)]
}

extension Emitter {
    fileprivate func isSameConstant(_ a: ValueID, _ b: ValueID) -> Bool {
        guard let x = literal(a), let y = literal(b) else { return a == b }
        return x == y
    }
}

/// QLinearGlobalAveragePool.
func emitQLinearGlobalAveragePool(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.scaled(0)
    let rank = e.type(x.value).rank
    guard rank >= 3 else { throw .misfit("an image of \(shapeText(e.shape(x.value)))") }
    let spatial = try e.flag("channels_last") ? Array(1..<rank - 1) : Array(2..<rank)
    let count = spatial.reduce(1) { $0 * e.shape(x.value)[$1] }
    let sum = try e.reduced(x.value, axes: spatial, keep: true, .sum, .i32) { .cast(.i32, $0) }
    return try averaged(&e, x, sum, counts: [], divisor: count, zerosInSum: count)
}

/// QLinearAveragePool.
func emitQLinearAveragePool(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    var x = try e.scaled(0)
    let rank = e.type(x.value).rank
    guard rank >= 3 else { throw .misfit("an image of \(shapeText(e.shape(x.value)))") }
    let channelsLast = try e.flag("channels_last")
    if channelsLast {
        // to channels first: axis 1 is the last one
        x.value = try e.moved(
            x.value,
            shape: [e.shape(x.value)[0], e.shape(x.value)[rank - 1]]
                + e.shape(x.value)[1..<rank - 1]
        ) { axes in [axes[0]] + axes[2...] + [axes[1]] }
    }
    let pool = try Pool(e, x.value)
    var slots = Slots()
    var term = Expr.cast(.i32, .read(slot: slots.slot(x.value), pool.indices))
    if !e.isZero(x.zero) {
        let zero = e.literal(x.zero).map { Expr.literal(.integer($0.integer, .i32)) }
        term = term - (zero ?? .cast(.i32, .read(slot: slots.slot(x.zero), [])))
    }
    if let inside = pool.window.isInside(Array(pool.indices[2...])) { term = .select(inside, term, zero(.i32)) }
    let sum = try e.define(
        slots.values, TensorType(.i32, pool.result),
        .reduce(.sum, extents: pool.window.kernel, condition: nil, pool.simplifier.simplify(term)))
    let padded = try e.flag("count_include_pad")
    var counts: [Operand] = []
    var divisor = 1
    for axis in pool.window.kernel.indices {
        guard pool.window.output[axis] <= GraphBuilder.foldedElementsMax else { throw .tooLarge(pool.result) }
        let own = pool.window.counts(axis: axis, padded: padded)
        if own.allSatisfy({ $0 == own[0] }) {
            divisor *= own[0]
        } else {
            let table = TensorValue(TensorType(.f32, [own.count]), floats: own.map { Double($0) })
            counts.append(Operand(e.constant(table), along: axis + 2))
        }
    }
    let y = try averaged(&e, x, sum, counts: counts, divisor: divisor, zerosInSum: 0)
    guard channelsLast else { return y }
    let shape = e.shape(y[0])
    return [
        try e.moved(y[0], shape: [shape[0]] + shape[2...] + [shape[1]]) { axes in
            [axes[0], axes[rank - 1]] + axes[1..<rank - 1]
        }
    ]
}

/// Divides sums by their counts and quantises them; `zerosInSum` zero points are still in every sum.
private func averaged(
    _ e: inout Emitter, _ x: Scaled, _ sum: ValueID, counts: [Operand], divisor: Int, zerosInSum: Int
) throws(NodeProblem) -> [ValueID] {
    let dtype = e.dtype(x.value)
    let (scale, zero) = try e.parameters(scale: 3, zero: 4, dtype)
    let operands = [sum, x.scale, x.zero, scale, zero].map { Operand($0) } + counts
    return [
        try e.elementwise(operands, dtype) { reads in
            let rest = Expr.cast(.i32, reads[2]) * .literal(.integer(Int64(zerosInSum), .i32))
            let total = zerosInSum == 0 ? reads[0] : reads[0] - rest
            let count = reads[5...].reduce(.float(Double(divisor))) { $0 * $1 }
            let mean = Expr.cast(.f32, Formula.divide(.cast(.f32, .cast(.f32, total) * reads[1]), count))
            return requantised(Formula.divide(mean, reads[3]), zero: reads[4], dtype)
        }
    ]
}
