// `ironworks bench`: times a model in quiet bursts, alone or in turns with ONNX Runtime. A sample is one call, or as
// many as fill a millisecond. The ratio is the median over rounds of the ratio of the least latencies.

import ArgumentParser
import Basics
import DeviceModel
import Emit
import Pipeline
import Runtime

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Times a model on this machine, beside ONNX Runtime when asked.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The model (.onnx).")
    var model: String
    @Option(name: .long, help: "NAME=N for a symbolic dimension, NAME=1x3x48x192 for an input's shape.")
    var bind: [String] = []
    @Option(name: .long, help: "How long to measure.")
    var seconds: Double = 3
    @Option(name: .long, help: "Lanes of the program, each on a processor of its own; threads of the peer.")
    var threads: Int = 1
    @Flag(name: .long, help: "Measure ONNX Runtime in turns, and print the ratio.")
    var compare = false

    private static let rounds = 5

    func run() throws {
        try checkThreads(threads)
        guard seconds > 0, seconds <= 3600 else {
            throw CommandError.badOption(option: "seconds", value: "\(seconds)", expected: "a number up to 3600")
        }
        if compare, OnnxRuntimePeer.python == nil { throw ModelError.peerMissing(path: cacheFolder() + "/venv") }
        let progress = Progress(global)
        let model = try chosenModel(self.model, bind: bind)
        let shop = try ModelShop(catalogPath: global.catalogPath, progress)
        let assembly = try shop.tuned(model, lanes: threads)
        let share = TunedShare(assembly.cover)
        progress.note("building \(escaped(model.name)): \(share.tuned) of \(share.workloads) workloads measured")
        let program = try shop.built(assembly, model)
        let inputs = seededInputs(model.description.inputs.map(\.type), seed: 7)
        let bench = try ProgramBench()
        var latency = Latency()
        var rounds = PeerRounds()
        for round in 0..<(compare ? BenchCommand.rounds : 1) {
            let share = compare ? seconds / Double(BenchCommand.rounds) : seconds
            let ours = try measured(program, inputs, bench, seconds: share)
            latency.add(ours)
            guard compare else { break }
            progress.note("round \(round + 1) of \(BenchCommand.rounds)")
            guard let theirs = OnnxRuntimePeer.latencyMs(model, threads: threads, seconds: share) else {
                throw ModelError.peerFailed(model: model.name)
            }
            rounds.add(oursMs: ours.leastNs / 1e6, theirsMs: theirs)
        }
        let report = BenchReport(
            model: model.name, threads: threads, latency: latency,
            limitNs: ModelLimit(assembly.graph).ns(shop.device, lanes: threads), rounds: compare ? rounds : nil)
        standardOutput(global.json ? report.json.text : report.text)
    }

    /// Bursts of about a second until the time is over.
    private func measured(
        _ program: BuiltProgram, _ inputs: [[UInt8]], _ bench: ProgramBench, seconds: Double
    ) throws -> Latency {
        var latency = Latency()
        var callNs = program.assembly.cover.ns
        let start = monotonicNow()
        repeat {
            let samples = Latency.samples(callNs: callNs)
            let reading = try bench.time(program, inputs, samples: samples, sampleNs: Latency.sampleNs)
            latency.add(reading)
            callNs = reading.leastNs
        } while (monotonicNow() - start).seconds < seconds
        return latency
    }
}
