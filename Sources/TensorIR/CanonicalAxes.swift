// Axis steps of the canonical form: split an axis where that removes `/` and `%`, drop axes of extent 1, merge axes
// that are adjacent everywhere they are used.
//
//     t1[i0:384] = t0[i0 / 32, i0 % 32]      becomes      t1[i0:12, i1:32] = t0[i0, i1]      (split)
//     t1[i0:12, i1:32] = exp(t0[i0, i1])     becomes      t1[i0:384] = exp(t0[i0])           (merge)

extension CanonicalDraft {
    /// Splits until no definition holds `axis / c` or `axis % c` with c dividing the axis, and none is read in lines
    /// (`t1[i0*7+i1]`). Bounded: every split makes the product of extents finer.
    mutating func splitAxes() {
        let splitsMax = 1024
        for _ in 0..<splitsMax {
            guard let (d, axis, factor) = nextSplit() ?? nextLineSplit() else { return }
            split(definition: d, axis: axis, factor: factor)
        }
    }

    /// A definition's axis that all readers walk in lines of one length, or whole.
    private func nextLineSplit() -> (definition: Int, axis: Int, factor: Int)? {
        for d in workload.definitions.indices {
            let definition = workload.definitions[d]
            if case .pieces = definition.body { continue }
            let reads = reads(of: firstDefinition + d)
            for axis in definition.type.shape.indices {
                let extent = definition.type.shape[axis]
                let strides = Set(reads.flatMap { $0.indices[axis].terms.map { abs($0.coefficient) } }).sorted()
                for stride in strides where stride > 1 && stride < extent && extent % stride == 0 {
                    let fits = reads.allSatisfy { reader, indices in
                        isLines(indices[axis], of: stride, simplifier(reader))
                    }
                    if fits { return (d, axis, stride) }
                }
            }
        }
        return nil
    }

    /// Whether `index / stride` and `index % stride` need no division, or only one of a whole axis.
    private func isLines(_ index: Affine, of stride: Int, _ simplifier: IndexSimplifier) -> Bool {
        if case .axis(let axis) = index.expr { return simplifier.extents[axis] % stride == 0 }
        let inner = index.terms.filter { $0.coefficient % stride != 0 }.reduce(
            Affine(constant: floorModulo(index.constant, stride))
        ) { $0 + Affine(atom: $1.atom) * $1.coefficient }
        guard let range = simplifier.range(inner) else { return false }
        return range.lowerBound >= 0 && range.upperBound < stride
    }

    private func nextSplit() -> (definition: Int, axis: Int, factor: Int)? {
        for d in workload.definitions.indices {
            let definition = workload.definitions[d]
            if case .pieces = definition.body { continue }
            var found: [Int: Int] = [:]
            for e in definition.expressions {
                e.visit { node in
                    guard case .binary(let op, .axis(let axis), .literal(let c)) = node,
                        op == .floorDivide || op == .floorModulo
                    else { return }
                    let (extent, factor) = (definition.axisExtents[axis], Int(c.integer))
                    guard factor > 1, factor < extent, extent % factor == 0 else { return }
                    found[axis] = min(found[axis] ?? factor, factor)
                }
            }
            if let axis = found.keys.min(), let factor = found[axis] { return (d, axis, factor) }
        }
        return nil
    }

    private mutating func split(definition d: Int, axis: Int, factor: Int) {
        let old = workload.definitions[d]
        let count = old.axisExtents.count
        let axes = (0..<count).map { a -> Expr in
            if a == axis { return .axis(a) * .integer(factor) + .axis(a + 1) }
            return .axis(a < axis ? a : a + 1)
        }
        var out = old.mapExpressions { $0.substituting(axes: axes) }
        let pair = [old.axisExtents[axis] / factor, factor]
        if axis < old.type.rank {
            out.type.shape.replaceSubrange(axis...axis, with: pair)
        } else if case .reduce(let reducer, var extents, let condition, let e) = out.body {
            extents.replaceSubrange((axis - old.type.rank)...(axis - old.type.rank), with: pair)
            out.body = .reduce(reducer, extents: extents, condition: condition, e)
        }
        workload.definitions[d] = out
        if axis < old.type.rank {
            rewriteReads(of: firstDefinition + d) { _, indices in
                var indices = indices
                let index = indices[axis]
                indices.replaceSubrange(
                    axis...axis,
                    with: [
                        .binary(.floorDivide, index, .integer(factor)), .binary(.floorModulo, index, .integer(factor)),
                    ])
                return indices
            }
        }
        simplify(definition: d)
    }

    /// Removes space and reduction axes of extent 1; a reduction left without axes becomes a map.
    mutating func dropUnitAxes() {
        for d in workload.definitions.indices {
            let old = workload.definitions[d]
            let extents = old.axisExtents
            guard extents.contains(1) else { continue }
            var next = 0
            let axes = extents.map { extent -> Expr in
                if extent == 1 { return .integer(0) }
                next += 1
                return .axis(next - 1)
            }
            var out = old.mapExpressions { $0.substituting(axes: axes) }
            out.type.shape = old.type.shape.filter { $0 != 1 }
            switch out.body {
            case .map: break
            case .reduce(let reducer, let reduced, let condition, let e):
                let kept = reduced.filter { $0 != 1 }
                if kept.isEmpty {
                    // a single point is its own reduction where the condition holds
                    let identity = Expr.literal(reducer.identity(old.type.dtype))
                    out.body = .map(condition.map { .select($0, e, identity) } ?? e)
                } else {
                    out.body = .reduce(reducer, extents: kept, condition: condition, e)
                }
            case .pieces(let pieces):
                out.body = .pieces(
                    pieces.map { piece in
                        Piece(
                            box: zip(piece.box, old.type.shape).filter { $0.1 != 1 }.map(\.0), value: piece.value)
                    })
            }
            workload.definitions[d] = out
            let shape = old.type.shape
            rewriteReads(of: firstDefinition + d) { _, indices in
                zip(indices, shape).filter { $0.1 != 1 }.map(\.0)
            }
        }
        simplify()
    }

