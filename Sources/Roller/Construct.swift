// Roller's answer to "which tile fits this device exactly": schedules of a canonical workload, best predicted first.
// Roots (algorithm × register tile) partition the search space; `construct` over any grouping of the roots gives the
// same union, because the number kept per root is fixed.
//
// In:  a canonical workload, an interface, a device, lanes that may share the tasks (the device's when nil), limits,
//      and which roots (all when nil).
// Out: at most `perRoot` schedules per root, ranked, and why other tiles were left aside.

import DeviceModel
import Schedules
import TensorIR

/// Lanes among which the tasks of a schedule divide well at most: one set of schedules serves every smaller number.
let grainLanesMax = 8
/// Time of one lane below which nothing is split.
let splitNsMin = 500.0

package struct ConstructLimits: Hashable, Sendable {
    /// Schedules kept per root; part of the search space's definition, never adapted to load.
    package var perRoot: Int
    /// Whether algorithms that round otherwise than the definition does are roots.
    package var winograd: Bool
    package init(perRoot: Int = 3, winograd: Bool = true) {
        self.perRoot = perRoot
        self.winograd = winograd
    }
}

/// Grows whenever construction or its model finds other schedules than before: records of older searches do not count.
package let constructVersion = 4

/// The roots of a workload's search space; streaming templates have the single root `direct 1x1`.
package func roots(
    _ workload: Workload, _ interface: Interface, _ device: Device,
    _ limits: ConstructLimits = ConstructLimits()
) -> [Root] {
    guard case .success(.contraction(let c)) = workload.structure(interface) else {
        return [Root(algorithm: .direct, microRows: 1, microColumns: 1)]
    }
    let direct = contractionRoots(workload, c, interface, device) { _ in }
    return (limits.winograd ? winogradRoots(workload, c, interface, device) : []) + direct
}

package func construct(
    _ workload: Workload, _ interface: Interface, _ device: Device, lanes asked: Int? = nil,
    _ limits: ConstructLimits, roots chosen: [Root]? = nil
) -> Ranked<Schedule> {
    let lanes = asked ?? min(device.kind.lanes, grainLanesMax)
    var counts = RejectionCounts()
    var entries: [Ranked<Schedule>.Entry] = []
    switch workload.structure(interface) {
    case .failure: break
    case .success(.contraction(let c)):
        let bound = lowerBoundNs(workload, device)
        for root in chosen ?? roots(workload, interface, device, limits) {
            if root.algorithm != .direct {
                entries += winogradEntries(
                    workload, c, root, interface, device, lanes: lanes, limit: limits.perRoot
                ) { counts.add($0) }
                continue
            }
            let made = contractionNests(
                workload, c, root, interface, device, lanes: lanes, limit: limits.perRoot
            ) { counts.add($0) }
            entries += made.map { nest, ns in
                let schedule = contractionSchedule(workload, c, nest, interface, device)
                return .init(value: schedule, prediction: Prediction(ns: max(ns, bound), lowerBoundNs: bound))
            }
        }
        if chosen == nil { _ = contractionRoots(workload, c, interface, device) { counts.add($0) } }
    case .success(.rows(let rows)):
        guard interface.isRowMajor else { break }
        let total = rows.rowExtents.reduce(1, *)
        let perTask = grain(total, elementsPerStep: rows.columnExtents.reduce(1, *), lanes: lanes)
        entries = [streaming(workload, interface, device, .rows(rowsPerTask: perTask))]
    case .success(.reduction(let reduction)): entries = reductions(workload, reduction, interface, device, lanes: lanes)
    case .success(.maps(let maps)):
        let shape = workload.definitions[maps.stored].type.shape
        let lines = lineCount(workload, shape, interface, device.kind.isa)
        let perTask = grain(lines, elementsPerStep: shape.reduce(1, *) / lines, lanes: lanes)
        entries = [streaming(workload, interface, device, .map(linesPerTask: perTask))]
    }
    return Ranked(entries: ranked(entries), rejections: counts.sorted)
}

/// By predicted time, ties by text: the same order on every host.
package func ranked(_ entries: [Ranked<Schedule>.Entry]) -> [Ranked<Schedule>.Entry] {
    entries.map { (entry: $0, text: $0.value.text) }
        .sorted { a, b in
            let (x, y) = (a.entry.prediction.ns, b.entry.prediction.ns)
            return x == y ? a.text < b.text : x < y
        }.map(\.entry)
}

/// Elements a streaming task handles at least: below this, entering a task costs more than it does.
private let taskElementsMin = 4096

/// Steps per task so that tasks are large enough and divide well among the lanes.
private func grain(_ total: Int, elementsPerStep: Int, lanes: Int) -> Int {
    let smallest = max(1, ceilDivide(taskElementsMin, max(elementsPerStep, 1)))
    let even = ceilDivide(total, max(lanes, 1) * 4)
    return min(total, max(smallest, lanes == 1 ? min(total, smallest * 4) : even))
}

private func streaming(
    _ workload: Workload, _ interface: Interface, _ device: Device, _ nest: Nest
) -> Ranked<Schedule>.Entry {
    let schedule = Schedule(
        isa: device.kind.isa, interface: interface, algorithm: .direct,
        prepares: innermostPrepares(workload, interface), connects: registerConnects(workload), nest: nest)
    return .init(value: schedule, prediction: predict(workload, schedule, device))
}

private func reductions(
    _ workload: Workload, _ structure: ReductionStructure, _ interface: Interface, _ device: Device, lanes: Int
) -> [Ranked<Schedule>.Entry] {
    let anchor = workload.definitions[structure.anchor]
    let terms = anchor.reductionExtents.reduce(1, *)
    let points = anchor.type.elements
    let lines = interface.isRowMajor ? nil : lineCount(workload, anchor.type.shape, interface, device.kind.isa)
    let width = lines.map { points / $0 } ?? anchor.type.shape.last ?? 1
    var out: [Ranked<Schedule>.Entry] = []
    if interface.isRowMajor, structure.reducesContiguousAxis || width < device.kind.isa.vectorWidth {
        let perTask = grain(points, elementsPerStep: terms, lanes: lanes)
        out.append(streaming(workload, interface, device, .reduceInner(pointsPerTask: perTask)))
    }
    if !structure.reducesContiguousAxis, anchor.type.rank > 0 {
        let perTask = grain(points / width, elementsPerStep: width * terms, lanes: lanes)
        for unrolled in [true, false] where !unrolled || terms <= unrolledTermsMax {
            out.append(
                streaming(
                    workload, interface, device, .reduceOuter(linesPerTask: perTask, unrolled: unrolled)))
        }
    }
    return out
}

/// Lines of a result: what a streaming task counts. In maps a line is one of a map, all channels or one block of them.
private func lineCount(_ workload: Workload, _ shape: [Int], _ interface: Interface, _ isa: ISA) -> Int {
    if interface.isRowMajor { return shape.dropLast().reduce(1, *) }
    return ChannelGrid(workload, interface, isa).lines
}

/// Every definition hands its tile to the next one in registers or in the row's scratch.
func registerConnects(_ workload: Workload) -> [Connect] {
    let first = workload.parameters.count
    return workload.definitions.enumerated().flatMap { d, definition in
        definition.slotsRead.filter { $0 >= first }.sorted().map { Connect(from: $0, to: first + d, kind: .register) }
    }
}
