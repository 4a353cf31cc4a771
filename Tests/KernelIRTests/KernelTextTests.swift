// The text of a kernel: it parses back to the same kernel, and a broken one says where and why.

import Basics
import TensorIR
import Testing

@testable import KernelIR

@Suite struct KernelTextTests {
    @Test func randomKernelsParseBackToThemselves() throws {
        var statements = 0
        for seed in 0..<400 as Range<UInt64> {
            let kernel = RandomKernel.make(seed: seed)
            try kernel.verify()
            let text = kernel.text
            #expect(try Kernel(parsing: text) == kernel, "seed \(seed)")
            #expect(try Kernel(parsing: text).text == text, "seed \(seed)")
            for phase in kernel.phases { Statement.visit(phase.body) { _ in statements += 1 } }
        }
        #expect(statements > 2000)
    }

    @Test func everyStatementHasItsText() throws {
        let text = """
            kernel(b0: const f32[98304], b1: f32[49152], b2: out f32[49152], b3: temp i64[4]) {
              phase tasks 24 {
                let v1 = v0 * 32
                alloc s4: f32[768]
                for v2 in 0 ..< 64 step 8 {
                  for vector v3 in v2 ..< min(v2 + 8, 60) {
                    s4[v2*8+v3] = b1[v1+v3] * 0.5 + b0[v3%4]
                  }
                }
                contract 12x32 s4[0] stride 32 += a b1[v1] row 768 step 1, b b0[v0*2048] stride 32, depth 64 - v0
                reduce b2[v1] = f32 sum(v4 in 0 ..< 64, v5 in 0 ..< v4 where v5 < 3) s4[v4+v5]
                when v0 == 0 && true {
                  b3[0] = v1
                }
              }
            }

            """
        let kernel = try Kernel(parsing: text)
        #expect(kernel.text == text)
        #expect(kernel.phases[0].scratchBytes == 3072)
        #expect(kernel.buffers.map(\.role) == [.constant, .input, .output, .temporary])
        guard case .contract(let contract) = kernel.phases[0].body[3] else {
            Issue.record("the fourth statement is no contraction")
            return
        }
        #expect(contract.rows == 12 && contract.columns == 32 && contract.accumulate)
        #expect(contract.aRow == 768 && contract.bStride == 32 && contract.depth == .integer(64) - .axis(0))
    }

    @Test func numberingDoesNotMatterAfterRenumbering() {
        for seed in 0..<200 as Range<UInt64> {
            let kernel = RandomKernel.make(seed: seed)
            #expect(kernel.renumbered() == kernel, "seed \(seed)")
            #expect(scrambled(kernel).renumbered() == kernel, "seed \(seed)")
        }
    }

    @Test func equalTextsHaveEqualDigests() throws {
        let kernel = RandomKernel.make(seed: 5)
        #expect(try Kernel(parsing: "// a comment\n" + kernel.text).digest == kernel.digest)
        var other = kernel
        other.phases[0].tasks += 1
        #expect(other.digest != kernel.digest)
    }

    @Test(arguments: [
        ("kernel(b1: f32[4]) {}", "line 1, column 8: expected b0, found 'b1'"),
        ("kernel(b0: f31[4]) {}", "line 1, column 12: expected a dtype, found 'f31'"),
        ("kernel(b0: f32[4]) {\n phase tasks 1 { b0[v1] = 0.0 }\n}", "line 2, column 21: 'v1' is no axis here"),
        (
            "kernel(b0: f32[4]) {\n phase tasks 1 { b0[0] = b2[0] }\n}",
            "line 2, column 26: tensor 'b2' is not defined before"
        ),
        (
            "kernel(b0: f32[4]) {\n phase tasks 1 { s2[0] = 1.0 }\n}",
            "line 2, column 18: expected a statement or a buffer, found 's2'"
        ),
        (
            "kernel(b0: f32[4]) {\n phase tasks 1 { for x in 0 ..< 4 {} }\n}",
            "line 2, column 22: expected a variable such as v3, found 'x'"
        ),
        (
            "kernel(b0: f32[4]) {\n phase tasks 1 { contract 4 b0[0] }\n}",
            "line 2, column 27: expected a tile such as 12x32, found '4'"
        ),
        (
            "kernel(b0: f32[4]) {\n phase tasks 1 { reduce b0[0] = f32 mean(v1 in 0 ..< 3) 1.0 }\n}",
            "line 2, column 37: expected sum, product, max or min, found 'mean'"
        ),
        (
            "kernel(b0: f32[4]) {\n phase tasks 1 { alloc s1: f32[1] alloc s1: f32[1] }\n}",
            "line 2, column 41: scratch s1 is allocated twice"
        ),
        ("kernel() {} x", "line 1, column 13: expected the end of the text, found 'x'"),
    ])
    func brokenTextSaysWhereAndWhy(text: String, sentence: String) {
        #expect(throws: SyntaxError.self) { try Kernel(parsing: text) }
        do {
            _ = try Kernel(parsing: text)
        } catch {
            #expect(error.sentence == sentence)
        }
    }

