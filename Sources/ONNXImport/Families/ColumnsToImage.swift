// Col2Im: the sum of all blocks at the places they were cut from. Input: [N, C·K, L] with K positions in a block and
// L blocks, row-major over the spatial axes. Output: [N, C, image…], each place gathering from the blocks over it.

import TensorIR

func emitColumnsToImage(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.numberOperand(0)
    let (columns, dtype) = (e.shape(x), e.dtype(x))
    let image = try e.knownIntegers(1, "image_shape")
    let block = try e.knownIntegers(2, "block_shape")
    guard columns.count == 3, image.count == block.count, !image.isEmpty, (image + block).allSatisfy({ $0 >= 1 }),
        isReasonable(image), isReasonable(block)
    else { throw .misfit("columns of \(shapeText(columns)), blocks of \(block) and an image of \(image)") }
    let ones = [Int](repeating: 1, count: image.count)
    let strides = try e.spatial("strides", least: 1, default: ones)
    let dilations = try e.spatial("dilations", least: 1, default: ones)
    let pads = try e.spatial("pads", least: 0, default: ones.map { $0 - 1 } + ones.map { $0 - 1 })
    var counts: [Int] = []
    for axis in image.indices {
        let room = image[axis] + pads[axis] + pads[image.count + axis] - dilations[axis] * (block[axis] - 1) - 1
        guard room >= 0 else { throw .misfit("blocks of \(block) in an image of \(image)") }
        counts.append(room / strides[axis] + 1)
    }
    let positions = block.reduce(1, *)
    guard counts.reduce(1, *) == columns[2], columns[1] % positions == 0 else {
        throw .misfit("columns of \(shapeText(columns)) for \(counts) blocks of \(block)")
    }
    let result = [columns[0], columns[1] / positions] + image
    let all = coordinates(result)
    let axes = image.indices.map { axis in
        ReversedAxis(
            place: all[2 + axis] + .integer(pads[axis]), kernel: block[axis], stride: strides[axis],
            dilation: dilations[axis], windows: counts[axis], axis: result.count + axis)
    }
    var (position, column) = (Expr.integer(0), Expr.integer(0))
    for axis in image.indices {
        position = position * .integer(block[axis]) + axes[axis].kernel
        column = column * .integer(counts[axis]) + axes[axis].window
    }
    let sum = accumulator(dtype)
    let element = Expr.read(slot: 0, [all[0], all[1] * .integer(positions) + position, column])
    let term = predicated(axes.flatMap(\.tests), sum == dtype ? element : .cast(sum, element), sum)
    let extents = axes.map(\.extent)
    let y = try e.define(
        [x], TensorType(sum, result),
        .reduce(
            .sum, extents: extents, condition: nil, IndexSimplifier(extents: result + extents).simplify(term)))
    return [try e.cast(y, to: dtype)]
}
