// The interleaving checker: runs a program many times with its lanes interleaved at random, one step at a time, and
// finds deadlocks and races. Races are found by happens-before, not by luck: a wait for `counter >= v` is ordered
// after the first publish that reaches v and after nothing later, so one run over a step finds every race of it with
// the steps before, whatever the interleaving was. Random orders are for control flow that depends on loaded data.

import Basics

/// Which bytes of an operand, counted from its address, a call may read and write.
package struct OperandAccess: Hashable, Sendable {
    package var reads: [Range<Int>]
    package var writes: [Range<Int>]

    package init(reads: [Range<Int>] = [], writes: [Range<Int>] = []) {
        self.reads = reads
        self.writes = writes
    }
}

extension Program {
    /// Explores `runs` interleavings from the same memory. `accesses` tells what a call touches of operand n; `run`
    /// may execute kernels, which is needed only where control flow depends on their results.
    /// - Returns: the steps and ends of blocks passed in all runs.
    /// - Throws: the first race, deadlock or other trap.
    @discardableResult
    package func checkInterleavings<E: Error>(
        _ memory: ProgramMemory, seed: UInt64, runs: Int, stepsMax: Int = Program.stepsMax,
        accesses: @escaping (PhaseCall, Int) -> OperandAccess,
        _ run: (PhaseCall, [UnsafeMutableRawBufferPointer]) throws(E) -> Void
    ) throws(ProgramTrap) -> Int {
        var random = SeededRandom(seed: seed)
        var steps = 0
        for _ in 0..<runs {
            let detector = RaceDetector(lanes: lanes.count, counters: counters, accesses: accesses)
            var execution = Execution(self, memory, stepsMax: stepsMax, detector: detector)
            steps += try execution.run(.random(seed: random.next()), run)
        }
        return steps
    }

    /// The same with kernels that do nothing, over memory of zeros.
    @discardableResult
    package func checkInterleavings(
        seed: UInt64, runs: Int, accesses: @escaping (PhaseCall, Int) -> OperandAccess
    ) throws(ProgramTrap) -> Int {
        try checkInterleavings(ProgramMemory(zerosFor: self), seed: seed, runs: runs, accesses: accesses) { _, _ in }
    }
}

extension ProgramMemory {
    /// Inputs and constants as large as the program's buffers, all zero.
    package init(zerosFor program: Program) {
        var inputs: [Int] = []
        var constants: [Int] = []
        func grow(_ sizes: inout [Int], _ n: Int, _ bytes: Int) {
            while sizes.count <= n { sizes.append(0) }
            sizes[n] = max(sizes[n], bytes)
        }
        for buffer in program.buffers {
            switch buffer.place {
            case .input(let n): grow(&inputs, n, buffer.bytes)
            case .constant(let n, _): grow(&constants, n, buffer.bytes)
            case .output, .arena: break
            }
        }
        self.init(
            program, inputs: inputs.map { [UInt8](repeating: 0, count: $0) },
            constants: constants.map { [UInt8](repeating: 0, count: $0) })
    }
}

/// Vector clocks over lanes. A lane's own entry grows with every publish, so "did M's access come before?" is one
/// comparison: its entry at that time against what this lane knows of M.
struct RaceDetector {
    private struct Access {
        var range: Range<Int>
        var touch: ProgramTrap.Touch
        var epoch: Int
    }

    let accesses: (PhaseCall, Int) -> OperandAccess
    private var clocks: [[Int]]
    /// Accesses of each lane, epochs rising.
    private var history: [[Access]]
    /// Publishes of each counter, values rising.
    private var published: [[(value: Int64, clock: [Int])]]

    init(lanes: Int, counters: Int, accesses: @escaping (PhaseCall, Int) -> OperandAccess) {
        self.accesses = accesses
        clocks = (0..<lanes).map { lane in (0..<lanes).map { $0 == lane ? 1 : 0 } }
        history = [[Access]](repeating: [], count: lanes)
        published = [[(value: Int64, clock: [Int])]](repeating: [], count: counters)
    }

    mutating func publish(_ lane: Int, _ counter: Int, _ value: Int64) {
        published[counter].append((value, clocks[lane]))
        clocks[lane][lane] += 1
    }

    mutating func wait(_ lane: Int, _ counter: Int, _ value: Int64) {
        guard value > 0, let first = published[counter].first(where: { $0.value >= value }) else { return }
        for other in clocks[lane].indices where other != lane {
            clocks[lane][other] = max(clocks[lane][other], first.clock[other])
        }
    }

    /// Notes an access; gives an access of another lane that it races with, if there is one.
    mutating func touch(_ range: Range<Int>, _ touch: ProgramTrap.Touch) -> ProgramTrap.Touch? {
        let lane = touch.lane
        for other in history.indices where other != lane {
            for access in history[other].reversed() {
                if access.epoch <= clocks[lane][other] { break }
                if access.range.overlaps(range), access.touch.writes || touch.writes { return access.touch }
            }
        }
        history[lane].append(Access(range: range, touch: touch, epoch: clocks[lane][lane]))
        return nil
    }
}
