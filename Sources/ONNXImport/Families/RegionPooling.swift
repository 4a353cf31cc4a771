// MaxRoiPool: the greatest element of each bin of a region, bins and regions rounded to whole elements. The edges of
// all bins are computed first, one tensor per side and axis; a result is then a maximum over the image under the
// condition that the element is inside of the bin, and 0 where the bin is empty. Source: Fast R-CNN, section 2.1.

import TensorIR

func emitMaxRegionPool(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (x, rois) = (try e.floatOperand(0), try e.floatOperand(1))
    let dtype = try e.sameType([x, rois])
    let (image, regions) = (e.shape(x), e.shape(rois))
    guard image.count == 4, regions.count == 2, regions[1] == 5, !image.contains(0) else {
        throw .misfit("an image of \(shapeText(image)) and regions of \(shapeText(regions))")
    }
    guard let pooled = try e.integers("pooled_shape"), pooled.count == 2, pooled.allSatisfy({ $0 >= 1 }) else {
        throw .attribute("pooled_shape", reason: "names no height and width")
    }
    let scale = try e.float("spatial_scale", default: 1)
    let result = [regions[0], image[1]] + pooled
    guard isReasonable(result) else { throw .tooLarge(result) }
    var edges: [ValueID] = []
    for (axis, column) in [(0, 2), (1, 1)] {
        for isEnd in [false, true] {
            let type = TensorType(.i64, [regions[0], pooled[axis]])
            edges.append(
                try e.mapped([rois], type) { out in
                    edge(out, isEnd: isEnd, column, scale, pooled: pooled[axis], extent: image[2 + axis], dtype)
                })
        }
    }
    let out = coordinates(result)
    let extents = Array(image[2...])
    let inner = extents.indices.map { extents[$0] == 1 ? Expr.integer(0) : .axis(4 + $0) }
    func bound(_ axis: Int, isEnd: Bool, first: Int) -> Expr {
        .read(slot: first + 2 * axis + (isEnd ? 1 : 0), [out[0], out[2 + axis]])
    }
    let tests = [0, 1].flatMap { axis in
        [
            Expr.binary(.greaterOrEqual, inner[axis], bound(axis, isEnd: false, first: 2)),
            .binary(.less, inner[axis], bound(axis, isEnd: true, first: 2)),
        ]
    }
    let batch = Expr.cast(.i64, .read(slot: 1, [out[0], .integer(0)]))
    let place = Formula.minimum(Formula.maximum(batch, .integer(0)), .integer(image[0] - 1))
    let greatest = try e.define(
        [x, rois] + edges, TensorType(dtype, result),
        .reduce(.max, extents: extents, condition: all(tests), .read(slot: 0, [place, out[1]] + inner)))
    return [
        try e.mapped([greatest] + edges, TensorType(dtype, result)) { out in
            let isEmpty = [0, 1].map { axis in
                Expr.binary(.lessOrEqual, bound(axis, isEnd: true, first: 1), bound(axis, isEnd: false, first: 1))
            }
            return .select(.binary(.or, isEmpty[0], isEmpty[1]), zero(dtype), .read(slot: 0, out))
        }
    ]
}

/// Begin or end of bin `out[1]` of region `out[0]` on one axis, inside of the image.
private func edge(
    _ out: [Expr], isEnd: Bool, _ column: Int, _ scale: Double, pooled: Int, extent: Int, _ dtype: DType
) -> Expr {
    let work = accumulator(dtype)
    func corner(_ column: Int) -> Expr {
        let read = Expr.read(slot: 0, [out[0], .integer(column)])
        let x = (dtype == work ? read : .cast(work, read)) * number(scale, work)
        // halves are rounded away from zero
        let half = number(0.5, work)
        return .select(.binary(.less, x, zero(work)), .unary(.ceil, x - half), .unary(.floor, x + half))
    }
    let (first, last) = (corner(column), corner(column + 2))
    let size = Formula.maximum(last - first + number(1, work), number(1, work))
    let bin = Formula.divide(size, number(Double(pooled), work))
    let place = Expr.cast(work, out[1])
    let offset =
        isEnd ? Expr.unary(.ceil, (place + number(1, work)) * bin) : .unary(.floor, place * bin)
    let inside = Formula.minimum(Formula.maximum(offset + first, zero(work)), number(Double(extent), work))
    return .cast(.i64, inside)
}
