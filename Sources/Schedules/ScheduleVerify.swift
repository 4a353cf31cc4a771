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
    case scratch(bytes: Int, limit: Int)

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
        guard case .success(let structure) = workload.structure() else { throw .workload }
        guard interface == .rowMajor(workload) else { throw .interface }
        switch (nest, structure) {
        case (.contraction(let nest), .contraction(let c)):
            try verify(nest, c, workload)
            return
        case (.rows(let size), .rows), (.reduceInner(let size), .reduction), (.map(let size), .maps):
            if size <= 0 { throw .size(what: "the task", value: size) }
        case (.reduceOuter(let size, let unrolled), .reduction(let reduction)):
            if size <= 0 { throw .size(what: "the task", value: size) }
            let terms = workload.definitions[reduction.anchor].reductionExtents.reduce(1, *)
            if unrolled, terms > unrolledTermsMax { throw .size(what: "the number of unrolled terms", value: terms) }
        case (.contraction, _), (.rows, _), (.reduceInner, _), (.map, _), (.reduceOuter, _):
            throw .nest(found: nest.kind, structure: structure.kind)
        }
        if !prepares.isEmpty { throw .prepares }
    }

    private func verify(_ nest: ContractionNest, _ c: Contraction, _ workload: Workload) throws(ScheduleFault) {
        let extents = workload.definitions[c.anchor].axisExtents
        func product(_ axes: [Int]) -> Int { axes.reduce(1) { $0 * extents[$1] } }
        for (what, value) in [
            ("the row tile", nest.microRows), ("the column tile", nest.microColumns),
            ("the task's row tiles", nest.taskRowTiles), ("the task's columns", nest.taskColumns),
            ("the depth", nest.depth),
        ] where value <= 0 { throw .size(what: what, value: value) }
        if nest.microRows > microRowsLimit { throw .size(what: "the row tile", value: nest.microRows) }
        if nest.microColumns > microColumnsLimit { throw .size(what: "the column tile", value: nest.microColumns) }
        if nest.microColumns % isa.vectorWidth != 0 {
            throw .alignment(columns: nest.microColumns, width: isa.vectorWidth)
        }
        guard nest.a == .packed || sourcesOfA(workload, c).contains(nest.a) else {
            throw .source(operand: "a", source: nest.a)
        }
        guard nest.b == .packed || sourcesOfB(workload, c, microColumns: nest.microColumns).contains(nest.b) else {
            throw .source(operand: "b", source: nest.b)
        }
        var expected: [Prepare] = []
        if nest.a == .prepared, case .read(let slot, _) = c.a {
            expected.append(Prepare(slot: slot, form: .rowPanels(height: nest.microRows)))
        }
        if nest.b == .prepared, case .read(let slot, _) = c.b {
            expected.append(Prepare(slot: slot, form: .columnPanels(width: nest.microColumns)))
        }
        if prepares != expected.sorted(by: { $0.slot < $1.slot }) { throw .prepares }
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

extension Nest {
    /// The first word of its text.
    package var kind: String {
        switch self {
        case .contraction: "contraction"
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
