// The planner of the farm: jobs in, units of work out, facts absorbed. Its state is a function of the accepted jobs
// and the set of absorbed facts. Per job it holds the cover of each model and asks, workload by workload, for what is
// open: expansions first, then trials of the best predicted candidates. When nothing is open under the present
// covers, the covers are computed anew from what was measured; a job is done when that asks for nothing new.
// Covers are replayed wave by wave from the facts, never remembered, so every life asks for the same things.

import Basics
import Catalog
import DeviceModel
import FarmCore
import Pipeline
import Roller
import Schedules
import TensorIR

package struct TuningPlanner: WorkPlanner {
    private struct Subject: Sendable {
        var workload: Workload
        var digest: Digest
        var weightNs: Double
    }

    private struct JobState: Sendable {
        var job: TuningJob
        /// Workloads of the present covers, greatest weight first.
        var subjects: [Subject] = []
        var isSettled = false
        var isCancelled = false
        /// Revision of the knowledge at which each workload was last found complete.
        var complete: [Digest: Int] = [:]
    }

    private var jobs: [JobID: JobState] = [:]
    private var order: [JobID] = []
    private var knowledge = Knowledge()
    private var out: [Digest: TuningUnit] = [:]
    /// Workloads with a unit out.
    private var busy: [Digest: Digest] = [:]
    private var done = 0
    private var parkedLines: [String] = []
    /// Units given up for good.
    private var parked: Set<Digest> = []
    private let measuredWith: String

    /// - Parameter measuredWith: how readings are taken (`real`, `synthetic:7`, …); part of the recipe.
    package init(measuredWith: String) { self.measuredWith = measuredWith }

    private var recipe: String { measuredWith == "real" ? recipeText : recipeText + " measured " + measuredWith }

    package mutating func accept(_ job: JobText) -> Result<JobID, JobRejection> {
        let parsed: TuningJob
        do { parsed = try TuningJob(parsing: job.text) } catch { return .failure(JobRejection(error.sentence)) }
        let id = JobID(parsed.identity)
        if jobs[id] == nil { order.append(id) }
        if let known = jobs[id], !known.isCancelled { return .success(id) }
        jobs[id] = JobState(job: parsed)
        do { try settle(id) } catch { return .failure(JobRejection(error.sentence)) }
        return .success(id)
    }

    /// Finds what is open about a job. Its waves are replayed from the facts: the first cover knows no outcome, each
    /// next one the outcomes of the workloads in the covers before it. The first wave with something open is the
    /// present one, so a fact that was lost is asked for again wherever the covers went since.
    private mutating func settle(_ id: JobID) throws(PipelineError) {
        guard var state = jobs[id] else { return }
        var visited: Set<Digest> = []
        repeat {
            let table = knowledge.table(in: scope(state.job), outcomesOf: visited)
            let wave = try wave(state.job, table)
            state.subjects = wave.filter { unit(for: $0, state.job) != nil }
            let isNew = wave.map { visited.insert($0.digest).inserted }
            if !isNew.contains(true) { break }
        } while state.subjects.isEmpty
        state.isSettled = state.subjects.isEmpty
        jobs[id] = state
    }

    /// The workloads that the covers under `table` ask about, greatest weight first.
    private mutating func wave(_ job: TuningJob, _ table: MeasurementTable) throws(PipelineError) -> [Subject] {
        var weights: [Digest: Double] = [:]
        var workloads: [Digest: Workload] = [:]
        for model in job.models {
            for wanted in try plan(model.graph, job.device, table, limits(job)) {
                workloads[wanted.digest] = wanted.workload
                weights[wanted.digest, default: 0] += wanted.weightNs * model.priority
                knowledge.learn(wanted.workload, wanted.digest)
            }
        }
        return workloads.map { Subject(workload: $1, digest: $0, weightNs: weights[$0] ?? 0) }
            .sorted { ($0.weightNs, $1.digest) > ($1.weightNs, $0.digest) }
    }

    private func scope(_ job: TuningJob) -> EvidenceScope {
        EvidenceScope(
            deviceClass: job.device.kind.digest, calibration: job.device.calibration.digest, toolchain: job.toolchain,
            recipe: recipe)
    }

    private func limits(_ job: TuningJob) -> PlanLimits { PlanLimits(candidatesPerWorkload: job.candidates) }

    package mutating func cancel(_ job: JobID) -> [Digest] {
        guard let state = jobs[job], !state.isCancelled else { return [] }
        jobs[job]?.isCancelled = true
        let others = Set(
            order.filter { $0 != job && jobs[$0]?.isCancelled == false }
                .flatMap { jobs[$0]?.subjects.map(\.digest) ?? [] })
        var dropped: [Digest] = []
        for subject in state.subjects where !others.contains(subject.digest) {
            if let unit = busy.removeValue(forKey: subject.digest) {
                out[unit] = nil
                dropped.append(unit)
            }
        }
        return dropped.sorted()
    }

    package func admits(_ fact: Fact, of unit: Digest) -> Bool {
        guard let row = CatalogRow(parsing: fact.body), row.key == fact.key else { return false }
        switch row {
        // what a worker found out for an earlier epoch may be about workloads that no present cover holds
        case .workload(let row):
            guard let workload = try? Workload(parsing: row.text), (try? workload.verify()) != nil else { return false }
            return workload.digest == row.digest
        case .candidate, .expansion, .reading, .verdict, .failure, .toolchain, .deviceClass, .calibration, .device:
            return true
        case .job, .model, .modelWorkload, .final, .program, .suspicion, .void, .tag: return false
        }
    }

    package mutating func absorb(_ fact: Fact) {
        guard let row = CatalogRow(parsing: fact.body) else { return }
        knowledge.absorb(row)
    }

    package mutating func next(room: Room, capabilities: [String], now: Tick) -> [WorkUnit] {
        var room = room
        var units: [WorkUnit] = []
        for id in order where !room.isEmpty {
            units += next(of: id, &room, capabilities)
        }
        return units
    }

    private mutating func next(of id: JobID, _ room: inout Room, _ capabilities: [String]) -> [WorkUnit] {
        guard let state = jobs[id], !state.isSettled, !state.isCancelled else { return [] }
        var units: [WorkUnit] = []
        var open = false
        for subject in state.subjects {
            if busy[subject.digest] != nil {
                open = true
                continue
            }
            let revision = knowledge.revision[subject.digest] ?? 0
            if jobs[id]?.complete[subject.digest] == revision { continue }
            guard let unit = unit(for: subject, state.job) else {
                jobs[id]?.complete[subject.digest] = revision
                continue
            }
            open = true
            let work = unit.workUnit
            guard room[work.slot] > 0, work.capabilities.allSatisfy(capabilities.contains) else { continue }
            room[work.slot] -= 1
            out[work.digest] = unit
            busy[subject.digest] = work.digest
            units.append(work)
            if room.isEmpty { return units }
        }
        if !open {
            do {
                try settle(id)
            } catch {
                jobs[id]?.isSettled = true
                parkedLines.append(error.sentence)
            }
            if jobs[id]?.isSettled == false, units.isEmpty { return next(of: id, &room, capabilities) }
        }
        return units
    }

    /// What is open about a subject; nothing when that was parked. Parking a trial rules its candidates out, so the
    /// next question is another one.
    private mutating func unit(for subject: Subject, _ job: TuningJob) -> TuningUnit? {
        while let unit = openUnit(for: subject, job) {
            guard parked.contains(unit.workUnit.digest) else { return unit }
            guard case .trial(let trial) = unit else { return nil }
            for entry in trial.entries { knowledge.park(candidate(trial, entry)) }
        }
        return nil
    }

    private func openUnit(for subject: Subject, _ job: TuningJob) -> TuningUnit? {
        let table = knowledge.table(of: subject.digest, in: scope(job))
        switch need(subject.workload, subject.digest, table, job.device, limits(job)) {
        case nil: return nil
        case .expand(let roots):
            return .expand(ExpandUnit(workload: subject.workload, device: job.device, roots: roots))
        case .trial(let entries):
            var trial = TrialUnit(
                workload: subject.workload, device: job.device, toolchain: job.toolchain,
                toolchainText: job.toolchainText, recipe: recipe,
                entries: entries.map {
                    .init(schedule: $0.value, predictedNs: $0.prediction.ns, lowerBoundNs: $0.prediction.lowerBoundNs)
                })
            if !knowledge.parksNothing {
                trial.entries = trial.entries.filter { [trial] in !knowledge.isParked(candidate(trial, $0)) }
            }
            trial.entries = Array(trial.entries.prefix(trialSchedulesMax))
            return trial.entries.isEmpty ? nil : .trial(trial)
        }
    }

    package mutating func adopt(_ unit: WorkUnit) -> Bool {
        guard let parsed = try? TuningUnit(parsing: unit.body), parsed.workUnit.digest == unit.digest else {
            return false
        }
        let digest = parsed.workload.digest
        guard busy[digest] == nil, !parked.contains(unit.digest), knowledge.workloads[digest] != nil,
            order.contains(where: { jobs[$0]?.subjects.contains { $0.digest == digest } ?? false })
        else { return false }
        out[unit.digest] = parsed
        busy[digest] = unit.digest
        return true
    }

    package mutating func returned(_ unit: Digest) {
        guard let ended = out.removeValue(forKey: unit) else { return }
        let digest = ended.workload.digest
        if busy[digest] == unit { busy[digest] = nil }
    }

    package mutating func finished(_ unit: Digest) {
        if out[unit] != nil { done += 1 }
        returned(unit)
    }

    package mutating func park(_ subject: Digest, reason: String) {
        parkedLines.append("parked \(subject.short): \(escaped(reason))")
        parked.insert(subject)
        if case .trial(let trial)? = out[subject] {
            for entry in trial.entries {
                knowledge.park(candidate(trial, entry))
            }
        }
        knowledge.park(subject)
        returned(subject)
    }

    private func candidate(_ trial: TrialUnit, _ entry: TrialUnit.Entry) -> Digest {
        candidateDigest(
            workload: trial.workload.digest, schedule: entry.schedule.digest,
            source: sourceDigest(trial.workload, entry.schedule), toolchain: trial.toolchain)
    }

    /// Incumbents of the workloads that are out: a line `digest ns` each, for cutting readings that cannot win.
    package func hints() -> String {
        var lines: [String] = []
        for workload in busy.keys.sorted() {
            let job = order.compactMap { jobs[$0] }.first { $0.subjects.contains { $0.digest == workload } }
            guard let job, let least = knowledge.incumbentNs(workload, in: scope(job.job)) else { continue }
            lines.append("\(workload.hex) \(least)")
        }
        return lines.joined(separator: "\n")
    }

    package func standing() -> Standing {
        var open = 0
        for id in order {
            guard let state = jobs[id], !state.isSettled, !state.isCancelled else { continue }
            open +=
                state.subjects.filter {
                    state.complete[$0.digest] != knowledge.revision[$0.digest] ?? 0 || busy[$0.digest] != nil
                }.count
        }
        let finished = order.allSatisfy { jobs[$0]?.isSettled == true || jobs[$0]?.isCancelled == true }
        return Standing(
            totalUnits: done + open, doneUnits: done, parked: parkedLines.count, finished: finished && out.isEmpty,
            lines: parkedLines)
    }
}

extension TuningUnit {
    package var workload: Workload {
        switch self {
        case .expand(let unit): unit.workload
        case .trial(let unit): unit.workload
        }
    }
}
