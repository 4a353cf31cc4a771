// `ironworks kernels`: how near to the peak of this processor the generated kernels come, shape by shape. Of each shape
// Roller's first candidates are built by every compiler, verified against the reference and timed in turns; the fastest
// is shown with the tiles and the order it has. The peak is probed in the same bursts, before and after.

import ArgumentParser
import Basics
import DeviceModel
import FarmCore
import Roller
import Runtime
import Schedules
import TensorIR
import Trials

struct KernelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernels", abstract: "Times the best kernels of some shapes beside this processor's peak.",
        discussion: "Shapes: gemm:MxNxK, conv:C,H,O,K[,S[,P]]. Without any: the products of BERT-base and ViT, and the "
            + "convolutions of ResNet-50.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "gemm:MxNxK or conv:C,H,O,K[,S[,P]].")
    var shape: [String] = []
    @Option(name: .long, help: "Schedules measured per shape.")
    var candidates: Int = 10

    static let defaultShapes =
        [
            "128x768x768", "128x3072x768", "128x768x3072", "197x768x768", "197x3072x768", "197x768x3072",
            "197x384x384", "197x1536x384", "197x384x1536",
        ].map { "gemm:" + $0 }
        + [
            "3,224,64,7,2", "64,56,64,1", "64,56,64,3", "64,56,256,1", "256,56,64,1", "256,56,128,1",
            "128,56,128,3,2", "128,28,512,1", "256,56,512,1,2", "512,28,128,1", "128,28,128,3", "512,28,256,1",
            "256,28,256,3,2", "256,14,1024,1", "1024,14,256,1", "256,14,256,3", "512,14,512,3,2", "512,7,2048,1",
            "2048,7,512,1", "512,7,512,3",
        ].map { "conv:" + $0 }

    /// Times of every candidate.
    private static let rounds = 7
    /// Compilers times candidates: what one burst takes.
    private static let candidatesMax = 16

    func run() throws {
        guard (1...KernelsCommand.candidatesMax).contains(candidates) else {
            throw CommandError.badOption(
                option: "candidates", value: "\(candidates)", expected: "1 to \(KernelsCommand.candidatesMax)")
        }
        let progress = Progress(global)
        let problems = try (self.shape.isEmpty ? KernelsCommand.defaultShapes : self.shape).map {
            text throws(KernelShapeError) in try KernelShape(parsing: text).kernelProblem()
        }
        let local = try LocalCompiler()
        let device = try localDevice(local) { progress.note($0) }
        let bench = try KernelBench(local)
        let probe = try FmaProbe(local.compiler, local.isa, bench.gate)
        var report = KernelsReport(device: device)
        for (n, problem) in problems.enumerated() {
            let row = try row(problem, device, bench, probe)
            report.rows.append(row)
            for fault in row.faults { progress.note("\(problem.shape.text): \(escaped(fault, limit: 400))") }
            progress.show(
                Standing(
                    totalUnits: problems.count, doneUnits: n + 1, running: 1, finished: n + 1 == problems.count))
        }
        report.compiling = bench.compiling
        progress.clear()
        if bench.bursts.beside > 0 {
            progress.note("\(bench.bursts.beside) of \(bench.bursts.all) bursts ran beside other work on this host")
        }
        standardOutput(global.json ? report.json.text : report.text)
        if report.rows.contains(where: { !$0.faults.isEmpty }) { throw ExitCode(2) }
    }

    /// The fastest right kernel of a shape.
    private func row(
        _ problem: KernelProblem, _ device: Device, _ bench: KernelBench, _ probe: FmaProbe
    ) throws -> KernelsReport.Row {
        let started = ContinuousClock.now
        let constructed = construct(problem.workload, problem.interface, device, ConstructLimits()).entries
        let rankingNs = (ContinuousClock.now - started) / .nanoseconds(1)
        let points = construct(problem.workload, problem.interface, device, ConstructLimits(perRoot: .max)).entries
        let chosen = distinct(constructed).prefix(candidates).map {
            (schedule: $0.value, predictedNs: $0.prediction.ns)
        }
        let built = bench.local.compilers.compilers.flatMap { compiler in
            bench.compiled(problem.workload, chosen, compiler).compactMap { $0 }
        }
        let check = try KernelCheck(problem, bench)
        var faults: [String] = []
        let right = built.filter { kernel in
            guard let fault = check.fault(kernel) else { return true }
            faults.append("\(kernel.compiler.rawValue), \(nestText(kernel.schedule)): \(fault)")
            return false
        }
        let seed = problem.workload.digest.seed
        let operands = KernelOperands(problem.workload, trialInputs(problem.workload, .uniform, seed: seed))
        var peak = 0.0
        let times = try bench.leastNs(right, operands, rounds: KernelsCommand.rounds, seed: seed) {
            peak = max(peak, try probe.flopsPerNs(bench.measurer))
        }
        let timed = zip(right, times).compactMap { kernel, ns in ns.map { (kernel: kernel, ns: $0) } }
        guard let best = timed.min(by: { $0.ns < $1.ns }) else {
            throw KernelBenchError.nothingRuns(
                shape: problem.shape.text,
                reason: faults.first ?? bench.firstFailure ?? "there is no schedule for it")
        }
        return KernelsReport.Row(
            shape: problem.shape, tile: KernelTile(problem, best.kernel.schedule),
            compiler: best.kernel.compiler.rawValue, ns: best.ns, predictedNs: best.kernel.predictedNs,
            peakFlopsPerNs: peak, candidates: timed.count, points: points.count, rankingNs: rankingNs, faults: faults)
    }
}
