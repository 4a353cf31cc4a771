// TopK: of a short axis by counting, of a long one by sorting. An element's rank is the number of elements before it,
// so counting is an expression that fuses with what surrounds it; its work grows with the square of the axis.
//   rank[i] = sum(j) (x[j] before x[i] ? 1 : 0),   at[k] = sum(i) (rank[i] = k ? i : 0),   Y[k] = x[at[k]]
// A K that only a run knows leaves the whole axis in order, of which K elements count.

import TensorIR

/// Up to this extent an axis is ranked by counting.
private let countedExtentMax = 64

func emitTopK(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let given = try e.numberOperand(0)
    let axis = try e.axis(try e.integer("axis", default: -1), rank: e.type(given).rank)
    let extent = e.shape(given)[axis]
    let largest = try e.flag("largest", default: true)
    let reducer = largest ? Reducer.max : .min
    let x = try e.masked(given, along: [axis], with: reducer.identity(e.dtype(given)))
    let (count, runTimeCount) = try topCount(&e, extent)
    var shape = e.shape(x)
    shape[axis] = count
    let results: [ValueID]
    if count == 0 || e.type(x).elements == 0 {
        results = [e.empty(TensorType(e.dtype(x), shape)), e.empty(TensorType(.i64, shape))]
    } else {
        let at =
            extent <= countedExtentMax
            ? try countedPlaces(&e, x, axis: axis, count: count, largest: largest)
            : try sortedPlaces(&e, x, axis: axis, count: count, largest: largest)
        let here = coordinates(shape)
        var places = here
        places[axis] = .read(slot: 1, here)
        results = [try e.define([x, at], TensorType(e.dtype(x), shape), .map(.read(slot: 0, places))), at]
    }
    for result in results {
        if let runTimeCount { e.bound(result, axis, by: runTimeCount) }
        for (other, length) in e.extents(given) where other != axis { e.bound(result, other, by: length) }
    }
    return results
}

/// How many elements are asked for; with a number that only a run knows, all, and that number.
private func topCount(_ e: inout Emitter, _ extent: Int) throws(NodeProblem) -> (count: Int, runTime: ValueID?) {
    var count = extent
    if e.version < 10 {
        guard let k = try e.integer("k") else { throw .attribute("k", reason: "is missing") }
        count = k
    } else {
        let k = try e.indexOperand(1)
        guard e.type(k).elements == 1 else { throw .misfit("\(e.type(k).elements) numbers K") }
        guard let known = e.literal(k) else {
            return (extent, try e.cast(try e.reshaped(k, to: []), to: .i64))
        }
        count = Int(known.integer)
    }
    guard count >= 0, count <= extent else { throw .misfit("the first \(count) of \(extent) elements") }
    return (count, nil)
}

/// Where the first `count` elements in order stand along `axis`, by a rank for every element.
private func countedPlaces(
    _ e: inout Emitter, _ x: ValueID, axis: Int, count: Int, largest: Bool
) throws(NodeProblem) -> ValueID {
    let type = e.type(x)
    let extent = type.shape[axis]
    let here = coordinates(type.shape)
    func element(_ at: Expr) -> Expr {
        var places = here
        places[axis] = at
        return .read(slot: 0, places)
    }
    let other = extent == 1 ? Expr.integer(0) : Expr.axis(type.rank)
    let (own, rival) = (element(here[axis]), element(other))
    let isBefore = before(rival, own, largest: largest, type.dtype)
    let isTied = Expr.binary(.and, same(rival, own, type.dtype), .binary(.less, other, here[axis]))
    let rank = try e.define(
        [x], TensorType(.i64, type.shape),
        .reduce(
            .sum, extents: [extent], condition: nil,
            .select(.binary(.or, isBefore, isTied), .integer(1), .integer(0))))
    var shape = type.shape
    shape[axis] = count
    var ranked = coordinates(shape)
    let wanted = ranked[axis]
    ranked[axis] = other
    return try e.define(
        [rank], TensorType(.i64, shape),
        .reduce(
            .sum, extents: [extent], condition: nil,
            .select(.binary(.equal, .read(slot: 0, ranked), wanted), other, .integer(0))))
}

/// The same by sorting the lines along `axis`.
private func sortedPlaces(
    _ e: inout Emitter, _ x: ValueID, axis: Int, count: Int, largest: Bool
) throws(NodeProblem) -> ValueID {
    var shape = e.shape(x)
    let extent = shape.remove(at: axis)
    let lines = shape.reduce(1, *)
    let last = try e.moved(x, shape: shape + [extent]) { out in
        var places = Array(out.dropLast())
        places.insert(out[out.count - 1], at: axis)
        return places
    }
    let keys = try orderable(&e, try e.reshaped(last, to: [lines, extent, 1]))
    let order = try e.reshaped(try e.extern(.order(descending: largest), [keys])[0], to: shape + [extent])
    var result = shape
    result.insert(count, at: axis)
    return try e.moved(order, shape: result) { out in
        var places = out
        places.append(places.remove(at: axis))
        return places
    }
}

/// The same order as numbers of a type that is sorted.
func orderable(_ e: inout Emitter, _ value: ValueID) throws(NodeProblem) -> ValueID {
    let dtype = e.dtype(value)
    if Extern.orderedDTypes.contains(dtype) { return value }
    if dtype.isFloat { return try e.cast(value, to: .f32) }
    guard dtype == .u64 else { return try e.cast(value, to: .i64) }
    // numbers from 2^63 on become the positive ones
    return try e.elementwise([value], .i64) { reads in .binary(.bitXor, .cast(.i64, reads[0]), .integer(Int.min)) }
}

/// A NaN counts as the greatest value.
private func before(_ a: Expr, _ b: Expr, largest: Bool, _ dtype: DType) -> Expr {
    let ordered = Expr.binary(largest ? .greater : .less, a, b)
    guard dtype.isFloat else { return ordered }
    let (first, second) = largest ? (a, b) : (b, a)
    return .binary(.or, ordered, .binary(.and, .unary(.isNaN, first), .unary(.not, .unary(.isNaN, second))))
}

private func same(_ a: Expr, _ b: Expr, _ dtype: DType) -> Expr {
    let equal = Expr.binary(.equal, a, b)
    return dtype.isFloat ? .binary(.or, equal, .binary(.and, .unary(.isNaN, a), .unary(.isNaN, b))) : equal
}
