// The cache level of a contraction whose operands lie in place or prepared: every aligned split of a task's rows and
// columns, both loop orders, the depth whole or in chunks, all ranked by the model. A2: tasks are whole panels. A4:
// splits are even, so no task is a remnant. What the usable part of L2 cannot hold is left aside as long as smaller
// tasks exist.
//
// In:  a root (register tile) under an interface.  Out: its nests, best predicted first.

import DeviceModel
import Schedules
import TensorIR

/// Points ranked per root at most.
let tilePointsMax = 4096

/// What the model needs to know about a contraction under one register tile; found once, used for every point.
struct TileProblem {
    let workload: Workload
    let contraction: Schedules.Contraction
    let interface: Interface
    let device: Device
    let lanes: Int
    let batch: Int
    let rows: Int
    let columns: Int
    let depth: Int
    /// Steps of the innermost runs of the depth: chunks are multiples of them.
    let innerDepth: Int
    let microLines: Int?
    let microRows: Int
    let microColumns: Int
    let a: OperandSource
    let b: OperandSource
    let grid: RowGrid
    /// Bytes that all of A occupies; less than rows × depth where windows overlap.
    let aBytes: Double
    /// Bytes beside A and B that the kernel moves once: results and what the epilogue reads.
    let streamedBytes: Double
    let epilogueOperators: Int
    let storesFromRegisters: Bool
    /// Bytes between the first rows of a tile, when they are the same for all.
    let rowStrideBytes: Int

    init?(
        _ workload: Workload, _ c: Schedules.Contraction, _ interface: Interface, _ device: Device, lanes: Int,
        _ root: Root, a: OperandSource, b: OperandSource
    ) {
        let extents = workload.definitions[c.anchor].axisExtents
        func product(_ axes: [Int]) -> Int { axes.reduce(1) { $0 * extents[$1] } }
        self.workload = workload
        contraction = c
        self.interface = interface
        self.device = device
        self.lanes = lanes
        (self.a, self.b) = (a, b)
        batch = product(c.batch)
        rows = product(c.rows)
        columns = product(c.columns)
        depth = product(c.depth)
        microColumns = root.microColumns
        var nest = ContractionNest(
            microRows: root.microRows, microColumns: root.microColumns, taskRowTiles: 1,
            taskColumns: root.microColumns, depth: depth, a: a, b: b)
        var tile = workload.tile(c, nest, interface)
        if tile == nil, a == .direct, !c.rows.isEmpty {
            let last = c.rows.last.map { extents[$0] } ?? 1
            let width = workload.lineWidth(c, interface)
            let (lines, positions) = TileProblem.box(
                root.microRows, lines: width.map { last / $0 } ?? c.rows.dropLast().last.map { extents[$0] } ?? 1,
                positions: width ?? last)
            (nest.microLines, nest.microRows) = (lines, positions)
            tile = workload.tile(c, nest, interface)
        }
        guard let tile else { return nil }
        (microLines, microRows) = (nest.microLines, nest.microRows)
        grid = tile.grid
        innerDepth = depthWalk(workload, c, nest, interface).dropFirst().reduce(1) { $0 * $1.extent }
        func bytes(_ slot: Int) -> Double { Double(interface.layout(ofSlot: slot).bytes(workload.type(ofSlot: slot))) }
        aBytes = tile.a.map { bytes($0.walk.slot) } ?? Double(4 * batch * rows * depth)
        streamedBytes = bytes(workload.results[0]) + tile.operands.reduce(0) { $0 + bytes($1.walk.slot) }
        storesFromRegisters = tile.value != nil
        rowStrideBytes = 4 * (tile.a.map { nest.microLines == nil ? $0.lineStride : $0.positionStride } ?? 0)
        epilogueOperators = workload.definitions.indices.reduce(0) { total, d in
            d == c.anchor ? total : total + workload.definitions[d].expressions.reduce(0) { $0 + $1.operatorCount }
        }
    }

