// One broken kernel per rule of the verifier, with the sentence a person sees.

import TensorIR
import Testing

@testable import KernelIR

@Suite struct KernelVerifyTests {
    private func sentence(_ kernel: Kernel) -> String {
        do {
            try kernel.verify()
            return "verified"
        } catch {
            return error.sentence
        }
    }

    /// A kernel with one phase over: b0 input, b1 constant, b2 output, b3 temporary (f32), b4 i32 input.
    private func kernel(_ body: String) throws -> Kernel {
        try Kernel(
            parsing: "kernel(b0: f32[8], b1: const f32[8], b2: out f32[8], b3: temp f32[8], b4: i32[8])"
                + " { phase tasks 2 { \(body) } }")
    }

    @Test(arguments: [
        ("b2[v0] = b0[v0]", "verified"),
        ("let v2 = 1", "phase 0, statement 1: variable v2 is introduced where the next unused number is v1"),
        ("alloc s6: f32[4]", "phase 0, statement 1: scratch s6 is allocated where the next slot is s5"),
        (
            "when true { alloc s5: f32[4] }",
            "phase 0, statement 2: scratch s5 is allocated inside a block; only the top level of a phase may"
        ),
        ("alloc s5: f32[0]", "phase 0, statement 1: scratch s5 has 0 elements; it needs at least one"),
        (
            "b0[v0] = 1.0",
            "phase 0, statement 1: input b0 is written; only outputs, temporaries and scratch may be"
        ),
        (
            "reduce b1[v0] = f32 sum(v1 in 0 ..< 2) 1.0",
            "phase 0, statement 1: constant b1 is written; only outputs, temporaries and scratch may be"
        ),
        (
            "b3[v0] = 1.0 b2[v0] = b3[v0]",
            "phase 0, statement 2: temporary b3 is read in a phase before which nothing has written it"
        ),
        ("for v1 in 0 ..< 4 step 0 { }", "phase 0, statement 1: a loop advances by 0; a step is at least 1"),
        (
            "for vector v1 in 0 ..< 4 { for vector v2 in 0 ..< 4 { } }",
            "phase 0, statement 2: vector loop over v2 stands inside a vector loop; only the innermost may be one"
        ),
        ("b2[v0] = b0[v0,v0]", "phase 0, statement 1: b0 is read with 2 indices; a flat buffer has one"),
        ("b2[v0] = 1", "phase 0, statement 1: the stored value is i64 and has to be f32"),
        ("b2[b0[0]] = 1.0", "phase 0, statement 1: an index is f32 and has to be i64"),
        ("b2[v0] = b0[b4[0]]", "phase 0, statement 1: an index is i32 and has to be i64"),
        ("for v1 in 0 ..< 4.0 { }", "phase 0, statement 1: a loop bound is f32 and has to be i64"),
        ("let v1 = true", "phase 0, statement 1: a let is bool and has to be i64"),
        ("when v0 { }", "phase 0, statement 1: a condition is i64 and has to be bool"),
        ("b2[v0] = (v0 ? 1.0 : 2.0)", "phase 0, statement 1: a condition is i64 and has to be bool"),
        ("b2[v0] = f32(exp(v0))", "phase 0, statement 1: operator exp has no meaning on i64"),
        ("b2[v0] = b0[0] + b4[0]", "phase 0, statement 1: operator add has no meaning on f32 and i32"),
        (
            "b2[v0] = (true ? 1.0 : 2.0:f64)",
            "phase 0, statement 1: a select chooses between f32 and f64; both sides need one dtype"
        ),
        ("b2[v0] = f32(300:u8)", "phase 0, statement 1: the literal 300 does not fit u8"),
        (
            "alloc s5: bool[1] reduce s5[0] = bool sum(v1 in 0 ..< 2) true",
            "phase 0, statement 2: reducer sum has no meaning on bool"
        ),
        (
            "reduce b2[v0] = f64 sum(v1 in 0 ..< 2) 1.0:f64",
            "phase 0, statement 1: a reduction in f64 is stored in b2, which holds f32"
        ),
        (
            "reduce b2[v0] = f32 sum() 1.0",
            "phase 0, statement 1: a reduction has no axis; store the value with a map"
        ),
        (
            "contract 1x4 b2[0] stride 4 = a b4[0] row 1 step 1, b b1[0] stride 4, depth 1",
            "phase 0, statement 1: a contraction uses b4, which holds i32; it works on f32"
        ),
        (
            "contract 1x6 b2[0] stride 6 = a b0[0] row 1 step 1, b b1[0] stride 4, depth 1",
            "phase 0, statement 1: a contraction has a tile of 1x6; it needs at least one row "
                + "and a multiple of 4 columns"
        ),
        (
            "contract 1x4 b2[0] stride 4 = a b0[0] row -1 step 1, b b1[0] stride 4, depth 1",
            "phase 0, statement 1: a contraction walks b0 with stride -1; a stride is at least 0"
        ),
        (
            "contract 2x4 b2[0] stride 3 = a b0[0] row 1 step 1, b b1[0] stride 4, depth 1",
            "phase 0, statement 1: the rows of a contraction's tile are 3 apart and 4 wide, so they overlap"
        ),
        (
            "contract 1x4 b2[0] stride 4 = a b2[0] row 1 step 1, b b1[0] stride 4, depth 1",
            "phase 0, statement 1: a contraction accumulates into b2, which it also multiplies"
        ),
        (
            "contract 1x4 b2[0] stride 4 = a b0[0] row 1 step 1, b b1[0] stride 4, depth 1.0",
            "phase 0, statement 1: the depth of a contraction is f32 and has to be i64"
        ),
        ("let v1 = 0", "output b2 is written by no phase"),
    ])
    func everyRuleHasItsSentence(body: String, expected: String) throws {
        #expect(try sentence(kernel(body)) == expected)
    }

