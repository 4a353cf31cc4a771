// A part of a model as a model of its own. Input: a model, which of its nodes stay, and what is known of its values.
// Output: a model of these nodes; what they read and no longer compute has become an input of its known type, or a
// constant of its known value. Results that nothing reads become outputs. Weights, functions and inputs that nobody
// needs are gone. There is no such model when a node needs a value of which nothing is known.

import TensorIR

struct ModelCut {
    let model: Ironworks_Onnx_ModelProto
    let known: KnownValues
    private let initializers: Set<String>
    private let inputs: Set<String>
    private let outputs: Set<String>
    private let reads: [[String]]

    init(_ model: Ironworks_Onnx_ModelProto, _ known: KnownValues) {
        (self.model, self.known) = (model, known)
        let graph = model.graph
        initializers = Set(graph.initializer.map(\.name) + graph.sparseInitializer.map(\.values.name))
        inputs = Set(graph.input.map(\.name))
        outputs = Set(graph.output.map(\.name))
        reads = graph.node.map(\.valuesRead)
    }

    /// The model of the nodes `kept`, places in the graph in ascending order.
    /// - Parameter only: outputs to have, instead of all that it can have.
    func callAsFunction(_ kept: [Int], only: [String]? = nil) -> Ironworks_Onnx_ModelProto? {
        let kept = only.map { reaching($0, among: kept) } ?? kept
        guard !kept.isEmpty else { return nil }
        let results = only ?? results(kept)
        guard !results.isEmpty else { return nil }
        var out = model
        out.graph.node = kept.map { model.graph.node[$0] }
        out.graph.output = results.map(outputInfo)
        guard let (borderInputs, borderConstants) = border(kept, results) else { return nil }
        let read = Set(kept.flatMap { reads[$0] } + results)
        out.graph.input = model.graph.input.filter { read.contains($0.name) }.map(baked) + borderInputs
        out.graph.initializer = model.graph.initializer.filter { read.contains($0.name) } + borderConstants
        out.graph.sparseInitializer = model.graph.sparseInitializer.filter { read.contains($0.values.name) }
        out.graph.valueInfo = []
        out.metadataProps = []
        (out.producerName, out.producerVersion) = ("", "")
        out.functions = calledFunctions(out.graph.node)
        return out
    }

    /// Those of `kept` that the values `names` need.
    private func reaching(_ names: [String], among kept: [Int]) -> [Int] {
        var needed = Set(names)
        var out: Set<Int> = []
        var isGrowing = true
        // once, when producers come before their readers
        while isGrowing {
            isGrowing = false
            for n in kept.reversed() where !out.contains(n) {
                guard model.graph.node[n].output.contains(where: needed.contains) else { continue }
                out.insert(n)
                needed.formUnion(reads[n])
                isGrowing = true
            }
        }
        return out.sorted()
    }

    /// What the nodes compute and nobody among them reads, and the model's own outputs.
    private func results(_ kept: [Int]) -> [String] {
        let read = Set(kept.flatMap { reads[$0] })
        var out: [String] = []
        for n in kept {
            let own = model.graph.node[n].output.filter { !$0.isEmpty }
            let isRead = own.contains(where: read.contains)
            var named = own.filter { outputs.contains($0) || (!read.contains($0) && known.types[$0] != nil) }
            // a node that was never imported: nobody knows what its results are
            if named.isEmpty, !isRead { named = own.filter { !known.sequences.contains($0) }.prefix(1).map { $0 } }
            out += named
        }
        return out
    }

    private func outputInfo(_ name: String) -> Ironworks_Onnx_ValueInfoProto {
        if let info = model.graph.output.first(where: { $0.name == name }) { return info }
        if let type = known.types[name] { return valueInfo(name, type) }
        var info = Ironworks_Onnx_ValueInfoProto()
        info.name = name
        return info
    }

    /// An input with the shape it was bound to.
    private func baked(_ input: Ironworks_Onnx_ValueInfoProto) -> Ironworks_Onnx_ValueInfoProto {
        guard !initializers.contains(input.name), let type = known.types[input.name] else { return input }
        return valueInfo(input.name, type)
    }

    /// Inputs and constants for what the nodes read and nothing in the new model gives.
    private func border(
        _ kept: [Int], _ results: [String]
    ) -> (inputs: [Ironworks_Onnx_ValueInfoProto], constants: [Ironworks_Onnx_TensorProto])? {
        let produced = Set(kept.flatMap { model.graph.node[$0].output })
        var newInputs: [Ironworks_Onnx_ValueInfoProto] = []
        var constants: [Ironworks_Onnx_TensorProto] = []
        var seen: Set<String> = []
        for name in kept.flatMap({ reads[$0] }) + results where seen.insert(name).inserted {
            if produced.contains(name) || initializers.contains(name) || inputs.contains(name) { continue }
            if let value = known.constants[name] {
                constants.append(tensorMessage(name, value))
            } else if let type = known.types[name] {
                newInputs.append(valueInfo(name, type))
            } else {
                return nil
            }
        }
        return (newInputs, constants)
    }

    /// Functions that the nodes call, and those that these call.
    private func calledFunctions(_ nodes: [Ironworks_Onnx_NodeProto]) -> [Ironworks_Onnx_FunctionProto] {
        var pending = nodes
        var called: Set<Int> = []
        while let node = pending.popLast() {
            pending += node.subgraphs.flatMap(\.node)
            let at = model.functions.firstIndex {
                $0.name == node.opType && plain($0.domain) == plain(node.domain) && $0.overload == node.overload
            }
            if let at, called.insert(at).inserted { pending += model.functions[at].node }
        }
        return called.sorted().map { model.functions[$0] }
    }
}
