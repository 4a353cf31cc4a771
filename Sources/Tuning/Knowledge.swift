// What the planner knows, built from rows in any order with any repetition. Rows are kept by what they bear on; the
// measurement table of a job is derived from them, never stored. A candidate counts only for the toolchains of the
// job and only if today's emitter prints the source it was measured with.

import Basics
import Catalog
import Pipeline
import Roller
import Schedules
import TensorIR

/// A candidate that never got a quiet reading counts as failed after this many, and a final that never was quiet is
/// not tried again.
package let readingsPerCandidateMax = 3

struct Knowledge: Sendable {
    struct Candidate: Sendable {
        var workload: Digest
        var schedule: Schedule
        var scheduleDigest: Digest
        var toolchain: Digest
        var source: Digest
        var scratchBytes: Int
        var key: SearchKey { SearchKey(workload: workload, interface: schedule.interface) }
    }
    /// What was found out about one candidate on one device class.
    private struct Evidence: Sendable {
        var readings: [Digest: (recipe: String, valid: Bool, screenNs: Double)] = [:]
        var isRight = false
        /// Never to be chosen, whoever measures: wrong, refused by the compiler, crashed.
        var isFailed = false
        /// Recipes under which made-up measurements failed.
        var failedRecipes: Set<String> = []
    }
    private struct Expansion: Sendable {
        var key: Digest
        var entries: [Ranked<Schedule>.Entry]
    }
    private struct ExpansionKey: Hashable {
        var calibration: Digest
        var root: Root
    }
    private struct Final: Sendable {
        var deviceClass: Digest
        var recipe: String
        var valid: Bool
        var result: FinalResult
    }
    private struct Text: Hashable {
        var workload: Digest
        var schedule: Digest
    }
    private(set) var workloads: [Digest: Workload] = [:]
    private var candidates: [Digest: Candidate] = [:]
    private var candidatesOf: [SearchKey: Set<Digest>] = [:]
    /// Keys of each workload that a candidate or an expansion named.
    private var keysOf: [Digest: Set<SearchKey>] = [:]
    private var expansions: [SearchKey: [ExpansionKey: Expansion]] = [:]
    private var evidence: [Digest: [Digest: Evidence]] = [:]
    private var finals: [SearchKey: [Digest: Final]] = [:]
    /// Digests of what today's emitter prints: each text once, however many toolchains built it.
    private var sources: [Text: Digest] = [:]
    private var parked: Set<Digest> = []
    private var seen: Set<Digest> = []
    /// Facts that bear on each key, to know when its table must be derived anew.
    private var revisions: [SearchKey: Int] = [:]

    func revision(_ key: SearchKey) -> Int { revisions[key] ?? 0 }

    /// Candidates that came before their workload are judged now.
    mutating func learn(_ workload: Workload, _ digest: Digest) {
        guard workloads.updateValue(workload, forKey: digest) == nil else { return }
        for key in keysOf[digest] ?? [] {
            for candidate in candidatesOf[key] ?? [] {
                guard let known = candidates[candidate], !isCurrent(known) else { continue }
                candidates[candidate] = nil
                candidatesOf[key]?.remove(candidate)
            }
        }
    }

    mutating func park(_ subject: Digest) { parked.insert(subject) }
    var parksNothing: Bool { parked.isEmpty }
    func isParked(_ subject: Digest) -> Bool { parked.contains(subject) }