    @Test func rulesThatNoTextCanBreak() throws {
        let good = try kernel("b2[v0] = b0[v0]")
        var kernel = good
        kernel.phases[0].body = [.map(slot: 2, index: .axis(7), value: .float(1))]
        #expect(
            sentence(kernel)
                == "phase 0, statement 1: variable v7 is used outside the block that introduces it")
        kernel.phases[0].body = [.map(slot: 9, index: .axis(0), value: .float(1))]
        #expect(
            sentence(kernel)
                == "phase 0, statement 1: slot 9 is neither an operand nor scratch that was allocated before")
        kernel.phases[0].body = [
            .loop(variable: 1, from: .integer(0), to: .integer(2), step: 1, vector: false, []),
            .map(slot: 2, index: .axis(1), value: .float(1)),
        ]
        #expect(
            sentence(kernel)
                == "phase 0, statement 2: variable v1 is used outside the block that introduces it")
        kernel = good
        kernel.phases = []
        #expect(sentence(kernel) == "the kernel has no phase; it needs at least one")
        kernel = good
        kernel.phases[0].tasks = 0
        #expect(sentence(kernel) == "phase 0: a phase has 0 tasks; it needs 1 to 2147483647")
        kernel = good
        kernel.buffers[4].elements = 0
        #expect(sentence(kernel) == "buffer b4 has 0 elements; it needs at least one")
    }

    @Test func expressionsAndBlocksHaveLimits() throws {
        var kernel = try kernel("b2[v0] = b0[v0]")
        let long = (0..<600).reduce(Expr.float(0)) { sum, _ in sum + .float(1) }
        kernel.phases[0].body = [.map(slot: 2, index: .axis(0), value: long)]
        #expect(
            sentence(kernel)
                == "phase 0, statement 1: the stored value is a tree of 601 levels; at most 512 are allowed")
        let deep = (0..<70).reduce(Expr.float(0)) { inner, _ in .unary(.exp, inner) }
        kernel.phases[0].body = [.map(slot: 2, index: .axis(0), value: deep)]
        #expect(
            sentence(kernel)
                == "phase 0, statement 1: the stored value nests 70 brackets; at most 64 are allowed")
        let blocks = (0..<64).reduce([Statement]()) { inner, _ in [.when(.literal(.boolean(true)), inner)] }
        kernel.phases[0].body = blocks
        #expect(
            sentence(kernel)
                == "phase 0, statement 64: 65 blocks stand around one another; at most 64 are allowed")
    }

    @Test func temporaryWrittenByAnEarlierPhaseMayBeRead() throws {
        let kernel = try Kernel(
            parsing: """
                kernel(b0: out f32[2], b1: temp f32[2]) {
                  phase tasks 2 { b1[v0] = 1.0 }
                  phase tasks 2 { b0[v0] = b1[1-v0] }
                }
                """)
        #expect(sentence(kernel) == "verified")
    }
}
