// What a bundle holds, the names of libraries, and the sentences for what cannot be exported.

import Basics
import Emit
import Testing

@testable import Export

@Suite struct BundleTests {
    @Test func theFilesAreTheSameEveryTimeAndTheManifestKnowsThem() throws {
        let bundle = try Export.bundle(ExportSample.request())
        var shuffled = ExportSample.request()
        shuffled.kernels.reverse()
        let again = try Export.bundle(shuffled)
        #expect(again.files == bundle.files && again.plan == bundle.plan)
        #expect(
            bundle.files.map(\.path) == [
                "Makefile", "README.md", "build.sh", "examples/main.c", "include/small.h", "manifest.json",
                "python/small.py", "src/kernels/add.c", "src/kernels/scale.c",
                "src/small_exports.map", "src/small_program.c",
                "src/small_selftest.c", "vectors.bin", "weights.bin",
            ])
        let manifest = try text(bundle, "manifest.json")
        #expect(manifest.hasPrefix("{\n  \"schema\": \"ironworks.bundle/1\",\n  \"name\": \"small\",\n"))
        for file in bundle.files where file.path != "manifest.json" {
            #expect(manifest.contains("\"sha256\": \"\(Digest(of: file.bytes).hex)\""), "\(file.path)")
        }
        #expect(manifest.contains("\"workload_digest\": \"\(Digest(of: "workload of add").hex)\""))
        #expect(manifest.contains("\"shape\": [3, 16]") && manifest.contains("\"shape\": []"))
        #expect(bundle.files.filter(\.isExecutable).map(\.path) == ["build.sh"])
    }

    @Test func aKernelKeepsItsTextBehindTheNamesOfTheLibrary() throws {
        let bundle = try Export.bundle(ExportSample.request())
        #expect(
            try text(bundle, "src/kernels/scale.c")
                == "#define scale_0 small_scale_0\n#define scale_1 small_scale_1\n" + ExportSample.scaleText)
    }

    @Test func thePlanNamesWhatItReadsAndWrites() throws {
        let plan = try Export.bundle(ExportSample.request()).plan
        #expect(plan.compiles.map(\.output) == ["obj/kernel_add.o", "obj/kernel_scale.o", "obj/program.o"])
        #expect(plan.links.map(\.output) == ["lib/libsmall.so", "lib/libsmall.a", "bin/small_selftest"])
        #expect(
            plan.compiles[0].arguments == [
                "-O1", "-std=gnu11", "-ffp-contract=fast", "-fPIC", "-fvisibility=hidden", "-c", "src/kernels/add.c",
                "-o", "obj/kernel_add.o",
            ])
        #expect(plan.steps.filter { $0.tool == .archiver }.count == 1)
        for step in plan.steps { #expect(step.arguments.contains(step.output)) }
    }

    @Test func aLibraryIsNamedAfterItsModel() throws {
        let names = [
            "MiniLM-L3": "minilm_l3", "ch_ppocr_mobile_v2.0_cls_infer": "ch_ppocr_mobile_v2_0_cls_infer",
            "  --x--  ": "x", "3d net": "m_3d_net", "double": "double_model", "Pthread": "pthread_model",
            "size_t": "size_t_model", "numpy": "numpy_model", "été": "t",
            String(repeating: "a", count: 100): String(repeating: "a", count: 63),
            String(repeating: "a", count: 61) + "_t": String(repeating: "a", count: 57) + "_model",
        ]
        for (model, name) in names.sorted(by: { $0.key < $1.key }) {
            #expect(try exportName(from: model) == name)
            #expect(throws: Never.self) { try checkExportName(name) }
        }
        for model in ["", "日本", "__", "\u{0}"] {
            #expect(throws: ExportError.noExportName(model: model)) { try exportName(from: model) }
        }
        for name in ["", "A", "9", "_a", "a-b", "a\n", String(repeating: "a", count: 64)] {
            #expect(throws: ExportError.exportName(name)) { try checkExportName(name) }
        }
    }

    @Test func whatCannotBeExportedIsOneSentence() {
        func sentence(_ change: (inout BundleRequest) -> Void) -> String? {
            var request = ExportSample.request()
            change(&request)
            do throws(ExportError) {
                _ = try Export.bundle(request)
                return nil
            } catch {
                return error.sentence
            }
        }
        #expect(sentence { _ in } == nil)
        #expect(
            sentence { $0.name = "a b" }
                == "'a b' cannot name a library; use a lower-case letter, then letters, digits and '_', at most 63 "
                + "in all"
        )
        #expect(
            sentence { $0.name = "class" }
                == "'class' already means something in C or C++; choose another name, such as 'class_model'")
        #expect(
            ExportError.noExportName(model: "日\n").sentence
                == "no C name can be made of the model's name \"日\\n\"; choose one with --name")
        #expect(
            sentence { $0.kernels.removeLast() }
                == "the program runs kernel add, and its source was not given")
        #expect(sentence { $0.kernels.append($0.kernels[0]) } == "the source of kernel scale was given twice")
        #expect(
            sentence { $0.kernels.append(KernelSource(name: "b", text: "", workload: nil)) }
                == "the source of kernel b was given, and the program has no such kernel")
        #expect(
            sentence { $0.flags.append("-DX=$(reboot)") }
                == "the compiler flag \"-DX=$(reboot)\" cannot be written into a build file; use letters, digits and "
                + "_ = + , . : / - only")
        #expect(
            sentence { $0.vectors[1].inputs.removeLast() }
                == "test vector 1 gives 1 of the model's 2 inputs; give one for each")
        #expect(
            sentence { $0.vectors[0].outputs[0].removeLast() }
                == "output 0 of test vector 0 has 63 bytes and the model's has 64")
        #expect(
            sentence { $0.tolerance.absolute = -1 }
                == "the tolerance 0.001 relative, -1.0 absolute is no pair of finite numbers of at least 0")
        #expect(sentence { $0.constants = [] }?.hasPrefix("the program reads 1 constant and was given 0") == true)
    }

    private func text(_ bundle: Bundle, _ path: String) throws -> String {
        String(decoding: try #require(bundle.files.first { $0.path == path }).bytes, as: UTF8.self)
    }
}
