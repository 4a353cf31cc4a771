// What becomes of axes whose length only a run can tell: operators that let elements meet along an axis, which mask
// what does not count, and those that ask for a shape.

import TensorIR

/// Reductions; `filler` is what does not change a result.
func reduceExtents(filler: @escaping @Sendable (DType) -> Literal) -> ExtentRule {
    { (e, family) throws(NodeProblem) in
        try reduced(&e, family, axes: try reducedAxes(e), filler: filler)
    }
}

/// A mean over the greatest lengths, corrected for what counts of them.
let meanExtents: ExtentRule = { (e, family) throws(NodeProblem) in
    let x = try e.floatOperand(0)
    let axes = try reducedAxes(e)
    let mean = try reduced(&e, family, axes: axes, filler: Reducer.sum.identity)[0]
    let dtype = e.dtype(x)
    let work = accumulator(dtype)
    var corrected = mean
    for axis in axes {
        guard let count = e.extents(x)[axis] else { continue }
        let greatest = number(Double(e.shape(x)[axis]), work)
        corrected = try e.elementwise([corrected, count], dtype) { reads in
            let value = dtype == work ? reads[0] : .cast(work, reads[0])
            let share = Expr.binary(.divide, value * greatest, .cast(work, reads[1]))
            return dtype == work ? share : .cast(dtype, share)
        }
    }
    for (axis, count) in e.extents(mean) { e.bound(corrected, axis, by: count) }
    return [corrected]
}

/// ArgMax and ArgMin: what does not count is never the extreme element, as long as anything counts.
func extremeExtents(_ reducer: Reducer) -> ExtentRule {
    { (e, family) throws(NodeProblem) in
        let axis = try e.axis(try e.integer("axis", default: 0), rank: e.type(try e.operand(0)).rank)
        return try reduced(&e, family, axes: [axis], filler: reducer.identity)
    }
}

/// Sums up to each element: those before it count when it does.
let cumulatedExtents: ExtentRule = { (e, family) throws(NodeProblem) in
    let x = try e.operand(0)
    guard try !e.flag("reverse") else { throw e.extentProblem("sums from the end of") }
    let results = try family(&e)
    for (axis, count) in e.extents(x) { e.bound(results[0], axis, by: count) }
    return results
}

/// Operators that treat every element of the batch by itself.
let batchExtents: ExtentRule = { (e, family) throws(NodeProblem) in
    let x = try e.operand(0)
    guard let count = e.extents(x)[0], e.extents(x).count == 1,
        e.inputs.dropFirst().allSatisfy({ $0.map { e.extents($0).isEmpty } ?? true })
    else { throw e.extentProblem("anything but a batch along") }
    let results = try family(&e)
    for result in results where e.shape(result).first == e.shape(x)[0] { e.bound(result, 0, by: count) }
    return results
}

/// The axes that the current node reduces over.
private func reducedAxes(_ e: Emitter) throws(NodeProblem) -> [Int] {
    let rank = e.type(try e.operand(0)).rank
    let attribute = try e.integers("axes")
    let named = attribute == nil ? try e.knownIntegersIfPresent(1, "axes") : attribute
    if let named, !named.isEmpty { return try e.axes(named, rank: rank) }
    return try e.flag("noop_with_empty_axes") ? [] : Array(0..<rank)
}

private func reduced(
    _ e: inout Emitter, _ family: OperatorFamily, axes: [Int], filler: (DType) -> Literal
) throws(NodeProblem) -> [ValueID] {
    let x = try e.operand(0)
    let keep = try e.flag("keepdims", default: true)
    e.replaceInput(0, by: try e.masked(x, along: axes, with: filler(e.dtype(x))))
    let results = try family(&e)
    for (axis, count) in e.extents(x) where !axes.contains(axis) {
        e.bound(results[0], keep ? axis : axis - axes.count { $0 < axis }, by: count)
    }
    return results
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
