// Gather and GatherElements: an index that is itself read from a tensor. Indices that are known are checked and
// counted from the front here; others are counted from the front and kept inside of the axis where they are read, so
// that no index, wherever it comes from, reaches outside of a buffer.

import TensorIR

func emitGather(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.operand(0)
    let shape = e.shape(x)
    let axis = try e.axis(try e.integer("axis", default: 0), rank: shape.count)
    let indices = try checkedIndices(&e, try e.indexOperand(1), extent: shape[axis])
    let own = e.shape(indices.value)
    let result = Array(shape[..<axis]) + own + Array(shape[(axis + 1)...])
    return [
        try gathered(&e, x, indices, result) { out in
            let place = own.indices.map { own[$0] == 1 ? Expr.integer(0) : out[axis + $0] }
            return (place, { index in Array(out[..<axis]) + [index] + Array(out[(axis + own.count)...]) })
        }
    ]
}

func emitGatherElements(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.operand(0)
    let shape = e.shape(x)
    let axis = try e.axis(try e.integer("axis", default: 0), rank: shape.count)
    let indices = try checkedIndices(&e, try e.indexOperand(1), extent: shape[axis])
    let result = e.shape(indices.value)
    guard result.count == shape.count, shape.indices.allSatisfy({ $0 == axis || result[$0] <= shape[$0] }) else {
        throw .misfit("indices of \(shapeText(result)) into \(shapeText(shape))")
    }
    return [
        try gathered(&e, x, indices, result) { out in
            (
                out,
                { index in
                    var places = out
                    places[axis] = index
                    return places
                }
            )
        }
    ]
}

private struct CheckedIndices {
    var value: ValueID
    var extent: Int
    /// Every index is known and inside.
    var isKnown: Bool
}

/// `places` gives, for the axes of the result, where the index is read, and from the index where the element is.
private func gathered(
    _ e: inout Emitter, _ x: ValueID, _ indices: CheckedIndices, _ result: [Int],
    _ places: ([Expr]) -> (index: [Expr], element: (Expr) -> [Expr])
) throws(NodeProblem) -> ValueID {
    let literal = indices.isKnown ? e.literal(indices.value) : nil
    let slot = indices.value == x ? 0 : 1
    let operands = literal != nil || slot == 0 ? [x] : [x, indices.value]
    let isWide = e.dtype(indices.value) == .i64
    return try e.mapped(operands, TensorType(e.dtype(x), result)) { out in
        let (at, element) = places(out)
        if let literal { return .read(slot: 0, element(.integer(Int(literal.integer)))) }
        let read = Expr.read(slot: slot, at)
        var index = isWide ? read : .cast(.i64, read)
        if !indices.isKnown {
            let extent = Expr.integer(indices.extent)
            index = .select(.binary(.less, index, .integer(0)), index + extent, index)
            index = Formula.minimum(Formula.maximum(index, .integer(0)), .integer(indices.extent - 1))
        }
        return .read(slot: 0, element(index))
    }
}

private func checkedIndices(
    _ e: inout Emitter, _ value: ValueID, extent: Int
) throws(NodeProblem) -> CheckedIndices {
    guard extent > 0 || e.type(value).elements == 0 else { throw .misfit("indices into an axis without elements") }
    guard e.builder.isConstant(value), e.type(value).elements <= Emitter.knownElementsMax,
        let known = e.builder.constantValue(value)
    else { return CheckedIndices(value: value, extent: extent, isKnown: false) }
    var indices = known.literals.map { $0.integer }
    var isCounted = true
    for at in indices.indices {
        guard indices[at] >= -Int64(extent), indices[at] < Int64(extent) else {
            throw .misfit("index \(indices[at]) into an axis of \(extent)")
        }
        if indices[at] < 0 {
            indices[at] += Int64(extent)
            isCounted = false
        }
    }
    let counted = isCounted ? value : e.constant(TensorValue(known.type, integers: indices))
    return CheckedIndices(value: counted, extent: extent, isKnown: true)
}
