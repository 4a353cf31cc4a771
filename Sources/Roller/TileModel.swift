// The cost model of a tiled contraction. Per register tile the slowest of multiply-add ports, load ports, latency and
// issue; per level the bytes that the loop order cannot keep above it; calls, stores and epilogues on top. The levels
// overlap almost perfectly: time is the slowest plus a small part of the others.
// (Roller section 3.3, with the terms that its plain form lacks: calls, stores, usable capacity, conflicts.)

import DeviceModel
import Schedules
import TensorIR

/// Constants of the model that no calibration measures, set by hand: no sweep was used to fit them.
package struct TileModelConstants: Hashable, Sendable {
    /// Share of L1 that a panel and a tile may fill before they push each other out.
    package var l1Usable = 0.8
    /// Share of L2 that stays one's own.
    package var l2Usable = 0.57
    /// Cycles per micro-kernel call beyond what it computes.
    package var callCycles = 24.0
    /// Cycles per vector that is stored or read by the epilogue.
    package var storeCycles = 1.0
    /// Part of the shorter of two overlapping times that still shows.
    package var l2Overlap = 0.06
    package var l3Overlap = 0.19
    /// Extra reads of A per tile when its rows fall into one set of the cache.
    package var conflict = 1.0
    /// Extra cost of a tile of a single vector: a broadcast per multiply-add.
    package var singleVector = 0.1
    package init() {}
}

/// Predicted nanoseconds of one call of `nest` on one lane.
func tileNs(
    _ p: TileProblem, _ nest: ContractionNest, _ k: TileModelConstants = TileModelConstants()
) -> Double {
    let cost = TileCost(p, nest, k)
    let first = cost.computeNs + cost.overheadNs
    let (l2Ns, l3Ns) = (cost.l2Ns, cost.l3Ns)
    let slowest = max(first, max(l2Ns, l3Ns))
    return slowest + k.l2Overlap * min(first, l2Ns) + k.l3Overlap * min(first, l3Ns)
        + p.device.calibration.phaseNs
}

/// Cycles per depth step of a tile: the slowest of multiply-adds, loads, issue and latency.
func stepCycles(rows: Double, vectors: Double, _ k: TileModelConstants) -> Double {
    let fmas = rows * vectors / 2
    let loads = (rows + vectors) / 2
    let issue = (rows * vectors + vectors + (vectors > 1 ? rows : 0) + 3) / 6
    let latency = rows * vectors < Double(accumulatorsMin) ? 4.0 : 0
    return max(max(fmas, loads), max(issue, latency)) * (vectors == 1 ? 1 + k.singleVector : 1)
}

/// The parts of the model for one point.
private struct TileCost {
    let p: TileProblem
    let nest: ContractionNest
    let k: TileModelConstants
    let cycleNs: Double
    let lanesOfVector: Double
    let vectors: Double
    let panels: Double
    let batch: Double
    let chunks: Double
    let rowTasks: Double
    let columnTasks: Double
    let panelsPerTask: Double
    let tilesPerTask: Double
    /// Vectors of the result, padding included.
    let stored: Double
    // bytes of all of A and B, and of the parts that a task, a tile and a panel use in one chunk
    let a: Double
    let b: Double
    let aTask: Double
    let aTile: Double
    let bPanel: Double
    var bTask: Double { bPanel * panelsPerTask }

    init(_ p: TileProblem, _ nest: ContractionNest, _ k: TileModelConstants) {
        (self.p, self.nest, self.k) = (p, nest, k)
        lanesOfVector = Double(p.device.kind.isa.vectorWidth)
        // two multiply-adds of whole vectors a cycle
        cycleNs = 4 * lanesOfVector / p.device.calibration.fmaFlopsPerNs
        vectors = Double(nest.microColumns) / lanesOfVector
        panels = Double(p.panels)
        batch = Double(p.batch)
        let depth = Double(p.depth)
        let chunkDepth = Double(min(nest.depth, p.depth))
        chunks = Double(ceilDivide(p.depth, nest.depth))
        rowTasks = Double(ceilDivide(p.grid.allBands, nest.taskRowTiles))
        columnTasks = Double(ceilDivide(p.columns, nest.taskColumns))
        panelsPerTask = Double(nest.taskColumns / nest.microColumns)
        tilesPerTask = Double(nest.taskRowTiles) * Double(p.grid.spans.count)
        stored = batch * Double(p.rows) * panels * vectors
        a = p.aBytes
        b = 4 * batch * depth * panels * Double(nest.microColumns)
        aTask = a / batch / rowTasks * (chunkDepth / depth)
        aTile = aTask / tilesPerTask
        bPanel = 4 * chunkDepth * Double(nest.microColumns)
    }

