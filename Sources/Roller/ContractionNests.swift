// From a root to schedules of a contraction: where each operand comes from, cache tiles by growth, and the schedule
// that spells them out. Constants are prepared; an operand is used in place when its strides allow and else packed.

import DeviceModel
import Schedules
import TensorIR

func contractionNests(
    _ workload: Workload, _ c: Schedules.Contraction, _ root: Root, _ interface: Interface, _ device: Device,
    lanes: Int, limit: Int, left: (Rejection) -> Void
) -> [(nest: ContractionNest, ns: Double)] {
    var out: [(nest: ContractionNest, ns: Double)] = []
    for a in sourcesOfA(workload, c, interface) {
        for b in sourcesOfB(workload, c, interface, microColumns: root.microColumns) {
            if let problem = TileProblem(workload, c, interface, device, lanes: lanes, root, a: a, b: b) {
                out += tileNests(problem, limit: limit, left: left)
                continue
            }
            guard interface.isRowMajor else { continue }
            let nests = packedNests(workload, c, root, device, lanes: lanes, a: a, b: b, left: left)
            out += nests.map { ($0, contractionNs(workload, c, $0, device)) }
        }
    }
    let order = out.indices.sorted { (out[$0].ns, $0) < (out[$1].ns, $1) }
    return order.prefix(limit).map { out[$0] }
}

/// Nests whose tasks pack an operand: cache tiles by growth.
private func packedNests(
    _ workload: Workload, _ c: Schedules.Contraction, _ root: Root, _ device: Device, lanes: Int, a: OperandSource,
    b: OperandSource, left: (Rejection) -> Void
) -> [ContractionNest] {
    let extents = workload.definitions[c.anchor].axisExtents
    func product(_ axes: [Int]) -> Int { axes.reduce(1) { $0 * extents[$1] } }
    let (batch, rows, columns, depth) = (product(c.batch), product(c.rows), product(c.columns), product(c.depth))
    let line = c.columns.dropFirst().reduce(1) { $0 * extents[$1] }
    var out: [ContractionNest] = []
    // tiles whose tasks do not divide among the lanes: better than none, they run on fewer lanes
    var uneven: [ContractionNest] = []
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
