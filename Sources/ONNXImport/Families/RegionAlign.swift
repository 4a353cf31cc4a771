// RoiAlign: regions of an image at fractional places, pooled to a fixed size from samples between the elements.
// Per axis and region come first the region's start, bin size and number of samples, then for every sample its two
// elements and their weights. With a fixed number of samples a result gathers them. Where the number depends on the
// region, samples outside of the image add nothing, so an average first folds the weights of all samples on each
// element, and then is a contraction of both axes' weights with the image.

import TensorIR

func emitRegionAlign(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (x, rois, batches) = (try e.floatOperand(0), try e.floatOperand(1), try e.indexOperand(2))
    let (image, regions) = (e.shape(x), e.shape(rois))
    guard image.count == 4, regions.count == 2, regions[1] == 4, e.shape(batches) == [regions[0]], !image.contains(0)
    else {
        throw .misfit(
            "an image of \(shapeText(image)), regions of \(shapeText(regions)) and \(shapeText(e.shape(batches))) "
                + "images")
    }
    let ratio = try e.integer("sampling_ratio", default: 0)
    let pooled = [try e.integer("output_height", default: 1), try e.integer("output_width", default: 1)]
    guard ratio >= 0, pooled.allSatisfy({ $0 >= 1 }), isReasonable(pooled), ratio <= 1 << 16 else {
        throw .misfit("a result of \(pooled) with a sampling ratio of \(ratio)")
    }
    let takesMaximum: Bool
    switch try e.text("mode", default: "avg") {
    case "avg": takesMaximum = false
    case "max": takesMaximum = true
    case let other: throw .attribute("mode", reason: "has the unknown value \"\(other)\"")
    }
    let shifts = try shiftsByHalf(e)
    let scale = try e.float("spatial_scale", default: 1)
    var axes: [RegionAxis] = []
    for (axis, column) in [(0, 1), (1, 0)] {
        axes.append(
            try RegionAxis(
                &e, rois, column: column, extent: image[2 + axis], pooled: pooled[axis], ratio: ratio, scale: scale,
                shifts: shifts))
    }
    let result = [regions[0], image[1]] + pooled
    guard isReasonable(result) else { throw .tooLarge(result) }
    let dtype = e.dtype(x)
    let pool = RegionPool(x: x, batches: batches, axes: axes, result: result, work: accumulator(dtype))
    let y = takesMaximum ? try pool.maximum(&e, adapts: ratio == 0) : try pool.average(&e, adapts: ratio == 0)
    return [try e.cast(y, to: dtype)]
}

/// Whether the centre of the first element is at 0.5.
private func shiftsByHalf(_ e: Emitter) throws(NodeProblem) -> Bool {
    guard e.version >= 16 else { return false }
    let name = "coordinate_transformation_mode"
    switch try e.text(name, default: "half_pixel") {
    case "half_pixel": return true
    case "output_half_pixel": return false
    case let other: throw .attribute(name, reason: "has the unknown value \"\(other)\"")
    }
}

/// One axis of all regions. Tensors are indexed by region, bin, sample and element.
private struct RegionAxis {
    let extent: Int
    let pooled: Int
    /// Samples per bin that are looked at; all others are outside of the image.
    let samples: Int
    /// `[regions]`: how many samples each bin has.
    let counts: ValueID
    /// `[regions, bins, samples, 2]`: an index inside of the image, and its weight, 0 for a sample that does not count.
    let indices: ValueID
    let weights: ValueID
    /// `[regions, bins, samples]`: positions; see `outside` and `missing`.
    let positions: ValueID

