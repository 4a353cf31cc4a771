// Tensors made of numbers and places: EyeLike and OneHot, and operators that read elements at computed places:
// GatherND, ReverseSequence and CenterCropPad. Each is one definition. An index that is read from data is kept inside
// of its axis, so that no value reaches outside of a buffer; indices that are known are checked here instead.

import TensorIR

/// Ones on the diagonal `k`.
func emitEyeLike(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.operand(0)
    let own = e.shape(x)
    guard own.count == 2 || own.count == 1 else { throw .misfit("a matrix of \(shapeText(own))") }
    let shape = own.count == 2 ? own : [own[0], own[0]]
    let dtype = try e.dtypeAttribute("dtype") ?? e.dtype(x)
    let k = try e.integer("k", default: 0)
    return [
        try e.mapped([], TensorType(dtype, shape)) { out in
            .select(.binary(.equal, out[1], out[0] + .integer(k)), number(1, dtype), zero(dtype))
        }
    ]
}

extension Emitter {
    /// The dtype that an attribute names by its ONNX number.
    func dtypeAttribute(_ name: String) throws(NodeProblem) -> DType? {
        guard let number = try integer(name) else { return nil }
        guard let dtype = DType(onnx: Int32(number)), !dtype.isStorage else {
            throw .unsupportedForm("\(name) \(typeName(Int32(number)))")
        }
        return dtype
    }

    /// One number that is known now; floats are truncated.
    func knownNumber(_ index: Int, _ name: String) throws(NodeProblem) -> Literal {
        let value = try numberOperand(index)
        guard type(value).elements == 1 else {
            throw .misfit("its input \(index) (\(name)) has the shape \(shapeText(shape(value)))")
        }
        guard let literal = literal(value) else { throw .needsConstant(input: index, name: name) }
        return literal
    }
}

/// Before version 11 an index below 0 counted nothing.
func emitOneHot(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (indices, values) = (try e.numberOperand(0), try e.operand(2))
    let depth = Int(try e.knownNumber(1, "depth").integer)
    guard depth >= 1, depth <= Emitter.attributeMagnitudeMax else { throw .misfit("a depth of \(depth)") }
    guard e.shape(values) == [2] else { throw .misfit("values of \(shapeText(e.shape(values)))") }
    let own = e.shape(indices)
    let axis = try e.axis(try e.integer("axis", default: -1), rank: own.count + 1)
    var shape = own
    shape.insert(depth, at: axis)
    let (countsBack, isWide) = (e.version >= 11, e.dtype(indices) == .i64)
    var slots = Slots()
    let (place, choice) = (slots.slot(indices), slots.slot(values))
    return [
        try e.mapped(slots.values, TensorType(e.dtype(values), shape)) { out in
            var at = out
            let here = at.remove(at: axis)
            let read = Expr.read(slot: place, at)
            let index = isWide ? read : .cast(.i64, read)
            let counted = Expr.select(.binary(.less, index, .integer(0)), index + .integer(depth), index)
            let isHot = Expr.binary(.equal, countsBack ? counted : index, here)
            func value(_ n: Int) -> Expr { .read(slot: choice, [.integer(n)]) }
            return .select(isHot, value(1), value(0))
        }
    ]
}

/// `indices` of shape [b…, q…, n] name n axes of the operand behind the b batch axes.
func emitGatherND(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (x, indices) = (try e.operand(0), try e.indexOperand(1))
    let (shape, places) = (e.shape(x), e.shape(indices))
    let batch = try e.integer("batch_dims", default: 0)
    guard let count = places.last, batch >= 0, batch < min(places.count, shape.count), count >= 1,
        count <= shape.count - batch, shape[..<batch] == places[..<batch]
    else { throw .misfit("indices of \(shapeText(places)) into \(shapeText(shape)) with \(batch) batch axes") }
    let outer = places.count - 1
    let named = Array(shape[batch..<(batch + count)])
    guard TensorType(.i64, places).elements == 0 || !named.contains(0) else {
        throw .misfit("indices into \(shapeText(shape))")
    }
    let isKnown = try areInside(e, indices, named)
    let isWide = e.dtype(indices) == .i64
    var slots = Slots()
    let (data, place) = (slots.slot(x), slots.slot(indices))
    let result = Array(places[..<outer]) + Array(shape[(batch + count)...])
    return [
        try e.mapped(slots.values, TensorType(e.dtype(x), result)) { out in
            let inner = named.indices.map { n -> Expr in
                let read = Expr.read(slot: place, Array(out[..<outer]) + [.integer(n)])
                let index = isWide ? read : .cast(.i64, read)
                return isKnown ? index : kept(index, inside: named[n])
            }
            return .read(slot: data, Array(out[..<batch]) + inner + Array(out[outer...]))
        }
    ]
}

