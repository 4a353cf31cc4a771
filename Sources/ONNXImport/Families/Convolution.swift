// Conv in 1 to 3 dimensions, with groups, strides, dilations and every form of padding:
//   Y[n, m, o…] = sum(c, k…) X[n, group(m)·C/g + c, o·s + k·d - p…] * W[m, c, k…], then + B[m].
// Padding is a predicated read. Depthwise is the case C/g = 1 and needs nothing of its own.

import TensorIR

func emitConvolution(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (x, w) = (try e.floatOperand(0), try e.floatOperand(1))
    let dtype = try e.sameType([x, w])
    let (image, weights) = (e.shape(x), e.shape(w))
    guard image.count >= 3, weights.count == image.count else {
        throw .misfit("an image of \(shapeText(image)) and weights of \(shapeText(weights))")
    }
    let groups = try e.integer("group", default: 1)
    guard groups >= 1, weights[0] % groups == 0, weights[0] > 0, image[1] == weights[1] * groups else {
        throw .misfit("\(image[1]) channels in \(groups) groups and weights of \(shapeText(weights))")
    }
    let window = try Window(e, input: Array(image[2...]), kernel: Array(weights[2...]))
    let result = [image[0], weights[0]] + window.output
    let extents = [weights[1]] + window.kernel
    let all = coordinates(result)
    let inner = extents.indices.map { extents[$0] == 1 ? Expr.integer(0) : .axis(result.count + $0) }
    let position = window.indices(position: Array(all[2...]), offset: Array(inner[1...]))
    let simplifier = IndexSimplifier(extents: result + extents)
    let perGroup = weights[0] / groups
    let group = Expr.binary(.floorDivide, all[1], .integer(perGroup))
    let channel = groups == 1 ? inner[0] : group * .integer(weights[1]) + inner[0]
    var read = Expr.read(slot: 0, [all[0], channel] + position)
    if let inside = window.isInside(position) { read = .select(inside, read, zero(dtype)) }
    let weight = Expr.read(slot: w == x ? 0 : 1, [all[1]] + inner)
    let sum = accumulator(dtype)
    func wide(_ value: Expr) -> Expr { sum == dtype ? value : .cast(sum, value) }
    let product = simplifier.simplify(wide(read) * wide(weight))
    var y = try e.define(
        w == x ? [x] : [x, w], TensorType(sum, result),
        .reduce(.sum, extents: extents, condition: nil, product))
    if let bias = e.optional(2) {
        guard e.dtype(bias) == dtype else { throw .mixedTypes([dtype, e.dtype(bias)]) }
        y = try e.elementwise([Operand(y), Operand(bias, along: 1)], sum) { $0[0] + wide($0[1]) }
    }
    return [try e.cast(y, to: dtype)]
}