    init(
        _ e: inout Emitter, _ rois: ValueID, column: Int, extent: Int, pooled: Int, ratio: Int, scale: Double,
        shifts: Bool
    ) throws(NodeProblem) {
        (self.extent, self.pooled) = (extent, pooled)
        // samples lie at least half an element apart, so no more than this many of a bin are inside of the image
        samples = ratio > 0 ? ratio : 2 * extent + 5
        let own = e.dtype(rois)
        let work = accumulator(own)
        let regions = e.shape(rois)[0]
        func edge(_ column: Int, _ out: [Expr]) -> Expr {
            let read = Expr.read(slot: 0, [out[0], .integer(column)])
            return (own == work ? read : .cast(work, read)) * number(scale, work) - number(shifts ? 0.5 : 0, work)
        }
        let perRegion = TensorType(work, [regions])
        let starts = try e.mapped([rois], perRegion) { edge(column, $0) }
        let bins = try e.mapped([rois], perRegion) { out in
            let size = edge(column + 2, out) - edge(column, out)
            let least = shifts ? size : Formula.maximum(size, number(1, work))
            return Formula.divide(least, number(Double(pooled), work))
        }
        counts = try e.elementwise([bins], work) { reads in
            ratio > 0 ? number(Double(ratio), work) : .unary(.ceil, reads[0])
        }
        positions = try RegionAxis.positions(
            &e, starts, bins, counts, [regions, pooled, samples], skips: ratio == 0, extent)
        let last = number(Double(extent - 1), work)
        let shape = [regions, pooled, samples, 2]
        func clamped(_ out: [Expr]) -> Expr {
            Formula.minimum(Formula.maximum(.read(slot: 0, Array(out[..<3])), zero(work)), last)
        }
        indices = try e.mapped([positions], TensorType(.i64, shape)) { out in
            Formula.minimum(.cast(.i64, .unary(.floor, clamped(out))) + out[3], .integer(extent - 1))
        }
        weights = try e.mapped([positions], TensorType(work, shape)) { out in
            let fraction = clamped(out) - .unary(.floor, clamped(out))
            let weight = Expr.select(.binary(.equal, out[3], .integer(0)), number(1, work) - fraction, fraction)
            let isCounted = Expr.binary(
                .greaterOrEqual, .read(slot: 0, Array(out[..<3])), number(-1, work))
            return .select(isCounted, weight, zero(work))
        }
    }

    /// Stands for a position outside of the image, which is one below -1 or beyond the extent.
    static let outside = -2.0
    /// Stands for a sample that the bin does not have.
    static let missing = -3.0

    /// Where each sample lies; with `skips` the first one is the first inside of the image.
    private static func positions(
        _ e: inout Emitter, _ starts: ValueID, _ bins: ValueID, _ counts: ValueID, _ shape: [Int], skips: Bool,
        _ extent: Int
    ) throws(NodeProblem) -> ValueID {
        let work = e.dtype(starts)
        return try e.mapped([starts, bins, counts], TensorType(work, shape)) { out in
            let (start, bin, count) = (
                Expr.read(slot: 0, [out[0]]), Expr.read(slot: 1, [out[0]]), Expr.read(slot: 2, [out[0]])
            )
            let first = start + .cast(work, out[1]) * bin
            let step = Formula.divide(bin, count)
            var sample = Expr.cast(work, out[2])
            if skips {
                let before = Formula.divide(number(-1, work) - first, step) - number(1.5, work)
                sample = sample + Formula.maximum(.unary(.floor, before), zero(work))
            }
            let position = first + (sample + number(0.5, work)) * step
            let isInside = Expr.binary(
                .and, .binary(.greaterOrEqual, position, number(-1, work)),
                .binary(.lessOrEqual, position, number(Double(extent), work)))
            return .select(
                .binary(.less, sample, count), .select(isInside, position, number(outside, work)),
                number(missing, work))
        }
    }
}

private struct RegionPool {
    let x: ValueID
    let batches: ValueID
    let axes: [RegionAxis]
    let result: [Int]
    let work: DType

    /// The element of the region's image at two indices; `batches` is in slot 1.
    private func element(_ e: Emitter, _ out: [Expr], _ y: Expr, _ x: Expr) -> Expr {
        let read = Expr.read(slot: 1, [out[0]])
        let wide = e.dtype(batches) == .i64 ? read : .cast(.i64, read)
        let images = Expr.integer(e.shape(self.x)[0] - 1)
        let image = Formula.minimum(Formula.maximum(wide, .integer(0)), images)
        let value = Expr.read(slot: 0, [image, out[1], y, x])
        return e.dtype(self.x) == work ? value : .cast(work, value)
    }

    private func wide(_ e: Emitter, _ weights: ValueID, _ read: Expr) -> Expr {
        e.dtype(weights) == work ? read : .cast(work, read)
    }

