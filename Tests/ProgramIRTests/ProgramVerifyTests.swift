// One broken program per rule of the verifier, with the sentence a person sees; and the check of the arena.

import Basics
import TensorIR
import Testing

@testable import ProgramIR

@Suite struct ProgramVerifyTests {
    private func sentence(_ program: Program) -> String {
        do {
            try program.verify()
            return "verified"
        } catch {
            return error.sentence
        }
    }

    /// Two lanes, a kernel of 8 tasks over 64 bytes in and 16 out, b0 input of 256 bytes, b1 arena of 128.
    private func program(_ first: String, _ second: String = "", routine: String = "", frames: Int = 1) throws
        -> Program
    {
        try Program(
            parsing: """
                program(scalars 4, counters 2, frames \(frames), arena 256, scratch 0) {
                  kernel k0 "scale" \(Digest(of: "scale").hex) phases [8] operands [64, 16]
                  buffer b0: 256 input 0
                  buffer b1: 128 arena 64
                  routine r0 { \(routine) }
                  lane 0 { \(first) }
                  lane 1 { \(second) }
                }
                """)
    }

    @Test(arguments: [
        ("run k0 phase 0 (b0, b1[112]) tasks 0 ..< 8", "verified"),
        ("loop x1 in 0 ..< 4 { run k0 phase 0 (b0[x1*64], b1[x1*16]) tasks x1 * 2 ..< x1 * 2 + 2 }", "verified"),
        ("run k1 phase 0 () tasks 0 ..< 8", "lane 0, step 1: there is no kernel 1; the program has 1"),
        ("run k0 phase 1 (b0, b1) tasks 0 ..< 8", "lane 0, step 1: there is no phase 1; the program has 1"),
        ("run k0 phase 0 (b0) tasks 0 ..< 8", "lane 0, step 1: kernel k0 is run with 1 operands; it has 2"),
        ("run k0 phase 0 (b0, b9) tasks 0 ..< 8", "lane 0, step 1: there is no buffer 9; the program has 2"),
        (
            "run k0 phase 0 (b0, b1) tasks 4 ..< 9",
            "lane 0, step 1: tasks 4 ..< 9 of kernel k0, phase 0 are run; it has 8"
        ),
        (
            "run k0 phase 0 (b0[193], b1) tasks 0 ..< 8",
            "lane 0, step 1: 64 bytes at 193 do not lie in buffer b0, which has 256"
        ),
        (
            "loop x1 in 2 ..< 4 { run k0 phase 0 (b0, b1[x1*64]) tasks 0 ..< 8 }",
            "lane 0, step 2: 16 bytes at 128 do not lie in buffer b1, which has 128"
        ),
        ("set depth = 1", "lane 0, step 1: scalar 0 is the call depth; only calls change it"),
        (
            "loop x1 in 0 ..< 4 { branch true { set x1 = 2 } }",
            "lane 0, step 3: x1 is changed inside the loop that counts with it"
        ),
        ("loop x1 in 0 ..< 4 { call r0 }", "lane 0, step 2: x1 is changed inside the loop that counts with it"),
        ("loop x1 in 0 ..< 4 { call r0 keep x1 }", "verified"),
        ("call r0 keep x1, x1", "lane 0, step 1: x1 is kept twice by one call"),
        ("call r3", "lane 0, step 1: there is no routine 3; the program has 1"),
        ("branch true { stopIf true }", "lane 0, step 2: a stopIf stands outside any loop of its lane or routine"),
        ("load x1 = f32 b0", "lane 0, step 1: a scalar is loaded as f32; scalars are integers or bool"),
        ("load x1 = i32 b0[253]", "lane 0, step 1: 4 bytes at 253 do not lie in buffer b0, which has 256"),
        ("set x1 = true", "lane 0, step 1: a scalar's value is bool and has to be i64"),
        ("branch x1 { }", "lane 0, step 1: a condition is i64 and has to be bool"),
        ("loop x1 in 0 ..< true { }", "lane 0, step 1: a loop bound is bool and has to be i64"),
        ("set x1 = x2 + i64(2.0)", "lane 0, step 1: an expression of a program uses f32; it has i64 and bool only"),
        ("stopIf !x1", "lane 0, step 1: a stopIf stands outside any loop of its lane or routine"),
        ("branch !x1 { }", "lane 0, step 1: operator not has no meaning on i64"),
        ("branch x1 && true { }", "lane 0, step 1: operator and has no meaning on i64 and bool"),
        (
            "set x1 = (true ? x1 : false)",
            "lane 0, step 1: a select chooses between i64 and bool; both sides need one dtype"
        ),
        ("publish c5 = 1", "lane 0, step 1: there is no counter 5; the program has 2"),
        ("publish c0 = true", "lane 0, step 1: a counter value is bool and has to be i64"),
    ])
    func everyRuleOfAStepHasItsSentence(lane: String, expected: String) throws {
        #expect(try sentence(program(lane, routine: "set x1 = 3")) == expected)
    }

