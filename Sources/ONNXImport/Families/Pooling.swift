// MaxPool, AveragePool and their global forms. A maximum reads its padding as the least value; an average reads it
// as zero and divides by how many elements its window covers, which is a literal where all windows agree and a
// small table per axis where they do not.

import TensorIR

func emitMaxPool(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.numberOperand(0)
    let pool = try Pool(e, x)
    let least = Expr.literal(Reducer.max.identity(e.dtype(x)))
    let y = try e.define(
        [x], TensorType(e.dtype(x), pool.result),
        .reduce(.max, extents: pool.window.kernel, condition: nil, pool.read(padding: least)))
    guard e.wantsOutput(1) else { return [y] }
    return [y, try maximumPlaces(&e, pool, x, y)]
}

/// Output 1 of MaxPool: the first place in the flattened input that holds each maximum.
private func maximumPlaces(
    _ e: inout Emitter, _ pool: Pool, _ x: ValueID, _ y: ValueID
) throws(NodeProblem) -> ValueID {
    let shape = e.shape(x)
    let columnMajor = try e.flag("storage_order")
    // Within a channel the order is row-major or column-major; images and channels are always outermost.
    var strides = TensorType(.i64, shape).strides
    if columnMajor {
        var stride = 1
        for axis in 2..<shape.count {
            strides[axis] = stride
            stride *= shape[axis]
        }
    }
    let indices = pool.indices
    let place = indices.indices.reduce(Expr.integer(0)) { $0 + indices[$1] * .integer(strides[$1]) }
    let element = Expr.read(slot: 0, indices)
    let isMaximum = Expr.binary(.equal, element, .read(slot: 1, coordinates(pool.result)))
    let found = e.dtype(x).isFloat ? .binary(.or, isMaximum, .unary(.isNaN, element)) : isMaximum
    let inside = pool.window.isInside(Array(indices[2...]))
    let condition = inside.map { Expr.select($0, found, .literal(.boolean(false))) } ?? found
    return try e.define(
        [x, y], TensorType(.i64, pool.result),
        .reduce(
            .min, extents: pool.window.kernel, condition: pool.simplifier.simplify(condition),
            pool.simplifier.simplify(place)))
}

func emitAveragePool(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.floatOperand(0)
    let pool = try Pool(e, x)
    let dtype = e.dtype(x)
    let wide = accumulator(dtype)
    let term = pool.read(padding: zero(dtype))
    let sum = try e.define(
        [x], TensorType(wide, pool.result),
        .reduce(
            .sum, extents: pool.window.kernel, condition: nil, wide == dtype ? term : .cast(wide, term)))
    let padded = try e.flag("count_include_pad")
    var operands = [Operand(sum)]
    var divisor = 1
    for axis in pool.window.kernel.indices {
        guard pool.window.output[axis] <= GraphBuilder.foldedElementsMax else { throw .tooLarge(pool.result) }
        let counts = pool.window.counts(axis: axis, padded: padded)
        if counts.allSatisfy({ $0 == counts[0] }) {
            divisor *= counts[0]
        } else {
            let table = TensorValue(TensorType(wide, [counts.count]), floats: counts.map { Double($0) })
            operands.append(Operand(e.constant(table), along: axis + 2))
        }
    }
    let y = try e.elementwise(operands, wide) { reads in
        var count = reads.dropFirst().reduce(nil) { (product: Expr?, read) in product.map { $0 * read } ?? read }
        if divisor != 1 || count == nil {
            let literal = number(Double(divisor), wide)
            count = count.map { $0 * literal } ?? literal
        }
        return .binary(.divide, reads[0], count ?? number(1, wide))
    }
    return [try e.cast(y, to: dtype)]
}

func emitGlobalAveragePool(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.floatOperand(0)
    let wide = accumulator(e.dtype(x))
    let spatial = try spatialAxes(e, x)
    let count = spatial.reduce(1) { $0 * e.shape(x)[$1] }
    let dtype = e.dtype(x)
    let sum = try e.reduced(x, axes: spatial, keep: true, .sum, wide) { wide == dtype ? $0 : .cast(wide, $0) }
    let mean = try e.elementwise([sum], wide) { .binary(.divide, $0[0], number(Double(count), wide)) }
    return [try e.cast(mean, to: dtype)]
}

func emitGlobalMaxPool(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.floatOperand(0)
    return [try e.reduced(x, axes: try spatialAxes(e, x), keep: true, .max, e.dtype(x))]
}

func spatialAxes(_ e: Emitter, _ x: ValueID) throws(NodeProblem) -> [Int] {
    guard e.type(x).rank >= 3 else { throw .misfit("an image of \(shapeText(e.shape(x)))") }
    return Array(2..<e.type(x).rank)
}

/// A window over the spatial axes of an image.
struct Pool {
    let window: Window
    let result: [Int]
    let indices: [Expr]
    let simplifier: IndexSimplifier

    init(_ e: Emitter, _ x: ValueID) throws(NodeProblem) {
        let image = e.shape(x)
        guard image.count >= 3 else { throw .misfit("an image of \(shapeText(image))") }
        window = try Window(e, input: Array(image[2...]), kernel: nil)
        result = Array(image[..<2]) + window.output
        guard isReasonable(result), isReasonable(window.kernel) else { throw .tooLarge(result + window.kernel) }
        let all = coordinates(result)
        let rank = result.count
        let kernel = window.kernel
        let inner = kernel.indices.map { kernel[$0] == 1 ? Expr.integer(0) : .axis(rank + $0) }
        indices = [all[0], all[1]] + window.indices(position: Array(all[2...]), offset: inner)
        simplifier = IndexSimplifier(extents: result + window.kernel)
    }

    /// The element under the window, or `padding` outside of the image.
    func read(padding: Expr) -> Expr {
        let element = Expr.read(slot: 0, indices)
        guard let inside = window.isInside(Array(indices[2...])) else { return simplifier.simplify(element) }
        return simplifier.simplify(.select(inside, element, padding))
    }
}
