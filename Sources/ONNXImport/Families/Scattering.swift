// ScatterElements, ScatterND and their elder Scatter. A scattered tensor is read, not written: every element of the
// result looks for the updates that aim at it. Without a reduction the last such update counts, which ONNX leaves
// open; more than a few updates are located in one pass over them.
//   at[i…] = max(u) (index[…u…] = i ? u + 1 : 0),   Y[i…] = at > 0 ? updates[…at - 1…] : X[i…]
//   at = locate(number of the element that update u aims at),   Y[i…] = at[i…] >= 0 ? updates[at[i…]] : X[i…]
// With a reduction the work per element is the updates along the axis for ScatterElements, all for ScatterND.

import TensorIR

private enum ScatterReduction: String {
    case none, add, mul, max, min

    func reducer(_ dtype: DType) -> Reducer {
        switch self {
        case .none, .max: .max
        case .add: .sum
        case .mul: .product
        case .min: .min
        }
    }

    func combined(_ a: Expr, _ b: Expr) -> Expr {
        switch self {
        case .none: b
        case .add: a + b
        case .mul: a * b
        case .max: Formula.maximum(a, b)
        case .min: Formula.minimum(a, b)
        }
    }

    /// As the node says; every one but `none` computes, so its data are numbers.
    init(_ e: Emitter) throws(NodeProblem) {
        let text = try e.text("reduction", default: "none")
        guard let value = ScatterReduction(rawValue: text) else {
            throw .attribute("reduction", reason: "has the unknown value \"\(text)\"")
        }
        if value != .none { _ = try e.numberOperand(0) }
        self = value
    }
}

/// Up to this many updates are looked through for every element.
private let scannedUpdatesMax = 4

/// Slots of the definitions here: 0 the data, 1 the indices, 2 the updates (or the place of the last update).
private let (dataSlot, indexSlot, updateSlot) = (0, 1, 2)

/// Updates that aim at each element of `type`, which are numbered 0 ..< `count`; `matches` says whether update u aims
/// at the element, `element` reads it.
private func scattered(
    _ e: inout Emitter, _ data: ValueID, _ indices: ValueID, _ updates: ValueID, count: Int,
    _ reduction: ScatterReduction, matches: (Expr) -> Expr, element: (Expr) -> Expr
) throws(NodeProblem) -> ValueID {
    let type = e.type(data)
    guard count > 0, type.elements > 0 else { return data }
    let own = Expr.read(slot: dataSlot, coordinates(type.shape))
    let u = count == 1 ? Expr.integer(0) : Expr.axis(type.rank)
    let operands = [data, indices, updates]
    if reduction == .none {
        let numbered = Expr.select(matches(u), u + .integer(1), .integer(0))
        let last = try e.define(
            [data, indices], TensorType(.i64, type.shape),
            .reduce(.max, extents: [count], condition: nil, numbered))
        let at = Expr.read(slot: indexSlot, coordinates(type.shape))
        let place = Formula.maximum(at - .integer(1), .integer(0))
        let value = Expr.select(.binary(.greater, at, .integer(0)), element(place), own)
        return try e.define([data, last, updates], type, .map(value))
    }
    let wide = accumulator(type.dtype)
    func widened(_ e: Expr) -> Expr { wide == type.dtype ? e : .cast(wide, e) }
    let reducer = reduction.reducer(type.dtype)
    let term = Expr.select(matches(u), widened(element(u)), .literal(reducer.identity(wide)))
    let all = try e.define(
        operands, TensorType(wide, type.shape), .reduce(reducer, extents: [count], condition: nil, term))
    return try e.elementwise([data, all], type.dtype) { reads in
        let value = reduction.combined(widened(reads[0]), reads[1])
        return wide == type.dtype ? value : .cast(type.dtype, value)
    }
}

/// The index read at `places`, counted from the front.
private func counted(_ places: [Expr], extent: Int, _ dtype: DType) -> Expr {
    let read = Expr.read(slot: indexSlot, places)
    let index = dtype == .i64 ? read : .cast(.i64, read)
    return .select(.binary(.less, index, .integer(0)), index + .integer(extent), index)
}

func emitScatterElements(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (x, indices, updates) = (try e.operand(0), try e.indexOperand(1), try e.operand(2))
    _ = try e.sameType([x, updates])
    let (shape, own) = (e.shape(x), e.shape(indices))
    let axis = try e.axis(try e.integer("axis", default: 0), rank: shape.count)
    let reduction = try ScatterReduction(e)
    guard own == e.shape(updates), own.count == shape.count,
        shape.indices.allSatisfy({ $0 == axis || own[$0] <= shape[$0] })
    else {
        throw .misfit(
            "updates of \(shapeText(e.shape(updates))) at indices of \(shapeText(own)) into \(shapeText(shape))")
    }
    guard !own.contains(0) else { return [x] }
    let here = coordinates(shape)
    func places(_ u: Expr) -> [Expr] {
        shape.indices.map { $0 == axis ? u : own[$0] == 1 ? .integer(0) : here[$0] }
    }
    /// Elements beside the indices' extents are aimed at by none.
    let inside = all(
        shape.indices.filter { $0 != axis && own[$0] < shape[$0] }.map {
            .binary(.less, here[$0], .integer(own[$0]))
        })
    let dtype = e.dtype(indices)
    if reduction == .none, own[axis] > scannedUpdatesMax {
        let aims = try e.define(
            [indices, indices], TensorType(.i64, own),
            .map(
                place(
                    shape,
                    coordinates(own).enumerated().map { n, at in
                        n == axis ? counted(coordinates(own), extent: shape[n], dtype) : at
                    }, checked: [axis])))
        let flat = own.reduce(1, *)
        let last = try e.extern(.locate(e.type(x).elements), [try e.reshaped(aims, to: [flat])])[0]
        let rows = try e.reshaped(updates, to: [flat])
        return [try chosen(&e, x, try e.reshaped(last, to: shape), rows, rest: [])]
    }
    return [
        try scattered(
            &e, x, indices, updates, count: own[axis], reduction,
            matches: { u in
                let aims = Expr.binary(.equal, counted(places(u), extent: shape[axis], dtype), here[axis])
                return inside.map { .select($0, aims, .literal(.boolean(false))) } ?? aims
            }, element: { u in .read(slot: updateSlot, places(u)) })
    ]
}