    mutating func absorb(_ row: CatalogRow) {
        guard seen.insert(row.key).inserted else { return }
        switch row {
        case .candidate(let row): absorb(row)
        case .expansion(let row): absorb(row)
        case .final(let row):
            guard let interface = try? Interface(parsing: row.interface), let result = FinalResult(row) else { return }
            let key = SearchKey(workload: row.workload, interface: interface)
            finals[key, default: [:]][row.key] = Final(
                deviceClass: row.deviceClass, recipe: row.recipe, valid: row.valid, result: result)
            revisions[key, default: 0] += 1
        case .reading(let reading):
            change(reading.candidate, reading.deviceClass) {
                $0.readings[row.key] = (reading.recipe, reading.valid, reading.lowerQuartileNs * reading.correction)
            }
        case .verdict(let row):
            change(row.candidate, row.deviceClass) {
                if row.right { $0.isRight = true } else { $0.isFailed = true }
            }
        case .failure(let row):
            change(row.candidate, row.deviceClass) {
                if let recipe = madeUpRecipe(ofFailure: row.kind) {
                    $0.failedRecipes.insert(recipe)
                } else {
                    $0.isFailed = true
                }
            }
        case .workload(let row):
            if let workload = try? Workload(parsing: row.text), workload.digest == row.digest {
                learn(workload, row.digest)
            }
        case .job, .model, .modelWorkload, .deviceClass, .device, .calibration, .toolchain, .drift, .objectCheck,
            .program, .suspicion, .void, .tag:
            return
        }
    }

    private mutating func absorb(_ row: CandidateRow) {
        guard let schedule = try? Schedule(parsing: row.schedule) else { return }
        let candidate = Candidate(
            workload: row.workload, schedule: schedule, scheduleDigest: schedule.digest, toolchain: row.toolchain,
            source: row.sourceDigest, scratchBytes: row.scratchBytes)
        guard isCurrent(candidate) else { return }
        candidates[row.digest] = candidate
        candidatesOf[candidate.key, default: []].insert(row.digest)
        keysOf[row.workload, default: []].insert(candidate.key)
        revisions[candidate.key, default: 0] += 1
    }

    private mutating func absorb(_ row: ExpansionRow) {
        guard let root = Root(parsing: row.root), let interface = try? Interface(parsing: row.interface),
            let entries = try? expansionEntries(row)
        else { return }
        let key = SearchKey(workload: row.workload, interface: interface)
        let place = ExpansionKey(calibration: row.calibration, root: root)
        // two expansions of one root only differ when two programs made them; the key decides, not the order
        if let known = expansions[key]?[place], known.key < row.key { return }
        expansions[key, default: [:]][place] = Expansion(key: row.key, entries: entries)
        keysOf[row.workload, default: []].insert(key)
        revisions[key, default: 0] += 1
    }

    /// A record counts only if today's emitter prints the source it was measured with.
    private mutating func isCurrent(_ candidate: Candidate) -> Bool {
        guard let workload = workloads[candidate.workload] else { return true }
        let text = Text(workload: candidate.workload, schedule: candidate.scheduleDigest)
        if let known = sources[text] { return known == candidate.source }
        guard (try? candidate.schedule.verify(for: workload)) != nil else { return false }
        let source = sourceDigest(workload, candidate.schedule)
        sources[text] = source
        return source == candidate.source
    }

    private mutating func change(_ candidate: Digest, _ deviceClass: Digest, _ body: (inout Evidence) -> Void) {
        body(&evidence[candidate, default: [:]][deviceClass, default: Evidence()])
        if let key = candidates[candidate]?.key { revisions[key, default: 0] += 1 }
    }
}

// MARK: what follows from it for one job

extension Knowledge {
    /// What is known under one scope about one key.
    func table(of key: SearchKey, in scope: EvidenceScope) -> MeasurementTable {
        var table = MeasurementTable(toolchains: scope.toolchains)
        addExpansions(of: key, scope, to: &table)
        addOutcomes(of: key, scope, to: &table)
        return table
    }

    /// What is known under one scope: every expansion, and the outcomes of these keys; of all when `nil`.
    func table(in scope: EvidenceScope, outcomesOf keys: Set<SearchKey>? = nil) -> MeasurementTable {
        var table = MeasurementTable(toolchains: scope.toolchains)
        for key in expansions.keys { addExpansions(of: key, scope, to: &table) }
        for key in keys ?? Set(candidatesOf.keys) { addOutcomes(of: key, scope, to: &table) }
        return table
    }

