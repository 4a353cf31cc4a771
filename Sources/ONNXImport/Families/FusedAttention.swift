// Attention of the com.microsoft domain: queries, keys and values come from one projection of the operand, past keys
// and values from one tensor. A mask says which keys count (per batch, per batch and query, as lengths, or as ends and
// starts) and adds a large negative number to the scores of the others, which keeps a row of masked keys an average.

import TensorIR

func emitFusedAttention(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    guard try !e.flag("past_present_share_buffer") else { throw .unsupportedForm("past_present_share_buffer") }
    guard try !e.flag("do_rotary") else { throw .unsupportedForm("do_rotary") }
    let x = try e.floatOperand(0)
    let shape = e.shape(x)
    let count = try e.integer("num_heads", default: 0)
    guard shape.count == 3, count >= 1 else { throw .misfit("\(count) heads for an operand of \(shapeText(shape))") }
    let projected = try projection(&e)
    let width = e.shape(projected)[2]
    let sizes = try e.integers("qkv_hidden_sizes") ?? [width / 3, width / 3, width / 3]
    guard sizes.count == 3, sizes.reduce(0, +) == width, sizes[0] == sizes[1],
        sizes.allSatisfy({ $0 > 0 && $0 % count == 0 })
    else { throw .misfit("hidden sizes \(sizes) of \(width) in \(count) heads") }
    var parts: [ValueID] = []
    for index in 0..<3 {
        let (start, size) = (sizes[..<index].reduce(0, +), sizes[index] / count)
        parts.append(
            try e.moved(projected, shape: [shape[0], count, shape[1], size]) { out in
                [out[0], out[2], out[1] * .integer(size) + out[3] + .integer(start)]
            })
    }
    let past = try joinPast(&e, &parts)
    let heads = try AttentionHeads(e, query: parts[0], key: parts[1], value: parts[2])
    let named = try e.float("scale", default: 0)
    let scale = named == 0 ? 1 / Double(sizes[0] / count).squareRoot() : named
    guard scale > 0 else { throw .attribute("scale", reason: "is \(scale)") }
    let scores = try heads.scores(&e, scale: scale)
    let masked = try masked(&e, scores, heads, past: past)
    let probabilities = try heads.probabilities(&e, masked, mayBeEmpty: false)
    let y = try e.joinHeads(try heads.result(&e, probabilities))
    guard e.wantsOutput(1) else { return [y] }
    return [y, try stacked(&e, parts[1], parts[2])]
}

/// `x · W + b`, in the operand's type.
private func projection(_ e: inout Emitter) throws(NodeProblem) -> ValueID {
    let (x, w) = (try e.floatOperand(0), try e.floatOperand(1))
    let dtype = try e.sameType([x, w])
    var product = try emitMatMul(&e)[0]
    if e.optional(2) != nil {
        let bias = try e.floatOperand(2)
        guard e.dtype(bias) == dtype, e.shape(bias) == [e.shape(w).last ?? 0] else {
            throw .misfit("a bias of \(shapeText(e.shape(bias))) for weights of \(shapeText(e.shape(w)))")
        }
        product = try e.elementwise([product, bias], dtype) { $0[0] + $0[1] }
    }
    return product
}

/// Puts the cached keys and values in front; gives their number.
private func joinPast(_ e: inout Emitter, _ parts: inout [ValueID]) throws(NodeProblem) -> Int {
    guard e.optional(4) != nil else { return 0 }
    let cache = try e.floatOperand(4)
    let shape = e.shape(cache)
    for index in 0..<2 {
        let own = e.shape(parts[index + 1])
        guard shape.count == 5, shape[0] == 2, Array(shape[1...2]) == Array(own[..<2]), shape[4] == own[3],
            e.dtype(cache) == e.dtype(parts[index + 1])
        else { throw .misfit("a cache of \(shapeText(shape)) for keys and values of \(shapeText(own))") }
        let half = try e.moved(cache, shape: Array(shape[1...])) { [.integer(index)] + $0 }
        parts[index + 1] = try concatenated(&e, [half, parts[index + 1]], 2)
    }
    return shape[3]
}

