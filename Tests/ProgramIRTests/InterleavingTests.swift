// The interleaving checker: passes correct programs of two lanes, finds planted races and deadlocks.

import Basics
import TensorIR
import Testing

@testable import ProgramIR

@Suite struct InterleavingTests {
    /// k0 writes 8 bytes per task of its one operand, k1 reads all 64 bytes of its first and writes its second,
    /// b0 input, b1 output, b2 a double buffer in the arena.
    private func program(_ first: String, _ second: String) throws -> Program {
        let program = try Program(
            parsing: """
                program(scalars 3, counters 2, frames 0, arena 128, scratch 0) {
                  kernel k0 "produce" \(Digest(of: "produce").hex) phases [8] operands [64]
                  kernel k1 "consume" \(Digest(of: "consume").hex) phases [1] operands [64, 8]
                  buffer b0: 64 input 0
                  buffer b1: 64 output 0
                  buffer b2: 128 arena 0
                  lane 0 { \(first) }
                  lane 1 { \(second) }
                }
                """)
        try program.verify()
        return program
    }

    private func accesses(_ call: PhaseCall, _ operand: Int) -> OperandAccess {
        switch (call.kernel, operand) {
        case (0, _): OperandAccess(writes: [call.tasks.lowerBound * 8..<call.tasks.upperBound * 8])
        case (_, 0): OperandAccess(reads: [0..<64])
        default: OperandAccess(writes: [0..<8])
        }
    }

    private func check(_ program: Program, seed: UInt64 = 1, runs: Int = 30) -> ProgramTrap? {
        do {
            try program.checkInterleavings(seed: seed, runs: runs, accesses: accesses)
            return nil
        } catch {
            return error
        }
    }

    private let producer = """
        loop x1 in 0 ..< 8 {
          wait c1 >= x1 - 1
          run k0 phase 0 (b2[x1%2*64]) tasks 0 ..< 8
          publish c0 = x1 + 1
        }
        """
    private let consumer = """
        loop x1 in 0 ..< 8 {
          wait c0 >= x1 + 1
          run k1 phase 0 (b2[x1%2*64], b1[x1*8]) tasks 0 ..< 1
          publish c1 = x1 + 1
        }
        """

    @Test func aDoubleBufferWithBothWaitsIsCorrect() throws {
        let program = try program(producer, consumer)
        #expect(check(program) == nil)
        let steps = try program.checkInterleavings(seed: 3, runs: 2, accesses: accesses)
        #expect(steps == 2 * 2 * (1 + 8 * (3 + 1) + 1))
    }

    @Test func everyRunFindsARaceWhenTheProducerDoesNotWait() throws {
        let program = try program(producer.replacing("wait c1 >= x1 - 1", with: ""), consumer)
        for seed in 0..<20 as Range<UInt64> {
            let found = check(program, seed: seed, runs: 1)
            guard case .race(let buffer, let other, let own)? = found?.kind else {
                Issue.record("no race but \(String(describing: found))")
                continue
            }
            #expect(buffer == 2 && other.writes != own.writes && Set([other.lane, own.lane]) == [0, 1])
        }
    }

    @Test func aWaitForOneTooFewIsARaceEvenIfTheRunWentWell() throws {
        let program = try program(producer, consumer.replacing("wait c0 >= x1 + 1", with: "wait c0 >= x1"))
        for seed in 0..<20 as Range<UInt64> {
            guard case .race? = check(program, seed: seed, runs: 1)?.kind else {
                Issue.record("no race with seed \(seed)")
                continue
            }
        }
    }

