// What programs do: loops, branches, calls with frames, loaded scalars, counters, and traps. The one kernel adds the
// 64-bit integers in its first two operands into its third.

import Basics
import TensorIR
import Testing

@testable import ProgramIR

@Suite struct ProgramExecuteTests {
    /// b0 input 0 (8 numbers), b1 output 0 (8 numbers), b2 arena (16 numbers), kernel k0 of 8 tasks.
    private func program(
        _ lanes: [String], routine: String = "", scalars: Int = 4, frames: Int = 0
    ) throws -> Program {
        let program = try Program(
            parsing: """
                program(scalars \(scalars), counters 2, frames \(frames), arena 128, scratch 0) {
                  kernel k0 "add" \(Digest(of: "add").hex) phases [8] operands [8, 8, 8]
                  buffer b0: 64 input 0
                  buffer b1: 64 output 0
                  buffer b2: 128 arena 0
                  routine r0 { \(routine) }
                  \(lanes.enumerated().map { "lane \($0.offset) { \($0.element) }" }.joined(separator: "\n"))
                }
                """)
        try program.verify()
        return program
    }

    private func numbers(_ bytes: [UInt8]) -> [Int64] {
        bytes.withUnsafeBytes { raw in
            (0..<raw.count / 8).map { raw.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self) }
        }
    }

    private func memory(_ program: Program, _ input: [Int64]) -> ProgramMemory {
        ProgramMemory(program, inputs: [TensorValue(TensorType(.i64, [8]), integers: input).bytes], constants: [])
    }

    private func add(_ call: PhaseCall, _ operands: [UnsafeMutableRawBufferPointer]) {
        let sum = operands[0].loadUnaligned(as: Int64.self) &+ operands[1].loadUnaligned(as: Int64.self)
        operands[2].storeBytes(of: sum, as: Int64.self)
    }

    private static let input: [Int64] = [3, 1, 4, 1, 5, 9, 2, 6]

    /// Runs and gives output 0 and the task ranges of all calls.
    private func run(
        _ program: Program, _ input: [Int64] = input, order: LaneOrder = .lowestFirst
    ) throws -> (output: [Int64], tasks: [Range<Int>]) {
        var memory = memory(program, input)
        var tasks: [Range<Int>] = []
        try program.execute(&memory, order: order) { call, operands in
            tasks.append(call.tasks)
            add(call, operands)
        }
        return (numbers(memory.output(0)), tasks)
    }

    private func trap(_ program: Program, stepsMax: Int = Program.stepsMax) -> String {
        var memory = memory(program, Self.input)
        do {
            try program.execute(&memory, stepsMax: stepsMax, add)
            return "no trap"
        } catch {
            return error.sentence
        }
    }

    @Test func aLoopAddressesElementsAndADoubleBuffer() throws {
        // Running sums: b2[0] and b2[8] alternate between the sum so far and the next one.
        let program = try program([
            """
            loop x1 in 0 ..< 8 {
              run k0 phase 0 (b2[x1%2*8], b0[x1*8], b2[(x1+1)%2*8]) tasks 0 ..< 8
              run k0 phase 0 (b2[(x1+1)%2*8], b2[64], b1[x1*8]) tasks 0 ..< 8
            }
            """
        ])
        #expect(try run(program).output == [3, 4, 8, 9, 14, 23, 25, 31])
    }

    @Test func aLoopLeavesItsScalarWhereItEnded() throws {
        func ended(_ lane: String) throws -> Range<Int>? {
            try run(program([lane + " run k0 phase 0 (b0, b0, b1) tasks 0 ..< x1"])).tasks.last
        }
        #expect(try ended("loop x1 in 2 ..< 5 { }") == 0..<5)
        #expect(try ended("set x2 = 9 loop x1 in 7 ..< 3 { set x2 = 0 } loop x3 in x2 ..< 9 { }") == 0..<7)
        #expect(try ended("loop x1 in 2 ..< 8 { branch x1 > 2 { stopIf x1 * x1 >= 16 } }") == 0..<4)
        #expect(try ended("set x2 = 3 loop x1 in 0 ..< x2 { set x2 = 8 }") == 0..<3)
    }

    @Test func stopIfEndsTheInnermostLoopOnly() throws {
        let program = try program([
            """
            loop x1 in 0 ..< 3 {
              loop x2 in 0 ..< 8 { stopIf x2 == x1 + 1 set x3 = x3 + 1 }
            }
            run k0 phase 0 (b0, b0, b1) tasks 0 ..< x3
            """
        ])
        #expect(try run(program).tasks == [0..<6])
    }

    @Test func loadedScalarsSteerBranches() throws {
        let program = try program([
            """
            loop x1 in 0 ..< 8 {
              load x2 = i64 b0[x1*8]
              branch x2 > 3 {
                run k0 phase 0 (b1, b0[x1*8], b1) tasks 0 ..< 8
              } else {
                run k0 phase 0 (b1[8], b0[x1*8], b1[8]) tasks 0 ..< 8
              }
            }
            """
        ])
        #expect(try Array(run(program).output.prefix(2)) == [24, 7])
    }

    @Test func aTreeIsSummedByRecursion() throws {
        // Node n has the number b0[n] and children 2n + 1, 2n + 2. Every depth sums its subtree in its own frame.
        let program = try program(
            ["call r0 run k0 phase 0 (b2[8], b2[120], b1) tasks 0 ..< 8"],
            routine: """
                run k0 phase 0 (b0[x1*8], b2[120], b2[depth*8]) tasks 0 ..< 8
                branch x1 < 3 {
                  set x1 = x1 * 2 + 1
                  call r0 keep x1
                  run k0 phase 0 (b2[depth*8], b2[depth*8+8], b2[depth*8]) tasks 0 ..< 8
                  set x1 = x1 + 1
                  call r0 keep x1
                  run k0 phase 0 (b2[depth*8], b2[depth*8+8], b2[depth*8]) tasks 0 ..< 8
                }
                """, frames: 3)
        let (output, tasks) = try run(program)
        #expect(output[0] == Self.input.prefix(7).reduce(0, +))
        #expect(tasks.count == 7 + 3 * 2 + 1)
    }

    @Test func aCallDeeperThanTheFramesTraps() throws {
        let program = try program(["set x1 = 1 call r0"], routine: "call r0", frames: 3)
        #expect(
            trap(program)
                == "lane 0, step 2.1.1.1: the call of routine r0 is deeper than the program's 3 frames")
    }

    @Test func keptScalarsComeBackAndOthersAreShared() throws {
        let program = try program(
            ["set x1 = 2 set x2 = 3 call r0 keep x1 run k0 phase 0 (b0, b0, b1) tasks x1 ..< x2"],
            routine: "set x1 = 7 set x2 = x1 + depth", frames: 1)
        #expect(try run(program).tasks == [2..<8])
    }

    @Test func lanesMeetAtCountersInAnyOrder() throws {
        let program = try program([
            """
            loop x1 in 0 ..< 8 {
              run k0 phase 0 (b0[x1*8], b0[x1*8], b2[x1*8]) tasks 0 ..< 8
              publish c0 = x1 + 1
            }
            """,
            """
            loop x1 in 0 ..< 8 {
              wait c0 >= x1 + 1
              run k0 phase 0 (b2[x1*8], b0, b1[x1*8]) tasks 0 ..< 8
            }
            """,
        ])
        for seed in 0..<20 as Range<UInt64> {
            #expect(try run(program, order: .random(seed: seed)).output == Self.input.map { 2 * $0 + 3 })
        }
    }

    @Test func trapsSayWhereTheProgramStood() throws {
        #expect(
            trap(try program(["set x3 = 1 loop x1 in 0 ..< 10 { run k0 phase 0 (b0[x1*8], b0, b1) tasks 0 ..< 8 }"]))
                == "lane 0, step 2.1: 8 bytes at 64 do not lie in buffer b0, which has 64")
        #expect(
            trap(try program(["load x1 = i64 b0[40] run k0 phase 0 (b0, b0, b1) tasks 0 ..< x1"]))
                == "lane 0, step 2: tasks 0 ..< 9 of kernel k0, phase 0 are run; it has 8")
        #expect(
            trap(try program(["publish c0 = 2", "", "publish c1 = 2 publish c1 = 1"]))
                == "lane 2, step 2: counter c1 falls from 2 to 1; counters never fall")
    }

    @Test func aRunHasALimitOfSteps() throws {
        let endless = try program(["loop x1 in 0 ..< 9223372036854775807 { set x2 = x1 }"])
        #expect(trap(endless, stepsMax: 1000) == "lane 0, step 1.1: the run has taken 1000 steps and is not done")
        let empty = try program(["loop x1 in 0 ..< 9223372036854775807 { }"])
        #expect(trap(empty, stepsMax: 1000) == "lane 0, step 1.0: the run has taken 1000 steps and is not done")
    }

    @Test func aFailingKernelIsNamedWithItsReason() throws {
        let program = try program(["run k0 phase 0 (b0, b0, b1) tasks 0 ..< 8"])
        var memory = memory(program, Self.input)
        let reason = SyntaxError("out of luck", at: SourcePosition(line: 1, column: 2))
        #expect(throws: ProgramTrap(.kernel(0, sentence: reason.sentence), lane: 0, path: [1])) {
            try program.execute(&memory) { (_, _) throws(SyntaxError) in throw reason }
        }
    }

    @Test func lanesThatWaitForEachOtherAreADeadlock() throws {
        let program = try program(["wait c1 >= 1 publish c0 = 1", "wait c0 >= 1 publish c1 = 1"])
        #expect(
            trap(program)
                == "lane 0, step 1: no lane can go on: lane 0 for c1 to reach 1 from 0, lane 1 for c0 to reach 1 from 0"
        )
    }
}
