// Other ways to write the same workload: parameters in another order and shape, definitions in another order and
// shape, operands of commutative operators exchanged, reduction axes exchanged, split and merged. What each way does
// to positions is recorded, so values can follow. Input: a workload and a seeded generator. Output: a variant of it.

import Basics

@testable import TensorIR

struct CanonicalVariant {
    private(set) var workload: Workload
    /// Position that each parameter had in the workload this is a variant of.
    private(set) var parameterSources: [Int]
    private var random: SeededRandom

    init(_ workload: Workload, seed: UInt64) {
        self.workload = workload
        parameterSources = Array(workload.parameters.indices)
        random = SeededRandom(seed: seed)
    }

    /// Applies `count` random changes.
    mutating func change(_ count: Int) {
        for _ in 0..<count {
            switch random.below(10) {
            case 0: permuteParameters()
            case 1: permuteDefinitions()
            case 2: swapOperands()
            case 3, 4: reshapeParameter()
            case 5, 6: reshapeDefinition()
            case 7: permuteReduction()
            case 8: insertCopy()
            default: reshapeReduction()
            }
        }
    }

    // MARK: order

    private mutating func permutation(_ count: Int) -> [Int] {
        var out = Array(0..<count)
        for i in stride(from: count - 1, to: 0, by: -1) { out.swapAt(i, random.below(i + 1)) }
        return out
    }

    /// `order[new]` is the old slot.
    private mutating func reorder(parameters: [Int], definitions: [Int]) {
        let p = workload.parameters.count
        var to = [Int](repeating: 0, count: p + definitions.count)
        for (new, old) in parameters.enumerated() { to[old] = new }
        for (new, old) in definitions.enumerated() { to[p + old] = p + new }
        let slots = to
        workload = Workload(
            parameters: parameters.map { workload.parameters[$0] },
            definitions: definitions.map { workload.definitions[$0].renumbering { slots[$0] } },
            results: workload.results.map { slots[$0] })
        parameterSources = parameters.map { parameterSources[$0] }
    }

    mutating func permuteParameters() {
        reorder(parameters: permutation(workload.parameters.count), definitions: Array(workload.definitions.indices))
    }

    /// A random topological order.
    mutating func permuteDefinitions() {
        let p = workload.parameters.count
        var left = Set(workload.definitions.indices)
        var order: [Int] = []
        while !left.isEmpty {
            let ready = left.filter { d in
                workload.definitions[d].slotsRead.allSatisfy { $0 < p || !left.contains($0 - p) }
            }.sorted()
            let next = ready[random.below(ready.count)]
            left.remove(next)
            order.append(next)
        }
        reorder(parameters: Array(workload.parameters.indices), definitions: order)
    }

    mutating func swapOperands() {
        for d in workload.definitions.indices {
            let flips = SeededRandom(seed: random.next())
            var generator = flips
            workload.definitions[d] = workload.definitions[d].mapExpressions { e in
                e.rewritten { node in
                    guard case .binary(let op, let a, let b) = node, op.isCommutative, generator.below(2) == 0
                    else { return node }
                    return .binary(op, b, a)
                }
            }
        }
    }

    // MARK: shapes

    /// How one axis list of a tensor changes: the new extents at `axis`, and old indices to new ones.
    private enum Reshape {
        case split(axis: Int, inner: Int)
        case merge(axis: Int, inner: Int)
        case unit(axis: Int)

        func extents(_ old: [Int]) -> [Int] {
            var out = old
            switch self {
            case .split(let axis, let inner): out.replaceSubrange(axis...axis, with: [old[axis] / inner, inner])
            case .merge(let axis, let inner): out.replaceSubrange(axis...axis + 1, with: [old[axis] * inner])
            case .unit(let axis): out.insert(1, at: axis)
            }
            return out
        }

        func indices(_ old: [Expr]) -> [Expr] {
            var out = old
            switch self {
            case .split(let axis, let inner):
                let index = old[axis]
                out.replaceSubrange(
                    axis...axis,
                    with: [
                        .binary(.floorDivide, index, .integer(inner)), .binary(.floorModulo, index, .integer(inner)),
                    ])
            case .merge(let axis, let inner):
                out.replaceSubrange(axis...axis + 1, with: [old[axis] * .integer(inner) + old[axis + 1]])
            case .unit(let axis): out.insert(.integer(0), at: axis)
            }
            return out
        }

        /// What stands for the old axes in terms of the new ones.
        func axes(_ count: Int, first: Int) -> [Expr] {
            let at = first
            switch self {
            case .split(let axis, let inner):
                return (0..<count).map { a in
                    a == at + axis ? .axis(a) * .integer(inner) + .axis(a + 1) : .axis(a < at + axis ? a : a + 1)
                }
            case .merge(let axis, let inner):
                return (0..<count).map { a in
                    if a == at + axis { return .binary(.floorDivide, .axis(a), .integer(inner)) }
                    if a == at + axis + 1 { return .binary(.floorModulo, .axis(a - 1), .integer(inner)) }
                    return .axis(a < at + axis ? a : a - 1)
                }
            case .unit(let axis): return (0..<count).map { a in .axis(a < at + axis ? a : a + 1) }
            }
        }
    }

