// What becomes of axes whose length only a run can tell: operators that move, pick and join elements. Every rule runs
// the operator's family over the greatest lengths and then names the bounded axes of the results.

import TensorIR

/// The family looks at the extents of its operands itself.
let ownExtents: ExtentRule = { (e, family) throws(NodeProblem) in try family(&e) }

/// Axes meet from the right, as in numpy; a bounded axis meets unit axes and axes of its own length.
let broadcastExtents: ExtentRule = { (e, family) throws(NodeProblem) in
    let results = try family(&e)
    for result in results {
        for case let operand? in e.inputs {
            let shift = e.type(result).rank - e.type(operand).rank
            for (axis, count) in e.extents(operand) {
                guard shift + axis >= 0, e.shape(result)[shift + axis] == e.shape(operand)[axis] else {
                    throw e.extentProblem("broadcasting")
                }
                e.bound(result, shift + axis, by: count)
            }
        }
    }
    return results
}

let transposeExtents: ExtentRule = { (e, family) throws(NodeProblem) in
    let x = try e.operand(0)
    let order = try e.integers("perm") ?? Array((0..<e.type(x).rank).reversed())
    let results = try family(&e)
    for (at, axis) in order.enumerated() {
        if let count = e.extents(x)[axis] { e.bound(results[0], at, by: count) }
    }
    return results
}

let squeezeExtents: ExtentRule = { (e, family) throws(NodeProblem) in
    let x = try e.operand(0)
    let named = e.version < 13 ? try e.integers("axes") : try e.knownIntegersIfPresent(1, "axes")
    let shape = e.shape(x)
    let unit = shape.indices.filter { shape[$0] == 1 }
    let removed = if let named { try e.axes(named, rank: shape.count) } else { unit }
    guard removed.allSatisfy({ e.extents(x)[$0] == nil }) else { throw e.extentProblem("squeezing") }
    let results = try family(&e)
    for (axis, count) in e.extents(x) { e.bound(results[0], axis - removed.count { $0 < axis }, by: count) }
    return results
}

let unsqueezeExtents: ExtentRule = { (e, family) throws(NodeProblem) in
    let x = try e.operand(0)
    let results = try family(&e)
    let rank = e.type(results[0]).rank
    let named = e.version < 13 ? try e.integers("axes") : try e.knownIntegersIfPresent(1, "axes")
    let added = try e.axes(named ?? [], rank: rank)
    let kept = (0..<rank).filter { !added.contains($0) }
    for (axis, count) in e.extents(x) { e.bound(results[0], kept[axis], by: count) }
    return results
}

/// The bounded axis stays an axis, or takes in what lies behind it.
let reshapeExtents: ExtentRule = { (e, family) throws(NodeProblem) in
    let x = try e.operand(0)
    guard let (axis, count) = e.extents(x).first, e.extents(x).count == 1 else {
        throw e.extentProblem("reshaping more than")
    }
    let results = try family(&e)
    let (from, to) = (e.shape(x), e.shape(results[0]))
    func product(_ extents: ArraySlice<Int>) -> Int { extents.reduce(1, *) }
    for at in to.indices where product(to[..<at]) == product(from[..<axis]) && to[at] % max(from[axis], 1) == 0 {
        let taken = to[at] / max(from[axis], 1)
        guard taken * product(to[(at + 1)...]) == product(from[(axis + 1)...]) else { continue }
        let length = taken == 1 ? count : try e.elementwise([count], .i64) { $0[0] * .integer(taken) }
        e.bound(results[0], at, by: length)
        return results
    }
    throw e.extentProblem("dividing")
}

/// Indices count from the front: from the end is another place on every run.
private func requireForwardIndices(_ e: Emitter, _ indices: ValueID) throws(NodeProblem) {
    guard let known = e.builder.constantValue(indices), known.literals.allSatisfy({ $0.integer >= 0 }) else {
        throw e.extentProblem("indices, which may count from the end, into")
    }
}

let gatherExtents: ExtentRule = { (e, family) throws(NodeProblem) in
    let (x, indices) = (try e.operand(0), try e.operand(1))
    let axis = try e.axis(try e.integer("axis", default: 0), rank: e.type(x).rank)
    if e.extents(x)[axis] != nil { try requireForwardIndices(e, indices) }
    let results = try family(&e)
    for (at, count) in e.extents(x) where at != axis {
        e.bound(results[0], at < axis ? at : at - 1 + e.type(indices).rank, by: count)
    }
    for (at, count) in e.extents(indices) { e.bound(results[0], axis + at, by: count) }
    return results
}

let gatherNDExtents: ExtentRule = { (e, family) throws(NodeProblem) in
    let (x, indices) = (try e.operand(0), try e.operand(1))
    let last = e.type(indices).rank - 1
    let consumed = try e.integer("batch_dims", default: 0) + (e.shape(indices).last ?? 0)
    guard e.extents(indices)[last] == nil else { throw e.extentProblem("tuples along") }
    guard e.extents(x).keys.allSatisfy({ $0 >= consumed }) else { throw e.extentProblem("indices into") }
    let results = try family(&e)
    for (at, count) in e.extents(indices) { e.bound(results[0], at, by: count) }
    for (at, count) in e.extents(x) { e.bound(results[0], last + at - consumed, by: count) }
    return results
}

