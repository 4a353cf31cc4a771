// A node that holds graphs, or calls a function, replaced by the nodes inside: a branch by one of its sides, a loop by
// one trip, a scan by its first slice, a call by the function's body. Input: a model and the place of a node. Output:
// models that may still fail in the same way; they need not compute the same.

import TensorIR

/// The models in which node `at` has been opened, the smaller ones first.
func unwrapped(_ model: Ironworks_Onnx_ModelProto, at: Int) -> [Ironworks_Onnx_ModelProto] {
    let node = model.graph.node[at]
    if let function = model.function(of: node) { return [inlined(model, at, function)] }
    func body(_ name: String) -> Ironworks_Onnx_GraphProto? {
        node.attribute.first { $0.name == name && $0.hasG }?.g
    }
    guard plain(node.domain).isEmpty else { return [] }
    switch node.opType {
    case "If":
        return [body("then_branch"), body("else_branch")].compactMap { $0 }
            .sorted { $0.node.count < $1.node.count }
            .map { side in
                var inlining = Inlining(model, at)
                inlining.body(side, inputs: [])
                inlining.results(zip(side.output.map(\.name), node.output))
                return inlining.finish()
            }
    case "Loop": return body("body").map { [oneTrip(model, at, $0)] } ?? []
    case "Scan": return body("body").map { [oneSlice(model, at, $0)] } ?? []
    default: return []
    }
}

private func inlined(
    _ model: Ironworks_Onnx_ModelProto, _ at: Int, _ function: Ironworks_Onnx_FunctionProto
) -> Ironworks_Onnx_ModelProto {
    let node = model.graph.node[at]
    var given: [String: Ironworks_Onnx_AttributeProto] = [:]
    for attribute in function.attributeProto + node.attribute { given[attribute.name] = attribute }
    var body = Ironworks_Onnx_GraphProto()
    body.node = function.node.map { filled($0, given) }
    body.input = function.input.map(named)
    var inlining = Inlining(model, at)
    inlining.body(body, inputs: function.input.indices.map { $0 < node.input.count ? node.input[$0] : "" })
    inlining.results(zip(function.output, node.output))
    var out = inlining.finish()
    for set in function.opsetImport where !out.opsetImport.contains(where: { plain($0.domain) == plain(set.domain) }) {
        out.opsetImport.append(set)
    }
    return out
}

/// The body once, for iteration 0; collected results are those of this trip.
private func oneTrip(
    _ model: Ironworks_Onnx_ModelProto, _ at: Int, _ body: Ironworks_Onnx_GraphProto
) -> Ironworks_Onnx_ModelProto {
    let node = model.graph.node[at]
    var inlining = Inlining(model, at)
    let trip = inlining.constant(TensorValue(TensorType(.i64, []), integers: [0]))
    let going = inlining.constant(TensorValue(TensorType(.bool, []), integers: [1]))
    let carried = Array(node.input.dropFirst(2))
    inlining.body(body, inputs: [trip, going] + carried)
    let results = Array(body.output.map(\.name).dropFirst())
    inlining.results(zip(results.prefix(carried.count), node.output))
    for (inner, outer) in zip(results, node.output).dropFirst(carried.count) { inlining.stacked(inner, outer, axis: 0) }
    return inlining.finish()
}

/// The body once, for the first slice of every scanned input.
private func oneSlice(
    _ model: Ironworks_Onnx_ModelProto, _ at: Int, _ body: Ironworks_Onnx_GraphProto
) -> Ironworks_Onnx_ModelProto {
    let node = model.graph.node[at]
    func list(_ name: String) -> [Int64] { node.attribute.first { $0.name == name }?.ints ?? [] }
    let count = Int(clamping: node.attribute.first { $0.name == "num_scan_inputs" }?.i ?? 0)
    let states = node.input.dropLast(max(0, min(count, node.input.count)))
    var inlining = Inlining(model, at)
    let first = inlining.constant(TensorValue(TensorType(.i64, []), integers: [0]))
    let axes = list("scan_input_axes")
    let slices = node.input.dropFirst(states.count).enumerated().map { n, name in
        inlining.slice(name, at: first, axis: n < axes.count ? axes[n] : 0)
    }
    inlining.body(body, inputs: states + slices)
    let results = body.output.map(\.name)
    inlining.results(zip(results.prefix(states.count), node.output))
    let outputAxes = list("scan_output_axes")
    for (n, pair) in zip(results, node.output).dropFirst(states.count).enumerated() {
        inlining.stacked(pair.0, pair.1, axis: n < outputAxes.count ? outputAxes[n] : 0)
    }
    return inlining.finish()
}

