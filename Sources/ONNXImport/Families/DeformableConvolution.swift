// DeformConv: a convolution whose kernel positions are moved by offsets that are computed per place. Three steps:
// positions and sampling tables per axis, the columns V[n, c, k…, o…] = mask * sample(X), and the contraction
//   Y[n, m, o…] = sum(c, k…) V[n, group(m)·C/g + c, k…, o…] * W[m, c, k…], then + B[m].

import TensorIR

func emitDeformableConvolution(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (x, w, offset) = (try e.floatOperand(0), try e.floatOperand(1), try e.floatOperand(2))
    let dtype = try e.sameType([x, w, offset])
    let (image, weights) = (e.shape(x), e.shape(w))
    guard image.count >= 3, weights.count == image.count, !(image + weights).contains(0) else {
        throw .misfit("an image of \(shapeText(image)) and weights of \(shapeText(weights))")
    }
    let groups = try e.integer("group", default: 1)
    guard groups >= 1, weights[0] % groups == 0, image[1] == weights[1] * groups else {
        throw .misfit("\(image[1]) channels in \(groups) groups and weights of \(shapeText(weights))")
    }
    let window = try Window(e, input: Array(image[2...]), kernel: Array(weights[2...]))
    let columns = try deformedColumns(&e, x, offset, window)
    let result = [image[0], weights[0]] + window.output
    let extents = [weights[1]] + window.kernel
    let all = coordinates(result)
    let inner = extents.indices.map { extents[$0] == 1 ? Expr.integer(0) : .axis(result.count + $0) }
    let group = Expr.binary(.floorDivide, all[1], .integer(weights[0] / groups))
    let channel = groups == 1 ? inner[0] : group * .integer(weights[1]) + inner[0]
    let sum = accumulator(dtype)
    func wide(_ value: Expr) -> Expr { sum == dtype ? value : .cast(sum, value) }
    let product =
        wide(.read(slot: 0, [all[0], channel] + inner[1...] + all[2...])) * wide(.read(slot: 1, [all[1]] + inner))
    var y = try e.define(
        [columns, w], TensorType(sum, result),
        .reduce(
            .sum, extents: extents, condition: nil,
            IndexSimplifier(extents: result + extents).simplify(product)))
    if let bias = e.optional(3) {
        guard e.dtype(bias) == dtype else { throw .mixedTypes([dtype, e.dtype(bias)]) }
        y = try e.elementwise([Operand(y), Operand(bias, along: 1)], sum) { $0[0] + wide($0[1]) }
    }
    return [try e.cast(y, to: dtype)]
}

/// The image at the moved kernel positions times the mask: `[n, c, k…, o…]`.
private func deformedColumns(
    _ e: inout Emitter, _ x: ValueID, _ offset: ValueID, _ window: Window
) throws(NodeProblem) -> ValueID {
    let (image, dtype) = (e.shape(x), e.dtype(x))
    let rank = window.input.count
    let sets = try e.integer("offset_group", default: 1)
    let positions = window.kernel.reduce(1, *)
    guard sets >= 1, image[1] % sets == 0, sets <= image[1],
        e.shape(offset) == [image[0], sets * positions * rank] + window.output
    else {
        throw .misfit("offsets of \(shapeText(e.shape(offset))) in \(sets) groups for an image of \(shapeText(image))")
    }
    let work = accumulator(dtype)
    let points = [image[0], sets] + window.kernel + window.output
    guard isReasonable(points) else { throw .tooLarge(points) }
    // which of an offset group's positions this is, row-major in the kernel
    func position(_ kernel: ArraySlice<Expr>) -> Expr {
        zip(kernel, window.kernel).reduce(Expr.integer(0)) { $0 * .integer($1.1) + $1.0 }
    }
    var tables: [SampleTables] = []
    for axis in 0..<rank {
        let moved = try e.mapped([offset], TensorType(work, points)) { out in
            let (kernel, place) = (out[2..<(2 + rank)], out[(2 + rank)...])
            let rest = window.indices(position: Array(place), offset: Array(kernel))[axis]
            let channel = (out[1] * .integer(positions) + position(kernel)) * .integer(rank) + .integer(axis)
            let read = Expr.read(slot: 0, [out[0], channel] + place)
            return .cast(work, rest) + (dtype == work ? read : .cast(work, read))
        }
        let sampled = SampledAxis(
            extent: window.input[axis], interpolation: .linear, outside: .zeros, alignsCorners: true)
        tables.append(try e.sampleTables(moved, sampled))
    }
    let perSet = image[1] / sets
    func set(_ out: [Expr]) -> Expr { .binary(.floorDivide, out[1], .integer(perSet)) }
    let columns = try e.sampled(x, tables, shape: Array(image[..<2]) + points[2...]) { out in
        [out[0], set(out)] + out[2...]
    }
    guard let mask = e.optional(4) else { return columns }
    guard e.dtype(mask) == dtype, e.shape(mask) == [image[0], sets * positions] + window.output else {
        throw .misfit("a mask of \(shapeText(e.shape(mask))) for an image of \(shapeText(image))")
    }
    return try e.mapped([columns, mask], TensorType(dtype, e.shape(columns))) { out in
        let channel = set(out) * .integer(positions) + position(out[2..<(2 + rank)])
        return .read(slot: 0, out) * .read(slot: 1, [out[0], channel] + out[(2 + rank)...])
    }
}
