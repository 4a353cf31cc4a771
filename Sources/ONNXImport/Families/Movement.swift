// Operators that move elements without computing: Transpose, Slice, Trilu, Expand, Tile, and the two between depth
// and space. Each is one definition whose index map says where an element comes from.
// One that would move nothing gives its operand on and defines nothing.

import TensorIR

/// Gives its operand on; a definition would only copy it.
func emitIdentity(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] { [try e.operand(0)] }

/// Dropout does nothing when a model runs, and its mask is all true, unless the model asks to train; before version 7
/// it asked not to.
func emitDropout(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.operand(0)
    if e.version < 7, try !e.flag("is_test") {
        let results = try droppedOut(&e, x, ratio: try e.float("ratio", default: 0.5))
        return [results[0], try e.cast(results[1], to: e.dtype(x))]
    }
    if let training = e.optional(2) {
        guard let literal = e.literal(training) else { throw .needsConstant(input: 2, name: "training_mode") }
        if literal.integer != 0 {
            let ratio = e.optional(1) == nil ? 0.5 : try e.knownNumber(1, "ratio").float
            return try droppedOut(&e, x, ratio: ratio)
        }
    }
    guard e.wantsOutput(1) else { return [x] }
    let dtype = e.version < 10 ? e.dtype(x) : .bool
    return [x, try e.define([], TensorType(dtype, e.shape(x)), .map(number(1, dtype)))]
}

func emitTranspose(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.operand(0)
    let shape = e.shape(x)
    let order = try e.integers("perm") ?? Array(shape.indices.reversed())
    guard order.sorted() == Array(shape.indices) else {
        throw .misfit("perm \(order) permutes no \(shape.count) axes")
    }
    guard order != Array(shape.indices) else { return [x] }
    let result = order.map { shape[$0] }
    return [
        try e.moved(x, shape: result) { out in
            var indices = out
            for (axis, source) in order.enumerated() { indices[source] = out[axis] }
            return indices
        }
    ]
}

/// Slice before version 10: starts, ends and axes are attributes.
func emitSliceByAttributes(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.operand(0)
    guard let starts = try e.wideIntegers("starts"), let ends = try e.wideIntegers("ends") else {
        throw .attribute("starts", reason: "is missing, or ends is")
    }
    let axes = try e.integers("axes") ?? Array(0..<starts.count)
    return [try sliced(&e, x, starts, ends, axes, [Int](repeating: 1, count: starts.count))]
}

func emitSlice(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.operand(0)
    let starts = try e.knownIntegers(1, "starts")
    let ends = try e.knownIntegers(2, "ends")
    let axes = try e.knownIntegersIfPresent(3, "axes") ?? Array(0..<starts.count)
    let steps = try e.knownIntegersIfPresent(4, "steps") ?? [Int](repeating: 1, count: starts.count)
    return [try sliced(&e, x, starts, ends, axes, steps)]
}

private func sliced(
    _ e: inout Emitter, _ x: ValueID, _ starts: [Int], _ ends: [Int], _ axes: [Int], _ steps: [Int]
) throws(NodeProblem) -> ValueID {
    guard starts.count == ends.count, axes.count == starts.count, steps.count == starts.count else {
        throw .misfit("\(starts.count) starts, \(ends.count) ends, \(axes.count) axes and \(steps.count) steps")
    }
    let shape = e.shape(x)
    var result = shape
    var first = [Int](repeating: 0, count: shape.count)
    var step = [Int](repeating: 1, count: shape.count)
    _ = try e.axes(axes, rank: shape.count)
    for (position, raw) in axes.enumerated() {
        let axis = try e.axis(raw, rank: shape.count)
        guard steps[position] != 0 else { throw .misfit("a step of 0") }
        // A step past the extent takes one element, whatever its size.
        let stride = min(max(steps[position], -elementsMax), elementsMax)
        let extent = shape[axis]
        func clamped(_ index: Int, _ range: ClosedRange<Int>) -> Int {
            min(max(index < 0 ? index + extent : index, range.lowerBound), range.upperBound)
        }
        let range = stride > 0 ? 0...extent : -1...(extent - 1)
        let start =
            stride > 0 || extent == 0
            ? clamped(starts[position], range) : clamped(starts[position], 0...(extent - 1))
        let end = clamped(ends[position], range)
        let count = stride > 0 ? (end - start + stride - 1) / stride : (end - start + stride + 1) / stride
        (first[axis], step[axis], result[axis]) = (start, stride, max(count, 0))
    }
    guard result != shape || step.contains(where: { $0 < 0 }) else { return x }
    return try e.moved(x, shape: result) { out in
        out.indices.map { axis in
            result[axis] <= 1 ? .integer(first[axis]) : out[axis] * .integer(step[axis]) + .integer(first[axis])
        }
    }
}