/// A model whose node is being replaced; values of the body get names that the graph does not have.
private struct Inlining {
    private var model: Ironworks_Onnx_ModelProto
    private let at: Int
    private let prefix: String
    private var nodes: [Ironworks_Onnx_NodeProto] = []
    /// What a name of the body is called now.
    private var names: [String: String] = [:]
    private var count = 0

    init(_ model: Ironworks_Onnx_ModelProto, _ at: Int) {
        (self.model, self.at) = (model, at)
        let taken = model.graph.valuesDefined
        let stem = model.graph.node[at].output.first { !$0.isEmpty } ?? "inlined"
        var prefix = stem + "/"
        while taken.contains(where: { $0.hasPrefix(prefix) }) { prefix += "/" }
        self.prefix = prefix
    }

    private mutating func fresh() -> String {
        count += 1
        return prefix + "new\(count)"
    }

    private mutating func append(
        _ operatorName: String, _ inputs: [String], _ output: String, _ attributes: [Ironworks_Onnx_AttributeProto] = []
    ) {
        var node = Ironworks_Onnx_NodeProto()
        (node.opType, node.input, node.output, node.attribute) = (operatorName, inputs, [output], attributes)
        nodes.append(node)
    }

    mutating func constant(_ value: TensorValue) -> String {
        let name = fresh()
        model.graph.initializer.append(tensorMessage(name, value))
        return name
    }

    mutating func slice(_ name: String, at index: String, axis: Int64) -> String {
        let out = fresh()
        append("Gather", [name, index], out, [attribute("axis", axis)])
        return out
    }

    /// Adds the body's nodes and constants.
    mutating func body(_ graph: Ironworks_Onnx_GraphProto, inputs: [String]) {
        for name in graph.valuesDefined where !name.isEmpty { names[name] = prefix + name }
        // a function's optional input that the caller leaves out is the empty name
        for (input, given) in zip(graph.input, inputs) { names[input.name] = given }
        nodes += graph.node.map { $0.renamed(names) }
        model.graph.initializer += graph.initializer.map { tensor in
            var own = tensor
            own.name = names[tensor.name] ?? tensor.name
            return own
        }
    }

    mutating func results(_ pairs: some Sequence<(String, String)>) {
        for (inner, outer) in pairs where !outer.isEmpty { append("Identity", [names[inner] ?? inner], outer) }
    }

    /// A collected result of one trip or slice has that axis with extent 1.
    mutating func stacked(_ inner: String, _ outer: String, axis: Int64) {
        guard !outer.isEmpty else { return }
        let version = model.opsetImport.first { plain($0.domain).isEmpty }?.version ?? 1
        let value = names[inner] ?? inner
        if version >= 13 {
            let axes = constant(TensorValue(TensorType(.i64, [1]), integers: [axis]))
            append("Unsqueeze", [value, axes], outer)
        } else {
            append("Unsqueeze", [value], outer, [attribute("axes", [axis])])
        }
    }

    func finish() -> Ironworks_Onnx_ModelProto {
        var out = model
        out.graph.node.replaceSubrange(at...at, with: nodes)
        return out
    }

    private func attribute(_ name: String, _ value: Int64) -> Ironworks_Onnx_AttributeProto {
        var attribute = Ironworks_Onnx_AttributeProto()
        (attribute.name, attribute.type, attribute.i) = (name, .int, value)
        return attribute
    }

    private func attribute(_ name: String, _ values: [Int64]) -> Ironworks_Onnx_AttributeProto {
        var attribute = Ironworks_Onnx_AttributeProto()
        (attribute.name, attribute.type, attribute.ints) = (name, .ints, values)
        return attribute
    }
}
