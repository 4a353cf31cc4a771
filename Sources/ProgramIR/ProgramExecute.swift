// The program interpreter: takes one action of one lane at a time, in an order that the caller chooses, and calls a
// closure for kernels, so it needs to know nothing about them. Input: a verified program and its memory. Output: the
// memory afterwards, or the first trap. A race detector may watch.

import Basics
import TensorIR

/// Which of the lanes that can go on takes the next step.
package enum LaneOrder: Hashable, Sendable {
    /// The lowest one: a lane runs until it waits.
    case lowestFirst
    case random(seed: UInt64)
}

extension Program {
    /// Steps and ends of blocks of all lanes together after which a run is given up.
    package static let stepsMax = 10_000_000

    /// Runs the program. `run` executes tasks of a phase of a kernel on the bytes of its operands, one range per
    /// operand; ranges alias where addresses do.
    /// - Returns: the number of steps and ends of blocks passed.
    /// - Throws: addresses or tasks out of range, a counter that falls, too deep calls, a deadlock, or what `run`
    ///   threw.
    @discardableResult
    package func execute<E: Error>(
        _ memory: inout ProgramMemory, order: LaneOrder = .lowestFirst, stepsMax: Int = Program.stepsMax,
        _ run: (PhaseCall, [UnsafeMutableRawBufferPointer]) throws(E) -> Void
    ) throws(ProgramTrap) -> Int {
        var execution = Execution(self, memory, stepsMax: stepsMax, detector: nil)
        defer { memory = execution.memory }
        return try execution.run(order, run)
    }
}

/// One run in progress.
struct Execution {
    private let program: Program
    private let stepsMax: Int
    private var lanes: [LaneMachine]
    /// What each lane stands in front of; `nil` when it has ended.
    private var pending: [LaneMachine.Action?]
    private var counters: [Int64]
    private var budget: Int
    private var detector: RaceDetector?
    private(set) var memory: ProgramMemory

    init(_ program: Program, _ memory: ProgramMemory, stepsMax: Int, detector: RaceDetector?) {
        self.program = program
        self.memory = memory
        self.stepsMax = stepsMax
        self.detector = detector
        lanes = program.lanes.indices.map { LaneMachine(program, lane: $0) }
        pending = lanes.map { _ in nil }
        counters = [Int64](repeating: 0, count: program.counters)
        budget = stepsMax
    }

    mutating func run<E: Error>(
        _ order: LaneOrder, _ body: (PhaseCall, [UnsafeMutableRawBufferPointer]) throws(E) -> Void
    ) throws(ProgramTrap) -> Int {
        var random: SeededRandom?
        switch order {
        case .lowestFirst: break
        case .random(let seed): random = SeededRandom(seed: seed)
        }
        for lane in lanes.indices { try goOn(lane) }
        while true {
            let ready = lanes.indices.filter(canGoOn)
            guard let first = ready.first else {
                if let trap = deadlock { throw trap }
                return stepsMax - budget
            }
            let lane = random?.pick(ready) ?? first
            if let action = pending[lane] { try perform(action, lane, body) }
            try goOn(lane)
        }
    }

    private mutating func goOn(_ lane: Int) throws(ProgramTrap) {
        pending[lane] = try lanes[lane].next(budget: &budget, limit: stepsMax)
    }

    private func canGoOn(_ lane: Int) -> Bool {
        switch pending[lane] {
        case nil: false
        case .wait(let counter, let value)?: counters[counter] >= value
        case .run, .publish, .load: true
        }
    }

    private var deadlock: ProgramTrap? {
        var stuck: [ProgramTrap.Stuck] = []
        for lane in lanes.indices {
            if case .wait(let counter, let value)? = pending[lane] {
                stuck.append(ProgramTrap.Stuck(lane: lane, counter: counter, value: value))
            }
        }
        return stuck.first.map { lanes[$0.lane].trap(.deadlock(stuck, counters: counters)) }
    }

