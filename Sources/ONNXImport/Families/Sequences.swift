// Sequences of tensors that are taken apart again inside of the model. A sequence is a list of values at import: its
// length and every place in it must be known then, and nothing of it is left when the model runs.

import TensorIR

func emitSequenceEmpty(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] { [e.sequence([])] }

func emitSequenceConstruct(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let elements = try e.operands()
    return [e.sequence(elements)]
}

func emitSequenceLength(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let count = try e.sequenceOperand(0).count
    return [e.constant(TensorValue(TensorType(.i64, []), integers: [Int64(count)]))]
}

func emitSequenceAt(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let elements = try e.sequenceOperand(0)
    return [elements[try place(e, 1, in: elements.count)]]
}

func emitSequenceInsert(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    var elements = try e.sequenceOperand(0)
    let value = try e.operand(1)
    elements.insert(value, at: e.optional(2) == nil ? elements.count : try gap(e, 2, in: elements.count))
    return [e.sequence(elements)]
}

func emitSequenceErase(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    var elements = try e.sequenceOperand(0)
    guard !elements.isEmpty else { throw .misfit("there is nothing to erase") }
    elements.remove(at: e.optional(1) == nil ? elements.count - 1 : try place(e, 1, in: elements.count))
    return [e.sequence(elements)]
}

/// A place that is known now, counted from the end when it is negative.
private func place(_ e: Emitter, _ index: Int, in count: Int) throws(NodeProblem) -> Int {
    let known = try e.knownIntegers(index, "position")
    guard known.count == 1, known[0] >= -count, known[0] < count else {
        throw .misfit("place \(known) of \(count)")
    }
    return known[0] < 0 ? known[0] + count : known[0]
}

/// A place between `count` elements or at their ends, which is known now; -1 is before the last one.
private func gap(_ e: Emitter, _ index: Int, in count: Int) throws(NodeProblem) -> Int {
    let known = try e.knownIntegers(index, "position")
    guard known.count == 1, known[0] >= -count, known[0] <= count else {
        throw .misfit("place \(known) of \(count)")
    }
    return known[0] < 0 ? known[0] + count : known[0]
}

func emitSplitToSequence(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.operand(0)
    let shape = e.shape(x)
    let axis = try e.axis(try e.integer("axis", default: 0), rank: shape.count)
    let extent = shape[axis]
    var sizes = [Int](repeating: 1, count: extent)
    var keeps = try e.flag("keepdims", default: true)
    if let split = e.optional(1) {
        keeps = true
        let known = try e.knownIntegers(1, "split")
        if e.type(split).rank == 0 {
            guard let size = known.first, size > 0 else { throw .misfit("parts of \(known)") }
            sizes = stride(from: 0, to: extent, by: size).map { min(size, extent - $0) }
        } else {
            sizes = known
        }
    }
    guard sizes.allSatisfy({ $0 >= 0 && $0 <= extent }), sizes.reduce(0, +) == extent else {
        throw .misfit("parts of \(sizes) from \(extent) elements")
    }
    var start = 0
    var elements: [ValueID] = []
    for size in sizes {
        let offset = start
        if keeps {
            var part = shape
            part[axis] = size
            elements.append(
                try e.moved(x, shape: part) { out in
                    var indices = out
                    indices[axis] = out[axis] + .integer(offset)
                    return indices
                })
        } else {
            elements.append(try slice(&e, x, axis: axis, offset))
        }
        start += size
    }
    return [e.sequence(elements)]
}

func emitConcatFromSequence(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let elements = try e.sequenceOperand(0)
    guard let first = elements.first, let raw = try e.integer("axis") else {
        throw .misfit("an empty sequence, or no axis")
    }
    _ = try e.sameType(elements)
    let isNew = try e.flag("new_axis")
    let axis = try e.axis(raw, rank: e.type(first).rank + (isNew ? 1 : 0))
    if isNew { return [try stack(&e, elements, axis: axis)] }
    for element in elements {
        var shape = e.shape(element)
        guard shape.count == e.type(first).rank else { throw .misfit("tensors of different ranks") }
        shape[axis] = e.shape(first)[axis]
        guard shape == e.shape(first) else {
            throw .misfit("\(shapeText(e.shape(first))) beside \(shapeText(e.shape(element)))")
        }
    }
    return [try concatenated(&e, elements, axis)]
}
