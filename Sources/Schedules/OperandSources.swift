// Where the operands of a contraction may come from. Constants that only the contraction reads are prepared; an operand
// is used in place when its strides allow it; anything can be packed by the task. Roller chooses, the verifier checks.

import TensorIR

private func plainAddress(_ workload: Workload, _ c: Contraction, _ e: Expr) -> (slot: Int, Affine)? {
    guard case .read(let slot, let indices) = e, slot < workload.parameters.count,
        workload.parameters[slot].type.dtype == .f32
    else { return nil }
    let address = workload.address(slot: slot, indices, extents: workload.definitions[c.anchor].axisExtents)
    return address.isPlain ? (slot, address) : nil
}

/// Whether `slot` is a constant that only this operand reads: then its bytes may lie in any order.
private func isPreparable(_ workload: Workload, _ slot: Int) -> Bool {
    guard workload.parameters[slot].isConstant else { return false }
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

/// Where A may come from, preferred first; `packed` is always possible.
package func sourcesOfA(_ workload: Workload, _ c: Contraction) -> [OperandSource] {
    let extents = workload.definitions[c.anchor].axisExtents
    guard let (slot, address) = plainAddress(workload, c, c.a) else { return [.packed] }
    if isPreparable(workload, slot) { return [.prepared] }
    guard let row = linearStride(address, c.rows, extents: extents), row >= 0,
        let step = linearStride(address, c.depth, extents: extents)
    else { return [.packed] }
    // rows side by side in memory are what a packed tile looks like; in place only with depth contiguous
    return step == 1 && row != 1 ? [.direct] : [.packed]
}

/// Where B may come from under panels of `microColumns`, preferred first; `packed` is always possible.
package func sourcesOfB(_ workload: Workload, _ c: Contraction, microColumns: Int) -> [OperandSource] {
    let extents = workload.definitions[c.anchor].axisExtents
    let columns = c.columns.reduce(1) { $0 * extents[$1] }
    guard let (slot, address) = plainAddress(workload, c, c.b) else { return [.packed] }
    if isPreparable(workload, slot) { return [.prepared] }
    // in place only when no panel reaches past the end of a row
    guard linearStride(address, c.columns, extents: extents) == 1, columns % microColumns == 0,
        let step = linearStride(address, c.depth, extents: extents), step >= 0
    else { return [.packed] }
    return [.direct, .packed]
}
