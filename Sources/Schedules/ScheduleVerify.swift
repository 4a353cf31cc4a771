// Does a schedule fit its workload? Schedules come from catalogs and peers as well as from Roller, so everything that
// lowering relies on is checked here: the nest is one for the workload's structure, tiles are positive and aligned,
// operands come from where they can, preparations match, and a task's scratch is bounded.

import Basics
import DeviceModel
import TensorIR

package enum ScheduleFault: Explained, Equatable {
    case workload
    case nest(found: String, structure: String)
    case interface
    case size(what: String, value: Int)
    case alignment(columns: Int, width: Int)
    case source(operand: String, source: OperandSource)
    case prepares
    case line(columns: Int, line: Int)
    /// No tile with constant strides: the layouts do not suit the nest.
    case layouts
    case scratch(bytes: Int, limit: Int)
    case algorithm(Algorithm, nest: String)

    package var sentence: String {
        switch self {
        case .workload: "the workload has no structure that a schedule fits"
        case .nest(let found, let structure): "a \(found) nest does not fit a workload of structure \(structure)"
        case .interface: "the interface does not name the workload's operands and results in order"
        case .size(let what, let value): "\(what) is \(value)"
        case .alignment(let columns, let width): "\(columns) columns are no multiple of the vector width \(width)"
        case .source(let operand, let source): "operand \(operand) cannot be \(source.rawValue)"
        case .prepares: "the prepared operands are not those that the nest reads as prepared"
        case .line(let columns, let line): "\(columns) columns cut lines of \(line)"
        case .layouts: "the layouts give a tile no constant strides"
        case .algorithm(let algorithm, let nest): "a \(nest) nest is no nest for the algorithm \(algorithm.text)"
        case .scratch(let bytes, let limit): "a task needs \(bytes) bytes of scratch, the limit is \(limit)"
        }
    }
}

/// A register tile is spelled out in the source, so it is bounded.
package let microRowsLimit = 64
package let microColumnsLimit = 1024
/// Scratch of one task at most.
package let scratchBytesMax = 1 << 28

extension Schedule {
    /// Checks that `workload`, which must be canonical, can be lowered by this schedule.
    package func verify(for workload: Workload) throws(ScheduleFault) {
        guard interface.fits(workload) else { throw .interface }
        guard case .success(let structure) = workload.structure(interface) else { throw .workload }
        switch (nest, structure) {
        case (.contraction(let nest), .contraction(let c)):
            if algorithm != .direct { throw .algorithm(algorithm, nest: self.nest.kind) }
            try verify(nest, c, workload)
            return
        case (.winograd(let nest), .contraction(let c)):
            try verify(nest, c, workload)
            return
        case (.rows(let size), .rows), (.reduceInner(let size), .reduction):
            guard interface.isRowMajor else { throw .layouts }
            if size <= 0 { throw .size(what: "the task", value: size) }
        case (.map(let size), .maps):
            if size <= 0 { throw .size(what: "the task", value: size) }
        case (.reduceOuter(let size, let unrolled), .reduction(let reduction)):
            if size <= 0 { throw .size(what: "the task", value: size) }
            let terms = workload.definitions[reduction.anchor].reductionExtents.reduce(1, *)
            if unrolled, terms > unrolledTermsMax { throw .size(what: "the number of unrolled terms", value: terms) }
        case (.contraction, _), (.winograd, _), (.rows, _), (.reduceInner, _), (.map, _), (.reduceOuter, _):
            throw .nest(found: nest.kind, structure: structure.kind)
        }
        if algorithm != .direct { throw .algorithm(algorithm, nest: nest.kind) }
        if prepares != innermostPrepares(workload, interface) { throw .prepares }
    }

    private func verify(_ nest: WinogradNest, _ c: Contraction, _ workload: Workload) throws(ScheduleFault) {
        guard let transform = algorithm.winograd else { throw .algorithm(algorithm, nest: self.nest.kind) }
        guard let problem = WinogradProblem(workload, c, interface, lanes: isa.vectorWidth) else { throw .layouts }
        let sizes = [
            ("the task's lines of tiles", nest.tileLines, problem.lines(transform)),
            ("the task's tiles along a line", nest.tilePositions, problem.positions(transform)),
            ("the row tile", nest.microRows, microRowsLimit), ("the column tile", nest.microColumns, microColumnsLimit),
        ]
        for (what, value, limit) in sizes where value <= 0 || value > limit { throw .size(what: what, value: value) }
        if nest.microColumns % isa.vectorWidth != 0 || problem.outputChannels % nest.microColumns != 0 {
            throw .alignment(columns: nest.microColumns, width: isa.vectorWidth)
        }
        let form = Prepare.WinogradForm(output: transform.output, width: nest.microColumns)
        if prepares != [Prepare(slot: problem.weights, form: .winograd(form))] { throw .prepares }
        let bytes = problem.scratchBytes(nest, transform)
        if bytes > scratchBytesMax { throw .scratch(bytes: bytes, limit: scratchBytesMax) }
    }

