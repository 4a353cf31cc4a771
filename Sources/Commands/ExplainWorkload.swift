// The explanation of a workload: per calibration Roller's candidates in its order, each with its prediction, its bound,
// what was measured, its verdicts and its failures, and the reasons for which others were left aside. Input: facts of a
// catalog. Output: tables or JSON. The reasons come from constructing anew, which is pure and takes milliseconds.

import Basics
import Catalog
import DeviceModel
import Roller
import Schedules
import TensorIR
import Tuning

struct WorkloadExplanation: Explanation {
    struct Candidate: Hashable {
        var schedule: Digest
        var nest: String
        var predictedNs: Double
        var lowerBoundNs: Double
        /// Least corrected lower quartile of the valid readings.
        var measuredNs: Double?
        var readings: Int
        var right: Int
        var wrong: Int
        var failures: [String]
        /// Some key has it as its winner.
        var wins: Bool
    }
    struct Ranking: Hashable {
        var device: String
        var calibration: Digest
        /// How the times were taken; `nil` when none were.
        var recipe: String?
        var candidates: [Candidate]
        /// `12 registers: needs 40 vector registers, …`
        var rejections: [String]
    }
    struct Call: Hashable {
        var model: String
        var calls: Int
    }
    var digest: Digest
    var structure: String
    var flops: Double
    var bytes: Int
    var calls: [Call]
    var rankings: [Ranking]
    var workloadText: String

    var text: String {
        var out = "workload \(digest.hex)\n\(structure), \(fixed(flops / 1e6, 2)) Mflop, "
        out += "\(sizeText(bytes)) moved at least"
        for call in calls { out += "\ncalled \(call.calls) times by \(escaped(call.model))" }
        out += "\n\n" + workloadText
        for ranking in rankings { out += "\n" + ranking.text }
        return rankings.isEmpty ? out + "\nnothing was constructed or measured yet" : out
    }

    var json: JSON {
        .object([
            ("schema", .string("ironworks.explain/1")), ("workload", .string(digest.hex)),
            ("structure", .string(structure)), ("flops", .number(flops)), ("moved_bytes", .integer(bytes)),
            ("text", .string(workloadText)),
            (
                "calls",
                .array(calls.map { .object([("model", .string($0.model)), ("calls", .integer($0.calls))]) })
            ), ("rankings", .array(rankings.map(\.json))),
        ])
    }
}

extension WorkloadExplanation.Ranking {
    var text: String {
        var cells = [["rank", "schedule", "predicted", "bound", "measured", "ratio", "", "nest", ""]]
        for (n, one) in candidates.enumerated() {
            cells.append([
                "\(n + 1)", one.schedule.short, timeText(one.predictedNs), timeText(one.lowerBoundNs),
                one.measuredNs.map(timeText) ?? "-",
                one.measuredNs.map { fixed($0 / max(one.predictedNs, 1e-9), 2) } ?? "-", one.wins ? "wins" : "",
                one.nest, one.remark,
            ])
        }
        var out = "on \(device), calibration \(calibration.short)"
        out += (recipe.map { ", " + escaped($0) } ?? "") + ":\n" + leftAligned(cells, from: 6)
        if !rejections.isEmpty { out += "\nleft aside:\n" + rejections.map { "  " + $0 }.joined(separator: "\n") }
        return out + "\n"
    }

    var json: JSON {
        .object([
            ("device", .string(device)), ("calibration", .string(calibration.hex)),
            ("recipe", recipe.map(JSON.string)),
            ("candidates", .array(candidates.map(\.json))), ("rejections", .array(rejections.map(JSON.string))),
        ])
    }
}

extension WorkloadExplanation.Candidate {
    /// Verdicts and failures in words.
    var remark: String {
        var parts: [String] = []
        if wrong > 0 { parts.append("wrong \(wrong) of \(right + wrong) times") }
        if wrong == 0, right > 0 { parts.append("right \(right) times") }
        return (parts + failures).joined(separator: "; ")
    }

    var json: JSON {
        .object([
            ("schedule", .string(schedule.hex)), ("nest", .string(nest)), ("predicted_ns", .number(predictedNs)),
            ("lower_bound_ns", .number(lowerBoundNs)), ("measured_ns", measuredNs.map(JSON.number)),
            ("readings", .integer(readings)), ("right", .integer(right)), ("wrong", .integer(wrong)),
            ("failures", .array(failures.map(JSON.string))), ("wins", .boolean(wins)),
        ])
    }
}

