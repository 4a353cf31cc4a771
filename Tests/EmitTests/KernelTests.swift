// Whole kernels, compiled and run against KernelIR's interpreter on every instruction set of this machine.

import DeviceModel
import KernelIR
import TensorIR
import Testing

@testable import Emit

@Suite struct KernelTests {
    @Test func plainCIsAlwaysRunnable() { #expect(runnableISAs.last == .plain) }

    /// 25 x 40 from depth 11 in tiles that do not divide, weights packed first, bias and relu after.
    @Test func tiledGemmWithPackedWeightsAndEdges() throws {
        let kernels = try [4, 8, 16].map { columns in
            let panels = (40 + columns - 1) / columns
            let (tile, panel) = ("x\(columns) s5[0] stride \(columns)", "stride \(columns), depth")
            return try Kernel.checked(
                """
                kernel(b0: f32[275], b1: const f32[440], b2: const f32[40], b3: out f32[1000], b4: temp f32[2000]) {
                  phase tasks \(panels) {
                    for v1 in 0 ..< 11 {
                      for vector v2 in 0 ..< \(columns) {
                        b4[(v0*11+v1)*\(columns)+v2] = (v0 * \(columns) + v2 < 40 ? b1[v1*40+v0*\(columns)+v2] : 0.0)
                      }
                    }
                  }
                  phase tasks 5 {
                    let v1 = v0 * 6
                    let v2 = min(6, 25 - v1)
                    alloc s5: f32[\(6 * columns)]
                    for v3 in 0 ..< \(panels) {
                      when v2 == 6 {
                        contract 6\(tile) = a b0[v1*11] row 11 step 1, b b4[v3*11*\(columns)] \(panel) 7
                        contract 6\(tile) += a b0[v1*11+7] row 11 step 1, b b4[(v3*11+7)*\(columns)] \(panel) 4
                      }
                      when v2 == 1 {
                        contract 1\(tile) = a b0[v1*11] row 11 step 1, b b4[v3*11*\(columns)] \(panel) 11
                      }
                      for v4 in 0 ..< v2 {
                        for vector v5 in 0 ..< min(\(columns), 40 - v3 * \(columns)) {
                          b3[(v1+v4)*40+v3*\(columns)+v5] = max(s5[v4*\(columns)+v5] + b2[v3*\(columns)+v5], 0.0)
                        }
                      }
                    }
                  }
                }
                """)
        }
        try expectAgreement(kernels)
    }

    /// Every way a block is printed: packed and strided A, store and add, one to fourteen rows, few accumulators.
    @Test func contractionBlocksOfAllShapes() throws {
        let tiles = [
            (6, 64), (14, 32), (8, 32), (6, 16), (4, 24), (3, 32), (4, 8), (1, 64), (1, 16), (2, 4),
        ]
        let kernels = try tiles.map { rows, columns in
            let (aSize, bSize, cSize) = (rows * 13, 13 * (columns + 3), rows * (columns + 5))
            let tile = "contract \(rows)x\(columns)"
            let b = "b b1[0] stride \(columns + 3), depth 13"
            return try Kernel.checked(
                """
                kernel(b0: f32[\(aSize)], b1: f32[\(bSize)], b2: out f32[\(cSize)], b3: out f32[\(cSize)]) {
                  phase tasks 1 {
                    for v1 in 0 ..< \(cSize) {
                      b2[v1] = 0.5
                      b3[v1] = 0.25
                    }
                    \(tile) b2[0] stride \(columns + 5) = a b0[0] row 13 step 1, \(b)
                    \(tile) b2[0] stride \(columns + 5) += a b0[0] row 1 step \(rows), \(b)
                    \(tile) b3[0] stride \(columns + 5) += a b0[0] row 13 step 1, \(b)
                    \(tile) b3[0] stride \(columns + 5) = a b0[0] row 1 step \(rows), \(b)
                  }
                }
                """)
        }
        try expectAgreement(kernels)
    }

    @Test func softmaxOfRows() throws {
        let kernels = try [10, 64, 100, 131].map { length in
            try Kernel.checked(
                """
                kernel(b0: f32[\(7 * length)], b1: out f32[\(7 * length)]) {
                  phase tasks 7 {
                    alloc s2: f32[1]
                    alloc s3: f32[\(length)]
                    alloc s4: f32[1]
                    reduce s2[0] = f32 max(v1 in 0 ..< \(length)) b0[v0*\(length)+v1]
                    for vector v2 in 0 ..< \(length) {
                      s3[v2] = exp(b0[v0*\(length)+v2] - s2[0])
                    }
                    reduce s4[0] = f32 sum(v3 in 0 ..< \(length)) s3[v3]
                    for vector v4 in 0 ..< \(length) {
                      b1[v0*\(length)+v4] = s3[v4] / s4[0]
                    }
                  }
                }
                """)
        }
        try expectAgreement(kernels, scale: 20)
    }

    /// A 3x3 maximum with padding: a short reduction inside a vector loop, predicated by its condition.
    @Test func poolingWithPadding() throws {
        func inside(_ y: String, _ x: String) -> String {
            "v0 + \(y) >= 1 && v0 + \(y) < 11 && v1 + \(x) >= 1 && v1 + \(x) < 16"
        }
        let kernel = try Kernel.checked(
            """
            kernel(b0: f32[150], b1: out f32[150], b2: out f32[150]) {
              phase tasks 10 {
                for vector v1 in 0 ..< 15 {
                  reduce b1[v0*15+v1] = f32 max(v2 in 0 ..< 3, v3 in 0 ..< 3 where \(inside("v2", "v3")))
                    b0[(v0+v2-1)*15+v1+v3-1]
                  reduce b2[v0*15+v1] = f32 sum(v4 in 0 ..< 3, v5 in 0 ..< 3)
                    (\(inside("v4", "v5")) ? b0[(v0+v4-1)*15+v1+v5-1] : 0.0)
                }
              }
            }
            """)
        try expectAgreement([kernel])
    }

    @Test func transposedCopyThroughDivisionAndModulo() throws {
        let kernel = try Kernel.checked(
            """
            kernel(b0: f32[210], b1: out f32[210], b2: i64[7], b3: out f32[30]) {
              phase tasks 3 {
                for vector v1 in 0 ..< 70 {
                  let v2 = v0 * 70 + v1
                  b1[v2] = b0[v2%30/6*42+v2/30*6+v2%6]
                }
                for v3 in 0 ..< 10 {
                  b3[v0*10+v3] = b0[(b2[(v3-5)%7]%5+v0)*30+(0-v3)/3+20]
                }
              }
            }
            """)
        try expectAgreement([kernel], tolerance: 0)
    }

    @Test func deepExpressionsAreCutIntoLocals() throws {
        var sum = "b0[v1]"
        var picks = "b0[v1]"
        for i in 0..<60 {
            sum = "(\(sum) + b0[(v1+\(i))%40]) * 0.75"
            if i % 2 == 0 { picks = "(b0[v1] > \(Double(i) / 60) ? \(picks) * 0.5 : b0[(v1+\(i))%40])" }
        }
        let kernel = try Kernel.checked(
            """
            kernel(b0: f32[40], b1: out f32[40], b2: out f32[40]) {
              phase tasks 1 {
                for vector v1 in 0 ..< 40 {
                  b1[v1] = \(sum)
                  b2[v1] = \(picks)
                }
              }
            }
            """)
        let source = emit(kernel, name: "k", dialect: .c(.plain))
        #expect(source.contains("const float t1 = "))
        try expectAgreement([kernel])
    }

    @Test func tasksWriteNothingOutsideTheirRange() throws {
        let kernel = try Kernel.checked(
            """
            kernel(b0: out i32[8]) {
              phase tasks 8 {
                b0[v0] = 7:i32
              }
            }
            """)
        let compiled = try CompiledC(emit(kernel, name: "k", dialect: .c(.plain)))
        let memory = AlignedBytes(of: [Int32](repeating: 0, count: 8))
        try compiled.entry("k_0")([memory.address], 2, 5, nil)
        #expect(memory.array(of: Int32.self) == [0, 0, 7, 7, 7, 0, 0, 0])
    }
}
