// `ironworks tune`: models in, measured and verified kernels in the catalog, a table at the end. Coordinator, client
// and supervisor of local workers in one process. What is committed is always reused; the same command resumes.

import ArgumentParser
import Basics
import Pipeline

struct TuneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tune", abstract: "Tunes the models of a job file, or models named directly.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "One job file (.yaml), or models (.onnx).")
    var inputs: [String]
    @Option(name: .long, help: "NAME=N for a symbolic dimension, NAME=1x3x48x192 for an input's shape.")
    var bind: [String] = []
    @Option(name: .long, help: "Local worker processes.")
    var workers: Int?
    @Option(name: .long, help: "Stop after this long: 90s, 20m, 8h.")
    var budget: String?
    @Option(name: .long, help: "Stop at this time of day: 07:30.")
    var until: String?
    @Option(name: .long, help: "quick, night or exhaustive.")
    var effort: String?
    @Option(name: .long, help: "real, recorded:FILE or synthetic:SEED.")
    var measureWith: String = "real"
    @Option(name: .long, help: "avx512, avx2 or plain (default: the best this machine has).")
    var isa: String?
    @Flag(name: .long, help: "Open the catalog on a network file system all the same.")
    var allowNetworkFilesystem = false
    @Flag(name: .long, help: "Print what would be measured, and measure nothing.")
    var dryRun = false
    @Flag(name: .long, help: "Accepted for clarity: what is committed is always reused.")
    var resume = false

    func run() throws {
        let request = try TuneRequest(self)
        let progress = Progress(global)
        let models = try request.models.map { model in
            progress.note("importing \(model.path)")
            return try LoadedModel(path: model.path, name: model.name, bindings: model.bindings)
        }
        let session = try TuneSession(request, models, progress, global)
        if dryRun { return try session.printPlan() }
        try session.run()
    }
}
