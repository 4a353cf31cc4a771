// Rammer: from a task graph to the static program of its lanes. In five steps: the phases of the calls as grids, grids
// on lanes in estimated time, buffers in the arena by that time, waits between lanes, and the steps of each lane. On
// one lane that is every phase of every call in order and no counter. Nothing is decided while a program runs.

import ProgramIR
import TensorIR

/// The static program of `graph` on at most `lanes` lanes; lanes that would have nothing to do are left out.
/// Lane n publishes counter n, and waits are only where a dependence crosses lanes.
/// - Paper: Rammer (OSDI 2020) 4.1 to 4.3; deviations in docs/compilers/rammer.md.
package func schedule(_ graph: TaskGraph, lanes: Int = 1) -> Program {
    precondition(lanes >= 1, "a program has a lane")
    let grids = grids(of: graph, lanes: lanes)
    let placement = withoutIdleLanes(place(grids, lanes: lanes))
    let used = (placement.pieces.map(\.lane).max() ?? 0) + 1
    let plan = planMemory(graph, lifetimes(graph, grids, placement))
    let waits = waits(placement, grids, graph, offsets: plan.offsets, lanes: used)
    var buffers = BufferTable(graph, offsets: plan.offsets)
    let steps = steps(placement, waits, grids, graph, &buffers, lanes: used)
    return Program(
        kernels: graph.kernels.map(\.use), buffers: buffers.buffers, scalars: ControlSteps.scalars(graph.calls),
        counters: used == 1 ? 0 : used, frames: 0, routines: [], lanes: steps, arenaBytes: plan.bytes,
        scratchBytes: graph.kernels.map(\.scratchBytes).max() ?? 0)
}

/// The same pieces on lanes without a gap in their numbers.
private func withoutIdleLanes(_ placement: Placement) -> Placement {
    var out = placement
    let used = Set(placement.pieces.map(\.lane)).sorted()
    let number = Dictionary(uniqueKeysWithValues: used.enumerated().map { ($1, $0) })
    for index in out.pieces.indices { out.pieces[index].lane = number[out.pieces[index].lane] ?? 0 }
    return out
}

/// From the start of a value's first access to the end of its last.
private func lifetimes(_ graph: TaskGraph, _ grids: [Grid], _ placement: Placement) -> [Lifetime?] {
    var lives = [Lifetime?](repeating: nil, count: graph.values.count)
    for piece in placement.pieces {
        for value in graph.calls[grids[piece.grid].call].operands {
            let life = lives[value] ?? Lifetime(start: piece.start, end: piece.end)
            lives[value] = Lifetime(start: min(life.start, piece.start), end: max(life.end, piece.end))
        }
    }
    return lives
}

/// Buffers of the program, in the order in which they come up.
private struct BufferTable {
    private(set) var buffers: [ProgramBuffer] = []
    private var position: [Int: Int] = [:]
    private let graph: TaskGraph
    private let offsets: [Int: Int]

    init(_ graph: TaskGraph, offsets: [Int: Int]) {
        self.graph = graph
        self.offsets = offsets
        // inputs and outputs keep their numbers even when nothing reads them
        for (value, type) in graph.values.enumerated() {
            switch type.place {
            case .input, .output: _ = number(of: value)
            case .constant, .arena, nil: break
            }
        }
    }

    mutating func number(of value: Int) -> Int {
        if let known = position[value] { return known }
        let type = graph.values[value]
        let place = type.place ?? .arena(offset: offsets[value] ?? 0)
        position[value] = buffers.count
        buffers.append(ProgramBuffer(bytes: type.bytes, place: place))
        return buffers.count - 1
    }
}

/// The steps of each lane: what a piece waits for, its run, and a publication where another lane waits for it.
private func steps(
    _ placement: Placement, _ waits: [[Int]], _ grids: [Grid], _ graph: TaskGraph, _ buffers: inout BufferTable,
    lanes: Int
) -> [[Step]] {
    // a counter counts the pieces of its lane that somebody waits for
    var awaited = [Set<Int>](repeating: [], count: lanes)
    for wait in waits {
        for (lane, count) in wait.enumerated() where count > 0 { awaited[lane].insert(count) }
    }
    let values = awaited.map { counts in
        Dictionary(uniqueKeysWithValues: counts.sorted().enumerated().map { ($1, $0 + 1) })
    }
    var done = [Int](repeating: 0, count: lanes)
    var steps = [[Step]](repeating: [], count: lanes)
    for (index, piece) in placement.pieces.enumerated() {
        let grid = grids[piece.grid]
        let call = graph.calls[grid.call]
        for (lane, count) in waits[index].enumerated() {
            guard let value = values[lane][count] else { continue }
            steps[piece.lane].append(.wait(counter: lane, .integer(value)))
        }
        switch call.work {
        case .kernel(let kernel):
            let operands = call.operands.map { Address(buffer: buffers.number(of: $0)) }
            steps[piece.lane].append(
                .run(
                    kernel: kernel, phase: grid.phase, from: .integer(piece.tasks.lowerBound),
                    to: .integer(piece.tasks.upperBound), operands: operands))
        case .loop, .branch:
            let number = Dictionary(
                uniqueKeysWithValues: call.operands.map { ($0, buffers.number(of: $0)) })
            steps[piece.lane] += ControlSteps(graph, buffers: number).steps(call, depth: 0)
        }
        done[piece.lane] += 1
        if let value = values[piece.lane][done[piece.lane]] {
            steps[piece.lane].append(.publish(counter: piece.lane, .integer(value)))
        }
    }
    return steps
}
