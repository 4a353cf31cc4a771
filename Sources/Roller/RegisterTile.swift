// The register level: rows × vectors of accumulators. Alignment: A1 whole vectors, enough accumulators for the FMA
// latency; A2 columns run along memory; A4 padding waste within the ladder's rung. Each saturated tile is a root of
// the search space: roots partition it, so a shard is a set of roots.

import DeviceModel
import Schedules
import TensorIR

/// A root: algorithm and register tile. Prints as `direct 6x64`.
package struct Root: Hashable, Sendable {
    package var algorithm: Algorithm
    package var microRows: Int
    package var microColumns: Int

    package init(algorithm: Algorithm, microRows: Int, microColumns: Int) {
        self.algorithm = algorithm
        self.microRows = microRows
        self.microColumns = microColumns
    }
}

/// FMA latency × ports: accumulators below this leave the units idle.
let accumulatorsMin = 8
/// Padding waste per axis that each rung of the ladder accepts (A4).
let paddingLadder = [0.0, 0.2, 0.4, 1.0]
/// Register tiles kept per rung.
let rootsPerRungMax = 6
/// Rows per tile at most; a packed A costs nothing more, rows in place are displacements in the instructions.
let microRowsMax = 14
/// Rows per tile at most where a tile is a single vector wide.
let singleVectorRowsMax = 28

struct RegisterTile: GrowingTile, Sendable {
    let rows: Int
    let vectors: Int
    let problem: Problem

    struct Problem: Hashable, Sendable {
        let rows: Int
        let columns: Int
        let width: Int
        let registers: Int
        let waste: Double
    }

    var registersNeeded: Int { rows * vectors + vectors + 1 }
    var footprint: Double { Double(registersNeeded * problem.width * 4) }
    /// Bytes loaded per depth step for the whole result: one broadcast per row and one vector per column group.
    var traffic: Double {
        let rowTiles = Double(ceilDivide(problem.rows, rows))
        let columnTiles = Double(ceilDivide(problem.columns, vectors * problem.width))
        return rowTiles * columnTiles * 4 * Double(rows + vectors * problem.width)
    }

    func enlarged() -> [Feasible<RegisterTile>] {
        [
            RegisterTile(rows: rows + 1, vectors: vectors, problem: problem),
            RegisterTile(rows: rows, vectors: vectors + 1, problem: problem),
        ].compactMap { next in
            if next.rows > min(problem.rows, next.vectors == 1 ? singleVectorRowsMax : microRowsMax) { return nil }
            if (next.vectors - 1) * problem.width >= problem.columns { return nil }
            if let reason = next.rejection { return .rejected(reason) }
            return .fits(next)
        }
    }

    /// The root of balanced tiles: the height that is really used.
    var root: Root {
        let height = ceilDivide(problem.rows, ceilDivide(problem.rows, rows))
        return Root(algorithm: .direct, microRows: height, microColumns: vectors * problem.width)
    }

    var rejection: Rejection? {
        if registersNeeded > problem.registers {
            return .registers(needed: registersNeeded, available: problem.registers)
        }
        return nil
    }

    /// A4 on both axes; rows are balanced, so their waste is what a full tile of accumulators loses.
    var padding: Rejection? {
        let tile = vectors * problem.width
        let padded = ceilDivide(problem.columns, tile) * tile
        if Double(padded) > Double(problem.columns) * (1 + problem.waste) {
            return .padding(
                extent: problem.columns, tile: tile, wastePercent: (padded - problem.columns) * 100 / problem.columns)
        }
        return nil
    }
}

/// Widths in vectors with which growth starts, unless a result of few rows leaves registers for more.
let startVectorsMax = 6

/// The roots of a contraction, best reuse first. Climbs the padding ladder until enough tiles stand.
func contractionRoots(
    _ workload: Workload, _ c: Schedules.Contraction, _ interface: Interface, _ device: Device,
    left: (Rejection) -> Void
) -> [Root] {
    let extents = workload.definitions[c.anchor].axisExtents
    func product(_ axes: [Int]) -> Int { axes.reduce(1) { $0 * extents[$1] } }
    let all = contractionRoots(rows: product(c.rows), columns: product(c.columns), device: device, left: left)
    // heights that cut short lines alike are one tile
    var seen: Set<ContractionNest> = []
    return all.filter { root in
        guard let a = sourcesOfA(workload, c, interface).first,
            let b = sourcesOfB(workload, c, interface, microColumns: root.microColumns).first,
            let problem = TileProblem(workload, c, interface, device, lanes: 1, root, a: a, b: b)
        else { return true }
        return seen.insert(problem.nest(bands: 1, panels: 1, depth: problem.depth, outer: .columns)).inserted
    }
}

func contractionRoots(rows: Int, columns: Int, device: Device, left: (Rejection) -> Void) -> [Root] {
    var found: [Root] = []
    // the most accumulators among tiles that have too few: what a result of a row or two has to be content with
    var thin: RegisterTile?
    let width = device.kind.isa.vectorWidth
    let allRows = (device.kind.vectorRegisters - 1) / (rows + 1)
    let widest = min(ceilDivide(columns, width), max(startVectorsMax, allRows))
    for waste in paddingLadder where found.count < rootsPerRungMax {
        let problem = RegisterTile.Problem(
            rows: rows, columns: columns, width: width, registers: device.kind.vectorRegisters, waste: waste)
        // every number of vectors is a start, so that narrow and wide tiles both saturate
        for vectors in 1...widest {
            let start = RegisterTile(rows: 1, vectors: vectors, problem: problem)
            guard start.rejection == nil else { continue }
            for tile in grow(from: start, limit: 2, left: left) where tile.vectors == vectors {
                if let reason = tile.padding {
                    left(reason)
                    continue
                }
                let accumulators = tile.rows * tile.vectors
                // a result smaller than the latency needs is taken as it is
                if accumulators < accumulatorsMin, rows * ceilDivide(columns, width) >= accumulatorsMin {
                    left(.accumulators(count: accumulators, needed: accumulatorsMin))
                    if accumulators > thin.map({ $0.rows * $0.vectors }) ?? 0 { thin = tile }
                    continue
                }
                let root = tile.root
                if !found.contains(root) { found.append(root) }
            }
        }
    }
    if found.isEmpty {
        // columns narrower than any rung accepts: one vector, as many rows as there are registers for
        let most = max(1, min(rows, microRowsMax, device.kind.vectorRegisters - 2))
        let problem = RegisterTile.Problem(
            rows: rows, columns: columns, width: width, registers: device.kind.vectorRegisters, waste: .infinity)
        found = [(thin ?? RegisterTile(rows: most, vectors: 1, problem: problem)).root]
    }
    return found
}