    private mutating func perform<E: Error>(
        _ action: LaneMachine.Action, _ lane: Int,
        _ body: (PhaseCall, [UnsafeMutableRawBufferPointer]) throws(E) -> Void
    ) throws(ProgramTrap) {
        switch action {
        case .run(let kernel, let phase, let from, let to, let buffers, let offsets):
            let call = try checked(lane, kernel, phase, from, to, buffers, offsets)
            try perform(call, body)
        case .publish(let counter, let value):
            guard value >= counters[counter] else {
                throw lanes[lane].trap(.counterFalls(counter: counter, from: counters[counter], to: value))
            }
            counters[counter] = value
            detector?.publish(lane, counter, value)
        case .wait(let counter, let value): detector?.wait(lane, counter, value)
        case .load(let scalar, let buffer, let offset, let dtype):
            try check(lane, buffer, offset, dtype.bytes)
            let position = memory.position(buffer: buffer, offset: Int(offset))
            try touch(lane, position..<position + dtype.bytes, buffer, writes: false)
            lanes[lane].setScalar(scalar, memory.element(at: position, dtype))
        }
    }

    private mutating func perform<E: Error>(
        _ call: PhaseCall, _ body: (PhaseCall, [UnsafeMutableRawBufferPointer]) throws(E) -> Void
    ) throws(ProgramTrap) {
        guard !call.tasks.isEmpty else { return }
        let sizes = program.kernels[call.kernel].operandBytes
        let starts = call.operands.map { memory.position(buffer: $0.buffer, offset: $0.offset) }
        for (index, start) in starts.enumerated() {
            guard let access = detector?.accesses(call, index) else { break }
            let buffer = call.operands[index].buffer
            for range in access.reads {
                try touch(call.lane, start + range.lowerBound..<start + range.upperBound, buffer, writes: false)
            }
            for range in access.writes {
                try touch(call.lane, start + range.lowerBound..<start + range.upperBound, buffer, writes: true)
            }
        }
        do {
            let ranges = zip(starts, sizes).map { $0..<$0 + $1 }
            try memory.withRanges(ranges) { (bytes) throws(E) in try body(call, bytes) }
        } catch {
            throw lanes[call.lane].trap(.kernel(call.kernel, sentence: "\(error)"))
        }
    }

    private func checked(
        _ lane: Int, _ kernel: Int, _ phase: Int, _ from: Int64, _ to: Int64, _ buffers: [Int], _ offsets: [Int64]
    ) throws(ProgramTrap) -> PhaseCall {
        let use = program.kernels[kernel]
        guard from >= 0, from <= to, to <= Int64(use.phases[phase]) else {
            throw lanes[lane].trap(
                .tasksOutside(kernel: kernel, phase: phase, from: from, to: to, tasks: use.phases[phase]))
        }
        var operands: [PhaseCall.Operand] = []
        for (index, buffer) in buffers.enumerated() {
            try check(lane, buffer, offsets[index], use.operandBytes[index])
            operands.append(PhaseCall.Operand(buffer: buffer, offset: Int(offsets[index])))
        }
        return PhaseCall(lane: lane, kernel: kernel, phase: phase, tasks: Int(from)..<Int(to), operands: operands)
    }

    private func check(_ lane: Int, _ buffer: Int, _ offset: Int64, _ bytes: Int) throws(ProgramTrap) {
        let size = program.buffers[buffer].bytes
        guard offset >= 0, offset <= Int64(size - bytes) else {
            throw lanes[lane].trap(.addressOutside(buffer: buffer, offset: offset, bytes: bytes, bufferBytes: size))
        }
    }

    private mutating func touch(
        _ lane: Int, _ range: Range<Int>, _ buffer: Int, writes: Bool
    ) throws(ProgramTrap) {
        let own = ProgramTrap.Touch(lane: lane, path: lanes[lane].path, writes: writes)
        if let other = detector?.touch(range, own) {
            throw lanes[lane].trap(.race(buffer: buffer, with: other, self: own))
        }
    }
}

extension SeededRandom {
    fileprivate mutating func pick(_ lanes: [Int]) -> Int { lanes[below(lanes.count)] }
}
