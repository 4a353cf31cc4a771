// What the planner knows, built from rows in any order with any repetition. Rows are kept by what they bear on; the
// measurement table of a job is derived from them, never stored. A candidate counts only for the toolchain of the
// job and only if today's emitter prints the source it was measured with.

import Basics
import Catalog
import Pipeline
import Roller
import Schedules
import TensorIR

/// A candidate that never got a quiet reading counts as failed after this many.
package let readingsPerCandidateMax = 3

struct Knowledge: Sendable {
    struct Candidate: Sendable {
        var workload: Digest
        var schedule: Schedule
        var toolchain: Digest
        var source: Digest
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
    private(set) var workloads: [Digest: Workload] = [:]
    private var candidates: [Digest: Candidate] = [:]
    private var candidatesOf: [Digest: Set<Digest>] = [:]
    private var expansions: [Digest: [ExpansionKey: Expansion]] = [:]
    private var evidence: [Digest: [Digest: Evidence]] = [:]
    private var parked: Set<Digest> = []
    private var seen: Set<Digest> = []
    /// Facts that bear on each workload, to know when its table must be derived anew.
    private(set) var revision: [Digest: Int] = [:]

    /// Candidates that came before their workload are judged now.
    mutating func learn(_ workload: Workload, _ digest: Digest) {
        guard workloads.updateValue(workload, forKey: digest) == nil else { return }
        for candidate in candidatesOf[digest] ?? [] {
            guard let known = candidates[candidate], !isCurrent(known) else { continue }
            candidates[candidate] = nil
            candidatesOf[digest]?.remove(candidate)
        }
    }

    mutating func park(_ subject: Digest) { parked.insert(subject) }
    var parksNothing: Bool { parked.isEmpty }
    func isParked(_ subject: Digest) -> Bool { parked.contains(subject) }

    mutating func absorb(_ row: CatalogRow) {
        guard seen.insert(row.key).inserted else { return }
        switch row {
        case .candidate(let row):
            guard let schedule = try? Schedule(parsing: row.schedule) else { return }
            let candidate = Candidate(
                workload: row.workload, schedule: schedule, toolchain: row.toolchain, source: row.sourceDigest)
            guard isCurrent(candidate) else { return }
            candidates[row.digest] = candidate
            candidatesOf[row.workload, default: []].insert(row.digest)
            revision[row.workload, default: 0] += 1
        case .expansion(let row):
            guard let root = Root(parsing: row.root), let entries = try? expansionEntries(row) else { return }
            let place = ExpansionKey(calibration: row.calibration, root: root)
            // two expansions of one root only differ when two programs made them; the key decides, not the order
            if let known = expansions[row.workload]?[place], known.key < row.key { return }
            expansions[row.workload, default: [:]][place] = Expansion(key: row.key, entries: entries)
            revision[row.workload, default: 0] += 1
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
        case .job, .model, .modelWorkload, .deviceClass, .device, .calibration, .toolchain, .final, .program,
            .suspicion, .void, .tag:
            return
        }
    }

    /// A record counts only if today's emitter prints the source it was measured with.
    private func isCurrent(_ candidate: Candidate) -> Bool {
        guard let workload = workloads[candidate.workload] else { return true }
        guard (try? candidate.schedule.verify(for: workload)) != nil else { return false }
        return sourceDigest(workload, candidate.schedule) == candidate.source
    }

    private mutating func change(_ candidate: Digest, _ deviceClass: Digest, _ body: (inout Evidence) -> Void) {
        body(&evidence[candidate, default: [:]][deviceClass, default: Evidence()])
        if let workload = candidates[candidate]?.workload { revision[workload, default: 0] += 1 }
    }

    /// What is known under one scope about one workload.
    func table(of workload: Digest, in scope: EvidenceScope) -> MeasurementTable {
        var table = MeasurementTable()
        addExpansions(of: workload, scope, to: &table)
        addOutcomes(of: workload, scope, to: &table)
        return table
    }

    /// What is known under one scope: every expansion, and the outcomes of these workloads; of all when `nil`.
    func table(in scope: EvidenceScope, outcomesOf workloads: Set<Digest>? = nil) -> MeasurementTable {
        var table = MeasurementTable()
        for workload in expansions.keys.sorted() { addExpansions(of: workload, scope, to: &table) }
        for workload in (workloads ?? Set(candidatesOf.keys)).sorted() { addOutcomes(of: workload, scope, to: &table) }
        return table
    }

