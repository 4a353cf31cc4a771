// LinearAttention: a state of outer products of keys and values that is read by queries. The recurrence is spelled out
// token by token, at most four definitions each, in at least f32:
//   S' = exp(g) * S (gated),   v' = beta * (v - sum(d) S'[d] * k[d]) (delta),
//   S = S' + k v',   o = scale * sum(d) q * S
// Query heads share the state of their group. Results of all tokens are joined at the end.

import TensorIR

func emitLinearAttention(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (query, key, value) = (try e.floatOperand(0), try e.floatOperand(1), try e.floatOperand(2))
    let attention = try LinearAttention(e, query, key, value)
    var state = try attention.initialState(&e)
    var tokens: [ValueID] = []
    for token in 0..<attention.length {
        state = try attention.step(&e, state, token)
        tokens.append(try attention.read(&e, state, token))
    }
    let output = try concatenated(&e, tokens, 1)
    let stateType = e.optional(3).map { e.dtype($0) } ?? e.dtype(query)
    return [try e.cast(output, to: e.dtype(query)), try e.cast(state, to: stateType)]
}

private struct LinearAttention {
    static let tokensMax = 1 << 14

    let length: Int
    private let query: ValueID
    private let key: ValueID
    private let value: ValueID
    private let decay: ValueID?
    private let beta: ValueID?
    private let scale: Double
    private let queryHeads: Int
    /// `[batch, heads, key size, value size]`.
    private let stateShape: [Int]
    private let work: DType

    init(_ e: Emitter, _ query: ValueID, _ key: ValueID, _ value: ValueID) throws(NodeProblem) {
        (self.query, self.key, self.value) = (query, key, value)
        let (q, k, v) = (e.shape(query), e.shape(key), e.shape(value))
        let (heads, shared) = (try e.integer("q_num_heads", default: 0), try e.integer("kv_num_heads", default: 0))
        guard q.count == 3, k.count == 3, v.count == 3, Array(q[..<2]) == Array(k[..<2]), k[..<2] == v[..<2],
            shared >= 1, heads >= 1, heads % shared == 0, q[2] % heads == 0, k[2] % shared == 0,
            v[2] % shared == 0, q[2] / heads == k[2] / shared, !(q + v).contains(0)
        else {
            throw .misfit(
                "queries of \(shapeText(q)), keys of \(shapeText(k)) and values of \(shapeText(v)) in \(heads) and "
                    + "\(shared) heads")
        }
        guard q[1] <= LinearAttention.tokensMax else {
            throw .unsupportedForm("\(q[1]) tokens, more than \(LinearAttention.tokensMax)")
        }
        (length, queryHeads) = (q[1], heads)
        stateShape = [q[0], shared, k[2] / shared, v[2] / shared]
        work = accumulator(e.dtype(query))
        let named = try e.float("scale", default: 0)
        scale = named == 0 ? 1 / Double(stateShape[2]).squareRoot() : named
        let rule = try e.text("update_rule", default: "gated_delta")
        guard ["linear", "gated", "delta", "gated_delta"].contains(rule) else {
            throw .attribute("update_rule", reason: "has the unknown value \"\(rule)\"")
        }
        decay = rule.hasPrefix("gated") ? try e.floatOperand(4) : nil
        beta = rule.hasSuffix("delta") ? try e.floatOperand(5) : nil
        if let decay {
            guard e.shape(decay) == [q[0], q[1], shared] || e.shape(decay) == k else {
                throw .misfit("a decay of \(shapeText(e.shape(decay))) for keys of \(shapeText(k))")
            }
        }
        if let beta {
            guard e.shape(beta) == [q[0], q[1], shared] || e.shape(beta) == [q[0], q[1], 1] else {
                throw .misfit("a rate of \(shapeText(e.shape(beta))) for keys of \(shapeText(k))")
            }
        }
        if let past = e.optional(3) {
            guard e.dtype(past).isFloat, e.shape(past) == stateShape else {
                throw .misfit("a state of \(shapeText(e.shape(past))) where \(shapeText(stateShape)) is needed")
            }
        }
    }

    private var type: TensorType { TensorType(work, stateShape) }

