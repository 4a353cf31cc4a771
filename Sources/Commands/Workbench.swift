// What most commands share: the local device with its calibration, a model imported with its bindings, the program
// assembled from what the catalog knows, and that program built into a library in the cache, keyed by what is in it.

import Basics
import Catalog
import DeviceModel
import Emit
import Export
import Glibc
import KernelIR
import ONNXImport
import Pipeline
import ProgramIR
import Runtime
import Schedules
import TensorIR
import Tuning

/// Where built objects are kept: $IRONWORKS_CACHE, else ~/.cache/ironworks.
func cacheFolder() -> String {
    if let folder = environment("IRONWORKS_CACHE") { return folder }
    return (environment("HOME") ?? "/tmp") + "/.cache/ironworks"
}

func searchPath() -> String { environment("PATH") ?? "/usr/local/bin:/usr/bin:/bin" }

/// The compilers this machine tunes and builds with, for one instruction set.
struct LocalCompiler {
    let compilers: CompilerSet
    let isa: ISA

    /// - Parameter preferring: compilers in a job's order; those that are not installed are left out.
    init(_ isa: ISA? = nil, preferring preferences: [JobFile.Compiler] = JobFile.Compiler.allCases) throws {
        let target = isa.map(CompileTarget.init) ?? CompileTarget.best
        self.isa = target.isa
        compilers = try CompilerSet(
            target: target, families: preferences.compactMap { Toolchain.Family(rawValue: $0.rawValue) },
            searchPath: searchPath(), cacheFolder: try objectFolder())
    }

    /// The preferred compiler: builds what nobody measured, and links.
    var compiler: Compiler { compilers.first }

    /// Preferred first.
    var toolchains: [Digest] { compilers.compilers.map(\.digest) }

    /// The compiler whose object of a kernel won.
    func compiler(of kernel: AssembledKernel) -> Compiler {
        kernel.toolchain.flatMap { compilers[$0] } ?? compiler
    }
}

func objectFolder() throws -> String {
    let folder = cacheFolder() + "/objects"
    try Folder.make(folder)
    return folder
}

/// A model ready for the pipeline.
struct LoadedModel {
    var name: String
    var path: String
    var graph: Graph
    var constants: ConstantStore

    init(path: String, name: String? = nil, bindings: Bindings) throws {
        let file = try ModelFile(path: path)
        let imported = try importModel(file, bindings: bindings)
        let base = path.split(separator: "/").last.map(String.init) ?? path
        self.name = name ?? (base.hasSuffix(".onnx") ? String(base.dropLast(5)) : base)
        self.path = path
        graph = imported.graph
        constants = imported.constants
    }

    var description: ModelDescription {
        ModelDescription(
            name: name,
            inputs: zip(graph.inputNames, graph.body.parameters).map { .init(name: $0, type: graph.type($1)) },
            outputs: zip(graph.outputNames, graph.body.results).map { .init(name: $0, type: graph.type($1)) },
            extents: graph.extents)
    }
}

/// Everything the catalog knows about some workloads under toolchains, as a measurement table.
func measurementTable(_ catalog: Catalog?, toolchains: [Digest], calibration: Digest) throws -> MeasurementTable {
    guard let catalog else { return MeasurementTable(toolchains: toolchains) }
    var rows: [CatalogRow] = []
    try catalog.forEachRow { row in
        switch row {
        case .workload, .expansion, .candidate, .reading, .verdict, .failure, .final: rows.append(row)
        case .job, .model, .modelWorkload, .deviceClass, .device, .calibration, .toolchain, .drift, .objectCheck,
            .program, .suspicion, .void, .tag:
            break
        }
    }
    return Tuning.measurementTable(rows, toolchains: toolchains, calibration: calibration)
}

/// An assembled program with its C and where its library lies once it is built.
struct BuiltProgram {
    var assembly: Assembly
    var library: String
    var weights: String
    var prefix: String
    var description: ModelDescription
}

/// Builds `assembly` into the cache, or finds it there.
func build(_ assembly: Assembly, _ description: ModelDescription, _ local: LocalCompiler) throws -> BuiltProgram {
    let prefix = "model"
    var parts = assembly.kernels.map { kernel in
        CompilePart(
            source: SourceFile(
                name: "\(kernel.name).c",
                text: emit(kernel.kernel, name: kernel.name, dialect: .c(kernel.schedule?.isa ?? local.isa))),
            compiler: local.compiler(of: kernel))
    }
    let source = try ProgramSource(
        assembly.program, model: description, prefix: prefix, isa: instructionSet(local.isa))
    parts.append(
        CompilePart(source: SourceFile(name: "program.c", text: source.text), compiler: local.compiler))
    let object: CompiledObject
    switch local.compiler.link(parts, links: assembly.program.lanes.count > 1 ? ["pthread"] : []) {
    case .compiled(let made): object = made
    case .failed(let failure): throw CommandError.buildFailed(log: "\(failure.reason)\n\(failure.log)")
    }
    let weights = try writeWeights(assembly, source)
    return BuiltProgram(
        assembly: assembly, library: object.path, weights: weights, prefix: prefix, description: description)
}

func instructionSet(_ isa: ISA) -> InstructionSet {
    switch isa {
    case .avx512: .avx512
    case .avx2: .avx2
    case .plain: .plain
    }
}

/// The weights file of a program, written once and named by the program's digest.
private func writeWeights(_ assembly: Assembly, _ source: ProgramSource) throws -> String {
    let folder = cacheFolder() + "/weights"
    try Folder.make(folder)
    let path = folder + "/" + source.digest.hex + ".bin"
    if access(path, R_OK) == 0 { return path }
    let temporary = "\(path).\(getpid())"
    let file = try FileWriter(path: temporary)
    do {
        try source.weights.pieces(program: source.digest, contents: assembly.constants) { file.write($0) }
        try file.close()
        try Folder.replace(temporary, final: path)
    } catch {
        unlink(temporary)
        throw error
    }
    return path
}
