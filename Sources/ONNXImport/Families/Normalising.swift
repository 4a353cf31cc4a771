// Normalisations that older models name: LRN, LpNormalization, MeanVarianceNormalization, GroupNormalization, and the
// choices Hardmax and Shrink. Statistics are reductions with unit axes kept, the rest is elementwise; floats of 16 bits
// are summed in 32.

import TensorIR

/// `x / (bias + alpha / size · sum of squares over `size` neighbouring channels) ^ beta`.
func emitLRN(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.floatOperand(0)
    let shape = e.shape(x)
    guard shape.count >= 2 else { throw .misfit("an image of \(shapeText(shape))") }
    guard let size = try e.integer("size"), size >= 1 else { throw .attribute("size", reason: "is missing or below 1") }
    let (alpha, beta) = (try e.float("alpha", default: 1e-4), try e.float("beta", default: 0.75))
    let bias = try e.float("bias", default: 1)
    let dtype = e.dtype(x)
    let wide = accumulator(dtype)
    let input = try e.cast(x, to: wide)
    let out = coordinates(shape)
    var at = out
    // channels that any neighbourhood holds, counted from the first one of each
    let reach = min(size, 2 * shape[1])
    let first = min((size - 1) / 2, shape[1])
    at[1] = out[1] + .axis(shape.count) - .integer(first)
    let element = Expr.read(slot: 0, at)
    let condition = all([
        .binary(.greaterOrEqual, at[1], .integer(0)), .binary(.less, at[1], .integer(shape[1])),
    ])
    let squares = try e.define(
        [input], TensorType(wide, shape),
        .reduce(.sum, extents: [reach], condition: condition, element * element))
    let y = try e.elementwise([input, squares], wide) { reads in
        let base = number(bias, wide) + reads[1] * number(alpha / Double(size), wide)
        return Formula.divide(reads[0], .binary(.power, base, number(beta, wide)))
    }
    return [try e.cast(y, to: dtype)]
}

/// `x / norm(x)` along one axis, and 0 where the norm is 0.
func emitLpNormalization(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.floatOperand(0)
    let axis = try e.axis(try e.integer("axis", default: -1), rank: e.type(x).rank)
    let order = try e.integer("p", default: 2)
    guard order == 1 || order == 2 else { throw .attribute("p", reason: "is \(order) and must be 1 or 2") }
    let dtype = e.dtype(x)
    let wide = accumulator(dtype)
    let input = try e.cast(x, to: wide)
    let sum = try e.reduced(input, axes: [axis], keep: true, .sum, wide) {
        order == 1 ? .unary(.absolute, $0) : $0 * $0
    }
    let y = try e.elementwise([input, sum], wide) { reads in
        let norm = order == 1 ? reads[1] : .unary(.sqrt, reads[1])
        return .select(.binary(.equal, norm, zero(wide)), zero(wide), Formula.divide(reads[0], norm))
    }
    return [try e.cast(y, to: dtype)]
}

/// `(x - mean) / (deviation + 1e-9)`.
func emitMeanVarianceNormalization(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.floatOperand(0)
    let axes = try e.axes(try e.integers("axes") ?? [0, 2, 3], rank: e.type(x).rank)
    let dtype = e.dtype(x)
    let wide = accumulator(dtype)
    let input = try e.cast(x, to: wide)
    let count = number(Double(axes.reduce(1) { $0 * e.shape(x)[$1] }), wide)
    let sum = try e.reduced(input, axes: axes, keep: true, .sum, wide)
    let centred = try e.elementwise([input, sum], wide) { $0[0] - Formula.divide($0[1], count) }
    let squares = try e.reduced(centred, axes: axes, keep: true, .sum, wide) { $0 * $0 }
    let y = try e.elementwise([centred, squares], wide) { reads in
        Formula.divide(reads[0], .unary(.sqrt, Formula.divide(reads[1], count)) + number(1e-9, wide))
    }
    return [try e.cast(y, to: dtype)]
}