    @Test func countersHaveOnePublisherAndReachableWaits() throws {
        #expect(
            try sentence(program("publish c0 = 1", "publish c0 = 2"))
                == "counter c0 is published by lanes 0 and 1; a counter has one publisher")
        #expect(
            try sentence(program("call r0", "call r0", routine: "publish c1 = 1"))
                == "counter c1 is published by lanes 0 and 1; a counter has one publisher")
        #expect(
            try sentence(program("loop x1 in 0 ..< 4 { publish c0 = x1 + 1 }", "set x2 = 1 wait c0 >= 5"))
                == "lane 1, step 2: counter c0 is waited for to reach 5; at most 4 is ever published")
        #expect(
            try sentence(program("", "wait c1 >= 1"))
                == "lane 1, step 1: counter c1 is waited for to reach 1; at most 0 is ever published")
        #expect(
            try sentence(program("loop x1 in 0 ..< 4 { publish c0 = x1 + 1 }", "wait c0 >= 4 wait c1 >= 0"))
                == "verified")
        #expect(
            try sentence(program("load x1 = i64 b0 publish c0 = x1", "wait c0 >= 1000000")) == "verified")
        #expect(
            try sentence(
                program("loop x1 in 0 ..< 100 { set x2 = x2 + 1 publish c0 = x2 }", "wait c0 >= 100")) == "verified")
    }

    @Test func callsFitTheFrames() throws {
        #expect(
            try sentence(program("call r0", routine: "set x1 = 1", frames: 0))
                == "calls go 1 deep and the program has 0 frames")
        #expect(
            try sentence(program("call r0", routine: "call r0", frames: 0))
                == "routine r0 calls itself and the program has no frame")
        #expect(try sentence(program("call r0", routine: "branch depth < 5 { call r0 }", frames: 6)) == "verified")
    }

    @Test func tablesHaveTheirRules() throws {
        let good = try program("")
        func changed(_ change: (inout Program) -> Void) -> String {
            var program = good
            change(&program)
            return sentence(program)
        }
        #expect(changed { $0.lanes = [] } == "the program has no lane; it needs at least one")
        #expect(changed { $0.scalars = 0 } == "the program has 0 scalars; it needs 1 (the call depth) to 4096")
        #expect(changed { $0.counters = -1 } == "the number of counters is -1; it is at least 0")
        #expect(
            changed { $0.kernels[0].name = "Scale\"" }
                == "\"Scale\\\"\" is no kernel name; names are a small letter, then up to 62 of a-z, 0-9 and _")
        #expect(changed { $0.kernels.append($0.kernels[0]) } == "two kernels are named scale")
        #expect(changed { $0.kernels[0].phases = [3, 0] } == "kernel k0 has no phase, or a phase without a task")
        #expect(
            changed { $0.kernels[0].operandBytes[1] = 0 }
                == "operand 1 of kernel k0 has 0 bytes; it needs at least one")
        #expect(changed { $0.buffers[0].bytes = -1 } == "buffer b0 has -1 bytes; it needs at least one")
        #expect(
            changed { $0.buffers[0].place = .input(-1) } == "buffer b0 is placed at -1; places are at least 0")
        #expect(
            changed { $0.buffers[1].place = .arena(offset: 192) } == "buffer b1 ends at byte 320 of an arena of 256")
        #expect(
            changed { program in
                for text in ["one", "two"] {
                    program.buffers.append(ProgramBuffer(bytes: 4, place: .constant(0, Digest(of: text))))
                }
            } == "constant 0 is named with two digests")
        #expect(
            changed { $0.lanes[1] = [.set(scalar: 1, .read(slot: 0, [.integer(0)]))] }
                == "lane 1, step 1: an expression of a program reads a tensor; load the element into a scalar first")
        #expect(
            changed { $0.lanes[1] = [.set(scalar: 1, .axis(9))] }
                == "lane 1, step 1: there is no scalar 9; the program has 4")
        let long = (0..<600).reduce(Expr.integer(0)) { sum, _ in sum + .integer(1) }
        #expect(
            changed { $0.lanes[1] = [.set(scalar: 1, long)] }
                == "lane 1, step 1: a scalar's value has more than 64 brackets around one another"
                + " or more than 512 levels")
        let deep = (0..<64).reduce([Step]()) { inner, _ in [.branch(.literal(.boolean(true)), inner, [])] }
        #expect(
            changed { $0.routines[0] = deep }
                == "routine r0, step 64: 65 blocks stand around one another; at most 64 are allowed")
    }

    @Test func arenaBuffersThatLiveTogetherDoNotOverlap() throws {
        func plan(_ offsets: [Int], _ steps: String) throws -> ArenaCheck {
            let buffers = offsets.enumerated().map { "buffer b\($0.offset): 64 arena \($0.element)" }
            return try Program(
                parsing: """
                    program(scalars 2, counters 0, frames 0, arena 192, scratch 0) {
                      kernel k0 "copy" \(Digest(of: "copy").hex) phases [1] operands [64, 64]
                      \(buffers.joined(separator: "\n"))
                      lane 0 { \(steps) }
                    }
                    """
            ).checkArena()
        }
        let chain = "run k0 phase 0 (b0, b1) tasks 0 ..< 1 run k0 phase 0 (b1, b2) tasks 0 ..< 1"
        #expect(try plan([0, 64, 0], chain) == .conflicts([]))
        let found = try plan([0, 64, 96], chain)
        #expect(
            found == .conflicts([ArenaConflict(first: 1, second: 2, firstSteps: 1...2, secondSteps: 2...2)]))
        guard case .conflicts(let conflicts) = found else { return }
        #expect(
            conflicts.first?.sentence
                == "buffers b1 (steps 1 to 2) and b2 (steps 2 to 2) are live together and share arena bytes")
        #expect(try plan([0, 64, 0], "loop x1 in 0 ..< 2 { \(chain) }") == .notStraightLine)
    }
}
