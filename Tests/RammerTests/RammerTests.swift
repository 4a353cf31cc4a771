// The memory plan against numbers worked out by hand, and as a property over random task graphs: what lives at the
// same time never shares bytes, seen from the plan, from the program's own checker and from running it.

import Basics
import ProgramIR
import TensorIR
import Testing

@testable import Rammer

/// A kernel that reads all operands but the last, which it writes.
private func kernel(_ name: String, _ bytes: [Int], phases: [Int] = [1], scratch: Int = 0) -> TaskGraph.KernelType {
    TaskGraph.KernelType(
        use: KernelUse(name: name, digest: Digest(of: name), phases: phases, operandBytes: bytes),
        scratchBytes: scratch, writes: bytes.indices.map { $0 == bytes.count - 1 })
}

private func intermediates(_ bytes: [Int]) -> [TaskGraph.Value] { bytes.map { .init(bytes: $0, place: nil) } }

@Suite struct RammerTests {
    @Test func bestFitInLinesOf64() {
        // 100, then 50; the first goes; 40 takes its place; 90 does not fit into what is left of it
        let graph = TaskGraph(
            kernels: [
                kernel("k0", [100]), kernel("k1", [100, 50]), kernel("k2", [40]), kernel("k3", [50, 40, 90]),
            ],
            values: intermediates([100, 50, 40, 90]),
            calls: [
                .init(kernel: 0, operands: [0]), .init(kernel: 1, operands: [0, 1]), .init(kernel: 2, operands: [2]),
                .init(kernel: 3, operands: [1, 2, 3]),
            ])
        let plan = planMemory(graph)
        #expect(plan.offsets == [0: 0, 1: 128, 2: 0, 3: 192])
        #expect(plan.bytes == 320)
    }

    @Test func theTightestGapWins() {
        // gaps of 192 and 64 bytes are free when 60 bytes are asked for
        let sizes = [192, 64, 64, 64, 60]
        let graph = TaskGraph(
            kernels: [kernel("k0", sizes.dropLast()), kernel("k1", [64, 64, 60])], values: intermediates(sizes),
            calls: [.init(kernel: 0, operands: [0, 1, 2, 3]), .init(kernel: 1, operands: [1, 3, 4])])
        let plan = planMemory(graph)
        #expect(plan.offsets == [0: 0, 1: 192, 2: 256, 3: 320, 4: 256])
        #expect(plan.bytes == 384)
    }

    @Test func whatTheCallerOwnsTakesNoArena() {
        let graph = TaskGraph(
            kernels: [kernel("k", [16, 16, 16])],
            values: [
                .init(bytes: 16, place: .input(0)), .init(bytes: 16, place: .constant(0, Digest(of: "c"))),
                .init(bytes: 16, place: .output(0)),
            ], calls: [.init(kernel: 0, operands: [0, 1, 2])])
        let plan = planMemory(graph)
        #expect(plan.offsets.isEmpty && plan.bytes == 0)
        let program = schedule(graph)
        #expect(program.arenaBytes == 0)
        #expect(program.buffers.map(\.place) == [.input(0), .output(0), .constant(0, Digest(of: "c"))])
    }

    @Test func aChainNeedsTwoBuffers() {
        // v0 -> v1 -> v2 -> …: only neighbours live at the same time
        let count = 20
        let graph = TaskGraph(
            kernels: [kernel("k", [1000, 1000])], values: intermediates([Int](repeating: 1000, count: count + 1)),
            calls: (0..<count).map { .init(kernel: 0, operands: [$0, $0 + 1]) })
        #expect(planMemory(graph).bytes == 2048)
    }

    @Test func everyPhaseRunsInOrderWithAllItsTasks() throws {
        let graph = TaskGraph(
            kernels: [
                kernel("a", [8, 8], phases: [3, 5], scratch: 640), kernel("b", [8, 8], phases: [1], scratch: 64),
            ],
            values: [
                .init(bytes: 8, place: .input(0)), .init(bytes: 8, place: nil), .init(bytes: 8, place: .output(0)),
            ],
            calls: [.init(kernel: 0, operands: [0, 1]), .init(kernel: 1, operands: [1, 2])])
        let program = schedule(graph)
        try program.verify()
        #expect(program.scratchBytes == 640)
        let runs = program.lanes[0].map { step -> String in
            guard case .run(let kernel, let phase, let from, let to, _) = step else { return "other" }
            return "\(kernel).\(phase) \(from)..<\(to)"
        }
        #expect(runs == ["0.0 0..<3", "0.1 0..<5", "1.0 0..<1"])
    }

    @Test func unreadInputsKeepTheirNumbers() throws {
        let graph = TaskGraph(
            kernels: [kernel("k", [8, 8])],
            values: [
                .init(bytes: 4, place: .input(0)), .init(bytes: 8, place: .input(1)),
                .init(bytes: 8, place: .output(0)),
            ], calls: [.init(kernel: 0, operands: [1, 2])])
        let program = schedule(graph)
        try program.verify()
        #expect(program.buffers.map(\.place) == [.input(0), .input(1), .output(0)])
        #expect(try Program(parsing: program.text) == program)
    }
}

