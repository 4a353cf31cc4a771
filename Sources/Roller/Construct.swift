// Roller's answer to "which tile fits this device exactly": schedules of a canonical workload, best predicted first.
// Roots (algorithm × register tile) partition the search space; `construct` over any grouping of the roots gives the
// same union, because the number kept per root is fixed.
//
// In:  a canonical workload, an interface, a device, lanes, limits, and which roots (all when nil).
// Out: at most `perRoot` schedules per root, ranked, and why other tiles were left aside.

import DeviceModel
import Schedules
import TensorIR

package struct ConstructLimits: Hashable, Sendable {
    /// Schedules kept per root; part of the search space's definition, never adapted to load.
    package var perRoot: Int
    package init(perRoot: Int = 3) { self.perRoot = perRoot }
}

/// Grows whenever construction or its model finds other schedules than before: records of older searches do not count.
package let constructVersion = 2

/// The roots of a workload's search space; streaming templates have the single root `direct 1x1`.
package func roots(_ workload: Workload, _ device: Device) -> [Root] {
    guard case .success(.contraction(let c)) = workload.structure() else {
        return [Root(algorithm: .direct, microRows: 1, microColumns: 1)]
    }
    let extents = workload.definitions[c.anchor].axisExtents
    func product(_ axes: [Int]) -> Int { axes.reduce(1) { $0 * extents[$1] } }
    return contractionRoots(rows: product(c.rows), columns: product(c.columns), device: device) { _ in }
}

package func construct(
    _ workload: Workload, _ interface: Interface, _ device: Device, lanes: Int = 1, _ limits: ConstructLimits,
    roots chosen: [Root]? = nil
) -> Ranked<Schedule> {
    var counts = RejectionCounts()
    var entries: [Ranked<Schedule>.Entry] = []
    switch workload.structure() {
    case .failure: break
    case .success(.contraction(let c)):
        for root in chosen ?? roots(workload, device) {
            let nests = contractionNests(workload, c, root, device, lanes: lanes) { counts.add($0) }
            let made = nests.map { nest -> Ranked<Schedule>.Entry in
                let schedule = contractionSchedule(workload, c, nest, interface, device)
                return .init(value: schedule, prediction: predict(workload, schedule, device))
            }
            entries += ranked(made).prefix(limits.perRoot)
        }
        if chosen == nil {
            let extents = workload.definitions[c.anchor].axisExtents
            func product(_ axes: [Int]) -> Int { axes.reduce(1) { $0 * extents[$1] } }
            _ = contractionRoots(rows: product(c.rows), columns: product(c.columns), device: device) { counts.add($0) }
        }
    case .success(.rows(let rows)):
        let total = rows.rowExtents.reduce(1, *)
        let perTask = grain(total, elementsPerStep: rows.columnExtents.reduce(1, *), lanes: lanes)
        entries = [streaming(workload, interface, device, .rows(rowsPerTask: perTask))]
    case .success(.reduction(let reduction)): entries = reductions(workload, reduction, interface, device, lanes: lanes)
    case .success(.maps(let maps)):
        let shape = workload.definitions[maps.stored].type.shape
        let lines = shape.dropLast().reduce(1, *)
        let perTask = grain(lines, elementsPerStep: shape.last ?? 1, lanes: lanes)
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
        isa: device.kind.isa, interface: interface, algorithm: .direct, prepares: [],
        connects: registerConnects(workload), nest: nest)
    return .init(value: schedule, prediction: predict(workload, schedule, device))
}

private func reductions(
    _ workload: Workload, _ structure: ReductionStructure, _ interface: Interface, _ device: Device, lanes: Int
) -> [Ranked<Schedule>.Entry] {
    let anchor = workload.definitions[structure.anchor]
    let terms = anchor.reductionExtents.reduce(1, *)
    let points = anchor.type.elements
    let width = anchor.type.shape.last ?? 1
    var out: [Ranked<Schedule>.Entry] = []
    if structure.reducesContiguousAxis || width < device.kind.isa.vectorWidth {
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

/// Every definition hands its tile to the next one in registers or in the row's scratch.
private func registerConnects(_ workload: Workload) -> [Connect] {
    let first = workload.parameters.count
    return workload.definitions.enumerated().flatMap { d, definition in
        definition.slotsRead.filter { $0 >= first }.sorted().map { Connect(from: $0, to: first + d, kind: .register) }
    }
}
