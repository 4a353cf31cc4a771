// parse(print(x)) == x for every text of this module, over seeded random values.

import Basics
import Testing

@testable import TensorIR

@Test func expressionsParseBackToTheSameTree() throws {
    var samples = TensorIRSamples(seed: 11)
    let slots = [
        TensorType(.f32, [4, 4]), TensorType(.i64, [4]), TensorType(.u8, []), TensorType(.f64, [2]),
        TensorType(.bool, [3]), TensorType(.f16, [1]), TensorType(.i32, [2, 2, 2]),
    ]
    let context = TensorIRSamples.Context(slots: slots, axes: [0..<4, 0..<2, 0..<3])
    let names = ExprNames.canonical(rank: 2)
    var scope = ExprScope()
    for (slot, type) in slots.enumerated() {
        scope.tensors["t\(slot)"] = ExprScope.Tensor(dtype: type.dtype, slot: slot)
    }
    scope.axes = ["i0": 0, "i1": 1, "r0": 2]
    for _ in 0..<2000 {
        let dtype = samples.dtype()
        let expr = samples.expr(dtype, context, 7)
        let text = expr.text(names)
        var lexer = try Lexer(text)
        let parsed = try scope.expression(&lexer)
        #expect(parsed.expr == expr, "\(text)")
        #expect(parsed.dtype == dtype)
        #expect(lexer.token == .end)
    }
}

@Test func workloadsParseBackAndVerify() throws {
    var samples = TensorIRSamples(seed: 12)
    for _ in 0..<400 {
        let workload = samples.workload()
        try workload.verify()
        let text = workload.text
        let parsed = try Workload(parsing: text)
        #expect(parsed == workload, "\(text)")
        #expect(parsed.text == text)
    }
}

@Test func sampledWorkloadsCanBeInterpreted() {
    var samples = TensorIRSamples(seed: 13)
    for _ in 0..<100 {
        let workload = samples.workload()
        let values = interpret(workload, parameters: workload.parameters.map { samples.value($0.type) })
        #expect(values.map(\.type) == workload.results.map(workload.type(ofSlot:)))
    }
}

@Test func graphsParseBackAndVerify() throws {
    var samples = GraphSamples(seed: 14)
    for _ in 0..<400 {
        let graph = samples.graph()
        try graph.verify()
        let text = graph.text
        let parsed = try Graph(parsing: text)
        #expect(parsed == graph, "\(text)")
        #expect(parsed.text == text)
    }
}

@Test func namesInParsedTextAreResolvedByPosition() throws {
    let named = """
        workload(A: f32[128,768], B: const f32[768,3072], bias: const f32[3072]) {
          C: f32[m:128, n:3072] = sum(k:768) A[m,k] * B[k,n]  // a matrix product
          max: f32[m:128, row.n:3072] = C[m,row.n] + bias[row.n]
        } -> max
        """
    let canonical = """
        workload(t0: f32[128,768], t1: const f32[768,3072], t2: const f32[3072]) {
          t3: f32[i0:128,i1:3072] = sum(r0:768) t0[i0,r0] * t1[r0,i1]
          t4: f32[i0:128,i1:3072] = t3[i0,i1] + t2[i1]
        } -> t4

        """
    #expect(try Workload(parsing: named).text == canonical)
}

@Test func everyFormOfBodyHasItsSpelling() throws {
    let text = """
        workload(t0: f32[64,8], t1: f32[64,8], t2: i64[4], t3: f32[]) {
          t4: f32[i0:128,i1:8] = { [0..<64, 0..<8] t0[i0,i1]; [64..<128, 0..<8] t1[i0-64,i1] }
          t5: f32[i0:64] = sum(r0:8 where r0 <= i0) t0[i0,r0]
          t6: f32[i0:64] = max(r0:8) max(t0[i0,r0], t1[i0,r0])
          t7: f32[] = 0.5 * t3[] / (t3[] - -2.0)
          t8: f32[i0:10,i1:8] = (i0 >= 1 && i0 < 9 ? t0[i0*2-1,i1] : 0.0)
          t9: f32[i0:4] = t0[t2[i0]%64,(i0+1)/2%8]
          t10: i32[i0:4] = truncDiv(i32(t2[i0]), 3:i32) - -(3:i32) * -i32(i0)
          t11: bool[i0:4] = !(t2[i0] == 0 || isNaN(t3[])) && true
          t12: f64[] = pow(f64(t3[]), 0.5:f64) + fmod(0x7ff8000000000000:f64, 1e-10:f64)
        } -> t4, t12

        """
    let workload = try Workload(parsing: text)
    try workload.verify()
    #expect(workload.text == text)
}

@Test func graphTextShowsEveryOperation() throws {
    let text = """
        graph(%0: f32[3] "x", %1: i64[] "steps", %2: bool[] "flag") {
          function @0(%3: i64[]) {
            %4: i64[] = call @0(%3)
          } -> (%4)
          %5: f32[3] = const [0.5, -1.0, 0x7fc00000]
          %6: f32[100] = const data 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
          %7: f32[i0:3] = %0[i0] + %5[i0]
          %8: f32[i0:3] = define(%5, %0, %0) t1[i0] * t2[i0]
          %9: f32[2], %10: i64[2] = extern "TopK"["axis=0", "k=2"](%7)
          %11: f32[3] = loop trip %1 while %2 carry(%7) capture(%0) do(%12: i64[], %13: f32[3]) {
            %14: bool[] = %12[] < 5
            %15: f32[i0:3] = %13[i0] + %0[i0]
          } -> (%14, %15)
          %16: f32[3] = branch %2 capture(%8, %11) {
            then {
            } -> (%8)
            else {
            } -> (%11)
          }
          %17: i64[] = call @0(%1)
        } -> (%16 "y", %17 "a \\"quoted\\" 100%25 name")

        """
    let graph = try Graph(parsing: text)
    try graph.verify()
    #expect(graph.text == text)
    #expect(graph.outputNames == ["y", "a \"quoted\" 100% name"])
}
