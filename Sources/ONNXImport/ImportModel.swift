// ONNX to Graph. Input: a decoded model file and the bindings of its open dimensions. Output: a Graph of tensor
// expressions with concrete shapes, and the constants it reads, large ones still where the file is mapped.
// The order of the checks is the order in which a person wants to hear of them: the graph as a whole, every operator
// that is not supported, the inputs that lack a shape, then node by node.
// Values that the model computes from shapes alone are folded as they appear and leave no trace.

import Basics
import TensorIR

package struct ImportedModel: Sendable {
    package var graph: Graph
    package var constants: ConstantStore
}

/// Versions of the ONNX operator set that the table of operators covers.
package let operatorSetVersions: ClosedRange<Int> = 1...28

/// Imports a model; time grows with its nodes and, for digests, with the bytes of its weights.
/// - Throws: every case of `ImportError` but `file` and `binding`.
package func importModel(_ file: ModelFile, bindings: Bindings = Bindings()) throws(ImportError) -> ImportedModel {
    var importer = try Importer(file)
    return try importer.run(bindings)
}

/// A graph that is being imported: the model's, that of a control-flow operator, or a function's body.
struct Scope {
    let graph: Ironworks_Onnx_GraphProto
    /// Versions of the operator sets; the ONNX domain has the empty name.
    let domains: [String: Int64]
    let order: GraphOrder
    /// A function sees nothing of its caller but its operands.
    let seesOutside: Bool
    var values: [String: ValueID] = [:]
    /// Outputs that their family does not give; an error only when something reads them.
    var withheld: [String: (node: NodeReference, output: Int)] = [:]
}

struct Importer {
    let file: ModelFile
    var emitter = Emitter()
    /// From the model's graph to the innermost one.
    var scopes: [Scope] = []
    /// Values that stand for optional values without an element.
    var absent: Set<ValueID> = []
    /// Nodes imported so far: unrolled loops and inlined functions count as often as they appear.
    private var nodeCount = 0
    private static let nodesMax = 1 << 20
    /// Tensors of a graph under construction, constants included.
    private static let valuesMax = 1 << 17

    init(_ file: ModelFile) throws(ImportError) {
        self.file = file
        guard !file.model.opsetImport.isEmpty else { throw .operators(model: file.name, .noOperatorSet) }
        let domains = try versions(file.model.opsetImport)
        scopes = [try scope(file.model.graph, domains, seesOutside: false)]
    }

    /// The version of every imported operator set.
    func versions(_ sets: [Ironworks_Onnx_OperatorSetIdProto]) throws(ImportError) -> [String: Int64] {
        var domains: [String: Int64] = [:]
        for set in sets { domains[plain(set.domain)] = set.version }
        if let version = domains[""], !operatorSetVersions.contains(Int(version)) {
            throw .operators(model: file.name, .operatorSetVersion(domain: "", version))
        }
        return domains
    }

    func scope(
        _ graph: Ironworks_Onnx_GraphProto, _ domains: [String: Int64], seesOutside: Bool
    ) throws(ImportError) -> Scope {
        let outer = seesOutside ? scopes : []
        let order = try GraphOrder(
            graph, model: file.name, isOutside: { name in outer.contains { $0.knows(name) } },
            reference: { reference(graph.node[$0], at: $0, domains) })
        return Scope(graph: graph, domains: domains, order: order, seesOutside: seesOutside)
    }

    mutating func run(_ bindings: Bindings) throws(ImportError) -> ImportedModel {
        try requireSupport()
        let graph = scopes[0].graph
        let inputs = graph.input.filter { scopes[0].order.initializers[$0.name] == nil }
        let types = try InputTypes.resolve(inputs, bindings: bindings, model: file.name)
        var parameters: Set<ValueID> = []
        for (input, type) in zip(inputs, types) {
            if let value = bindings.values[input.name] {
                scopes[0].values[input.name] = emitter.constant(value)
            } else {
                let value = emitter.input(name: input.name, type: type)
                // a tensor without elements is known, whatever it is
                scopes[0].values[input.name] = type.elements == 0 ? emitter.empty(type) : value
                parameters.insert(value)
            }
        }
        try nodes()
        var outputs: [(name: String, value: ValueID)] = []
        for output in graph.output {
            guard let value = try value(output.name) else {
                throw .graph(model: file.name, .missingOutput(value: output.name))
            }
            guard emitter.elements(of: value) == nil else {
                throw .graph(model: file.name, .sequenceOutput(value: output.name))
            }
            let isTaken = parameters.contains(value) || outputs.contains { $0.value == value }
            outputs.append((output.name, isTaken ? try copy(value) : value))
        }
        let (all, extents) = try withExtents(outputs)
        return emitter.finish(outputs: all, extents: extents)
    }

    // MARK: support

    /// Every operator that is not supported, graphs inside of nodes included.
    private func requireSupport() throws(ImportError) {
        var refused: [NodeReference] = []
        let top = scopes[0]
        for index in top.order.nodes { try collect(top.graph.node[index], index, top.domains, &refused) }
        guard refused.isEmpty else {
            throw .operators(model: file.name, .unsupported(refused.sorted { $0.index < $1.index }))
        }
    }