    private func verify(_ nest: ContractionNest, _ c: Contraction, _ workload: Workload) throws(ScheduleFault) {
        let extents = workload.definitions[c.anchor].axisExtents
        func product(_ axes: [Int]) -> Int { axes.reduce(1) { $0 * extents[$1] } }
        for (what, value) in [
            ("the row tile", nest.microRows), ("the column tile", nest.microColumns),
            ("the task's row tiles", nest.taskRowTiles), ("the task's columns", nest.taskColumns),
            ("the depth", nest.depth),
        ] where value <= 0 { throw .size(what: what, value: value) }
        let lines = nest.microLines ?? 1
        if lines <= 0 || nest.microRows * lines > microRowsLimit {
            throw .size(what: "the row tile", value: nest.microRows * lines)
        }
        if nest.microColumns > microColumnsLimit { throw .size(what: "the column tile", value: nest.microColumns) }
        if nest.microColumns % isa.vectorWidth != 0 {
            throw .alignment(columns: nest.microColumns, width: isa.vectorWidth)
        }
        let sourcesA = sourcesOfA(workload, c, interface)
        let sourcesB = sourcesOfB(workload, c, interface, microColumns: nest.microColumns)
        guard nest.a == .packed ? interface.isRowMajor : sourcesA.contains(nest.a) else {
            throw .source(operand: "a", source: nest.a)
        }
        guard nest.b == .packed ? interface.isRowMajor : sourcesB.contains(nest.b) else {
            throw .source(operand: "b", source: nest.b)
        }
        if prepares != expected(nest, c) { throw .prepares }
        if let tile = workload.tile(c, nest, interface) {
            let inner = depthWalk(workload, c, nest, interface).dropFirst().reduce(1) { $0 * $1.extent }
            if nest.depth % inner != 0, nest.depth < product(c.depth) {
                throw .size(what: "the depth, no multiple of its inner runs,", value: nest.depth)
            }
            try verifyTile(nest, tile)
            return
        }
        if nest.microLines != nil || nest.outer != .columns || !interface.isRowMajor { throw .layouts }
        let columns = product(c.columns)
        let line = product(Array(c.columns.dropFirst()))
        let taskColumns = min(nest.taskColumns, columns)
        if c.columns.count > 1, taskColumns % line != 0 { throw .line(columns: taskColumns, line: line) }
        if nest.b != .packed, taskColumns < columns, taskColumns % nest.microColumns != 0 {
            throw .alignment(columns: taskColumns, width: nest.microColumns)
        }
        let rows = min(product(c.rows), nest.taskRowTiles * nest.microRows)
        let padded = ceilDivide(taskColumns, nest.microColumns) * nest.microColumns
        let packed = (nest.a == .packed ? rows : 0) + (nest.b == .packed ? padded : 0)
        let bytes = 4 * (rows * padded + packed * product(c.depth))
        if bytes > scratchBytesMax { throw .scratch(bytes: bytes, limit: scratchBytesMax) }
    }
}

extension Schedule {
    private func expected(_ nest: ContractionNest, _ c: Contraction) -> [Prepare] {
        var out: [Prepare] = []
        if nest.a == .prepared, case .read(let slot, _) = c.a {
            out.append(Prepare(slot: slot, form: .rowPanels(height: nest.microRows)))
        }
        if nest.b == .prepared, case .read(let slot, _) = c.b {
            out.append(Prepare(slot: slot, form: .columnPanels(width: nest.microColumns)))
        }
        return out.sorted { $0.slot < $1.slot }
    }

    private func verifyTile(_ nest: ContractionNest, _ tile: ContractionTile) throws(ScheduleFault) {
        if nest.a == .prepared, nest.microLines != nil { throw .source(operand: "a", source: nest.a) }
        if nest.taskColumns % nest.microColumns != 0 {
            throw .alignment(columns: nest.taskColumns, width: nest.microColumns)
        }
        let rows = nest.taskRowTiles * tile.grid.bands.largest * tile.grid.positions
        let (bytes, overflow) = rows.multipliedReportingOverflow(by: 4 * nest.taskColumns)
        if overflow || bytes > scratchBytesMax { throw .scratch(bytes: bytes, limit: scratchBytesMax) }
    }
}

/// The depth runs of a nest in order, joined where A is contiguous; one run when A is prepared.
package func depthWalk(
    _ workload: Workload, _ c: Contraction, _ nest: ContractionNest, _ interface: Interface
) -> [AxisPiece] {
    let extents = workload.definitions[c.anchor].axisExtents
    let whole = AxisPiece(axis: 0, extent: c.depth.reduce(1) { $0 * extents[$1] }, unit: 1, stride: 1)
    guard nest.a == .direct, let walk = workload.walk(c.a, extents: extents, interface) else { return [whole] }
    return depthWalk(walk, c)
}

/// Constants of a map or reduction whose vectors run along another axis than the constant's last one.
package func innermostPrepares(_ workload: Workload, _ interface: Interface) -> [Prepare] {
    guard !interface.isRowMajor, let channels = workload.vectorAxis(interface) else { return [] }
    var out: [Prepare] = []
    for slot in workload.parameters.indices where isPreparable(workload, slot) {
        for definition in workload.definitions {
            for e in definition.expressions {
                e.visit { node in
                    guard case .read(slot, let indices) = node,
                        let axis = indices.firstIndex(where: { $0.usesAxis(in: channels..<channels + 1) }),
                        axis != indices.count - 1
                    else { return }
                    out.append(Prepare(slot: slot, form: .innermost(axis: axis)))
                }
            }
        }
    }
    return out.sorted { $0.slot < $1.slot }
}

extension Nest {
    /// The first word of its text.
    package var kind: String {
        switch self {
        case .contraction: "contraction"
        case .winograd: "winograd"
        case .rows: "rows"
        case .reduceInner: "reduceInner"
        case .reduceOuter: "reduceOuter"
        case .map: "map"
        }
    }
}

extension Structure {
    package var kind: String {
        switch self {
        case .contraction: "contraction"
        case .rows: "rows"
        case .reduction: "reduction"
        case .maps: "maps"
        }
    }
}
