// Welder's first answer: one weld per anchor with everything that follows it element by element (connected at
// register level), row-wise reductions with their whole row (softmax, layer norm), and the chains of maps that are
// left. The welds returned cover the region: every value that is needed is the result of exactly one weld.
//
// In:  a graph whose body holds constants and definitions.  Out: welds in an order in which they can run.
// A growth is kept at its last state with a single result; a state that no template can lower is not kept.

import Schedules
import TensorIR

/// Operands a weld may bind; more would not fit the argument block of a kernel.
package let weldOperandsMax = 16
/// Operations at which a weld stops growing: inlining ends long before, and every step looks at all of them.
let weldOperationsMax = 48

package func candidateWelds(_ graph: Graph) -> [Weld] {
    var growth = WeldGrowth(GraphIndex(graph))
    return growth.welds()
}

struct WeldGrowth {
    private var index: GraphIndex
    /// The weld each operation belongs to; views belong to none.
    private var assigned: [Int: Int] = [:]
    private var found: [Weld] = []

    init(_ index: GraphIndex) { self.index = index }

    mutating func welds() -> [Weld] {
        let definitions = index.operations.indices.filter { index.definition($0) != nil }
        for at in definitions where assigned[at] == nil && isReduction(at) { add(grown(from: at)) }
        for at in definitions where assigned[at] == nil && !index.isView(at) { add(grown(from: at)) }
        for at in definitions where assigned[at] == nil {
            guard let (result, _, _) = index.definition(at), index.outputs.contains(result) else { continue }
            add(Weld(operations: [at], results: [result]))
        }
        return ordered()
    }

    private func isReduction(_ at: Int) -> Bool { index.definition(at)?.definition.isReduction ?? false }

    private mutating func add(_ weld: Weld) {
        for at in weld.operations { assigned[at] = found.count }
        index.stored.formUnion(weld.results)
        found.append(weld)
    }

    /// Runs before what reads it: by the last operation, then corrected along dependencies.
    private func ordered() -> [Weld] {
        var home: [ValueID: Int] = [:]
        for (n, weld) in found.enumerated() { for value in weld.results { home[value] = n } }
        var out: [Weld] = []
        var state = [Int](repeating: 0, count: found.count)
        func visit(_ n: Int) {
            guard state[n] == 0 else { return }
            state[n] = 1
            for value in index.extract(found[n]).1.parameters {
                if let before = home[value], before != n { visit(before) }
            }
            state[n] = 2
            out.append(found[n])
        }
        for n in found.indices.sorted(by: { (found[$0].operations.last ?? 0) < (found[$1].operations.last ?? 0) }) {
            visit(n)
        }
        return out
    }

    // MARK: growth

    /// A weld under growth: its operations and the values that stand for them, views of them included.
    private struct Group {
        var operations: Set<Int>
        var values: Set<ValueID>
    }

    private func grown(from seed: Int) -> Weld {
        guard let (result, _, definition) = index.definition(seed) else {
            preconditionFailure("a seed defines a value")
        }
        let single = weld(Group(operations: [seed], values: [result]))
        guard let follower = follower(of: seed, definition) else { return single }
        var group = Group(operations: [seed], values: [result])
        var best = single
        var frontier = index.consumers(of: result)
        while let at = frontier.min(), group.operations.count < weldOperationsMax {
            frontier.removeAll { $0 == at }
            guard !group.operations.contains(at), let (value, operands, next) = index.definition(at),
                !group.values.contains(value)
            else { continue }
            let reads = operands.filter(group.values.contains)
            guard !reads.isEmpty, assigned[at] == nil else { continue }
            if follower.takesPermutations, isPermutation(next), reads.allSatisfy({ index.consumers(of: $0) == [at] }) {
                // stored in its final order at once: the view becomes part of the anchor
                group.values = [value]
                group.operations.insert(at)
                if let candidate = feasible(group) { best = candidate }
                frontier += index.consumers(of: value)
                continue
            }
            guard follower.follows(next, operands, group.values) else { continue }
            let others = operands.filter { !group.values.contains($0) }
            guard !others.contains(where: { depends($0, on: group.operations) }) else { continue }
            group.values.insert(value)
            if !index.isView(at) {
                group.operations.insert(at)
                absorbProducers(&group, follower)
                if let candidate = feasible(group) { best = candidate }
            }
            frontier += index.consumers(of: value)
        }
        if follower.absorbsProducers, best == single {
            absorbProducers(&group, follower)
            if let candidate = feasible(group) { best = candidate }
        }
        return best
    }

