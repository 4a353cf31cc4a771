// Makes tiny ONNX files for tests: a model is built from our own messages and serialised, so the importer reads what
// it would read from a disk. `evaluate` imports a model of one node, checks the graph, and interprets it.
// Input: operator, operands, attributes. Output: the interpreter's tensors, for comparison by hand.

import Foundation
import SwiftProtobuf
import TensorIR
import Testing

@testable import ONNXImport

struct ModelMaker {
    var model = Ironworks_Onnx_ModelProto()

    init(version: Int64 = 17) {
        model.irVersion = 8
        var set = Ironworks_Onnx_OperatorSetIdProto()
        set.version = version
        model.opsetImport = [set]
    }

    /// A dimension is a number or a symbol; `""` is one that has neither.
    mutating func input(_ name: String, _ dtype: DType = .f32, _ dimensions: [String]) {
        model.graph.input.append(valueInfo(name, dtype, dimensions))
    }

    mutating func output(_ name: String) {
        var info = Ironworks_Onnx_ValueInfoProto()
        info.name = name
        model.graph.output.append(info)
    }

    mutating func initializer(_ name: String, _ value: TensorValue) {
        var tensor = message(value)
        tensor.name = name
        model.graph.initializer.append(tensor)
    }

    mutating func node(
        _ operatorName: String, _ inputs: [String], _ outputs: [String], name: String = "",
        _ attributes: [Ironworks_Onnx_AttributeProto] = []
    ) {
        var node = Ironworks_Onnx_NodeProto()
        (node.opType, node.input, node.output, node.name) = (operatorName, inputs, outputs, name)
        node.attribute = attributes
        model.graph.node.append(node)
    }

    func bytes() throws -> [UInt8] { try model.serializedBytes() }

    func file(name: String = "m.onnx") throws -> ModelFile { try ModelFile(bytes: try bytes(), name: name) }

    private func valueInfo(_ name: String, _ dtype: DType, _ dimensions: [String]) -> Ironworks_Onnx_ValueInfoProto {
        var info = Ironworks_Onnx_ValueInfoProto()
        info.name = name
        info.type.tensorType.elemType = onnxNumber(dtype)
        info.type.tensorType.shape.dim = dimensions.map { text in
            var dimension = Ironworks_Onnx_TensorShapeProto.Dimension()
            if let extent = Int64(text) { dimension.dimValue = extent } else { dimension.dimParam = text }
            return dimension
        }
        return info
    }
}

func message(_ value: TensorValue) -> Ironworks_Onnx_TensorProto {
    var tensor = Ironworks_Onnx_TensorProto()
    tensor.dims = value.type.shape.map { Int64($0) }
    tensor.dataType = onnxNumber(value.type.dtype)
    tensor.rawData = Data(packed(value))
    return tensor
}

/// The bytes as a file has them: elements of 4 and 2 bits share bytes, the first one lowest.
func packed(_ value: TensorValue) -> [UInt8] {
    let bits = value.type.dtype.bits
    guard bits < 8 else { return value.bytes }
    let perByte = 8 / bits
    var out = [UInt8](repeating: 0, count: (value.type.elements + perByte - 1) / perByte)
    for (index, byte) in value.bytes.enumerated() {
        out[index / perByte] |= (byte & UInt8(1 << bits - 1)) << UInt8(index % perByte * bits)
    }
    return out
}

extension Ironworks_Onnx_TensorProto {
    mutating func clearBytes() { rawData = Data() }
}

func onnxNumber(_ dtype: DType) -> Int32 { (1...26).first { DType(onnx: $0) == dtype } ?? 0 }

func floats(_ shape: [Int], _ values: [Double], _ dtype: DType = .f32) -> TensorValue {
    TensorValue(TensorType(dtype, shape), floats: values)
}

func integers(_ shape: [Int], _ values: [Int64], _ dtype: DType = .i64) -> TensorValue {
    TensorValue(TensorType(dtype, shape), integers: values)
}

/// A vector of shape integers.
func vector(_ values: Int64...) -> TensorValue { integers([values.count], values) }

func truth(_ value: Bool) -> TensorValue { integers([], [value ? 1 : 0], .bool) }

/// `0, 1, 2 …` in this shape.
func counting(_ shape: [Int]) -> TensorValue { floats(shape, (0..<shape.reduce(1, *)).map { Double($0) }) }

func attribute(_ name: String, _ value: Int64) -> Ironworks_Onnx_AttributeProto {
    make(name, .int) { $0.i = value }
}

func attribute(_ name: String, _ values: [Int64]) -> Ironworks_Onnx_AttributeProto {
    make(name, .ints) { $0.ints = values }
}

func attribute(_ name: String, _ value: Float) -> Ironworks_Onnx_AttributeProto {
    make(name, .float) { $0.f = value }
}

