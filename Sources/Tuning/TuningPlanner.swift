// The planner of the farm: jobs in, units of work out, facts absorbed. Its state is a function of the accepted jobs
// and the set of absorbed facts. Per job it holds the cover of each model and asks, key by key (workload and
// interface), for what is open: expansions first, then trials of the best predicted candidates, then of the best
// measured with the other compilers. When nothing is open under the present covers, the covers are computed anew from
// what was measured. Once that asks for no trial, finals decide between what is close, in the covers that stand; a job
// is done when nothing is asked for at all. Covers are replayed wave by wave from the facts, never remembered, so every
// life asks for the same things.

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
        var key: SearchKey
        /// Of the key.
        var digest: Digest
        var weightNs: Double
    }

    private struct JobState: Sendable {
        var job: TuningJob
        /// Keys of the present covers, greatest weight first.
        var subjects: [Subject] = []
        /// No trial is open under the present covers: close candidates are told apart now.
        var takesFinals = false
        var isSettled = false
        var isCancelled = false
        /// Revision of the knowledge at which each key was last found complete.
        var complete: [Digest: Int] = [:]
    }

    private var jobs: [JobID: JobState] = [:]
    private var order: [JobID] = []
    private var knowledge = Knowledge()
    private var out: [Digest: TuningUnit] = [:]
    /// Keys with a unit out.
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
    /// next one the outcomes of the keys in the covers before it. The first wave with something open is the present
    /// one, so a fact that was lost is asked for again wherever the covers went since. Finals wait for the last wave.
    private mutating func settle(_ id: JobID) throws(PipelineError) {
        guard var state = jobs[id] else { return }
        var visited: Set<SearchKey> = []
        var last: [Subject] = []
        state.takesFinals = false
        state.complete = [:]
        repeat {
            let table = knowledge.table(in: scope(state.job), outcomesOf: visited)
            last = try wave(state.job, table)
            state.subjects = last.filter { unit(for: $0, state) != nil }
            let isNew = last.map { visited.insert($0.key).inserted }
            if !isNew.contains(true) { break }
        } while state.subjects.isEmpty
        if state.subjects.isEmpty {
            state.takesFinals = true
            state.subjects = last.filter { unit(for: $0, state) != nil }
        }
        state.isSettled = state.subjects.isEmpty
        jobs[id] = state
    }

    /// The keys that the covers under `table` ask about, greatest weight first.
    private mutating func wave(_ job: TuningJob, _ table: MeasurementTable) throws(PipelineError) -> [Subject] {
        var weights: [SearchKey: Double] = [:]
        var workloads: [Digest: Workload] = [:]
        for model in job.models {
            for wanted in try plan(model.graph, job.device, table, limits(job)) {
                workloads[wanted.digest] = wanted.workload
                weights[SearchKey(workload: wanted.digest, interface: wanted.interface), default: 0] +=
                    wanted.weightNs * model.priority
                knowledge.learn(wanted.workload, wanted.digest)
            }
        }
        return weights.compactMap { key, weight in
            workloads[key.workload].map { Subject(workload: $0, key: key, digest: key.digest, weightNs: weight) }
        }.sorted { ($0.weightNs, $1.digest) > ($1.weightNs, $0.digest) }
    }

    private func scope(_ job: TuningJob) -> EvidenceScope {
        EvidenceScope(
            deviceClass: job.device.kind.digest, calibration: job.device.calibration.digest,
            toolchains: job.toolchains.map(\.digest), recipe: recipe)
    }

    private func limits(_ job: TuningJob) -> PlanLimits {
        PlanLimits(candidatesPerWorkload: job.candidates, construct: ConstructLimits(winograd: job.winograd))
    }

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
        case .candidate, .expansion, .reading, .verdict, .failure, .final, .drift, .objectCheck, .toolchain,
            .deviceClass, .calibration, .device:
            return true
        case .job, .model, .modelWorkload, .program, .suspicion, .void, .tag: return false
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
            let revision = knowledge.revision(subject.key)
            if jobs[id]?.complete[subject.digest] == revision { continue }
            guard let unit = unit(for: subject, state) else {
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
    private mutating func unit(for subject: Subject, _ state: JobState) -> TuningUnit? {
        while let unit = openUnit(for: subject, state) {
            guard parked.contains(unit.workUnit.digest) else { return unit }
            guard case .trial(let trial) = unit else { return nil }
            for entry in trial.entries { knowledge.park(candidate(trial, entry)) }
        }
        return nil
    }

    private func openUnit(for subject: Subject, _ state: JobState) -> TuningUnit? {
        let job = state.job
        let table = knowledge.table(of: subject.key, in: scope(job))
        let (workload, interface) = (subject.workload, subject.key.interface)
        switch need(workload, subject.key.workload, interface, table, job.device, limits(job)) {
        case nil: return nil
        case .expand(let roots):
            return .expand(ExpandUnit(workload: workload, interface: interface, device: job.device, roots: roots))
        case .trial(let entries, let digest):
            let toolchain = job.toolchains.first { $0.digest == digest } ?? job.toolchains[0]
            return trial(subject, job, toolchain, entries).map(TuningUnit.trial)
        case .final: return state.takesFinals ? final(subject, job).map(TuningUnit.final) : nil
        }
    }

    private func trial(
        _ subject: Subject, _ job: TuningJob, _ toolchain: TuningJob.Toolchain, _ entries: [Ranked<Schedule>.Entry]
    ) -> TrialUnit? {
        var trial = TrialUnit(
            workload: subject.workload, device: job.device, toolchain: toolchain.digest,
            toolchainText: toolchain.text, recipe: recipe,
            entries: entries.map {
                .init(schedule: $0.value, predictedNs: $0.prediction.ns, lowerBoundNs: $0.prediction.lowerBoundNs)
            })
        if !knowledge.parksNothing {
            trial.entries = trial.entries.filter { [trial] in !knowledge.isParked(candidate(trial, $0)) }
        }
        trial.entries = Array(trial.entries.prefix(trialSchedulesMax))
        return trial.entries.isEmpty ? nil : trial
    }

    private func final(_ subject: Subject, _ job: TuningJob) -> FinalUnit? {
        let finalists = knowledge.openFinal(subject.key, in: scope(job))
        guard !finalists.isEmpty else { return nil }
        return FinalUnit(
            workload: subject.workload, device: job.device, recipe: recipe, rounds: finalRounds,
            calls: finalCalls(finalists.map(\.contestant)),
            finalists: finalists.map { contestant, candidate in
                .init(
                    schedule: candidate.schedule, toolchain: candidate.toolchain, screenNs: contestant.screenNs)
            })
    }

    package mutating func adopt(_ unit: WorkUnit) -> Bool {
        guard let parsed = try? TuningUnit(parsing: unit.body), parsed.workUnit.digest == unit.digest else {
            return false
        }
        let digest = parsed.key.digest
        guard busy[digest] == nil, !parked.contains(unit.digest), knowledge.workloads[parsed.key.workload] != nil,
            order.contains(where: { jobs[$0]?.subjects.contains { $0.digest == digest } ?? false })
        else { return false }
        out[unit.digest] = parsed
        busy[digest] = unit.digest
        return true
    }

    package mutating func returned(_ unit: Digest) {
        guard let ended = out.removeValue(forKey: unit) else { return }
        let digest = ended.key.digest
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

    /// Incumbents of the keys that are out: a line `digest ns` each, for cutting readings that cannot win.
    package func hints() -> String {
        var lines: [String] = []
        for digest in busy.keys.sorted() {
            for id in order {
                guard let state = jobs[id], let subject = state.subjects.first(where: { $0.digest == digest }) else {
                    continue
                }
                if let least = knowledge.incumbentNs(subject.key, in: scope(state.job)) {
                    lines.append("\(digest.hex) \(least)")
                }
                break
            }
        }
        return lines.joined(separator: "\n")
    }

    package func standing() -> Standing {
        var open = 0
        for id in order {
            guard let state = jobs[id], !state.isSettled, !state.isCancelled else { continue }
            open +=
                state.subjects.filter {
                    state.complete[$0.digest] != knowledge.revision($0.key) || busy[$0.digest] != nil
                }.count
        }
        let finished = order.allSatisfy { jobs[$0]?.isSettled == true || jobs[$0]?.isCancelled == true }
        return Standing(
            totalUnits: done + open, doneUnits: done, parked: parkedLines.count, finished: finished && out.isEmpty,
            lines: parkedLines)
    }
}
