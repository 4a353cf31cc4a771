// Mutations that ask for much: results of enormous extents, values that double forty times, thousands of nodes. Input:
// a graph and a generator. Output: the graph with nodes behind it, whose last value is an output of the graph.

import Basics
import ONNXImport

func appendEnormous(_ graph: inout ModelGraph, _ random: inout SeededRandom) {
    let names = graph.valueNames
    let value = names.isEmpty ? knownTensor(&graph, [1]) : random.pick(names)
    switch random.below(9) {
    case 0: append("ConstantOfShape", [knownTensor(&graph, extents(&random))], &graph)
    case 1: append("Expand", [value, knownTensor(&graph, extents(&random))], &graph)
    case 2: append("Tile", [value, knownTensor(&graph, extents(&random))], &graph)
    case 3:
        let ends = [0, random.integer(), random.pick([1, -1, random.integer()])]
        append("Range", ends.map { knownTensor(&graph, [$0], scalar: true) }, &graph)
    case 4: append("Pad", [value, knownTensor(&graph, extents(&random))], &graph)
    case 5: append("Reshape", [value, knownTensor(&graph, extents(&random))], &graph)
    case 6:
        let depth = knownTensor(&graph, [random.integer()], scalar: true)
        append("OneHot", [value, depth, knownTensor(&graph, [0, 1])], &graph)
    case 7:
        let shape = knownTensor(&graph, extents(&random))
        append("Slice", [value, shape, knownTensor(&graph, extents(&random))], &graph)
    default:
        var node = append("ConstantOfShape", [knownTensor(&graph, extents(&random))], &graph)
        var tensor = ModelTensor()
        (tensor.dataType, tensor.dims) = (Int32(random.below(27)), [1])
        tensor.rawData = data((0..<random.below(9)).map { UInt8($0) })
        var value = ModelAttribute()
        (value.name, value.type, value.t) = ("value", .tensor, tensor)
        node.attribute = [value]
        graph.node[graph.node.count - 1] = node
    }
}

private func extents(_ random: inout SeededRandom) -> [Int64] {
    let shape: [Int64] =
        switch random.below(4) {
        case 0: [1 << 20, 1 << 20]
        case 1: [1 << 31, 1 << 31, 1 << 31]
        case 2: [1 << 20]
        default: (0..<random.pick([0, 1, 2, 4, 6, 17, 200])).map { _ in random.integer() }
        }
    return shape
}

/// A value joined with itself, or repeated, again and again.
func appendDoubling(_ graph: inout ModelGraph, _ random: inout SeededRandom) {
    let names = graph.valueNames
    var value = names.isEmpty ? knownTensor(&graph, [1]) : random.pick(names)
    if random.once(in: 3) { value = knownTensor(&graph, [1, 2, 3]) }
    let operatorName = random.pick(["Concat", "Add", "Mul", "MatMul", "Where"])
    for _ in 0..<random.pick([5, 24, 45, 70]) {
        var node = append(operatorName, [value, value], &graph)
        if operatorName == "Concat" {
            var axis = ModelAttribute()
            (axis.name, axis.type) = ("axis", .int)
            node.attribute = [axis]
            graph.node[graph.node.count - 1] = node
        }
        value = node.output[0]
    }
}

/// A long chain, or many readers of one value.
func appendMany(_ graph: inout ModelGraph, _ random: inout SeededRandom) {
    let names = graph.valueNames
    let first = names.isEmpty ? knownTensor(&graph, [1]) : random.pick(names)
    let operatorName = random.pick(["Relu", "Neg", "Identity", "Shape", "Unsqueeze", "Cast", "Softmax"])
    let isChain = random.below(3) > 0
    var value = first
    for _ in 0..<random.pick([10, 100, 2_000]) {
        value = append(operatorName, [isChain ? value : first], &graph).output[0]
    }
}

/// Appends a node and makes its result an output of the graph.
@discardableResult
private func append(_ operatorName: String, _ inputs: [String], _ graph: inout ModelGraph) -> ModelNode {
    var node = ModelNode()
    let name = "big\(graph.node.count)"
    (node.opType, node.input, node.output) = (operatorName, inputs, [name])
    graph.node.append(node)
    var info = ValueInfo()
    info.name = name
    if let last = graph.output.last, inputs.contains(last.name) {
        graph.output[graph.output.count - 1] = info
    } else {
        graph.output.append(info)
    }
    return node
}
