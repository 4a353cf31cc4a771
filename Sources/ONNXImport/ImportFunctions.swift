// Model-local functions: a node that names one becomes the nodes of its body, attributes that the body refers to
// filled in. A function body is a graph whose inputs and outputs have no types; it sees nothing of its caller.

import TensorIR

extension Importer {
    /// The function that a node calls; a function hides an operator of the same name.
    func function(_ node: Ironworks_Onnx_NodeProto) -> Ironworks_Onnx_FunctionProto? {
        file.model.functions.first {
            $0.name == node.opType && plain($0.domain) == plain(node.domain) && $0.overload == node.overload
        }
    }

    mutating func call(
        _ function: Ironworks_Onnx_FunctionProto, _ node: Ironworks_Onnx_NodeProto, _ reference: NodeReference,
        _ operands: [ValueID?]
    ) throws(ImportError) -> [ValueID] {
        guard scopes.count < messageDepthMax else {
            throw .node(
                model: file.name, reference,
                .unsupportedForm("a function that calls itself, or calls nested deeper than \(messageDepthMax)"))
        }
        guard operands.count <= function.input.count else {
            throw .node(
                model: file.name, reference, .misfit("\(operands.count) operands for \(function.input.count) inputs"))
        }
        var given: [String: Ironworks_Onnx_AttributeProto] = [:]
        for attribute in function.attributeProto + node.attribute { given[attribute.name] = attribute }
        var body = Ironworks_Onnx_GraphProto()
        body.input = function.input.map(named)
        body.output = function.output.map(named)
        body.node = function.node.map { filled($0, given) }
        var scope = try scope(body, try versions(function.opsetImport), seesOutside: false)
        for (name, operand) in zip(function.input, operands) { scope.values[name] = operand }
        scopes.append(scope)
        defer { scopes.removeLast() }
        try nodes()
        var results: [ValueID] = []
        for (n, name) in function.output.enumerated() {
            guard let value = try value(name) else {
                guard n < node.output.count, !node.output[n].isEmpty else { break }
                throw .graph(model: file.name, .missingOutput(value: name))
            }
            results.append(value)
        }
        return results
    }
}

/// An input or output of a graph inside of a node, which has no type of its own.
func named(_ name: String) -> Ironworks_Onnx_ValueInfoProto {
    var info = Ironworks_Onnx_ValueInfoProto()
    info.name = name
    return info
}

/// The node with the caller's attributes in the place of references to them; what the caller leaves out goes.
func filled(
    _ node: Ironworks_Onnx_NodeProto, _ given: [String: Ironworks_Onnx_AttributeProto]
) -> Ironworks_Onnx_NodeProto {
    var out = node
    out.attribute = node.attribute.compactMap { attribute in
        if !attribute.refAttrName.isEmpty {
            var value = given[attribute.refAttrName]
            value?.name = attribute.name
            return value
        }
        var value = attribute
        if attribute.hasG { value.g.node = attribute.g.node.map { filled($0, given) } }
        return value
    }
    return out
}