/// Keys and values in one tensor, as the next call takes them.
private func stacked(_ e: inout Emitter, _ key: ValueID, _ value: ValueID) throws(NodeProblem) -> ValueID {
    let shape = e.shape(key)
    guard shape == e.shape(value) else { throw .unsupportedForm("a cache of keys and values of different sizes") }
    return try concatenated(
        &e, [try e.reshaped(key, to: [1] + shape), try e.reshaped(value, to: [1] + shape)], 0)
}

/// Scores plus the bias of input 5, plus the filter value where the mask of input 3 or the order forbids a key.
private func masked(
    _ e: inout Emitter, _ scores: ValueID, _ heads: AttentionHeads, past: Int
) throws(NodeProblem) -> ValueID {
    let full = heads.scoreShape
    let work = heads.work
    let isCausal = try e.flag("unidirectional")
    let filter = number(try e.float("mask_filter_value", default: -10000), work)
    var slots = Slots()
    _ = slots.slot(scores)
    let mask = try KeyMask(e, full, &slots)
    var bias: (slot: Int, type: TensorType)?
    if let value = e.optional(5) {
        let own = e.type(value)
        guard own.dtype == heads.dtype, own.rank == 4, broadcast(own.shape, full) == full else {
            throw .misfit("a bias of \(shapeText(own.shape)) for scores of \(shapeText(full))")
        }
        bias = (slots.slot(value), own)
    }
    guard isCausal || mask != nil || bias != nil else { return scores }
    return try e.mapped(slots.values, TensorType(work, full)) { out in
        var value = Expr.read(slot: 0, out)
        if let mask {
            value = .select(mask.isKept(out, past: past), value, value + filter)
        }
        if let bias {
            let read = Expr.read(slot: bias.slot, out.indices.map { bias.type.shape[$0] == 1 ? .integer(0) : out[$0] })
            value = value + (bias.type.dtype == work ? read : .cast(work, read))
        }
        guard isCausal else { return value }
        let isSeen = Expr.binary(.lessOrEqual, out[3], out[2] + .integer(past))
        return .select(isSeen, value, number(-.infinity, work))
    }
}

/// The forms of the mask, told apart by shape.
private struct KeyMask {
    private enum Form { case lengths, endsAndStarts(batches: Int), keys, queriesAndKeys, square }
    private let form: Form
    private let slot: Int
    private let dtype: DType

    init?(_ e: Emitter, _ full: [Int], _ slots: inout Slots) throws(NodeProblem) {
        guard let value = e.optional(3) else { return nil }
        _ = try e.indexOperand(3)
        let (shape, batches) = (e.shape(value), full[0])
        switch shape.count {
        case 1 where shape[0] == batches: form = .lengths
        case 1 where shape[0] == 2 * batches: form = .endsAndStarts(batches: batches)
        case 2 where shape == [batches, full[3]]: form = .keys
        case 3 where shape == [batches, full[2], full[3]]: form = .queriesAndKeys
        case 4 where Array(shape[..<2]) == [batches, 1] && shape[2] >= full[3] && shape[3] >= full[3]: form = .square
        default: throw .unsupportedForm("a mask of \(shapeText(shape)) for scores of \(shapeText(full))")
        }
        (slot, dtype) = (slots.slot(value), e.dtype(value))
    }

    private func read(_ indices: [Expr]) -> Expr {
        dtype == .i64 ? .read(slot: slot, indices) : .cast(.i64, .read(slot: slot, indices))
    }

    /// Whether a key counts for a query.
    func isKept(_ out: [Expr], past: Int) -> Expr {
        let (batch, query, key) = (out[0], out[2], out[3])
        func isSet(_ indices: [Expr]) -> Expr { .binary(.greater, read(indices), .integer(0)) }
        switch form {
        case .lengths: return .binary(.less, key, read([batch]))
        case .endsAndStarts(let batches):
            return .binary(
                .and, .binary(.less, key, read([batch])),
                .binary(.greaterOrEqual, key, read([batch + .integer(batches)])))
        case .keys: return isSet([batch, key])
        case .queriesAndKeys: return isSet([batch, query, key])
        case .square: return isSet([batch, .integer(0), query + .integer(past), key])
        }
    }
}
