// A task graph as grids, the things that are placed on lanes: one phase of one call each, with the grids it has to
// follow, an estimate of its time, and among how many lanes its tasks are worth splitting. In: a task graph. Out:
// grids in the order of the calls, in which every grid comes after those it follows.

import ProgramIR

/// One phase of one call.
struct Grid: Hashable, Sendable {
    var call: Int
    var phase: Int
    var tasks: Int
    /// Estimated time on one lane.
    var ns: Double
    /// Lanes among which its tasks are split.
    var shares: Int
    /// Grids that must have ended before this one starts, rising.
    var after: [Int]
}

enum LaneGrain {
    /// A phase is not split into parts that are shorter than this: a lane hears of another one after about 0.2 µs.
    static let splitNsMin = 500.0
    /// What a grid on another lane costs a grid that waits for it.
    static let crossingNs = 200.0
    /// Stands for the time of a call that nobody knows.
    static let unknownNs = 10_000.0
    /// Keeps time rising where a measurement says nothing.
    static let pieceNsMin = 1.0
}

/// The grids of `graph` for `lanes` lanes. Calls that touch a common value, one of them writing, stay in their order.
func grids(of graph: TaskGraph, lanes: Int) -> [Grid] {
    var out: [Grid] = []
    let storage = storages(of: graph)
    var writer = [Int?](repeating: nil, count: graph.values.count)
    var readers = [[Int]](repeating: [], count: graph.values.count)
    for (index, call) in graph.calls.enumerated() {
        let writes = graph.writes(of: call)
        var after: Set<Int> = []
        for (operand, value) in call.operands.enumerated() {
            let place = storage[value]
            if let writer = writer[place] { after.insert(writer) }
            if writes[operand] { after.formUnion(readers[place]) }
        }
        let phases = graph.phases(of: call)
        let allTasks = phases.reduce(0, +)
        let ns = call.ns > 0 ? call.ns : LaneGrain.unknownNs
        for (phase, tasks) in phases.enumerated() {
            let phaseNs = max(ns * Double(tasks) / Double(allTasks), LaneGrain.pieceNsMin)
            out.append(
                Grid(
                    call: index, phase: phase, tasks: tasks, ns: phaseNs,
                    shares: shares(tasks, ns: call.ns > 0 ? phaseNs : 0, lanes: lanes),
                    after: phase == 0 ? after.sorted() : [out.count - 1]))
        }
        let last = out.count - 1
        for (operand, value) in call.operands.enumerated() where !writes[operand] {
            readers[storage[value]].append(last)
        }
        for (operand, value) in call.operands.enumerated() where writes[operand] {
            writer[storage[value]] = last
            readers[storage[value]] = []
        }
    }
    return out
}

/// Lanes among which `tasks` tasks of together `ns` nanoseconds are split; a time of 0 is unknown and splits.
func shares(_ tasks: Int, ns: Double, lanes: Int) -> Int {
    let most = min(lanes, tasks)
    guard ns > 0 else { return most }
    return max(1, Int(min(Double(most), ns / LaneGrain.splitNsMin)))
}

/// For each value the first one that lies in the same place.
private func storages(of graph: TaskGraph) -> [Int] {
    var first: [ProgramBuffer.Place: Int] = [:]
    return graph.values.enumerated().map { index, value in
        guard let place = value.place else { return index }
        if let known = first[place] { return known }
        first[place] = index
        return index
    }
}
