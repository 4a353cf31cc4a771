// `ironworks sweep`: measures every schedule that Roller can construct for some shapes, and says what its model's order
// is worth against them. Slow on purpose: a point costs its share of a translation unit and a few milliseconds of runs.
// With --record the points are kept; with --recorded they are read back, and only the model is asked again.

import ArgumentParser
import Basics
import DeviceModel
import FarmCore
import Roller
import Runtime
import Schedules
import TensorIR
import Trials

struct SweepCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sweep", abstract: "Measures all schedules of some shapes and judges the model's order.",
        discussion: "Shapes: gemm:MxNxK, conv:C,H,O,K[,S[,P]]. Without any: six that no model of ours holds.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "gemm:MxNxK or conv:C,H,O,K[,S[,P]].")
    var shape: [String] = []
    @Option(name: .long, help: "Points per shape at most, spread evenly over the space (default: all).")
    var points: Int?
    @Option(name: .long, help: "Times that every unit of points is visited; each visit times a point twice.")
    var rounds: Int = 2
    @Flag(name: .long, help: "Also compare what every point computes with the reference.")
    var verify = false
    @Option(name: .long, help: "Where the measured points are kept.")
    var record: String?
    @Option(name: .long, help: "Measured points to judge instead of measuring.")
    var recorded: String?

    /// None is a layer of a model that anything was tuned for.
    static let defaultShapes = [
        "gemm:200x1000x520", "gemm:384x640x2560", "gemm:96x2048x512", "conv:96,28,192,3,1", "conv:192,14,384,1,1",
        "conv:80,40,160,3,2",
    ]

    func run() throws {
        guard points.map({ $0 > 0 }) ?? true else {
            throw CommandError.badOption(option: "points", value: "\(points ?? 0)", expected: "a number from 1")
        }
        guard (1...100).contains(rounds) else {
            throw CommandError.badOption(option: "rounds", value: "\(rounds)", expected: "1 to 100")
        }
        let progress = Progress(global)
        let shapes = try self.shape.map { text throws(KernelShapeError) in try KernelShape(parsing: text) }
        let found = try recorded.map { try read($0, only: shapes, progress) } ?? measured(shapes, progress)
        let report = SweepReport(found)
        standardOutput(global.json ? report.json.text : report.text)
    }

    private func read(_ path: String, only shapes: [KernelShape], _ progress: Progress) throws -> SweepRecord {
        guard record == nil, points == nil, !verify else {
            throw CommandError.badOption(
                option: "recorded", value: path, expected: "it without --record, --points and --verify")
        }
        let text = String(decoding: try Folder.read(path), as: UTF8.self)
        var found = try SweepRecord(parsing: text, path: path)
        if !found.isComplete { progress.note("\(escaped(path)) does not end as it should: its sweep was cut short") }
        if let absent = shapes.first(where: { shape in !found.sweeps.contains { $0.shape == shape } }) {
            throw SweepRecordError.badLine(path: path, line: 1, reason: "it holds no points of \(absent.text)")
        }
        if !shapes.isEmpty { found.sweeps.removeAll { !shapes.contains($0.shape) } }
        return found
    }

    private func measured(_ given: [KernelShape], _ progress: Progress) throws -> SweepRecord {
        var shapes = given
        if shapes.isEmpty {
            shapes = try SweepCommand.defaultShapes.map { text throws(KernelShapeError) in
                try KernelShape(parsing: text)
            }
        }
        let local = try LocalCompiler()
        let device = try localDevice(local) { progress.note($0) }
        let sweeps = try shapes.map { shape in
            Sweep(problem: try shape.kernelProblem(), device: device, pointsMax: points, rounds: rounds)
        }
        let bench = try KernelBench(local)
        var found = SweepRecord(device: device, sweeps: [], isComplete: false)
        let steps = sweeps.reduce(0) { $0 + $1.steps }
        var done = 0
        for sweep in sweeps {
            progress.note("\(sweep.problem.shape.text): \(sweep.entries.count) points in \(sweep.batches.count) units")
            let check = verify ? try KernelCheck(sweep.problem, bench) : nil
            let result = try sweep.run(bench, check) {
                done += 1
                progress.show(Standing(totalUnits: steps, doneUnits: done, running: 1, finished: done == steps))
            }
            found.sweeps.append(result)
            found.isComplete = found.sweeps.count == sweeps.count
            if let record { try Folder.write(Array(found.text.utf8), to: record) }
        }
        progress.clear()
        if let failure = bench.firstFailure { progress.note("the first point that failed: \(escaped(failure))") }
        if bench.bursts.beside > 0 {
            progress.note("\(bench.bursts.beside) of \(bench.bursts.all) bursts ran beside other work on this host")
        }
        return found
    }
}

