// Bundles, built with the compiler of this machine: the self-test passes and can fail, the library exports its own
// functions only and needs the C library only, other languages can use it, and its errors are sentences.

import Basics
import Emit
import Testing

@testable import Export

@Suite struct BundleBuildTests {
    @Test func theSelfTestPassesAndTheLibraryStandsAlone() throws {
        let built = try BuiltBundle()
        let test = try built.bench.tool(["b/bin/small_selftest"])
        #expect(test.output == "vector 0: agrees\nvector 1: agrees\nPASS\n")
        #expect(test.status == 0)
        #expect(try built.bench.tool(["./small_selftest"], in: "b/bin").status == 0)

        let exported = try symbols(built, ["--defined-only"])
        #expect(
            exported == [
                "small_cancel", "small_create", "small_destroy", "small_error", "small_input", "small_input_count",
                "small_output", "small_output_count", "small_run",
            ])
        let libc: Set<String> = [
            "calloc", "close", "free", "fstat", "madvise", "memcmp", "memcpy", "mmap", "munmap", "open", "pread",
            "__stack_chk_fail",
        ]
        #expect(try symbols(built, ["--undefined-only"]).filter { !libc.contains($0) } == [])
        #expect(try built.bench.tool(["readelf", "-d", "b/lib/libsmall.so"]).output.contains("INIT") == false)
    }

    /// Names of the dynamic symbols, without versions.
    private func symbols(_ built: BuiltBundle, _ flags: [String]) throws -> [String] {
        let listing = try built.bench.tool(["nm", "-D"] + flags + ["b/lib/libsmall.so"])
        #expect(listing.status == 0)
        return listing.output.split(separator: "\n").compactMap { line in
            line.split(separator: " ").last.map { String($0.prefix { $0 != "@" }) }
        }.sorted()
    }

    @Test func theSelfTestFailsOnWrongOutputsAndDamagedFiles() throws {
        var request = ExportSample.request()
        request.vectors[1].outputs[0][5 * 4 + 2] ^= 0x40
        let built = try BuiltBundle(request)
        let wrong = try built.bench.tool(["b/bin/small_selftest", "b"])
        #expect(wrong.status == 1)
        #expect(
            wrong.output
                == "vector 0: agrees\nvector 1: output 0 differs from what is expected (elements: 1)\nFAIL\n")

        let weights = try #require(built.bundle.files.first { $0.path == "weights.bin" }?.bytes)
        var other = weights
        other[30] ^= 1
        let cases: [([UInt8]?, String)] = [
            (Array(weights.dropLast()), "the weights file is not as long as it should be; copy it again"),
            (Array(weights.prefix(20)), "the weights file is not as long as it should be; copy it again"),
            (
                Array("PK and then something else".utf8),
                "this is not a weights file; give the weights.bin that came with this library"
            ),
            ([], "this is not a weights file; give the weights.bin that came with this library"),
            (
                other,
                "the weights file belongs to another model or build; use library and weights.bin of the same bundle"
            ), (nil, "the weights file cannot be opened; check its path and permissions"),
        ]
        for (bytes, sentence) in cases {
            if let bytes {
                try built.bench.write(bytes, to: "b/weights.bin")
            } else {
                try built.bench.expectSuccess(["rm", "b/weights.bin"])
            }
            let result = try built.bench.tool(["b/bin/small_selftest", "b"])
            #expect(result.status == 1)
            #expect(result.output == "b/weights.bin: \(sentence)\nFAIL\n")
        }
        try built.bench.write([1, 2, 3], to: "b/vectors.bin")
        #expect(try built.bench.tool(["b/bin/small_selftest", "b"]).output == "b/vectors.bin: no vectors file\nFAIL\n")
    }

    @Test func twoBundlesWithKernelsOfTheSameNamesLinkIntoOneProgram() throws {
        let bench = try Workbench()
        for (name, factor) in [("first", Float(1)), ("second", Float(10))] {
            var request = ExportSample.request(name: name, factor: factor)
            // The same names, other work: with one of them in place of the other the result would be wrong.
            request.kernels[1].text = ExportSample.addText.replacing("p[1])[i]", with: "p[1])[i] + \(factor)f")
            let bundle = try Export.bundle(request)
            try bench.write(bundle, to: name)
            try bench.build(bundle.plan, in: name)
        }
        try bench.write(Array(bothMain.utf8), to: "both.c")
        let sources = ["both.c", "first/lib/libfirst.a", "second/lib/libsecond.a"]
        try bench.expectSuccess(
            [try Workbench.compiler(), "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Ifirst/include"]
                + ["-Isecond/include", "-o", "both"] + sources)
        // 15 * factor + 3 * (factor that each addition adds) + 3 ones, for element 15.
        #expect(try bench.tool(["./both"]).output == "21 183\n21 183\n")
    }

    private let bothMain = """
        #include "first.h"
        #include "second.h"
        #include <stdio.h>
        int main(void) {
          float x[48], y[2][17];
          int32_t twice = 0;
          for (int i = 0; i < 48; i++) x[i] = 1;
          const void *inputs[] = {x, &twice};
          first *a;
          second *b;
          if (first_create("first/weights.bin", &a) || second_create("second/weights.bin", &b)) return 1;
          for (int turn = 0; turn < 2; turn++) {
            void *to_a[] = {y[0]}, *to_b[] = {y[1] + turn};
            if (first_run(a, inputs, to_a) != first_ok || second_run(b, inputs, to_b) != second_ok) return 2;
            printf("%g %g\\n", y[0][15], y[1][15 + turn]);
          }
          first_destroy(a);
          second_destroy(b);
          second_destroy(NULL);
          return 0;
        }

        """

    @Test func aPersonCanBuildItAgain() throws {
        let bench = try Workbench()
        let bundle = try Export.bundle(ExportSample.request())
        try bench.write(bundle, to: "b")
        let compiler = "CC=" + (try Workbench.compiler())
        try bench.expectSuccess(["sh", "b/build.sh"], environment: [compiler])
        #expect(try bench.tool(["b/bin/small_selftest"]).output.hasSuffix("PASS\n"))
        #expect(try bench.tool(["ls", "b/obj"]).status != 0)
        if Workbench.isOnPath("make") {
            try bench.expectSuccess(["make", "clean"], in: "b")
            let made = try bench.tool(["make", "check"], in: "b", environment: [compiler])
            #expect(made.status == 0 && made.output.hasSuffix("PASS\n"), "\(made.output)")
        }
    }

    @Test func headerAndExampleAreStrictCAndCPlusPlus() throws {
        let built = try BuiltBundle()
        let compiler = try Workbench.compiler()
        let strict = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Ib/include"]
        try built.bench.expectSuccess(
            [compiler, "-std=c11"] + strict + ["b/examples/main.c", "b/lib/libsmall.a", "-o", "example"])
        let ran = try built.bench.tool(["./example", "b/weights.bin"])
        #expect(ran.status == 0 && ran.output == "output 0: 64 bytes of f32\n")
        let lost = try built.bench.tool(["./example", "nowhere/weights.bin"])
        #expect(lost.status == 1)
        #expect(lost.output == "the weights file cannot be opened; check its path and permissions\n")
        try built.bench.write(
            Array("#include \"small.h\"\n#include \"small.h\"\nint main() { return small_ok; }\n".utf8), to: "m.cc")
        try built.bench.expectSuccess(
            [compiler, "-x", "c++", "-std=c++17", "-fsyntax-only"] + strict + ["m.cc"])
        try built.bench.expectSuccess(
            [compiler, "-std=gnu11", "-fsyntax-only"] + strict.filter { $0 != "-Wpedantic" }
                + ["b/src/small_program.c", "b/src/small_selftest.c"])
    }

    @Test func aProcessorWithoutTheInstructionsIsAStatus() throws {
        var request = ExportSample.request()
        request.isa = .avx512
        let bench = try Workbench()
        let bundle = try Export.bundle(request)
        try bench.write(bundle, to: "b")
        // A processor that has nothing: every question to it is answered with no.
        let nothing = """
            static inline int __get_cpuid(unsigned leaf, unsigned *a, unsigned *b, unsigned *c, unsigned *d) {
              *a = *b = *c = *d = leaf & 0;
              return 1;
            }
            static inline int __get_cpuid_count(
                unsigned leaf, unsigned part, unsigned *a, unsigned *b, unsigned *c, unsigned *d) {
              return __get_cpuid(leaf & part, a, b, c, d);
            }

            """
        try bench.write(Array(nothing.utf8), to: "b/cpuid.h")
        let program = "b/src/small_program.c"
        let kernels = ["b/src/kernels/add.c", "b/src/kernels/scale.c"]
        let compiler = try Workbench.compiler()
        try bench.expectSuccess(
            [compiler, "-std=gnu11", "-Ib", "-Ib/include", "-o", "old", program]
                + kernels + ["b/src/small_selftest.c", "-lm"])
        let result = try bench.tool(["./old", "b"])
        #expect(result.status == 1)
        #expect(
            result.output.hasPrefix(
                "b/weights.bin: this processor lacks instructions that the library was compiled for (avx512: avx2 fma"))
    }

    @Test func theProcessorOfThisMachineIsAskedRightly() throws {
        let names = ["bmi": "bmi1", "lzcnt": "abm"]
        let bench = try Workbench()
        let facts = try bench.tool(["grep", "-m1", "^flags", "/proc/cpuinfo"])
        guard facts.status == 0 else { return }
        let flags = Set(facts.output.split(whereSeparator: \.isWhitespace).map(String.init))
        for isa in [InstructionSet.avx2, .avx512] {
            var request = ExportSample.request(name: isa.name)
            request.isa = isa
            let bundle = try Export.bundle(request)
            try bench.write(bundle, to: isa.name)
            try bench.build(bundle.plan, in: isa.name)
            let hasAll = isa.features.allSatisfy { flags.contains(names[$0.rawValue] ?? $0.rawValue) }
            let last = try bench.tool(["\(isa.name)/bin/\(isa.name)_selftest"]).output.split(separator: "\n").last
            #expect(last == (hasAll ? "PASS" : "FAIL"))
        }
    }
}
