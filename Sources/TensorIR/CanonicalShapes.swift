// Shape steps of the canonical form. Tensors are first flattened wherever their indices provably stay inside (padded
// axes stay apart), so that every reshape of them gives the same address; then the strides in use give parameters a
// readable shape again.
//
//     t1[i0:2,i1:3] = exp(t0[i0*3+i1])     becomes      t1[i0:6] = exp(t0[i0])

extension CanonicalDraft {
    mutating func flattenParameters() {
        for slot in workload.parameters.indices {
            var d = 0
            while d + 1 < workload.parameters[slot].type.rank {
                if staysInside(slot, d) { merge(slot, d) } else { d += 1 }
            }
        }
        simplify()
    }

    /// Whether every read of `slot` provably stays inside on axes `d` and `d + 1`.
    private func staysInside(_ slot: Int, _ d: Int) -> Bool {
        let shape = workload.type(ofSlot: slot).shape
        return reads(of: slot).allSatisfy { definition, indices in
            let simplifier = simplifier(definition)
            return [d, d + 1].allSatisfy { axis in
                guard let r = simplifier.range(indices[axis]) else { return false }
                return r.lowerBound >= 0 && r.upperBound < shape[axis]
            }
        }
    }

    private mutating func merge(_ slot: Int, _ d: Int) {
        let inner = workload.parameters[slot].type.shape[d + 1]
        let outer = workload.parameters[slot].type.shape[d]
        workload.parameters[slot].type.shape.replaceSubrange(d...d + 1, with: [outer * inner])
        mergeIndices(of: slot, d, inner)
    }

    private mutating func mergeIndices(of slot: Int, _ d: Int, _ inner: Int) {
        rewriteReads(of: slot) { _, indices in
            var indices = indices
            indices.replaceSubrange(d...d + 1, with: [indices[d] * .integer(inner) + indices[d + 1]])
            return indices
        }
    }

    /// Merges all space axes and all reduction axes of maps and reductions; `splitAxes` takes apart what has to be.
    mutating func flattenDefinitions() {
        for d in workload.definitions.indices {
            let slot = firstDefinition + d
            var axis = 0
            while axis + 1 < workload.definitions[d].axisExtents.count {
                let rank = workload.definitions[d].type.rank
                let inner = workload.definitions[d].axisExtents[axis + 1]
                guard axis + 1 != rank, axis >= rank || staysInside(slot, axis), !isPiecewise(d),
                    let flat = merged(workload.definitions[d], axis: axis)
                else {
                    axis += 1
                    continue
                }
                workload.definitions[d] = flat
                if axis + 1 < rank { mergeIndices(of: slot, axis, inner) }
            }
            simplify(definition: d)
        }
    }

    private func isPiecewise(_ d: Int) -> Bool {
        switch workload.definitions[d].body {
        case .pieces: true
        case .map, .reduce: false
        }
    }

    /// Gives flat parameter axes the shape that their strides spell, and drops axes of extent 1.
    mutating func shapeParameters() {
        for slot in workload.parameters.indices {
            var d = 0
            while d < workload.parameters[slot].type.rank {
                d += shape(slot, d)
            }
            let extents = workload.parameters[slot].type.shape
            if extents.contains(1) {
                workload.parameters[slot].type.shape = extents.filter { $0 != 1 }
                rewriteReads(of: slot) { _, indices in zip(indices, extents).filter { $0.1 != 1 }.map(\.0) }
            }
        }
        simplify()
    }

    /// Splits axis `d` by the strides its reads use; returns how many axes it became.
    private mutating func shape(_ slot: Int, _ d: Int) -> Int {
        let extent = workload.parameters[slot].type.shape[d]
        let found = reads(of: slot).map { (definition: $0.definition, index: $0.indices[d]) }
        guard found.allSatisfy(\.index.isPlain) else { return 1 }
        var strides: [Int] = []
        for stride in Set(found.flatMap { $0.index.terms.map { abs($0.coefficient) } } + [1]).sorted(by: >)
        where stride < extent || stride == 1 {
            if (strides.last ?? extent) % stride == 0 { strides.append(stride) }
        }
        guard strides.count > 1 else { return 1 }
        let extents = strides.indices.map { ($0 == 0 ? extent : strides[$0 - 1]) / strides[$0] }
        let fits = found.allSatisfy { definition, index in
            let simplifier = simplifier(definition)
            return zip(CanonicalDraft.parts(index, strides), extents).allSatisfy { part, extent in
                guard let r = simplifier.range(part) else { return false }
                return r.lowerBound >= 0 && r.upperBound < extent
            }
        }
        guard fits else { return 1 }
        workload.parameters[slot].type.shape.replaceSubrange(d...d, with: extents)
        let simplifiers = workload.definitions.indices.map(simplifier)
        rewriteReads(of: slot) { definition, indices in
            var indices = indices
            let dealt = CanonicalDraft.parts(simplifiers[definition].affine(indices[d]), strides)
            indices.replaceSubrange(d...d, with: dealt.map(\.expr))
            return indices
        }
        return extents.count
    }

    /// Deals the terms of a flat index out to the largest stride that divides them.
    private static func parts(_ index: Affine, _ strides: [Int]) -> [Affine] {
        var rest = index.constant
        return strides.map { stride in
            var part = Affine(constant: floorDivide(rest, stride))
            rest = floorModulo(rest, stride)
            for term in index.terms where strides.first(where: { term.coefficient % $0 == 0 }) == stride {
                part = part + Affine(atom: term.atom) * (term.coefficient / stride)
            }
            return part
        }
    }
}