    /// Weight times element over samples and taps of both axes, reduced.
    private func gathered(_ e: inout Emitter, _ reducer: Reducer, skipsMissing: Bool) throws(NodeProblem) -> ValueID {
        let extents = [axes[0].samples, 2, axes[1].samples, 2]
        let out = coordinates(result)
        let inner = extents.indices.map { extents[$0] == 1 ? Expr.integer(0) : .axis(4 + $0) }
        var weight: Expr?
        var places: [Expr] = []
        var tests: [Expr] = []
        for (axis, tables) in axes.enumerated() {
            let at = [out[0], out[2 + axis], inner[2 * axis], inner[2 * axis + 1]]
            let factor = wide(e, tables.weights, .read(slot: 3 + 2 * axis, at))
            weight = weight.map { $0 * factor } ?? factor
            places.append(.read(slot: 2 + 2 * axis, at))
            let missing = number(RegionAxis.missing, e.dtype(tables.positions))
            tests.append(.binary(.greater, .read(slot: 6 + axis, Array(at[..<3])), missing))
        }
        let value = element(e, out, places[0], places[1])
        var operands = [x, batches] + axes.flatMap { [$0.indices, $0.weights] }
        if skipsMissing { operands += axes.map(\.positions) }
        let body = Definition.Body.reduce(
            reducer, extents: extents, condition: skipsMissing ? all(tests) : nil, weight.map { $0 * value } ?? value)
        return try e.define(operands, TensorType(work, result), body)
    }

    func average(_ e: inout Emitter, adapts: Bool) throws(NodeProblem) -> ValueID {
        let sum = adapts ? try contracted(&e) : try gathered(&e, .sum, skipsMissing: false)
        let work = self.work
        let isWide = e.dtype(axes[0].counts) == work
        return try e.elementwise(
            [Operand(sum), Operand(axes[0].counts, along: 0), Operand(axes[1].counts, along: 0)], work
        ) { reads in
            let count = reads[1] * reads[2]
            return Formula.divide(reads[0], Formula.maximum(isWide ? count : .cast(work, count), number(1, work)))
        }
    }

    /// `sum(h, w) A[r, ph, h] * B[r, pw, w] * X[…, h, w]`, A and B the weights of all samples on each element.
    private func contracted(_ e: inout Emitter) throws(NodeProblem) -> ValueID {
        var folded: [ValueID] = []
        for axis in axes {
            let shape = [result[0], axis.pooled, axis.extent]
            let out = coordinates(shape)
            let at = [out[0], out[1], Expr.axis(3), .axis(4)]
            let term = Expr.select(
                .binary(.equal, .read(slot: 0, at), out[2]), .read(slot: 1, at), zero(e.dtype(axis.weights)))
            folded.append(
                try e.define(
                    [axis.indices, axis.weights], TensorType(e.dtype(axis.weights), shape),
                    .reduce(.sum, extents: [axis.samples, 2], condition: nil, term)))
        }
        let extents = axes.map(\.extent)
        let out = coordinates(result)
        let inner = extents.indices.map { extents[$0] == 1 ? Expr.integer(0) : .axis(4 + $0) }
        let rows = wide(e, folded[0], .read(slot: 2, [out[0], out[2], inner[0]]))
        let columns = wide(e, folded[1], .read(slot: 3, [out[0], out[3], inner[1]]))
        return try e.define(
            [x, batches] + folded, TensorType(work, result),
            .reduce(.sum, extents: extents, condition: nil, rows * columns * element(e, out, inner[0], inner[1])))
    }

    /// The greatest weighted element; samples outside of the image count as 0. A bin that has no sample, or of which
    /// none was looked at because all are outside, is 0 too.
    func maximum(_ e: inout Emitter, adapts: Bool) throws(NodeProblem) -> ValueID {
        let greatest = try gathered(&e, .max, skipsMissing: adapts)
        let work = self.work
        let none = zero(e.dtype(axes[0].counts))
        return try e.elementwise(
            [Operand(greatest), Operand(axes[0].counts, along: 0), Operand(axes[1].counts, along: 0)], work
        ) { reads in
            let isEmpty = Expr.binary(
                .or, .binary(.lessOrEqual, reads[1], none), .binary(.lessOrEqual, reads[2], none))
            let isUnseen = Expr.binary(.equal, reads[0], number(-.infinity, work))
            return .select(.binary(.or, isEmpty, isUnseen), zero(work), reads[0])
        }
    }
}