    func initialState(_ e: inout Emitter) throws(NodeProblem) -> ValueID {
        if let past = e.optional(3) { return try e.cast(past, to: work) }
        return try e.define([], type, .map(zero(work)))
    }

    private func wide(_ dtype: DType, slot: Int, _ indices: [Expr]) -> Expr {
        dtype == work ? .read(slot: slot, indices) : .cast(work, .read(slot: slot, indices))
    }

    /// An element of head `head` of a packed operand of type `dtype`.
    private func packed(
        _ dtype: DType, slot: Int, _ batch: Expr, _ token: Int, _ head: Expr, size: Int, _ at: Expr
    ) -> Expr {
        wide(dtype, slot: slot, [batch, .integer(token), head * .integer(size) + at])
    }

    /// The state after `token`.
    func step(_ e: inout Emitter, _ before: ValueID, _ token: Int) throws(NodeProblem) -> ValueID {
        let (keySize, valueSize) = (stateShape[2], stateShape[3])
        var state = before
        if let decay {
            let isPerHead = e.shape(decay)[2] == stateShape[1]
            let dtype = e.dtype(decay)
            state = try e.mapped([before, decay], type) { out in
                let gate = packed(
                    dtype, slot: 1, out[0], token, out[1], size: isPerHead ? 1 : keySize,
                    isPerHead ? .integer(0) : out[2])
                return .read(slot: 0, out) * .unary(.exp, gate)
            }
        }
        let (keyType, valueType) = (e.dtype(key), e.dtype(value))
        guard let beta else {
            return try e.mapped([state, key, value], type) { out in
                .read(slot: 0, out) + packed(keyType, slot: 1, out[0], token, out[1], size: keySize, out[2])
                    * packed(valueType, slot: 2, out[0], token, out[1], size: valueSize, out[3])
            }
        }
        // what the state already has for this key
        let shape = [stateShape[0], stateShape[1], valueSize]
        let out = coordinates(shape)
        let d = keySize == 1 ? Expr.integer(0) : .axis(3)
        let term =
            Expr.read(slot: 0, [out[0], out[1], d, out[2]])
            * packed(keyType, slot: 1, out[0], token, out[1], size: keySize, d)
        let known = try e.define(
            [state, key], TensorType(work, shape),
            .reduce(
                .sum, extents: [keySize], condition: nil,
                IndexSimplifier(extents: shape + [keySize]).simplify(term)))
        let (isShared, rateType) = (e.shape(beta)[2] == 1, e.dtype(beta))
        return try e.mapped([state, key, value, known, beta], type) { out in
            let new = packed(valueType, slot: 2, out[0], token, out[1], size: valueSize, out[3])
            let rate = wide(rateType, slot: 4, [out[0], .integer(token), isShared ? .integer(0) : out[1]])
            return .read(slot: 0, out) + packed(keyType, slot: 1, out[0], token, out[1], size: keySize, out[2])
                * (rate * (new - .read(slot: 3, [out[0], out[1], out[3]])))
        }
    }

    /// What the queries of `token` read: `[batch, 1, query heads · value size]`.
    func read(_ e: inout Emitter, _ state: ValueID, _ token: Int) throws(NodeProblem) -> ValueID {
        let (keySize, valueSize) = (stateShape[2], stateShape[3])
        let shape = [stateShape[0], queryHeads, valueSize]
        let out = coordinates(shape)
        let d = keySize == 1 ? Expr.integer(0) : .axis(3)
        let head = Expr.binary(.floorDivide, out[1], .integer(queryHeads / stateShape[1]))
        let term =
            packed(e.dtype(query), slot: 0, out[0], token, out[1], size: keySize, d)
            * .read(slot: 1, [out[0], head, d, out[2]])
        let sum = try e.define(
            [query, state], TensorType(work, shape),
            .reduce(
                .sum, extents: [keySize], condition: nil,
                IndexSimplifier(extents: shape + [keySize]).simplify(term)))
        let factor = number(scale, work)
        let scaled = try e.elementwise([sum], work) { $0[0] * factor }
        return try e.reshaped(scaled, to: [shape[0], 1, queryHeads * valueSize])
    }
}
