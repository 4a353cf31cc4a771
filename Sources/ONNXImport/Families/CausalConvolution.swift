// CausalConvWithState: a depthwise convolution along a sequence that sees only what came before, with the end of the
// previous sequence in front. Input: [batch, channels, length], weights [channels, 1, k], and k - 1 earlier elements.
// Output: the convolution, perhaps through SiLU, and the last k - 1 elements for the next call.

import TensorIR

func emitCausalConvolution(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (x, w) = (try e.floatOperand(0), try e.floatOperand(1))
    let dtype = try e.sameType([x, w])
    let (shape, weights) = (e.shape(x), e.shape(w))
    guard shape.count == 3, weights.count == 3, weights[0] == shape[1], weights[1] == 1, weights[2] >= 1,
        !shape.contains(0)
    else { throw .misfit("a sequence of \(shapeText(shape)) and weights of \(shapeText(weights))") }
    let size = weights[2]
    let before = [shape[0], shape[1], size - 1]
    let padded: ValueID
    if let past = e.optional(3) {
        guard e.dtype(past) == dtype, e.shape(past) == before else {
            throw .misfit("a state of \(shapeText(e.shape(past))) where \(shapeText(before)) is needed")
        }
        padded = try concatenated(&e, [past, x], 2)
    } else {
        padded = try e.mapped([x], TensorType(dtype, [shape[0], shape[1], shape[2] + size - 1])) { out in
            let place = out[2] - .integer(size - 1)
            return predicated(
                [.binary(.greaterOrEqual, place, .integer(0))], .read(slot: 0, [out[0], out[1], place]), dtype)
        }
    }
    let wide = accumulator(dtype)
    func widened(_ read: Expr) -> Expr { wide == dtype ? read : .cast(wide, read) }
    let out = coordinates(shape)
    let k = size == 1 ? Expr.integer(0) : .axis(3)
    let product =
        widened(.read(slot: 0, [out[0], out[1], out[2] + k])) * widened(.read(slot: 1, [out[1], .integer(0), k]))
    var y = try e.define(
        [padded, w], TensorType(wide, shape),
        .reduce(
            .sum, extents: [size], condition: nil, IndexSimplifier(extents: shape + [size]).simplify(product)))
    if let bias = e.optional(2) {
        guard e.dtype(bias) == dtype else { throw .mixedTypes([dtype, e.dtype(bias)]) }
        y = try e.elementwise([Operand(y), Operand(bias, along: 1)], wide) { $0[0] + widened($0[1]) }
    }
    switch try e.text("activation", default: "none") {
    case "none", "": break
    case "silu", "swish":
        // the convolution is rounded first where the operands are narrow
        y = try e.elementwise([y], wide) { reads in
            Formula.swish(wide == dtype ? reads[0] : .cast(wide, .cast(dtype, reads[0])), alpha: 1, wide)
        }
    case let other: throw .attribute("activation", reason: "has the unknown value \"\(other)\"")
    }
    let state = try e.moved(padded, shape: before) { out in [out[0], out[1], out[2] + .integer(shape[2])] }
    return [try e.cast(y, to: dtype), state]
}