    private func step(_ rows: Double) -> Double { stepCycles(rows: rows, vectors: vectors, k) }

    private func sumOverTiles(_ body: (_ rows: Double) -> Double) -> Double {
        var out = 0.0
        for (lines, bands) in p.grid.bands.classes {
            for (positions, spans) in p.grid.spans.classes {
                out += Double(bands.count * spans.count * p.grid.images) * body(Double(lines * positions))
            }
        }
        return out
    }

    var computeNs: Double { batch * panels * Double(p.depth) * sumOverTiles(step) * cycleNs }

    /// Calls, stores and the epilogue.
    var overheadNs: Double {
        let tiles = sumOverTiles { _ in 1 }
        let operands = p.storesFromRegisters ? 1 + Double(p.epilogueOperators) * 0.25 : 3 + Double(p.epilogueOperators)
        let calls = batch * tiles * panels * chunks * k.callCycles
        return (calls + stored * k.storeCycles * (operands + 2 * (chunks - 1))) * cycleNs
    }

    /// What moves from L2 to L1: the operand that the inner loop comes back to stays, if there is room.
    var l2Ns: Double {
        let l1 = Double(p.device.kind.l1Bytes) * k.l1Usable
        let aTimes: Double
        let bTimes: Double
        switch nest.outer {
        case .columns:
            bTimes = rowTasks * (bPanel + aTile <= l1 ? 1 : tilesPerTask)
            aTimes = columnTasks * (bPanel + aTask <= l1 ? 1 : panelsPerTask)
        case .rows:
            aTimes = columnTasks * (aTile + bPanel <= l1 ? 1 : panelsPerTask)
            bTimes = rowTasks * (bTask + aTile <= l1 ? 1 : tilesPerTask)
        }
        // rows of a tile that share a cache set push each other out before their line is used up
        let rows = Double(nest.microRows * (nest.microLines ?? 1))
        let conflicts = p.a == .direct && p.rowStrideBytes % 4096 == 0 && p.rowStrideBytes > 0 && rows + 2 > 12
        let partial = 4 * stored * lanesOfVector * 2 * (chunks - 1)
        let again = conflicts ? 1 + k.conflict * panels : 1.0
        let bytes = a * aTimes * again + b * bTimes + p.streamedBytes + partial
        return bytes / p.device.calibration.l2BytesPerNs
    }

    /// What comes from beyond L2, when everything together does not stay there.
    var l3Ns: Double {
        let l2 = Double(p.device.kind.l2Bytes) * k.l2Usable
        let total = a + b + p.streamedBytes
        guard total > l2 else { return 0 }
        // what the inner loop of a task comes back to, then what the next task comes back to
        let bInside: Double
        let aInside: Double
        switch nest.outer {
        case .columns:
            bInside = bPanel + aTile <= l2 ? 1 : tilesPerTask
            aInside = aTask + bPanel <= l2 ? 1 : panelsPerTask
        case .rows:
            bInside = bTask + aTile <= l2 ? 1 : tilesPerTask
            aInside = aTile + bPanel <= l2 ? 1 : panelsPerTask
        }
        let bAgain = bInside * (bTask + aTask <= l2 && chunks == 1 ? 1 : rowTasks)
        let aAgain = aInside * (a + bTask <= l2 ? 1 : columnTasks)
        let bytes = a * aAgain + b * bAgain + p.streamedBytes
        let calibration = p.device.calibration
        let isNear = total <= Double(p.device.kind.l3Bytes)
        return bytes / (isNear ? calibration.l3BytesPerNs : calibration.memoryBytesPerNs)
    }
}
