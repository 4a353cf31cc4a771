// Grinder's structural step: control flow whose course is known at compile time goes into the data flow. Calls of
// functions that do not call themselves are inlined; a branch on a constant becomes the side it takes; a loop whose
// trip count is a small constant and that has no condition, or one that always holds, is unrolled. What remains is
// data dependent and stays.
//
//     %3 = loop(trips %t = 3, carried %x) { … }      becomes      three copies of the body, chained
//
// In:  any verified graph.  Out: a graph with the same results. Source: Cocktailer (OSDI 2023) sections 3 and 4.

import TensorIR

/// Loops with at most this many trips are unrolled.
package let unrolledTripsMax = 16
/// Inlining stops at this depth of nested calls.
package let inlinedDepthMax = 32

package func placeControlFlow(_ graph: Graph) -> Graph {
    var placement = Placement(graph: graph)
    let body = placement.placed(graph.body, depth: 0)
    var out = graph
    out.values = placement.values
    out.body = body
    // functions that nobody calls any more go away; the others keep their numbers, so all stay if one does
    if !placement.keepsCalls { out.functions = [] }
    return out.renumbered()
}

private struct Placement {
    let graph: Graph
    var values: [TensorType]
    var constants: [ValueID: [Literal]] = [:]
    var keepsCalls = false

    init(graph: Graph) {
        self.graph = graph
        values = graph.values
    }

    private mutating func fresh(_ type: TensorType) -> ValueID {
        values.append(type)
        return ValueID(values.count - 1)
    }

    /// `region` with everything known placed; results keep their names.
    mutating func placed(_ region: Region, depth: Int) -> Region {
        var names: [ValueID: ValueID] = [:]
        let operations = placed(region.operations, &names, depth: depth)
        return Region(
            parameters: region.parameters, operations: operations, results: region.results.map { names[$0] ?? $0 })
    }

    /// Operations with their operands renamed by `names`, which learns what replaced the results that vanish.
    private mutating func placed(
        _ operations: [Operation], _ names: inout [ValueID: ValueID], depth: Int
    ) -> [Operation] {
        var out: [Operation] = []
        for operation in operations {
            let known = names
            let renamed = operation.renaming { known[$0] ?? $0 }
            switch renamed {
            case .constant(let id, let source):
                if case .inline(let literals) = source { constants[id] = literals }
                out.append(renamed)
            case .define(let id, let operands, let definition): out.append(folded(id, operands, definition))
            case .extern: out.append(renamed)
            case .call(let results, let function, let arguments):
                guard depth < inlinedDepthMax, !isRecursive(function) else {
                    keepsCalls = true
                    out.append(renamed)
                    continue
                }
                let body = graph.functions[function].body
                let inlined = copy(body, arguments: arguments, &out, depth: depth + 1)
                for (result, value) in zip(results, inlined) { names[result] = value }
            case .branch(let branch):
                guard let condition = constants[branch.condition]?.first else {
                    out.append(.branch(placedInside(branch, depth: depth)))
                    continue
                }
                let side = condition.integer != 0 ? branch.then : branch.otherwise
                let inlined = copy(side, arguments: [], &out, depth: depth)
                for (result, value) in zip(branch.results, inlined) { names[result] = value }
            case .loop(let loop):
                guard let trips = trips(loop) else {
                    var kept = loop
                    kept.captures = Placement.unique(loop.captures)
                    kept.body = placed(loop.body, depth: depth)
                    out.append(.loop(kept))
                    continue
                }
                var carried = loop.initial
                for trip in 0..<trips {
                    let counter = fresh(TensorType(.i64, []))
                    constants[counter] = [.integer(Int64(trip))]
                    out.append(.constant(counter, .inline([.integer(Int64(trip))])))
                    carried = Array(copy(loop.body, arguments: [counter] + carried, &out, depth: depth).dropFirst())
                }
                for (result, value) in zip(loop.results, carried) { names[result] = value }
            }
        }
        return out
    }

    /// Exact numbers computed from known ones are known: what a loop's counter decides, unrolling decides.
    private mutating func folded(_ id: ValueID, _ operands: [ValueID], _ definition: Definition) -> Operation {
        let known = operands.compactMap { operand -> TensorValue? in
            constants[operand].map { TensorValue(values[operand.index], literals: $0) }
        }
        guard definition.type.dtype.isExact, definition.type.elements <= ConstantSource.inlineElementsMax,
            definition.reductionExtents.reduce(1, *) <= ConstantSource.inlineElementsMax,
            known.count == operands.count, !readsThroughTable(definition)
        else { return .define(id, operands: operands, definition) }
        let literals = interpret(definition, known).literals
        constants[id] = literals
        return .constant(id, .inline(literals))
    }

