// What becomes of axes whose length only a run can tell: operators that let elements meet along an axis, which mask
// what does not count, and those that ask for a shape.

import TensorIR

/// Reductions; `filler` is what does not change a result.
func reduceExtents(filler: @escaping @Sendable (DType) -> Literal) -> ExtentRule {
    { (e, family) throws(NodeProblem) in
        let x = try e.operand(0)
        let rank = e.type(x).rank
        let attribute = try e.integers("axes")
        let named = attribute == nil ? try e.knownIntegersIfPresent(1, "axes") : attribute
        let isNone = named?.isEmpty ?? true
        let skips = try e.flag("noop_with_empty_axes")
        let axes = isNone ? (skips ? [] : Array(0..<rank)) : try e.axes(named ?? [], rank: rank)
        let keep = try e.flag("keepdims", default: true)
        e.replaceInput(0, by: try e.masked(x, along: axes, with: filler(e.dtype(x))))
        let results = try family(&e)
        for (axis, count) in e.extents(x) where !axes.contains(axis) {
            e.bound(results[0], keep ? axis : axis - axes.count { $0 < axis }, by: count)
        }
        return results
    }
}

/// Operators that treat every line along an axis alone: Softmax, and the normalisations, which take no bounded axis.
func normalisedExtents(filler: (@Sendable (DType) -> Literal)?) -> ExtentRule {
    { (e, family) throws(NodeProblem) in
        let x = try e.operand(0)
        let rank = e.type(x).rank
        let isOld = filler != nil && e.version < 13
        let axis = try e.axis(try e.integer("axis", default: isOld ? 1 : -1), rank: rank)
        let axes = filler == nil || isOld ? Array(axis..<rank) : [axis]
        if let filler {
            e.replaceInput(0, by: try e.masked(x, along: axes, with: filler(e.dtype(x))))
        } else {
            guard axes.allSatisfy({ e.extents(x)[$0] == nil }) else { throw e.extentProblem("normalising along") }
        }
        let results = try family(&e)
        for (at, count) in e.extents(x) { e.bound(results[0], at, by: count) }
        return results
    }
}

/// Rows of the left and columns of the right operand stay; what is summed over is masked.
let productExtents: ExtentRule = { (e, family) throws(NodeProblem) in
    let (a, b) = (try e.operand(0), try e.operand(1))
    let (rankA, rankB) = (e.type(a).rank, e.type(b).rank)
    guard rankA >= 2, rankB >= 2 else { throw e.extentProblem("a vector along") }
    let none = Reducer.sum.identity
    e.replaceInput(0, by: try e.masked(a, along: [rankA - 1], with: none(e.dtype(a))))
    e.replaceInput(1, by: try e.masked(b, along: [rankB - 2], with: none(e.dtype(b))))
    let results = try family(&e)
    let rank = e.type(results[0]).rank
    for (operand, own, summed) in [(a, rankA, rankA - 1), (b, rankB, rankB - 2)] {
        for (axis, count) in e.extents(operand) where axis != summed {
            let at = axis + rank - own
            guard e.shape(results[0])[at] == e.shape(operand)[axis] else { throw e.extentProblem("broadcasting") }
            e.bound(results[0], at, by: count)
        }
    }
    return results
}

let generalProductExtents: ExtentRule = { (e, family) throws(NodeProblem) in
    let (a, b) = (try e.operand(0), try e.operand(1))
    let (rows, columns) = (try e.flag("transA") ? 1 : 0, try e.flag("transB") ? 0 : 1)
    let none = Reducer.sum.identity
    e.replaceInput(0, by: try e.masked(a, along: [1 - rows], with: none(e.dtype(a))))
    e.replaceInput(1, by: try e.masked(b, along: [1 - columns], with: none(e.dtype(b))))
    let results = try family(&e)
    if let count = e.extents(a)[rows] { e.bound(results[0], 0, by: count) }
    if let count = e.extents(b)[columns] { e.bound(results[0], 1, by: count) }
    return results
}

/// As many results as regions.
let regionExtents: ExtentRule = { (e, family) throws(NodeProblem) in
    let (x, regions, images) = (try e.operand(0), try e.operand(1), try e.operand(2))
    guard e.extents(x).isEmpty, e.extents(regions)[1] == nil else { throw e.extentProblem("an image with") }
    let results = try family(&e)
    if let count = e.extents(regions)[0] ?? e.extents(images)[0] { e.bound(results[0], 0, by: count) }
    return results
}

/// The lengths along all axes: known ones and those that a run tells.
private func lengths(_ e: inout Emitter, _ x: ValueID) throws(NodeProblem) -> [ValueID] {
    var parts: [ValueID] = []
    for (axis, extent) in e.shape(x).enumerated() {
        if let count = e.extents(x)[axis] {
            parts.append(try e.reshaped(count, to: [1]))
        } else {
            parts.append(e.constant([extent]))
        }
    }
    return parts
}

let shapeExtents: ExtentRule = { (e, family) throws(NodeProblem) in
    let x = try e.operand(0)
    let rank = e.type(x).rank
    func clamped(_ index: Int) -> Int { min(max(index < 0 ? index + rank : index, 0), rank) }
    let start = clamped(try e.integer("start", default: 0))
    let end = clamped(try e.integer("end", default: rank))
    guard start < end else { return try family(&e) }
    return [try concatenated(&e, Array(try lengths(&e, x)[start..<end]), 0)]
}

let sizeExtents: ExtentRule = { (e, _) throws(NodeProblem) in
    let all = try lengths(&e, try e.operand(0))
    let product = try e.elementwise(all, .i64) { reads in reads.dropFirst().reduce(reads[0]) { $0 * $1 } }
    return [try e.reshaped(product, to: [])]
}
