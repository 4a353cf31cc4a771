// What an operator family works with: the node it imports, its operands, and the graph under construction.
// One emitter lives as long as an import; the driver moves it from node to node. Families call `define` and the
// three shapes of definition that nearly all operators are made of: elementwise, reduced and moved.
// Every shape is checked against the limits before a definition is built, so hostile extents cannot overflow.

import TensorIR

/// Imports one node; gives its outputs in ONNX's order, trailing ones that it cannot give left out.
typealias OperatorFamily = @Sendable (inout Emitter) throws(NodeProblem) -> [ValueID]

struct Emitter {
    var builder = GraphBuilder()
    private(set) var node = Ironworks_Onnx_NodeProto()
    /// One per input of the node; `nil` for an optional input that is left out.
    private(set) var inputs: [ValueID?] = []
    /// Version of the operator set the node belongs to.
    private(set) var version = 0
    /// Tensor attributes of the node, loaded.
    private(set) var tensors: [String: LoadedTensor] = [:]

    /// Of values with an axis whose length only a run can tell, the values that tell it.
    var runtimeExtents: [ValueID: RuntimeExtents] = [:]
    /// What the values that stand for sequences hold; a sequence exists at import only.
    private var sequences: [ValueID: [ValueID]] = [:]

    /// A value that stands for a sequence of tensors.
    mutating func sequence(_ elements: [ValueID]) -> ValueID {
        let value = empty(TensorType(.i64, [0]))
        sequences[value] = elements
        return value
    }

    /// The tensors of a sequence; `nil` for a tensor.
    func elements(of value: ValueID) -> [ValueID]? { sequences[value] }

    mutating func enter(
        _ node: Ironworks_Onnx_NodeProto, version: Int, inputs: [ValueID?], tensors: [String: LoadedTensor]
    ) {
        (self.node, self.version, self.inputs, self.tensors) = (node, version, inputs, tensors)
    }

    /// Puts another value in the place of an input of the node.
    mutating func replaceInput(_ index: Int, by value: ValueID) { inputs[index] = value }

    mutating func input(name: String, type: TensorType) -> ValueID { builder.input(name: name, type: type) }

    mutating func constant(_ tensor: LoadedTensor) -> ValueID { builder.constant(tensor.type, bytes: tensor.bytes) }

    mutating func constant(_ value: TensorValue) -> ValueID { builder.constant(value) }

    /// A tensor without elements.
    mutating func empty(_ type: TensorType) -> ValueID {
        precondition(type.elements == 0, "it has elements")
        return builder.constant(
            type.dtype.isFloat ? TensorValue(type, floats: []) : TensorValue(type, integers: []))
    }

    /// A vector of 64-bit integers.
    mutating func constant(_ values: [Int]) -> ValueID {
        builder.constant(TensorValue(TensorType(.i64, [values.count]), integers: values.map { Int64($0) }))
    }

    func finish(outputs: [(name: String, value: ValueID)], extents: [ResultExtent] = []) -> ImportedModel {
        ImportedModel(graph: builder.finish(outputs: outputs, extents: extents), constants: builder.constants)
    }

    func type(_ value: ValueID) -> TensorType { builder.type(value) }
    func shape(_ value: ValueID) -> [Int] { builder.type(value).shape }
    func dtype(_ value: ValueID) -> DType { builder.type(value).dtype }

    /// Adds a definition whose slot i is `operands[i]`, after checking its size.
    mutating func define(
        _ operands: [ValueID], _ type: TensorType, _ body: Definition.Body
    ) throws(NodeProblem) -> ValueID {
        guard isReasonable(type.shape) else { throw .tooLarge(type.shape) }
        var definition = Definition(type: type, body: body)
        let extents = definition.axisExtents
        var steps = 1
        for extent in extents {
            let (next, overflow) = steps.multipliedReportingOverflow(by: max(extent, 1))
            guard !overflow, next < 1 << 60 else { throw .tooLarge(extents) }
            steps = next
        }
        if type.elements == 0 {
            definition.body = .map(zero(type.dtype))
            return builder.define([], definition)
        }
        return builder.define(operands, definition)
    }
}

/// How an operand meets the axes of an elementwise result.
struct Operand {
    var value: ValueID
    /// `nil`: broadcast from the right, as numpy does. Else a vector along this axis.
    var axis: Int?

    init(_ value: ValueID, along axis: Int? = nil) {
        self.value = value
        self.axis = axis
    }
}

extension Emitter {
    /// `T[i…] = formula(operands[i…])` with broadcasting; constants of one element become literals.
    /// The result has the operands' common shape, and at least `shape`.
    mutating func elementwise(
        _ operands: [Operand], shape least: [Int] = [], _ dtype: DType, _ formula: ([Expr]) -> Expr
    ) throws(NodeProblem) -> ValueID {
        var shape = least
        for operand in operands where operand.axis == nil {
            guard let common = broadcast(shape, self.shape(operand.value)) else {
                throw .misfit("\(shapeText(shape)) and \(shapeText(self.shape(operand.value))) do not broadcast")
            }
            shape = common
        }
        for operand in operands {
            guard let axis = operand.axis else { continue }
            let own = self.shape(operand.value)
            guard own.count == 1, axis < shape.count, own[0] == shape[axis] || own[0] == 1 else {
                throw .misfit("\(shapeText(own)) is no vector along axis \(axis) of \(shapeText(shape))")
            }
        }
        var slots = Slots()
        let reads = operands.map { operand -> Expr in
            if let literal = literal(operand.value) { return .literal(literal) }
            let own = self.shape(operand.value)
            let indices: [Expr] =
                if let axis = operand.axis {
                    [own[0] == 1 ? .integer(0) : .axis(axis)]
                } else {
                    own.indices.map { own[$0] == 1 ? .integer(0) : .axis(shape.count - own.count + $0) }
                }
            return .read(slot: slots.slot(operand.value), indices)
        }
        return try define(slots.values, TensorType(dtype, shape), .map(formula(reads)))
    }