    private func addExpansions(of workload: Digest, _ scope: EvidenceScope, to table: inout MeasurementTable) {
        for (place, expansion) in expansions[workload] ?? [:] where place.calibration == scope.calibration {
            table.record(workload: workload, root: place.root, expansion.entries)
        }
    }

    private func addOutcomes(of workload: Digest, _ scope: EvidenceScope, to table: inout MeasurementTable) {
        for digest in (candidatesOf[workload] ?? []).sorted() {
            guard let candidate = candidates[digest], candidate.toolchain == scope.toolchain,
                let outcome = outcome(digest, scope)
            else { continue }
            table.record(workload: workload, schedule: candidate.schedule.digest, outcome)
        }
    }

    /// The least screen of any candidate of a workload.
    func incumbentNs(_ workload: Digest, in scope: EvidenceScope) -> Double? {
        (candidatesOf[workload] ?? []).compactMap { candidate -> Double? in
            guard candidates[candidate]?.toolchain == scope.toolchain, case .ns(let ns) = outcome(candidate, scope)
            else { return nil }
            return ns
        }.min()
    }

    private func outcome(_ candidate: Digest, _ scope: EvidenceScope) -> MeasurementTable.Outcome? {
        if parked.contains(candidate) { return .failed }
        let known = (evidence[candidate] ?? [:]).filter { scope.deviceClass == nil || $0.key == scope.deviceClass }
            .values
        if known.contains(where: { $0.isFailed || $0.failedRecipes.contains(scope.recipe) }) { return .failed }
        let all = known.flatMap { $0.readings.values.filter { $0.recipe == scope.recipe } }
        if let least = all.filter(\.valid).map(\.screenNs).min() {
            return known.contains(where: \.isRight) ? .ns(least) : nil
        }
        return all.count >= readingsPerCandidateMax ? .failed : nil
    }
}

/// Which evidence speaks for a job: readings of another device class or recipe, and candidates of another toolchain,
/// say nothing about it.
struct EvidenceScope: Hashable, Sendable {
    /// `nil` takes readings of every class.
    var deviceClass: Digest?
    var calibration: Digest
    var toolchain: Digest
    var recipe: String
}

/// The schedules of an expansion as one record, and back.
package func expansionText(_ entries: [Ranked<Schedule>.Entry]) -> String {
    var out = RecordWriter(kind: "schedules")
    for entry in entries { out.field("schedule", entry.value.text) }
    return out.text
}

package func expansionEntries(_ row: ExpansionRow) throws(TuningTextError) -> [Ranked<Schedule>.Entry] {
    do {
        var record = try RecordReader(row.schedules)
        var out: [Ranked<Schedule>.Entry] = []
        while record.next != nil {
            let schedule = try Schedule(parsing: try record.string("schedule"))
            guard out.count < row.predictedNs.count, out.count < row.lowerBoundNs.count else {
                throw TuningTextError.damaged("an expansion with fewer predictions than schedules")
            }
            let prediction = Prediction(ns: row.predictedNs[out.count], lowerBoundNs: row.lowerBoundNs[out.count])
            out.append(.init(value: schedule, prediction: prediction))
        }
        return out
    } catch let error as any Explained {
        throw TuningTextError.wrapping(error)
    } catch {
        throw TuningTextError.damaged("\(error)")
    }
}

/// The measurement table that a set of rows amounts to, for any workload in them.
/// - Parameter deviceClass: whose readings count; `nil` when the rows are of one class anyway.
package func measurementTable(
    _ rows: [CatalogRow], toolchain: Digest, calibration: Digest, recipe: String = recipeText,
    deviceClass: Digest? = nil
) -> MeasurementTable {
    var knowledge = Knowledge()
    for row in rows { knowledge.absorb(row) }
    let scope = EvidenceScope(
        deviceClass: deviceClass, calibration: calibration, toolchain: toolchain, recipe: recipe)
    return knowledge.table(in: scope)
}

/// The incumbent that hints name for a workload.
package func incumbentNs(in hints: String, of workload: Digest) -> Double? {
    for line in hints.split(separator: "\n") where line.hasPrefix(workload.hex) {
        return line.split(separator: " ").last.flatMap { Double($0) }
    }
    return nil
}

private let madeUpFailureMark = " under "

/// The kind of a failure that recorded or synthetic measurements reported: it says nothing about real ones.
package func madeUpFailureKind(_ kind: String, recipe: String) -> String { kind + madeUpFailureMark + recipe }

func madeUpRecipe(ofFailure kind: String) -> String? {
    guard let space = kind.firstIndex(of: " "), kind[space...].hasPrefix(madeUpFailureMark) else { return nil }
    return String(kind[space...].dropFirst(madeUpFailureMark.count))
}