/// One shape's space and how it is gone through.
struct Sweep {
    let problem: KernelProblem
    let rounds: Int
    /// In the order of their texts, which says nothing of their predictions.
    let entries: [Ranked<Schedule>.Entry]
    /// Indices into `entries`; points of one width stand together, so that they share blocks and prepared constants.
    let batches: [Range<Int>]

    /// Times of a point in one visit.
    private static let timesPerVisit = 2

    init(problem: KernelProblem, device: Device, pointsMax: Int?, rounds: Int) {
        self.problem = problem
        self.rounds = rounds
        let all = distinct(
            construct(problem.workload, problem.interface, device, ConstructLimits(perRoot: .max)).entries)
        let ordered = all.map { (entry: $0, text: $0.value.text) }.sorted { $0.text < $1.text }.map(\.entry)
        entries = Sweep.thinned(ordered, to: pointsMax ?? ordered.count)
        let count = entries.count
        batches = stride(from: 0, to: count, by: KernelBench.batchMax).map {
            $0..<min($0 + KernelBench.batchMax, count)
        }
    }

    /// `count` elements at even distances.
    static func thinned<Element>(_ all: [Element], to count: Int) -> [Element] {
        guard count < all.count else { return all }
        return (0..<count).map { all[$0 * all.count / count] }
    }

    /// The points as they are measured.
    var schedules: [(schedule: Schedule, predictedNs: Double)] { entries.map { ($0.value, $0.prediction.ns) } }

    /// Units to compile and to visit.
    var steps: Int { batches.count * (1 + rounds) }

    /// Compiles all, then visits every unit in turn as often as there are rounds: the visits of a point lie far apart,
    /// so that what disturbs the host for a while does not disturb all of them. The least time stands.
    func run(_ bench: KernelBench, _ check: KernelCheck?, step: () -> Void) throws -> ShapeSweep {
        let schedules = schedules
        var kernels: [BenchKernel?] = []
        for batch in batches {
            let made = bench.compiled(problem.workload, Array(schedules[batch]), bench.local.compiler)
            kernels += made.map { kernel in
                guard let kernel, let fault = check?.fault(kernel) else { return kernel }
                bench.remember("\(nestText(kernel.schedule)): \(fault)")
                return nil
            }
            step()
        }
        let seed = problem.workload.digest.seed
        let operands = KernelOperands(problem.workload, trialInputs(problem.workload, .uniform, seed: seed))
        var least = [Double?](repeating: nil, count: entries.count)
        for round in 0..<rounds {
            for batch in batches {
                let places = batch.filter { kernels[$0] != nil }
                let times = try bench.leastNs(
                    places.compactMap { kernels[$0] }, operands, rounds: Sweep.timesPerVisit,
                    seed: seed &+ UInt64(round * entries.count + batch.lowerBound))
                for (place, ns) in zip(places, times) {
                    guard let ns else { continue }
                    least[place] = min(least[place] ?? ns, ns)
                }
                step()
            }
        }
        let points = zip(schedules, least).compactMap { point, ns in
            ns.map { SweepPoint(schedule: point.schedule, predictedNs: point.predictedNs, measuredNs: $0) }
        }
        guard !points.isEmpty else {
            throw KernelBenchError.nothingRuns(
                shape: problem.shape.text, reason: bench.firstFailure ?? "there is no schedule for it")
        }
        return ShapeSweep(shape: problem.shape, points: points, failed: entries.count - points.count)
    }
}

/// Entries without those whose schedule stands before them: two roots may come to one tile.
func distinct(_ entries: [Ranked<Schedule>.Entry]) -> [Ranked<Schedule>.Entry] {
    var seen: Set<Schedule> = []
    return entries.filter { seen.insert($0.value).inserted }
}