func attribute(_ name: String, _ value: String) -> Ironworks_Onnx_AttributeProto {
    make(name, .string) { $0.s = Data(value.utf8) }
}

func attribute(_ name: String, floats: [Float]) -> Ironworks_Onnx_AttributeProto {
    make(name, .floats) { $0.floats = floats }
}

func attribute(_ name: String, texts: [String]) -> Ironworks_Onnx_AttributeProto {
    make(name, .strings) { $0.strings = texts.map { Data($0.utf8) } }
}

func attribute(_ name: String, _ value: TensorValue) -> Ironworks_Onnx_AttributeProto {
    make(name, .tensor) { $0.t = message(value) }
}

private func make(
    _ name: String, _ type: Ironworks_Onnx_AttributeProto.AttributeType,
    _ fill: (inout Ironworks_Onnx_AttributeProto) -> Void
) -> Ironworks_Onnx_AttributeProto {
    var attribute = Ironworks_Onnx_AttributeProto()
    attribute.name = name
    attribute.type = type
    fill(&attribute)
    return attribute
}

/// A model of one node. Operand i is input `xi`, or an initializer when `known` has it; `nil` is left out.
func oneNode(
    _ operatorName: String, version: Int64 = 17, _ operands: [TensorValue?], known: Set<Int> = [], outputs: Int = 1,
    _ attributes: [Ironworks_Onnx_AttributeProto] = []
) -> ModelMaker {
    var maker = ModelMaker(version: version)
    for case (let index, let value?) in operands.enumerated() {
        if known.contains(index) {
            maker.initializer("x\(index)", value)
        } else {
            maker.input("x\(index)", value.type.dtype, value.type.shape.map(String.init))
        }
    }
    let results = (0..<outputs).map { "y\($0)" }
    let names = operands.indices.map { operands[$0] == nil ? "" : "x\($0)" }
    maker.node(operatorName, names, results, name: "n", attributes)
    for result in results { maker.output(result) }
    return maker
}

/// Imports a model of one node, checks its graph and text, and interprets it.
func evaluate(
    _ operatorName: String, version: Int64 = 17, _ operands: [TensorValue?], known: Set<Int> = [], outputs: Int = 1,
    _ attributes: [Ironworks_Onnx_AttributeProto] = []
) throws -> [TensorValue] {
    let maker = oneNode(operatorName, version: version, operands, known: known, outputs: outputs, attributes)
    let imported = try importModel(try maker.file())
    try imported.graph.verify()
    #expect(try Graph(parsing: imported.graph.text) == imported.graph)
    let inputs = operands.indices.filter { !known.contains($0) }.compactMap { operands[$0] }
    return try interpret(imported.graph, inputs: inputs, constants: imported.constants)
}

/// A graph for a node's attribute; its inputs and outputs have no types.
func graph(
    _ inputs: [String], _ outputs: [String], _ fill: (inout ModelMaker) -> Void
) -> Ironworks_Onnx_GraphProto {
    var maker = ModelMaker()
    fill(&maker)
    var graph = maker.model.graph
    for (names, isInput) in [(inputs, true), (outputs, false)] {
        for name in names {
            var info = Ironworks_Onnx_ValueInfoProto()
            info.name = name
            if isInput { graph.input.append(info) } else { graph.output.append(info) }
        }
    }
    return graph
}

func attribute(_ name: String, _ graph: Ironworks_Onnx_GraphProto) -> Ironworks_Onnx_AttributeProto {
    var attribute = Ironworks_Onnx_AttributeProto()
    attribute.name = name
    attribute.type = .graph
    attribute.g = graph
    return attribute
}

/// Imports a model, checks its graph, and interprets it.
func run(_ maker: ModelMaker, _ inputs: [TensorValue]) throws -> [TensorValue] {
    let imported = try importModel(try maker.file())
    try imported.graph.verify()
    return try interpret(imported.graph, inputs: inputs, constants: imported.constants)
}

/// Whether two tensors have one type and elements that differ by at most `tolerance`.
func agree(_ a: TensorValue, _ b: TensorValue, tolerance: Double = 1e-6) -> Bool {
    guard a.type == b.type else { return false }
    switch (a.elements, b.elements) {
    case (.floats(let x), .floats(let y)):
        return zip(x, y).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) || abs($0 - $1) <= tolerance }
    case (.integers(let x), .integers(let y)): return x == y
    case (.floats, .integers), (.integers, .floats): return false
    }
}

/// The sentence of the error that `body` throws, or what it gave instead.
func sentence(_ body: () throws -> Void) -> String {
    do {
        try body()
        return "no error"
    } catch let error as ImportError {
        return error.sentence
    } catch {
        return "another error: \(error)"
    }
}
