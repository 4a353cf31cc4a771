// Unique: elements, or slices along an axis, each once. Sorted copies stand side by side, so those that differ from the
// one before them begin a group.
//   p = order(x),   begins[i] = x[p[i]] != x[p[i-1]],   group = accumulate(begins) - 1,   start = positions(begins)
//   Y[g] = x[p[start[g]]],   inverse[p[i]] = group[i],   counts[g] = start[g+1] - start[g]
// Sorting is stable, so p[start[g]] is the first occurrence; in order of these when `sorted` is 0.

import TensorIR

/// What is sorted: `keys` are `[1, count, elements of a slice]`.
private struct Slices {
    var keys: ValueID
    var count: Int
}

func emitUnique(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.computedOperand(0)
    let sorted = try e.flag("sorted", default: true)
    let named = try e.integer("axis")
    let value = named == nil ? try e.reshaped(x, to: [e.type(x).elements]) : x
    let axis = try e.axis(named ?? 0, rank: e.type(value).rank)
    guard e.type(value).elements > 0 else {
        var shape = e.shape(value)
        shape[axis] = 0
        let none = e.constant([])
        return [e.empty(TensorType(e.dtype(x), shape)), none, none, none]
    }
    let groups = try Groups(&e, try slices(&e, value, axis), sorted: sorted)
    let result = try e.mapped([value, groups.first], e.type(value)) { out in
        var places = out
        places[axis] = .read(slot: 1, [out[axis]])
        return .read(slot: 0, places)
    }
    e.bound(result, axis, by: groups.count)
    return [result, groups.first, groups.inverse, groups.sizes]
}

private func slices(_ e: inout Emitter, _ value: ValueID, _ axis: Int) throws(NodeProblem) -> Slices {
    var shape = e.shape(value)
    let count = shape.remove(at: axis)
    let front = try e.moved(value, shape: [count] + shape) { out in
        var places = Array(out.dropFirst())
        places.insert(out[0], at: axis)
        return places
    }
    let width = shape.reduce(1, *)
    return Slices(keys: try orderable(&e, try e.reshaped(front, to: [1, count, width])), count: count)
}

/// Equal slices as groups; every vector is as long as there are slices, and `count` elements of it count.
private struct Groups {
    var count: ValueID
    /// Where each group first occurs.
    var first: ValueID
    /// How often it occurs.
    var sizes: ValueID
    /// The group of every slice.
    var inverse: ValueID

    init(_ e: inout Emitter, _ slices: Slices, sorted: Bool) throws(NodeProblem) {
        let n = slices.count
        let vector = TensorType(.i64, [n])
        let order = try e.reshaped(try e.extern(.order(descending: false), [slices.keys])[0], to: [n])
        let begins = try Groups.beginnings(&e, slices, order)
        let group = try e.extern(.accumulate, [try e.cast(begins, to: .i64)])[0]
        let found = try e.extern(.positions, [begins])
        let (start, count) = (found[0], found[1])
        let here = Expr.axis(0)
        first = try e.mapped([order, start], vector) { _ in .read(slot: 0, [.read(slot: 1, [here])]) }
        sizes = try e.mapped([start, count], vector) { _ in
            let next = Formula.minimum(here + .integer(1), .integer(n - 1))
            let isLast = Expr.binary(.greaterOrEqual, here + .integer(1), .read(slot: 1, []))
            return .select(isLast, .integer(n), .read(slot: 0, [next])) - .read(slot: 0, [here])
        }
        let place = try e.extern(.locate(n), [order])[0]
        inverse = try e.mapped([group, place], vector) { _ in
            .read(slot: 0, [.read(slot: 1, [here])]) - .integer(1)
        }
        self.count = count
        if !sorted { try inOrderOfOccurrence(&e, n) }
        for value in [first, sizes] { e.bound(value, 0, by: count) }
    }

    /// Whether the slice at a place of the order differs from the one before it.
    private static func beginnings(
        _ e: inout Emitter, _ slices: Slices, _ order: ValueID
    ) throws(NodeProblem) -> ValueID {
        let type = e.type(slices.keys)
        let (n, width) = (type.shape[1], type.shape[2])
        let before = Formula.maximum(.axis(0) - .integer(1), .integer(0))
        let column = width == 1 ? Expr.integer(0) : .axis(1)
        func key(_ place: Expr) -> Expr { .read(slot: 0, [.integer(0), .read(slot: 1, [place]), column]) }
        let (own, other) = (key(.axis(0)), key(before))
        var differs = Expr.binary(.notEqual, own, other)
        if type.dtype.isFloat {
            let bothNaN = Expr.binary(.and, .unary(.isNaN, own), .unary(.isNaN, other))
            differs = .binary(.and, differs, .unary(.not, bothNaN))
        }
        let changes = try e.define(
            [slices.keys, order], TensorType(.i64, [n]),
            .reduce(.max, extents: [width], condition: nil, .select(differs, .integer(1), .integer(0))))
        return try e.mapped([changes], TensorType(.bool, [n])) { out in
            .binary(.or, .binary(.equal, out[0], .integer(0)), .binary(.greater, .read(slot: 0, out), .integer(0)))
        }
    }

    private mutating func inOrderOfOccurrence(_ e: inout Emitter, _ n: Int) throws(NodeProblem) {
        let vector = TensorType(.i64, [n])
        let here = Expr.axis(0)
        // groups that are none go to the end
        let keys = try e.mapped([first, count], vector) { _ in
            .select(.binary(.less, here, .read(slot: 1, [])), .read(slot: 0, [here]), .integer(n))
        }
        let ordered = try e.extern(.order(descending: false), [try e.reshaped(keys, to: [1, n, 1])])[0]
        let order = try e.reshaped(ordered, to: [n])
        let place = try e.extern(.locate(n), [order])[0]
        func picked(_ e: inout Emitter, _ values: ValueID, _ at: ValueID) throws(NodeProblem) -> ValueID {
            try e.mapped([values, at], vector) { _ in .read(slot: 0, [.read(slot: 1, [here])]) }
        }
        first = try picked(&e, first, order)
        sizes = try picked(&e, sizes, order)
        inverse = try picked(&e, place, inverse)
    }
}
