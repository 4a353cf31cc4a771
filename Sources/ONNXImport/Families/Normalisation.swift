// BatchNormalization for inference, LayerNormalization, RMSNormalization, InstanceNormalization, Softmax and
// LogSoftmax, each as the definitions it is made of: a statistic is a reduction with unit axes kept, the rest is
// elementwise. A decomposed model gives the same definitions, so both meet in one workload.

import TensorIR

/// `x·a + b` per channel, with a and b from the statistics; constants fold into two vectors.
func emitBatchNormalization(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.floatOperand(0)
    if e.version >= 14, try e.flag("training_mode") { throw .unsupportedForm("training_mode") }
    if e.version < 7, try !e.flag("is_test") { throw .unsupportedForm("is_test = 0") }
    if e.version < 9, try e.integer("spatial", default: 1) != 1 { throw .unsupportedForm("spatial = 0") }
    guard e.type(x).rank >= 2 else { throw .misfit("an image of \(shapeText(e.shape(x)))") }
    let epsilon = try e.float("epsilon", default: 1e-5)
    var vectors: [ValueID] = []
    for index in 1...4 {
        let vector = try e.floatOperand(index)
        guard e.shape(vector) == [e.shape(x)[1]] else {
            throw .misfit("its input \(index) has the shape \(shapeText(e.shape(vector)))")
        }
        vectors.append(vector)
    }
    let statistics = e.dtype(vectors[2])
    let wide = accumulator(statistics)
    func widened(_ read: Expr, _ dtype: DType) -> Expr { dtype == wide ? read : .cast(wide, read) }
    let dtypes = vectors.map { e.dtype($0) }
    let factor = try e.elementwise([vectors[0], vectors[3]], wide) { reads in
        .binary(
            .divide, widened(reads[0], dtypes[0]),
            .unary(.sqrt, widened(reads[1], dtypes[3]) + number(epsilon, wide)))
    }
    let offset = try e.elementwise([vectors[1], vectors[2], factor], wide) { reads in
        widened(reads[0], dtypes[1]) - widened(reads[1], dtypes[2]) * reads[2]
    }
    let dtype = e.dtype(x)
    let y = try e.elementwise([Operand(x), Operand(factor, along: 1), Operand(offset, along: 1)], wide) { reads in
        widened(reads[0], dtype) * reads[1] + reads[2]
    }
    return [try e.cast(y, to: dtype)]
}

func emitLayerNormalization(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.floatOperand(0)
    let rank = e.type(x).rank
    let first = try e.axis(try e.integer("axis", default: -1), rank: rank)
    let epsilon = try e.float("epsilon", default: 1e-5)
    let dtype = e.dtype(x)
    let stash = try e.integer("stash_type", default: 1)
    guard let wide = DType(onnx: Int32(stash)), wide.isFloat else {
        throw .attribute("stash_type", reason: "is \(stash), which names no float type")
    }
    // A double is not narrowed for its statistics.
    let work = dtype == .f64 ? .f64 : accumulator(wide)
    let moments = try standardised(&e, x, axes: Array(first..<rank), epsilon: epsilon, work)
    let scale = try e.floatOperand(1)
    var operands = [Operand(moments.value), Operand(scale)]
    if let bias = e.optional(2) { operands.append(Operand(bias)) }
    for operand in operands.dropFirst() {
        guard broadcast(e.shape(operand.value), e.shape(x)) == e.shape(x) else {
            throw .misfit("\(shapeText(e.shape(operand.value))) scales \(shapeText(e.shape(x)))")
        }
    }
    let dtypes = operands.map { e.dtype($0.value) }
    let y = try e.elementwise(operands, work) { reads in
        let wideReads = reads.indices.map { dtypes[$0] == work ? reads[$0] : .cast(work, reads[$0]) }
        let product = wideReads[0] * wideReads[1]
        return wideReads.count > 2 ? product + wideReads[2] : product
    }
    return [
        try e.cast(y, to: dtype), try e.cast(moments.mean, to: wide), try e.cast(moments.inverseDeviation, to: wide),
    ]
}

/// `x / sqrt(mean(x²) + epsilon) · scale`.
func emitRMSNormalization(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (x, scale) = (try e.floatOperand(0), try e.floatOperand(1))
    let rank = e.type(x).rank
    let first = try e.axis(try e.integer("axis", default: -1), rank: rank)
    let epsilon = try e.float("epsilon", default: 1e-5)
    let (dtype, scaleType) = (e.dtype(x), e.dtype(scale))
    guard broadcast(e.shape(scale), e.shape(x)) == e.shape(x) else {
        throw .misfit("\(shapeText(e.shape(scale))) scales \(shapeText(e.shape(x)))")
    }
    let wide = accumulator(dtype)
    let input = try e.cast(x, to: wide)
    let axes = Array(first..<rank)
    let count = number(Double(axes.reduce(1) { $0 * e.shape(x)[$1] }), wide)
    let squares = try e.reduced(input, axes: axes, keep: true, .sum, wide) { $0 * $0 }
    let inverse = try e.elementwise([squares], wide) { reads in
        Formula.divide(
            number(1, wide), .unary(.sqrt, Formula.divide(reads[0], count) + number(epsilon, wide)))
    }
    let y = try e.elementwise([input, inverse, scale], wide) { reads in
        reads[0] * reads[1] * (scaleType == wide ? reads[2] : .cast(wide, reads[2]))
    }
    return [try e.cast(y, to: scaleType)]
}

