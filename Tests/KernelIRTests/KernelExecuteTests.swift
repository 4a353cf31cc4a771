// What kernels compute: contractions with tails, packing, softmax, exact integers, and the same result whatever the
// order of the tasks.

import Basics
import TensorIR
import Testing

@testable import KernelIR

@Suite struct KernelExecuteTests {
    private static let orders: [TaskOrder] = [
        .ascending, .descending, .shuffled(seed: 1), .shuffled(seed: 2), .shuffled(seed: 3),
    ]

    private func randoms(_ count: Int, seed: UInt64) -> TensorValue {
        var random = SeededRandom(seed: seed)
        return TensorValue(
            TensorType(.f32, [count]), floats: (0..<count).map { _ in Double(Float(random.unit() * 2 - 1)) })
    }

    private func zeros(_ buffer: Buffer) -> TensorValue {
        let type = TensorType(buffer.dtype, [buffer.elements])
        return buffer.dtype.isFloat
            ? TensorValue(type, floats: [Double](repeating: 0, count: buffer.elements))
            : TensorValue(type, integers: [Int64](repeating: 0, count: buffer.elements))
    }

    private func floats(_ value: TensorValue) -> [Double] {
        guard case .floats(let values) = value.elements else { return [] }
        return values
    }

    private func integers(_ value: TensorValue) -> [Int64] {
        guard case .integers(let values) = value.elements else { return [] }
        return values
    }

