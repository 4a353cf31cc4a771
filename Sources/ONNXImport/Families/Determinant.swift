// Det: elimination with row pivots, one step per column. A step is a handful of definitions over the matrices that are
// left: the row of the greatest element in the first column, that element, and the smaller matrices behind it. The
// determinant is the product of the pivots, with a sign for every pair of rows that changed places.

import TensorIR

/// Wider matrices would be too many definitions.
private let orderMax = 256

func emitDet(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.floatOperand(0)
    let shape = e.shape(x)
    guard shape.count >= 2, shape[shape.count - 1] == shape[shape.count - 2], let order = shape.last, order >= 1 else {
        throw .misfit("a square matrix of \(shapeText(shape))")
    }
    guard order <= orderMax else { throw .unsupportedForm("a determinant of more than \(orderMax) rows") }
    let dtype = e.dtype(x)
    let wide = accumulator(dtype)
    let outer = Array(shape.dropLast(2))
    var left = try e.cast(x, to: wide)
    var total: ValueID?
    for size in stride(from: order, to: 2, by: -1) {
        let step = try eliminated(&e, left, outer, size)
        total =
            try total.map { (value) throws(NodeProblem) in
                try e.elementwise([value, step.pivot], wide) { $0[0] * $0[1] }
            } ?? step.pivot
        left = step.left
    }
    let last = try e.mapped([left], TensorType(wide, outer)) { out in
        func at(_ row: Int, _ column: Int) -> Expr { .read(slot: 0, out + [.integer(row), .integer(column)]) }
        return order == 1 ? at(0, 0) : at(0, 0) * at(1, 1) - at(0, 1) * at(1, 0)
    }
    let result =
        try total.map { (value) throws(NodeProblem) in
            try e.elementwise([value, last], wide) { $0[0] * $0[1] }
        } ?? last
    return [try e.cast(result, to: dtype)]
}

/// One step on matrices of `size` rows: the pivot with its sign, and what is left, one row and column smaller.
private func eliminated(
    _ e: inout Emitter, _ x: ValueID, _ outer: [Int], _ size: Int
) throws(NodeProblem) -> (pivot: ValueID, left: ValueID) {
    let dtype = e.dtype(x)
    let column = try e.mapped([x], TensorType(dtype, outer + [size])) { out in
        .unary(.absolute, .read(slot: 0, out + [.integer(0)]))
    }
    let place = try extremePlace(&e, column, axis: outer.count, .max, last: false)
    // a NaN may leave no place; the least one keeps reads inside
    func row(_ slot: Int, _ out: ArraySlice<Expr>) -> Expr {
        Formula.minimum(.read(slot: slot, out + [.integer(0)]), .integer(size - 1))
    }
    let pivot = try e.mapped([x, place], TensorType(dtype, outer)) { out in
        let chosen = row(1, out[...])
        let element = Expr.read(slot: 0, out + [chosen, .integer(0)])
        return .select(.binary(.equal, chosen, .integer(0)), element, .unary(.negate, element))
    }
    let left = try e.mapped([x, place], TensorType(dtype, outer + [size - 1, size - 1])) { out in
        let batch = out[..<outer.count]
        let (i, j) = (out[outer.count], out[outer.count + 1] + .integer(1))
        let chosen = row(1, batch)
        // the first row takes the place of the pivot's
        let source = Expr.select(.binary(.equal, i + .integer(1), chosen), .integer(0), i + .integer(1))
        func at(_ row: Expr, _ column: Expr) -> Expr { .read(slot: 0, batch + [row, column]) }
        let top = at(chosen, .integer(0))
        let factor = Expr.select(
            .binary(.equal, top, zero(dtype)), zero(dtype), Formula.divide(at(source, .integer(0)), top))
        return at(source, j) - factor * at(chosen, j)
    }
    return (pivot, left)
}
