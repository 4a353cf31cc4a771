// A weld: operations of one region that become one kernel. Its values that others need are its results; everything
// else it defines never leaves the fast levels. Extraction turns a weld into a canonical workload and the binding of
// the workload's operands to graph values; views and scalar constants dissolve into index expressions and literals.

import Basics
import TensorIR

package struct Weld: Hashable, Sendable {
    /// Positions of the operations in the region, ascending (the region's order is topological).
    package var operations: [Int]
    /// Values other operations or the region's results need, in order of definition.
    package var results: [ValueID]
    package init(operations: [Int], results: [ValueID]) {
        self.operations = operations
        self.results = results
    }
}

/// Graph values behind the operands of a canonical workload.
package struct Binding: Hashable, Sendable {
    package var parameters: [ValueID]
    package var results: [ValueID]
    package init(parameters: [ValueID], results: [ValueID]) {
        self.parameters = parameters
        self.results = results
    }
}

/// The canonical workload of `weld` and what its operands are bound to.
package func canonicalise(_ weld: Weld, in graph: Graph) -> (Workload, Binding) {
    GraphIndex(graph).extract(weld)
}

/// A region with what tilers ask about it: producers, consumers, constants, views.
package struct GraphIndex: Sendable {
    package let graph: Graph
    package let operations: [Operation]
    private let producer: [ValueID: Int]
    private let consumers: [ValueID: [Int]]
    package let outputs: Set<ValueID>
    /// Values that welds store; reads of them do not dissolve even when a view defines them.
    package var stored: Set<ValueID> = []

    package init(_ graph: Graph) {
        self.graph = graph
        operations = graph.body.operations
        var producer: [ValueID: Int] = [:]
        var consumers: [ValueID: [Int]] = [:]
        for (at, operation) in graph.body.operations.enumerated() {
            for result in operation.results { producer[result] = at }
            for operand in Set(operation.operands) { consumers[operand, default: []].append(at) }
        }
        self.producer = producer
        self.consumers = consumers
        outputs = Set(graph.body.results)
    }

    package func producer(of value: ValueID) -> Int? { producer[value] }
    package func consumers(of value: ValueID) -> [Int] { consumers[value] ?? [] }

    /// The definition at `at`; `nil` for constants and control flow.
    package func definition(_ at: Int) -> (result: ValueID, operands: [ValueID], definition: Definition)? {
        guard case .define(let result, let operands, let definition) = operations[at] else { return nil }
        return (result, operands, definition)
    }

    /// A definition that only reads one element elsewhere, at an index that reads no tensor: reshape, transpose,
    /// slice, broadcast. It is never stored for its own sake.
    package func isView(_ at: Int) -> Bool {
        guard let (_, _, definition) = definition(at), case .map(.read(_, let indices)) = definition.body else {
            return false
        }
        return indices.allSatisfy(\.slotsRead.isEmpty)
    }

    package func isConstant(_ value: ValueID) -> Bool {
        guard let at = producer[value], case .constant = operations[at] else { return false }
        return true
    }

    /// The one literal that every element of a small constant has.
    private func splat(_ value: ValueID) -> Literal? {
        guard let at = producer[value], case .constant(_, .inline(let literals)) = operations[at],
            let first = literals.first, literals.allSatisfy({ $0 == first })
        else { return nil }
        return first
    }

    /// Extracts the canonical workload of `weld`.
    package func extract(_ weld: Weld) -> (Workload, Binding) {
        let inside = Set(weld.operations)
        var parameters: [ValueID] = []
        var position: [ValueID: Int] = [:]
        // definitions are numbered from a base no parameter reaches, and moved down once parameters are counted
        let base = 1 << 20
        for (n, at) in weld.operations.enumerated() {
            if let (result, _, _) = definition(at) { position[result] = base + n }
        }
        func resolved(_ value: ValueID, _ indices: [Expr]) -> Expr {
            if let slot = position[value] { return .read(slot: slot, indices) }
            if let literal = splat(value) { return .literal(literal) }
            if let at = producer[value], !inside.contains(at), !stored.contains(value), isView(at),
                let (_, operands, view) = definition(at),
                case .map(.read(let slot, let inner)) = view.body
            {
                return resolved(operands[slot], inner.map { $0.substituting(axes: indices) })
            }
            position[value] = parameters.count
            parameters.append(value)
            return .read(slot: parameters.count - 1, indices)
        }
        let definitions = weld.operations.map { at -> Definition in
            guard let (_, operands, definition) = definition(at) else {
                preconditionFailure("a weld holds definitions only")
            }
            return definition.mapExpressions { e in
                e.rewritten { node in
                    guard case .read(let slot, let indices) = node else { return node }
                    return resolved(operands[slot], indices)
                }
            }
        }
        let moved = { (slot: Int) in slot >= base ? slot - base + parameters.count : slot }
        let workload = Workload(
            parameters: parameters.map { .init(type: graph.type($0), isConstant: isConstant($0)) },
            definitions: definitions.map { $0.renumbering(slots: moved) },
            results: weld.results.map { value in
                guard let slot = position[value] else { preconditionFailure("a result defined outside of its weld") }
                return moved(slot)
            })
        let canonical = canonicalise(workload)
        return (
            canonical.workload,
            Binding(
                parameters: canonical.parameterSources.map { parameters[$0] },
                results: canonical.resultSources.map { weld.results[$0] })
        )
    }
}
