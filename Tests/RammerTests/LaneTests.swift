// Programs of several lanes: what is split and what is not, where waits stand, and as a property over random task
// graphs: the verifier accepts them, no interleaving races or hangs, every call reads what its producers wrote, and no
// wait is there for nothing.

import Basics
import ProgramIR
import TensorIR
import Testing

@testable import Rammer

private func kernel(_ name: String, _ bytes: [Int], phases: [Int] = [8]) -> TaskGraph.KernelType {
    TaskGraph.KernelType(
        use: KernelUse(name: name, digest: Digest(of: name), phases: phases, operandBytes: bytes), scratchBytes: 0,
        writes: bytes.indices.map { $0 == bytes.count - 1 })
}

/// input -> calls of `ns` nanoseconds one after the other -> output, 8 tasks each
private func chain(_ ns: [Double], phases: [Int] = [8]) -> TaskGraph {
    let inner = ns.count - 1
    let values =
        [TaskGraph.Value(bytes: 512, place: .input(0))]
        + (0..<inner).map { _ in TaskGraph.Value(bytes: 512, place: nil) }
        + [TaskGraph.Value(bytes: 512, place: .output(0))]
    return TaskGraph(
        kernels: [kernel("k", [512, 512], phases: phases)], values: values,
        calls: ns.enumerated().map { .init(kernel: 0, operands: [$0, $0 + 1], ns: $1) })
}

private func lines(_ program: Program) -> [String] {
    program.lanes.enumerated().flatMap { lane, steps in
        steps.map { step in
            switch step {
            case .run(let kernel, let phase, let from, let to, _):
                "\(lane): run \(kernel).\(phase) \(from)..<\(to)"
            case .wait(let counter, let value): "\(lane): wait \(counter) \(value)"
            case .publish(let counter, let value): "\(lane): publish \(counter) \(value)"
            case .load, .set, .loop, .branch, .call, .stopIf: "\(lane): other"
            }
        }
    }
}

@Suite struct LaneTests {
    @Test func aPhaseIsSplitInBalancedRangesWhenThatPays() {
        #expect(shares(8, ns: 1000, lanes: 2) == 2)
        #expect(shares(8, ns: 999, lanes: 2) == 1)
        #expect(shares(8, ns: 1600, lanes: 4) == 3)
        #expect(shares(2, ns: 1e9, lanes: 4) == 2)
        #expect(shares(8, ns: 0, lanes: 4) == 4)
        #expect(shares(1, ns: 0, lanes: 4) == 1)
        let program = schedule(chain([1e4], phases: [7]), lanes: 3)
        #expect(lines(program) == ["0: run 0.0 0..<2", "1: run 0.0 2..<4", "2: run 0.0 4..<7"])
        #expect(program.counters == 3)
    }

