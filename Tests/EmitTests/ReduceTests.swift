// Reductions of every length around the lane counts, over every reducer, with conditions, NaN and several axes.

import KernelIR
import TensorIR
import Testing

@testable import Emit

@Suite struct ReduceTests {
    @Test func everyLengthAroundTheLaneCounts() throws {
        let lengths = [1, 3, 5, 8, 16, 17, 33, 64, 100, 200]
        let lines = lengths.enumerated().map { at, length in
            """
            reduce b1[\(at * 2)] = f32 sum(v\(2 * at + 1) in 0 ..< \(length)) b0[v\(2 * at + 1)]
            reduce b1[\(at * 2 + 1)] = f32 max(v\(2 * at + 2) in 1 ..< \(length)+1) b0[v\(2 * at + 2)]
            """
        }
        let kernel = try Kernel.checked(
            """
            kernel(b0: f32[201], b1: out f32[\(lengths.count * 2)]) {
              phase tasks 1 {
                \(lines.joined(separator: "\n"))
              }
            }
            """)
        try expectAgreement([kernel], tolerance: 2e-5)
    }

    @Test func lengthsKnownOnlyAtRunTime() throws {
        let kernel = try Kernel.checked(
            """
            kernel(b0: f32[150], b1: out f32[150], b2: out f64[150], b3: f64[150], b4: out f32[150]) {
              phase tasks 150 {
                reduce b1[v0] = f32 sum(v1 in 0 ..< v0+1) b0[v1]
                reduce b2[v0] = f64 max(v2 in v0/2 ..< v0+1) b3[v2]
                reduce b4[v0] = f32 product(v3 in 0 ..< v0) 1.0 + b0[v3] * 0.01
              }
            }
            """)
        try expectAgreement([kernel], tolerance: 1e-5)
    }

    @Test func severalAxesWithCondition() throws {
        let kernel = try Kernel.checked(
            """
            kernel(b0: f32[1200], b1: out f32[3], b2: out f64[3], b3: out f16[3], b4: out bf16[3]) {
              phase tasks 3 {
                reduce b1[v0] = f32 sum(v1 in 0 ..< 10, v2 in 0 ..< 40 where v2 <= v1 * 4 + v0) b0[v0*400+v1*40+v2]
                reduce b2[v0] = f64 sum(v3 in 0 ..< 10, v4 in 0 ..< 40) f64(b0[v0*400+v3*40+v4])
                reduce b3[v0] = f16 max(v5 in 0 ..< 100, v6 in 0 ..< 4) f16(b0[v0*400+v5*4+v6])
                reduce b4[v0] = bf16 min(v7 in 0 ..< 133, v8 in 0 ..< 3) bf16(b0[v0*400+v7*3+v8])
              }
            }
            """)
        try expectAgreement([kernel], tolerance: 1e-5)
    }

    @Test func maximumAndMinimumKeepNaN() throws {
        let kernel = try Kernel.checked(
            """
            kernel(b0: f32[8000], b1: out f32[80], b2: out f32[80]) {
              phase tasks 80 {
                reduce b1[v0] = f32 max(v1 in 0 ..< 100) b0[v0*100+v1]
                reduce b2[v0] = f32 min(v2 in 0 ..< 100) b0[v0*100+v2]
              }
            }
            """)
        var operands = inputs(kernel, seed: 14)
        guard case .floats(var values) = operands[0].elements else { return }
        for row in 0..<79 { values[row * 100 + (row * 37) % 100] = .nan }
        operands[0] = TensorValue(operands[0].type, floats: values)
        var expected = operands
        try kernel.execute(&expected)
        guard case .floats(let maxima) = expected[1].elements else { return }
        #expect(maxima.filter(\.isNaN).count == 79)
        try expectAgreement([kernel], [operands], tolerance: 0)
    }

    @Test func integerReductionsAreExact() throws {
        let kernel = try Kernel.checked(
            """
            kernel(b0: i8[300], b1: u8[300], b2: i64[300], b3: u32[300], b4: out i32[3], b5: out i64[3], b6: out i8[3],
              b7: out u32[3], b8: out bool[3]) {
              phase tasks 3 {
                reduce b4[v0] = i32 sum(v1 in 0 ..< 100) i32(b0[v0*100+v1]) * i32(b1[v0*100+v1])
                reduce b5[v0] = i64 sum(v2 in 0 ..< 100) b2[v0*100+v2]
                reduce b6[v0] = i8 max(v3 in 0 ..< 100) b0[v0*100+v3]
                reduce b7[v0] = u32 min(v4 in 0 ..< 100 where v4 % 3 == 1) b3[v0*100+v4]
                reduce b8[v0] = bool max(v5 in 0 ..< 100) b0[v0*100+v5] > 125:i8
              }
            }
            """)
        try expectAgreement([kernel], tolerance: 0)
    }
}