    mutating func elementwise(
        _ operands: [ValueID], _ dtype: DType, _ formula: ([Expr]) -> Expr
    ) throws(NodeProblem) -> ValueID {
        try elementwise(operands.map { Operand($0) }, dtype, formula)
    }

    /// Reduces `value` over `axes` (ascending, each once) to `dtype`; `term` is applied to each element first.
    /// Over no axis it is only `term`.
    mutating func reduced(
        _ value: ValueID, axes: [Int], keep: Bool, _ reducer: Reducer, _ dtype: DType, _ term: (Expr) -> Expr = { $0 }
    ) throws(NodeProblem) -> ValueID {
        guard !axes.isEmpty else { return try elementwise([value], dtype) { term($0[0]) } }
        let extents = shape(value)
        let kept = extents.indices.filter { !axes.contains($0) }
        let result = keep ? extents.indices.map { axes.contains($0) ? 1 : extents[$0] } : kept.map { extents[$0] }
        let indices = extents.indices.map { axis -> Expr in
            if let at = axes.firstIndex(of: axis) { return .axis(result.count + at) }
            if extents[axis] == 1 { return .integer(0) }
            return .axis(keep ? axis : kept.firstIndex(of: axis) ?? 0)
        }
        let body = Definition.Body.reduce(
            reducer, extents: axes.map { extents[$0] }, condition: nil, term(.read(slot: 0, indices)))
        return try define([value], TensorType(dtype, result), body)
    }

    /// A definition that only moves elements: `source` maps the result's axes to indices of `value`.
    mutating func moved(
        _ value: ValueID, shape: [Int], _ source: ([Expr]) -> [Expr]
    ) throws(NodeProblem) -> ValueID {
        try mapped([value], TensorType(dtype(value), shape)) { axes in .read(slot: 0, source(axes)) }
    }

    /// A definition over index arithmetic that is simplified before it is added.
    mutating func mapped(
        _ operands: [ValueID], _ type: TensorType, _ value: ([Expr]) -> Expr
    ) throws(NodeProblem) -> ValueID {
        guard isReasonable(type.shape) else { throw .tooLarge(type.shape) }
        let expression = value(coordinates(type.shape))
        return try define(operands, type, .map(IndexSimplifier(extents: type.shape).simplify(expression)))
    }

    /// The same elements as another dtype; the value itself when it has that dtype.
    mutating func cast(_ value: ValueID, to dtype: DType) throws(NodeProblem) -> ValueID {
        guard self.dtype(value) != dtype else { return value }
        return try elementwise([value], dtype) { .cast(dtype, $0[0]) }
    }

    /// The value as a literal when it is a known constant of one element.
    func literal(_ value: ValueID) -> Literal? {
        guard type(value).elements == 1, builder.isConstant(value) else { return nil }
        return builder.constantValue(value)?.literals.first
    }
}

/// Operands of one definition, each value once.
struct Slots {
    private(set) var values: [ValueID] = []

    mutating func slot(_ value: ValueID) -> Int {
        if let at = values.firstIndex(of: value) { return at }
        values.append(value)
        return values.count - 1
    }
}

/// The dtype that sums of `dtype` are kept in: 16-bit floats are summed in 32 bits.
func accumulator(_ dtype: DType) -> DType {
    switch dtype {
    case .f16, .bf16: .f32
    case .f32, .f64, .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .bool, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz,
        .f8e8m0, .f4e2m1, .i4, .u4, .i2, .u2:
        dtype
    }
}

/// The common shape of two operands under numpy's rules.
func broadcast(_ a: [Int], _ b: [Int]) -> [Int]? {
    let rank = max(a.count, b.count)
    var out: [Int] = []
    for axis in 0..<rank {
        let x = axis < rank - a.count ? 1 : a[axis - (rank - a.count)]
        let y = axis < rank - b.count ? 1 : b[axis - (rank - b.count)]
        guard x == y || x == 1 || y == 1 else { return nil }
        out.append(x == 1 ? y : x)
    }
    return out
}

/// One index per axis of `shape`; unit axes are the literal 0.
func coordinates(_ shape: [Int]) -> [Expr] { shape.indices.map { shape[$0] == 1 ? .integer(0) : .axis($0) } }

/// A number as a literal of any dtype.
func number(_ value: Double, _ dtype: DType) -> Expr {
    dtype.isFloat ? .float(value, dtype) : .literal(.integer(ScalarRules.integer(value, dtype), dtype))
}

func zero(_ dtype: DType) -> Expr { number(0, dtype) }

/// All of `conditions`; `nil` when there is none.
func all(_ conditions: [Expr]) -> Expr? {
    guard let first = conditions.first else { return nil }
    return conditions.dropFirst().reduce(first) { .binary(.and, $0, $1) }
}
