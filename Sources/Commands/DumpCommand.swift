// `ironworks dump`: the model as every stage of the pipeline leaves it, as text. Input: a model, its bindings, a stage.
// Output: one text after another, each with a comment line that says what it is; what can be parsed still parses, since
// comments are skipped.

import ArgumentParser
import Basics
import Catalog
import DeviceModel
import Emit
import KernelIR
import Pipeline
import ProgramIR
import Runtime
import Schedules
import TensorIR
import Welder

struct DumpCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dump", abstract: "Prints a model as a stage of the pipeline leaves it.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "A model (.onnx).")
    var model: String
    @Option(name: .long, help: "imported, placed, welds, schedules, kernels, source or program.")
    var after: String
    @Option(name: .long, help: "NAME=N for a symbolic dimension, NAME=1x3x48x192 for an input's shape.")
    var bind: [String] = []
    @Option(name: .long, help: "Schedules considered per workload.")
    var candidates: Int = 10
    @Option(name: .long, help: "avx512, avx2 or plain (default: the best this machine has).")
    var isa: String?

    func run() throws {
        let stage = try dumpStage(after)
        guard candidates > 0 else {
            throw CommandError.badOption(option: "candidates", value: "\(candidates)", expected: "a number above 0")
        }
        let loaded = try LoadedModel(path: model, bindings: try bindings(bind))
        let pieces = try texts(stage, loaded)
        if global.json {
            standardOutput(dumpJSON(loaded.name, stage, pieces).text)
        } else {
            writeAll(1, dumpText(pieces))
        }
    }

    private func texts(_ stage: DumpStage, _ model: LoadedModel) throws -> [DumpPiece] {
        switch stage {
        case .imported: return [DumpPiece(name: "graph", text: model.graph.text)]
        case .placed: return [DumpPiece(name: "graph", text: try prepare(model.graph).text)]
        case .welds, .schedules, .kernels, .source, .program: break
        }
        let bench = try DeviceBench(isa, quiet: global.quiet)
        let catalog = try openIfPresent(global.catalogPath)
        let known = try measurementTable(
            catalog, toolchains: bench.local.toolchains, calibration: bench.device.calibration.digest)
        try catalog?.close()
        let limits = PlanLimits(candidatesPerWorkload: candidates)
        let assembly = try assemble(model.graph, model.constants, bench.device, known, limits)
        return try dumpPieces(stage, assembly, model.description, bench.device.kind.isa)
    }
}

enum DumpStage: String, CaseIterable {
    case imported, placed, welds, schedules, kernels, source, program
}

func dumpStage(_ text: String) throws(CommandError) -> DumpStage {
    guard let stage = DumpStage(rawValue: text) else {
        throw .badOption(
            option: "after", value: text,
            expected: DumpStage.allCases.map(\.rawValue).joined(separator: ", ").replacingLast(", ", with: " or "))
    }
    return stage
}

/// One text of a dump.
struct DumpPiece: Hashable {
    /// What it is, on one line.
    var name: String
    var text: String
}

/// The texts of a stage that comes after the cover.
func dumpPieces(
    _ stage: DumpStage, _ assembly: Assembly, _ description: ModelDescription, _ isa: ISA
) throws -> [DumpPiece] {
    switch stage {
    case .imported, .placed: return [DumpPiece(name: "graph", text: assembly.graph.text)]
    case .welds:
        return assembly.cover.welds.enumerated().map { n, weld in
            DumpPiece(name: "weld \(n) \(weld.digest.short): \(bindingText(weld))", text: weld.workload.text)
        }
    case .schedules:
        return assembly.kernels.compactMap { kernel in
            guard let schedule = kernel.schedule else { return nil }
            return DumpPiece(name: "\(kernel.name) of \(originText(kernel))", text: schedule.text)
        }
    case .kernels:
        return assembly.kernels.map { kernel in
            let schedule = kernel.schedule.map { ", schedule \($0.digest.short)" } ?? ""
            return DumpPiece(name: "\(kernel.name) of \(originText(kernel))\(schedule)", text: kernel.kernel.text)
        }
    case .source:
        let program = try ProgramSource(
            assembly.program, model: description, prefix: "model", isa: instructionSet(isa))
        return assembly.kernels.map { kernel in
            DumpPiece(
                name: "\(kernel.name).c",
                text: emit(kernel.kernel, name: kernel.name, dialect: .c(kernel.schedule?.isa ?? isa)))
        } + [DumpPiece(name: "program.c", text: program.text)]
    case .program: return [DumpPiece(name: "program", text: assembly.program.text)]
    }
}

private func originText(_ kernel: AssembledKernel) -> String {
    switch kernel.origin {
    case .weld(_, let digest, _): "workload \(digest.short)"
    case .extern(let extern, _, _): "the operator \(extern.name)"
    }
}

/// `t0 = %3, t1 = %7 -> t4 = %9`
private func bindingText(_ weld: CoveredWeld) -> String {
    let inputs = weld.binding.parameters.enumerated().map { "t\($0) = %\($1.index)" }
    let results = zip(weld.workload.results, weld.binding.results).map { "t\($0) = %\($1.index)" }
    return inputs.joined(separator: ", ") + " -> " + results.joined(separator: ", ")
}

func dumpText(_ pieces: [DumpPiece]) -> String {
    pieces.map { "// \($0.name)\n\($0.text)" }.joined(separator: "\n")
}

func dumpJSON(_ model: String, _ stage: DumpStage, _ pieces: [DumpPiece]) -> JSON {
    .object([
        ("schema", .string("ironworks.dump/1")), ("model", .string(model)), ("after", .string(stage.rawValue)),
        (
            "texts",
            .array(pieces.map { .object([("name", .string($0.name)), ("text", .string($0.text))]) })
        ),
    ])
}
