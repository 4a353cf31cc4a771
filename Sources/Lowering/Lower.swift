// `lower` is the one door: a canonical workload and a schedule for it become a Kernel. Each nest has one template,
// one file. A schedule that does not fit its workload is a bug of its author and traps; `construct` never makes one.

import KernelIR
import Schedules
import TensorIR

/// Lowers `workload` as `schedule` says.
/// - Returns: a kernel whose operands are the workload's parameters (constants in their prepared form), then results.
package func lower(_ workload: Workload, _ schedule: Schedule) -> Kernel {
    kernel(workload, schedule).renumbered()
}

private func kernel(_ workload: Workload, _ schedule: Schedule) -> Kernel {
    switch schedule.nest {
    case .contraction(let nest):
        guard case .success(.contraction(let contraction)) = workload.structure(schedule.interface) else {
            preconditionFailure("a contraction nest for a workload that is no contraction")
        }
        if let tile = workload.tile(contraction, nest, schedule.interface) {
            return lowerTiles(workload, contraction, nest, schedule.interface, tile)
        }
        return lowerContraction(workload, contraction, nest)
    case .winograd(let nest):
        guard case .success(.contraction(let contraction)) = workload.structure(schedule.interface) else {
            preconditionFailure("a Winograd nest for a workload that is no contraction")
        }
        return lowerWinograd(workload, contraction, nest, schedule)
    case .rows(let rowsPerTask):
        guard case .success(.rows(let rows)) = workload.structure() else {
            preconditionFailure("a row nest for a workload that is not row-wise")
        }
        return lowerRows(workload, rows, rowsPerTask: rowsPerTask)
    case .reduceInner(let pointsPerTask):
        guard case .success(.reduction(let reduction)) = workload.structure() else {
            preconditionFailure("a reduction nest for a workload without one reduction")
        }
        return lowerReduceInner(workload, reduction, pointsPerTask: pointsPerTask)
    case .reduceOuter(let linesPerTask, let unrolled):
        guard case .success(.reduction(let reduction)) = workload.structure(schedule.interface) else {
            preconditionFailure("a reduction nest for a workload without one reduction")
        }
        if !schedule.interface.isRowMajor {
            return lowerChannelReduction(
                workload, reduction, schedule, linesPerTask: linesPerTask, unrolled: unrolled)
        }
        return lowerReduceOuter(workload, reduction, linesPerTask: linesPerTask, unrolled: unrolled)
    case .map(let linesPerTask):
        guard case .success(.maps(let maps)) = workload.structure() else {
            preconditionFailure("a map nest for a workload with a reduction")
        }
        return schedule.interface.isRowMajor
            ? lowerMaps(workload, maps, linesPerTask: linesPerTask)
            : lowerChannelMaps(workload, maps, schedule, linesPerTask: linesPerTask)
    }
}
