// `ironworks simulate`: the production coordinator, worker and planner in a world that is made up from a seed: time,
// network, disk, crashes, and readings. Every disturbed farm must end with the winners of an undisturbed one. Input: a
// range of seeds. Output: one line per seed, a summary, exit code 1 when a promise was broken.

import DeviceModel
import ArgumentParser
import Basics
import Catalog
import DeviceModel
import FarmCore
import FarmSimulation
import Pipeline
import Trials
import Tuning

struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate", abstract: "Runs disturbed farms in virtual time and compares how they end.")

    @OptionGroup var global: GlobalOptions
    @Option(name: .long, help: "Seeds, A..B.")
    var seeds: String = "1..20"
    @Option(name: .long, help: "Simulated workers.")
    var workers: Int = 3
    @Option(name: .long, help: "Schedules measured per workload.")
    var candidates: Int = 6
    @Option(name: .long, help: "Models to tune instead of the built-in graphs.")
    var model: [String] = []
    @Option(name: .long, help: "NAME=N for a symbolic dimension, NAME=1x3x48x192 for an input's shape.")
    var bind: [String] = []
    @Flag(name: .long, help: "Nothing goes wrong.")
    var calm = false

    func run() throws {
        let seeds = try seedRange(self.seeds)
        guard (1...1000).contains(workers) else {
            throw CommandError.badOption(option: "workers", value: "\(workers)", expected: "1 to 1000")
        }
        guard (1...1000).contains(candidates) else {
            throw CommandError.badOption(option: "candidates", value: "\(candidates)", expected: "1 to 1000")
        }
        let models = try model.isEmpty ? SimulatedJob.models : importedModels()
        let swarm = Swarm(job: SimulatedJob.job(models, candidates: candidates), workers: workers)
        let expected = try swarm.undisturbed()
        var summary = SwarmSummary(expected: expected)
        for seed in seeds {
            let run = try swarm.run(seed: seed, calm ? .calm : SwarmOptions(seed: seed))
            summary.add(run)
            standardOutput(global.json ? run.json(expected: expected).text : run.line)
            for line in run.complaints(expected: expected) { writeError("seed \(seed): \(line)") }
        }
        standardOutput(global.json ? summary.json.text : summary.text)
        if !summary.isClean { throw ExitCode(1) }
    }

    private func importedModels() throws -> [TuningJob.Model] {
        let job = JobFile(models: model, bindings: try JobBinding.list(parsing: bind))
        return try job.expandedModels(listFiles: { _ in [] }, home: "/").map { asked in
            let loaded = try LoadedModel(path: asked.path, name: asked.name, bindings: asked.bindings)
            return TuningJob.Model(name: loaded.name, priority: 1, graph: loaded.graph)
        }
    }
}

/// `A..B` or one seed.
func seedRange(_ text: String) throws(CommandError) -> ClosedRange<UInt64> {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    let ends: [Substring] = parts.count == 3 && parts[1].isEmpty ? [parts[0], parts[2]] : parts
    let numbers = ends.compactMap { UInt64($0) }
    guard numbers.count == ends.count, let first = numbers.first, let last = numbers.last, numbers.count <= 2,
        first <= last
    else { throw .badOption(option: "seeds", value: text, expected: "A..B with A at most B, such as 1..100") }
    return first...last
}

/// One simulated farm and how it ended.
struct SwarmRun {
    var report: SimulationReport
    var winners: [WinnerRow]
    /// What does not hold of a catalog with the farm's facts.
    var findings: [String]

    /// Digest over the winners' rows: equal winners, equal digests.
    var winnerSet: Digest { Digest(of: winners.map(\.key.hex).joined(separator: "\n")) }

    func complaints(expected: SwarmRun) -> [String] {
        var out = report.violations + findings
        if report.outcome != .finished { out.append("the farm did not finish") }
        for unit in report.parked { out.append("unit \(unit.short) was parked") }
        if winners != expected.winners {
            out.append(
                "ends with winners \(winnerSet.short) (\(winners.count)) instead of "
                    + "\(expected.winnerSet.short) (\(expected.winners.count))")
        }
        return out
    }

    var line: String { report.line + ", \(winners.count) winners \(winnerSet.short)" }