    @Test func aChainOfSplitCallsWaitsForTheOtherLaneOnly() {
        let program = schedule(chain([1e4, 1e4]), lanes: 2)
        #expect(
            lines(program) == [
                "0: run 0.0 0..<4", "0: publish 0 1", "0: wait 1 1", "0: run 0.0 0..<4",
                "1: run 0.0 4..<8", "1: publish 1 1", "1: wait 0 1", "1: run 0.0 4..<8",
            ])
    }

    @Test func whatIsShortStaysOnOneLaneWhichIsAllThereIs() throws {
        let graph = chain([400, 300, 900, 100])
        let program = schedule(graph, lanes: 2)
        #expect(program.lanes.count == 1 && program.counters == 0)
        #expect(program == schedule(graph))
    }

    @Test func shortCallsBetweenLongOnesAreWaitedForOnce() {
        let program = schedule(chain([1e4, 200, 200, 1e4]), lanes: 2)
        #expect(lines(program).filter { $0.contains("wait") } == ["0: wait 1 1", "1: wait 0 1"])
        #expect(lines(program).filter { $0.contains("publish") } == ["0: publish 0 1", "1: publish 1 1"])
    }

    @Test func independentShortChainsRunBesideEachOther() throws {
        // two chains of three calls that share nothing, one after the other in the graph
        var graph = chain([800, 800, 800])
        let second = chain([800, 800, 800])
        let shift = graph.values.count
        graph.values += second.values.map { value in
            switch value.place {
            case .input?: .init(bytes: value.bytes, place: .input(1))
            case .output?: .init(bytes: value.bytes, place: .output(1))
            case .constant?, .arena?, nil: value
            }
        }
        graph.calls += second.calls.map { call in
            .init(kernel: 0, operands: call.operands.map { $0 + shift }, ns: call.ns)
        }
        let program = schedule(graph, lanes: 2)
        try program.verify()
        #expect(program.lanes.map(\.count) == [3, 3])
        #expect(!lines(program).contains { $0.contains("wait") })
        // memory follows the schedule: the chains live at the same time
        #expect(program.arenaBytes == 4 * 512)
        #expect(schedule(graph).arenaBytes == 2 * 512)
    }

    @Test func theLongestWayGoesFirstWhereThatShortensTheRun() {
        // three short calls stand before a long chain; in their order the chain would start late
        var values = [TaskGraph.Value(bytes: 64, place: .input(0))]
        var calls: [TaskGraph.Call] = []
        func call(_ from: Int, ns: Double) -> Int {
            values.append(.init(bytes: 64, place: nil))
            calls.append(.init(kernel: 0, operands: [from, values.count - 1], ns: ns))
            return values.count - 1
        }
        for _ in 0..<4 { _ = call(0, ns: 900) }
        var last = 0
        for _ in 0..<4 { last = call(last, ns: 900) }
        let graph = TaskGraph(kernels: [kernel("k", [64, 64])], values: values, calls: calls)
        let grids = grids(of: graph, lanes: 2)
        // in the order of the calls the chain would begin at 1800 and end at 5400
        #expect(place(grids, lanes: 2).endNs == 3800)
        #expect(place(grids, lanes: 1).endNs == 7200)
        #expect(place(grids, lanes: 1).pieces.map(\.grid) == Array(0..<8))
    }

    @Test func anArenaRangeThatIsGivenAwayIsWaitedFor() throws {
        // v1 is read on lane 0 while lane 1 is ahead; whoever gets its bytes must wait for that read
        for seed in 0..<200 {
            let graph = RandomLaneGraph(seed: UInt64(seed)).graph
            let program = schedule(graph, lanes: 3)
            let sum = graph.values.reduce(0) { $0 + ($1.place == nil ? ($1.bytes + 63) / 64 * 64 : 0) }
            #expect(program.arenaBytes <= sum)
        }
        #expect(
            (0..<200).contains { seed in
                let graph = RandomLaneGraph(seed: UInt64(seed)).graph
                let sum = graph.values.reduce(0) { $0 + ($1.place == nil ? ($1.bytes + 63) / 64 * 64 : 0) }
                return schedule(graph, lanes: 3).arenaBytes < sum
            })
    }
}

/// A graph of kernels with one or two phases: the first writes a temporary and the second makes the result of it.
struct RandomLaneGraph {
    private(set) var graph: TaskGraph

    init(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        func bytes() -> Int { 8 * [1, 8, 9, 24, 64][random.below(5)] }
        var values = (0..<1 + random.below(2)).map { TaskGraph.Value(bytes: bytes(), place: .input($0)) }
        values.append(.init(bytes: bytes(), place: .constant(0, Digest(of: "c"))))
        var kernels: [TaskGraph.KernelType] = []
        var calls: [TaskGraph.Call] = []
        let outputs = 1 + random.below(2)
        let count = outputs + random.below(12)
        for n in 0..<count {
            let reads = (0..<1 + random.below(3)).map { _ in
                random.below(2) == 0 ? max(0, values.count - 1 - random.below(4)) : random.below(values.count)
            }
            let isTwoPhase = random.below(3) == 0
            if isTwoPhase { values.append(.init(bytes: bytes(), place: nil)) }
            let isOutput = n >= count - outputs
            values.append(.init(bytes: bytes(), place: isOutput ? .output(n - (count - outputs)) : nil))
            let written = isTwoPhase ? [values.count - 2, values.count - 1] : [values.count - 1]
            let operands = reads + written
            let phases = (0..<written.count).map { _ in 1 + random.below(8) }
            kernels.append(
                TaskGraph.KernelType(
                    use: KernelUse(
                        name: "k\(n)", digest: Digest(of: "k\(n)"), phases: phases,
                        operandBytes: operands.map { values[$0].bytes }),
                    scratchBytes: 0, writes: operands.indices.map { $0 >= reads.count }))
            let ns = [0, 100, 700, 1500, 4000, 20000][random.below(6)]
            calls.append(.init(kernel: n, operands: operands, ns: Double(ns)))
        }
        graph = TaskGraph(kernels: kernels, values: values, calls: calls)
    }

    /// What a call touches: tasks share what their phase writes among themselves and read everything before it.
    func accesses(_ call: PhaseCall, _ operand: Int) -> OperandAccess {
        let kernel = graph.kernels[call.kernel]
        let written = kernel.writes.firstIndex(of: true) ?? 0
        let bytes = kernel.use.operandBytes[operand]
        if operand < written { return OperandAccess(reads: [0..<bytes]) }
        if operand == written + call.phase {
            let tasks = kernel.use.phases[call.phase]
            let range = (call.tasks.lowerBound * bytes / tasks)..<(call.tasks.upperBound * bytes / tasks)
            return OperandAccess(writes: [range])
        }
        return operand < written + call.phase ? OperandAccess(reads: [0..<bytes]) : OperandAccess()
    }
}