func emitInstanceNormalization(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.floatOperand(0)
    let (scale, bias) = (try e.floatOperand(1), try e.floatOperand(2))
    let rank = e.type(x).rank
    guard rank >= 3 else { throw .misfit("an image of \(shapeText(e.shape(x)))") }
    let dtype = try e.sameType([x, scale, bias])
    let wide = accumulator(dtype)
    let epsilon = try e.float("epsilon", default: 1e-5)
    let moments = try standardised(&e, x, axes: Array(2..<rank), epsilon: epsilon, wide)
    func widened(_ read: Expr) -> Expr { wide == dtype ? read : .cast(wide, read) }
    let y = try e.elementwise(
        [Operand(moments.value), Operand(scale, along: 1), Operand(bias, along: 1)], wide
    ) { reads in reads[0] * widened(reads[1]) + widened(reads[2]) }
    return [try e.cast(y, to: dtype)]
}

/// `(x - mean) / sqrt(variance + epsilon)` over `axes`, with the mean and the inverse deviation, unit axes kept.
func standardised(
    _ e: inout Emitter, _ x: ValueID, axes: [Int], epsilon: Double, _ wide: DType
) throws(NodeProblem) -> (value: ValueID, mean: ValueID, inverseDeviation: ValueID) {
    let input = try e.cast(x, to: wide)
    let count = number(Double(axes.reduce(1) { $0 * e.shape(x)[$1] }), wide)
    let sum = try e.reduced(input, axes: axes, keep: true, .sum, wide)
    let mean = try e.elementwise([sum], wide) { .binary(.divide, $0[0], count) }
    let centred = try e.elementwise([input, mean], wide) { $0[0] - $0[1] }
    let squares = try e.reduced(centred, axes: axes, keep: true, .sum, wide) { $0 * $0 }
    let inverse = try e.elementwise([squares], wide) { reads in
        .binary(
            .divide, number(1, wide),
            .unary(.sqrt, .binary(.divide, reads[0], count) + number(epsilon, wide)))
    }
    let value = try e.elementwise([centred, inverse], wide) { $0[0] * $0[1] }
    return (value, mean, inverse)
}

/// Softmax and LogSoftmax since version 13: over one axis, by default the last.
func emitSoftmax(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] { [try softmax(&e, logarithm: false)] }
func emitLogSoftmax(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] { [try softmax(&e, logarithm: true)] }

/// Before version 13 an operand was a matrix: all axes from `axis` on, by default from 1 on, are one.
private func softmax(_ e: inout Emitter, logarithm: Bool) throws(NodeProblem) -> ValueID {
    let x = try e.floatOperand(0)
    let rank = e.type(x).rank
    let flattens = e.version < 13
    let axis = try e.axis(try e.integer("axis", default: flattens && rank > 1 ? 1 : -1), rank: rank)
    let axes = flattens ? Array(axis..<rank) : [axis]
    if logarithm { return try logSoftmax(&e, x, axes: axes) }
    let dtype = e.dtype(x)
    let wide = accumulator(dtype)
    let input = try e.cast(x, to: wide)
    let greatest = try e.reduced(input, axes: axes, keep: true, .max, wide)
    let powers = try e.elementwise([input, greatest], wide) { .unary(.exp, $0[0] - $0[1]) }
    let sum = try e.reduced(powers, axes: axes, keep: true, .sum, wide)
    return try e.cast(try e.elementwise([powers, sum], wide) { .binary(.divide, $0[0], $0[1]) }, to: dtype)
}

/// Logarithms of the probabilities over `axes`.
func logSoftmax(_ e: inout Emitter, _ x: ValueID, axes: [Int]) throws(NodeProblem) -> ValueID {
    let dtype = e.dtype(x)
    let wide = accumulator(dtype)
    let input = try e.cast(x, to: wide)
    let greatest = try e.reduced(input, axes: axes, keep: true, .max, wide)
    let shifted = try e.elementwise([input, greatest], wide) { $0[0] - $0[1] }
    let sum = try e.reduced(shifted, axes: axes, keep: true, .sum, wide) { .unary(.exp, $0) }
    return try e.cast(try e.elementwise([shifted, sum], wide) { $0[0] - .unary(.log, $0[1]) }, to: dtype)
}