    private func addExpansions(of key: SearchKey, _ scope: EvidenceScope, to table: inout MeasurementTable) {
        for (place, expansion) in expansions[key] ?? [:] where place.calibration == scope.calibration {
            table.record(workload: key.workload, interface: key.interface, root: place.root, expansion.entries)
        }
    }

    private func addOutcomes(of key: SearchKey, _ scope: EvidenceScope, to table: inout MeasurementTable) {
        for digest in candidatesOf[key] ?? [] {
            guard let candidate = candidates[digest], scope.toolchains.contains(candidate.toolchain),
                let outcome = outcome(digest, scope)
            else { continue }
            table.record(
                workload: key.workload, schedule: candidate.scheduleDigest, toolchain: candidate.toolchain, outcome)
        }
        guard let decision = decide(contestants(key, scope), finals(of: key, scope)),
            let candidate = candidates[decision.candidate]
        else { return }
        table.record(
            workload: key.workload, interface: key.interface,
            MeasurementTable.Decision(
                schedule: candidate.scheduleDigest, toolchain: candidate.toolchain,
                isComplete: !decision.isProvisional))
    }

    /// Finalists of a key that no final has compared yet, least screen first; empty when that was tried in vain.
    func openFinal(_ key: SearchKey, in scope: EvidenceScope) -> [(contestant: Contestant, candidate: Candidate)] {
        let finalists = finalists(contestants(key, scope))
        let wanted = Set(finalists.map(\.candidate))
        let tried = (finals[key] ?? [:]).values.filter {
            $0.recipe == scope.recipe && !$0.valid && scope.takes($0.deviceClass)
        }
        guard finalists.count > 1,
            tried.count(where: { wanted.isSubset(of: $0.result.contestants) }) < readingsPerCandidateMax
        else { return [] }
        return finalists.compactMap { finalist in candidates[finalist.candidate].map { (finalist, $0) } }
    }

    private func contestants(_ key: SearchKey, _ scope: EvidenceScope) -> [Contestant] {
        (candidatesOf[key] ?? []).compactMap { digest in
            guard let candidate = candidates[digest], scope.toolchains.contains(candidate.toolchain),
                case .ns(let ns) = outcome(digest, scope)
            else { return nil }
            return Contestant(candidate: digest, screenNs: ns, scratchBytes: candidate.scratchBytes)
        }
    }

    private func finals(of key: SearchKey, _ scope: EvidenceScope) -> [FinalResult] {
        (finals[key] ?? [:]).values.filter { $0.valid && $0.recipe == scope.recipe && scope.takes($0.deviceClass) }
            .map(\.result)
    }

    /// The least screen of any candidate of a key.
    func incumbentNs(_ key: SearchKey, in scope: EvidenceScope) -> Double? {
        contestants(key, scope).map(\.screenNs).min()
    }

    private func outcome(_ candidate: Digest, _ scope: EvidenceScope) -> MeasurementTable.Outcome? {
        if parked.contains(candidate) { return .failed }
        let known = (evidence[candidate] ?? [:]).filter { scope.takes($0.key) }.values
        if known.contains(where: { $0.isFailed || $0.failedRecipes.contains(scope.recipe) }) { return .failed }
        let all = known.flatMap { $0.readings.values.filter { $0.recipe == scope.recipe } }
        if let least = all.filter(\.valid).map(\.screenNs).min() {
            return known.contains(where: \.isRight) ? .ns(least) : nil
        }
        return all.count >= readingsPerCandidateMax ? .failed : nil
    }
}

/// Which evidence speaks for a job: readings of another device class or recipe, and candidates of other toolchains,
/// say nothing about it.
struct EvidenceScope: Hashable, Sendable {
    /// `nil` takes readings of every class.
    var deviceClass: Digest?
    var calibration: Digest
    /// Preferred first.
    var toolchains: [Digest]
    var recipe: String

    func takes(_ deviceClass: Digest) -> Bool { self.deviceClass == nil || self.deviceClass == deviceClass }
}