let gatherElementsExtents: ExtentRule = { (e, family) throws(NodeProblem) in
    let (x, indices) = (try e.operand(0), try e.operand(1))
    let axis = try e.axis(try e.integer("axis", default: 0), rank: e.type(x).rank)
    if e.extents(x)[axis] != nil { try requireForwardIndices(e, indices) }
    let results = try family(&e)
    for (at, count) in e.extents(indices) { e.bound(results[0], at, by: count) }
    for (at, count) in e.extents(x) where at != axis { e.bound(results[0], at, by: count) }
    return results
}

/// Forward slices from a place counted from the front; the end may be counted from the end.
let sliceExtents: ExtentRule = { (e, family) throws(NodeProblem) in
    let x = try e.operand(0)
    let byInputs = e.version >= 10
    let starts = byInputs ? try e.knownIntegers(1, "starts") : try e.wideIntegers("starts") ?? []
    let ends = byInputs ? try e.knownIntegers(2, "ends") : try e.wideIntegers("ends") ?? []
    let axes = byInputs ? try e.knownIntegersIfPresent(3, "axes") : try e.integers("axes")
    let steps = byInputs ? try e.knownIntegersIfPresent(4, "steps") : nil
    let results = try family(&e)
    var lengths = e.extents(x)
    for n in starts.indices where n < ends.count {
        let axis = try e.axis(axes.map { $0[n] } ?? n, rank: e.type(x).rank)
        guard let count = lengths[axis] else { continue }
        let extent = e.shape(x)[axis]
        guard steps.map({ $0[n] == 1 }) ?? true, starts[n] >= 0, ends[n] >= 0 else {
            throw e.extentProblem("slices that step over or count from the end of")
        }
        let (start, end) = (min(starts[n], extent), min(ends[n], extent))
        lengths[axis] = try e.elementwise([count], .i64) { reads in
            Formula.maximum(Formula.minimum(reads[0], .integer(end)) - .integer(start), .integer(0))
        }
    }
    for (axis, count) in lengths { e.bound(results[0], axis, by: count) }
    return results
}

/// Parts of another axis.
let splitExtents: ExtentRule = { (e, family) throws(NodeProblem) in
    let x = try e.operand(0)
    let axis = try e.axis(try e.integer("axis", default: 0), rank: e.type(x).rank)
    guard e.extents(x)[axis] == nil else { throw e.extentProblem("splitting") }
    let results = try family(&e)
    for result in results {
        for (at, count) in e.extents(x) { e.bound(result, at, by: count) }
    }
    return results
}

/// Along another axis the lengths agree; along the bounded one an operand starts where those before it end.
let concatExtents: ExtentRule = { (e, family) throws(NodeProblem) in
    let operands = try e.operands()
    let axis = try e.axis(try e.integer("axis", default: 1), rank: e.type(operands[0]).rank)
    let joinsBounded = operands.contains { e.extents($0)[axis] != nil }
    let results = joinsBounded ? [try joinedAtRunTime(&e, operands, axis)] : try family(&e)
    for operand in operands {
        for (at, count) in e.extents(operand) where at != axis { e.bound(results[0], at, by: count) }
    }
    return results
}

private func joinedAtRunTime(
    _ e: inout Emitter, _ operands: [ValueID], _ axis: Int
) throws(NodeProblem) -> ValueID {
    var shape = e.shape(operands[0])
    for operand in operands.dropFirst() {
        let own = e.shape(operand)
        guard own.count == shape.count, shape.indices.allSatisfy({ $0 == axis || own[$0] == shape[$0] }) else {
            throw .misfit("\(shapeText(shape)) beside \(shapeText(own))")
        }
        shape[axis] += own[axis]
    }
    let dtype = try e.sameType(operands)
    var start = e.constant(TensorValue(TensorType(.i64, []), integers: [0]))
    var joined: ValueID?
    for operand in operands {
        let extent = e.shape(operand)[axis]
        guard extent > 0 else { continue }
        var here = coordinates(shape)
        let place = here[axis] - .read(slot: 1, [])
        here[axis] = Formula.minimum(Formula.maximum(place, .integer(0)), .integer(extent - 1))
        let own = Expr.read(slot: 0, here)
        if let before = joined {
            let value = Expr.select(
                .binary(.less, place, .integer(0)), .read(slot: 2, coordinates(shape)), own)
            joined = try e.define([operand, start, before], TensorType(dtype, shape), .map(value))
        } else {
            joined = try e.define([operand, start], TensorType(dtype, shape), .map(own))
        }
        if let count = e.extents(operand)[axis] {
            start = try e.elementwise([start, count], .i64) { $0[0] + $0[1] }
        } else {
            start = try e.elementwise([start], .i64) { $0[0] + .integer(extent) }
        }
    }
    guard let joined else { return operands[0] }
    e.bound(joined, axis, by: start)
    return joined
}
