// Normalisations of the com.microsoft domain: with a residual in front (Skip…), by the root of the mean square alone
// (…Simplified…), and with the embeddings of a transformer in front. All end in one of two normalisations over the
// last axes, computed in at least f32.

import TensorIR

/// LayerNormalization of the sum of two operands and a bias.
func emitSkipNormalization(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let sum = try residual(&e, bias: 4)
    let rank = e.type(sum).rank
    let dtype = e.dtype(sum)
    let epsilon = try e.float("epsilon", default: 1e-12)
    let moments = try standardised(&e, sum, axes: [rank - 1], epsilon: epsilon, accumulator(dtype))
    let y = try scaled(&e, moments.value, by: 2, plus: 3, dtype)
    return [y, moments.mean, moments.inverseDeviation, sum]
}

/// Normalisation by the root of the mean square of the sum of two operands and a bias.
func emitSkipSimplifiedNormalization(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let sum = try residual(&e, bias: 3)
    let rank = e.type(sum).rank
    let dtype = e.dtype(sum)
    let root = try rootMeanSquare(
        &e, sum, axes: [rank - 1], epsilon: try e.float("epsilon", default: 1e-12), accumulator(dtype))
    let y = try scaled(&e, root.value, by: 2, plus: nil, dtype)
    // output 1 stands for a mean that this operator has not
    return [y, root.inverse, root.inverse, sum]
}

func emitSimplifiedNormalization(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.floatOperand(0)
    let rank = e.type(x).rank
    let first = try e.axis(try e.integer("axis", default: -1), rank: rank)
    let root = try rootMeanSquare(
        &e, x, axes: Array(first..<rank), epsilon: try e.float("epsilon", default: 1e-5), accumulator(e.dtype(x)))
    return [try scaled(&e, root.value, by: 1, plus: nil, e.dtype(try e.floatOperand(1))), root.inverse]
}

/// Input 0 plus input 1, which may lack leading axes, plus a vector.
private func residual(_ e: inout Emitter, bias: Int) throws(NodeProblem) -> ValueID {
    var operands = [try e.floatOperand(0), try e.floatOperand(1)]
    if e.optional(bias) != nil { operands.append(try e.floatOperand(bias)) }
    let dtype = try e.sameType(operands)
    let shape = e.shape(operands[0])
    for operand in operands {
        guard !shape.isEmpty, broadcast(shape, e.shape(operand)) == shape else {
            throw .misfit("\(shapeText(e.shape(operand))) added to \(shapeText(shape))")
        }
    }
    return try e.elementwise(operands, dtype) { reads in reads.dropFirst().reduce(reads[0]) { $0 + $1 } }
}

/// `value` times input `factor` plus input `addend`, in `dtype`.
private func scaled(
    _ e: inout Emitter, _ value: ValueID, by factor: Int, plus addend: Int?, _ dtype: DType
) throws(NodeProblem) -> ValueID {
    var operands = [value, try e.floatOperand(factor)]
    if let addend, e.optional(addend) != nil { operands.append(try e.floatOperand(addend)) }
    let shape = e.shape(value)
    for operand in operands.dropFirst() {
        guard broadcast(shape, e.shape(operand)) == shape else {
            throw .misfit("\(shapeText(e.shape(operand))) scales \(shapeText(shape))")
        }
    }
    let work = e.dtype(value)
    let dtypes = operands.map { e.dtype($0) }
    let y = try e.elementwise(operands, work) { reads in
        let wide = reads.indices.map { dtypes[$0] == work ? reads[$0] : .cast(work, reads[$0]) }
        return wide.count > 2 ? wide[0] * wide[1] + wide[2] : wide[0] * wide[1]
    }
    return try e.cast(y, to: dtype)
}

/// `x / sqrt(mean(x²) + epsilon)` and the factor, unit axes kept.
private func rootMeanSquare(
    _ e: inout Emitter, _ x: ValueID, axes: [Int], epsilon: Double, _ work: DType
) throws(NodeProblem) -> (value: ValueID, inverse: ValueID) {
    let input = try e.cast(x, to: work)
    let count = number(Double(axes.reduce(1) { $0 * e.shape(x)[$1] }), work)
    let squares = try e.reduced(input, axes: axes, keep: true, .sum, work) { $0 * $0 }
    let inverse = try e.elementwise([squares], work) { reads in
        Formula.divide(number(1, work), .unary(.sqrt, Formula.divide(reads[0], count) + number(epsilon, work)))
    }
    return (try e.elementwise([input, inverse], work) { $0[0] * $0[1] }, inverse)
}

/// LayerNormalization of the sum of word, position and segment embeddings; output 1 counts the ones of each mask.
func emitEmbeddingNormalization(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let words = try e.indexOperand(0)
    let tokens = e.shape(words)
    guard tokens.count == 2, !tokens.contains(0) else { throw .misfit("words of \(shapeText(tokens))") }
    var slots = Slots()
    /// Row and table per embedding.
    var lookups: [(table: Int, ids: Int?, shape: [Int])] = []
    for (index, ids) in [(2, Optional(0)), (3, 8), (4, 1)] {
        // segments are left out as a pair
        if index == 4, e.optional(4) == nil { continue }
        let table = try e.floatOperand(index)
        guard e.type(table).rank == 2, e.shape(table)[0] > 0 else {
            throw .misfit("embeddings of \(shapeText(e.shape(table)))")
        }
        var slot: Int?
        if let ids, ids != 8 || e.optional(ids) != nil {
            let value = try e.indexOperand(ids)
            guard e.shape(value) == tokens || e.shape(value) == [1, tokens[1]] else {
                throw .misfit("indices of \(shapeText(e.shape(value))) for words of \(shapeText(tokens))")
            }
            slot = slots.slot(value)
        }
        lookups.append((slots.slot(table), slot, e.shape(table)))
    }
    let dtype = e.dtype(slots.values[lookups[0].table])
    let width = lookups[0].shape[1]
    for lookup in lookups {
        guard lookup.shape[1] == width, e.dtype(slots.values[lookup.table]) == dtype else {
            throw .misfit("embeddings of \(lookup.shape[1]) elements beside \(width)")
        }
    }
    let types = slots.values.map { e.type($0) }
    let sum = try e.mapped(slots.values, TensorType(dtype, tokens + [width])) { out in
        let parts = lookups.map { lookup -> Expr in
            var row = out[1]
            if let ids = lookup.ids {
                let read = Expr.read(slot: ids, [types[ids].shape[0] == 1 ? .integer(0) : out[0], out[1]])
                row = types[ids].dtype == .i64 ? read : .cast(.i64, read)
            }
            let inside = Formula.minimum(Formula.maximum(row, .integer(0)), .integer(lookup.shape[0] - 1))
            return .read(slot: lookup.table, [inside, out[2]])
        }
        return parts.dropFirst().reduce(parts[0]) { $0 + $1 }
    }
    let epsilon = try e.float("epsilon", default: 1e-12)
    let moments = try standardised(&e, sum, axes: [2], epsilon: epsilon, accumulator(dtype))
    let y = try scaled(&e, moments.value, by: 5, plus: 6, dtype)
    let counts: ValueID
    if e.optional(7) != nil {
        let mask = try e.indexOperand(7)
        let one = number(1, e.dtype(mask))
        counts = try e.reduced(mask, axes: [1], keep: false, .sum, .i32) { .cast(.i32, .binary(.equal, $0, one)) }
    } else {
        counts = try e.define([], TensorType(.i32, [tokens[0]]), .map(zero(.i32)))
    }
    return [y, counts, sum]
}
