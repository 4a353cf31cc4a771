// Shape arithmetic and constants: Shape, Size, Constant, ConstantOfShape, Range. All shapes are known when a model is
// imported, so these give constants, and what is computed from them is folded by the graph builder.
// A large ConstantOfShape stays a definition without operands, so it never takes memory here.

import TensorIR

/// Since version 15 a part of the shape may be asked for.
func emitShape(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let shape = e.shape(try e.operand(0))
    func clamped(_ index: Int) -> Int { min(max(index < 0 ? index + shape.count : index, 0), shape.count) }
    let start = clamped(try e.integer("start", default: 0))
    let end = clamped(try e.integer("end", default: shape.count))
    return [e.constant(start < end ? Array(shape[start..<end]) : [])]
}

func emitSize(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let size = e.type(try e.operand(0)).elements
    return [e.constant(TensorValue(TensorType(.i64, []), integers: [Int64(size)]))]
}

/// One of the value attributes; a tensor keeps its bytes where they are.
func emitConstant(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    if let tensor = e.tensors["value"] { return [e.constant(tensor)] }
    if let value = e.attribute("value_float") {
        return [e.constant(TensorValue(TensorType(.f32, []), floats: [Double(value.f)]))]
    }
    if let value = e.attribute("value_int") {
        return [e.constant(TensorValue(TensorType(.i64, []), integers: [value.i]))]
    }
    if let list = e.attribute("value_floats") {
        return [
            e.constant(TensorValue(TensorType(.f32, [list.floats.count]), floats: list.floats.map { Double($0) }))
        ]
    }
    if let list = e.attribute("value_ints") {
        return [e.constant(TensorValue(TensorType(.i64, [list.ints.count]), integers: list.ints))]
    }
    for name in ["value_string", "value_strings", "sparse_value"] where e.attribute(name) != nil {
        throw .unsupportedForm("the attribute \(name)")
    }
    throw .attribute("value", reason: "is missing")
}

func emitConstantOfShape(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let shape = try e.knownIntegers(0, "input")
    guard isReasonable(shape) else { throw .tooLarge(shape) }
    var value = Literal.float(0, .f32)
    if let tensor = e.tensors["value"] {
        guard tensor.type.elements == 1 else {
            throw .attribute("value", reason: "has the shape \(shapeText(tensor.type.shape))")
        }
        value = tensor.bytes.withBytes { TensorValue(tensor.type, bytes: $0) }.literals[0]
    }
    return [try e.define([], TensorType(value.dtype, shape), .map(.literal(value)))]
}

func emitRange(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let values = [try e.numberOperand(0), try e.numberOperand(1), try e.numberOperand(2)]
    let dtype = try e.sameType(values)
    var bounds: [Literal] = []
    for (index, name) in ["start", "limit", "delta"].enumerated() {
        guard let literal = e.literal(values[index]) else { throw .needsConstant(input: index, name: name) }
        bounds.append(literal)
    }
    let (start, limit, step) = (bounds[0], bounds[1], bounds[2])
    guard step.float != 0 else { throw .misfit("a range with a delta of 0") }
    let length = ((limit.float - start.float) / step.float).rounded(.up)
    guard length.isFinite, length < Double(GraphBuilder.foldedElementsMax) else {
        throw .tooLarge([Int(Int64(saturating: length))])
    }
    let count = Int(max(length, 0))
    let type = TensorType(dtype, [count])
    if dtype.isFloat {
        return [e.constant(TensorValue(type, floats: (0..<count).map { start.float + Double($0) * step.float }))]
    }
    return [
        e.constant(TensorValue(type, integers: (0..<count).map { start.integer &+ Int64($0) &* step.integer }))
    ]
}
