// Winograd's algorithm as roots of a convolution's search space: transforms × register tile, then the block of tiles
// that a task stitches, as large as the usable part of L2 allows and as even as the map allows. The model adds what a
// direct kernel has not: the transforms, and filters that are four times (F(4×4)) or 1.8 times (F(2×2)) as large and
// come back with every task.

import DeviceModel
import Schedules
import TensorIR

/// Register tiles kept per algorithm.
let winogradRootsMax = 3

/// Share of the direct algorithm's multiply-adds that F(4×4, 3×3) does.
let winogradWork = 0.25

func winogradRoots(
    _ workload: Workload, _ c: Schedules.Contraction, _ interface: Interface, _ device: Device
) -> [Root] {
    guard let problem = WinogradProblem(workload, c, interface, lanes: device.kind.isa.vectorWidth) else { return [] }
    var out: [Root] = []
    for algorithm in [Algorithm.winograd4, .winograd2] {
        guard let transform = algorithm.winograd else { continue }
        let tiles = problem.images * problem.lines(transform) * problem.positions(transform)
        let all = contractionRoots(rows: tiles, columns: problem.outputChannels, device: device) { _ in }
        out += all.filter { problem.outputChannels % $0.microColumns == 0 }.prefix(winogradRootsMax).map {
            Root(algorithm: algorithm, microRows: $0.microRows, microColumns: $0.microColumns)
        }
    }
    return out
}

func winogradEntries(
    _ workload: Workload, _ c: Schedules.Contraction, _ root: Root, _ interface: Interface, _ device: Device,
    lanes: Int, limit: Int, left: (Rejection) -> Void
) -> [Ranked<Schedule>.Entry] {
    guard let transform = root.algorithm.winograd,
        let problem = WinogradProblem(workload, c, interface, lanes: device.kind.isa.vectorWidth)
    else { return [] }
    var even: [(nest: WinogradNest, ns: Double)] = []
    var others: [(nest: WinogradNest, ns: Double)] = []
    let whole = problem.positions(transform)
    for lines in evenParts(problem.lines(transform)) {
        for positions in lines == 1 ? evenParts(whole) : [whole] {
            let nest = WinogradNest(
                tileLines: lines, tilePositions: positions, microRows: min(root.microRows, lines * positions),
                microColumns: root.microColumns)
            let point = (nest, winogradNs(workload, c, problem, nest, transform, device))
            let bytes = problem.scratchBytes(nest, transform)
            let tasks = problem.tasks(nest, transform)
            if bytes > device.l2UsableBytes {
                left(.capacity(level: "L2", neededBytes: bytes, usableBytes: device.l2UsableBytes))
                others.append(point)
            } else if lanes > 1, tasks * 10 < ceilDivide(tasks, lanes) * lanes * 9 {
                left(.grain(tasks: tasks, lanes: lanes))
                others.append(point)
            } else {
                even.append(point)
            }
        }
    }
    let all = even.isEmpty ? others : even
    let bound = lowerBoundNs(workload, device)
    let form = Prepare.WinogradForm(output: transform.output, width: root.microColumns)
    return all.indices.sorted { (all[$0].ns, $0) < (all[$1].ns, $1) }.prefix(limit).map { n in
        let schedule = Schedule(
            isa: device.kind.isa, interface: interface, algorithm: root.algorithm,
            prepares: [Prepare(slot: problem.weights, form: .winograd(form))], connects: registerConnects(workload),
            nest: .winograd(all[n].nest))
        return .init(value: schedule, prediction: Prediction(ns: max(all[n].ns, bound), lowerBoundNs: bound))
    }
}

/// Predicted nanoseconds of one call on one lane.
func winogradNs(
    _ workload: Workload, _ c: Schedules.Contraction, _ problem: WinogradProblem, _ nest: WinogradNest,
    _ transform: WinogradTransform, _ device: Device, _ k: TileModelConstants = TileModelConstants()
) -> Double {
    let calibration = device.calibration
    let width = Double(device.kind.isa.vectorWidth)
    let cycleNs = 4 * width / calibration.fmaFlopsPerNs
    let points = Double(transform.points)
    let tasks = Double(problem.tasks(nest, transform))
    let tiles = nest.tileLines * nest.tilePositions
    let (depth, filters) = (Double(problem.inputChannels), Double(problem.outputChannels))
    let vectors = Double(nest.microColumns) / width

    var tileCycles = 0.0
    for (rows, parts) in EvenSplit(tiles, by: nest.microRows).classes {
        let step = stepCycles(rows: Double(rows), vectors: vectors, k)
        tileCycles += Double(parts.count) * (depth * step + k.callCycles + Double(rows) * vectors * k.storeCycles)
    }
    let products = tasks * points * (filters / Double(nest.microColumns)) * tileCycles * cycleNs

    // two passes over the points: a load, a store and about three additions and products each
    let epilogueOperators = workload.definitions.indices.reduce(0) { total, d in
        d == c.anchor ? total : total + workload.definitions[d].expressions.reduce(0) { $0 + $1.operatorCount }
    }
    let inputCycles = 5 * points
    let results = Double(transform.output * transform.output)
    let resultCycles = 4 * points + results * (1 + Double(epilogueOperators))
    let transforms = tasks * Double(tiles) * (depth * inputCycles + filters * resultCycles) / width * cycleNs

    let filterBytes = 4 * points * depth * filters
    let scratch = Double(problem.scratchBytes(nest, transform))
    let filtersStay = filterBytes + scratch <= Double(device.kind.l2Bytes) * k.l2Usable
    let filterSpeed =
        filtersStay
        ? calibration.l2BytesPerNs
        : filterBytes <= Double(device.kind.l3Bytes) ? calibration.l3BytesPerNs : calibration.memoryBytesPerNs
    let filterNs = filterBytes * tasks / filterSpeed
    let moved = 4 * Double(problem.images * problem.height * problem.width) * (depth + filters)
    let slowest = max(products, filterNs)
    return slowest + k.l3Overlap * min(products, filterNs) + transforms + moved / bandwidth(moved, device)
        + calibration.phaseNs
}
