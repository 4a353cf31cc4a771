// A made-up world for the planner: a small perceptron, a device that no machine is, and workers whose answers are a
// seeded function of the candidate. Expansions are constructed as a real worker would; nothing is compiled or timed.

import Basics
import Catalog
import DeviceModel
import FarmCore
import Pipeline
import Roller
import Schedules
import TensorIR

@testable import Tuning

enum Sample {
    static let device = Device(
        kind: DeviceClass(
            isa: .avx2, processor: "Made-1-2", vectorRegisters: 16, l1Bytes: 32_768, l2Bytes: 524_288,
            l3Bytes: 8_388_608, lineBytes: 64, lanes: 4),
        calibration: Calibration(
            fmaFlopsPerNs: 60, l2BytesPerNs: 60, l3BytesPerNs: 20, memoryBytesPerNs: 10, mapOperatorsPerNs: 8,
            packElementsPerNs: 4, callNs: 8, phaseNs: 20, referenceNs: 1000))
    static let toolchain = Digest(of: "a compiler")
    static let capabilities = ["cpu.avx2", "cpu.plain"]
    static let recipe = recipeText + " measured made-up"

    static func planner() -> TuningPlanner { TuningPlanner(measuredWith: "made-up") }

    static let secondToolchain = Digest(of: "another compiler")

    static func job(
        name: String = "sample", candidates: Int = 4, widths: [Int] = [96, 160, 48], priority: Double = 1,
        toolchains: [Digest] = [toolchain]
    ) -> TuningJob {
        TuningJob(
            name: name, device: device,
            toolchains: toolchains.map { .init(digest: $0, text: "compiler \($0.short)\n-O2\n") },
            candidates: candidates,
            models: [.init(name: "mlp", priority: priority, graph: perceptron(rows: 24, widths: widths))])
    }

    /// Matrix product, bias and relu per layer.
    static func perceptron(rows: Int, widths: [Int]) -> Graph {
        var builder = GraphBuilder()
        var value = builder.input(name: "x", type: type([rows, widths[0]]))
        for (depth, width) in zip(widths, widths.dropFirst()) {
            let weights = builder.constant(ramp([depth, width]))
            let bias = builder.constant(ramp([width]))
            let product = Definition(
                type: type([rows, width]),
                body: .reduce(
                    .sum, extents: [depth], condition: nil,
                    .read(slot: 0, [.axis(0), .axis(2)]) * .read(slot: 1, [.axis(2), .axis(1)])))
            value = builder.define([value, weights], product)
            let sum = Expr.read(slot: 0, [.axis(0), .axis(1)]) + .read(slot: 1, [.axis(1)])
            value = builder.define([value, bias], Definition(type: type([rows, width]), body: .map(sum)))
            let relu = Expr.binary(.maximum, .read(slot: 0, [.axis(0), .axis(1)]), .float(0))
            value = builder.define([value], Definition(type: type([rows, width]), body: .map(relu)))
        }
        return builder.finish(outputs: [("y", value)])
    }

    private static func type(_ shape: [Int]) -> TensorType { TensorType(.f32, shape) }

    private static func ramp(_ shape: [Int]) -> TensorValue {
        let type = type(shape)
        return TensorValue(type, floats: (0..<type.elements).map { Double($0 % 17) / 8 - 1 })
    }
}

/// What workers answer.
struct World {
    enum Answer {
        case reading
        case failed
        case wrong
        case beside
    }
    var seed: UInt64 = 1
    /// By candidate.
    var answers: [Digest: Answer] = [:]
    /// All candidates take about as long, so that screens do not tell them apart.
    var isLevel = false
    /// Finals are never quiet.
    var disturbsFinals = false

    func ns(_ candidate: Digest, predictedNs: Double) -> Double {
        var random = SeededRandom(seed: candidate.seed ^ seed)
        return isLevel ? 1000 * (1 + 0.08 * random.unit()) : predictedNs * (0.5 + 3 * random.unit())
    }

    /// Rows of one unit, in the order in which a worker tells them.
    func rows(of work: WorkUnit, worker: String = "w0") -> [CatalogRow] {
        guard let unit = try? TuningUnit(parsing: work.body) else { preconditionFailure("a planner's unit parses") }
        switch unit {
        case .expand(let expand): return rows(expand, work.digest)
        case .trial(let trial): return rows(trial, attempt: worker + "-" + work.digest.short)
        case .final(let final): return [rows(final, work.digest, attempt: worker + "-" + work.digest.short)]
        }
    }

