// GridSample in any number of spatial dimensions, all modes and paddings, and AffineGrid, which makes grids.
// A grid holds positions from -1 to 1, the last spatial axis first; here they become positions in elements, one tensor
// per axis, and the sampling itself is shared with other operators.

import TensorIR

func emitGridSample(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (x, grid) = (try e.operand(0), try e.floatOperand(1))
    let (image, points) = (e.shape(x), e.shape(grid))
    let rank = image.count - 2
    guard rank >= 1, points.count == image.count, points[0] == image[0], points[rank + 1] == rank,
        !image.contains(0)
    else { throw .misfit("an image of \(shapeText(image)) and a grid of \(shapeText(points))") }
    let interpolation: Interpolation
    switch try e.text("mode", default: "linear") {
    case "nearest": interpolation = .nearest
    case "linear", "bilinear": interpolation = .linear
    case "cubic", "bicubic": interpolation = .cubic
    case let other: throw .attribute("mode", reason: "has the unknown value \"\(other)\"")
    }
    let outside: Outside
    switch try e.text("padding_mode", default: "zeros") {
    case "zeros": outside = .zeros
    case "border": outside = .border
    case "reflection": outside = .reflection
    case let other: throw .attribute("padding_mode", reason: "has the unknown value \"\(other)\"")
    }
    if interpolation != .nearest { _ = try e.numberOperand(0) }
    let aligns = try e.flag("align_corners")
    let dtype = e.dtype(grid)
    let work = accumulator(dtype)
    var tables: [SampleTables] = []
    for axis in 0..<rank {
        let extent = Double(image[axis + 2])
        let sampled = SampledAxis(
            extent: image[axis + 2], interpolation: interpolation, outside: outside, alignsCorners: aligns)
        let positions = try e.mapped([grid], TensorType(work, Array(points.dropLast()))) { out in
            let component = Expr.integer(rank - 1 - axis)
            let read = Expr.read(slot: 0, out + [component])
            let normal = (dtype == work ? read : .cast(work, read)) + number(1, work)
            let half = number(0.5, work)
            let position =
                aligns
                ? normal * half * number(extent - 1, work)
                : (normal * number(extent, work) - number(1, work)) * half
            return sampled.placed(position, work)
        }
        tables.append(try e.sampleTables(positions, sampled))
    }
    let result = Array(image[..<2]) + points[1...rank]
    return [try e.sampled(x, tables, shape: result) { out in [out[0]] + out[2...] }]
}

/// `grid[n, place…, i] = sum(j) theta[n, i, j] * position_j(place)`, with the last position 1.
func emitAffineGrid(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let theta = try e.floatOperand(0)
    let size = try e.knownIntegers(1, "size")
    let rank = size.count - 2
    guard rank >= 1, size.allSatisfy({ $0 >= 1 }), isReasonable(size), e.shape(theta) == [size[0], rank, rank + 1]
    else {
        throw .misfit("matrices of \(shapeText(e.shape(theta))) and a size of \(size)")
    }
    let aligns = try e.flag("align_corners")
    let dtype = e.dtype(theta)
    let work = accumulator(dtype)
    let result = [size[0]] + size[2...] + [rank]
    let grid = try e.mapped([theta], TensorType(work, result)) { out in
        let row = out[rank + 1]
        func factor(_ column: Int) -> Expr {
            let read = Expr.read(slot: 0, [out[0], row, .integer(column)])
            return dtype == work ? read : .cast(work, read)
        }
        var sum: Expr?
        for column in 0..<rank {
            // column 0 is the last spatial axis
            let axis = rank - 1 - column
            let extent = Double(size[2 + axis])
            let step = aligns ? (extent > 1 ? 2 / (extent - 1) : 0) : 2 / extent
            let start = aligns ? -1 : step / 2 - 1
            let position = Expr.cast(work, out[1 + axis]) * number(step, work) + number(start, work)
            let term = factor(column) * position
            sum = sum.map { $0 + term } ?? term
        }
        return sum.map { $0 + factor(rank) } ?? factor(rank)
    }
    return [try e.cast(grid, to: dtype)]
}
