// `ironworks export`: models as bundles that need libc and nothing else. Per model: the best program that is known is
// run on seeded inputs beside the program of first choices; when both agree its outputs become the self-test; files
// are written, built and tested, and only then moved to their place. Exit code 2 when a model could not be verified.

import ArgumentParser
import Basics
import DeviceModel
import Emit
import Export
import Glibc
import KernelIR
import Pipeline
import ProgramIR
import Runtime
import Schedules
import TensorIR
import Tuning

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Exports models as C libraries with weights, self-test and bindings.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "Models (.onnx).")
    var models: [String]
    @Option(name: .long, help: "The folder of the bundle; of several models, the folder that holds a bundle for each.")
    var out: String
    @Option(name: .long, help: "Name of library and symbols (default: from the model's name).")
    var name: String?
    @Option(name: .long, help: "NAME=N for a symbolic dimension, NAME=1x3x48x192 for an input's shape.")
    var bind: [String] = []
    @Option(name: .long, help: "Lanes of the library, each on a processor of its own.")
    var threads: Int = 1
    @Option(name: .long, help: "avx512, avx2 or plain (default: the best this machine has).")
    var device: String?

    private static let seeds: [UInt64] = [7, 8]

    func run() throws {
        let isa = try instructionSetOption(device)
        try checkThreads(threads)
        let progress = Progress(global)
        let chosen = try chosenModels(models, bind: bind)
        let targets = try exportTargets(chosen.map(\.name), name: name, out: out)
        let folders = try targets.map { try ExportFolder($0.path) }
        let shop = try ModelShop(isa: isa, catalogPath: global.catalogPath, progress)
        let tools = try ExportBuild(shop.local, searchPath: searchPath())
        let bench = try ProgramBench()
        var exported: [ExportedBundle] = []
        var hasUnverified = false
        for ((job, target), folder) in zip(zip(chosen, targets), folders) {
            progress.note("importing \(escaped(job.path))")
            let model = try LoadedModel(path: job.path, name: job.name, bindings: job.bindings)
            do {
                let made = try export(model, target, folder, shop, bench, tools, progress)
                exported.append(made)
                if !global.json { standardOutput(made.text) }
            } catch let error as ModelError where error.isUnverified {
                hasUnverified = true
                writeError("error: " + error.sentence)
            }
        }
        if global.json {
            let report = JSON.object([
                ("schema", .string("ironworks.export/1")), ("bundles", .array(exported.map(\.json))),
            ])
            standardOutput(report.text)
        }
        if hasUnverified { throw ExitCode(2) }
    }

    private func export(
        _ model: LoadedModel, _ target: ExportTarget, _ folder: ExportFolder, _ shop: ModelShop, _ bench: ProgramBench,
        _ tools: ExportBuild, _ progress: Progress
    ) throws -> ExportedBundle {
        let tuned = try shop.tuned(model, lanes: threads)
        let share = TunedShare(tuned.cover)
        progress.note("verifying \(escaped(model.name)): \(share.tuned) of \(share.workloads) workloads measured")
        let vectors = try verifiedVectors(model, tuned, shop, bench)
        let request = BundleRequest(
            name: target.name, program: tuned.program, model: model.description, kernels: sources(tuned, shop.local),
            constants: tuned.constants.map { $0.withBytes { Array($0) } }, isa: instructionSet(shop.local.isa),
            flags: shop.local.compiler.flags,
            digests: BundleDigests(
                model: model.graph.digest, program: tuned.program.digest, toolchain: shop.local.compiler.digest),
            vectors: vectors, tolerance: Tolerance())
        progress.note("building \(target.name)")
        let parent = ExportTarget.parent(of: folder.path)
        try Folder.make(parent)
        let work = try Folder.makeTemporary(in: parent)
        defer { Folder.removeTree(work) }
        let complete = Folder.absolute(work)
        try tools.make(try bundle(request), in: complete)
        try tools.selfTest(target.name, model: model.name, in: complete)
        try folder.install(complete)
        return ExportedBundle(
            model: model.name, name: target.name, path: folder.path, program: tuned.program.digest, share: share,
            vectors: vectors.count)
    }

    /// Inputs of each seed with the outputs of the tuned program, which agree with those of the first choices.
    private func verifiedVectors(
        _ model: LoadedModel, _ tuned: Assembly, _ shop: ModelShop, _ bench: ProgramBench
    ) throws -> [TestVector] {
        let first = try shop.first(model)
        let program = try shop.built(tuned, model)
        let reference = try first.program.digest == tuned.program.digest ? nil : shop.built(first, model)
        let description = model.description
        var vectors: [TestVector] = []
        for seed in ExportCommand.seeds {
            let inputs = seededInputs(description.inputs.map(\.type), seed: seed)
            let outputs = try bench.run(program, inputs)
            if let reference {
                let expected = try bench.run(reference, inputs)
                guard agrees(outputs, expected, description.outputs.map(\.type)) else {
                    throw ModelError.disagrees(model: model.name)
                }
            }
            vectors.append(TestVector(inputs: inputs, outputs: outputs))
        }
        return vectors
    }

    private func sources(_ assembly: Assembly, _ local: LocalCompiler) -> [KernelSource] {
        assembly.kernels.map { kernel in
            let compiler = local.compiler(of: kernel)
            return KernelSource(
                name: kernel.name,
                text: emit(kernel.kernel, name: kernel.name, dialect: .c(kernel.schedule?.isa ?? local.isa)),
                workload: kernel.workDigest,
                compiler: KernelCompiler(
                    family: compiler.toolchain.family.rawValue, digest: compiler.digest, flags: compiler.flags))
        }
    }
}

/// Parses `--device`: a device class goes by its instruction set.
func instructionSetOption(_ text: String?) throws(CommandError) -> ISA? {
    guard let text else { return nil }
    guard let isa = ISA(rawValue: text) else {
        throw .badOption(option: "device", value: text, expected: "avx512, avx2 or plain")
    }
    return isa
}

extension ModelError {
    /// Whether it says that a program is not right, rather than that something cannot be done.
    fileprivate var isUnverified: Bool {
        switch self {
        case .selfTestFailed, .disagrees: true
        case .severalModels, .notTuned, .cannotExecute, .peerMissing, .peerFailed, .noTestCase, .nameForSeveral,
            .sameExportName, .exportFolder, .archiverMissing, .toolFailed:
            false
        }
    }
}