    /// Lines × positions of about `rows` rows: an even part of a line, or whole lines when they are short.
    static func box(_ rows: Int, lines: Int, positions: Int) -> (lines: Int, positions: Int) {
        let spans = ceilDivide(positions, rows)
        if spans > 1 { return (1, ceilDivide(positions, spans)) }
        let height = max(1, min(lines, rows / positions))
        return (ceilDivide(lines, ceilDivide(lines, height)), positions)
    }

    var panels: Int { ceilDivide(columns, microColumns) }

    func nest(bands: Int, panels: Int, depth: Int, outer: LoopOrder) -> ContractionNest {
        ContractionNest(
            microLines: microLines, microRows: microRows, microColumns: microColumns, taskRowTiles: bands,
            taskColumns: panels * microColumns, depth: depth, outer: outer, a: a, b: b)
    }
}

/// Ways to cut `total` into equal parts: the distinct part sizes, largest first, each about 1.4 times the next.
func evenParts(_ total: Int) -> [Int] {
    var out: [Int] = []
    var parts = 1.0
    while parts < Double(total) * 1.4 {
        let size = ceilDivide(total, max(1, min(total, Int(parts.rounded(.down)))))
        if out.last != size { out.append(size) }
        parts = parts < 4 ? parts + 1 : parts * 1.4
    }
    if out.last != 1 { out.append(1) }
    return out
}

/// Every point of a root, best predicted first; ties by the point's own order.
func tileNests(_ problem: TileProblem, limit: Int, left: (Rejection) -> Void) -> [(nest: ContractionNest, ns: Double)] {
    var points: [(nest: ContractionNest, ns: Double)] = []
    let bands = evenParts(problem.grid.allBands)
    let panels = evenParts(problem.panels)
    var depths = [problem.depth]
    // chunks shorter than this only pay for partial sums
    let depthMin = 256
    for parts in [2, 3, 4, 6, 8, 12, 16] {
        let steps = ceilDivide(problem.depth / problem.innerDepth, parts) * problem.innerDepth
        if steps >= depthMin, steps < problem.depth, !depths.contains(steps) { depths.append(steps) }
    }
    var uneven: [(nest: ContractionNest, ns: Double)] = []
    search: for bandsPerTask in bands {
        for panelsPerTask in panels {
            let tasks =
                problem.batch * ceilDivide(problem.grid.allBands, bandsPerTask)
                * ceilDivide(problem.panels, panelsPerTask)
            let divides = problem.lanes == 1 || tasks * 10 >= ceilDivide(tasks, problem.lanes) * problem.lanes * 9
            if !divides { left(.grain(tasks: tasks, lanes: problem.lanes)) }
            for depth in depths {
                let scratch =
                    depth < problem.depth
                    ? 4 * bandsPerTask * problem.grid.rowsOfTileMax * problem.grid.spans.count * panelsPerTask
                        * problem.microColumns : 0
                if scratch > problem.device.l2UsableBytes {
                    left(
                        .capacity(
                            level: "L2", neededBytes: scratch, usableBytes: problem.device.l2UsableBytes))
                    continue
                }
                for outer in LoopOrder.allCases {
                    // one tile or one panel per task: the order of the loops is the same program
                    if outer == .rows, panelsPerTask == 1 || bandsPerTask * problem.grid.spans.count == 1 { continue }
                    let nest = problem.nest(bands: bandsPerTask, panels: panelsPerTask, depth: depth, outer: outer)
                    let point = (nest, tileNs(problem, nest))
                    if divides || point.1 < splitNsMin * Double(problem.lanes) {
                        points.append(point)
                    } else {
                        uneven.append(point)
                    }
                    if points.count + uneven.count == tilePointsMax { break search }
                }
            }
        }
    }
    let all = points.isEmpty ? uneven : points
    let order = all.indices.sorted { (all[$0].ns, $0) < (all[$1].ns, $1) }
    return order.prefix(limit).map { all[$0] }
}
