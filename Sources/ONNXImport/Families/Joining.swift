// Concat, Split and Pad. Concat is a piecewise definition, one box per operand; Split is one slice per result; Pad
// reads its operand where it has elements and the fill value, an edge or a mirrored element elsewhere.
// Pad is a predicated read and not pieces, so that a convolution behind it can take the predicate over.

import TensorIR

/// Wider concatenations are made of parts, so that no definition has more operands than this.
private let concatOperandsMax = 64

func emitConcat(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let operands = try e.operands()
    let first = e.shape(operands[0])
    _ = try e.sameType(operands)
    guard let raw = try e.integer("axis") ?? (e.version < 4 ? 1 : nil) else {
        throw .attribute("axis", reason: "is missing")
    }
    let axis = try e.axis(raw, rank: first.count)
    for operand in operands {
        var expected = first
        let shape = e.shape(operand)
        guard shape.count == first.count else { throw .misfit("\(shapeText(first)) beside \(shapeText(shape))") }
        expected[axis] = shape[axis]
        guard shape == expected else { throw .misfit("\(shapeText(first)) beside \(shapeText(shape))") }
    }
    return [try concatenated(&e, operands, axis)]
}

/// `operands` one after the other along `axis`; they agree in everything else.
func concatenated(_ e: inout Emitter, _ operands: [ValueID], _ axis: Int) throws(NodeProblem) -> ValueID {
    var parts = operands.filter { e.type($0).elements > 0 }
    if parts.isEmpty { parts = [operands[0]] }
    while parts.count > concatOperandsMax {
        var wider: [ValueID] = []
        for start in stride(from: 0, to: parts.count, by: concatOperandsMax) {
            wider.append(try joined(&e, Array(parts[start..<min(start + concatOperandsMax, parts.count)]), axis))
        }
        parts = wider
    }
    return try joined(&e, parts, axis)
}

private func joined(_ e: inout Emitter, _ operands: [ValueID], _ axis: Int) throws(NodeProblem) -> ValueID {
    guard operands.count > 1 else { return operands[0] }
    var result = e.shape(operands[0])
    result[axis] = 0
    for operand in operands { result[axis] += e.shape(operand)[axis] }
    guard isReasonable(result) else { throw .tooLarge(result) }
    var slots = Slots()
    var pieces: [Piece] = []
    var start = 0
    for operand in operands {
        let extent = e.shape(operand)[axis]
        var box = result.map { 0..<$0 }
        box[axis] = start..<(start + extent)
        var indices = coordinates(result)
        indices[axis] = extent == 1 ? .integer(0) : start == 0 ? .axis(axis) : .axis(axis) - .integer(start)
        pieces.append(Piece(box: box, value: .read(slot: slots.slot(operand), indices)))
        start += extent
    }
    return try e.define(slots.values, TensorType(e.dtype(operands[0]), result), .pieces(pieces))
}

/// The sizes of the parts: an attribute before version 13, then an input; version 1 had both.
private func splitSizes(_ e: Emitter) throws(NodeProblem) -> [Int]? {
    if e.version == 1, let sizes = e.optional(1) {
        guard let known = e.builder.constantValue(sizes), e.type(sizes).elements <= Emitter.knownElementsMax else {
            throw .needsConstant(input: 1, name: "split")
        }
        return known.literals.map { Int($0.integer) }
    }
    return e.version < 13 ? try e.integers("split") : try e.knownIntegersIfPresent(1, "split")
}

func emitSplit(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.operand(0)
    let shape = e.shape(x)
    let axis = try e.axis(try e.integer("axis", default: 0), rank: shape.count)
    let named = try splitSizes(e)
    let sizes: [Int]
    if let named {
        sizes = named
    } else {
        let count = try e.integer("num_outputs", default: e.node.output.count)
        guard count >= 1, count <= max(shape[axis], 1) else {
            throw .misfit("\(shape[axis]) elements in \(count) parts")
        }
        let size = ceilDivide(shape[axis], count)
        // Only num_outputs allows a last part that is smaller.
        guard e.attribute("num_outputs") != nil || size * count == shape[axis], size * (count - 1) <= shape[axis] else {
            throw .misfit("\(shape[axis]) elements in \(count) parts")
        }
        sizes = (0..<count).map { min(size, shape[axis] - $0 * size) }
    }
    var start = 0
    var results: [ValueID] = []
    for size in sizes {
        guard size >= 0, size <= shape[axis] - start else {
            throw .misfit("parts of \(sizes) from \(shape[axis]) elements")
        }
        var part = shape
        part[axis] = size
        let offset = start
        results.append(
            part == shape
                ? x
                : try e.moved(x, shape: part) { out in
                    var indices = out
                    indices[axis] = out[axis] + .integer(offset)
                    return indices
                })
        start += size
    }
    guard start == shape[axis] else { throw .misfit("parts of \(sizes) from \(shape[axis]) elements") }
    return results
}

