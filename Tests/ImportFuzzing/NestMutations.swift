// Mutations that put nodes into graphs and functions: If, Loop and Scan around a node, nests of them, functions that
// call functions. Input: a graph or a model, and a generator. Output: the changed one. What is wrapped still gives
// values of the same names, so that what reads them is imported too.

import Basics
import ONNXImport

func wrapInIf(_ graph: inout ModelGraph, _ random: inout SeededRandom) {
    guard let at = random.index(graph.node) else { return }
    let known = random.once(in: 2)
    let condition = known ? knownCondition(&graph, random.below(2) == 0) : someName(graph, &random)
    graph.node[at] = ifNode(around: graph.node[at], condition: condition)
}

func wrapInLoop(_ graph: inout ModelGraph, _ random: inout SeededRandom) {
    guard let at = random.index(graph.node) else { return }
    let trips = random.pick([0, 1, 2, 3, 100, 20_000, random.integer()])
    let count = random.once(in: 8) ? "" : knownTensor(&graph, [trips], scalar: true)
    let condition = random.once(in: 2) ? "" : knownCondition(&graph, true)
    graph.node[at] = loopNode(around: graph.node[at], trips: count, condition: condition)
}

func wrapInScan(_ graph: inout ModelGraph, _ random: inout SeededRandom) {
    guard let at = random.index(graph.node) else { return }
    let inner = graph.node[at]
    var body = ModelGraph()
    body.node = [inner]
    body.input = inner.input.map(named)
    body.output = inner.output.map(named)
    var node = ModelNode()
    (node.opType, node.input, node.output) = ("Scan", inner.input, inner.output)
    var count = ModelAttribute()
    (count.name, count.type) = ("num_scan_inputs", .int)
    count.i = random.once(in: 4) ? random.integer() : Int64(inner.input.count)
    node.attribute = [count, graphAttribute("body", body)]
    graph.node[at] = node
}

/// One construct around another, up to far deeper than is allowed.
func nestDeep(_ graph: inout ModelGraph, _ random: inout SeededRandom) {
    guard let at = random.index(graph.node) else { return }
    let depth = random.pick([2, 3, 5, 10, 20, 31, 33, 70])
    let trips = knownTensor(&graph, [random.pick([1, 2, 2, 3, 1_000])], scalar: true)
    let condition = knownCondition(&graph, true)
    let loops = random.below(3)
    for level in 0..<depth {
        let isLoop = loops == 0 || (loops == 1 && level % 2 == 0)
        graph.node[at] =
            isLoop
            ? loopNode(around: graph.node[at], trips: trips, condition: condition)
            : ifNode(around: graph.node[at], condition: condition)
    }
}

/// The node on both sides of a branch, the second time under names that nobody reads.
private func ifNode(around inner: ModelNode, condition: String) -> ModelNode {
    var then = ModelGraph()
    then.node = [inner]
    then.output = inner.output.map(named)
    var otherwise = ModelGraph()
    otherwise.node = inner.input.prefix(1).flatMap { input in
        inner.output.map { output in
            var same = ModelNode()
            (same.opType, same.input, same.output) = ("Identity", [input], [output])
            return same
        }
    }
    otherwise.output = inner.output.map(named)
    var node = ModelNode()
    (node.opType, node.input, node.output) = ("If", [condition], inner.output)
    node.attribute = [graphAttribute("then_branch", then), graphAttribute("else_branch", otherwise)]
    return node
}

/// The node once a trip; its outputs are collected.
private func loopNode(around inner: ModelNode, trips: String, condition: String) -> ModelNode {
    var body = ModelGraph()
    var keep = ModelNode()
    (keep.opType, keep.input, keep.output) = ("Identity", ["going"], ["on"])
    body.node = [keep, inner]
    body.input = ["trip", "going"].map(named)
    body.output = [named("on")] + inner.output.map(named)
    var node = ModelNode()
    (node.opType, node.input, node.output) = ("Loop", [trips, condition], inner.output)
    node.attribute = [graphAttribute("body", body)]
    return node
}

func makeFunction(_ model: inout Model, _ random: inout SeededRandom) {
    guard let at = random.index(model.graph.node) else { return }
    let inner = model.graph.node[at]
    var function = Ironworks_Onnx_FunctionProto()
    (function.name, function.domain) = ("F\(model.functions.count)", "local")
    (function.input, function.output) = (inner.input, inner.output)
    function.opsetImport = model.opsetImport
    function.node = [inner]
    var call = ModelNode()
    (call.opType, call.domain) = (function.name, "local")
    (call.input, call.output) = (inner.input, inner.output)
    if random.once(in: 6) { function.node.append(call) }
    if random.once(in: 8) { function.name = inner.opType }
    model.functions.append(function)
    importDomain(&model)
    model.graph.node[at] = call
}

/// Each function calls the one before it once or twice: linear in the file, deep or exponential when spelled out.
func chainFunctions(_ model: inout Model, _ random: inout SeededRandom) {
    guard let at = random.index(model.graph.node) else { return }
    let (depth, calls) = (random.pick([2, 8, 30, 63, 64, 100]), random.pick([1, 1, 2, 3]))
    let stem = "Chain\(model.functions.count)_"
    importDomain(&model)
    for level in 0..<depth {
        var function = Ironworks_Onnx_FunctionProto()
        (function.name, function.domain, function.input, function.output) = ("\(stem)\(level)", "local", ["a"], ["b"])
        function.opsetImport = model.opsetImport
        function.node = (0..<calls).map { n in
            var node = ModelNode()
            node.opType = level == 0 ? "Neg" : "\(stem)\(level - 1)"
            node.domain = level == 0 ? "" : "local"
            node.input = [n == 0 ? "a" : "t\(n - 1)"]
            node.output = [n == calls - 1 ? "b" : "t\(n)"]
            return node
        }
        model.functions.append(function)
    }
    model.graph.node[at].opType = "\(stem)\(depth - 1)"
    model.graph.node[at].domain = "local"
    model.graph.node[at].input = Array(model.graph.node[at].input.prefix(1))
}

private func importDomain(_ model: inout Model) {
    guard !model.opsetImport.contains(where: { $0.domain == "local" }) else { return }
    var set = Ironworks_Onnx_OperatorSetIdProto()
    (set.domain, set.version) = ("local", 1)
    model.opsetImport.append(set)
}

private func named(_ name: String) -> ValueInfo {
    var info = ValueInfo()
    info.name = name
    return info
}

private func graphAttribute(_ name: String, _ graph: ModelGraph) -> ModelAttribute {
    var attribute = ModelAttribute()
    (attribute.name, attribute.type, attribute.g) = (name, .graph, graph)
    return attribute
}

private func knownCondition(_ graph: inout ModelGraph, _ value: Bool) -> String {
    var tensor = ModelTensor()
    tensor.name = graph.freshName("condition")
    tensor.dataType = 9
    tensor.rawData = data([value ? 1 : 0])
    graph.initializer.append(tensor)
    return tensor.name
}

private func someName(_ graph: ModelGraph, _ random: inout SeededRandom) -> String {
    let names = graph.valueNames
    return names.isEmpty ? "" : random.pick(names)
}
