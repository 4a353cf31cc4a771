// Attention of versions 23 to 25: operands with three or four axes, grouped heads, a cache inside (past and present)
// or outside (nonpad_kv_seqlen) of the operator, masks of bools and numbers, causal limits, windows, a soft cap, and
// the scores of any stage as a further output. All limits become one definition behind the scores; a score that is
// masked is minus infinity whatever it was, so that a NaN in padding does no harm.

import TensorIR

func emitAttention(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    var (q, k, v) = (try e.floatOperand(0), try e.floatOperand(1), try e.floatOperand(2))
    let isPacked = e.type(q).rank == 3
    if isPacked {
        let (heads, shared) = (try e.integer("q_num_heads", default: 0), try e.integer("kv_num_heads", default: 0))
        q = try e.splitHeads(q, heads)
        k = try e.splitHeads(k, shared)
        v = try e.splitHeads(v, shared)
    }
    var past = 0
    if let (pastKey, pastValue) = try pastOperands(e) {
        past = e.type(pastKey).rank == 4 ? e.shape(pastKey)[2] : 0
        k = try joinedSequence(&e, pastKey, k)
        v = try joinedSequence(&e, pastValue, v)
    }
    let heads = try AttentionHeads(e, query: q, key: k, value: v)
    let scale = try e.float("scale") ?? 1 / Double(e.shape(q)[3]).squareRoot()
    guard scale >= 0 else { throw .attribute("scale", reason: "is \(scale)") }
    let cap = try e.float("softcap", default: 0)
    let limits = try AttentionLimits(e, heads, past: past)
    let scores = try heads.scores(&e, scale: scale)
    let capped = cap > 0 ? try heads.capped(&e, scores, cap: cap) : scores
    let biased = try limits.applied(&e, capped, heads)
    let probabilities = try heads.probabilities(
        &e, biased, precision: try softmaxPrecision(e), mayBeEmpty: limits.mayLeaveNothing)
    let result = try heads.result(&e, probabilities)
    var outputs = [isPacked ? try e.joinHeads(result) : result, k, v]
    if e.wantsOutput(3) {
        let mode = try e.integer("qk_matmul_output_mode", default: 0)
        guard 0...3 ~= mode else { throw .attribute("qk_matmul_output_mode", reason: "is \(mode)") }
        outputs.append(try e.cast([scores, capped, biased, probabilities][mode], to: heads.dtype))
    }
    return outputs
}

/// Past keys and values: both or none.
private func pastOperands(_ e: Emitter) throws(NodeProblem) -> (key: ValueID, value: ValueID)? {
    guard e.optional(4) != nil || e.optional(5) != nil else { return nil }
    return (try e.floatOperand(4), try e.floatOperand(5))
}

/// The cache followed by what is new, along the sequence.
private func joinedSequence(_ e: inout Emitter, _ past: ValueID, _ new: ValueID) throws(NodeProblem) -> ValueID {
    _ = try e.sameType([past, new])
    let (a, b) = (e.shape(past), e.shape(new))
    guard a.count == 4, b.count == 4, [0, 1, 3].allSatisfy({ a[$0] == b[$0] }) else {
        throw .misfit("a cache of \(shapeText(a)) before \(shapeText(b))")
    }
    return try concatenated(&e, [past, new], 2)
}

/// What the softmax is to be computed in; `nil`: the operands' type.
func softmaxPrecision(_ e: Emitter) throws(NodeProblem) -> DType? {
    guard let number = try e.integer("softmax_precision") else { return nil }
    guard let dtype = DType(onnx: Int32(number)), [.f16, .bf16, .f32, .f64].contains(dtype) else {
        throw .attribute("softmax_precision", reason: "is \(number), which names no float type")
    }
    return dtype
}

/// Which keys a query may attend to, and what is added to its scores.
private struct AttentionLimits {
    /// Read by the axes `[batch, head, query, key]`; bools, or numbers to add.
    var mask: ValueID?
    /// `[batch]`: how many keys are no padding.
    var keyCounts: ValueID?
    var isCausal: Bool
    /// How far back and ahead a query sees; `nil` without bound.
    var left: Int?
    var right: Int?
    /// Keys before the first query, unless `keyCounts` says it per batch.
    var past: Int

