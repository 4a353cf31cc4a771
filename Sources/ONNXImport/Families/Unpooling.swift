// MaxUnpool: every element of X at the place in the larger image that its index names, zero elsewhere. Indices are
// those MaxPool gives: they count in the whole tensor and stay inside the plane of their own image and channel.
// A place gathers: it looks for the last element of its plane whose index names it, then reads that element.

import TensorIR

func emitMaxUnpool(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (x, places) = (try e.floatOperand(0), try e.indexOperand(1))
    let (pooled, dtype) = (e.shape(x), e.dtype(x))
    guard pooled.count >= 3, e.shape(places) == pooled, !pooled.contains(0) else {
        throw .misfit("elements of \(shapeText(pooled)) and indices of \(shapeText(e.shape(places)))")
    }
    let rank = pooled.count - 2
    let zeros = [Int](repeating: 0, count: rank)
    guard e.attribute("kernel_shape") != nil else { throw .attribute("kernel_shape", reason: "is missing") }
    let kernel = try e.spatial("kernel_shape", least: 1, default: zeros)
    let strides = try e.spatial("strides", least: 1, default: zeros.map { $0 + 1 })
    let pads = try e.spatial("pads", least: 0, default: zeros + zeros)
    // indices count in the image of this shape, which lies at the origin of a larger one that is asked for
    var image = Array(pooled[..<2])
    for axis in 0..<rank {
        image.append((pooled[axis + 2] - 1) * strides[axis] + kernel[axis] - pads[axis] - pads[rank + axis])
    }
    let result = try e.knownIntegersIfPresent(2, "output_shape") ?? image
    guard isReasonable(image), !image.contains(0) else { throw .misfit("an image of \(image)") }
    guard result.count == image.count, zip(result, image).allSatisfy({ $0 >= $1 }), isReasonable(result) else {
        throw .misfit("output_shape \(result) for an image of \(shapeText(image))")
    }
    let all = coordinates(result)
    let plane = Array(pooled[2...])
    let inner = plane.indices.map { plane[$0] == 1 ? Expr.integer(0) : .axis(result.count + $0) }
    let named = flat(all, in: image)
    let simplifier = IndexSimplifier(extents: result + plane)
    let index = Expr.read(slot: 0, [all[0], all[1]] + inner)
    let wide = e.dtype(places) == .i64 ? index : .cast(.i64, index)
    let isInside = (2..<image.count).map { Expr.binary(.less, all[$0], .integer(image[$0])) }
    let isNamed = isInside.reduce(Expr.binary(.equal, wide, named)) { .binary(.and, $1, $0) }
    let at = try e.define(
        [places], TensorType(.i64, result),
        .reduce(
            .max, extents: plane, condition: simplifier.simplify(isNamed), simplifier.simplify(flat(inner, in: plane))))
    return [
        try e.mapped([x, at], TensorType(dtype, result)) { out in
            let found = Expr.read(slot: 1, out)
            var stride = plane.reduce(1, *)
            let source = plane.indices.map { axis -> Expr in
                stride /= plane[axis]
                return .binary(.floorModulo, .binary(.floorDivide, found, .integer(stride)), .integer(plane[axis]))
            }
            let element = Expr.read(slot: 0, [out[0], out[1]] + source)
            return .select(.binary(.greaterOrEqual, found, .integer(0)), element, zero(dtype))
        }
    ]
}

/// The row-major offset of `indices` in `shape`.
private func flat(_ indices: [Expr], in shape: [Int]) -> Expr {
    shape.indices.reduce(Expr.integer(0)) { $0 * .integer(shape[$1]) + indices[$1] }
}
