// Which definitions may join a weld: those that walk the same rows (and columns) in the same order, so that a tile of
// one is a tile of the other at register level. Compared by flat addresses, so reshapes in between do not matter.

import TensorIR

struct Follower {
    /// Points of the anchor's result.
    let rows: Int
    /// Extent of its reduction when that runs over whole contiguous rows; 1 when only elementwise maps may follow.
    let columns: Int
    let absorbsProducers: Bool
    /// Whether a view that reorders the result's axes may be stored in its place.
    var takesPermutations = false

    /// Whether `definition`, whose slot i is `operands[i]`, reads every value in `group` in step.
    func follows(_ definition: Definition, _ operands: [ValueID], _ group: Set<ValueID>) -> Bool {
        guard let walk = walk(definition) else { return false }
        let simplifier = IndexSimplifier(extents: definition.axisExtents)
        var inStep = true
        for e in definition.expressions {
            e.visit { node in
                guard case .read(let slot, let indices) = node, group.contains(operands[slot]) else { return }
                if !walk.matches(simplifier, indices) { inStep = false }
            }
        }
        return inStep
    }

    /// Whether a map may be computed inside the row instead of before it.
    func accepts(producer definition: Definition) -> Bool {
        columns > 1
            ? definition.type.elements == rows * columns || definition.type.elements == rows
            : definition.type.elements == rows
    }

    /// Whether a reduction reads whole rows in order: its space axes, then its reduction axes.
    func readsRow(_ definition: Definition) -> Bool {
        guard let walk = walk(definition) else { return false }
        let simplifier = IndexSimplifier(extents: definition.axisExtents)
        var found = false
        for e in definition.expressions {
            e.visit { node in
                guard case .read(_, let indices) = node else { return }
                if walk.matches(simplifier, indices) { found = true }
            }
        }
        return found
    }

    /// The flat addresses that are in step with a definition's own walk.
    private struct Walk {
        var full: Affine
        var row: Affine?

        /// Every stride vector gives some address; being in step means equality with the walk for the tensor's own
        /// row-major strides, which the shape behind `indices` decides: tried by rank alone, since equal element
        /// counts and equal addresses determine it.
        func matches(_ simplifier: IndexSimplifier, _ indices: [Expr]) -> Bool {
            let address = flatAddress(simplifier, indices)
            return address.map { $0 == full || $0 == row } ?? false
        }

        /// Rebuilds the flat address from indices whose extents follow from their own ranges.
        private func flatAddress(_ simplifier: IndexSimplifier, _ indices: [Expr]) -> Affine? {
            var address = Affine(constant: 0)
            var stride = 1
            for index in indices.reversed() {
                let part = simplifier.affine(index)
                guard let range = simplifier.range(part), range.lowerBound >= 0 else { return nil }
                address = simplifier.affine((address + part * stride).expr)
                stride *= range.upperBound + 1
            }
            return address
        }
    }

    private func walk(_ definition: Definition) -> Walk? {
        let simplifier = IndexSimplifier(extents: definition.axisExtents)
        func linear(_ axes: Range<Int>, _ extents: [Int]) -> Affine {
            zip(axes, TensorType(.i64, extents).strides).reduce(Affine(constant: 0)) {
                $0 + simplifier.affine(.axis($1.0)) * $1.1
            }
        }
        let rank = definition.type.rank
        let own = linear(0..<rank, definition.type.shape)
        let elements = definition.type.elements
        switch definition.body {
        case .pieces: return nil
        case .map:
            if columns == 1 { return elements == rows ? Walk(full: own, row: nil) : nil }
            if elements == rows * columns {
                let row = simplifier.affine(.binary(.floorDivide, own.expr, .integer(columns)))
                return Walk(full: own, row: row)
            }
            return elements == rows ? Walk(full: own, row: nil) : nil
        case .reduce(_, let extents, _, _):
            guard columns > 1, elements == rows, extents.reduce(1, *) == columns else { return nil }
            let inner = linear(rank..<rank + extents.count, extents)
            return Walk(full: own * columns + inner, row: own)
        }
    }
}
