// A definition that only hands another one on, with its axes in another order or unchanged, is folded into it:
//
//     t2[i0:8, i1:4] = sum(r0:3) t0[i0,r0] * t1[i1,r0]
//     t3[i0:4, i1:8] = t2[i1,i0]
// becomes
//     t2[i0:4, i1:8] = sum(r0:3) t0[i1,r0] * t1[i0,r0]
//
// The store then goes to its final place at once. Only where the copy is the single reader and the original no result.

extension CanonicalDraft {
    mutating func foldCopies() {
        while let (original, copy, axes) = nextCopy() { fold(original, copy, axes) }
    }

    /// A definition, its only reader, and for each axis of the former the axis of the latter.
    private func nextCopy() -> (original: Int, copy: Int, axes: [Int])? {
        for copy in workload.definitions.indices {
            let target = workload.definitions[copy]
            guard case .map(.read(let slot, let indices)) = target.body, slot >= firstDefinition,
                !workload.results.contains(slot), indices.count == target.type.rank
            else { continue }
            let original = slot - firstDefinition
            if case .pieces = workload.definitions[original].body { continue }
            let axes = indices.compactMap { index -> Int? in
                if case .axis(let axis) = index { return axis }
                return nil
            }
            guard axes.count == indices.count, Set(axes).count == axes.count, reads(of: slot).count == 1 else {
                continue
            }
            return (original, copy, axes)
        }
        return nil
    }

    private mutating func fold(_ original: Int, _ copy: Int, _ axes: [Int]) {
        let source = workload.definitions[original]
        let rank = source.type.rank
        let reduction = (rank..<source.axisExtents.count).map { Expr.axis($0) }
        var folded = source.mapExpressions { $0.substituting(axes: axes.map { .axis($0) } + reduction) }
        folded.type.shape = workload.definitions[copy].type.shape
        workload.definitions[original] = folded
        // readers of the copy read the original; the copy goes
        let (from, to) = (firstDefinition + copy, firstDefinition + original)
        let renumber = { (slot: Int) -> Int in
            let moved = slot == from ? to : slot
            return moved > from ? moved - 1 : moved
        }
        workload.definitions.remove(at: copy)
        workload.definitions = workload.definitions.map { $0.renumbering(slots: renumber) }
        workload.results = workload.results.map(renumber)
    }
}
