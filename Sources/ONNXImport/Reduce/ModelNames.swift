// Names in a model's graphs: what a node reads from outside of its own graphs, and the same node under other names.
// A name that a graph defines hides the same name around it. Used by the reducer, which cuts graphs and puts the nodes
// of one graph into another.

import TensorIR

extension Ironworks_Onnx_NodeProto {
    /// Every value that the node reads, those that its own graphs take from around them included.
    var valuesRead: [String] { input.filter { !$0.isEmpty } + subgraphs.flatMap(\.valuesCaptured) }

    /// The node with names replaced; in its graphs only where they do not hide them.
    func renamed(_ names: [String: String]) -> Ironworks_Onnx_NodeProto {
        guard !names.isEmpty else { return self }
        var out = self
        out.input = input.map { names[$0] ?? $0 }
        out.output = output.map { names[$0] ?? $0 }
        for n in out.attribute.indices where out.attribute[n].hasG || !out.attribute[n].graphs.isEmpty {
            if out.attribute[n].hasG { out.attribute[n].g = out.attribute[n].g.renamingCaptures(names) }
            out.attribute[n].graphs = out.attribute[n].graphs.map { $0.renamingCaptures(names) }
        }
        return out
    }
}

extension Ironworks_Onnx_GraphProto {
    /// Names that the graph itself defines.
    var valuesDefined: Set<String> {
        Set(
            input.map(\.name) + initializer.map(\.name) + sparseInitializer.map(\.values.name)
                + node.flatMap(\.output))
    }

    /// Names that the graph reads and does not define.
    var valuesCaptured: [String] {
        let own = valuesDefined
        return (node.flatMap(\.valuesRead) + output.map(\.name)).filter { !$0.isEmpty && !own.contains($0) }
    }

    fileprivate func renamingCaptures(_ names: [String: String]) -> Ironworks_Onnx_GraphProto {
        let own = valuesDefined
        let seen = names.filter { !own.contains($0.key) }
        guard !seen.isEmpty else { return self }
        var out = self
        out.node = node.map { $0.renamed(seen) }
        for n in out.output.indices {
            if let name = seen[out.output[n].name] { out.output[n].name = name }
        }
        return out
    }
}

extension Ironworks_Onnx_ModelProto {
    /// Every node in the model: in its graph, in graphs inside of nodes, in functions.
    package var nodeCount: Int {
        graph.node.reduce(0) { $0 + $1.nodeCount } + functions.flatMap(\.node).reduce(0) { $0 + $1.nodeCount }
    }

    /// The function that a node calls.
    func function(of node: Ironworks_Onnx_NodeProto) -> Ironworks_Onnx_FunctionProto? {
        functions.first {
            $0.name == node.opType && plain($0.domain) == plain(node.domain) && $0.overload == node.overload
        }
    }

    /// The texts of `bindings` that name something this model still has.
    package func applicable(_ bindings: [String]) -> [String] {
        var known = Set(graph.input.map(\.name))
        for input in graph.input {
            for dimension in input.type.tensorType.shape.dim { known.insert(dimension.dimParam) }
        }
        return bindings.filter { text in
            guard let equals = text.lastIndex(of: "=") else { return true }
            return known.contains(String(text[..<equals]))
        }
    }
}

extension Ironworks_Onnx_NodeProto {
    fileprivate var nodeCount: Int {
        1 + subgraphs.reduce(0) { total, graph in total + graph.node.reduce(0) { $0 + $1.nodeCount } }
    }
}
