// Interprets a graph: regions run front to back in a frame of their own that holds their parameters and captures,
// so a loop body sees nothing stale and a recursive call nothing of its caller. Values are dropped after their last
// use. What inputs and constants can get wrong is thrown; an unverified graph traps.

import Basics

package enum InterpretLimits {
    /// Nested calls; one level takes a few kilobytes of stack.
    package static let callDepthMax = 200
    /// Iterations of one loop.
    package static let loopIterationsMax = 1 << 24
}

/// The outputs of `graph`, given one value per input.
package func interpret(
    _ graph: Graph, inputs: [TensorValue], constants: ConstantStore
) throws(InterpretError) -> [TensorValue] {
    let parameters = graph.body.parameters
    guard inputs.count == parameters.count else {
        throw .inputCount(expected: parameters.count, found: inputs.count)
    }
    for (index, (input, parameter)) in zip(inputs, parameters).enumerated() where input.type != graph.type(parameter) {
        throw .inputType(
            index: index, name: index < graph.inputNames.count ? graph.inputNames[index] : "",
            expected: graph.type(parameter), found: input.type)
    }
    return try GraphMachine(graph: graph, constants: constants).run(graph.body, inputs, captures: [:], callDepth: 0)
}

private typealias Frame = [ValueID: TensorValue]

private struct GraphMachine {
    let graph: Graph
    let constants: ConstantStore

    func run(
        _ region: Region, _ arguments: [TensorValue], captures: Frame, callDepth: Int
    ) throws(InterpretError) -> [TensorValue] {
        precondition(arguments.count == region.parameters.count, "a region entered with a wrong number of values")
        var frame = captures
        for (parameter, argument) in zip(region.parameters, arguments) { frame[parameter] = argument }
        let dying = lastUses(region)
        for (position, operation) in region.operations.enumerated() {
            try run(operation, &frame, callDepth: callDepth)
            for value in dying[position] { frame[value] = nil }
        }
        return region.results.map { value($0, frame) }
    }

    private func run(_ operation: Operation, _ frame: inout Frame, callDepth: Int) throws(InterpretError) {
        switch operation {
        case .constant(let id, let source): frame[id] = try constant(id, source)
        case .define(let id, let operands, let definition):
            frame[id] = interpret(definition, operands.map { value($0, frame) })
        case .extern(let results, let name, let attributes, let operands):
            guard let known = Extern(name: name, attributes: attributes) else {
                throw .externUnsupported(value: results.first?.index, name: name)
            }
            store(known.interpret(operands.map { value($0, frame) }), results, &frame)
        case .loop(let loop): store(try run(loop, frame, callDepth: callDepth), loop.results, &frame)
        case .branch(let branch):
            let side = truth(branch.condition, frame) ? branch.then : branch.otherwise
            let captures = only(branch.captures, frame)
            store(try run(side, [], captures: captures, callDepth: callDepth), branch.results, &frame)
        case .call(let results, let function, let arguments):
            guard callDepth < InterpretLimits.callDepthMax else {
                throw .callsTooDeep(function: function, limit: InterpretLimits.callDepthMax)
            }
            let values = arguments.map { value($0, frame) }
            let body = graph.functions[function].body
            store(try run(body, values, captures: [:], callDepth: callDepth + 1), results, &frame)
        }
    }

    /// ONNX Loop: without a condition input, what the body says about continuing is ignored.
    private func run(_ loop: Loop, _ frame: Frame, callDepth: Int) throws(InterpretError) -> [TensorValue] {
        let trips = loop.tripCount.map { integer($0, frame) }
        var goesOn = loop.condition.map { truth($0, frame) } ?? true
        var carried = loop.initial.map { value($0, frame) }
        let captures = only(loop.captures, frame)
        var iteration: Int64 = 0
        while goesOn, trips.map({ iteration < $0 }) ?? true {
            guard iteration < InterpretLimits.loopIterationsMax else {
                throw .loopTooLong(value: loop.results.first?.index, limit: InterpretLimits.loopIterationsMax)
            }
            let counter = TensorValue(TensorType(.i64, []), integers: [iteration])
            let out = try run(loop.body, [counter] + carried, captures: captures, callDepth: callDepth)
            if loop.condition != nil { goesOn = isTrue(out[0]) }
            carried = Array(out.dropFirst())
            iteration += 1
        }
        return carried
    }

    private func constant(_ id: ValueID, _ source: ConstantSource) throws(InterpretError) -> TensorValue {
        let type = graph.type(id)
        switch source {
        case .inline(let literals): return TensorValue(type, literals: literals)
        case .data(let digest):
            guard let bytes = constants[digest] else { throw .constantMissing(value: id.index, digest) }
            guard bytes.count == type.bytes else {
                throw .constantSize(value: id.index, expectedBytes: type.bytes, foundBytes: bytes.count)
            }
            return bytes.withBytes { TensorValue(type, bytes: $0) }
        }
    }

    private func store(_ values: [TensorValue], _ results: [ValueID], _ frame: inout Frame) {
        precondition(values.count == results.count, "an operation gave a wrong number of results")
        for (result, value) in zip(results, values) { frame[result] = value }
    }

    private func only(_ ids: [ValueID], _ frame: Frame) -> Frame {
        Frame(ids.map { ($0, value($0, frame)) }, uniquingKeysWith: { first, _ in first })
    }

    private func value(_ id: ValueID, _ frame: Frame) -> TensorValue {
        guard let value = frame[id] else { preconditionFailure("%\(id.index) has no value here; verify the graph") }
        return value
    }

    private func truth(_ id: ValueID, _ frame: Frame) -> Bool { isTrue(value(id, frame)) }

    private func isTrue(_ value: TensorValue) -> Bool { scalar(value) != 0 }

    private func integer(_ id: ValueID, _ frame: Frame) -> Int64 { scalar(value(id, frame)) }

    private func scalar(_ value: TensorValue) -> Int64 {
        guard case .integers(let elements) = value.elements, elements.count == 1 else {
            preconditionFailure("a trip count or condition that is no integer or bool scalar")
        }
        return elements[0]
    }

    /// For each operation, the values that nothing later in the region uses. Results of the region never die.
    private func lastUses(_ region: Region) -> [[ValueID]] {
        var seen = Set(region.results)
        var out = [[ValueID]](repeating: [], count: region.operations.count)
        for (position, operation) in region.operations.enumerated().reversed() {
            for value in operation.operands + operation.results where seen.insert(value).inserted {
                out[position].append(value)
            }
        }
        return out
    }
}
