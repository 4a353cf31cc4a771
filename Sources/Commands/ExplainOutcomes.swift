// What a catalog holds about the schedules of one workload, whatever compiler built them: readings, verdicts, failures,
// finals, objects. Input: facts. Output: one line of an explanation per schedule.

import Basics
import Catalog
import Roller
import Schedules
import Tuning

struct WorkloadOutcomes {
    /// Candidates by the digest of their schedule.
    private var candidates: [Digest: Set<Digest>] = [:]
    private var toolchains: [Digest: Digest] = [:]
    /// The name of each toolchain that built a candidate.
    private var compilers: [Digest: String] = [:]
    private let readings: [ReadingRow]
    private let verdicts: [VerdictRow]
    private let failures: [FailureRow]
    private let finals: [FinalRow]
    private let objects: [ObjectCheckRow]
    private let winners: [WinnerRow]

    init(_ catalog: Catalog, _ workload: Digest) throws(CatalogError) {
        let voided = try catalog.voided()
        for row in try catalog.candidates(workload: workload) where !voided.contains(row.key) {
            guard let schedule = try? Schedule(parsing: row.schedule) else { continue }
            candidates[schedule.digest, default: []].insert(row.digest)
            toolchains[row.digest] = row.toolchain
            guard compilers[row.toolchain] == nil, let text = try catalog.toolchain(row.toolchain)?.text else {
                continue
            }
            compilers[row.toolchain] = compilerName(text)
        }
        readings = try catalog.readings(workload: workload).filter { !voided.contains($0.key) }
        verdicts = try catalog.verdicts(workload: workload).filter { !voided.contains($0.key) }
        failures = try catalog.failures(workload: workload).filter { !voided.contains($0.key) }
        finals = try catalog.finals(workload: workload).filter { !voided.contains($0.key) && $0.valid }
        objects = try catalog.objectChecks(workload: workload).filter { !voided.contains($0.key) }
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
        let best = read.filter(\.valid).map { ($0.lowerQuartileNs * $0.correction, $0.candidate) }.min { $0 < $1 }
        let shares = finals.filter { $0.deviceClass == kind && $0.recipe == recipe }.flatMap(\.values)
            .filter { built.contains($0.candidate) }.map(\.value)
        return WorkloadExplanation.Candidate(
            schedule: digest, nest: nestText(entry.value), predictedNs: entry.prediction.ns,
            lowerBoundNs: entry.prediction.lowerBoundNs, measuredNs: best?.0, readings: read.count,
            right: judged.count(where: \.right), wrong: judged.count { !$0.right }, failures: reasons(built, kind),
            compiler: best.flatMap { toolchains[$0.1] }.flatMap { compilers[$0] }, finalRatio: shares.min(),
            object: objects.filter { built.contains($0.candidate) }.min { $0.key < $1.key },
            wins: winners.contains { built.contains($0.candidate) && $0.deviceClass == kind && $0.recipe == recipe })
    }

    private func reasons(_ built: Set<Digest>, _ kind: Digest?) -> [String] {
        var reasons: [String] = []
        for failure in failures where built.contains(failure.candidate) && failure.deviceClass == kind {
            let reason = "\(escaped(failure.kind)): \(escaped(failure.reason, limit: 160))"
            if !reasons.contains(reason) { reasons.append(reason) }
        }
        return reasons
    }
}

/// A compiler's name and version from the first line of what it says of itself: what stands in parentheses names its
/// packager.
private func compilerName(_ text: String) -> String {
    var depth = 0
    var words = ""
    for character in text.prefix(while: { $0 != "\n" }) {
        if character == "(" { depth += 1 }
        if depth == 0 { words.append(character) }
        if character == ")" { depth -= 1 }
    }
    return words.split(separator: " ").joined(separator: " ")
}
