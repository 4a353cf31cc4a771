// Selection: Compress and NonZero. What they give has as many elements as the data decide: of values that are known at
// import, which shape computations use, that is a number here; else the result is as long as it can get, and how much
// of it counts is a value (Extents/RuntimeExtents.swift).

import TensorIR

func emitCompress(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.operand(0)
    let condition = try e.boolOperand(1)
    var value = x
    var axis = 0
    if let raw = try e.integer("axis") {
        axis = try e.axis(raw, rank: e.type(x).rank)
    } else {
        value = try e.reshaped(x, to: [e.type(x).elements])
    }
    guard value == x || e.extents(x).isEmpty else { throw e.extentProblem("flattening") }
    guard e.type(condition).rank == 1 else { throw .misfit("a condition of \(shapeText(e.shape(condition)))") }
    let flags = e.type(condition).elements
    let (at, count) = try places(&e, condition)
    var shape = e.shape(value)
    guard count != nil ? flags <= shape[axis] : (e.greatestKnown(at) ?? -1) < shape[axis] else {
        throw .misfit("a condition of \(flags) entries for \(shape[axis]) elements")
    }
    shape[axis] = e.type(at).elements
    guard TensorType(.i64, shape).elements > 0 else { return [e.empty(TensorType(e.dtype(x), shape))] }
    let result = try e.mapped([value, at], TensorType(e.dtype(x), shape)) { out in
        var places = out
        places[axis] = .read(slot: 1, [out[axis]])
        return .read(slot: 0, places)
    }
    if let count { e.bound(result, axis, by: count) }
    for (other, length) in e.extents(value) where other != axis { e.bound(result, other, by: length) }
    return [result]
}

/// Coordinates of the elements that are not 0, one row per axis.
func emitNonZero(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let given = try e.computedOperand(0)
    let axes = Array(e.shape(given).indices)
    let x = try e.masked(given, along: axes, with: Reducer.sum.identity(e.dtype(given)))
    let type = e.type(x)
    let isNonZero =
        type.dtype == .bool ? x : try e.elementwise([x], .bool) { .binary(.notEqual, $0[0], zero(type.dtype)) }
    let (at, count) = try places(&e, try e.reshaped(isNonZero, to: [type.elements]))
    let shape = type.rank == 0 ? [1] : type.shape
    let strides = TensorType(.i64, shape).strides
    let result = TensorType(.i64, [shape.count, e.type(at).elements])
    guard result.elements > 0 else { return [e.empty(result)] }
    var rows: [ValueID] = []
    for axis in shape.indices {
        let row = try e.elementwise([at], .i64) { reads in
            .binary(.floorModulo, .binary(.floorDivide, reads[0], .integer(strides[axis])), .integer(shape[axis]))
        }
        rows.append(try e.reshaped(row, to: [1, e.type(at).elements]))
    }
    let joined = try concatenated(&e, rows, 0)
    if let count { e.bound(joined, 1, by: count) }
    return [joined]
}

/// Where a vector of bools holds, and how many of these places count when only a run can tell.
private func places(
    _ e: inout Emitter, _ flags: ValueID
) throws(NodeProblem) -> (at: ValueID, count: ValueID?) {
    if e.type(flags).elements == 0 { return (e.constant([]), nil) }
    if e.builder.isConstant(flags), e.type(flags).elements <= Emitter.knownElementsMax,
        let known = e.builder.constantValue(flags)
    {
        return (e.constant(known.literals.indices.filter { known.literals[$0].integer != 0 }), nil)
    }
    let counted = try e.masked(flags, along: [0], with: .boolean(false))
    let found = try e.extern(.positions, [counted])
    return (found[0], found[1])
}

extension Emitter {
    /// The greatest element of a known vector.
    fileprivate func greatestKnown(_ value: ValueID) -> Int? {
        builder.constantValue(value)?.literals.map { Int($0.integer) }.max()
    }
}
