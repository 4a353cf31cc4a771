// The steps that all forms of attention are made of, on operands with their heads apart:
//   S[b, h, i, j] = scale * sum(d) Q[b, h, i, d] * K[b, h / group, j, d],   P = softmax over j,
//   Y[b, h, i, d] = sum(j) P[b, h, i, j] * V[b, h / group, j, d]
// 16-bit operands are computed in f32 and rounded back where ONNX's own decomposition rounds, so both agree.
// A row that attends to nothing has only scores of minus infinity; its probabilities are zero, not NaN.

import TensorIR

struct AttentionHeads {
    /// `[batch, heads, sequence, size]`; query heads share the heads of keys and values in groups.
    let query: ValueID
    let key: ValueID
    let value: ValueID
    /// `[batch, query heads, query sequence, key sequence]`.
    let scoreShape: [Int]
    /// Type of the query and of the result.
    let dtype: DType

    init(_ e: Emitter, query: ValueID, key: ValueID, value: ValueID) throws(NodeProblem) {
        let (q, k, v) = (e.shape(query), e.shape(key), e.shape(value))
        guard q.count == 4, k.count == 4, v.count == 4, q[0] == k[0], k[0] == v[0], q[3] == k[3], k[2] == v[2],
            k[1] == v[1], k[1] > 0, q[1] % k[1] == 0, !(q + k + v).contains(0)
        else { throw .misfit("queries of \(shapeText(q)), keys of \(shapeText(k)) and values of \(shapeText(v))") }
        (self.query, self.key, self.value) = (query, key, value)
        scoreShape = [q[0], q[1], q[2], k[2]]
        dtype = try e.sameType([query, key])
        guard isReasonable(scoreShape) else { throw .tooLarge(scoreShape) }
    }

    /// What sums and functions are computed in.
    var work: DType { accumulator(dtype) }

    /// Rounds to the operands' type and back; nothing where they are computed in their own type.
    func settled(_ x: Expr) -> Expr { work == dtype ? x : .cast(work, .cast(dtype, x)) }

    private func wide(_ e: Emitter, _ value: ValueID, _ read: Expr) -> Expr {
        e.dtype(value) == work ? read : .cast(work, read)
    }

    /// Scores in the work type, scaled.
    func scores(_ e: inout Emitter, scale: Double) throws(NodeProblem) -> ValueID {
        // narrow types are scaled before the product, by a root each, so that it does not overflow
        var (q, k) = (query, key)
        let work = self.work
        if work != dtype {
            let root = number(Literal.float(scale.squareRoot(), dtype).float, work)
            q = try e.elementwise([query], work) { settled(.cast(work, $0[0]) * root) }
            k = try e.elementwise([key], work) { settled(.cast(work, $0[0]) * root) }
        }
        let out = coordinates(scoreShape)
        let depth = e.shape(q)[3]
        let d = depth == 1 ? Expr.integer(0) : .axis(4)
        let product =
            Expr.read(slot: 0, [out[0], out[1], out[2], d])
            * .read(slot: q == k ? 0 : 1, [out[0], shared(e, out[1]), out[3], d])
        let simplifier = IndexSimplifier(extents: scoreShape + [depth])
        let sum = try e.define(
            q == k ? [q] : [q, k], TensorType(work, scoreShape),
            .reduce(.sum, extents: [depth], condition: nil, simplifier.simplify(product)))
        return try e.elementwise([sum], work) { work == dtype ? $0[0] * number(scale, work) : settled($0[0]) }
    }

    /// `cap * tanh(scores / cap)`.
    func capped(_ e: inout Emitter, _ scores: ValueID, cap: Double) throws(NodeProblem) -> ValueID {
        let limit = number(Literal.float(cap, dtype).float, work)
        return try e.elementwise([scores], work) { reads in
            settled(settled(.unary(.tanh, settled(Formula.divide(reads[0], limit)))) * limit)
        }
    }