    /// A view that only reorders axes, those of extent 1 aside; the innermost one stays innermost.
    private func isPermutation(_ definition: Definition) -> Bool {
        guard case .map(.read(_, let indices)) = definition.body else { return false }
        let extents = definition.type.shape
        let real = extents.indices.filter { extents[$0] > 1 }
        let axes = indices.compactMap { index -> Int? in
            if case .axis(let axis) = index, extents[axis] > 1 { return axis }
            return nil
        }
        return axes.count == real.count && Set(axes) == Set(real) && axes != real && axes.last == real.last
    }

    /// Takes in maps all of whose consumers are inside already.
    private func absorbProducers(_ group: inout Group, _ follower: Follower) {
        guard follower.absorbsProducers else { return }
        var changed = true
        while changed {
            changed = false
            for at in group.operations.sorted(by: >) {
                for operand in index.definition(at)?.operands ?? [] {
                    guard !group.values.contains(operand), !index.outputs.contains(operand),
                        let source = index.producer(of: operand), assigned[source] == nil, !index.isView(source),
                        let (_, _, definition) = index.definition(source), case .map = definition.body,
                        index.consumers(of: operand).allSatisfy(group.operations.contains),
                        follower.accepts(producer: definition)
                    else { continue }
                    let readers = index.consumers(of: operand)
                    let aligned = readers.allSatisfy { reader in
                        guard let (_, operands, next) = index.definition(reader) else { return false }
                        return follower.follows(next, operands, [operand])
                    }
                    guard aligned else { continue }
                    group.operations.insert(source)
                    group.values.insert(operand)
                    changed = true
                }
            }
        }
    }

    /// The group as a weld if it has one result and some template takes it.
    private func feasible(_ group: Group) -> Weld? {
        let candidate = weld(group)
        guard candidate.results.count == 1 else { return nil }
        let (workload, binding) = index.extract(candidate)
        guard binding.parameters.count + binding.results.count <= weldOperandsMax else { return nil }
        switch workload.structure() {
        case .failure: return nil
        case .success(.contraction(let contraction)):
            // several column axes cost short lines in every loop over columns
            let isPermuted = group.operations.contains(where: index.isView)
            return isPermuted && contraction.columns.count > 1 ? nil : candidate
        case .success: return candidate
        }
    }

    private func weld(_ group: Group) -> Weld {
        let operations = group.operations.sorted()
        let results = operations.compactMap { at -> ValueID? in
            guard let (value, _, _) = index.definition(at) else { return nil }
            return escapes(value, group) ? value : nil
        }
        return Weld(operations: operations, results: results)
    }

    /// Whether anything outside reads `value`, through views or directly.
    private func escapes(_ value: ValueID, _ group: Group) -> Bool {
        if index.outputs.contains(value) { return true }
        return index.consumers(of: value).contains { at in
            if group.operations.contains(at) { return false }
            guard index.isView(at), let (view, _, _) = index.definition(at) else { return true }
            return escapes(view, group)
        }
    }

    /// Whether `value` is computed, however indirectly, from an operation in `group`.
    private func depends(_ value: ValueID, on group: Set<Int>) -> Bool {
        var seen: Set<Int> = []
        var stack = [value]
        let earliest = group.min() ?? 0
        while let next = stack.popLast() {
            guard let at = index.producer(of: next), at >= earliest, seen.insert(at).inserted else { continue }
            if group.contains(at) { return true }
            stack += index.operations[at].operands
        }
        return false
    }

    private func follower(of seed: Int, _ definition: Definition) -> Follower? {
        switch definition.body {
        case .pieces: return nil
        case .map: return Follower(rows: definition.type.elements, columns: 1, absorbsProducers: true)
        case .reduce:
            guard let (result, _, _) = index.definition(seed) else { return nil }
            let (workload, _) = index.extract(Weld(operations: [seed], results: [result]))
            let elements = definition.type.elements
            if case .success(.contraction) = workload.structure() {
                return Follower(rows: elements, columns: 1, absorbsProducers: false, takesPermutations: true)
            }
            let columns = definition.reductionExtents.reduce(1, *)
            let isRowWise = Follower(rows: elements, columns: columns, absorbsProducers: true).readsRow(definition)
            return isRowWise
                ? Follower(rows: elements, columns: columns, absorbsProducers: true)
                : Follower(rows: elements, columns: 1, absorbsProducers: false)
        }
    }
}
