// The worker's executor without compiler and device: which facts come out of an expansion and of a trial with made-up
// times, that they are the same in every process, and that nothing but a unit is run.

import Basics
import Catalog
import DeviceModel
import FarmCore
import Roller
import Runtime
import Schedules
import Synchronization
import TensorIR
import Testing
import Tuning

@testable import Trials

@Suite struct ExecutorTests {
    private static let device = Device(
        kind: DeviceClass(
            isa: .plain, processor: "Made-1-2", vectorRegisters: 16, l1Bytes: 32_768, l2Bytes: 524_288, l3Bytes: 0,
            lineBytes: 64, lanes: 1),
        calibration: Calibration(
            fmaFlopsPerNs: 10, l2BytesPerNs: 20, l3BytesPerNs: 10, memoryBytesPerNs: 5, mapOperatorsPerNs: 4,
            packElementsPerNs: 2, callNs: 8, phaseNs: 20, referenceNs: 1000))

    private static let workload = Workload(
        parameters: [
            .init(type: TensorType(.f32, [8, 64]), isConstant: false),
            .init(type: TensorType(.f32, [64, 48]), isConstant: true),
        ],
        definitions: [
            Definition(
                type: TensorType(.f32, [8, 48]),
                body: .reduce(
                    .sum, extents: [64], condition: nil,
                    .read(slot: 0, [.axis(0), .axis(2)]) * .read(slot: 1, [.axis(2), .axis(1)])))
        ], results: [2])

    private func execute(_ unit: WorkUnit, _ how: MeasureWith) -> (rows: [CatalogRow], outcome: ExecutionOutcome) {
        let box = FactBox()
        let executor = TrialExecutor(
            TrialOptions(
                measureWith: how, workerName: "w", searchPath: "/nonexistent", cacheFolder: "/nonexistent",
                runningFile: nil))
        let outcome = executor.execute(unit, hints: { "" }, report: { box.add($0) }, isCancelled: { false })
        let rows = box.all.compactMap { CatalogRow(parsing: $0.body) }
        #expect(rows.map(\.key) == box.all.map(\.key), "a fact's key is the digest of its row")
        return (rows, outcome)
    }

    private final class FactBox: Sendable {
        private let facts = Mutex<[Fact]>([])
        func add(_ fact: Fact) { facts.withLock { $0.append(fact) } }
        var all: [Fact] { facts.withLock { $0 } }
    }

    private var expand: TuningUnit {
        .expand(
            ExpandUnit(
                workload: Self.workload, interface: Self.interface, device: Self.device,
                roots: roots(Self.workload, Self.interface, Self.device)))
    }

    private static var interface: Interface { .rowMajor(workload) }

    /// A trial of everything that the expansion found, as the planner would ask for it.
    private func trial() throws -> TuningUnit {
        var entries: [Ranked<Schedule>.Entry] = []
        for case .expansion(let row) in execute(expand.workUnit, .synthetic(seed: 1)).rows {
            entries += try expansionEntries(row)
        }
        var text = RecordWriter(kind: "trial")
        text.field("workload", Self.workload.text)
        text.field("device", Self.device.kind.text)
        text.field("calibration", Self.device.calibration.text)
        text.field("toolchain", Digest(of: "a compiler"))
        text.field("toolchain_text", "a compiler")
        text.field("recipe", "made up")
        for entry in ranked(entries).prefix(6) {
            text.field("schedule", entry.value.text)
            text.field("predicted_ns", entry.prediction.ns)
            text.field("lower_bound_ns", entry.prediction.lowerBoundNs)
        }
        return try TuningUnit(parsing: text.text)
    }

