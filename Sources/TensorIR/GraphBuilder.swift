// Builds a graph front to back: inputs, constants, definitions, outputs. A definition whose operands are all known
// and that is small is folded at once by the interpreter, so Shape → Gather → Concat → Reshape chains vanish here.

import Basics

package struct GraphBuilder: Sendable {
    /// A definition over constants is folded when it has at most this many elements and scalar steps.
    package static let foldedElementsMax = 1 << 20
    package static let foldedStepsMax = 1 << 24

    package private(set) var values: [TensorType] = []
    package private(set) var constants = ConstantStore()
    private var operations: [Operation] = []
    /// Operations around the regions that are open.
    private var outside: [[Operation]] = []
    private var parameters: [ValueID] = []
    private var inputNames: [String] = []
    private var known: [ValueID: ConstantSource] = [:]

    package init() {}

    package func type(_ value: ValueID) -> TensorType { values[value.index] }
    package func isConstant(_ value: ValueID) -> Bool { known[value] != nil }

    package mutating func input(name: String, type: TensorType) -> ValueID {
        let id = fresh(type)
        parameters.append(id)
        inputNames.append(name)
        return id
    }

    package mutating func constant(_ value: TensorValue) -> ValueID {
        if value.type.elements <= ConstantSource.inlineElementsMax {
            return constant(value.type, .inline(value.literals))
        }
        return constant(value.type, .data(constants.add(ConstantBytes(value.bytes))))
    }

    /// A constant whose bytes stay where they are.
    package mutating func constant(_ type: TensorType, bytes: ConstantBytes) -> ValueID {
        if type.elements <= ConstantSource.inlineElementsMax {
            return constant(bytes.withBytes { TensorValue(type, bytes: $0) })
        }
        return constant(type, .data(constants.add(bytes)))
    }

    private mutating func constant(_ type: TensorType, _ source: ConstantSource) -> ValueID {
        let id = fresh(type)
        operations.append(.constant(id, source))
        known[id] = source
        return id
    }

    /// The value of a constant; `nil` when `value` is computed at run time.
    package func constantValue(_ value: ValueID) -> TensorValue? {
        switch known[value] {
        case nil: return nil
        case .inline(let literals): return TensorValue(type(value), literals: literals)
        case .data(let digest):
            guard let bytes = constants[digest] else { preconditionFailure("a constant without its bytes") }
            return bytes.withBytes { TensorValue(type(value), bytes: $0) }
        }
    }

    /// Adds `definition`, whose slot i is `operands[i]`; folds it when everything it reads is a small constant.
    package mutating func define(_ operands: [ValueID], _ definition: Definition) -> ValueID {
        let steps = definition.axisExtents.reduce(1, *)
        let readable = operands.allSatisfy { isConstant($0) && type($0).elements <= GraphBuilder.foldedElementsMax }
        if readable, definition.type.elements <= GraphBuilder.foldedElementsMax, steps <= GraphBuilder.foldedStepsMax {
            let known = operands.map { operand -> TensorValue in
                guard let value = constantValue(operand) else { preconditionFailure("checked above") }
                return value
            }
            return constant(interpret(definition, known))
        }
        let id = fresh(definition.type)
        operations.append(.define(id, operands: operands, definition))
        return id
    }

    package mutating func append(_ operation: Operation) { operations.append(operation) }

    package mutating func fresh(_ type: TensorType) -> ValueID {
        values.append(type)
        return ValueID(values.count - 1)
    }

    /// What is added from now on belongs to a nested region, until `closeRegion`.
    package mutating func openRegion() {
        outside.append(operations)
        operations = []
    }

    /// The region since `openRegion`, and the outer values it captures. Constants move out of it, since what is known
    /// inside may be used outside; operations that no result needs are dropped.
    package mutating func closeRegion(
        parameters: [ValueID], results: [ValueID]
    ) -> (region: Region, captures: [ValueID]) {
        guard var around = outside.popLast() else { preconditionFailure("no region is open") }
        var needed = Set(results)
        var kept: [Operation] = []
        for operation in operations.reversed() {
            if case .constant = operation { continue }
            guard operation.results.contains(where: needed.contains) else { continue }
            kept.append(operation)
            needed.formUnion(operation.operands)
        }
        for operation in operations {
            if case .constant = operation { around.append(operation) }
        }
        operations = around
        kept.reverse()
        let inside = Set(parameters + kept.flatMap(\.results))
        return (
            Region(parameters: parameters, operations: kept, results: results),
            needed.filter { !inside.contains($0) }.sorted()
        )
    }

    /// Closes the graph; operations that no output needs are dropped.
    package func finish(outputs: [(name: String, value: ValueID)], extents: [ResultExtent] = []) -> Graph {
        var needed = Set(outputs.map(\.value))
        var kept: [Operation] = []
        for operation in operations.reversed() where operation.results.contains(where: needed.contains) {
            kept.append(operation)
            needed.formUnion(operation.operands)
        }
        let body = Region(parameters: parameters, operations: kept.reversed(), results: outputs.map(\.value))
        let graph = Graph(
            values: values, functions: [], body: body, inputNames: inputNames, outputNames: outputs.map(\.name),
            extents: extents)
        return graph.renumbered()
    }
}

