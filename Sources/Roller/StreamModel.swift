// The cost model of everything that is no contraction: the arithmetic at the rate of vector maps, the bytes at the
// rate of the level that holds them, and what vectors cannot do at full width: elements gathered one by one because
// their neighbours lie elsewhere, lines shorter than a vector, padding that has to be asked about.

import DeviceModel
import Schedules
import TensorIR

/// Cycles per element that is gathered or scattered alone.
private let gatherCycles = 1.0
/// A stencil whose borders are told from its middle by predicates runs slower by about this factor.
private let predicatedFactor = 3.0
/// Cycles per point for folding a vector into one element.
private let foldCycles = 10.0

/// Predicted nanoseconds of one call on one lane.
func streamNs(_ workload: Workload, _ schedule: Schedule, _ device: Device) -> Double {
    let lanes = Double(max(8, device.kind.isa.vectorWidth))
    let cycleNs = 4 * Double(device.kind.isa.vectorWidth) / device.calibration.fmaFlopsPerNs
    let run = StreamRun(workload, schedule)
    var compute = 0.0
    var gathered = 0.0
    for definition in workload.definitions {
        let points = Double(definition.axisExtents.reduce(1, *))
        var operators = 0.0
        var alone = 0.0
        var isPredicated = false
        for e in definition.expressions {
            operators = max(operators, Double(e.operatorCount))
            e.visit { node in
                switch node {
                case .read(let slot, let indices):
                    if run.isGathered(slot, indices, definition) { alone += 1 }
                case .select(_, .read, _):
                    if !run.isAnswered(node, definition) { isPredicated = true }
                case .literal, .axis, .unary, .binary, .select, .cast: return
                }
            }
        }
        if definition.isReduction { operators += 1 }
        let width = run.vectorExtent(definition)
        let share = width / ((width + lanes - 1) / lanes).rounded(.down) / lanes
        compute +=
            points * operators / device.calibration.mapOperatorsPerNs / min(1, max(share, 1 / lanes))
            * (isPredicated ? predicatedFactor : 1)
        gathered += points * alone * gatherCycles * cycleNs
        if case .reduceInner = schedule.nest, definition.isReduction {
            compute += Double(definition.type.elements) * foldCycles * cycleNs
        }
    }
    let bytes =
        Double(workload.parameters.indices.reduce(0) { $0 + run.bytes($1) })
        + Double(workload.results.reduce(0) { $0 + run.bytes($1) })
    return max(compute + gathered, bytes / bandwidth(bytes, device)) + device.calibration.phaseNs
}

/// Along which axis the vectors of a streaming kernel run, and what that means for its reads.
private struct StreamRun {
    let workload: Workload
    let interface: Interface
    let runsInner: Bool
    private let vectorAxis: Int?

    init(_ workload: Workload, _ schedule: Schedule) {
        self.workload = workload
        interface = schedule.interface
        vectorAxis = workload.vectorAxis(schedule.interface)
        if case .reduceInner = schedule.nest { runsInner = true } else { runsInner = false }
    }

    func bytes(_ slot: Int) -> Int { interface.layout(ofSlot: slot).bytes(workload.type(ofSlot: slot)) }

    private func axis(_ definition: Definition) -> Int? {
        if runsInner, definition.isReduction { return definition.axisExtents.count - 1 }
        guard let axis = vectorAxis, axis < definition.type.rank else { return nil }
        return axis
    }

    func vectorExtent(_ definition: Definition) -> Double {
        guard let axis = axis(definition) else { return Double(definition.axisExtents.last ?? 1) }
        return Double(definition.axisExtents[axis])
    }

    /// Whether neighbours along the vector axis lie neither side by side nor in one place.
    func isGathered(_ slot: Int, _ indices: [Expr], _ definition: Definition) -> Bool {
        guard slot < workload.parameters.count else { return false }
        if workload.parameters[slot].isConstant, !interface.isRowMajor { return false }
        if indices.contains(where: { !$0.slotsRead.isEmpty }) { return true }
        let layout = interface.layout(ofSlot: slot)
        guard let axis = axis(definition) else {
            // merged axes: the order of the elements inside of a position or a line decides
            return isChannelFirst(layout) != isChannelFirst(interface.layout(ofSlot: workload.results[0]))
        }
        guard let walk = workload.walk(slot, indices, extents: definition.axisExtents, layout) else {
            let result = interface.layout(ofSlot: workload.results[0])
            return layout == .row && result == .row ? true : isChannelFirst(layout) != isChannelFirst(result)
        }
        let stride = walk.pieces(of: [axis]).last?.stride ?? 0
        return abs(stride) > 1
    }

    private func isChannelFirst(_ layout: Layout) -> Bool {
        if case .maps(let maps) = layout { return maps.block == 1 }
        return true
    }

    /// Whether the halo answers a padding predicate.
    func isAnswered(_ e: Expr, _ definition: Definition) -> Bool {
        workload.walk(e, extents: definition.axisExtents, interface) != nil
    }
}