/// An index counted from the front and kept inside of an axis.
func kept(_ index: Expr, inside extent: Int) -> Expr {
    let counted = Expr.select(.binary(.less, index, .integer(0)), index + .integer(extent), index)
    return Formula.minimum(Formula.maximum(counted, .integer(0)), .integer(extent - 1))
}

/// Whether all index tuples are known and count from the front; one outside of its axis is refused.
private func areInside(_ e: Emitter, _ indices: ValueID, _ extents: [Int]) throws(NodeProblem) -> Bool {
    guard e.builder.isConstant(indices), e.type(indices).elements <= Emitter.knownElementsMax,
        let known = e.builder.constantValue(indices)
    else { return false }
    var countsFromFront = true
    for (n, literal) in known.literals.enumerated() {
        let (index, extent) = (literal.integer, Int64(extents[n % extents.count]))
        guard index >= -extent, index < extent else { throw .misfit("index \(index) into an axis of \(extent)") }
        if index < 0 { countsFromFront = false }
    }
    return countsFromFront
}

/// The first `sequence_lens[b]` elements of each sequence in reverse, the rest as it is.
func emitReverseSequence(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (x, lengths) = (try e.operand(0), try e.indexOperand(1))
    let shape = e.shape(x)
    let batch = try e.axis(try e.integer("batch_axis", default: 1), rank: shape.count)
    let time = try e.axis(try e.integer("time_axis", default: 0), rank: shape.count)
    guard batch != time, e.shape(lengths) == [shape[batch]] else {
        throw .misfit("lengths of \(shapeText(e.shape(lengths))) along axis \(batch) of \(shapeText(shape))")
    }
    let isWide = e.dtype(lengths) == .i64
    var slots = Slots()
    let (data, length) = (slots.slot(x), slots.slot(lengths))
    return [
        try e.mapped(slots.values, TensorType(e.dtype(x), shape)) { out in
            let read = Expr.read(slot: length, [out[batch]])
            let count = Formula.minimum(isWide ? read : .cast(.i64, read), .integer(shape[time]))
            var at = out
            at[time] = .select(.binary(.less, out[time], count), count - .integer(1) - out[time], out[time])
            return .read(slot: data, at)
        }
    ]
}

/// A centred window of each axis; where the operand ends, zeros. An odd element is cut and added at the end.
func emitCenterCropPad(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.operand(0)
    let own = e.shape(x)
    let extents = try e.knownIntegers(1, "shape")
    let named = try e.integers("axes") ?? Array(0..<own.count)
    guard named.count == extents.count, extents.allSatisfy({ $0 >= 0 }) else {
        throw .misfit("a shape of \(extents) for \(named.count) axes")
    }
    _ = try e.axes(named, rank: own.count)
    var shape = own
    for (axis, extent) in zip(named, extents) { shape[try e.axis(axis, rank: own.count)] = extent }
    guard shape != own else { return [x] }
    let dtype = e.dtype(x)
    if e.type(x).elements == 0 { return [try e.define([], TensorType(dtype, shape), .map(zero(dtype)))] }
    return [
        try e.mapped([x], TensorType(dtype, shape)) { out in
            var at = out
            var tests: [Expr] = []
            for axis in own.indices where shape[axis] != own[axis] {
                let missing = shape[axis] - own[axis]
                if missing < 0 {
                    at[axis] = out[axis] + .integer(-missing / 2)
                } else {
                    at[axis] = out[axis] - .integer(missing / 2)
                    tests.append(.binary(.greaterOrEqual, at[axis], .integer(0)))
                    tests.append(.binary(.less, at[axis], .integer(own[axis])))
                }
            }
            let element = Expr.read(slot: 0, at)
            return all(tests).map { .select($0, element, zero(dtype)) } ?? element
        }
    ]
}
