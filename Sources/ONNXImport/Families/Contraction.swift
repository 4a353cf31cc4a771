// MatMul with numpy's broadcasting of leading axes, vectors included, and Gemm. Both are one sum over k; Gemm's
// factors and its C are elementwise definitions behind it.
//   Y[batch…, m, n] = sum(k) A[batch…, m, k] * B[batch…, k, n]

import TensorIR

func emitMatMul(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (a, b) = (try e.numberOperand(0), try e.numberOperand(1))
    let dtype = try e.sameType([a, b])
    let (x, y) = (e.shape(a), e.shape(b))
    guard let depth = x.last, !y.isEmpty, y[max(y.count - 2, 0)] == depth else {
        throw .misfit("\(shapeText(x)) times \(shapeText(y))")
    }
    guard let batch = broadcast(Array(x.dropLast(2)), Array(y.dropLast(2))) else {
        throw .misfit("\(shapeText(x)) times \(shapeText(y))")
    }
    let rows = x.count > 1 ? [x[x.count - 2]] : []
    let columns = y.count > 1 ? [y[y.count - 1]] : []
    let result = batch + rows + columns
    guard isReasonable(result) else { throw .tooLarge(result) }
    let all = coordinates(result)
    let k = depth == 1 ? Expr.integer(0) : .axis(result.count)
    func leading(_ shape: [Int]) -> [Expr] {
        let own = Array(shape.dropLast(2))
        return own.indices.map { own[$0] == 1 ? .integer(0) : .axis(batch.count - own.count + $0) }
    }
    let row = rows.isEmpty ? [] : [all[batch.count]]
    let column = columns.isEmpty ? [] : [all[batch.count + rows.count]]
    let product = try contract(
        &e, a, leading(x) + row + [k], b, leading(y) + [k] + column, depth: depth, result: result, dtype)
    return [try e.cast(product, to: dtype)]
}

func emitGemm(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (a, b) = (try e.numberOperand(0), try e.numberOperand(1))
    let dtype = try e.sameType([a, b])
    let (x, y) = (e.shape(a), e.shape(b))
    let (flipsA, flipsB) = (try e.flag("transA"), try e.flag("transB"))
    guard x.count == 2, y.count == 2, x[flipsA ? 0 : 1] == y[flipsB ? 1 : 0] else {
        throw .misfit(
            "\(shapeText(x))\(flipsA ? " transposed" : "") times \(shapeText(y))\(flipsB ? " transposed" : "")")
    }
    let result = [x[flipsA ? 1 : 0], y[flipsB ? 0 : 1]]
    let depth = x[flipsA ? 0 : 1]
    let all = coordinates(result)
    let k = depth == 1 ? Expr.integer(0) : .axis(2)
    var product = try contract(
        &e, a, flipsA ? [k, all[0]] : [all[0], k], b, flipsB ? [all[1], k] : [k, all[1]], depth: depth,
        result: result, dtype)
    let wide = accumulator(dtype)
    let alpha = try e.float("alpha", default: 1)
    let beta = try e.float("beta", default: 1)
    func scaled(_ value: Expr, _ factor: Double) -> Expr {
        factor == 1 ? value : dtype.isFloat ? value * number(factor, wide) : integerScaled(value, factor, dtype)
    }
    let addend = beta == 0 ? nil : e.optional(2)
    if let addend {
        guard e.dtype(addend) == dtype else { throw .mixedTypes([dtype, e.dtype(addend)]) }
        guard broadcast(e.shape(addend), result) == result else {
            throw .misfit("\(shapeText(e.shape(addend))) added to \(shapeText(result))")
        }
        product = try e.elementwise([product, addend], wide) { reads in
            scaled(reads[0], alpha) + scaled(wide == dtype ? reads[1] : .cast(wide, reads[1]), beta)
        }
    } else if alpha != 1 {
        product = try e.elementwise([product], wide) { scaled($0[0], alpha) }
    }
    return [try e.cast(product, to: dtype)]
}

/// A factor of an integer Gemm: exact when it is whole, else through Double with truncation.
private func integerScaled(_ value: Expr, _ factor: Double, _ dtype: DType) -> Expr {
    factor == factor.rounded() ? value * number(factor, dtype) : .cast(dtype, .cast(.f64, value) * .float(factor, .f64))
}

/// `sum(k) a[…] * b[…]` in the accumulator's dtype.
private func contract(
    _ e: inout Emitter, _ a: ValueID, _ aIndices: [Expr], _ b: ValueID, _ bIndices: [Expr], depth: Int,
    result: [Int], _ dtype: DType
) throws(NodeProblem) -> ValueID {
    let wide = accumulator(dtype)
    func read(_ slot: Int, _ indices: [Expr]) -> Expr {
        wide == dtype ? .read(slot: slot, indices) : .cast(wide, .read(slot: slot, indices))
    }
    let product = read(0, aIndices) * read(a == b ? 0 : 1, bIndices)
    return try e.define(
        a == b ? [a] : [a, b], TensorType(wide, result),
        .reduce(.sum, extents: [depth], condition: nil, product))
}