/// Keeps the upper or the lower triangle of the last two axes.
func emitTrilu(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.operand(0)
    let shape = e.shape(x)
    guard shape.count >= 2 else { throw .misfit("a matrix of \(shapeText(shape))") }
    var diagonal = 0
    if e.optional(1) != nil {
        let known = try e.knownIntegers(1, "k")
        guard known.count == 1 else { throw .misfit("a diagonal of \(known.count) numbers") }
        diagonal = min(max(known[0], -elementsMax), elementsMax)
    }
    let upper = try e.flag("upper", default: true)
    let dtype = e.dtype(x)
    return [
        try e.mapped([x], TensorType(dtype, shape)) { out in
            let (row, column) = (out[shape.count - 2], out[shape.count - 1])
            let isKept = Expr.binary(upper ? .greaterOrEqual : .lessOrEqual, column, row + .integer(diagonal))
            return .select(isKept, .read(slot: 0, out), zero(dtype))
        }
    ]
}

func emitExpand(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.operand(0)
    let shape = try e.knownIntegers(1, "shape")
    guard isReasonable(shape) else { throw .tooLarge(shape) }
    let own = e.shape(x)
    guard let result = broadcast(own, shape) else {
        throw .misfit("\(shapeText(own)) cannot become \(shapeText(shape))")
    }
    guard result != own else { return [x] }
    return [
        try e.moved(x, shape: result) { out in
            own.indices.map { own[$0] == 1 ? .integer(0) : out[result.count - own.count + $0] }
        }
    ]
}

/// Tile before version 6: so many copies along one axis.
func emitTileAlongAxis(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.operand(0)
    let rank = e.type(x).rank
    let axis = try e.axis(Int(try e.knownNumber(2, "axis").integer), rank: rank)
    var repeats = [Int](repeating: 1, count: rank)
    repeats[axis] = Int(try e.knownNumber(1, "tiles").integer)
    return [try tiled(&e, x, repeats)]
}

func emitTile(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    [try tiled(&e, try e.operand(0), try e.knownIntegers(1, "repeats"))]
}

private func tiled(_ e: inout Emitter, _ x: ValueID, _ repeats: [Int]) throws(NodeProblem) -> ValueID {
    let shape = e.shape(x)
    guard repeats.count == shape.count, repeats.allSatisfy({ $0 >= 0 && $0 <= elementsMax }) else {
        throw .misfit("repeats \(repeats) of \(shapeText(shape))")
    }
    var result: [Int] = []
    for (extent, count) in zip(shape, repeats) {
        let (product, overflow) = extent.multipliedReportingOverflow(by: count)
        guard !overflow else { throw .tooLarge([extent, count]) }
        result.append(product)
    }
    guard result != shape else { return x }
    return try e.moved(x, shape: result) { out in
        out.indices.map { .binary(.floorModulo, out[$0], .integer(max(shape[$0], 1))) }
    }
}

func emitDepthToSpace(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.operand(0)
    let (shape, block) = try blocked(e, x)
    guard shape[1] % (block * block) == 0 else { throw .misfit("\(shape[1]) channels in blocks of \(block)") }
    let depth = shape[1] / (block * block)
    let columnsFirst = try isColumnsFirst(e)
    let size = Expr.integer(block)
    return [
        try e.moved(x, shape: [shape[0], depth, shape[2] * block, shape[3] * block]) { out in
            let (row, column) = (Expr.binary(.floorModulo, out[2], size), Expr.binary(.floorModulo, out[3], size))
            let inBlock = row * size + column
            let channel = columnsFirst ? out[1] * (size * size) + inBlock : inBlock * .integer(depth) + out[1]
            return [out[0], channel, .binary(.floorDivide, out[2], size), .binary(.floorDivide, out[3], size)]
        }
    ]
}

func emitSpaceToDepth(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.operand(0)
    let (shape, block) = try blocked(e, x)
    guard shape[2] % block == 0, shape[3] % block == 0 else {
        throw .misfit("\(shapeText(shape)) in blocks of \(block)")
    }
    let columnsFirst = try isColumnsFirst(e)
    let (size, depth) = (Expr.integer(block), Expr.integer(max(shape[1], 1)))
    let result = [shape[0], shape[1] * block * block, shape[2] / block, shape[3] / block]
    return [
        try e.moved(x, shape: result) { out in
            let inBlock =
                columnsFirst
                ? Expr.binary(.floorModulo, out[1], size * size) : .binary(.floorDivide, out[1], depth)
            let channel =
                columnsFirst
                ? Expr.binary(.floorDivide, out[1], size * size) : .binary(.floorModulo, out[1], depth)
            return [
                out[0], channel, out[2] * size + .binary(.floorDivide, inBlock, size),
                out[3] * size + .binary(.floorModulo, inBlock, size),
            ]
        }
    ]
}

private func blocked(_ e: Emitter, _ x: ValueID) throws(NodeProblem) -> (shape: [Int], block: Int) {
    let shape = e.shape(x)
    let block = try e.integer("blocksize", default: 0)
    guard shape.count == 4 else { throw .misfit("an image of \(shapeText(shape))") }
    guard block >= 1, block <= 1 << 16 else { throw .attribute("blocksize", reason: "is \(block)") }
    return (shape, block)
}

/// DCR: the block's place is the outer part of the channel; CRD: the inner one.
private func isColumnsFirst(_ e: Emitter) throws(NodeProblem) -> Bool {
    switch try e.text("mode", default: "DCR") {
    case "DCR": return false
    case "CRD": return true
    case let other: throw .attribute("mode", reason: "has the unknown value \"\(other)\"")
    }
}
