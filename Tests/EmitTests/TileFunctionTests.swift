// Blocks that differ only in how they start and end share one function in a source of several kernels.

import DeviceModel
import KernelIR
import Testing

@testable import Emit

@Suite struct TileFunctionTests {
    /// Tiles of one core: every start with every end, among them narrow ones and operands by row and by column.
    private func kernels() throws -> [Kernel] {
        let starts = ["zero", "b3[0] rows 0 8 16 block 8 by 0", "b3[40] rows 0 9 18 block 8 by 30"]
        let ends = [
            ("width 8", "block 8 by 0", ", value p0[]"),
            ("width 5", "block 4 by 40", ", value p0[]"),
            ("width 8", "block 4 by 40", ", with b2[0] rows 0 0 0 block 8 by 0, value max(p0[] + p1[], 0.0)"),
            (
                "width 7", "block 8 by 0",
                ", with b2[3] rows 0 1 2 block 0 by 0, with b3[7] rows 0 8 16 block 8 by 0, value p0[] * p1[] - p2[]"
            ),
        ]
        return try starts.flatMap { start in
            try ends.map { width, block, end in
                try Kernel.checked(
                    """
                    kernel(b0: f32[60], b1: f32[80], b2: f32[16], b3: f32[100], b4: out f32[100]) {
                      phase tasks 1 {
                        for v1 in 0 ..< 100 {
                          b4[v1] = 0.5
                        }
                        tile 3x8 into b4[1] rows 0 8 16 \(block) \(width), from \(start), a b0[2] rows 0 10 20 \
                    step 1, b b1[0] stride 8, depth 7\(end)
                      }
                    }
                    """)
            }
        }
    }

    @Test func everyStartMeetsEveryEnd() throws {
        let kernels = try kernels()
        try expectAgreement(kernels)
        for kernel in kernels { try expectAgreement([kernel]) }
    }

    @Test func oneFunctionServesAllOfACore() throws {
        let named = try kernels().enumerated().map { (name: "k\($0)", kernel: $1) }
        let text = emit(kernels: named, dialect: .c(.avx512))
        #expect(text.contains("void iw_block_t0(") && !text.contains("iw_block_t1"))
        #expect(text.contains("switch (start)") && text.contains("switch (end)"))
        let alone = emit(kernels: [named[7]], dialect: .c(.avx512))
        #expect(alone.contains("void iw_block_t0(") && !alone.contains("switch"))
    }
}
