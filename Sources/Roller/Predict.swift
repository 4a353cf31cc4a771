// The cost model: the slowest of compute and memory, plus what never overlaps (calls, packing, epilogue, phase entry).
// + − × ÷ min max only. `lowerBoundNs` is admissible: no schedule of the workload on this device can be faster.

import DeviceModel
import Schedules
import TensorIR

package struct Prediction: Hashable, Sendable {
    package var ns: Double
    package var lowerBoundNs: Double
    package init(ns: Double, lowerBoundNs: Double) {
        self.ns = ns
        self.lowerBoundNs = lowerBoundNs
    }
}

/// Predicts the time of one call on one lane.
package func predict(_ workload: Workload, _ schedule: Schedule, _ device: Device) -> Prediction {
    let bound = lowerBoundNs(workload, device)
    let ns: Double
    switch schedule.nest {
    case .contraction(let nest):
        guard case .success(.contraction(let c)) = workload.structure(schedule.interface) else {
            preconditionFailure("a contraction nest for a workload that is no contraction")
        }
        let root = Root(
            algorithm: schedule.algorithm, microRows: nest.microRows * (nest.microLines ?? 1),
            microColumns: nest.microColumns)
        let problem = TileProblem(workload, c, schedule.interface, device, lanes: 1, root, a: nest.a, b: nest.b)
        ns = problem.map { tileNs($0, nest) } ?? contractionNs(workload, c, nest, device)
    case .winograd(let nest):
        guard case .success(.contraction(let c)) = workload.structure(schedule.interface),
            let transform = schedule.algorithm.winograd,
            let problem = WinogradProblem(workload, c, schedule.interface, lanes: device.kind.isa.vectorWidth)
        else { preconditionFailure("a Winograd nest for a workload that is no such convolution") }
        ns = winogradNs(workload, c, problem, nest, transform, device)
    case .rows, .map, .reduceInner: ns = streamNs(workload, schedule, device)
    case .reduceOuter(_, let unrolled): ns = streamNs(workload, schedule, device) * (unrolled ? 1 : loopedFactor)
    }
    return Prediction(ns: max(ns, bound), lowerBoundNs: bound)
}

/// Bytes per ns of the cache level that holds `bytes`.
func bandwidth(_ bytes: Double, _ device: Device) -> Double {
    let c = device.calibration
    if bytes <= Double(device.l2UsableBytes) { return c.l2BytesPerNs }
    return bytes <= Double(device.kind.l3Bytes) ? c.l3BytesPerNs : c.memoryBytesPerNs
}

/// Work at peak and compulsory bytes at L2 speed, whichever is longer. Contractions count multiply-adds only.
package func lowerBoundNs(_ workload: Workload, _ device: Device) -> Double {
    var flops = 0.0
    if case .success(.contraction(let c)) = workload.structure() {
        flops = 2 * Double(workload.definitions[c.anchor].axisExtents.reduce(1, *))
        // whether the interface suits Winograd's algorithm is not asked: the bound holds for every interface
        let extents = workload.definitions[c.anchor].axisExtents
        if c.depth.filter({ extents[$0] == 3 }).count >= 2 { flops *= winogradWork }
    }
    let bytes = Double(workload.results.reduce(0) { $0 + workload.type(ofSlot: $1).bytes })
    return max(flops / device.calibration.fmaFlopsPerNs, bytes / device.calibration.l2BytesPerNs)
}

/// A reduction whose sum goes through memory with every term.
private let loopedFactor = 2.0

/// Share of the FMA peak that a register tile reaches when its operands are in L1: two FMAs and two loads a cycle,
/// an FMA latency of four.
func microEfficiency(rows: Int, vectors: Int) -> Double {
    let fmas = Double(rows * vectors) / 2
    let loads = Double(rows + vectors) / 2
    return fmas / max(fmas, max(loads, 4))
}

func contractionNs(
    _ workload: Workload, _ c: Schedules.Contraction, _ nest: ContractionNest, _ device: Device
) -> Double {
    let extents = workload.definitions[c.anchor].axisExtents
    func product(_ axes: [Int]) -> Double { axes.reduce(1.0) { $0 * Double(extents[$1]) } }
    let (batch, rows, columns, depth) = (product(c.batch), product(c.rows), product(c.columns), product(c.depth))
    let calibration = device.calibration
    let vectors = Double(nest.microColumns) / Double(device.kind.isa.vectorWidth)
    func up(_ x: Double, _ step: Double) -> Double { ((x + step - 1) / step).rounded(.down) }
    let panels = up(columns, Double(nest.microColumns))
    let tiles = up(rows, Double(nest.microRows))
    let chunks = up(depth, Double(nest.depth))
    let rowTasks = up(tiles, Double(nest.taskRowTiles))
    let columnTasks = up(columns, Double(nest.taskColumns))

    let padded = 2 * batch * rows * panels * Double(nest.microColumns) * depth
    let efficiency = microEfficiency(rows: Int(rows / tiles), vectors: Int(vectors))
    let compute = padded / (calibration.fmaFlopsPerNs * efficiency)

    let a = 4 * batch * rows * depth
    let b = 4 * batch * columns * depth
    let result = 4 * batch * rows * columns
    let total = a + b + result
    // inside a task B is read once per row tile from L2 or L1, A once per panel from L1 or L2
    let inner = a * panels + b * tiles
    let outer = a * columnTasks + b * rowTasks + result
    let memory = max(inner / (calibration.l2BytesPerNs * 2), outer / bandwidth(total, device))

    let calls = batch * tiles * panels * chunks
    var serial = calls * calibration.callNs
    if nest.a == .packed { serial += batch * rows * depth * columnTasks / calibration.packElementsPerNs }
    if nest.b == .packed { serial += batch * columns * depth * rowTasks / calibration.packElementsPerNs }
    let epilogueOperators = workload.definitions.indices.reduce(1) { total, d in
        d == c.anchor ? total : total + workload.definitions[d].expressions.reduce(0) { $0 + $1.operatorCount }
    }
    serial += batch * rows * columns * Double(epilogueOperators) / calibration.mapOperatorsPerNs
    serial += result * (2 * chunks) / calibration.l2BytesPerNs
    return max(compute, memory) + serial + calibration.phaseNs
}
