// Mutations of what a model says about its inputs and outputs: shapes, symbols, element types, sequences, maps and
// optionals of any depth. Input: a graph and a generator. Output: the changed graph.

import Basics
import ONNXImport

private typealias Dimension = Ironworks_Onnx_TensorShapeProto.Dimension
private typealias ValueType = Ironworks_Onnx_TypeProto

func changeInputShape(_ graph: inout ModelGraph, _ random: inout SeededRandom) {
    guard let at = random.index(graph.input) else { return }
    var dims = graph.input[at].type.tensorType.shape.dim
    switch random.below(6) {
    case 0: dims.append(dimension(&random))
    case 1: if let axis = random.index(dims) { dims.remove(at: axis) }
    case 2: dims = (0..<random.pick([0, 1, 6, 16, 17, 40])).map { _ in dimension(&random) }
    case 3:
        graph.input[at].type.tensorType.clearShape()
        return
    default: if let axis = random.index(dims) { dims[axis] = dimension(&random) }
    }
    graph.input[at].type.tensorType.shape.dim = dims
}

private func dimension(_ random: inout SeededRandom) -> Dimension {
    var dimension = Dimension()
    switch random.below(4) {
    case 0: dimension.dimParam = random.pick(["batch", "N", "batch*2", random.text()])
    case 1: break
    case 2: dimension.dimValue = Int64(random.below(9))
    default: dimension.dimValue = random.integer()
    }
    return dimension
}

func changeInputElement(_ graph: inout ModelGraph, _ random: inout SeededRandom) {
    guard let at = random.index(graph.input) else { return }
    let (old, new) = (graph.input[at].type.tensorType.elemType, elementType(&random))
    graph.input[at].type.tensorType.elemType = new
    guard random.once(in: 2) else { return }
    // operators that want one type of all their operands see it changed in all of them
    for other in graph.input.indices where graph.input[other].type.tensorType.elemType == old {
        graph.input[other].type.tensorType.elemType = new
    }
}

private func elementType(_ random: inout SeededRandom) -> Int32 {
    random.once(in: 8) ? Int32.max : Int32(random.below(28))
}

func changeInputType(_ graph: inout ModelGraph, _ random: inout SeededRandom) {
    guard let at = random.index(graph.input) else { return }
    let depth = random.pick([0, 1, 1, 2, 20, 45])
    graph.input[at].type = nested(graph.input[at].type, depth: depth, &random)
}

private func nested(_ type: ValueType, depth: Int, _ random: inout SeededRandom) -> ValueType {
    var out = ValueType()
    switch random.below(5) {
    case 0: return out
    case 1: out.sequenceType.elemType = type
    case 2: out.optionalType.elemType = type
    case 3:
        out.mapType.keyType = Int32(random.below(20))
        out.mapType.valueType = type
    default: out.sparseTensorType.elemType = type.tensorType.elemType
    }
    return depth > 0 ? nested(out, depth: depth - 1, &random) : out
}

func changeInterface(_ graph: inout ModelGraph, _ random: inout SeededRandom) {
    switch random.below(6) {
    case 0: if let at = random.index(graph.input) { graph.input.remove(at: at) }
    case 1: if let at = random.index(graph.output) { graph.output.remove(at: at) }
    case 2: if let at = random.index(graph.input) { graph.input.append(graph.input[at]) }
    case 3: if let at = random.index(graph.output) { graph.output.append(graph.output[at]) }
    case 4: if let at = random.index(graph.output) { graph.output[at].name = random.text() }
    default: if let at = random.index(graph.input) { graph.input[at].name = random.text() }
    }
}

func exposeValue(_ graph: inout ModelGraph, _ random: inout SeededRandom) {
    let names = graph.valueNames
    guard !names.isEmpty else { return }
    var info = ValueInfo()
    info.name = random.pick(names)
    graph.output.append(info)
}