    @Test func theSentenceOfARaceNamesBothSteps() throws {
        let program = try program(
            "run k0 phase 0 (b2) tasks 0 ..< 8", "set x1 = 1 run k1 phase 0 (b2[32], b1) tasks 0 ..< 1")
        let sentences = Set((0..<20).compactMap { check(program, seed: $0, runs: 1)?.sentence })
        #expect(
            sentences == [
                "lane 1, step 2: reads bytes of b2 that lane 0, step 1 writes, and no counter orders the two",
                "lane 0, step 1: writes bytes of b2 that lane 1, step 2 reads, and no counter orders the two",
            ])
    }

    @Test func tasksOfOnePhaseOnTwoLanesAreDisjoint() throws {
        let half = "run k0 phase 0 (b2) tasks 0 ..< 4"
        #expect(check(try program(half, "run k0 phase 0 (b2) tasks 4 ..< 8")) == nil)
        let overlapping = check(try program(half, "run k0 phase 0 (b2) tasks 3 ..< 8"))
        guard case .race(2, let other, let own)? = overlapping?.kind else {
            Issue.record("no race but \(String(describing: overlapping))")
            return
        }
        #expect(other.writes && own.writes)
    }

    @Test func buffersThatShareArenaBytesRace() throws {
        var program = try program("run k0 phase 0 (b2) tasks 0 ..< 8", "")
        program.buffers.append(ProgramBuffer(bytes: 64, place: .arena(offset: 64)))
        program.lanes[1] = [
            .run(kernel: 0, phase: 0, from: .integer(0), to: .integer(8), operands: [Address(buffer: 3)])
        ]
        #expect(check(program) == nil)
        program.buffers[3].place = .arena(offset: 56)
        guard case .race? = check(program)?.kind else {
            Issue.record("no race")
            return
        }
    }

    @Test func aLoadIsARead() throws {
        let writes = "run k0 phase 0 (b2) tasks 0 ..< 8"
        guard case .race(2, _, _)? = check(try program(writes, "load x1 = i64 b2[56]"))?.kind else {
            Issue.record("no race")
            return
        }
        #expect(check(try program(writes, "load x1 = i64 b2[64]")) == nil)
        #expect(check(try program(writes + " publish c0 = 1", "wait c0 >= 1 load x1 = i64 b2[56]")) == nil)
    }

    @Test func orderIsTransitiveOverLanes() throws {
        var program = try program(
            "run k0 phase 0 (b2) tasks 0 ..< 8 publish c0 = 1", "wait c0 >= 1 publish c1 = 1")
        let reader: [Step] = [
            .wait(counter: 1, .integer(1)),
            .run(
                kernel: 1, phase: 0, from: .integer(0), to: .integer(1),
                operands: [Address(buffer: 2), Address(buffer: 1)]),
        ]
        program.lanes.append(reader)
        #expect(check(program) == nil)
        program.lanes[1].removeFirst()
        guard case .race(2, _, _)? = check(program)?.kind else {
            Issue.record("no race")
            return
        }
    }

    @Test func aPlantedDeadlockIsFound() throws {
        let late = producer.replacing("wait c1 >= x1 - 1", with: "wait c1 >= x1 + 1")
        let found = check(try program(late, consumer))
        #expect(
            found?.sentence
                == "lane 0, step 1.1: no lane can go on: lane 0 for c1 to reach 1 from 0, "
                + "lane 1 for c0 to reach 1 from 0"
        )
    }

    /// Control flow that depends on data: lane 1 waits only if the producer wrote a number above 100.
    @Test func kernelsRunWhereControlFlowNeedsThem() throws {
        let program = try program(
            "run k0 phase 0 (b2) tasks 0 ..< 8 publish c0 = 1 branch x1 > 0 { publish c0 = 2 }",
            "wait c0 >= 1 load x1 = i64 b2 branch x1 > 100 { wait c0 >= 2 }")
        func outcome(_ value: Int64) -> ProgramTrap? {
            do {
                try program.checkInterleavings(
                    ProgramMemory(zerosFor: program), seed: 1, runs: 3, accesses: accesses
                ) { call, operands in
                    if call.kernel == 0 { operands[0].storeBytes(of: value, as: Int64.self) }
                }
                return nil
            } catch {
                return error
            }
        }
        #expect(outcome(100) == nil)
        guard case .deadlock? = outcome(101)?.kind else {
            Issue.record("no deadlock")
            return
        }
    }
}
