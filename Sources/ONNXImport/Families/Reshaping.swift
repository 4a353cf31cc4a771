// Operators that only rename the axes of the same elements in the same order: Reshape, Flatten, Squeeze, Unsqueeze.
// Each is one definition with an index map. Extents are matched in groups of equal product, so that only axes that
// are really split or merged meet `/` and `%`.

import TensorIR

extension Emitter {
    /// The elements of `value` in row-major order under another shape; the value itself when the shape is its own.
    mutating func reshaped(_ value: ValueID, to shape: [Int]) throws(NodeProblem) -> ValueID {
        let from = self.shape(value)
        guard isReasonable(shape) else { throw .tooLarge(shape) }
        guard TensorType(.i64, shape).elements == type(value).elements else {
            throw .misfit("\(shapeText(from)) cannot become \(shapeText(shape))")
        }
        guard from != shape else { return value }
        return try moved(value, shape: shape) { reshapeIndices(from: from, to: shape, $0) }
    }
}

/// Indices into `from` of the element that `to` has at `axes`; the shapes hold equally many elements, at least one.
private func reshapeIndices(from: [Int], to: [Int], _ axes: [Expr]) -> [Expr] {
    var indices = [Expr](repeating: .integer(0), count: from.count)
    guard !from.contains(0) else { return indices }
    var (source, target) = (0, 0)
    while source < from.count || target < to.count {
        // the shortest runs of axes with equal products
        let (sourceStart, targetStart) = (source, target)
        var (a, b) = (1, 1)
        repeat {
            if target == to.count || (source < from.count && a <= b) {
                a *= from[source]
                source += 1
            } else {
                b *= to[target]
                target += 1
            }
        } while a != b && (source < from.count || target < to.count)
        var flat = Expr.integer(0)
        for axis in targetStart..<target { flat = flat * .integer(to[axis]) + axes[axis] }
        var stride = a
        for axis in sourceStart..<source where from[axis] > 1 {
            stride /= from[axis]
            let quotient = Expr.binary(.floorDivide, flat, .integer(stride))
            indices[axis] = .binary(.floorModulo, quotient, .integer(from[axis]))
        }
    }
    return indices
}

/// Reshape before version 5: the shape is an attribute.
func emitReshapeByAttribute(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    guard let shape = try e.integers("shape") else { throw .attribute("shape", reason: "is missing") }
    return [try reshaped(&e, shape)]
}

func emitReshape(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    [try reshaped(&e, try e.knownIntegers(1, "shape"))]
}

/// The first operand in a shape whose -1 is what is left, and whose 0 is the operand's own extent.
private func reshaped(_ e: inout Emitter, _ wanted: [Int]) throws(NodeProblem) -> ValueID {
    let x = try e.operand(0)
    let from = e.shape(x)
    var shape = wanted
    let keepsZero = try e.flag("allowzero")
    var inferred: Int?
    for (axis, extent) in shape.enumerated() {
        if extent == 0, !keepsZero {
            guard axis < from.count else { throw .misfit("0 at axis \(axis) of a shape for \(shapeText(from))") }
            shape[axis] = from[axis]
        } else if extent == -1 {
            guard inferred == nil else { throw .misfit("two extents of -1") }
            inferred = axis
            shape[axis] = 1
        } else if extent < 0 {
            throw .misfit("an extent of \(extent)")
        }
    }
    guard isReasonable(shape) else { throw .tooLarge(shape) }
    if let inferred {
        let known = TensorType(.i64, shape).elements
        guard known > 0, e.type(x).elements % known == 0 else {
            shape[inferred] = -1
            throw .misfit("\(shapeText(from)) cannot become \(shapeText(shape))")
        }
        shape[inferred] = e.type(x).elements / known
    }
    return try e.reshaped(x, to: shape)
}

func emitFlatten(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.operand(0)
    let shape = e.shape(x)
    let raw = try e.integer("axis", default: 1)
    // The axis may also be the rank.
    let axis = raw == shape.count ? raw : try e.axis(raw, rank: shape.count)
    let sizes = [shape[..<axis].reduce(1, *), shape[axis...].reduce(1, *)]
    return [try e.reshaped(x, to: sizes)]
}

/// The axes of Squeeze and Unsqueeze: an attribute before version 13, then an input.
private func namedAxes(_ e: Emitter) throws(NodeProblem) -> [Int]? {
    e.version < 13 ? try e.integers("axes") : try e.knownIntegersIfPresent(1, "axes")
}

func emitSqueeze(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.operand(0)
    let shape = e.shape(x)
    let axes: [Int]
    if let named = try namedAxes(e) {
        axes = try e.axes(named, rank: shape.count)
        for axis in axes where shape[axis] != 1 { throw .misfit("axis \(axis) of \(shapeText(shape)) is not 1") }
    } else {
        axes = shape.indices.filter { shape[$0] == 1 }
    }
    return [try e.reshaped(x, to: shape.indices.filter { !axes.contains($0) }.map { shape[$0] })]
}

func emitUnsqueeze(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.operand(0)
    guard let named = try namedAxes(e) else { throw .attribute("axes", reason: "is missing") }
    guard named.count <= rankMax else { throw .misfit("\(named.count) new axes") }
    let rank = e.type(x).rank + named.count
    let axes = try e.axes(named, rank: rank)
    var shape = e.shape(x)
    for axis in axes { shape.insert(1, at: axis) }
    return [try e.reshaped(x, to: shape)]
}