/// Statistics per image and group of channels; scale and bias are per group before version 21, then per channel.
func emitGroupNormalization(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.floatOperand(0)
    let (scale, bias) = (try e.floatOperand(1), try e.floatOperand(2))
    let shape = e.shape(x)
    let dtype = try e.sameType([x, scale, bias])
    guard shape.count >= 2 else { throw .misfit("an image of \(shapeText(shape))") }
    guard let groups = try e.integer("num_groups"), groups >= 1, shape[1] % groups == 0 else {
        throw .attribute("num_groups", reason: "is missing or does not divide \(shape[1]) channels")
    }
    let perGroup = e.version < 21
    for vector in [scale, bias] where e.shape(vector) != [perGroup ? groups : shape[1]] {
        throw .misfit("\(shapeText(e.shape(vector))) scales \(shape[1]) channels in \(groups) groups")
    }
    let wide = try e.statisticsType(dtype).work
    let epsilon = try e.float("epsilon", default: 1e-5)
    let size = shape[2...].reduce(shape[1] / groups, *)
    let grouped = try e.reshaped(x, to: [shape[0], groups, size])
    let normal = try standardised(&e, grouped, axes: [2], epsilon: epsilon, wide).value
    let operand = perGroup ? normal : try e.reshaped(normal, to: shape)
    let y = try e.elementwise(
        [Operand(operand), Operand(scale, along: 1), Operand(bias, along: 1)], wide
    ) { reads in
        func widened(_ read: Expr) -> Expr { wide == dtype ? read : .cast(wide, read) }
        return reads[0] * widened(reads[1]) + widened(reads[2])
    }
    return [try e.cast(try e.reshaped(y, to: shape), to: dtype)]
}

/// 1 for the first greatest element along an axis, else 0. Before version 13 all axes from `axis` on were one.
func emitHardmax(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.floatOperand(0)
    let shape = e.shape(x)
    let flattens = e.version < 13
    let axis = try e.axis(try e.integer("axis", default: flattens && shape.count > 1 ? 1 : -1), rank: shape.count)
    guard e.type(x).elements > 0 else { return [x] }
    let matrix = [shape[..<axis].reduce(1, *), shape[axis...].reduce(1, *)]
    let operand = flattens ? try e.reshaped(x, to: matrix) : x
    let place = try extremePlace(&e, operand, axis: flattens ? 1 : axis, .max, last: false)
    let dtype = e.dtype(x)
    let own = e.shape(operand)
    let chosen = try e.mapped([place], TensorType(dtype, own)) { out in
        var at = out
        at[flattens ? 1 : axis] = .integer(0)
        let isChosen = Expr.binary(.equal, .read(slot: 0, at), out[flattens ? 1 : axis])
        return .select(isChosen, number(1, dtype), zero(dtype))
    }
    return [try e.reshaped(chosen, to: shape)]
}

/// `x + bias` below -lambd, `x - bias` above lambd, 0 between them; integers through doubles.
func emitShrink(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.numberOperand(0)
    let (bias, limit) = (try e.float("bias", default: 0), try e.float("lambd", default: 0.5))
    let dtype = e.dtype(x)
    let work = dtype.isFloat ? dtype : .f64
    return [
        try e.elementwise([x], dtype) { reads in
            let value = work == dtype ? reads[0] : .cast(work, reads[0])
            let above = Expr.select(
                .binary(.greater, value, number(limit, work)), value - number(bias, work), zero(work))
            let all = Expr.select(
                .binary(.less, value, number(-limit, work)), value + number(bias, work), above)
            return work == dtype ? all : .cast(dtype, all)
        }
    ]
}

/// `a · sigmoid(alpha · a) · b` of two tensors of one shape.
func emitSwiGLU(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (gate, value) = (try e.floatOperand(0), try e.floatOperand(1))
    let dtype = try e.sameType([gate, value])
    guard e.shape(gate) == e.shape(value) else {
        throw .misfit("a gate of \(shapeText(e.shape(gate))) for \(shapeText(e.shape(value)))")
    }
    let alpha = try e.float("alpha", default: 1)
    return [try e.elementwise([gate, value], dtype) { Formula.swish($0[0], alpha: alpha, dtype) * $0[1] }]
}