extension WorkloadExplanation {
    init(_ catalog: Catalog, _ workload: Workload, _ digest: Digest) throws {
        self.digest = digest
        structure = structureText(workload)
        flops = workload.flops
        bytes = workload.compulsoryBytes
        workloadText = workload.text
        calls = try catalog.calls(workload: digest).map { row in
            Call(model: try catalog.model(row.model)?.name ?? row.model.short, calls: row.calls)
        }
        let outcomes = try WorkloadOutcomes(catalog, digest)
        var pinned: [Digest: [Ranked<Schedule>.Entry]] = [:]
        for row in try catalog.expansions(workload: digest) {
            pinned[row.calibration, default: []] += (try? expansionEntries(row)) ?? []
        }
        rankings = []
        for (calibration, entries) in pinned.sorted(by: { $0.key < $1.key }) {
            var unique: [Ranked<Schedule>.Entry] = []
            var seen: Set<Schedule> = []
            for entry in ranked(entries) where seen.insert(entry.value).inserted { unique.append(entry) }
            let device = try WorkloadExplanation.device(calibration, catalog)
            let kind = device?.kind.digest
            let rejections = device.map { WorkloadExplanation.rejections(workload, $0) } ?? []
            let recipes = outcomes.recipes(kind)
            for recipe in recipes.isEmpty ? [nil] : recipes.map(Optional.some) {
                rankings.append(
                    Ranking(
                        device: device.map { "\($0.kind.processor) \($0.kind.isa.rawValue)" } ?? "an unknown device",
                        calibration: calibration, recipe: recipe,
                        candidates: unique.map { outcomes.candidate($0, kind, recipe) }, rejections: rejections))
            }
        }
    }

    /// The device whose rates a calibration holds.
    private static func device(_ calibration: Digest, _ catalog: Catalog) throws -> Device? {
        guard let row = try catalog.calibration(calibration), let kind = try catalog.deviceClass(row.deviceClass) else {
            return nil
        }
        return Device(kind: try DeviceClass(parsing: kind.text), calibration: try Calibration(parsing: row.text))
    }

    static func rejections(_ workload: Workload, _ device: Device) -> [String] {
        construct(workload, .rowMajor(workload), device, ConstructLimits()).rejections.map {
            "\($0.count) \($0.kind): \($0.example.sentence)"
        }
    }
}

/// What was found out about the schedules of a workload, under any toolchain.
struct WorkloadOutcomes {
    private var candidates: [Digest: Set<Digest>] = [:]
    private let readings: [ReadingRow]
    private let verdicts: [VerdictRow]
    private let failures: [FailureRow]
    private let winners: [WinnerRow]

    init(_ catalog: Catalog, _ workload: Digest) throws(CatalogError) {
        let voided = try catalog.voided()
        for row in try catalog.candidates(workload: workload) where !voided.contains(row.key) {
            guard let schedule = try? Schedule(parsing: row.schedule) else { continue }
            candidates[schedule.digest, default: []].insert(row.digest)
        }
        readings = try catalog.readings(workload: workload).filter { !voided.contains($0.key) }
        verdicts = try catalog.verdicts(workload: workload).filter { !voided.contains($0.key) }
        failures = try catalog.failures(workload: workload).filter { !voided.contains($0.key) }
        winners = try catalog.winners(workload: workload)
    }

    /// How readings on a device class were taken.
    func recipes(_ kind: Digest?) -> [String] {
        Set(readings.filter { $0.deviceClass == kind }.map(\.recipe)).sorted()
    }

    /// What is known about one schedule on a device class, with readings of one recipe.
    func candidate(
        _ entry: Ranked<Schedule>.Entry, _ kind: Digest?, _ recipe: String?
    ) -> WorkloadExplanation.Candidate {
        let digest = entry.value.digest
        let built = candidates[digest] ?? []
        let read = readings.filter {
            built.contains($0.candidate) && $0.deviceClass == kind && $0.recipe == recipe
        }
        let judged = verdicts.filter { built.contains($0.candidate) && $0.deviceClass == kind }
        var reasons: [String] = []
        for failure in failures where built.contains(failure.candidate) && failure.deviceClass == kind {
            let reason = "\(escaped(failure.kind)): \(escaped(failure.reason, limit: 160))"
            if !reasons.contains(reason) { reasons.append(reason) }
        }
        return WorkloadExplanation.Candidate(
            schedule: digest, nest: nestText(entry.value), predictedNs: entry.prediction.ns,
            lowerBoundNs: entry.prediction.lowerBoundNs,
            measuredNs: read.filter(\.valid).map { $0.lowerQuartileNs * $0.correction }.min(), readings: read.count,
            right: judged.count(where: \.right), wrong: judged.count { !$0.right }, failures: reasons,
            wins: winners.contains { built.contains($0.candidate) && $0.deviceClass == kind && $0.recipe == recipe })
    }
}