    /// Merges classes of adjacent axes until none is left. A class is a set of (definition, axis) linked by reads
    /// that pass both axes through unchanged; it merges only if no `/` or `%` appears anywhere.
    mutating func mergeAxes() {
        while let merged = nextMerge() { self = merged }
    }

    private struct AxisPair: Hashable {
        var definition: Int
        var axis: Int
    }

    private func nextMerge() -> CanonicalDraft? {
        for pairs in mergeClasses() {
            if let merged = merging(pairs) { return merged }
        }
        return nil
    }

    /// Classes in order of their first member; classes with a reader that takes the two axes apart are left out.
    private func mergeClasses() -> [[AxisPair]] {
        var all: [AxisPair] = []
        for d in workload.definitions.indices {
            let definition = workload.definitions[d]
            let (rank, count) = (definition.type.rank, definition.axisExtents.count)
            for axis in 0..<max(count - 1, 0) where axis + 1 != rank { all.append(AxisPair(definition: d, axis: axis)) }
        }
        var parent = Dictionary(uniqueKeysWithValues: all.map { ($0, $0) })
        var torn: Set<AxisPair> = []
        func root(_ pair: AxisPair) -> AxisPair {
            var at = pair
            while let up = parent[at], up != at { at = up }
            return at
        }
        for d in workload.definitions.indices {
            for (reader, indices) in reads(of: firstDefinition + d) {
                for q in 0..<max(indices.count - 1, 0) {
                    let tensor = AxisPair(definition: d, axis: q)
                    guard let p = passedAxis(indices[q], indices[q + 1]),
                        parent[AxisPair(definition: reader, axis: p)] != nil
                    else {
                        torn.insert(tensor)
                        continue
                    }
                    let (a, b) = (root(AxisPair(definition: reader, axis: p)), root(tensor))
                    if a != b { parent[a] = b }
                }
            }
        }
        var classes: [AxisPair: [AxisPair]] = [:]
        for pair in all { classes[root(pair), default: []].append(pair) }
        var done: Set<AxisPair> = []
        return all.compactMap { pair in
            let r = root(pair)
            guard done.insert(r).inserted, let members = classes[r], torn.isDisjoint(with: members) else { return nil }
            return members
        }
    }

    private func passedAxis(_ a: Affine, _ b: Affine) -> Int? {
        guard case .axis(let p) = a.expr, b.expr == .axis(p + 1) else { return nil }
        return p
    }

    private func merging(_ pairs: [AxisPair]) -> CanonicalDraft? {
        // one pair per definition at a time keeps positions valid; a second pair of the same definition waits
        var axisOf: [Int: Int] = [:]
        for pair in pairs {
            guard axisOf[pair.definition] == nil else { return nil }
            axisOf[pair.definition] = pair.axis
        }
        var out = self
        for (d, axis) in axisOf.sorted(by: { $0.key < $1.key }) {
            guard let merged = merged(workload.definitions[d], axis: axis) else { return nil }
            out.workload.definitions[d] = merged
        }
        for (d, axis) in axisOf.sorted(by: { $0.key < $1.key }) where axis < workload.definitions[d].type.rank {
            let inner = workload.definitions[d].type.shape[axis + 1]
            out.rewriteReads(of: firstDefinition + d) { _, indices in
                var indices = indices
                indices.replaceSubrange(axis...axis + 1, with: [indices[axis] * .integer(inner) + indices[axis + 1]])
                return indices
            }
        }
        out.simplify()
        for d in axisOf.keys where out.dividesAxis(d, axisOf[d] ?? 0) { return nil }
        return out
    }

    func merged(_ definition: Definition, axis: Int) -> Definition? {
        let extents = definition.axisExtents
        let inner = extents[axis + 1]
        let axes = extents.indices.map { a -> Expr in
            if a == axis { return .binary(.floorDivide, .axis(axis), .integer(inner)) }
            if a == axis + 1 { return .binary(.floorModulo, .axis(axis), .integer(inner)) }
            return .axis(a < axis ? a : a - 1)
        }
        var out = definition.mapExpressions { $0.substituting(axes: axes) }
        let rank = definition.type.rank
        let product = [extents[axis] * inner]
        if axis < rank {
            out.type.shape.replaceSubrange(axis...axis + 1, with: product)
            if case .pieces(let pieces) = out.body {
                var moved: [Piece] = []
                for var piece in pieces {
                    guard piece.box[axis + 1] == 0..<inner else { return nil }
                    let outer = piece.box[axis]
                    piece.box.replaceSubrange(
                        axis...axis + 1, with: [outer.lowerBound * inner..<outer.upperBound * inner])
                    moved.append(piece)
                }
                out.body = .pieces(moved)
            }
        } else if case .reduce(let reducer, var reduced, let condition, let e) = out.body {
            reduced.replaceSubrange((axis - rank)...(axis - rank + 1), with: product)
            out.body = .reduce(reducer, extents: reduced, condition: condition, e)
        }
        return out
    }

    /// Whether a `/` or `%` over `axis` stands anywhere in the definition.
    private func dividesAxis(_ d: Int, _ axis: Int) -> Bool {
        var found = false
        for e in workload.definitions[d].expressions {
            e.visit { node in
                if case .binary(let op, let a, _) = node, op == .floorDivide || op == .floorModulo,
                    a.usesAxis(in: axis..<axis + 1)
                {
                    found = true
                }
            }
        }
        return found
    }
}