    /// Probabilities in the work type, rounded to the operands' type.
    /// - Parameters:
    ///   - precision: what the softmax is computed in when that is not the operands' type.
    ///   - mayBeEmpty: a row may attend to nothing.
    func probabilities(
        _ e: inout Emitter, _ scores: ValueID, precision: DType? = nil, mayBeEmpty: Bool
    ) throws(NodeProblem) -> ValueID {
        let work = self.work
        let inner = precision == .f64 ? DType.f64 : work
        let narrow = precision ?? dtype
        func rounded(_ x: Expr) -> Expr { narrow == inner ? x : .cast(inner, .cast(narrow, x)) }
        let input =
            precision == nil || (precision == inner && inner == work)
            ? scores : try e.elementwise([scores], inner) { rounded(inner == work ? $0[0] : .cast(inner, $0[0])) }
        let greatest = try e.reduced(input, axes: [3], keep: true, .max, inner)
        let none = number(-.infinity, inner)
        let powers = try e.elementwise([input, greatest], inner) { reads in
            let shift =
                mayBeEmpty ? Expr.select(.binary(.equal, reads[1], none), zero(inner), reads[1]) : reads[1]
            return rounded(.unary(.exp, rounded(reads[0] - shift)))
        }
        let sum = try e.reduced(powers, axes: [3], keep: true, .sum, inner)
        return try e.elementwise([powers, sum], work) { reads in
            let total = rounded(reads[1])
            let divisor =
                mayBeEmpty ? Expr.select(.binary(.equal, total, zero(inner)), number(1, inner), total) : total
            let quotient = rounded(Formula.divide(reads[0], divisor))
            return settled(inner == work ? quotient : .cast(work, quotient))
        }
    }

    /// Values weighted by probabilities, in the operands' type: `[batch, heads, sequence, size]`.
    func result(_ e: inout Emitter, _ probabilities: ValueID) throws(NodeProblem) -> ValueID {
        let shape = Array(scoreShape[..<3]) + [e.shape(value)[3]]
        guard isReasonable(shape) else { throw .tooLarge(shape) }
        let out = coordinates(shape)
        let depth = scoreShape[3]
        let j = depth == 1 ? Expr.integer(0) : .axis(4)
        let product =
            Expr.read(slot: 0, [out[0], out[1], out[2], j])
            * wide(e, value, .read(slot: 1, [out[0], shared(e, out[1]), j, out[3]]))
        let simplifier = IndexSimplifier(extents: shape + [depth])
        let sum = try e.define(
            [probabilities, value], TensorType(work, shape),
            .reduce(.sum, extents: [depth], condition: nil, simplifier.simplify(product)))
        return try e.cast(sum, to: dtype)
    }

    /// The head of keys and values that a query head uses.
    private func shared(_ e: Emitter, _ head: Expr) -> Expr {
        let heads = e.shape(key)[1]
        return heads == scoreShape[1] ? head : .binary(.floorDivide, head, .integer(scoreShape[1] / heads))
    }
}

extension Emitter {
    /// `[batch, sequence, heads · size]` as `[batch, heads, sequence, size]`.
    mutating func splitHeads(_ value: ValueID, _ heads: Int) throws(NodeProblem) -> ValueID {
        let shape = self.shape(value)
        guard shape.count == 3, heads >= 1, shape[2] % heads == 0 else {
            throw .misfit("\(heads) heads in \(shapeText(shape))")
        }
        let size = shape[2] / heads
        return try moved(value, shape: [shape[0], heads, shape[1], size]) { out in
            [out[0], out[2], out[1] * .integer(size) + out[3]]
        }
    }

    /// The reverse of `splitHeads`.
    mutating func joinHeads(_ value: ValueID) throws(NodeProblem) -> ValueID {
        let shape = self.shape(value)
        let size = Expr.integer(shape[3])
        return try moved(value, shape: [shape[0], shape[2], shape[1] * shape[3]]) { out in
            [out[0], .binary(.floorDivide, out[2], size), out[1], .binary(.floorModulo, out[2], size)]
        }
    }
}
