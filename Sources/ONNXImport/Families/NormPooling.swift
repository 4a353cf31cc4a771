// LpPool and GlobalLpPool: the p-norm of a window, or of a whole channel. Padding counts as zero. The sum of powers is
// one reduction, the root is elementwise behind it; for p = 1 and 2 neither needs a power.

import TensorIR

func emitNormPool(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.floatOperand(0)
    let norm = try Norm(e)
    let pool = try Pool(e, x)
    let dtype = e.dtype(x)
    let wide = accumulator(dtype)
    let read = pool.read(padding: zero(dtype))
    let sum = try e.define(
        [x], TensorType(wide, pool.result),
        .reduce(
            .sum, extents: pool.window.kernel, condition: nil,
            norm.power(wide == dtype ? read : .cast(wide, read), wide)))
    return [try e.cast(try e.elementwise([sum], wide) { norm.root($0[0], wide) }, to: dtype)]
}

func emitGlobalNormPool(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.floatOperand(0)
    let norm = try Norm(e)
    let dtype = e.dtype(x)
    let wide = accumulator(dtype)
    let sum = try e.reduced(x, axes: try spatialAxes(e, x), keep: true, .sum, wide) { read in
        norm.power(wide == dtype ? read : .cast(wide, read), wide)
    }
    return [try e.cast(try e.elementwise([sum], wide) { norm.root($0[0], wide) }, to: dtype)]
}

private struct Norm {
    /// A whole number since version 2.
    let p: Double

    init(_ e: Emitter) throws(NodeProblem) {
        p = e.version < 2 ? try e.float("p", default: 2) : Double(try e.integer("p", default: 2))
        guard p >= 1 else { throw .attribute("p", reason: "is \(p)") }
    }

    func power(_ x: Expr, _ dtype: DType) -> Expr {
        switch p {
        case 1: .unary(.absolute, x)
        case 2: x * x
        default: .binary(.power, .unary(.absolute, x), number(p, dtype))
        }
    }

    func root(_ sum: Expr, _ dtype: DType) -> Expr {
        switch p {
        case 1: sum
        case 2: .unary(.sqrt, sum)
        default: .binary(.power, sum, number(1 / p, dtype))
        }
    }
}