    @Test func deepNestingIsRefusedNotOverflown() {
        let depth = 10_000
        let text =
            "kernel() { phase tasks 1 {" + String(repeating: " when true {", count: depth)
            + String(repeating: "}", count: depth) + "}}"
        do {
            _ = try Kernel(parsing: text)
            Issue.record("parsed")
        } catch {
            #expect(error.message == "blocks nest deeper than 64")
        }
    }

    /// The kernel with every variable v > 0 renamed to 1000 - v and scratch moved by 50.
    private func scrambled(_ kernel: Kernel) -> Kernel {
        func variable(_ v: Int) -> Int { v == 0 ? 0 : 1000 - v }
        func slot(_ s: Int) -> Int { s < kernel.buffers.count ? s : s + 50 }
        func expr(_ e: Expr) -> Expr {
            e.rewritten { node in
                switch node {
                case .axis(let v): .axis(variable(v))
                case .read(let s, let indices): .read(slot: slot(s), indices)
                case .literal, .unary, .binary, .select, .cast: node
                }
            }
        }
        func statement(_ item: Statement) -> Statement {
            switch item {
            case .bind(let v, let e): return .bind(variable: variable(v), expr(e))
            case .loop(let v, let from, let to, let step, let vector, let inner):
                return .loop(
                    variable: variable(v), from: expr(from), to: expr(to), step: step, vector: vector,
                    inner.map(statement))
            case .alloc(let s, let dtype, let elements): return .alloc(slot: slot(s), dtype, elements: elements)
            case .map(let s, let index, let value): return .map(slot: slot(s), index: expr(index), value: expr(value))
            case .reduce(var r):
                (r.slot, r.index, r.value) = (slot(r.slot), expr(r.index), expr(r.value))
                r.condition = r.condition.map(expr)
                r.axes = r.axes.map {
                    Reduce.Axis(variable: variable($0.variable), from: expr($0.from), to: expr($0.to))
                }
                return .reduce(r)
            case .contract(var c):
                (c.acc, c.a, c.b) = (slot(c.acc), slot(c.a), slot(c.b))
                (c.accIndex, c.aIndex, c.bIndex) = (expr(c.accIndex), expr(c.aIndex), expr(c.bIndex))
                c.depth = expr(c.depth)
                return .contract(c)
            case .tile(var t):
                func walk(_ w: Tile.Walk) -> Tile.Walk {
                    Tile.Walk(
                        slot: slot(w.slot), index: expr(w.index), rows: w.rows, block: w.block,
                        blockStride: w.blockStride)
                }
                (t.a, t.b, t.depth) = (slot(t.a), slot(t.b), expr(t.depth))
                (t.aIndex, t.bIndex) = (expr(t.aIndex), expr(t.bIndex))
                (t.into, t.from, t.operands) = (walk(t.into), t.from.map(walk), t.operands.map(walk))
                return .tile(t)
            case .when(let e, let inner): return .when(expr(e), inner.map(statement))
            }
        }
        return Kernel(
            buffers: kernel.buffers,
            phases: kernel.phases.map { Phase(tasks: $0.tasks, body: $0.body.map(statement)) })
    }
}