/// Pad before version 11: pads and value are attributes.
func emitPadByAttributes(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.floatOperand(0)
    guard let pads = try e.integers("pads") else { throw .attribute("pads", reason: "is missing") }
    let fill = number(try e.float("value", default: 0), e.dtype(x))
    return [try padded(&e, x, pads, axes: nil, [], fill)]
}

func emitPad(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.operand(0)
    let pads = try e.knownIntegers(1, "pads")
    let axes = e.version >= 18 ? try e.knownIntegersIfPresent(3, "axes") : nil
    guard let value = e.optional(2) else { return [try padded(&e, x, pads, axes: axes, [], zero(e.dtype(x)))] }
    _ = try e.sameType([x, value])
    guard e.type(value).elements == 1 else { throw .misfit("a fill value of \(shapeText(e.shape(value)))") }
    if let literal = e.literal(value) { return [try padded(&e, x, pads, axes: axes, [], .literal(literal))] }
    let indices = [Expr](repeating: .integer(0), count: e.type(value).rank)
    return [try padded(&e, x, pads, axes: axes, [value], .read(slot: value == x ? 0 : 1, indices))]
}

/// - Parameter extra: the operand that `fill` reads, if it reads one.
private func padded(
    _ e: inout Emitter, _ x: ValueID, _ pads: [Int], axes named: [Int]?, _ extra: [ValueID], _ fill: Expr
) throws(NodeProblem) -> ValueID {
    let shape = e.shape(x)
    var axes = Array(shape.indices)
    if let named {
        _ = try e.axes(named, rank: shape.count)
        axes = []
        for raw in named { axes.append(try e.axis(raw, rank: shape.count)) }
    }
    guard pads.count == 2 * axes.count, pads.allSatisfy({ $0.magnitude <= elementsMax }) else {
        throw .misfit("pads \(pads) for \(axes.count) axes")
    }
    var begin = [Int](repeating: 0, count: shape.count)
    var result = shape
    for (position, axis) in axes.enumerated() {
        begin[axis] = pads[position]
        result[axis] += pads[position] + pads[axes.count + position]
        guard result[axis] >= 0 else { throw .misfit("pads \(pads) cut more than \(shapeText(shape)) has") }
    }
    guard result != shape || begin.contains(where: { $0 != 0 }) else { return x }
    let mode = try e.text("mode", default: "constant")
    guard mode == "constant" || !shape.contains(0) || result.contains(0) else {
        throw .misfit("\(shapeText(shape)) has no element to repeat")
    }
    guard ["constant", "edge", "reflect", "wrap"].contains(mode) else {
        throw .attribute("mode", reason: "has the unknown value \"\(mode)\"")
    }
    let type = TensorType(e.dtype(x), result)
    if mode == "constant", shape.contains(0) { return try e.define([x] + extra, type, .map(fill)) }
    let operands = mode != "constant" || extra.first == x ? [x] : [x] + extra
    return try e.mapped(operands, type) { out in
        let places = out.indices.map { out[$0] - .integer(begin[$0]) }
        guard mode == "constant" else {
            return .read(slot: 0, places.indices.map { folded(places[$0], shape[$0], begin[$0], result[$0], mode) })
        }
        var tests: [Expr] = []
        for axis in places.indices {
            if begin[axis] > 0 { tests.append(.binary(.greaterOrEqual, places[axis], .integer(0))) }
            if result[axis] - begin[axis] > shape[axis] {
                tests.append(.binary(.less, places[axis], .integer(shape[axis])))
            }
        }
        let element = Expr.read(slot: 0, places)
        return all(tests).map { .select($0, element, fill) } ?? element
    }
}

/// The index that a place outside of `0 ..< extent` stands for.
private func folded(_ place: Expr, _ extent: Int, _ begin: Int, _ result: Int, _ mode: String) -> Expr {
    guard begin > 0 || result - begin > extent else { return place }
    let last = Expr.integer(extent - 1)
    switch mode {
    case "edge": return Formula.minimum(Formula.maximum(place, .integer(0)), last)
    case "wrap": return .binary(.floorModulo, place, .integer(extent))
    default:
        // mirrored at both ends, without repeating them
        guard extent > 1 else { return .integer(0) }
        let period = 2 * (extent - 1)
        let inPeriod = Expr.binary(.floorModulo, place, .integer(period))
        return Formula.minimum(inPeriod, .integer(period) - inPeriod)
    }
}
