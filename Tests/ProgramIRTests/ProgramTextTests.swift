// The text of a program: it parses back to the same program, and a broken one says where and why.

import Basics
import TensorIR
import Testing

@testable import ProgramIR

@Suite struct ProgramTextTests {
    @Test func randomProgramsParseBackToThemselves() throws {
        var steps = 0
        for seed in 0..<400 as Range<UInt64> {
            let program = RandomProgram.make(seed: seed)
            let text = program.text
            #expect(try Program(parsing: text) == program, "seed \(seed)")
            #expect(try Program(parsing: text).text == text, "seed \(seed)")
            for body in program.lanes + program.routines { Step.visit(body) { _ in steps += 1 } }
        }
        #expect(steps > 2000)
    }

    @Test func everyStepHasItsText() throws {
        let digest = Digest(of: "gemm").hex
        let text = """
            program(scalars 3, counters 2, frames 4, arena 4096, scratch 512) {
              kernel k0 "gemm" \(digest) phases [24, 1] operands [512, 64]
              buffer b0: 4096 input 0
              buffer b1: 512 constant 3 \(digest)
              buffer b2: 1024 arena 128
              routine r0 {
                run k0 phase 1 (b1, b2[depth*64]) tasks 0 ..< 1
              }
              lane 0 {
                load x1 = i64 b0[8]
                loop x2 in 0 ..< x1 {
                  run k0 phase 0 (b1, b2[x2%2*512]) tasks x2 * 2 ..< x2 * 2 + 2
                  stopIf x2 == 3 || x1 < 0
                  publish c0 = x2 + 1
                }
                branch x1 > 0 {
                  call r0 keep x1, x2
                }
                else {
                  set x1 = -x2
                }
              }
              lane 1 {
                wait c0 >= 4
              }
            }

            """
        let program = try Program(parsing: text)
        #expect(program.text == text)
        #expect(program.kernels[0].phases == [24, 1])
        #expect(program.buffers[1].place == .constant(3, Digest(of: "gemm")))
        #expect(program.routines[0].first?.expressions.last == Program.depth * .integer(64))
        #expect(program.digest == (try Program(parsing: text)).digest)
    }

    @Test(arguments: [
        ("program(scalar 1)", "line 1, column 9: expected 'scalars', found 'scalar'"),
        (
            "program(scalars 1, counters 0, frames 0, arena 0, scratch 0) { lane 1 { } }",
            "line 1, column 69: expected lane 0, found '1'"
        ),
        (
            "program(scalars 1, counters 0, frames 0, arena 0, scratch 0) { lane 0 { set x1 = 2 } }",
            "line 1, column 77: expected one of the program's scalars, found 'x1'"
        ),
        (
            "program(scalars 1, counters 0, frames 0, arena 0, scratch 0) { lane 0 { stopIf x1 == 2 } }",
            "line 1, column 80: 'x1' is no axis here"
        ),
        (
            "program(scalars 1, counters 0, frames 0, arena 0, scratch 0) { lane 0 { jump } }",
            "line 1, column 73: expected a step, found 'jump'"
        ),
        (
            "program(scalars 1, counters 0, frames 0, arena 0, scratch 0) { buffer b0: 4 stack 0 }",
            "line 1, column 77: expected input, output, constant or arena, found 'stack'"
        ),
        (
            "program(scalars 1, counters 0, frames 0, arena 0, scratch 0) { kernel k0 \"a\" 12ab phases [] }",
            "line 1, column 78: expected the 64 hex digits of a digest, found '12ab'"
        ),
        (
            "program(scalars 1, counters 0, frames 0, arena 0, scratch 0) { lane 0 { wait k0 >= 1 } }",
            "line 1, column 78: expected a counter such as c0, found 'k0'"
        ),
    ])
    func brokenTextSaysWhereAndWhy(text: String, sentence: String) {
        do {
            _ = try Program(parsing: text)
            Issue.record("parsed")
        } catch {
            #expect(error.sentence == sentence)
        }
    }

    @Test func deepNestingIsRefusedNotOverflown() {
        let depth = 10_000
        let text =
            "program(scalars 1, counters 0, frames 0, arena 0, scratch 0) { lane 0 {"
            + String(repeating: " branch true {", count: depth) + String(repeating: "}", count: depth) + "}}"
        do {
            _ = try Program(parsing: text)
            Issue.record("parsed")
        } catch {
            #expect(error.message == "blocks nest deeper than 64")
        }
    }
}
