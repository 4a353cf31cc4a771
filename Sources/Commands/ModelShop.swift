// What commands that make programs share: models chosen on the command line with their bindings, the compiler, the
// calibrated device, and what the catalog knows. A catalog that does not exist means first choices; an existing one is
// read without its lock, so these commands work beside a running `tune`.

import Basics
import CSystem
import Catalog
import DeviceModel
import Glibc
import ONNXImport
import Pipeline
import Runtime
import TensorIR
import Tuning

/// The models that paths (or patterns) and `--bind` stand for.
/// - Throws: `JobFileError`.
func chosenModels(_ paths: [String], bind: [String]) throws -> [JobModel] {
    let job = JobFile(models: paths, bindings: try JobBinding.list(parsing: bind))
    return try job.expandedModels(listFiles: { Folder.names(in: $0) }, home: environment("HOME") ?? "")
}

/// The one model that a path and `--bind` stand for, imported.
func chosenModel(_ path: String, bind: [String]) throws -> LoadedModel {
    let models = try chosenModels([path], bind: bind)
    guard let model = models.first, models.count == 1 else {
        throw ModelError.severalModels(argument: path, count: models.count)
    }
    return try LoadedModel(path: model.path, name: model.name, bindings: model.bindings)
}

/// Every lane of a program needs a processor of its own.
func checkThreads(_ threads: Int, usable: Int = Int(iw_usable_cpus())) throws(CommandError) {
    guard threads >= 1 else {
        throw .badOption(option: "threads", value: "\(threads)", expected: "a number of processors, 1 or more")
    }
    guard threads <= usable else { throw .tooManyThreads(threads: threads, usable: usable) }
}

/// How much of a program rests on measurements.
struct TunedShare: Equatable {
    var workloads: Int
    var tuned: Int

    var missing: Int { workloads - tuned }

    init(workloads: Int, tuned: Int) {
        self.workloads = workloads
        self.tuned = tuned
    }

    /// Counts every workload of the cover once.
    init(_ cover: Cover) {
        var measured: [Digest: Bool] = [:]
        for weld in cover.welds { measured[weld.digest] = weld.choice.isMeasured }
        self.init(workloads: measured.count, tuned: measured.values.count { $0 })
    }
}

struct ModelShop {
    let local: LocalCompiler
    let device: Device
    /// What was measured with these compilers on this class of device; empty without a catalog.
    let table: MeasurementTable
    /// Every record counts, however many candidates the job that made it asked for.
    private let limits = PlanLimits(candidatesPerWorkload: .max)

    /// - Parameters:
    ///   - isa: `nil` takes the widest that this machine executes.
    ///   - catalogPath: `nil` leaves records aside.
    init(isa: ISA? = nil, catalogPath: String?, _ progress: Progress) throws {
        if let isa, !CompileTarget(isa).runsHere { throw ModelError.cannotExecute(isa: isa.rawValue) }
        local = try LocalCompiler(isa)
        device = try localDevice(local) { progress.note($0) }
        var records: Catalog?
        if let catalogPath {
            if access(catalogPath, F_OK) == 0 {
                records = try Catalog.open(catalogPath, mode: .readOnly, rule: winnerRule)
            } else {
                progress.note("no catalog at \(escaped(catalogPath)): first choices")
            }
        }
        table = try measurementTable(
            records, toolchains: local.toolchains, calibration: device.calibration.digest)
        try records?.close()
    }

    /// The program from the best that is known, on at most `lanes` lanes.
    func tuned(_ model: LoadedModel, lanes: Int = 1) throws -> Assembly {
        try assemble(model.graph, model.constants, device, table, limits, lanes: lanes)
    }

    /// The program from first choices alone, on one lane.
    func first(_ model: LoadedModel) throws -> Assembly {
        try assemble(model.graph, model.constants, device, MeasurementTable(), limits)
    }

    func built(_ assembly: Assembly, _ model: LoadedModel) throws -> BuiltProgram {
        try build(assembly, model.description, local)
    }
}
