// FlexAttention: attention whose scores and whose probabilities each may go through a graph of the model.
//   S = score_mod(scale * Q Kᵀ),   P = prob_mod(softmax of S over the keys),   Y = P V
// The graphs see tensors of the precision of the softmax: float, unless the operands are double or an attribute names
// another. Queries share the heads of keys and values in groups.

import TensorIR

/// What the node says, read before its graphs are imported.
private struct FlexAttention {
    let heads: AttentionHeads
    let scale: Double
    /// The type of scores and probabilities.
    let precision: DType

    init(_ e: Emitter) throws(NodeProblem) {
        let (q, k, v) = (try e.floatOperand(0), try e.floatOperand(1), try e.floatOperand(2))
        _ = try e.sameType([q, k, v])
        heads = try AttentionHeads(e, query: q, key: k, value: v)
        scale = try e.float("scale") ?? 1 / Double(e.shape(q)[3]).squareRoot()
        guard scale >= 0 else { throw .attribute("scale", reason: "is \(scale)") }
        precision = try softmaxPrecision(e) ?? (heads.dtype == .f64 ? .f64 : .f32)
    }

    func scores(_ e: inout Emitter) throws(NodeProblem) -> ValueID {
        try e.cast(try heads.scores(&e, scale: scale), to: precision)
    }

    /// The values weighted in the precision of the softmax.
    func result(_ e: inout Emitter, _ probabilities: ValueID) throws(NodeProblem) -> ValueID {
        let query = try e.cast(heads.query, to: precision)
        let key = try e.cast(heads.key, to: precision)
        let value = try e.cast(heads.value, to: precision)
        let wide = try AttentionHeads(e, query: query, key: key, value: value)
        return try e.cast(try wide.result(&e, try e.cast(probabilities, to: wide.work)), to: heads.dtype)
    }
}

extension Importer {
    mutating func flexAttention(
        _ node: Ironworks_Onnx_NodeProto, _ reference: NodeReference
    ) throws(ImportError) -> [ValueID] {
        let attention = try attempt(reference) { (e: inout Emitter) throws(NodeProblem) in try FlexAttention(e) }
        let scores = try attempt(reference) { (e: inout Emitter) throws(NodeProblem) in try attention.scores(&e) }
        let modified = try self.modified(scores, by: "score_mod", node, reference)
        let weights = try attempt(reference) { (e: inout Emitter) throws(NodeProblem) in
            try softmax(&e, modified, axes: [3])
        }
        let probabilities = try self.modified(weights, by: "prob_mod", node, reference)
        return [
            try attempt(reference) { (e: inout Emitter) throws(NodeProblem) in
                try attention.result(&e, probabilities)
            }
        ]
    }

    /// What the graph in an attribute makes of a value; the value itself when there is none.
    private mutating func modified(
        _ value: ValueID, by name: String, _ node: Ironworks_Onnx_NodeProto, _ reference: NodeReference
    ) throws(ImportError) -> ValueID {
        guard node.attribute.contains(where: { $0.name == name }) else { return value }
        let results = try region(try graph(name, node, reference), [value], reference)
        guard results.count == 1, emitter.elements(of: results[0]) == nil,
            emitter.type(results[0]) == emitter.type(value)
        else {
            let type = emitter.type(value)
            throw .node(
                model: file.name, reference,
                .misfit("its \(name) does not give one tensor of \(type.dtype.rawValue) \(shapeText(type.shape))"))
        }
        return results[0]
    }
}
