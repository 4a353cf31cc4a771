// The cache level: row tiles × columns × depth of one task, grown by reuse score until the usable part of L2 is full.
// Traffic is what the task grid moves into L2: A once per column task, B once per row task, C once per depth chunk.

import DeviceModel
import Schedules
import TensorIR

struct CacheTile: GrowingTile, Sendable {
    let rowTiles: Int
    /// Steps of `Problem.columnStep` columns.
    let columnSteps: Int
    let depth: Int
    let problem: Problem

    struct Problem: Hashable, Sendable {
        let rows: Int
        let columns: Int
        let depth: Int
        let root: Root
        /// Columns by which a task grows: a panel, or a line of the inner column axes.
        let columnStep: Int
        let packsA: Bool
        let packsB: Bool
        let usableBytes: Int
    }

    var taskRows: Int { min(problem.rows, rowTiles * problem.root.microRows) }
    var taskColumns: Int { min(problem.columns, columnSteps * problem.columnStep) }
    private var paddedColumns: Int { ceilDivide(taskColumns, problem.root.microColumns) * problem.root.microColumns }

    /// A and B tiles of one depth chunk and the accumulators; packed operands are held over the whole depth.
    var footprint: Double {
        let a = taskRows * (problem.packsA ? problem.depth : depth)
        let b = paddedColumns * (problem.packsB ? problem.depth : depth)
        return Double(4 * (a + b + taskRows * paddedColumns))
    }

    var traffic: Double {
        let rowTasks = Double(ceilDivide(problem.rows, max(taskRows, 1)))
        let columnTasks = Double(ceilDivide(problem.columns, max(taskColumns, 1)))
        let chunks = Double(ceilDivide(problem.depth, depth))
        let a = Double(problem.rows * problem.depth) * columnTasks
        let b = Double(problem.columns * problem.depth) * rowTasks
        let c = Double(problem.rows * problem.columns) * (2 * chunks - 1)
        return 4 * (a + b + c)
    }

    func enlarged() -> [Feasible<CacheTile>] {
        let tiles = ceilDivide(problem.rows, problem.root.microRows)
        let steps = ceilDivide(problem.columns, problem.columnStep)
        var out: [Feasible<CacheTile>] = []
        func offer(_ next: CacheTile) {
            let needed = Int(next.footprint)
            out.append(
                needed <= problem.usableBytes
                    ? .fits(next)
                    : .rejected(.capacity(level: "L2", neededBytes: needed, usableBytes: problem.usableBytes)))
        }
        if rowTiles < tiles { offer(with(rowTiles: CacheTile.next(rowTiles, tiles))) }
        if columnSteps < steps { offer(with(columnSteps: CacheTile.next(columnSteps, steps))) }
        if depth < problem.depth { offer(with(depth: min(problem.depth, depth * 2))) }
        return out
    }

    private func with(rowTiles: Int? = nil, columnSteps: Int? = nil, depth: Int? = nil) -> CacheTile {
        CacheTile(
            rowTiles: rowTiles ?? self.rowTiles, columnSteps: columnSteps ?? self.columnSteps,
            depth: depth ?? self.depth, problem: problem)
    }

    /// Doubles, then evens out: the next extent splits `total` into equal parts.
    private static func next(_ value: Int, _ total: Int) -> Int {
        let parts = ceilDivide(total, min(total, value * 2))
        return max(value + 1, ceilDivide(total, parts))
    }
}

/// Depth with which growth starts: shorter chunks only pay accumulator traffic.
let depthStart = 64
/// Saturated cache tiles per root.
let cacheTilesPerRootMax = 6

extension CacheTile {
    static func saturated(_ problem: Problem, left: (Rejection) -> Void) -> [CacheTile] {
        let start = CacheTile(rowTiles: 1, columnSteps: 1, depth: min(problem.depth, depthStart), problem: problem)
        guard Int(start.footprint) <= problem.usableBytes else {
            left(
                .capacity(
                    level: "L2", neededBytes: Int(start.footprint), usableBytes: problem.usableBytes))
            return [start]
        }
        return grow(from: start, limit: cacheTilesPerRootMax, left: left)
    }
}
