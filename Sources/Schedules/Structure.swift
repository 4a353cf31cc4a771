// What a canonical workload is made of, seen by tilers: one anchor (a reduction) with register-level epilogue, a set
// of row-wise definitions, or plain maps. Roller, Welder and Lowering read the same analysis, so they cannot disagree.

import TensorIR

package enum Structure: Hashable, Sendable {
    case contraction(Contraction)
    case rows(RowStructure)
    case reduction(ReductionStructure)
    case maps(MapStructure)
}

/// `C[batch, rows, columns] = Σ depth A[batch, rows, depth] · B[batch, depth, columns]` with axes of the anchor dealt
/// out to the four roles, in any order but that `columns` ends with the axis along which the result is contiguous:
/// the innermost one of a row-major result, the channels of maps. Vectors run along it.
package struct Contraction: Hashable, Sendable {
    package var anchor: Int
    package var a: Expr
    package var b: Expr
    package var batch: [Int]
    package var rows: [Int]
    package var columns: [Int]
    package var depth: [Int]
}

/// All definitions share the row axes; a definition is `[rows]` or `[rows, columns]`, reductions run over columns.
package struct RowStructure: Hashable, Sendable {
    package var rowExtents: [Int]
    package var columnExtents: [Int]
}

package struct ReductionStructure: Hashable, Sendable {
    package var anchor: Int
    /// Whether the innermost reduction axis is the contiguous one of the reads.
    package var reducesContiguousAxis: Bool
}

package struct MapStructure: Hashable, Sendable {
    /// The definition that is stored; others are inlined into it.
    package var stored: Int
}

/// Reduction terms that are spelled out as one expression at most.
package let unrolledTermsMax = 64

/// Why no template takes a workload.
package enum StructureRejection: Hashable, Sendable {
    case severalReductions(count: Int)
    case severalResults(count: Int)
    case epilogueNotElementwise(definition: Int)
    /// Inlining would make an expression of more nodes, or deeper, than Inlining.swift allows.
    case inlinedTooLarge(nodes: Int)
}

extension Workload {
    /// The structure of this workload, which must be canonical, under `interface`; row-major when `nil`.
    package func structure(_ interface: Interface? = nil) -> Result<Structure, StructureRejectionError> {
        let reductions = definitions.indices.filter { definitions[$0].isReduction }
        if reductions.count > 1 || (results.count > 1 && !reductions.isEmpty) {
            return rowStructure().map(Structure.rows).map(Result.success)
                ?? .failure(.init(reason: .severalReductions(count: reductions.count)))
        }
        guard results.count == 1, let result = results.first, result >= parameters.count else {
            return .failure(.init(reason: .severalResults(count: results.count)))
        }
        guard let anchor = reductions.first else {
            // what is not stored is inlined, and boxes cannot be
            let inlined = definitions.indices.filter { $0 != result - parameters.count }
            if let boxes = inlined.first(where: { !definitions[$0].isMap }) {
                return .failure(.init(reason: .epilogueNotElementwise(definition: boxes)))
            }
            if let nodes = nodesBeyondInlining(anchor: nil) {
                return .failure(.init(reason: .inlinedTooLarge(nodes: nodes)))
            }
            return .success(.maps(MapStructure(stored: result - parameters.count)))
        }
        if let definition = nonElementwiseEpilogue(of: anchor) {
            if let rows = rowStructure() { return .success(.rows(rows)) }
            return .failure(.init(reason: .epilogueNotElementwise(definition: definition)))
        }
        if let nodes = nodesBeyondInlining(anchor: anchor) {
            return .failure(.init(reason: .inlinedTooLarge(nodes: nodes)))
        }
        if let contraction = contraction(anchor, interface) { return .success(.contraction(contraction)) }
        return .success(
            .reduction(
                ReductionStructure(
                    anchor: anchor, reducesContiguousAxis: reducesContiguousAxis(definitions[anchor], interface))))
    }

    /// Flat address of a read in elements, in sum form over the axes of `definition`.
    package func address(slot: Int, _ indices: [Expr], extents: [Int]) -> Affine {
        let simplifier = IndexSimplifier(extents: extents)
        return zip(indices, type(ofSlot: slot).strides).reduce(Affine(constant: 0)) {
            $0 + simplifier.affine($1.0) * $1.1
        }
    }

    /// The first definition after the anchor that does not follow it element by element.
    private func nonElementwiseEpilogue(of anchor: Int) -> Int? {
        let shape = definitions[anchor].type.shape
        for d in definitions.indices where d > anchor {
            let definition = definitions[d]
            guard case .map(let e) = definition.body, definition.type.shape == shape else { return d }
            let identity = shape.indices.map { Expr.axis($0) }
            var follows = true
            e.visit { node in
                if case .read(let slot, let indices) = node, slot >= parameters.count + anchor, indices != identity {
                    follows = false
                }
            }
            if !follows { return d }
        }
        for d in definitions.indices where d < anchor {
            // a definition before the anchor is inlined into it, so it must be a map
            guard case .map = definitions[d].body else { return d }
        }
        return nil
    }

