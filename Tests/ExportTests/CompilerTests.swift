// Kernels of one bundle may have compilers of their own: the plan names them, the manifest says so, and a person who
// builds again with one compiler is told.

import Basics
import Testing

@testable import Export

@Suite struct CompilerTests {
    private func request() -> BundleRequest {
        var request = ExportSample.request()
        for index in request.kernels.indices {
            let family = request.kernels[index].name == "add" ? "gcc" : "clang"
            request.kernels[index].compiler = KernelCompiler(
                family: family, digest: Digest(of: family), flags: ["-O\(family == "gcc" ? 3 : 2)", "-shared"])
        }
        return request
    }

    private func text(_ bundle: Bundle, _ path: String) throws -> String {
        let file = try #require(bundle.files.first { $0.path == path })
        return String(decoding: file.bytes, as: UTF8.self)
    }

    @Test func everyKernelIsCompiledAsItsWinnerWas() throws {
        let plan = try bundle(request()).plan
        let add = try #require(plan.compiles.first { $0.output == "obj/kernel_add.o" })
        #expect(add.toolchain == Digest(of: "gcc"))
        #expect(add.arguments.contains("-O3") && !add.arguments.contains("-shared"))
        let scale = try #require(plan.compiles.first { $0.output == "obj/kernel_scale.o" })
        #expect(scale.toolchain == Digest(of: "clang") && scale.arguments.contains("-O2"))
        let program = try #require(plan.compiles.first { $0.output == "obj/program.o" })
        #expect(program.toolchain == nil && plan.links.allSatisfy { $0.toolchain == nil })
    }

    @Test func manifestAndReadmeSayWhoBuiltWhat() throws {
        let made = try bundle(request())
        let manifest = try text(made, "manifest.json")
        #expect(manifest.contains("\"family\": \"gcc\"") && manifest.contains(Digest(of: "clang").hex))
        let readme = try text(made, "README.md")
        #expect(readme.contains("(1 by clang, 1 by gcc; `manifest.json` says which)"))
    }

    @Test func oneCompilerNeedsNoWords() throws {
        let made = try bundle(ExportSample.request())
        #expect(!(try text(made, "manifest.json")).contains("family"))
        #expect(!(try text(made, "README.md")).contains("measured to be faster"))
        #expect(made.plan.steps.allSatisfy { $0.toolchain == nil })
    }

    @Test func aFlagThatNeedsQuotingIsRefusedForAnyKernel() {
        var request = request()
        request.kernels[0].compiler?.flags.append("-DX=a b")
        #expect(throws: ExportError.flag("-DX=a b")) { try bundle(request) }
    }
}
