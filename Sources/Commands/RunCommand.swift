// `ironworks run`: a model on given or seeded inputs, once, in the sandboxed child. Outputs go to files, a summary to
// stdout. Records of the catalog are used when there are any; the built program is cached.

import ArgumentParser
import Basics
import Emit
import Pipeline
import ProgramIR

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Runs a model once and summarises its outputs.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The model (.onnx).")
    var model: String
    @Option(name: .long, help: "NAME=N for a symbolic dimension, NAME=1x3x48x192 for an input's shape.")
    var bind: [String] = []
    @Option(name: .long, help: "A folder of .npy or .pb files, an .npz file, or random:SEED.")
    var inputs: String = "random:7"
    @Option(name: .long, help: "A folder for .npy files, or an .npz file.")
    var outputs: String?
    @Option(name: .long, help: "Lanes of the program, each on a processor of its own.")
    var threads: Int = 1
    @Flag(name: .long, help: "Refuse a program with a workload that was never measured.")
    var requireTuned = false

    func run() throws {
        try checkThreads(threads)
        let source = try InputSource(parsing: inputs)
        let progress = Progress(global)
        let model = try chosenModel(self.model, bind: bind)
        let description = model.description
        let given = try source.bytes(for: description)
        let shop = try ModelShop(catalogPath: global.catalogPath, progress)
        let assembly = try shop.tuned(model, lanes: threads)
        let share = TunedShare(assembly.cover)
        if requireTuned, share.missing > 0 {
            throw ModelError.notTuned(model: model.name, missing: share.missing, workloads: share.workloads)
        }
        progress.note("building \(escaped(model.name)): \(share.tuned) of \(share.workloads) workloads measured")
        let program = try shop.built(assembly, model)
        let results = description.results(try ProgramBench().run(program, given))
        if let outputs {
            try TensorFiles.write(results, to: outputs)
            let count = results.count == 1 ? "1 output" : "\(results.count) outputs"
            progress.note("wrote \(count) to \(escaped(outputs))")
        }
        report(results.map(OutputSummary.init), model.name, assembly.program.digest, share)
    }

    private func report(_ outputs: [OutputSummary], _ model: String, _ program: Digest, _ share: TunedShare) {
        guard global.json else {
            standardOutput(table([OutputSummary.head] + outputs.map(\.cells)))
            return
        }
        let report = JSON.object([
            ("schema", .string("ironworks.run/1")), ("model", .string(model)), ("threads", .integer(threads)),
            ("program", .string(program.hex)), ("workloads", .integer(share.workloads)),
            ("tuned_workloads", .integer(share.tuned)), ("outputs", .array(outputs.map(\.json))),
        ])
        standardOutput(report.text)
    }
}
