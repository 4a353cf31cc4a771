// The cover of a graph without the program: what `explain` shows. It needs no constant, so a graph text from a catalog
// will do. Input: a graph, a device, what is known by measurement. Output: the welds that a program would be made of.

import DeviceModel
import TensorIR

/// The welds that `assemble` would choose, with the graph whose values they bind.
package func coverModel(
    _ graph: Graph, _ device: Device, _ table: MeasurementTable, _ limits: PlanLimits
) throws(PipelineError) -> (graph: Graph, cover: Cover) {
    let prepared = try prepare(graph)
    var costs = CostTable(device: device, table: table, limits: limits)
    return (prepared, try cover(regionParts(prepared), &costs))
}
