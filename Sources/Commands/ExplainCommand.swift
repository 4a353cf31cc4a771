// `ironworks explain`: where a model's time goes, weld by weld, or what is known about one workload: candidates as
// Roller ranked them, what was measured, what failed and why, and what was left aside with its numbers.

import ArgumentParser
import Basics
import Catalog
import DeviceModel
import Glibc
import ONNXImport
import Pipeline
import Runtime
import TensorIR
import Tuning

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Explains a model weld by weld, or the candidates of one workload.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "A model (.onnx), or the first digits of a workload, candidate or model in the catalog.")
    var subject: String
    @Option(name: .long, help: "NAME=N for a symbolic dimension, NAME=1x3x48x192 for an input's shape.")
    var bind: [String] = []
    @Option(name: .long, help: "Schedules considered per workload.")
    var candidates: Int = 10
    @Option(name: .long, help: "avx512, avx2 or plain (default: the best this machine has).")
    var isa: String?

    func run() throws {
        guard candidates > 0 else {
            throw CommandError.badOption(option: "candidates", value: "\(candidates)", expected: "a number above 0")
        }
        let catalog = try openIfPresent(global.catalogPath)
        let report: any Explanation
        if access(subject, F_OK) == 0 || subject.hasSuffix(".onnx") {
            let model = try LoadedModel(path: subject, bindings: try bindings(bind))
            report = try explain(model.graph, name: model.name, catalog)
        } else {
            guard let catalog else { throw CatalogError.missing(path: global.catalogPath) }
            report = try explain(digits: subject, in: catalog)
        }
        try catalog?.close()
        standardOutput(global.json ? report.json.text : report.text)
    }

    private func explain(_ graph: Graph, name: String, _ catalog: Catalog?) throws -> any Explanation {
        let bench = try DeviceBench(isa, quiet: global.quiet)
        let known = try measurementTable(
            catalog, toolchains: bench.local.toolchains, calibration: bench.device.calibration.digest)
        let limits = PlanLimits(candidatesPerWorkload: candidates)
        let cover = try coverModel(graph, bench.device, known, limits).cover
        return ModelExplanation(name: name, device: bench.device, cover: cover)
    }

    private func explain(digits: String, in catalog: Catalog) throws -> any Explanation {
        let (digest, tables) = try resolve(digits, in: catalog)
        if tables.contains(.models), let model = try catalog.model(digest) {
            return try explain(try Graph(parsing: model.graphText), name: model.name, catalog)
        }
        var workload = digest
        if !tables.contains(.workloads) {
            guard tables.contains(.candidates), let candidate = try catalog.candidate(digest) else {
                throw InspectionError.notAKind(what: "workload, candidate or model", digest: digest, kind: tables[0])
            }
            workload = candidate.workload
        }
        guard let row = try catalog.workload(workload) else {
            throw InspectionError.unknownDigest(prefix: workload.short, catalog: catalog.path)
        }
        return try WorkloadExplanation(catalog, try Workload(parsing: row.text), workload)
    }
}

/// What `explain` prints.
protocol Explanation {
    var text: String { get }
    var json: JSON { get }
}

/// `--bind` for one model: one value per name.
func bindings(_ texts: [String]) throws -> Bindings {
    var out = Bindings()
    for text in texts { try out.add(text) }
    return out
}

/// This machine's compilers and its calibrated device.
struct DeviceBench {
    let local: LocalCompiler
    let device: Device

    init(_ isa: String?, quiet: Bool) throws {
        local = try LocalCompiler(try isa.map(instructionSetOption))
        device = try localDevice(local) { if !quiet { writeError($0) } }
    }
}

/// The value of `--isa`, which this machine must execute.
func instructionSetOption(_ text: String) throws(CommandError) -> ISA {
    let usable = CompileTarget.allCases.filter(\.runsHere)
    guard let isa = ISA(rawValue: text), usable.contains(CompileTarget(isa)) else {
        throw .badOption(
            option: "isa", value: text,
            expected: "what this machine executes: " + usable.map(\.rawValue).joined(separator: ", "))
    }
    return isa
}
