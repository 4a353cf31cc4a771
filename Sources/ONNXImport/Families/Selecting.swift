// TopK, and selection by values that are known at import: Compress by a known condition, NonZero and Unique of known
// tensors, which shape computations use. TopK ranks by counting: an element's rank is the number of elements before it,
// so no order of evaluation matters; its work grows with the square of the axis.
//   rank[i] = sum(j) (x[j] before x[i] ? 1 : 0),   at[k] = sum(i) (rank[i] = k ? i : 0),   Y[k] = x[at[k]]

import TensorIR

func emitTopK(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.numberOperand(0)
    let type = e.type(x)
    let axis = try e.axis(try e.integer("axis", default: -1), rank: type.rank)
    let extent = type.shape[axis]
    let count: Int
    if e.version < 10 {
        guard let k = try e.integer("k") else { throw .attribute("k", reason: "is missing") }
        count = k
    } else {
        let known = try e.knownIntegers(1, "K")
        guard known.count == 1 else { throw .misfit("\(known.count) numbers K") }
        count = known[0]
    }
    guard count >= 0, count <= extent else { throw .misfit("the first \(count) of \(extent) elements") }
    let largest = try e.flag("largest", default: true)
    var shape = type.shape
    shape[axis] = count
    guard count > 0, type.elements > 0 else {
        return [e.empty(TensorType(type.dtype, shape)), e.empty(TensorType(.i64, shape))]
    }
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
    var ranked = coordinates(shape)
    let wanted = ranked[axis]
    ranked[axis] = other
    let at = try e.define(
        [rank], TensorType(.i64, shape),
        .reduce(
            .sum, extents: [extent], condition: nil,
            .select(.binary(.equal, .read(slot: 0, ranked), wanted), other, .integer(0))))
    let values = try e.define(
        [x, at], TensorType(type.dtype, shape),
        .map(
            {
                var places = coordinates(shape)
                places[axis] = .read(slot: 1, coordinates(shape))
                return .read(slot: 0, places)
            }()))
    return [values, at]
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

func emitCompress(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.operand(0)
    let condition = try e.boolOperand(1)
    guard e.builder.isConstant(condition), e.type(condition).elements <= Emitter.knownElementsMax,
        let known = e.builder.constantValue(condition)
    else { throw .needsConstant(input: 1, name: "condition") }
    var value = x
    var axis = 0
    if let raw = try e.integer("axis") {
        axis = try e.axis(raw, rank: e.type(x).rank)
    } else {
        value = try e.reshaped(x, to: [e.type(x).elements])
    }
    let chosen = known.literals.indices.filter { known.literals[$0].integer != 0 }
    guard chosen.allSatisfy({ $0 < e.shape(value)[axis] }) else {
        throw .misfit("a condition of \(known.literals.count) entries for \(e.shape(value)[axis]) elements")
    }
    var shape = e.shape(value)
    shape[axis] = chosen.count
    guard !chosen.isEmpty else { return [e.empty(TensorType(e.dtype(x), shape))] }
    let at = e.constant(chosen)
    return [
        try e.mapped([value, at], TensorType(e.dtype(x), shape)) { out in
            var places = out
            places[axis] = .read(slot: 1, [out[axis]])
            return .read(slot: 0, places)
        }
    ]
}

/// Coordinates of the elements that are not 0, one row per axis.
func emitNonZero(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.operand(0)
    let type = e.type(x)
    guard e.builder.isConstant(x), type.elements <= Emitter.knownElementsMax, let known = e.builder.constantValue(x)
    else { throw .needsConstant(input: 0, name: "X") }
    let places = known.literals.indices.filter { known.literals[$0].float != 0 }
    let strides = type.strides
    let rank = max(type.rank, 1)
    let shape = type.rank == 0 ? [1] : type.shape
    let rows = (0..<rank).flatMap { axis in
        places.map { Int64($0 / (type.rank == 0 ? 1 : strides[axis]) % max(shape[axis], 1)) }
    }
    let result = TensorType(.i64, [rank, places.count])
    return [places.isEmpty ? e.empty(result) : e.constant(TensorValue(result, integers: rows))]
}
