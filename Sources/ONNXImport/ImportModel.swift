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
package let operatorSetVersions: ClosedRange<Int> = 6...28

/// Imports a model; time grows with its nodes and, for digests, with the bytes of its weights.
/// - Throws: every case of `ImportError` but `file` and `binding`.
package func importModel(_ file: ModelFile, bindings: Bindings = Bindings()) throws(ImportError) -> ImportedModel {
    var importer = try Importer(file)
    return try importer.run(bindings)
}

private struct Importer {
    private let file: ModelFile
    private let graph: Ironworks_Onnx_GraphProto
    private let domains: [String: Int64]
    private let order: GraphOrder
    private var emitter = Emitter()
    private var values: [String: ValueID] = [:]
    /// Outputs that their family does not give; an error only when something reads them.
    private var withheld: [String: (node: NodeReference, output: Int)] = [:]

    init(_ file: ModelFile) throws(ImportError) {
        self.file = file
        let graph = file.model.graph
        let domains = try Importer.domains(file)
        self.graph = graph
        self.domains = domains
        order = try GraphOrder(graph, model: file.name) { reference(graph.node[$0], at: $0, domains) }
    }

    /// The version of every imported operator set; the ONNX domain has the empty name.
    private static func domains(_ file: ModelFile) throws(ImportError) -> [String: Int64] {
        var domains: [String: Int64] = [:]
        for set in file.model.opsetImport { domains[plain(set.domain)] = set.version }
        guard !domains.isEmpty else { throw .operators(model: file.name, .noOperatorSet) }
        if let version = domains[""], !operatorSetVersions.contains(Int(version)) {
            throw .operators(model: file.name, .operatorSetVersion(domain: "", version))
        }
        return domains
    }

    mutating func run(_ bindings: Bindings) throws(ImportError) -> ImportedModel {
        let families = try supportedFamilies()
        let inputs = graph.input.filter { order.initializers[$0.name] == nil }
        let types = try InputTypes.resolve(inputs, bindings: bindings, model: file.name)
        var parameters: Set<ValueID> = []
        for (input, type) in zip(inputs, types) {
            if let value = bindings.values[input.name] {
                values[input.name] = emitter.constant(value)
            } else {
                let value = emitter.input(name: input.name, type: type)
                values[input.name] = value
                parameters.insert(value)
            }
        }
        for (index, family) in zip(order.nodes, families) { try node(index, family) }
        var outputs: [(name: String, value: ValueID)] = []
        for output in graph.output {
            guard let value = try value(output.name) else {
                throw .graph(model: file.name, .missingOutput(value: output.name))
            }
            guard emitter.type(value).elements > 0 else {
                throw .graph(model: file.name, .emptyOutput(value: output.name, emitter.shape(value)))
            }
            let isTaken = parameters.contains(value) || outputs.contains { $0.value == value }
            outputs.append((output.name, isTaken ? try copy(value) : value))
        }
        return emitter.finish(outputs: outputs)
    }

    /// One family per needed node, or the list of all that are not supported.
    private func supportedFamilies() throws(ImportError) -> [OperatorFamily] {
        var families: [OperatorFamily] = []
        var refused: [NodeReference] = []
        for index in order.nodes {
            let node = graph.node[index]
            let reference = reference(node, at: index, domains)
            guard let version = reference.version else {
                throw .operators(model: file.name, .unknownDomain(reference))
            }
            let domain = reference.domain
            if let family = operatorFamily(node.opType, domain: domain, version: version), node.overload.isEmpty {
                families.append(family)
            } else {
                refused.append(reference)
            }
        }
        guard refused.isEmpty else {
            throw .operators(model: file.name, .unsupported(refused.sorted { $0.index < $1.index }))
        }
        return families
    }

    private mutating func node(_ index: Int, _ family: OperatorFamily) throws(ImportError) {
        let node = graph.node[index]
        let reference = reference(node, at: index, domains)
        var operands: [ValueID?] = []
        for name in node.input { operands.append(name.isEmpty ? nil : try value(name)) }
        var tensors: [String: LoadedTensor] = [:]
        for attribute in node.attribute where attribute.hasT {
            tensors[attribute.name] = try file.load(attribute.t, name: node.output.first ?? node.name)
        }
        emitter.enter(node, version: Int(reference.version ?? 0), inputs: operands, tensors: tensors)
        do throws(NodeProblem) {
            let results = try family(&emitter)
            for (at, name) in node.output.enumerated() where !name.isEmpty {
                if at < results.count { values[name] = results[at] } else { withheld[name] = (reference, at) }
            }
        } catch {
            throw .node(model: file.name, reference, error)
        }
    }

    /// The value of this name; an initializer is loaded when it is first used.
    private mutating func value(_ name: String) throws(ImportError) -> ValueID? {
        if let value = values[name] { return value }
        if let (node, output) = withheld[name] {
            throw .node(model: file.name, node, .unsupportedForm("its output \(output)"))
        }
        guard let index = order.initializers[name] else { return nil }
        let value = emitter.constant(try file.load(graph.initializer[index], name: name))
        values[name] = value
        return value
    }

    /// An output has a buffer of its own, so an input or a second output of the same value is copied.
    private mutating func copy(_ value: ValueID) throws(ImportError) -> ValueID {
        do {
            return try emitter.elementwise([value], emitter.dtype(value)) { $0[0] }
        } catch {
            preconditionFailure("a copy has the size of what it copies")
        }
    }
}

/// `ai.onnx` is the long name of the empty domain.
private func plain(_ domain: String) -> String { domain == "ai.onnx" ? "" : domain }

private func reference(
    _ node: Ironworks_Onnx_NodeProto, at index: Int, _ domains: [String: Int64]
) -> NodeReference {
    let domain = plain(node.domain)
    return NodeReference(
        operatorName: node.opType, domain: domain, version: domains[domain], name: node.name, index: index)
}
