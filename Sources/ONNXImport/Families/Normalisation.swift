// BatchNormalization, LayerNormalization, RMSNormalization, InstanceNormalization, Softmax and
// LogSoftmax, each as the definitions it is made of: a statistic is a reduction with unit axes kept, the rest is
// elementwise. A decomposed model gives the same definitions, so both meet in one workload.

import TensorIR

/// `x·a + b` per channel, with a and b from the statistics; constants fold into two vectors.
func emitBatchNormalization(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let given = try e.floatOperand(0)
    let own = e.shape(given)
    // a batch of numbers has one channel
    let x = own.count == 1 && e.version >= 9 ? try e.reshaped(given, to: own + [1]) : given
    guard e.type(x).rank >= 2 else { throw .misfit("an image of \(shapeText(own))") }
    // up to version 8 every place of an image could have statistics of its own
    let isSpatial = e.version >= 9 ? true : try e.flag("spatial", default: true)
    let expected = isSpatial ? [e.shape(x)[1]] : Array(e.shape(x)[1...])
    var vectors: [ValueID] = []
    for index in 1...4 {
        let vector = try e.floatOperand(index)
        guard e.shape(vector) == expected else {
            throw .misfit("its input \(index) has the shape \(shapeText(e.shape(vector)))")
        }
        vectors.append(vector)
    }
    let dtypes = ([x] + vectors).map { e.dtype($0) }
    let batch = BatchStatistics(
        x: x, vectors: vectors, axis: isSpatial ? 1 : nil, epsilon: try e.float("epsilon", default: 1e-5),
        wide: dtypes.contains(.f64) ? .f64 : .f32)
    var results = try batch.isOwn(e) ? try batch.trained(&e) : [try batch.normalised(&e)]
    results[0] = try e.reshaped(try e.cast(results[0], to: dtypes[0]), to: own)
    return results
}

/// BatchNormalization's operands and where its statistics come from.
private struct BatchStatistics {
    let x: ValueID
    /// Scale, bias, mean, variance.
    let vectors: [ValueID]
    /// The axis along which they lie; `nil`: they cover all axes but the first.
    let axis: Int?
    let epsilon: Double
    /// What is computed in.
    let wide: DType

    /// Whether the statistics are those of the batch: an attribute before version 7 and since version 14, between
    /// them whether the node names more results than one.
    func isOwn(_ e: Emitter) throws(NodeProblem) -> Bool {
        if e.version < 7 { return try !e.flag("is_test") }
        if e.version < 14 { return (1...4).contains { e.wantsOutput($0) } }
        return try e.flag("training_mode")
    }

    private func widened(_ read: Expr, _ dtype: DType) -> Expr { dtype == wide ? read : .cast(wide, read) }

    func normalised(_ e: inout Emitter) throws(NodeProblem) -> ValueID {
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
        let operands = [Operand(x), Operand(factor, along: axis), Operand(offset, along: axis)]
        return try e.elementwise(operands, wide) { widened($0[0], dtype) * $0[1] + $0[2] }
    }

    /// With the statistics of the batch; also the running ones, and before version 14 those of the batch.
    func trained(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
        let momentum = try e.float("momentum", default: 0.9)
        let shape = e.shape(x)
        let axes = axis == nil ? [0] : shape.indices.filter { $0 != axis }
        let moments = try standardised(&e, x, axes: axes, epsilon: epsilon, wide)
        var operands = [Operand(moments.value)]
        for vector in vectors[..<2] { operands.append(Operand(try e.cast(vector, to: wide), along: axis)) }
        var results = [try e.elementwise(operands, wide) { $0[0] * $0[1] + $0[2] }]
        let own = e.shape(vectors[2])
        let count = number(Double(axes.reduce(1) { $0 * shape[$1] }), wide)
        let mean = try e.reshaped(moments.mean, to: own)
        let squares = try e.reshaped(moments.squares, to: own)
        let variance = try e.elementwise([squares], wide) { Formula.divide($0[0], count) }
        for (old, new) in zip(vectors[2...], [mean, variance]) {
            let kept = try e.elementwise([try e.cast(old, to: wide), new], wide) { reads in
                reads[0] * number(momentum, wide) + reads[1] * number(1 - momentum, wide)
            }
            results.append(try e.cast(kept, to: e.dtype(old)))
        }
        guard e.version < 14 else { return results }
        for (old, new) in zip(vectors[2...], [mean, variance]) {
            results.append(try e.cast(new, to: e.dtype(old)))
        }
        return results
    }
}

extension Emitter {
    /// The float type in which the statistics of operands of `dtype` are computed: the one that `stash_type` names,
    /// 16-bit floats in 32 bits, and a double is never narrowed for them.
    func statisticsType(_ dtype: DType) throws(NodeProblem) -> (named: DType, work: DType) {
        let stash = try integer("stash_type", default: 1)
        guard let named = DType(onnx: Int32(stash)), named.isFloat, !named.isStorage else {
            throw .attribute("stash_type", reason: "is \(stash), which names no float type")
        }
        return (named, dtype == .f64 ? .f64 : accumulator(named))
    }
}

func emitLayerNormalization(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.floatOperand(0)
    let rank = e.type(x).rank
    let first = try e.axis(try e.integer("axis", default: -1), rank: rank)
    let epsilon = try e.float("epsilon", default: 1e-5)
    let dtype = e.dtype(x)
    let (named, work) = try e.statisticsType(dtype)
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
        try e.cast(y, to: dtype), try e.cast(moments.mean, to: named), try e.cast(moments.inverseDeviation, to: named),
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
    let wide = try e.statisticsType(dtype).work
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

/// What `standardised` gives; unit axes are kept.
struct Moments {
    var value: ValueID
    var mean: ValueID
    var inverseDeviation: ValueID
    /// The sum of squared distances from the mean.
    var squares: ValueID
}

/// `(x - mean) / sqrt(variance + epsilon)` over `axes`, with what it is made of.
func standardised(
    _ e: inout Emitter, _ x: ValueID, axes: [Int], epsilon: Double, _ wide: DType
) throws(NodeProblem) -> Moments {
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
    return Moments(value: value, mean: mean, inverseDeviation: inverse, squares: squares)
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
    return logarithm ? try logSoftmax(&e, x, axes: axes) : try softmax(&e, x, axes: axes)
}

/// Probabilities over `axes`.
func softmax(_ e: inout Emitter, _ x: ValueID, axes: [Int]) throws(NodeProblem) -> ValueID {
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