    /// A[7,5] · B[5,10]: a phase packs B into panels of four columns padded with zeros, the next one runs tiles of
    /// four rows with a tail of three, in two depth blocks, and copies what lies inside C.
    @Test func packedGemmWithTailsInEveryDirection() throws {
        let kernel = try Kernel(
            parsing: """
                kernel(b0: f32[35], b1: const f32[50], b2: out f32[70], b3: temp f32[60]) {
                  phase tasks 3 {
                    for v1 in 0 ..< 5 {
                      for vector v2 in 0 ..< 4 {
                        b3[v0*20+v1*4+v2] = (v0 * 4 + v2 < 10 ? b1[v1*10+v0*4+v2] : 0.0)
                      }
                    }
                  }
                  phase tasks 2 {
                    let v1 = v0 * 4
                    alloc s4: f32[16]
                    for v2 in 0 ..< 3 {
                      when v1 + 4 <= 7 {
                        contract 4x4 s4[0] stride 4 = a b0[v1*5] row 5 step 1, b b3[v2*20] stride 4, depth 3
                        contract 4x4 s4[0] stride 4 += a b0[v1*5+3] row 5 step 1, b b3[v2*20+12] stride 4, depth 2
                      }
                      when v1 + 4 > 7 {
                        contract 3x4 s4[0] stride 4 = a b0[v1*5] row 5 step 1, b b3[v2*20] stride 4, depth 5
                      }
                      for v3 in v1 ..< min(v1 + 4, 7) {
                        for vector v4 in 0 ..< min(4, 10 - v2 * 4) {
                          b2[v3*10+v2*4+v4] = s4[(v3-v1)*4+v4]
                        }
                      }
                    }
                  }
                }
                """)
        try kernel.verify()
        let (a, b) = (randoms(35, seed: 1), randoms(50, seed: 2))
        var expected: [Double] = []
        for i in 0..<7 {
            for j in 0..<10 {
                expected.append((0..<5).reduce(0.0) { $0 + floats(a)[i * 5 + $1] * floats(b)[$1 * 10 + j] })
            }
        }
        for order in Self.orders {
            var operands = [a, b, zeros(kernel.buffers[2]), zeros(kernel.buffers[3])]
            try kernel.execute(&operands, order: order)
            for (found, value) in zip(floats(operands[2]), expected) { #expect(abs(found - value) < 1e-12) }
            #expect(operands[0] == a && operands[1] == b)
        }
    }

    @Test func softmaxOfRows() throws {
        let kernel = try Kernel(
            parsing: """
                kernel(b0: f32[60], b1: out f32[60]) {
                  phase tasks 5 {
                    alloc s2: f32[1]
                    alloc s3: f32[12]
                    alloc s4: f32[1]
                    reduce s2[0] = f32 max(v1 in 0 ..< 12) b0[v0*12+v1]
                    for vector v2 in 0 ..< 12 {
                      s3[v2] = exp(b0[v0*12+v2] - s2[0])
                    }
                    reduce s4[0] = f32 sum(v3 in 0 ..< 12) s3[v3]
                    for vector v4 in 0 ..< 12 {
                      b1[v0*12+v4] = s3[v4] / s4[0]
                    }
                  }
                }
                """)
        try kernel.verify()
        let input = randoms(60, seed: 9)
        var operands = [input, zeros(kernel.buffers[1])]
        try kernel.execute(&operands, order: .descending)
        let result = floats(operands[1])
        for row in 0..<5 {
            let x = Array(floats(input)[row * 12..<row * 12 + 12])
            let scale = x.reduce(0) { $0 + ScalarRules.apply(.exp, $1) }
            for j in 0..<12 {
                #expect(abs(result[row * 12 + j] - ScalarRules.apply(.exp, x[j]) / scale) < 1e-12)
            }
        }
    }

    @Test func integersAreExactAndWrapWhenStored() throws {
        let kernel = try Kernel(
            parsing: """
                kernel(b0: i64[4], b1: out i64[4], b2: out u8[4], b3: out i8[4]) {
                  phase tasks 4 {
                    reduce b1[v0] = i64 sum(v1 in 0 ..< 4, v2 in 0 ..< 2 where v1 <= v0 && v2 == 1) b0[v1]
                    b2[v0] = u8(b0[v0])
                    reduce b3[v0] = i8 product(v3 in 0 ..< 4) 7:i8
                  }
                }
                """)
        try kernel.verify()
        let values: [Int64] = [9_007_199_254_740_993, 1, -3, 300]
        var operands = [TensorValue(TensorType(.i64, [4]), integers: values)]
        operands += kernel.buffers.dropFirst().map(zeros)
        try kernel.execute(&operands)
        #expect(integers(operands[1]) == [values[0], values[0] + 1, values[0] - 2, values[0] + 298])
        #expect(integers(operands[2]) == [1, 1, 253, 44])
        #expect(integers(operands[3]) == [97, 97, 97, 97])
    }

    @Test func emptyReductionsAndContractionsGiveTheIdentity() throws {
        let kernel = try Kernel(
            parsing: """
                kernel(b0: f32[8], b1: out f32[2], b2: out f32[4]) {
                  phase tasks 1 {
                    reduce b1[0] = f32 max(v1 in 0 ..< v0) b0[v1]
                    reduce b1[1] = f32 product(v2 in 0 ..< 4 where v2 > 7) b0[v2]
                    contract 1x4 b2[0] stride 4 = a b0[0] row 1 step 1, b b0[0] stride 4, depth v0
                  }
                }
                """)
        try kernel.verify()
        var operands = [randoms(8, seed: 3)] + kernel.buffers.dropFirst().map(zeros)
        try kernel.execute(&operands)
        #expect(floats(operands[1]) == [-.infinity, 1])
        #expect(floats(operands[2]) == [0, 0, 0, 0])
    }

    @Test func readsOfTheSideNotTakenDoNotHappen() throws {
        let kernel = try Kernel(
            parsing: """
                kernel(b0: f32[4], b1: out f32[6]) {
                  phase tasks 6 { b1[v0] = (v0 >= 1 && v0 < 5 ? b0[v0-1] : 0.5) }
                }
                """)
        var operands = [randoms(4, seed: 4), zeros(kernel.buffers[1])]
        try kernel.execute(&operands)
        #expect(floats(operands[1]) == [0.5] + floats(operands[0]) + [0.5])
    }

    @Test func aGivenPermutationIsTheOrder() throws {
        let kernel = try Kernel(parsing: "kernel(b0: out i64[3]) { phase tasks 3 { b0[v0] = v0 * v0 } }")
        var operands = [zeros(kernel.buffers[0])]
        try kernel.execute(&operands, order: .given([[2, 0, 1]]))
        #expect(integers(operands[0]) == [0, 1, 4])
        #expect(TaskOrder.given([[2, 0, 1]]).tasks(of: kernel.phases[0], 0) == [2, 0, 1])
        #expect(TaskOrder.shuffled(seed: 7).tasks(of: kernel.phases[0], 0).sorted() == [0, 1, 2])
    }

    @Test func someTasksOfAPhaseRunOnBytes() throws {
        let kernel = try Kernel(
            parsing: """
                kernel(b0: f32[4], b1: out f32[4]) {
                  phase tasks 4 { b1[v0] = 0.0 - b0[v0] }
                }
                """)
        var memory = TensorValue(TensorType(.f32, [8]), floats: [1, 2, 3, 4, 10, 20, 30, 40]).bytes
        try memory.withUnsafeMutableBytes { all in
            let operands = [0, 16].map { UnsafeMutableRawBufferPointer(rebasing: all[$0..<$0 + 16]) }
            try kernel.execute(phase: 0, tasks: 1..<3, on: operands)
        }
        let after = memory.withUnsafeBytes { TensorValue(TensorType(.f32, [8]), bytes: $0) }
        #expect(floats(after) == [1, 2, 3, 4, 10, -2, -3, 40])
    }

    @Test func accessesOfTasksAreExact() throws {
        let kernel = try Kernel(
            parsing: """
                kernel(b0: f32[24], b1: f32[16], b2: out f32[32]) {
                  phase tasks 2 {
                    contract 2x4 b2[v0*16] stride 8 = a b0[v0*12] row 6 step 2, b b1[0] stride 8, depth 2
                  }
                }
                """)
        try kernel.verify()
        let operands = [randoms(24, seed: 1), randoms(16, seed: 2), zeros(kernel.buffers[2])]
        let second = try kernel.accesses(phase: 0, tasks: 1..<2, on: operands)
        #expect(
            second == [
                BufferAccess(reads: [12..<13, 14..<15, 18..<19, 20..<21], writes: []),
                BufferAccess(reads: [0..<4, 8..<12], writes: []),
                BufferAccess(reads: [], writes: [16..<20, 24..<28]),
            ])
        let both = try kernel.accesses(phase: 0, tasks: 0..<2, on: operands)
        #expect(both[2].writes == [0..<4, 8..<12, 16..<20, 24..<28])
        #expect(both[1].reads == second[1].reads)
    }
}
