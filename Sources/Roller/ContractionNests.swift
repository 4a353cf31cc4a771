// From a root to schedules of a contraction: where each operand comes from, cache tiles by growth, and the schedule
// that spells them out. Constants are prepared; an operand is used in place when its strides allow and else packed.

import DeviceModel
import Schedules
import TensorIR

func contractionNests(
    _ workload: Workload, _ c: Schedules.Contraction, _ root: Root, _ device: Device, lanes: Int,
    left: (Rejection) -> Void
) -> [ContractionNest] {
    let extents = workload.definitions[c.anchor].axisExtents
    func product(_ axes: [Int]) -> Int { axes.reduce(1) { $0 * extents[$1] } }
    let (batch, rows, columns, depth) = (product(c.batch), product(c.rows), product(c.columns), product(c.depth))
    let line = c.columns.dropFirst().reduce(1) { $0 * extents[$1] }
    var out: [ContractionNest] = []
    // tiles whose tasks do not divide among the lanes: better than none, they run on fewer lanes
    var uneven: [ContractionNest] = []
    for a in sourcesOfA(workload, c) {
        for b in sourcesOfB(workload, c, root, columns: columns) {
            // a task holds whole panels, and whole lines where columns have several axes
            let step = line > 1 ? lines(line, root.microColumns, b) : root.microColumns
            let problem = CacheTile.Problem(
                rows: rows, columns: columns, depth: depth, root: root, columnStep: step, packsA: a == .packed,
                packsB: b == .packed, usableBytes: device.l2UsableBytes)
            for tile in CacheTile.saturated(problem, left: left) {
                let taskColumns = tile.taskColumns
                if line > 1, taskColumns % line != 0 {
                    left(.line(columns: taskColumns, line: line))
                    continue
                }
                let tiles = ceilDivide(rows, root.microRows)
                let tasks = batch * ceilDivide(tiles, tile.rowTiles) * ceilDivide(columns, taskColumns)
                let nest = ContractionNest(
                    microRows: root.microRows, microColumns: root.microColumns, taskRowTiles: tile.rowTiles,
                    taskColumns: taskColumns, depth: tile.depth, a: a, b: b)
                // tasks / (ceil(tasks / N) · N) ≥ 0.9, in integers
                if lanes > 1, tasks * 10 < ceilDivide(tasks, lanes) * lanes * 9 {
                    left(.grain(tasks: tasks, lanes: lanes))
                    if !uneven.contains(nest) { uneven.append(nest) }
                } else if !out.contains(nest) {
                    out.append(nest)
                }
            }
        }
    }
    return out.isEmpty ? uneven : out
}

/// The least multiple of `line` that is also whole panels when B lies in panels.
private func lines(_ line: Int, _ panel: Int, _ source: OperandSource) -> Int {
    switch source {
    case .packed: return ceilDivide(panel, line) * line
    case .direct, .prepared:
        var step = line
        while step % panel != 0 { step += line }
        return step
    }
}

private func plainAddress(_ workload: Workload, _ c: Schedules.Contraction, _ e: Expr) -> (slot: Int, Affine)? {
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

func sourcesOfA(_ workload: Workload, _ c: Schedules.Contraction) -> [OperandSource] {
    let extents = workload.definitions[c.anchor].axisExtents
    guard let (slot, address) = plainAddress(workload, c, c.a) else { return [.packed] }
    if isPreparable(workload, slot) { return [.prepared] }
    guard let row = linearStride(address, c.rows, extents: extents), row >= 0,
        let step = linearStride(address, c.depth, extents: extents)
    else { return [.packed] }
    // rows side by side in memory are what a packed tile looks like; in place only with depth contiguous
    return step == 1 && row != 1 ? [.direct] : [.packed]
}

func sourcesOfB(
    _ workload: Workload, _ c: Schedules.Contraction, _ root: Root, columns: Int
) -> [OperandSource] {
    let extents = workload.definitions[c.anchor].axisExtents
    guard let (slot, address) = plainAddress(workload, c, c.b) else { return [.packed] }
    if isPreparable(workload, slot) { return [.prepared] }
    // in place only when no panel reaches past the end of a row
    guard linearStride(address, c.columns, extents: extents) == 1, columns % root.microColumns == 0,
        let step = linearStride(address, c.depth, extents: extents), step >= 0
    else { return [.packed] }
    return [.direct, .packed]
}

func contractionSchedule(
    _ workload: Workload, _ c: Schedules.Contraction, _ nest: ContractionNest, _ interface: Interface,
    _ device: Device
) -> Schedule {
    var prepares: [Prepare] = []
    if nest.a == .prepared, case .read(let slot, _) = c.a {
        prepares.append(Prepare(slot: slot, form: .rowPanels(height: nest.microRows)))
    }
    if nest.b == .prepared, case .read(let slot, _) = c.b {
        prepares.append(Prepare(slot: slot, form: .columnPanels(width: nest.microColumns)))
    }
    prepares.sort { $0.slot < $1.slot }
    let first = workload.parameters.count
    let connects = workload.definitions.enumerated().flatMap { d, definition in
        definition.slotsRead.filter { $0 >= first }.sorted().map { Connect(from: $0, to: first + d, kind: .register) }
    }
    return Schedule(
        isa: device.kind.isa, interface: interface, algorithm: .direct, prepares: prepares, connects: connects,
        nest: .contraction(nest))
}