    @Test func anExpansionReportsEveryRoot() throws {
        let (rows, outcome) = execute(expand.workUnit, .synthetic(seed: 1))
        #expect(outcome == .finished)
        let expansions = rows.compactMap { row -> ExpansionRow? in
            if case .expansion(let row) = row { return row }
            return nil
        }
        let all = roots(Self.workload, Self.interface, Self.device)
        #expect(all.count > 1)
        #expect(expansions.map(\.root) == all.map(\.text))
        #expect(rows.map(\.table).prefix(3) == [.workloads, .deviceClasses, .calibrations], "parents come first")
        for row in expansions {
            #expect(row.unit == expand.workUnit.digest && row.workload == Self.workload.digest)
            #expect(row.calibration == Self.device.calibration.digest && row.interface == Self.interface.text)
            let entries = try expansionEntries(row)
            #expect(entries.count <= ConstructLimits().perRoot)
            #expect(
                entries.allSatisfy { $0.prediction.lowerBoundNs <= $0.prediction.ns && $0.prediction.lowerBoundNs > 0 })
        }
        #expect(rows == execute(expand.workUnit, .real).rows, "construction does not depend on how one measures")
    }

    @Test func aTrialReportsEveryCandidate() throws {
        let unit = try trial()
        guard case .trial(let trial) = unit else { return }
        let (rows, outcome) = execute(unit.workUnit, .synthetic(seed: 7))
        #expect(outcome == .finished)
        #expect(rows.map(\.table).prefix(3) == [.workloads, .deviceClasses, .toolchains], "parents come first")
        var known: Set<Digest> = []
        var verified: Set<Digest> = []
        var readings: [ReadingRow] = []
        for row in rows {
            switch row {
            case .candidate(let row):
                known.insert(row.digest)
                #expect(row.workload == Self.workload.digest && row.toolchain == trial.toolchain)
            case .verdict(let row):
                #expect(known.contains(row.candidate) && row.right)
                verified.insert(row.candidate)
            case .reading(let row):
                #expect(verified.contains(row.candidate), "verified before it is measured")
                readings.append(row)
            case .workload, .deviceClass, .toolchain: break
            default: Issue.record("a trial says nothing about \(row.table.rawValue)")
            }
        }
        #expect(known.count == trial.entries.count && trial.entries.count > 2)
        #expect(Set(readings.map(\.candidate)) == known && readings.count == known.count)
        #expect(Set(readings.map(\.attempt)).count == readings.count)
        for reading in readings {
            #expect(reading.recipe == "made up" && reading.executions == 1 && reading.valid)
            #expect(reading.deviceClass == Self.device.kind.digest && reading.worker == "w")
            #expect(reading.lowerQuartileNs > 0 && reading.lowerQuartileNs <= reading.medianNs)
        }
    }

    @Test func madeUpTimesDependOnTheSeedAlone() throws {
        let unit = try trial().workUnit
        let rows = execute(unit, .synthetic(seed: 7)).rows
        #expect(execute(unit, .synthetic(seed: 7)).rows == rows)
        let times = { (rows: [CatalogRow]) in
            rows.compactMap { row -> Double? in
                if case .reading(let row) = row { return row.lowerQuartileNs }
                return nil
            }
        }
        #expect(times(execute(unit, .synthetic(seed: 8)).rows) != times(rows))
        let simulated = syntheticFacts(of: unit, seed: 7).compactMap { CatalogRow(parsing: $0.body) }
        #expect(times(simulated) == times(rows), "a simulated worker measures what a real one would")
        #expect(syntheticFacts(of: unit, seed: 7) == syntheticFacts(of: unit, seed: 7))
    }

    @Test func recordedOutcomesAreReportedAsTheyStand() throws {
        let unit = try trial().workUnit
        let candidates = execute(unit, .synthetic(seed: 1)).rows.compactMap { row -> Digest? in
            if case .candidate(let row) = row { return row.digest }
            return nil
        }
        var outcomes: [Digest: MeasureOutcome] = [:]
        for (n, candidate) in candidates.enumerated() {
            outcomes[candidate] = .reading(Reading(samplesNs: [Double(100 + n)], calls: 3))
        }
        outcomes[candidates[1]] = .failed(.crashed(signal: 11))
        let rows = execute(unit, .recorded(RecordedTable(outcomes))).rows
        for row in rows {
            if case .reading(let row) = row {
                #expect(row.samplesNs == [Double(100 + (candidates.firstIndex(of: row.candidate) ?? -1))])
                #expect(row.candidate != candidates[1])
            }
        }
        let failures = rows.compactMap { row -> FailureRow? in
            if case .failure(let row) = row { return row }
            return nil
        }
        #expect(failures.map(\.candidate) == [candidates[1]])
        let kind = MeasureFailure.crashed(signal: 11).kind
        #expect(failures.first?.kind == madeUpFailureKind(kind, recipe: "made up"), "made-up failures say so")
    }

    /// A final of the first candidates of the trial, which all take about `screens`.
    private func final(_ screens: [Double]) throws -> TuningUnit {
        guard case .trial(let trial) = try trial() else { throw FixtureError.noTrial }
        var text = RecordWriter(kind: "final")
        text.field("workload", Self.workload.text)
        text.field("device", Self.device.kind.text)
        text.field("calibration", Self.device.calibration.text)
        text.field("recipe", "made up")
        text.field("rounds", 21)
        text.field("calls", 7)
        for (entry, screen) in zip(trial.entries, screens) {
            text.field("schedule", entry.schedule.text)
            text.field("toolchain", trial.toolchain)
            text.field("screen_ns", screen)
        }
        return try TuningUnit(parsing: text.text)
    }

    private enum FixtureError: Error { case noTrial }

    private func finalRows(_ rows: [CatalogRow]) -> [FinalRow] {
        rows.compactMap { row in
            if case .final(let row) = row { return row }
            return nil
        }
    }

    @Test func aFinalReportsEveryRound() throws {
        let unit = try final([1000, 1050, 1100])
        let (rows, outcome) = execute(unit.workUnit, .synthetic(seed: 7))
        #expect(outcome == .finished)
        #expect(rows.map(\.table) == [.workloads, .deviceClasses, .finals], "parents come first")
        let row = try #require(finalRows(rows).first)
        #expect(row.workload == Self.workload.digest && row.interface == Self.interface.text)
        #expect(row.recipe == "made up" && row.valid && row.deviceClass == Self.device.kind.digest)
        #expect(row.rounds.split(separator: "\n").count == 21)
        let known = execute(try trial().workUnit, .synthetic(seed: 7)).rows.compactMap { row -> Digest? in
            if case .candidate(let row) = row { return row.digest }
            return nil
        }
        #expect(row.values.map(\.candidate) == Array(known.prefix(3)), "the candidates that trials measured")
        #expect(row.values.map(\.value) == row.values.map(\.value).sorted(), "as far apart as screens said")
        #expect(syntheticFacts(of: unit.workUnit, seed: 7) == syntheticFacts(of: unit.workUnit, seed: 7))
    }

    @Test func aRecordedFinalHoldsTheRecordedTimes() throws {
        let unit = try final([1000, 1050])
        let candidates = try #require(finalRows(execute(unit.workUnit, .synthetic(seed: 7)).rows).first)
            .values.map(\.candidate)
        var outcomes: [Digest: MeasureOutcome] = [
            candidates[0]: .reading(Reading(samplesNs: [10, 12], calls: 2)),
            candidates[1]: .reading(Reading(samplesNs: [11], calls: 1)),
        ]
        let rows = execute(unit.workUnit, .recorded(RecordedTable(outcomes))).rows
        let times = finalRows(rows).first?.rounds.split(separator: "\n").prefix(3).map { line in
            line.split(separator: " ").compactMap { Double($0) }
        }
        #expect(times == [[10, 11], [12, 11], [10, 11]])
        outcomes[candidates[1]] = nil
        let (partial, outcome) = execute(unit.workUnit, .recorded(RecordedTable(outcomes)))
        #expect(finalRows(partial).isEmpty && outcome == .failed("a made-up final: no recorded measurement"))
    }

    @Test func waysOfMeasuringHaveTheirNames() {
        #expect(MeasureWith.real.name == "real")
        #expect(MeasureWith.synthetic(seed: 7).name == "synthetic:7")
        let empty = MeasureWith.recorded(RecordedTable())
        #expect(empty.name == "recorded:" + Digest(of: RecordedTable().text).short)
        #expect(MeasureWith.synthetic(seed: 7) != .synthetic(seed: 8))
        #expect(empty == .recorded(RecordedTable()))
    }

    @Test func onlyUnitsAreRun() {
        let damaged = WorkUnit(digest: Digest(of: "x"), slot: .cpu, capabilities: [], cost: .seconds(1), body: "job\n")
        let (rows, outcome) = execute(damaged, .synthetic(seed: 1))
        #expect(rows.isEmpty)
        #expect(outcome == .failed("a record is damaged: expected field 'workload', found 'the end'"))
        #expect(syntheticFacts(of: damaged, seed: 1).isEmpty)
    }
}