    init(_ e: Emitter, _ heads: AttentionHeads, past: Int) throws(NodeProblem) {
        self.past = past
        isCausal = try e.flag("is_causal")
        left = try AttentionLimits.window(e, "left_window_size")
        right = try AttentionLimits.window(e, "right_window_size")
        if let counts = e.optional(6) {
            keyCounts = try e.indexOperand(6)
            guard e.shape(counts) == [heads.scoreShape[0]], past == 0 else {
                throw .misfit(
                    "counts of \(shapeText(e.shape(counts))) for \(heads.scoreShape[0]) sequences after \(past) keys")
            }
        }
        if let value = e.optional(3) {
            let (own, full) = (e.shape(value), heads.scoreShape)
            guard e.dtype(value) == .bool || e.dtype(value).isFloat else {
                throw .wrongType(input: 3, e.dtype(value), expected: "bool or floats")
            }
            // the last axis may be short: what it does not cover is masked
            guard own.count <= 4, let last = own.last, last <= full[3], !own.contains(0),
                own.dropLast().reversed().enumerated().allSatisfy({ $1 == 1 || $1 == full[2 - $0] })
            else { throw .misfit("a mask of \(shapeText(own)) for scores of \(shapeText(full))") }
            mask = value
        }
    }

    private static func window(_ e: Emitter, _ name: String) throws(NodeProblem) -> Int? {
        let size = try e.integer(name, default: -1)
        guard size >= -1 else { throw .attribute(name, reason: "is \(size)") }
        return size < 0 ? nil : size
    }

    /// Whether a query may be left without any key.
    var mayLeaveNothing: Bool { mask != nil || keyCounts != nil || left != nil || right != nil }

    /// Scores with everything added and masked ones at minus infinity.
    func applied(_ e: inout Emitter, _ scores: ValueID, _ heads: AttentionHeads) throws(NodeProblem) -> ValueID {
        guard mayLeaveNothing || isCausal else { return scores }
        let work = heads.work
        var operands = [scores]
        if let mask { operands.append(mask) }
        if let keyCounts { operands.append(keyCounts) }
        let (maskType, countType) = (mask.map { e.dtype($0) }, keyCounts.map { e.dtype($0) })
        let maskShape = mask.map { e.shape($0) } ?? []
        let shortens = e.version >= 24 || maskShape.last != 1
        return try e.mapped(operands, TensorType(work, heads.scoreShape)) { out in
            let none = number(-.infinity, work)
            var count: Expr?
            if let countType {
                let read = Expr.read(slot: operands.count - 1, [out[0]])
                count = countType == .i64 ? read : .cast(.i64, read)
            }
            let queries = Expr.integer(heads.scoreShape[2])
            let place = out[2] + (count.map { $0 - queries } ?? .integer(past))
            var tests: [Expr] = []
            if isCausal { tests.append(.binary(.lessOrEqual, out[3], place)) }
            if let left { tests.append(.binary(.lessOrEqual, place - out[3], .integer(left))) }
            if let right { tests.append(.binary(.lessOrEqual, out[3] - place, .integer(right))) }
            if let count { tests.append(.binary(.less, out[3], count)) }
            var value = Expr.read(slot: 0, out)
            if let maskType {
                let indices = maskShape.indices.map { axis -> Expr in
                    maskShape[axis] == 1 ? .integer(0) : out[4 - maskShape.count + axis]
                }
                let read = Expr.read(slot: 1, indices)
                if shortens, let last = maskShape.last, last < heads.scoreShape[3] {
                    tests.append(.binary(.less, out[3], .integer(last)))
                }
                if maskType == .bool {
                    value = .select(read, value, none)
                } else {
                    let bias = maskType == work ? read : Expr.cast(work, read)
                    value = .select(.binary(.equal, bias, none), none, heads.settled(value + bias))
                }
            }
            return all(tests).map { .select($0, value, none) } ?? value
        }
    }
}