    /// Whether an index depends on data: only the run may find that it is out of range.
    private func readsThroughTable(_ definition: Definition) -> Bool {
        var found = false
        for e in definition.expressions {
            e.visit { node in
                guard case .read(_, let indices) = node else { return }
                if indices.contains(where: { !$0.slotsRead.isEmpty }) { found = true }
            }
        }
        return found
    }

    private mutating func placedInside(_ branch: Branch, depth: Int) -> Branch {
        var kept = branch
        kept.captures = Placement.unique(branch.captures)
        kept.then = placed(branch.then, depth: depth)
        kept.otherwise = placed(branch.otherwise, depth: depth)
        return kept
    }

    /// Two values that became one are captured once.
    private static func unique(_ captures: [ValueID]) -> [ValueID] {
        var seen: Set<ValueID> = []
        return captures.filter { seen.insert($0).inserted }
    }

    /// Trips of a loop that runs a small known number of times and never stops early: without a condition what the
    /// body says about continuing does not count.
    private func trips(_ loop: Loop) -> Int? {
        guard let count = loop.tripCount.flatMap({ constants[$0]?.first?.integer }), count <= unrolledTripsMax
        else { return nil }
        if let condition = loop.condition {
            guard let starts = constants[condition]?.first?.integer else { return nil }
            if starts == 0 { return 0 }
            guard let goesOn = loop.body.results.first, isAlwaysTrue(goesOn, in: loop.body) else { return nil }
        }
        return max(0, Int(count))
    }

    private func isAlwaysTrue(_ value: ValueID, in region: Region) -> Bool {
        region.operations.contains { operation in
            if case .constant(value, .inline(let literals)) = operation { return literals.first?.integer == 1 }
            return false
        } || constants[value]?.first?.integer == 1
    }

    /// Appends a fresh copy of `region` with its parameters bound; returns its results.
    private mutating func copy(
        _ region: Region, arguments: [ValueID], _ out: inout [Operation], depth: Int
    ) -> [ValueID] {
        var names = Dictionary(uniqueKeysWithValues: zip(region.parameters, arguments))
        var copied: [Operation] = []
        for operation in region.operations { copied.append(duplicated(operation, &names)) }
        var placedNames: [ValueID: ValueID] = [:]
        out += placed(copied, &placedNames, depth: depth)
        return region.results.map { result in
            let name = names[result] ?? result
            return placedNames[name] ?? name
        }
    }

    /// `operation` with fresh results; nested regions get fresh values too.
    private mutating func duplicated(_ operation: Operation, _ names: inout [ValueID: ValueID]) -> Operation {
        var defined: [ValueID] = operation.results
        func collect(_ region: Region) {
            defined += region.parameters
            for inner in region.operations {
                defined += inner.results
                switch inner {
                case .constant, .define, .extern, .call: break
                case .loop(let loop): collect(loop.body)
                case .branch(let branch):
                    collect(branch.then)
                    collect(branch.otherwise)
                }
            }
        }
        switch operation {
        case .constant, .define, .extern, .call: break
        case .loop(let loop): collect(loop.body)
        case .branch(let branch):
            collect(branch.then)
            collect(branch.otherwise)
        }
        for value in defined { names[value] = fresh(values[value.index]) }
        let known = names
        return operation.renaming { known[$0] ?? $0 }
    }

    private func isRecursive(_ function: Int) -> Bool {
        var seen: Set<Int> = []
        func reaches(_ from: Int) -> Bool {
            func calls(_ region: Region) -> [Int] {
                region.operations.flatMap { operation -> [Int] in
                    switch operation {
                    case .constant, .define, .extern: []
                    case .call(_, let callee, _): [callee]
                    case .loop(let loop): calls(loop.body)
                    case .branch(let branch): calls(branch.then) + calls(branch.otherwise)
                    }
                }
            }
            for callee in calls(graph.functions[from].body) {
                if callee == function { return true }
                if seen.insert(callee).inserted, reaches(callee) { return true }
            }
            return false
        }
        return reaches(function)
    }
}
