// The text itself: reproducible, self-contained, each shared part once.

import DeviceModel
import Glibc
import KernelIR
import TensorIR
import Testing

@testable import Emit

@Suite struct UnitTests {
    private func gemm(rows: Int, columns: Int, accumulate: Bool) throws -> Kernel {
        let tile = "\(rows)x\(columns) b2[0] stride \(columns) \(accumulate ? "+=" : "=")"
        return try Kernel.checked(
            """
            kernel(b0: f32[1000], b1: const f32[9000], b2: out f32[9000]) {
              phase tasks 3 {
                contract \(tile) a b0[0] row 9 step 1, b b1[0] stride \(columns), depth 9
              }
            }
            """)
    }

    @Test func theSameKernelsGiveTheSameText() throws {
        let kernels = try [(6, 64), (12, 32), (6, 64), (1, 16)].enumerated().map { at, tile in
            (name: "k\(at)", kernel: try gemm(rows: tile.0, columns: tile.1, accumulate: at == 2))
        }
        for isa in ISA.allCases {
            let text = emit(kernels: kernels, dialect: .c(isa))
            for _ in 0..<5 { #expect(emit(kernels: kernels, dialect: .c(isa)) == text) }
        }
    }

    @Test func sharedBlocksAreDefinedOnce() throws {
        let kernel = try gemm(rows: 6, columns: 64, accumulate: false)
        let text = emit(kernels: [("a", kernel), ("b", kernel)], dialect: .c(.avx512))
        let definitions = text.components(of: "static __attribute__((noinline)) void iw_block_6x64_strided_store(")
        #expect(definitions == 1)
        #expect(text.components(of: "iw_block_6x64_strided_store(") == 3)
        #expect(text.components(of: "void a_0(void *const *operands") == 1)
        #expect(text.components(of: "void b_0(void *const *operands") == 1)
    }

    @Test func sourcesIncludeNothing() throws {
        let kernel = try gemm(rows: 6, columns: 16, accumulate: true)
        let text = emit(kernel, name: "k", dialect: .c(.avx2))
        #expect(text.components(of: "#include") == 0)
        #expect(text.components(of: "IW_MATH_H") == 2)
    }

    /// A kernel that only fills has what its constants need, whatever they are.
    @Test func fillsCompile() throws {
        let infinities = [("f32", "0xff800000:f32"), ("f64", "0x7ff0000000000000:f64"), ("f16", "0x7c00:f16")]
        for (dtype, value) in infinities + [("f32", "0.5"), ("i64", "-7")] {
            let kernel = try Kernel.checked(
                """
                kernel(b0: out \(dtype)[40]) {
                  phase tasks 1 {
                    for vector v1 in 0 ..< 40 {
                      b0[v1] = \(value)
                    }
                  }
                }
                """)
            try expectAgreement([kernel])
        }
    }

    /// Loops of one register's length are unrolled by clang before it looks for vectors, unless it is told not to.
    @Test func aLoopOfOneRegisterIsOneVector() throws {
        let kernel = try Kernel.checked(
            """
            kernel(b0: f32[1600], b1: out f32[1600]) {
              phase tasks 1 {
                for v1 in 0 ..< 100 {
                  for vector v2 in 0 ..< 16 {
                    b1[v1*16+v2] = b0[v1*16+v2]
                  }
                }
              }
            }
            """)
        let assembly = try assembly(emit(kernel, name: "k", dialect: .c(.avx512)))
        #expect(assembly.contains("%zmm"))
        #expect(!assembly.contains("vmovss"))
    }

    private func assembly(_ source: String) throws -> String {
        var template = Array("/tmp/ironworks-emit-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw CompileFailure(description: "no temporary folder") }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let (path, output) = (folder + "/k.c", folder + "/k.s")
        defer {
            unlink(path)
            unlink(output)
            rmdir(folder)
        }
        guard let file = fopen(path, "w") else { throw CompileFailure(description: "cannot write \(path)") }
        fputs(source, file)
        fclose(file)
        let machine = ["-march=x86-64-v4", "-mprefer-vector-width=512"]
        try CompiledC.run(["clang", "-O2", "-std=gnu11"] + machine + ["-S", "-o", output, path])
        guard let text = fopen(output, "r") else { throw CompileFailure(description: "cannot read \(output)") }
        defer { fclose(text) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, text)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    @Test func vectorsAreTheWidestThatDivideTheColumns() {
        #expect(ISA.avx512.lanes(dividing: 64) == 16)
        #expect(ISA.avx512.lanes(dividing: 24) == 8)
        #expect(ISA.avx512.lanes(dividing: 12) == 4)
        #expect(ISA.avx2.lanes(dividing: 64) == 8)
        #expect(ISA.plain.lanes(dividing: 64) == 4)
    }

    @Test func divisionIsPlainOnlyWhereSignsAreProven() throws {
        let kernel = try Kernel.checked(
            """
            kernel(b0: f32[100], b1: out f32[10], b2: out f32[10]) {
              phase tasks 10 {
                b1[v0] = b0[v0*7/3]
                b2[v0] = b0[(v0-5)/3+50]
              }
            }
            """)
        let text = emit(kernel, name: "k", dialect: .c(.plain))
        #expect(text.contains("b1[v0] = b0[(int64_t)((uint32_t)(v0 * 7) / (uint32_t)3)];"))
        #expect(text.contains("b2[v0] = b0[iw_floor_quotient_i64((v0 - 5), 3) + 50];"))
    }

    @Test func provenConditionsVanish() throws {
        let kernel = try Kernel.checked(
            """
            kernel(b0: f32[100], b1: out f32[100]) {
              phase tasks 10 {
                for v1 in 0 ..< 10 {
                  b1[v0*10+v1] = (v1 + 1 >= 1 && v0 < 10 ? b0[v0*10+v1] : 0.0)
                }
              }
            }
            """)
        #expect(emit(kernel, name: "k", dialect: .c(.plain)).contains("b1[(v0 * 10) + v1] = b0[(v0 * 10) + v1];"))
    }

    @Test func floatLiteralsAreExact() {
        let values: [(Double, DType, String)] = [
            (1, .f32, "1.0f"), (-2, .f32, "(-2.0f)"), (0.5, .f32, "0x1p-1f"),
            (Double(Float(0.1)), .f32, "0x1.99999ap-4f"),
            (.infinity, .f32, "IW_INFINITY_F32"), (-.infinity, .f64, "(-IW_INFINITY_F64)"),
            (0.1, .f64, "0x1.999999999999ap-4"),
            (-0.0, .f32, "(-0.0f)"), (0x1p-149, .f32, "0x1p-149f"), (1e30, .f64, "0x1.93e5939a08ceap+99"),
        ]
        for (value, dtype, text) in values { #expect(floatText(value, dtype) == text) }
        #expect(floatText(.nan, .f32) == "__builtin_nanf(\"\")")
    }
}

extension String {
    /// How often `part` occurs.
    fileprivate func components(of part: String) -> Int {
        var count = 0
        var rest = Substring(self)
        while let range = rest.firstRange(of: part) {
            count += 1
            rest = rest[range.upperBound...]
        }
        return count
    }
}