    private func collect(
        _ node: Ironworks_Onnx_NodeProto, _ index: Int, _ domains: [String: Int64], _ refused: inout [NodeReference]
    ) throws(ImportError) {
        let reference = reference(node, at: index, domains)
        if function(node) == nil {
            guard let version = reference.version else {
                throw .operators(model: file.name, .unknownDomain(reference))
            }
            let family = operatorFamily(node.opType, domain: reference.domain, version: version)
            let isKnown = family != nil || ControlFlow(node, domain: reference.domain) != nil
            if !isKnown || !node.overload.isEmpty { refused.append(reference) }
        }
        for graph in node.subgraphs {
            for (n, inner) in graph.node.enumerated() { try collect(inner, n, domains, &refused) }
        }
    }

    // MARK: nodes

    /// Imports the innermost scope's nodes.
    mutating func nodes() throws(ImportError) {
        let at = scopes.count - 1
        for index in scopes[at].order.nodes { try node(index) }
    }

    private mutating func node(_ index: Int) throws(ImportError) {
        let at = scopes.count - 1
        let node = scopes[at].graph.node[index]
        let reference = reference(node, at: index, scopes[at].domains)
        nodeCount += 1
        guard nodeCount <= Importer.nodesMax else {
            throw .node(
                model: file.name, reference,
                .unsupportedForm("more than \(Importer.nodesMax) nodes once loops and functions are spelled out"))
        }
        guard emitter.builder.values.count <= Importer.valuesMax else {
            throw .node(
                model: file.name, reference,
                .unsupportedForm("more than \(Importer.valuesMax) tensors once loops and functions are spelled out"))
        }
        var operands: [ValueID?] = []
        for name in node.input { operands.append(name.isEmpty ? nil : try value(name)) }
        let results: [ValueID]
        if let function = function(node) {
            results = try call(function, node, reference, operands)
        } else if let construct = ControlFlow(node, domain: reference.domain) {
            results = try controlFlow(construct, node, reference, operands)
        } else {
            results = try operation(node, reference, operands)
        }
        for (n, name) in node.output.enumerated() where !name.isEmpty {
            if n < results.count {
                scopes[at].values[name] = results[n]
            } else {
                scopes[at].withheld[name] = (reference, n)
            }
        }
    }

    private mutating func operation(
        _ node: Ironworks_Onnx_NodeProto, _ reference: NodeReference, _ operands: [ValueID?]
    ) throws(ImportError) -> [ValueID] {
        guard let version = reference.version,
            let family = operatorFamily(node.opType, domain: reference.domain, version: version)
        else { throw .operators(model: file.name, .unsupported([reference])) }
        var tensors: [String: LoadedTensor] = [:]
        for attribute in node.attribute where attribute.hasT {
            tensors[attribute.name] = try file.load(attribute.t, name: node.output.first ?? node.name)
        }
        emitter.enter(node, version: Int(version), inputs: operands, tensors: tensors)
        return try attempt(reference) { (emitter: inout Emitter) throws(NodeProblem) in
            try emitter.imported(family, domain: reference.domain)
        }
    }

    /// Adds the node to whatever `body` finds wrong with it.
    mutating func attempt<Result>(
        _ node: NodeReference, _ body: (inout Emitter) throws(NodeProblem) -> Result
    ) throws(ImportError) -> Result {
        do throws(NodeProblem) {
            return try body(&emitter)
        } catch {
            throw .node(model: file.name, node, error)
        }
    }

    /// The value of this name as the innermost scope sees it; an initializer is loaded when it is first used.
    mutating func value(_ name: String) throws(ImportError) -> ValueID? {
        var at = scopes.count - 1
        while true {
            if let value = scopes[at].values[name] { return value }
            if let (node, output) = scopes[at].withheld[name] {
                throw .node(model: file.name, node, .unsupportedForm("its output \(output)"))
            }
            if let index = scopes[at].order.initializers[name] {
                let value = emitter.constant(try file.load(scopes[at].graph.initializer[index], name: name))
                scopes[at].values[name] = value
                return value
            }
            guard scopes[at].seesOutside, at > 0 else { return nil }
            at -= 1
        }
    }

    /// An output has a buffer of its own, so an input or a second output of the same value is copied.
    private mutating func copy(_ value: ValueID) throws(ImportError) -> ValueID {
        do {
            let copy = try emitter.elementwise([value], emitter.dtype(value)) { $0[0] }
            for (axis, count) in emitter.extents(value) { emitter.bound(copy, axis, by: count) }
            return copy
        } catch {
            preconditionFailure("a copy has the size of what it copies")
        }
    }

    /// The outputs, and behind them one for every length that a run decides.
    private mutating func withExtents(
        _ outputs: [(name: String, value: ValueID)]
    ) throws(ImportError) -> (outputs: [(name: String, value: ValueID)], extents: [ResultExtent]) {
        var all = outputs
        var found: [ResultExtent] = []
        for (n, output) in outputs.enumerated() {
            for (axis, count) in emitter.extents(output.value).sorted(by: { $0.key < $1.key }) {
                var name = "\(output.name)_extent_\(axis)"
                while all.contains(where: { $0.name == name }) { name += "_" }
                found.append(ResultExtent(result: n, axis: axis, count: all.count))
                all.append((name, try copy(count)))
            }
        }
        return (all, found)
    }
}

extension Scope {
    fileprivate func knows(_ name: String) -> Bool {
        values[name] != nil || withheld[name] != nil || order.initializers[name] != nil
    }
}

/// `ai.onnx` is the long name of the empty domain.
func plain(_ domain: String) -> String { domain == "ai.onnx" ? "" : domain }

func reference(_ node: Ironworks_Onnx_NodeProto, at index: Int, _ domains: [String: Int64]) -> NodeReference {
    let domain = plain(node.domain)
    return NodeReference(
        operatorName: node.opType, domain: domain, version: domains[domain], name: node.name, index: index)
}
