// The whole pipeline as two lists. `plan` says what is worth knowing about a graph and is called again as answers
// arrive; `assemble` turns what is known into a program. Both are pure: no clock, file, driver or network.

import Basics
import DeviceModel
import Grinder
import Rammer
import Schedules
import TensorIR
import Welder

/// What is worth doing next for `graph`; empty when nothing is left.
package func plan(
    _ graph: Graph, _ device: Device, _ table: MeasurementTable, _ limits: PlanLimits
) throws(PipelineError) -> [Wanted] {
    let prepared = try regionParts(try prepare(graph))  // control flow first: it decides which operations exist
    var costs = CostTable(device: device, table: table, limits: limits)
    let chosen = try cover(prepared, &costs)
    let open = wanted(chosen, &costs)
    if !open.isEmpty { return open }
    // the time of a short kernel is mostly what the model does not know: where the row-major cover seems near, its
    // short kernels are measured too
    let plain = try cover(prepared, &costs, families: [.row])
    guard plain.ns <= chosen.ns * rowCoverRatioMax else { return [] }
    return wanted(plain, &costs).filter { $0.weightNs <= shortKernelNsMax * Double($0.calls) }
}

/// How much slower the row-major cover may seem and still be measured.
let rowCoverRatioMax = 1.6
/// Kernels beyond this are multiply-adds and bytes, which the model knows.
let shortKernelNsMax = 50_000.0

/// The program of `graph` on at most `lanes` lanes, from the cheapest welds that `table` and the model know.
package func assemble(
    _ graph: Graph, _ constants: ConstantStore, _ device: Device, _ table: MeasurementTable, _ limits: PlanLimits,
    lanes: Int = 1
) throws(PipelineError) -> Assembly {
    let prepared = try prepare(graph)
    let parts = try regionParts(prepared)
    var costs = CostTable(device: device, table: table, limits: limits)
    let chosen = try cover(parts, &costs)
    let kernels = lowerCover(chosen, parts)  // one kernel per workload and schedule, however often it is called
    let tasks = bind(chosen, kernels, prepared, parts, constants)
    let program = Rammer.schedule(tasks.graph, lanes: lanes)
    return Assembly(
        cover: chosen, kernels: kernels, program: program, constants: tasks.constants, graph: prepared)
}

/// Grinder's placement, then what every later stage expects: each output defined by its own.
package func prepare(_ graph: Graph) throws(PipelineError) -> Graph { separateOutputs(placeControlFlow(graph)) }

/// A workload with the welds (positions in the cover) of a graph that are calls of it.
package struct WorkloadCalls: Hashable, Sendable {
    package var workload: Workload
    package var digest: Digest
    package var welds: [Int]
}

/// The workloads of the cover by the model alone, in order of their first call.
package func workloadCalls(
    _ graph: Graph, _ device: Device, _ limits: PlanLimits
) throws(PipelineError) -> [WorkloadCalls] {
    var costs = CostTable(device: device, table: MeasurementTable(), limits: limits)
    var out: [WorkloadCalls] = []
    for (n, weld) in try cover(regionParts(prepare(graph)), &costs).welds.enumerated() {
        if let at = out.firstIndex(where: { $0.digest == weld.digest }) {
            out[at].welds.append(n)
        } else {
            out.append(WorkloadCalls(workload: weld.workload, digest: weld.digest, welds: [n]))
        }
    }
    return out
}