// MARK: random task graphs

private func randomGraph(_ seed: UInt64) -> TaskGraph {
    var random = SeededRandom(seed: seed)
    func size() -> Int { [1, 4, 60, 64, 65, 100, 256, 1000][random.below(8)] }
    let (inputs, constants, outputs) = (1 + random.below(2), random.below(3), 1 + random.below(2))
    var values = (0..<inputs).map { TaskGraph.Value(bytes: size(), place: .input($0)) }
    values += (0..<constants).map { TaskGraph.Value(bytes: size(), place: .constant($0, Digest(of: "c\($0)"))) }
    var kernels: [TaskGraph.KernelType] = []
    var calls: [TaskGraph.Call] = []
    let count = outputs + random.below(14)
    for n in 0..<count {
        let reads = (0..<1 + random.below(3)).map { _ in
            random.below(2) == 0 ? max(0, values.count - 1 - random.below(3)) : random.below(values.count)
        }
        let isOutput = n >= count - outputs
        values.append(.init(bytes: size(), place: isOutput ? .output(n - (count - outputs)) : nil))
        let operands = reads + [values.count - 1]
        let phases = (0..<1 + random.below(2)).map { _ in 1 + random.below(4) }
        kernels.append(kernel("k\(n)", operands.map { values[$0].bytes }, phases: phases))
        calls.append(.init(kernel: n, operands: operands))
    }
    return TaskGraph(kernels: kernels, values: values, calls: calls)
}

@Suite struct RandomTaskGraphTests {
    @Test func whatLivesTogetherSharesNoByte() throws {
        var shared = 0
        for seed in 0..<300 {
            let graph = randomGraph(UInt64(seed))
            let plan = planMemory(graph)
            var life: [Int: ClosedRange<Int>] = [:]
            for (at, call) in graph.calls.enumerated() {
                for value in call.operands where graph.values[value].place == nil {
                    life[value] = (life[value]?.lowerBound ?? at)...at
                }
            }
            #expect(Set(plan.offsets.keys) == Set(life.keys))
            for (a, x) in plan.offsets {
                #expect(x % arenaAlignmentBytes == 0)
                #expect(x + graph.values[a].bytes <= plan.bytes)
                for (b, y) in plan.offsets where a < b {
                    let bytesMeet = x < y + graph.values[b].bytes && y < x + graph.values[a].bytes
                    if let p = life[a], let q = life[b], p.overlaps(q) {
                        #expect(!bytesMeet, "seed \(seed): values \(a) and \(b)")
                    } else if bytesMeet {
                        shared += 1
                    }
                }
            }
            let sum = plan.offsets.keys.reduce(0) { $0 + (graph.values[$1].bytes + 63) / 64 * 64 }
            #expect(plan.bytes <= sum)
            #expect(planMemory(graph).offsets == plan.offsets)
        }
        #expect(shared > 100)
    }

    @Test func programsVerifyAndTheirArenaIsSound() throws {
        for seed in 0..<300 {
            let program = schedule(randomGraph(UInt64(seed)))
            try program.verify()
            #expect(program.checkArena() == .conflicts([]), "seed \(seed)")
            #expect(try Program(parsing: program.text) == program)
        }
    }

    /// Every kernel writes its call's number into its result and expects in what it reads what was last written there.
    @Test func everyCallReadsWhatItsProducerWrote() throws {
        for seed in 0..<300 {
            let graph = randomGraph(UInt64(seed))
            let program = schedule(graph)
            let inputs = graph.values.compactMap { value -> [UInt8]? in
                guard case .input? = value.place else { return nil }
                return [UInt8](repeating: 200, count: value.bytes)
            }
            let constants = graph.values.compactMap { value -> [UInt8]? in
                guard case .constant? = value.place else { return nil }
                return [UInt8](repeating: 201, count: value.bytes)
            }
            var writer: [Int: UInt8] = [:]
            for (value, known) in graph.values.enumerated() {
                if case .input? = known.place { writer[value] = 200 }
                if case .constant? = known.place { writer[value] = 201 }
            }
            var memory = ProgramMemory(program, inputs: inputs, constants: constants)
            var wrong = 0
            try program.execute(&memory) { (call: PhaseCall, bytes: [UnsafeMutableRawBufferPointer]) throws(RunError) in
                // the n-th kernel is called by the n-th call
                let operands = graph.calls[call.kernel].operands
                for (value, range) in zip(operands, bytes).dropLast() where !range.allSatisfy({ $0 == writer[value] }) {
                    wrong += 1
                }
                let lastPhase = graph.kernels[call.kernel].use.phases.count - 1
                guard call.phase == lastPhase, let out = bytes.last else { return }
                for at in out.indices { out[at] = UInt8(call.kernel + 1) }
                writer[operands[operands.count - 1]] = UInt8(call.kernel + 1)
            }
            #expect(wrong == 0, "seed \(seed)")
        }
    }
}

private enum RunError: Error {}