    private mutating func reshape(_ extents: [Int]) -> Reshape? {
        let axis = extents.isEmpty ? 0 : random.below(extents.count)
        switch random.below(3) {
        case 0:
            guard !extents.isEmpty else { return nil }
            let divisors = (2..<max(extents[axis], 2)).filter { extents[axis] % $0 == 0 }
            guard !divisors.isEmpty else { return nil }
            return .split(axis: axis, inner: divisors[random.below(divisors.count)])
        case 1:
            guard axis + 1 < extents.count else { return nil }
            return .merge(axis: axis, inner: extents[axis + 1])
        default: return extents.count < 8 ? .unit(axis: random.below(extents.count + 1)) : nil
        }
    }

    private mutating func rewriteReads(of slot: Int, _ change: Reshape) {
        workload.definitions = workload.definitions.map { definition in
            definition.mapExpressions { e in
                e.rewritten { node in
                    guard case .read(slot, let indices) = node else { return node }
                    return .read(slot: slot, change.indices(indices))
                }
            }
        }
    }

    /// Reshapes a parameter whose indices provably stay inside; padded axes have no other spelling.
    mutating func reshapeParameter() {
        guard !workload.parameters.isEmpty else { return }
        let slot = random.below(workload.parameters.count)
        guard let change = reshape(workload.parameters[slot].type.shape) else { return }
        let shape = workload.parameters[slot].type.shape
        var inside = true
        for definition in workload.definitions {
            let simplifier = IndexSimplifier(extents: definition.axisExtents)
            for e in definition.expressions {
                e.visit { node in
                    guard case .read(slot, let indices) = node else { return }
                    for (index, extent) in zip(indices, shape) {
                        let range = simplifier.range(simplifier.affine(index))
                        if range.map({ $0.lowerBound < 0 || $0.upperBound >= extent }) ?? true { inside = false }
                    }
                }
            }
        }
        guard inside else { return }
        workload.parameters[slot].type.shape = change.extents(shape)
        rewriteReads(of: slot, change)
    }

    /// Reshapes what a definition stores, and with it the results' shapes but never their bytes.
    mutating func reshapeDefinition() {
        let d = random.below(workload.definitions.count)
        let old = workload.definitions[d]
        guard let change = reshape(old.type.shape) else { return }
        var out = old.mapExpressions { $0.substituting(axes: change.axes(old.axisExtents.count, first: 0)) }
        out.type.shape = change.extents(old.type.shape)
        if case .pieces(let pieces) = out.body {
            var moved: [Piece] = []
            for var piece in pieces {
                switch change {
                case .split, .merge: return  // a box of a split axis is no box
                case .unit(let axis): piece.box.insert(0..<1, at: axis)
                }
                moved.append(piece)
            }
            out.body = .pieces(moved)
        }
        workload.definitions[d] = out
        rewriteReads(of: workload.parameters.count + d, change)
    }

    /// Stores a definition once more, reshaped, for whoever read it.
    mutating func insertCopy() {
        let d = random.below(workload.definitions.count)
        let (slot, old) = (workload.parameters.count + d, workload.definitions[d])
        if case .pieces = old.body { return }
        let identity = Expr.read(slot: slot, old.type.shape.indices.map { .axis($0) })
        let raise = { (from: Int) in from >= slot ? from + 1 : from }
        for at in workload.definitions.indices {
            workload.definitions[at] = workload.definitions[at].renumbering(slots: raise)
        }
        workload.results = workload.results.map(raise)
        workload.definitions.insert(Definition(type: old.type, body: .map(identity)), at: d + 1)
        workload.definitions[d] = old
        if let change = reshape(old.type.shape) {
            let copy = workload.definitions[d + 1]
            var out = copy.mapExpressions { $0.substituting(axes: change.axes(copy.axisExtents.count, first: 0)) }
            out.type.shape = change.extents(old.type.shape)
            workload.definitions[d + 1] = out
            rewriteReads(of: slot + 1, change)
        }
    }

    mutating func permuteReduction() {
        let d = random.below(workload.definitions.count)
        let old = workload.definitions[d]
        guard case .reduce(let reducer, let extents, _, _) = old.body, extents.count > 1 else { return }
        let order = permutation(extents.count)
        let rank = old.type.rank
        var axes = (0..<rank).map { Expr.axis($0) } + extents.map { _ in .integer(0) }
        for (new, from) in order.enumerated() { axes[rank + from] = .axis(rank + new) }
        let moved = old.mapExpressions { $0.substituting(axes: axes) }
        guard case .reduce(_, _, let condition, let value) = moved.body else { return }
        workload.definitions[d].body = .reduce(
            reducer, extents: order.map { extents[$0] }, condition: condition, value)
    }

    mutating func reshapeReduction() {
        let d = random.below(workload.definitions.count)
        let old = workload.definitions[d]
        guard case .reduce(let reducer, let extents, _, _) = old.body, let change = reshape(extents) else { return }
        let axes = change.axes(old.axisExtents.count, first: old.type.rank)
        let moved = old.mapExpressions { $0.substituting(axes: axes) }
        guard case .reduce(_, _, let condition, let value) = moved.body else { return }
        workload.definitions[d].body = .reduce(
            reducer, extents: change.extents(extents), condition: condition, value)
    }
}