    func json(expected: SwarmRun) -> JSON {
        .object([
            ("schema", .string("ironworks.simulate/1")), ("type", .string("seed")),
            ("seed", .string(String(report.seed))), ("finished", .boolean(report.outcome == .finished)),
            ("virtual_time_ms", .integer(Int(report.virtualTime.nanoseconds / 1_000_000))),
            ("facts", .integer(report.facts)), ("executions", .integer(report.executions)),
            ("executions_max", .integer(report.executionsMax)), ("messages", .integer(report.messages)),
            ("messages_lost", .integer(report.dropped)), ("messages_doubled", .integer(report.duplicated)),
            ("worker_crashes", .integer(report.workerCrashes)),
            ("coordinator_crashes", .integer(report.coordinatorCrashes)),
            ("disk_failures", .integer(report.diskFailures)), ("parked", .integer(report.parked.count)),
            ("winners", .integer(winners.count)), ("winner_set", .string(winnerSet.hex)),
            ("complaints", .array(complaints(expected: expected).map(JSON.string))),
        ])
    }
}

struct SwarmSummary {
    let expected: SwarmRun
    private(set) var runs = 0
    private(set) var clean = 0
    private(set) var executions = 0
    private(set) var messages = 0

    init(expected: SwarmRun) { self.expected = expected }

    mutating func add(_ run: SwarmRun) {
        runs += 1
        executions += run.report.executions
        messages += run.report.messages
        if run.complaints(expected: expected).isEmpty { clean += 1 }
    }

    var isClean: Bool { clean == runs && complaintsOfExpected.isEmpty }

    /// A calm farm has no excuse either.
    private var complaintsOfExpected: [String] { expected.complaints(expected: expected) }

    var text: String {
        let ending = "winners \(expected.winnerSet.short) (\(expected.winners.count))"
        var out = "\(runs) farms, \(executions) executions, \(messages) messages: "
        out += clean == runs ? "all end with \(ending)" : "\(runs - clean) do not end as they should, with \(ending)"
        for line in complaintsOfExpected { out += "\nthe undisturbed farm: \(line)" }
        return out
    }

    var json: JSON {
        .object([
            ("schema", .string("ironworks.simulate/1")), ("type", .string("end")),
            ("outcome", .string(isClean ? "clean" : "broken")), ("farms", .integer(runs)),
            ("clean_farms", .integer(clean)), ("executions", .integer(executions)), ("messages", .integer(messages)),
            ("winners", .integer(expected.winners.count)), ("winner_set", .string(expected.winnerSet.hex)),
        ])
    }
}

/// Farms over one job; what a unit finds out is computed once.
final class Swarm {
    /// The made-up device.
    private static let deviceSeed: UInt64 = 7
    private let job: TuningJob
    private let workers: Int
    private var known: [Digest: [Fact]] = [:]
    /// How long an undisturbed farm takes.
    private var calmTime: Tick.Span?

    init(job: TuningJob, workers: Int) {
        self.job = job
        self.workers = workers
    }

    /// One worker, and nothing goes wrong.
    func undisturbed() throws -> SwarmRun {
        let run = try run(seed: 0, .calm, workers: 1)
        calmTime = run.report.virtualTime
        return run
    }

    func run(seed: UInt64, _ options: SwarmOptions, workers: Int? = nil) throws -> SwarmRun {
        var options = options
        options.capabilities = ["cpu.\(job.device.kind.isa.rawValue)"]
        // a short job meets as many misfortunes as a long one
        if let calmTime { options.faultsUntil = min(options.faultsUntil, calmTime) }
        let measured = MeasureWith.synthetic(seed: Swarm.deviceSeed).name
        let report = simulate(
            seed: seed, workers: workers ?? self.workers, jobs: [JobText(job.text)], options: options,
            planner: { TuningPlanner(measuredWith: measured) }, execute: facts)
        let catalog = try Catalog.inMemory(rule: winnerRule)
        let rows = report.durableFacts.compactMap { CatalogRow(parsing: $0.body) }
        // what is referred to comes first
        _ = try catalog.append(FactTable.allCases.flatMap { table in rows.filter { $0.table == table } })
        let findings = try catalog.verify(verifyChecks).map(\.sentence)
        return SwarmRun(report: report, winners: try catalog.winners(), findings: findings)
    }

    private func facts(_ unit: WorkUnit) -> [Fact] {
        if let facts = known[unit.digest] { return facts }
        let facts = syntheticFacts(of: unit, seed: Swarm.deviceSeed)
        known[unit.digest] = facts
        return facts
    }
}
