// Clients, deadlines, drain and the end. A job is in the planner as soon as it is accepted, but nothing is handed out
// before its text is durable, and the client hears of it only then.

import Basics

extension Coordinator {
    mutating func receive(_ request: Request, from peer: PeerID) {
        let asked = AskedBy(peer: peer, number: request.number)
        switch request.ask {
        case .submit(let job): submit(job, replyTo: asked)
        case .watch: answer(.standing(standing()), to: asked)
        case .cancel(let job): cancel(job, asked)
        case .drain:
            beginDrain(.drained, within: FarmTiming.drain)
            answer(.draining, to: asked)
        }
    }

    private mutating func answer(_ answer: Reply.Answer, to asked: AskedBy) {
        send(.reply(Reply(number: asked.number, answer: answer)), to: asked.peer)
    }

    mutating func submit(_ text: JobText, replyTo asked: AskedBy?) {
        guard phase == .working else { return reject("the farm is draining; submit to its successor", asked) }
        let size = text.text.utf8.count
        guard size <= FarmLimits.jobBytesMax else {
            return reject("its text has \(size) bytes and the limit is \(FarmLimits.jobBytesMax)", asked)
        }
        let job: JobID
        switch planner.accept(text) {
        case .success(let id): job = id
        case .failure(let rejection): return reject(rejection.reason, asked)
        }
        workMayHaveAppeared = true
        let revisions = jobs[job, default: JobRevision(submitted: 0, cancelled: 0)]
        jobs[job] = revisions
        if revisions.isLive {
            note(.jobAccepted(job))
            if let asked { answer(.accepted(job), to: asked) }
        } else {
            write([.job(job, revision: revisions.cancelled + 1, text)], then: [.accepted(job, asked)])
        }
    }

    private mutating func reject(_ reason: String, _ asked: AskedBy?) {
        note(.jobRejected(reason: reason))
        if let asked {
            answer(.rejected(reason), to: asked)
        } else if options.stopWhenFinished {
            beginDrain(.rejected(reason), within: FarmTiming.goodbye)
        }
    }

    private mutating func cancel(_ job: JobID, _ asked: AskedBy) {
        guard let revisions = jobs[job] else {
            return answer(.rejected("no job \(job) was ever submitted here"), to: asked)
        }
        guard revisions.isLive else { return answer(.cancelled(job), to: asked) }
        write([.cancelled(job, revision: revisions.submitted)], then: [.cancelled(job, asked)])
    }

    mutating func finishCancel(_ job: JobID) {
        for unit in planner.cancel(job).sorted() {
            endLease(unit)
            probation.removeAll { $0.digest == unit }
        }
        workMayHaveAppeared = true
        note(.jobCancelled(job))
    }

    var hasUnsavedJobs: Bool {
        writes.values.contains { write in
            write.records.contains { record in
                switch record {
                case .job: return true
                case .cancelled, .suspicion, .fact: return false
                }
            }
        }
    }

    /// Makes sure that `passDeadlines` runs at `deadline` or before.
    mutating func dueAt(_ deadline: Tick) { wake = min(wake, deadline) }

    /// Acts on everything that is overdue and finds the next deadline.
    mutating func passDeadlines() {
        for worker in sessions.keys.sorted() {
            guard let session = sessions[worker] else { continue }
            if now >= session.heard + FarmTiming.lease {
                note(.workerLost(worker: worker, units: session.units.count))
                retire(worker, .silent)
            } else if !session.suspect, now >= session.heard + FarmTiming.suspectAfter {
                sessions[worker]?.suspect = true
                if probationer == worker { probationer = nil }
                note(.workerSuspect(worker: worker))
            }
        }
        for (unit, live) in leases.sorted(by: { $0.key < $1.key })
        where live.closing == nil && now >= live.deadline {
            note(.leaseExpired(unit: unit, worker: live.worker))
            endLease(unit)
            futile[unit, default: 0] += 1
            giveBack(unit)
        }
        workMayHaveAppeared = true  // budgets and settling depend on time
        passDiskDeadlines()
        findNextDeadline()
    }

    private mutating func passDiskDeadlines() {
        guard case .failing(var retryAt, var noteAt, let reason) = disk else { return }
        if now >= noteAt {
            note(.persistFailing(reason: reason, waiting: waitingRecords))
            noteAt = now + FarmTiming.persistNote
        }
        if now >= retryAt {
            writeUnsaved()
            retryAt = now + FarmTiming.persistRetry
        }
        disk = .failing(retryAt: retryAt, noteAt: noteAt, reason: reason)
    }

    private mutating func findNextDeadline() {
        wake = now + FarmTiming.adoption
        for session in sessions.values {
            dueAt(session.heard + (session.suspect ? FarmTiming.lease : FarmTiming.suspectAfter))
        }
        for live in leases.values where live.closing == nil { dueAt(live.deadline) }
        if let opened, now < opened + options.settle { dueAt(opened + options.settle) }
        if case .failing(let retryAt, let noteAt, _) = disk { dueAt(min(retryAt, noteAt)) }
        if case .draining(_, let until) = phase { dueAt(until) }
    }

    mutating func beginDrain(_ outcome: FarmOutcome, within limit: Tick.Span) {
        guard phase == .working else { return }
        phase = .draining(outcome, until: now + limit)
        dueAt(now + limit)
        if outcome == .drained { note(.draining) }
        for unit in probation { planner.returned(unit.digest) }
        probation = []
        probationer = nil
        news.formUnion(sessions.keys)
    }

    /// Speaks to every worker that has something to hear.
    mutating func tellNews() {
        let all = workMayHaveAppeared
        workMayHaveAppeared = false
        for worker in (all ? Set(sessions.keys) : news).sorted() { serve(worker, replying: false) }
        news = []
    }

    mutating func stopIfDone() {
        if phase == .working, options.stopWhenFinished, !jobs.isEmpty, writes.isEmpty, planner.isFinished {
            beginDrain(.finished, within: FarmTiming.goodbye)
            tellNews()
        }
        guard case .draining(let outcome, let until) = phase else { return }
        let workersGone = sessions.values.allSatisfy { $0.suspect || $0.peer == nil }
        guard (writes.isEmpty && workersGone) || now >= until else { return }
        if !writes.isEmpty {
            note(.stoppedUnsaved(records: waitingRecords))
        }
        phase = .stopped
        outbox.append(.stop(outcome))
    }
}