func emitScatterND(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (x, indices, updates) = (try e.operand(0), try e.indexOperand(1), try e.operand(2))
    _ = try e.sameType([x, updates])
    let (shape, own) = (e.shape(x), e.shape(indices))
    guard let depth = own.last, depth <= shape.count,
        e.shape(updates) == Array(own.dropLast()) + Array(shape[depth...])
    else {
        throw .misfit(
            "updates of \(shapeText(e.shape(updates))) at indices of \(shapeText(own)) into \(shapeText(shape))")
    }
    let reduction = try ScatterReduction(e)
    let count = own.dropLast().reduce(1, *)
    guard count > 0 else { return [x] }
    guard e.extents(x).isEmpty, e.extents(updates).keys.allSatisfy({ $0 < own.count - 1 }) else {
        throw e.extentProblem("scattering into")
    }
    let rows = try e.reshaped(updates, to: [count] + Array(shape[depth...]))
    let lengths = e.extents(indices)
    if reduction == .none, depth > 0, count > scannedUpdatesMax || !lengths.isEmpty {
        let last = try located(&e, indices, shape: Array(shape[..<depth]))
        return [try chosen(&e, x, last, rows, rest: Array(depth..<shape.count))]
    }
    guard lengths.isEmpty else { throw e.extentProblem("reducing over") }
    let flat = try e.reshaped(indices, to: [count, depth])
    let here = coordinates(shape)
    let dtype = e.dtype(indices)
    return [
        try scattered(
            &e, x, flat, rows, count: count, reduction,
            matches: { u in
                let aims = (0..<depth).map { n in
                    Expr.binary(.equal, counted([u, .integer(n)], extent: shape[n], dtype), here[n])
                }
                return all(aims) ?? .literal(.boolean(true))
            }, element: { u in .read(slot: updateSlot, [u] + Array(here[depth...])) })
    ]
}

/// The number of an element of `shape` in row-major order; -1 where one of the `checked` indices lies outside.
private func place(_ shape: [Int], _ indices: [Expr], checked: [Int]) -> Expr {
    let strides = TensorType(.i64, shape).strides
    let number = indices.indices.reduce(Expr.integer(0)) { $0 + indices[$1] * .integer(strides[$1]) }
    let inside = checked.flatMap { axis in
        [
            Expr.binary(.greaterOrEqual, indices[axis], .integer(0)),
            Expr.binary(.less, indices[axis], .integer(shape[axis])),
        ]
    }
    return all(inside).map { .select($0, number, .integer(-1)) } ?? number
}

/// For every place of `shape` the last tuple of `indices` that aims at it, -1 where none does. Tuples that do not count
/// on this run aim nowhere.
private func located(_ e: inout Emitter, _ indices: ValueID, shape: [Int]) throws(NodeProblem) -> ValueID {
    let own = e.shape(indices)
    let tuples = Array(own.dropLast())
    let dtype = e.dtype(indices)
    let at = coordinates(tuples)
    var slots = [indices, indices]
    var aims = place(
        shape, shape.indices.map { counted(at + [.integer($0)], extent: shape[$0], dtype) },
        checked: Array(shape.indices))
    for (axis, count) in e.extents(indices).sorted(by: { $0.key < $1.key }) {
        guard axis < tuples.count else { throw e.extentProblem("tuples along") }
        slots.append(count)
        aims = .select(.binary(.less, at[axis], .read(slot: slots.count - 1, [])), aims, .integer(-1))
    }
    let numbers = try e.define(slots, TensorType(.i64, tuples), .map(aims))
    let flat = try e.reshaped(numbers, to: [tuples.reduce(1, *)])
    return try e.reshaped(try e.extern(.locate(shape.reduce(1, *)), [flat])[0], to: shape)
}

/// Rows of `rows` where `last` names one, else the elements of `x`; `rest` are the axes inside of a row.
private func chosen(
    _ e: inout Emitter, _ x: ValueID, _ last: ValueID, _ rows: ValueID, rest: [Int]
) throws(NodeProblem) -> ValueID {
    let type = e.type(x)
    let here = coordinates(type.shape)
    let at = Expr.read(slot: 1, here.indices.filter { !rest.contains($0) }.map { here[$0] })
    let row = [Formula.maximum(at, .integer(0))] + rest.map { here[$0] }
    let isAimedAt = Expr.binary(.greaterOrEqual, at, .integer(0))
    let value = Expr.select(isAimedAt, .read(slot: 2, row), .read(slot: 0, here))
    return try e.define([x, last, rows], type, .map(value))
}
