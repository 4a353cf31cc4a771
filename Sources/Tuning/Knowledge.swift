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
        var schedule: Digest
        var toolchain: Digest
        var source: Digest
    }
    private(set) var workloads: [Digest: Workload] = [:]
    private(set) var candidates: [Digest: Candidate] = [:]
    private var candidatesOf: [Digest: Set<Digest>] = [:]
    private(set) var expansions: [Digest: [(calibration: Digest, root: Root, entries: [Ranked<Schedule>.Entry])]] = [:]
    private var readings: [Digest: [Digest: (valid: Bool, screenNs: Double)]] = [:]
    private var right: Set<Digest> = []
    private var failed: [Digest: String] = [:]
    private var parked: Set<Digest> = []
    private var seen: Set<Digest> = []
    /// Facts that bear on each workload, to know when its table must be derived anew.
    private(set) var revision: [Digest: Int] = [:]

    mutating func learn(_ workload: Workload, _ digest: Digest) { workloads[digest] = workload }

    mutating func park(_ subject: Digest) { parked.insert(subject) }

    mutating func absorb(_ row: CatalogRow) {
        guard seen.insert(row.key).inserted else { return }
        switch row {
        case .candidate(let row):
            guard let schedule = try? Schedule(parsing: row.schedule), isCurrent(row, schedule) else { return }
            candidates[row.digest] = Candidate(
                workload: row.workload, schedule: schedule.digest, toolchain: row.toolchain, source: row.sourceDigest)
            candidatesOf[row.workload, default: []].insert(row.digest)
            revision[row.workload, default: 0] += 1
        case .expansion(let row):
            guard let root = Root(parsing: row.root), let entries = try? expansionEntries(row) else { return }
            expansions[row.workload, default: []].append((row.calibration, root, entries))
            revision[row.workload, default: 0] += 1
        case .reading(let row):
            readings[row.candidate, default: [:]][.init(of: row.canonicalText)] =
                (row.valid, row.lowerQuartileNs * row.correction)
            touch(row.candidate)
        case .verdict(let row):
            if row.right { right.insert(row.candidate) } else { failed[row.candidate] = "wrong" }
            touch(row.candidate)
        case .failure(let row):
            failed[row.candidate] = row.kind
            touch(row.candidate)
        case .workload(let row):
            if let workload = try? Workload(parsing: row.text), workload.digest == row.digest {
                workloads[row.digest] = workload
            }
        case .job, .model, .modelWorkload, .deviceClass, .device, .calibration, .toolchain, .final, .program,
            .suspicion, .void, .tag:
            return
        }
    }

    /// A record counts only if today's emitter prints the source it was measured with.
    private func isCurrent(_ row: CandidateRow, _ schedule: Schedule) -> Bool {
        guard let workload = workloads[row.workload] else { return true }
        return sourceDigest(workload, schedule) == row.sourceDigest
    }

    private mutating func touch(_ candidate: Digest) {
        if let workload = candidates[candidate]?.workload { revision[workload, default: 0] += 1 }
    }

    /// Everything known under a toolchain and calibration, about one workload or all of them.
    func table(of workload: Digest? = nil, toolchain: Digest, calibration: Digest) -> MeasurementTable {
        var table = MeasurementTable()
        for digest in workload.map({ [$0] }) ?? expansions.keys.sorted() {
            for (pinned, root, entries) in expansions[digest] ?? [] where pinned == calibration {
                table.record(workload: digest, root: root, entries)
            }
        }
        let bearing = workload.map { candidatesOf[$0] ?? [] } ?? Set(candidates.keys)
        for digest in bearing.sorted() {
            guard let candidate = candidates[digest], candidate.toolchain == toolchain, let outcome = outcome(digest)
            else { continue }
            table.record(workload: candidate.workload, schedule: candidate.schedule, outcome)
        }
        return table
    }

    func outcome(_ candidate: Digest) -> MeasurementTable.Outcome? {
        if failed[candidate] != nil || parked.contains(candidate) { return .failed }
        let all = readings[candidate] ?? [:]
        let valid = all.values.filter(\.valid).map(\.screenNs)
        if let least = valid.min() { return right.contains(candidate) ? .ns(least) : nil }
        return all.count >= readingsPerCandidateMax ? .failed : nil
    }

    func failureReason(_ candidate: Digest) -> String? { failed[candidate] }
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
package func measurementTable(_ rows: [CatalogRow], toolchain: Digest, calibration: Digest) -> MeasurementTable {
    var knowledge = Knowledge()
    for row in rows { knowledge.absorb(row) }
    return knowledge.table(toolchain: toolchain, calibration: calibration)
}
