// Objects with several compilers, sets of compilers, and what a disassembly says about an object.

import Basics
import Testing

@testable import Runtime

/// Two functions of one program in files of their own.
private let parts = [
    SourceFile(
        name: "one.c",
        text: "#include <stdint.h>\nvoid one_0(void *const *o, int64_t f, int64_t l, void *s) { *(float *)o[0] = 1; }\n"
    ),
    SourceFile(
        name: "two.c",
        text: """
            #include <stdint.h>
            #include "shared.h"
            void one_0(void *const *o, int64_t f, int64_t l, void *s);
            void both_0(void *const *o, int64_t f, int64_t l, void *s) { one_0(o, f, l, s); *(float *)o[0] += AMOUNT; }

            """),
    SourceFile(name: "shared.h", text: "#define AMOUNT 2\n"),
]

@Test func everyPartHasItsOwnCompiler() throws {
    let folder = try TestFolder()
    let set = try CompilerSet(target: .plain, searchPath: environmentPath(), cacheFolder: folder.path)
    #expect(set.broken.isEmpty && set.compilers.map(\.toolchain) == testToolchains)
    for first in set.compilers {
        for second in set.compilers {
            let compilers = [first, second, first]
            let mixed = zip(parts, compilers).map { CompilePart(source: $0, compiler: $1) }
            let built = try object(set.first.link(mixed))
            #expect(built.elf.definedFunctions == ["both_0", "one_0"])
            let again = try object(set.first.link(mixed))
            #expect(again.cached && again.path == built.path)
            let request = ExecuteRequest(
                objectPath: built.path, kernels: [KernelCall(symbol: "both", phases: [1], operands: [0])],
                operands: [Operand(.result, bytes: 4)])
            #expect(try childMeasurer(folder).execute(request) == .outputs([floats([3])]))
        }
    }
}

@Test func aPartThatDoesNotCompileFailsTheWhole() throws {
    let folder = try TestFolder()
    let set = try CompilerSet(target: .plain, searchPath: environmentPath(), cacheFolder: folder.path)
    guard let last = set.compilers.last else { return }
    let broken = SourceFile(name: "one.c", text: "int one_0(\n")
    guard case .failed(let failure) = set.first.link([CompilePart(source: broken, compiler: last)]) else {
        Issue.record("it compiled")
        return
    }
    #expect(failure.log.contains("one.c"))
}

@Test func aSetKeepsTheOrderThatIsAskedFor() throws {
    let folder = try TestFolder()
    let families = Array(Toolchain.Family.allCases.reversed())
    let set = try CompilerSet(
        target: .plain, families: families, searchPath: environmentPath(), cacheFolder: folder.path)
    #expect(set.compilers.map(\.toolchain) == testToolchains.reversed())
    for compiler in set.compilers { #expect(set[compiler.digest]?.toolchain == compiler.toolchain) }
    #expect(set[Digest(of: "another")] == nil)
    #expect(throws: RuntimeError.compilerNotFound) {
        try CompilerSet(target: .plain, families: [], searchPath: environmentPath(), cacheFolder: folder.path)
    }
}

@Test func aListingIsCounted() {
    let listing = """
        object.so:     file format elf64-x86-64

        0000000000001120 <iw_block_6x64_packed_add>:
            1120:\tvmovups 0x40(%rdi),%zmm0
            1124:\tvfmadd231ps %zmm1,%zmm2,%zmm3
            1128:\tvfmadd231ps (%rsi){1to16},%zmm2,%zmm4
            112c:\tvfmadd231ps %ymm1,%ymm2,%ymm3
            1130:\tvfnmadd132pd %xmm1,%xmm2,%xmm3
            1134:\tvfmadd213ss %xmm1,%xmm2,%xmm3
            1138:\tvmovups %zmm3,-0x40(%rsp)
            113c:\tvmovaps 0x80(%rbp),%ymm1
            1140:\tvmovss 0x8(%rsp),%xmm1
            1144:\tmov    0x8(%rsp),%rax
            1148:\tret

        0000000000001200 <kernel_0>:
            1200:\tvmovups %zmm3,-0x40(%rsp)
            1204:\tvfmadd231ps %zmm1,%zmm2,%zmm3

        """
    #expect(
        ObjectCounts(listing: listing, target: .avx512)
            == ObjectCounts(fullWidthFmas: 3, narrowFmas: 2, blockSpills: 2))
    #expect(
        ObjectCounts(listing: listing, target: .avx2)
            == ObjectCounts(fullWidthFmas: 1, narrowFmas: 4, blockSpills: 2))
    #expect(ObjectCounts(listing: "", target: .avx2) == ObjectCounts())
}

@Test func anObjectOfThisMachineIsCounted() throws {
    let folder = try TestFolder()
    let compiler = try testCompiler(folder, target: .avx2)
    let source = """
        #include <stdint.h>
        typedef float v8 __attribute__((vector_size(32), aligned(4)));
        void kernel_0(void *const *o, int64_t first, int64_t last, void *s) {
          v8 sum = {0};
          const v8 *x = o[0], *y = o[1];
          for (int64_t i = first; i < last; i++) sum += x[i] * y[i];
          *(v8 *)o[2] = sum;
        }

        """
    let built = try object(compiler.compile(source: source, name: "kernel"))
    #expect(ObjectCounts(objectPath: built.path, target: .avx2, searchPath: "/nowhere") == nil)
    guard let counts = ObjectCounts(objectPath: built.path, target: .avx2, searchPath: environmentPath()) else {
        return  // no disassembler here: the fact is absent
    }
    #expect(counts.fullWidthFmas > 0 && counts.blockSpills == 0)
}
