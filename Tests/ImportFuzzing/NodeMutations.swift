// Mutations of nodes and of what connects them: dropped, repeated, reordered, rewired, renamed, made another operator.
// Input: a graph or a node, and a generator. Output: the changed one. A graph without nodes stays as it is.

import Basics
import ONNXImport

/// Operators that nodes become: all of the ONNX domain's table, those of com.microsoft, and some that are none.
private let operatorNames: [String] =
    supportedOperators + [
        "If", "Loop", "Scan", "Gelu", "BiasGelu", "FastGelu", "QuickGelu", "FusedConv", "FusedMatMul", "Attention",
        "MultiHeadAttention", "SkipLayerNormalization", "SimplifiedLayerNormalization", "EmbedLayerNormalization",
        "MatMulNBits", "QLinearAdd", "QLinearMul", "QLinearSigmoid", "QLinearGlobalAveragePool", "QLinearConcat",
        "DynamicQuantizeMatMul", "MatMulIntegerToFloat", "RotaryEmbedding", "GroupQueryAttention", "StringConcat",
        "TreeEnsemble", "NotThere",
    ]

func dropNode(_ graph: inout ModelGraph, _ random: inout SeededRandom) {
    guard let at = random.index(graph.node) else { return }
    graph.node.remove(at: at)
}

/// With outputs of its own, or with the same ones.
func duplicateNode(_ graph: inout ModelGraph, _ random: inout SeededRandom) {
    guard let at = random.index(graph.node) else { return }
    var copy = graph.node[at]
    if random.below(3) > 0 {
        let stem = graph.freshName("copy")
        copy.output = copy.output.indices.map { "\(stem)_\($0)" }
    }
    graph.node.insert(copy, at: random.below(graph.node.count + 1))
}

func swapNodes(_ graph: inout ModelGraph, _ random: inout SeededRandom) {
    guard let a = random.index(graph.node), let b = random.index(graph.node) else { return }
    graph.node.swapAt(a, b)
}

func rewireInput(_ graph: inout ModelGraph, _ random: inout SeededRandom) {
    let names = graph.valueNames
    guard !names.isEmpty, let at = random.index(graph.node), let input = random.index(graph.node[at].input)
    else { return }
    graph.node[at].input[input] = random.once(in: 8) ? "nowhere" : random.pick(names)
}

func addInput(_ graph: inout ModelGraph, _ random: inout SeededRandom) {
    let names = graph.valueNames
    guard !names.isEmpty, let at = random.index(graph.node) else { return }
    for _ in 0..<random.pick([1, 1, 2, 20]) { graph.node[at].input.append(random.pick(names)) }
}

func makeCycle(_ graph: inout ModelGraph, _ random: inout SeededRandom) {
    guard let at = random.index(graph.node), let input = random.index(graph.node[at].input) else { return }
    let later = graph.node[at...].flatMap(\.output).filter { !$0.isEmpty }
    guard !later.isEmpty else { return }
    graph.node[at].input[input] = random.pick(later)
}

func renameValue(_ graph: inout ModelGraph, _ random: inout SeededRandom) {
    let names = graph.valueNames
    guard !names.isEmpty else { return }
    let (old, new) = (random.pick(names), random.text())
    rename(&graph, old, to: new, everywhere: random.below(4) > 0)
}

func mergeNames(_ graph: inout ModelGraph, _ random: inout SeededRandom) {
    let names = graph.valueNames
    guard names.count > 1 else { return }
    rename(&graph, random.pick(names), to: random.pick(names), everywhere: random.once(in: 2))
}

/// Where the value is defined, and with `everywhere` also where it is read.
private func rename(_ graph: inout ModelGraph, _ old: String, to new: String, everywhere: Bool) {
    func renamed(_ names: [String]) -> [String] { names.map { $0 == old ? new : $0 } }
    for n in graph.input.indices where graph.input[n].name == old { graph.input[n].name = new }
    for n in graph.initializer.indices where graph.initializer[n].name == old { graph.initializer[n].name = new }
    for n in graph.node.indices {
        graph.node[n].output = renamed(graph.node[n].output)
        if everywhere { graph.node[n].input = renamed(graph.node[n].input) }
    }
    for n in graph.output.indices where everywhere && graph.output[n].name == old { graph.output[n].name = new }
}

func dropInput(_ node: inout ModelNode, _ random: inout SeededRandom) {
    guard let at = random.index(node.input) else { return }
    if random.once(in: 2) { node.input.remove(at: at) } else { node.input[at] = "" }
}

func swapInputs(_ node: inout ModelNode, _ random: inout SeededRandom) {
    guard let a = random.index(node.input), let b = random.index(node.input) else { return }
    node.input.swapAt(a, b)
}

func duplicateInput(_ node: inout ModelNode, _ random: inout SeededRandom) {
    guard let at = random.index(node.input) else { return }
    node.input.insert(node.input[at], at: random.below(node.input.count + 1))
}

func dropOutput(_ node: inout ModelNode, _ random: inout SeededRandom) {
    guard let at = random.index(node.output) else { return }
    if random.once(in: 2) { node.output.remove(at: at) } else { node.output[at] = "" }
}

func addOutput(_ node: inout ModelNode, _ random: inout SeededRandom) {
    let name = random.once(in: 4) ? random.text() : "more\(node.output.count)"
    node.output.insert(name, at: random.below(node.output.count + 1))
}

func changeOperator(_ node: inout ModelNode, _ random: inout SeededRandom) {
    node.opType = random.once(in: 32) ? random.text() : random.pick(operatorNames)
}

func changeDomain(_ node: inout ModelNode, _ random: inout SeededRandom) {
    node.domain = random.pick(["", "ai.onnx", "com.microsoft", "local", "ai.onnx.ml", random.text()])
    if random.once(in: 4) { node.overload = random.text() }
}

func renameNode(_ node: inout ModelNode, _ random: inout SeededRandom) { node.name = random.text() }

func changeVersion(_ model: inout Model, _ random: inout SeededRandom) {
    guard let at = random.index(model.opsetImport) else { return }
    model.opsetImport[at].version =
        random.once(in: 8)
        ? random.integer() : Int64(operatorSetVersions.lowerBound + random.below(operatorSetVersions.count))
}

func changeFormatVersion(_ model: inout Model, _ random: inout SeededRandom) {
    model.irVersion = random.once(in: 2) ? random.integer() : Int64(3 + random.below(12))
}

func changeOperatorSets(_ model: inout Model, _ random: inout SeededRandom) {
    if random.once(in: 2), let at = random.index(model.opsetImport) {
        model.opsetImport.remove(at: at)
        return
    }
    var set = Ironworks_Onnx_OperatorSetIdProto()
    set.domain = random.pick(["", "ai.onnx", "com.microsoft", "local", random.text()])
    set.version = random.once(in: 2) ? random.integer() : Int64(1 + random.below(24))
    model.opsetImport.append(set)
}
