// Where the operands of a contraction may come from. Constants that only the contraction reads are prepared; an operand
// is used in place when its strides allow it; anything row-major can be packed by the task. Roller chooses, the
// verifier checks.

import TensorIR

/// Whether `slot` is a constant that only one operand reads: then its bytes may lie in any order.
package func isPreparable(_ workload: Workload, _ slot: Int) -> Bool {
    guard workload.parameters.indices.contains(slot), workload.parameters[slot].isConstant else { return false }
    var reads = 0
    for definition in workload.definitions {
        for e in definition.expressions {
            e.visit { node in
                if case .read(slot, _) = node { reads += 1 }
            }
        }
    }
    return reads == 1
}

private func plainWalk(
    _ workload: Workload, _ c: Contraction, _ e: Expr, _ interface: Interface
) -> OperandWalk? {
    guard let walk = workload.walk(e, extents: workload.definitions[c.anchor].axisExtents, interface),
        walk.slot < workload.parameters.count, workload.parameters[walk.slot].type.dtype == .f32
    else { return nil }
    return walk
}

/// Where A may come from, preferred first; empty when nothing but another interface would do.
package func sourcesOfA(_ workload: Workload, _ c: Contraction, _ interface: Interface) -> [OperandSource] {
    let packed: [OperandSource] = interface.isRowMajor ? [.packed] : []
    guard let walk = plainWalk(workload, c, c.a, interface) else { return packed }
    if case .read(let slot, _) = c.a, isPreparable(workload, slot) { return [.prepared] }
    guard let innermost = depthWalk(walk, c).last, innermost.stride == 1 else { return packed }
    // rows of maps may lie anywhere; row-major rows side by side are what a packed tile looks like
    if !interface.isRowMajor { return [.direct] }
    guard let row = walk.linearStride(c.rows), row >= 0, row != 1, walk.linearStride(c.depth) == 1 else {
        return packed
    }
    return [.direct]
}

/// Where B may come from under panels of `microColumns`, preferred first.
package func sourcesOfB(
    _ workload: Workload, _ c: Contraction, _ interface: Interface, microColumns: Int
) -> [OperandSource] {
    let packed: [OperandSource] = interface.isRowMajor ? [.packed] : []
    let extents = workload.definitions[c.anchor].axisExtents
    let columns = c.columns.reduce(1) { $0 * extents[$1] }
    guard let walk = plainWalk(workload, c, c.b, interface) else { return packed }
    if case .read(let slot, _) = c.b, isPreparable(workload, slot) { return [.prepared] }
    // in place only when no panel reaches past the end of a row
    guard interface.isRowMajor, walk.linearStride(c.columns) == 1, columns % microColumns == 0,
        let step = walk.linearStride(c.depth), step >= 0
    else { return packed }
    return [.direct, .packed]
}

/// The depth in the order in which A lies in memory: the longest strides first, runs joined.
package func depthWalk(_ walk: OperandWalk, _ c: Contraction) -> [AxisPiece] {
    let pieces = walk.pieces(of: c.depth)
    let order = pieces.indices.sorted { (-pieces[$0].stride, $0) < (-pieces[$1].stride, $1) }
    return merged(order.map { pieces[$0] })
}

/// The pieces of the depth in the order in which a kernel under `nest` runs through them, not joined: the order of a
/// prepared B and of the accumulation.
package func depthPieces(
    _ workload: Workload, _ c: Contraction, a source: OperandSource, _ interface: Interface
) -> [AxisPiece] {
    let extents = workload.definitions[c.anchor].axisExtents
    if source == .direct, let walk = workload.walk(c.a, extents: extents, interface) {
        let pieces = walk.pieces(of: c.depth)
        let order = pieces.indices.sorted { (-pieces[$0].stride, $0) < (-pieces[$1].stride, $1) }
        return order.map { pieces[$0] }
    }
    return c.depth.map { AxisPiece(axis: $0, extent: extents[$0], unit: 1, stride: 0) }
}