    /// The axis of the result along which neighbours lie side by side.
    package func vectorAxis(_ interface: Interface?) -> Int? {
        guard let result = results.first else { return nil }
        let shape = type(ofSlot: result).shape
        guard let layout = interface?.layout(ofSlot: result), case .maps(let maps) = layout else {
            return shape.isEmpty ? nil : shape.count - 1
        }
        let simplifier = IndexSimplifier(extents: shape)
        let point = maps.point(shape.indices.map { .axis($0) }, shape: shape)
        let along = simplifier.affine(maps.block == 1 ? point.position : point.channel)
        return along.isPlain ? shape.indices.first { along.coefficient(ofAxis: $0) == 1 } : nil
    }

    private func contraction(_ anchor: Int, _ interface: Interface?) -> Contraction? {
        let definition = definitions[anchor]
        guard case .reduce(.sum, _, nil, .binary(.multiply, let x, let y)) = definition.body,
            definition.type.dtype == .f32, definition.type.rank > 0
        else { return nil }
        guard anchor == 0 else { return nil }
        let rank = definition.type.rank
        let count = definition.axisExtents.count
        func uses(_ e: Expr, _ axis: Int) -> Bool { e.usesAxis(in: axis..<axis + 1) }
        let depth = Array(rank..<count)
        guard depth.allSatisfy({ uses(x, $0) && uses(y, $0) }), !depth.isEmpty else { return nil }
        guard let innermost = vectorAxis(interface) else { return nil }
        let b: Expr
        let a: Expr
        switch (uses(x, innermost), uses(y, innermost)) {
        case (true, false): (a, b) = (y, x)
        case (false, true): (a, b) = (x, y)
        case (true, true), (false, false): return nil
        }
        let space = Array(0..<rank)
        let batch = space.filter { uses(a, $0) && uses(b, $0) }
        let rows = space.filter { uses(a, $0) && !uses(b, $0) }
        let columns = space.filter { !uses(a, $0) && uses(b, $0) && $0 != innermost } + [innermost]
        guard batch.count + rows.count + columns.count == rank else { return nil }
        // without rows nothing of B is used twice: a short reduction is better spelled out along its line
        let terms = depth.reduce(1) { $0 * definition.axisExtents[$1] }
        if rows.isEmpty, terms <= unrolledTermsMax { return nil }
        return Contraction(anchor: anchor, a: a, b: b, batch: batch, rows: rows, columns: columns, depth: depth)
    }

    private func rowStructure() -> RowStructure? {
        guard let first = definitions.first(where: \.isReduction) else { return nil }
        let rows = first.type.shape
        let columns = first.reductionExtents
        let rowAxes = rows.indices.map { Expr.axis($0) }
        let full = (0..<(rows.count + columns.count)).map { Expr.axis($0) }
        for definition in definitions {
            let isRow = definition.type.shape == rows
            let isFull = definition.type.shape == rows + columns
            switch definition.body {
            case .pieces: return nil
            case .map: guard isRow || isFull else { return nil }
            case .reduce(_, let extents, _, _): guard isRow, extents == columns else { return nil }
            }
            for e in definition.expressions {
                var fits = true
                e.visit { node in
                    guard case .read(let slot, let indices) = node, slot >= parameters.count else { return }
                    let shape = type(ofSlot: slot).shape
                    let own = shape == rows ? rowAxes : full
                    // a row-shaped map cannot read a full-shaped tensor
                    if indices != own || (isRow && !definition.isReduction && shape != rows) { fits = false }
                }
                if !fits { return nil }
            }
        }
        return RowStructure(rowExtents: rows, columnExtents: columns)
    }

    private func reducesContiguousAxis(_ definition: Definition, _ interface: Interface?) -> Bool {
        guard definition.type.rank > 0 else { return true }
        // maps are walked along their channels
        if let interface, !interface.isRowMajor { return false }
        let extents = definition.axisExtents
        let (space, reduction) = (definition.type.rank - 1, extents.count - 1)
        var inner = false
        var outer = false
        for e in definition.expressions {
            e.visit { node in
                guard case .read(let slot, let indices) = node else { return }
                let address = address(slot: slot, indices, extents: extents)
                if abs(address.coefficient(ofAxis: reduction)) == 1 { inner = true }
                if (1...2).contains(abs(address.coefficient(ofAxis: space))) { outer = true }
            }
        }
        return inner && !outer
    }
}

/// `StructureRejection` in the shape that `Result` wants.
package struct StructureRejectionError: Error, Hashable, Sendable {
    package var reason: StructureRejection
}

/// The stride of the row-major walk over `axes`, when `address` has one: 0 for no axis.
package func linearStride(_ address: Affine, _ axes: [Int], extents: [Int]) -> Int? {
    guard let last = axes.last else { return 0 }
    let stride = address.coefficient(ofAxis: last)
    var expected = stride
    for axis in axes.reversed() {
        guard address.coefficient(ofAxis: axis) == expected else { return nil }
        expected *= extents[axis]
    }
    return stride
}
