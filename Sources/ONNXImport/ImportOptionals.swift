// Optional values and maps over sequences. Both exist at import only, as sequences do: an optional value is the value
// that it holds, or one that the importer knows to stand for nothing. So whether there is an element is a constant,
// and an If that asks for it becomes the side that is taken. A map is its body, once per place of the sequence.

import TensorIR

enum OptionalOperator: String {
    case make = "Optional"
    case hasElement = "OptionalHasElement"
    case getElement = "OptionalGetElement"
}

extension Importer {
    mutating func optional(
        _ name: OptionalOperator, _ operands: [ValueID?], _ reference: NodeReference
    ) throws(ImportError) -> [ValueID] {
        let given = operands.first.flatMap { $0 }
        let held = given.flatMap { absent.contains($0) ? nil : $0 }
        switch name {
        case .make:
            if let given { return [given] }
            // a sequence, so that no operator of tensors takes it
            let nothing = emitter.sequence([])
            absent.insert(nothing)
            return [nothing]
        case .hasElement:
            return [emitter.constant(TensorValue(TensorType(.bool, []), integers: [held == nil ? 0 : 1]))]
        case .getElement:
            guard let held else {
                throw .node(model: file.name, reference, .misfit("an optional value that holds nothing"))
            }
            return [held]
        }
    }

    /// The body for every place of the first operand, a sequence; operands that are tensors stay the same.
    mutating func sequenceMap(
        _ node: Ironworks_Onnx_NodeProto, _ reference: NodeReference
    ) throws(ImportError) -> [ValueID] {
        let body = try graph("body", node, reference)
        let (operands, count) = try attempt(reference) { (e: inout Emitter) throws(NodeProblem) in
            let count = try e.sequenceOperand(0).count
            var operands: [ValueID] = []
            for index in e.inputs.indices {
                guard let value = e.optional(index) else { throw .missingInput(index) }
                if let own = e.elements(of: value)?.count, own != count {
                    throw .misfit("a sequence of \(own) beside one of \(count)")
                }
                operands.append(value)
            }
            return (operands, count)
        }
        var collected = [[ValueID]](repeating: [], count: body.output.count)
        for place in 0..<count {
            let inputs = operands.map { emitter.elements(of: $0)?[place] ?? $0 }
            let results = try region(body, inputs, reference)
            for n in collected.indices { collected[n].append(results[n]) }
        }
        return collected.map { emitter.sequence($0) }
    }
}