@Suite struct RandomLaneTests {
    private let graphs = (0..<150).map { RandomLaneGraph(seed: UInt64($0)) }

    @Test func programsOfSeveralLanesVerifyAndNoInterleavingRacesOrHangs() throws {
        var crossing = 0
        for (seed, random) in graphs.enumerated() {
            for lanes in 1...4 {
                let program = schedule(random.graph, lanes: lanes)
                try program.verify()
                #expect(program.lanes.count <= lanes)
                #expect(try Program(parsing: program.text) == program)
                #expect(program == schedule(random.graph, lanes: lanes))
                do {
                    try program.checkInterleavings(seed: UInt64(seed), runs: 4, accesses: random.accesses)
                } catch {
                    Issue.record("seed \(seed), \(lanes) lanes: \(error.sentence)\n\(program.text)")
                }
                crossing += waitsOf(program).count
            }
        }
        #expect(crossing > 1000)
    }

    @Test func everyTaskRunsOnceAfterThePhaseBeforeIt() {
        for random in graphs {
            for lanes in 1...4 {
                let program = schedule(random.graph, lanes: lanes)
                var tasks: [[Int]: Int] = [:]
                for steps in program.lanes {
                    for case .run(let kernel, let phase, .literal(let from), .literal(let to), _) in steps {
                        #expect(from.integer < to.integer)
                        tasks[[kernel, phase], default: 0] += Int(to.integer - from.integer)
                    }
                }
                for (n, kernel) in random.graph.kernels.enumerated() {
                    #expect(kernel.use.phases.indices.map { tasks[[n, $0]] ?? 0 } == kernel.use.phases)
                }
            }
        }
    }

    @Test func aWaitThatIsTakenAwayIsFound() {
        var removed = 0
        var missed = 0
        for random in graphs.prefix(60) {
            let program = schedule(random.graph, lanes: 3)
            for (lane, step) in waitsOf(program) {
                var broken = program
                broken.lanes[lane].remove(at: step)
                removed += 1
                do {
                    try broken.checkInterleavings(seed: 1, runs: 1, accesses: random.accesses)
                    missed += 1
                } catch {
                    if case .race = error.kind { continue }
                    Issue.record("no race but: \(error.sentence)")
                }
            }
        }
        // Waits are for whole buffers, and a range of so few bytes that a task writes none of them orders nothing.
        #expect(removed > 300)
        #expect(missed * 10 < removed, "\(missed) of \(removed) waits are not needed")
    }

    /// Each kernel writes its number where it writes and expects in what it reads the number of the last writer.
    @Test func everyCallReadsWhatItsProducersWrote() throws {
        for (seed, random) in graphs.enumerated() {
            let program = schedule(random.graph, lanes: 4)
            let memory = filled(program, random.graph)
            var wrong = 0
            try program.checkInterleavings(memory, seed: UInt64(seed), runs: 3, accesses: random.accesses) {
                (call: PhaseCall, bytes: [UnsafeMutableRawBufferPointer]) throws(Never) in
                let operands = random.graph.calls[call.kernel].operands
                for (operand, range) in bytes.enumerated() {
                    let access = random.accesses(call, operand)
                    if !access.reads.isEmpty {
                        let expected = writer(of: operands[operand], before: call, random.graph)
                        if !range.allSatisfy({ $0 == expected }) { wrong += 1 }
                    }
                    for part in access.writes { for at in part { range[at] = UInt8(call.kernel + 1) } }
                }
            }
            #expect(wrong == 0, "seed \(seed)")
        }
    }

    private func writer(of value: Int, before call: PhaseCall, _ graph: TaskGraph) -> UInt8 {
        switch graph.values[value].place {
        case .input?: return 200
        case .constant?: return 201
        case .output?, .arena?, nil: break
        }
        let maker = graph.calls.firstIndex { made in
            zip(made.operands, graph.writes(of: made)).contains { $0 == value && $1 }
        }
        return UInt8((maker ?? 0) + 1)
    }

    private func filled(_ program: Program, _ graph: TaskGraph) -> ProgramMemory {
        func bytes(_ isWanted: (ProgramBuffer.Place?) -> Bool, _ fill: UInt8) -> [[UInt8]] {
            graph.values.filter { isWanted($0.place) }.map { [UInt8](repeating: fill, count: $0.bytes) }
        }
        let inputs = bytes(
            { place in
                if case .input? = place { return true }
                return false
            }, 200)
        let constants = bytes(
            { place in
                if case .constant? = place { return true }
                return false
            }, 201)
        return ProgramMemory(program, inputs: inputs, constants: constants)
    }

    private func waitsOf(_ program: Program) -> [(lane: Int, step: Int)] {
        program.lanes.enumerated().flatMap { lane, steps in
            steps.enumerated().compactMap { at, step in
                if case .wait = step { return (lane, at) }
                return nil
            }
        }
    }
}