    private func rows(_ expand: ExpandUnit, _ unit: Digest) -> [CatalogRow] {
        let workload = expand.workload
        return [.workload(WorkloadRow(digest: workload.digest, text: workload.text))]
            + expand.roots.map { root in
                let made = construct(workload, expand.interface, expand.device, ConstructLimits(), roots: [root])
                return .expansion(
                    ExpansionRow(
                        unit: unit, workload: workload.digest, calibration: expand.device.calibration.digest,
                        interface: expand.interface.text, root: root.text,
                        schedules: expansionText(made.entries), predictedNs: made.entries.map(\.prediction.ns),
                        lowerBoundNs: made.entries.map(\.prediction.lowerBoundNs), rejects: ""))
            }
    }

    private func rows(_ trial: TrialUnit, attempt: String) -> [CatalogRow] {
        trial.entries.enumerated().flatMap { n, entry -> [CatalogRow] in
            let row = candidateRow(trial, entry)
            let attempt = "\(attempt)-\(n)"
            switch answers[row.digest] ?? .reading {
            case .reading: return [.candidate(row), verdict(row), reading(row, trial, attempt, valid: true)]
            case .beside: return [.candidate(row), verdict(row), reading(row, trial, attempt, valid: false)]
            case .wrong: return [.candidate(row), verdict(row, right: false)]
            case .failed:
                return [
                    .candidate(row),
                    .failure(
                        FailureRow(
                            candidate: row.digest, deviceClass: trial.device.kind.digest, kind: "crashed",
                            reason: "signal 11", attempt: attempt)),
                ]
            }
        }
    }

    /// Values that differ from the screens: the last by digest is the fastest by 5 %.
    private func rows(_ final: FinalUnit, _ unit: Digest, attempt: String) -> CatalogRow {
        let contestants = final.candidates
        let fastest = contestants.max()
        let times = final.order(seed: unit.seed).enumerated().map { round, _ in
            contestants.map { ($0 == fastest ? 950.0 : 1000.0) + Double(round) }
        }
        return .final(
            FinalRow(
                key: WinnerKey(
                    workload: final.workload.digest, deviceClass: final.device.kind.digest, recipe: final.recipe,
                    interface: final.interface.text),
                worker: attempt, contestants: contestants, times: times, valid: !disturbsFinals, attempt: attempt))
    }

    func candidateRow(_ trial: TrialUnit, _ entry: TrialUnit.Entry) -> CandidateRow {
        let workload = trial.workload.digest
        let source = sourceDigest(trial.workload, entry.schedule)
        let digest = candidateDigest(
            workload: workload, schedule: entry.schedule.digest, source: source, toolchain: trial.toolchain)
        return CandidateRow(
            digest: digest, workload: workload, interface: trial.interface.text,
            schedule: entry.schedule.text, sourceDigest: source, toolchain: trial.toolchain, scratchBytes: 0,
            predictedNs: entry.predictedNs, lowerBoundNs: entry.lowerBoundNs)
    }

    private func verdict(_ row: CandidateRow, right: Bool = true) -> CatalogRow {
        .verdict(
            VerdictRow(
                candidate: row.digest, deviceClass: Sample.device.kind.digest, inputClass: "uniform", seed: 0,
                right: right, maxError: 0, tolerance: 0))
    }

    private func reading(_ row: CandidateRow, _ trial: TrialUnit, _ attempt: String, valid: Bool) -> CatalogRow {
        let ns = ns(row.digest, predictedNs: row.predictedNs)
        return .reading(
            ReadingRow(
                candidate: row.digest, deviceClass: trial.device.kind.digest, recipe: trial.recipe, worker: attempt,
                samplesNs: [ns], lowerQuartileNs: ns, medianNs: ns, calls: 1, correction: 1, valid: valid, flags: "",
                executions: 1, attempt: attempt))
    }
}

extension CatalogRow {
    var fact: Fact { Fact(key: key, body: canonicalText) }

    /// The candidate that was measured; `nil` for every other row.
    var measured: Digest? {
        if case .reading(let row) = self { return row.candidate }
        return nil
    }
}

extension FinalUnit {
    /// The finalists as candidates, in order.
    var candidates: [Digest] {
        finalists.map { finalist in
            candidateDigest(
                workload: workload.digest, schedule: finalist.schedule.digest,
                source: sourceDigest(workload, finalist.schedule), toolchain: finalist.toolchain)
        }
    }
}

extension WorkUnit {
    var parsed: TuningUnit? { try? TuningUnit(parsing: body) }

    /// The candidates of a trial; empty for other units.
    var candidates: [Digest] {
        guard case .trial(let trial)? = parsed else { return [] }
        return trial.entries.map { World().candidateRow(trial, $0).digest }
    }

    var isTrial: Bool { !candidates.isEmpty }

    var final: FinalUnit? {
        guard case .final(let final)? = parsed else { return nil }
        return final
    }
}
