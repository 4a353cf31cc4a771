// What a compiler made of a kernel, counted in the disassembly: fused multiply-adds on the widest registers, those on
// narrower vectors, and vectors that a contraction block keeps on the stack because it ran out of registers. Input: an
// object and a disassembler's listing of it. Output: counts; nothing where there is no disassembler.

import Basics
import Glibc

package struct ObjectCounts: Sendable, Hashable {
    package var fullWidthFmas = 0
    package var narrowFmas = 0
    /// Moves of vectors to and from the stack in functions whose names contain `iw_block`.
    package var blockSpills = 0

    package init(fullWidthFmas: Int = 0, narrowFmas: Int = 0, blockSpills: Int = 0) {
        self.fullWidthFmas = fullWidthFmas
        self.narrowFmas = narrowFmas
        self.blockSpills = blockSpills
    }

    /// Counts in a listing as `objdump -d --no-show-raw-insn` prints it:
    /// ```
    /// 0000000000001120 <iw_block_6x64_packed_add>:
    ///     1124:	vfmadd231ps %zmm1,%zmm2,%zmm3
    /// ```
    package init(listing: String, target: CompileTarget) {
        let widest = target.widestRegister
        var isBlock = false
        for line in listing.utf8.split(separator: UInt8(ascii: "\n")) {
            if line.last == UInt8(ascii: ":"), let start = line.firstIndex(of: UInt8(ascii: "<")) {
                isBlock = Substring(line[start...]).contains("iw_block")
                continue
            }
            let columns = line.split(separator: UInt8(ascii: "\t"), maxSplits: 1)
            guard columns.count == 2, columns[1].first == UInt8(ascii: "v") else { continue }
            let instruction = Substring(columns[1])
            let mnemonic = instruction.prefix { $0 != " " }
            if mnemonic.isPackedFma {
                if instruction.contains(widest) { fullWidthFmas += 1 } else { narrowFmas += 1 }
            } else if isBlock, mnemonic.isVectorMove, instruction.touchesStack {
                blockSpills += 1
            }
        }
    }

    /// Counts in the object at `path`; `nil` without `objdump` on the search path, or when that fails.
    package init?(objectPath path: String, target: CompileTarget, searchPath: String) {
        let tools = searchPath.split(separator: ":").map { $0 + "/objdump" }
        guard let tool = tools.first(where: { $0.hasPrefix("/") && Folder.isExecutable(String($0)) }) else {
            return nil
        }
        let result = try? runTool(
            String(tool), ["-d", "--no-show-raw-insn", path], environment: Toolchain.environment(searchPath),
            wallMs: 10_000, outputBytesMax: 64 << 20)
        guard let result, result.succeeded else { return nil }
        self.init(listing: result.output, target: target)
    }
}

extension CompileTarget {
    fileprivate var widestRegister: String {
        switch self {
        case .avx512: "%zmm"
        case .avx2: "%ymm"
        case .plain: "%xmm"
        }
    }
}

extension Substring {
    /// `vfmadd231ps`, `vfnmsub132pd`: not the scalar forms.
    fileprivate var isPackedFma: Bool {
        (hasPrefix("vfm") || hasPrefix("vfnm")) && (hasSuffix("ps") || hasSuffix("pd"))
    }
    /// `vmovaps`, `vmovdqu64`: not the scalar forms.
    fileprivate var isVectorMove: Bool { ["vmova", "vmovu", "vmovdq"].contains { hasPrefix($0) } }
    fileprivate var touchesStack: Bool { contains("(%rsp") || contains("(%rbp") }
}
