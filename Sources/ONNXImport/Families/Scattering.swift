// ScatterElements, ScatterND and their elder Scatter. A scattered tensor is read, not written: every element of the
// result looks for the updates that aim at it. Without a reduction the last such update counts, which ONNX leaves
// open. Work per element: the updates along the axis for ScatterElements, all updates for ScatterND.
//   at[i…] = max(u) (index[…u…] = i ? u + 1 : 0),   Y[i…] = at > 0 ? updates[…at - 1…] : X[i…]

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

    init(_ e: Emitter) throws(NodeProblem) {
        let text = try e.text("reduction", default: "none")
        guard let value = ScatterReduction(rawValue: text) else {
            throw .attribute("reduction", reason: "has the unknown value \"\(text)\"")
        }
        self = value
    }
}

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
    let flat = try e.reshaped(indices, to: [count, depth])
    let rows = try e.reshaped(updates, to: [count] + Array(shape[depth...]))
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