extension Graph {
    /// Renumbers values by first appearance in the body, so equal graphs have equal texts. Nested regions included.
    package func renumbered() -> Graph {
        var order: [ValueID] = []
        var position: [ValueID: ValueID] = [:]
        func see(_ id: ValueID) {
            if position[id] == nil {
                position[id] = ValueID(order.count)
                order.append(id)
            }
        }
        func walk(_ region: Region) {
            region.parameters.forEach(see)
            for operation in region.operations {
                switch operation {
                case .constant, .define, .extern, .call: break
                case .loop(let loop): walk(loop.body)
                case .branch(let branch):
                    walk(branch.then)
                    walk(branch.otherwise)
                }
                operation.results.forEach(see)
            }
        }
        for function in functions { walk(function.body) }
        walk(body)
        func moved(_ id: ValueID) -> ValueID {
            guard let to = position[id] else { preconditionFailure("value %\(id.index) is used and never defined") }
            return to
        }
        var out = self
        out.values = order.map { values[$0.index] }
        out.functions = functions.map { Function(body: $0.body.renaming(moved)) }
        out.body = body.renaming(moved)
        return out
    }
}

extension Region {
    /// The same region with every value renamed, nested regions included.
    package func renaming(_ to: (ValueID) -> ValueID) -> Region {
        Region(
            parameters: parameters.map(to), operations: operations.map { $0.renaming(to) }, results: results.map(to))
    }
}

extension Operation {
    package func renaming(_ to: (ValueID) -> ValueID) -> Operation {
        switch self {
        case .constant(let id, let source): return .constant(to(id), source)
        case .define(let id, let operands, let definition):
            return .define(to(id), operands: operands.map(to), definition)
        case .extern(let results, let name, let attributes, let operands):
            return .extern(results: results.map(to), name: name, attributes: attributes, operands: operands.map(to))
        case .loop(let loop):
            return .loop(
                Loop(
                    results: loop.results.map(to), tripCount: loop.tripCount.map(to),
                    condition: loop.condition.map(to), initial: loop.initial.map(to),
                    captures: loop.captures.map(to), body: loop.body.renaming(to)))
        case .branch(let branch):
            return .branch(
                Branch(
                    results: branch.results.map(to), condition: to(branch.condition),
                    captures: branch.captures.map(to), then: branch.then.renaming(to),
                    otherwise: branch.otherwise.renaming(to)))
        case .call(let results, let function, let arguments):
            return .call(results: results.map(to), function: function, arguments: arguments.map(to))
        }
    }
}
