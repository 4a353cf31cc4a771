// Random valid graphs: constants, definitions with unread and repeated operands, externs, loops, branches, calls,
// nested to a small depth, with names that need escaping.

import Basics

@testable import TensorIR

struct GraphSamples {
    var samples: TensorIRSamples
    private var values: [TensorType] = []
    private var functions: [Function] = []

    init(seed: UInt64) { samples = TensorIRSamples(seed: seed) }

    static let names = [
        "x", "", "a b", "quote\"back\\slash", "line\nfeed\ttab", "100%", "ünïcode/:0", "\u{1b}[31m\u{202e}",
    ]

    mutating func graph() -> Graph {
        values = []
        functions = []
        for _ in 0..<samples.random.below(3) {
            let parameters = (0..<samples.random.below(3)).map { _ in fresh() }
            functions.append(Function(body: region(parameters: parameters, depth: 1)))
        }
        let body = region(parameters: (0..<1 + samples.random.below(3)).map { _ in fresh() }, depth: 2)
        let inputNames = body.parameters.map { _ in samples.pick(GraphSamples.names) }
        let outputNames = body.results.map { _ in samples.pick(GraphSamples.names) }
        let counts = body.results.indices.filter { values[body.results[$0].index] == TensorType(.i64, []) }
        var extents: [ResultExtent] = []
        for result in body.results.indices where !counts.isEmpty {
            for axis in values[body.results[result].index].shape.indices where samples.chance(30) {
                extents.append(ResultExtent(result: result, axis: axis, count: samples.pick(counts)))
            }
        }
        return Graph(
            values: values, functions: functions, body: body, inputNames: inputNames, outputNames: outputNames,
            extents: extents)
    }

    private mutating func fresh(_ type: TensorType? = nil) -> ValueID {
        values.append(type ?? samples.type())
        return ValueID(values.count - 1)
    }

    private mutating func region(
        parameters: [ValueID], captures: [ValueID] = [], results: [TensorType]? = nil, depth: Int
    ) -> Region {
        var visible = parameters + captures
        var operations: [Operation] = []
        for _ in 0..<1 + samples.random.below(4) {
            let operation = operation(&visible, &operations, depth: depth)
            operations.append(operation)
            visible += operation.results
        }
        let wanted = results ?? [visible.last.map { values[$0.index] } ?? samples.type()]
        let given = wanted.map { type in value(of: type, &visible, &operations) }
        return Region(parameters: parameters, operations: operations, results: given)
    }

    /// A visible value of `type`, made by a constant when there is none.
    private mutating func value(
        of type: TensorType, _ visible: inout [ValueID], _ operations: inout [Operation]
    ) -> ValueID {
        let fitting = visible.filter { values[$0.index] == type }
        if !fitting.isEmpty, samples.chance(80) { return samples.pick(fitting) }
        let operation = constant(type)
        operations.append(operation)
        visible += operation.results
        return operation.results[0]
    }

    private mutating func constant(_ type: TensorType) -> Operation {
        let value = samples.value(type)
        let id = fresh(type)
        if type.elements > 8, samples.chance(50) { return .constant(id, .data(Digest(of: value.bytes))) }
        return .constant(id, .inline(value.literals))
    }

    private mutating func operation(
        _ visible: inout [ValueID], _ operations: inout [Operation], depth: Int
    ) -> Operation {
        switch samples.random.below(depth > 0 ? 9 : 6) {
        case 0: return constant(samples.type())
        case 1:
            let attributes = Array(["axis=1", "mode=\"odd\"\n%", "size=3"].prefix(samples.random.below(4)))
            let operands = visible.isEmpty ? [] : (0..<samples.random.below(3)).map { _ in samples.pick(visible) }
            let results = (0..<samples.random.below(3)).map { _ in fresh() }
            let name = samples.pick(["TopK", "com.example.Odd%Name"])
            return .extern(results: results, name: name, attributes: attributes, operands: operands)
        case 2 where !functions.isEmpty: return call(&visible, &operations)
        case 6: return loop(&visible, &operations, depth: depth)
        case 7: return branch(&visible, &operations, depth: depth)
        default: return define(visible)
        }
    }

    private mutating func define(_ visible: [ValueID]) -> Operation {
        let operands = visible.isEmpty ? [] : (0..<samples.random.below(4)).map { _ in samples.pick(visible) }
        let definition = samples.definition(slots: operands.map { values[$0.index] }, depth: 3)
        if samples.chance(50) {
            let read = definition.slotsRead
            let position = Dictionary(uniqueKeysWithValues: read.enumerated().map { ($0.element, $0.offset) })
            let tight = definition.renumbering { position[$0] ?? 0 }
            return .define(fresh(definition.type), operands: read.map { operands[$0] }, tight)
        }
        return .define(fresh(definition.type), operands: operands, definition)
    }

    private mutating func call(_ visible: inout [ValueID], _ operations: inout [Operation]) -> Operation {
        let function = samples.random.below(functions.count)
        let body = functions[function].body
        let arguments = body.parameters.map { value(of: values[$0.index], &visible, &operations) }
        let results = body.results.map { fresh(values[$0.index]) }
        return .call(results: results, function: function, arguments: arguments)
    }

    private mutating func captures(_ visible: [ValueID]) -> [ValueID] {
        visible.filter { _ in samples.chance(40) }
    }

    private mutating func loop(
        _ visible: inout [ValueID], _ operations: inout [Operation], depth: Int
    ) -> Operation {
        let carried = (0..<samples.random.below(3)).map { _ in samples.type() }
        let initial = carried.map { value(of: $0, &visible, &operations) }
        let hasTrip = samples.chance(70)
        let trip = hasTrip ? value(of: TensorType(.i64, []), &visible, &operations) : nil
        let condition =
            !hasTrip || samples.chance(40) ? value(of: TensorType(.bool, []), &visible, &operations) : nil
        let captured = captures(visible)
        let parameters = [fresh(TensorType(.i64, []))] + carried.map { fresh($0) }
        let body = region(
            parameters: parameters, captures: captured, results: [TensorType(.bool, [])] + carried, depth: depth - 1)
        return .loop(
            Loop(
                results: carried.map { fresh($0) }, tripCount: trip, condition: condition, initial: initial,
                captures: captured, body: body))
    }

    private mutating func branch(
        _ visible: inout [ValueID], _ operations: inout [Operation], depth: Int
    ) -> Operation {
        let condition = value(of: TensorType(.bool, []), &visible, &operations)
        let captured = captures(visible)
        let results = (0..<1 + samples.random.below(2)).map { _ in samples.type() }
        let then = region(parameters: [], captures: captured, results: results, depth: depth - 1)
        let otherwise = region(parameters: [], captures: captured, results: results, depth: depth - 1)
        return .branch(
            Branch(
                results: results.map { fresh($0) }, condition: condition, captures: captured, then: then,
                otherwise: otherwise))
    }
}
