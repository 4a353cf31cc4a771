// Durability: what is written, what waits for it, and what happens when the disk refuses.
//
// A key is in at most one of `known` and `writing`. After a failed write nothing is handed out and nothing is
// acknowledged until one succeeds; failed writes and all later ones are tried again together every 5 s, with the same
// IDs, and a line says so every 10 s.

import Basics

/// Records on their way to the disk, and what depends on them.
struct Write: Sendable {
    var records: [Record]
    var then: [Continuation]
    /// Workers to acknowledge facts to.
    var owed: Set<Owed> = []
    var bytes = 0

    struct Owed: Hashable, Sendable {
        var worker: String
        var key: Digest
    }
}

/// What a durable record allows.
enum Continuation: Hashable, Sendable {
    case giveBack(Digest)
    case ackEnd(String, Lease)
    case ackDeaths(String, [Digest])
    case accepted(JobID, AskedBy?)
    case cancelled(JobID, AskedBy)
}

/// A client that waits for an answer.
struct AskedBy: Hashable, Sendable {
    var peer: PeerID
    var number: Int
}

extension Coordinator {
    /// Takes over the facts of a message. Returns `false` if some were left with the worker for lack of room.
    mutating func takeFacts(of sync: Sync, owing worker: String?) -> Bool {
        var fresh: [Record] = []
        var owed: Set<Write.Owed> = []
        var bytes = 0
        var tookAll = true
        let id = WriteID(lastWrite + 1)
        for reported in sync.facts {
            let key = reported.fact.key
            let size = reported.fact.body.utf8.count
            if known.contains(key) {
                if let worker { sessions[worker]?.ackFacts.insert(key) }
            } else if let earlier = writing[key] {
                if let worker, earlier != id { writes[earlier]?.owed.insert(Write.Owed(worker: worker, key: key)) }
            } else if size > FarmLimits.factBytesMax || !planner.admits(reported.fact, of: reported.lease.unit) {
                note(.factDropped(key: key, worker: sync.worker))
                if let worker { sessions[worker]?.ackFacts.insert(key) }
            } else if writingBytes + bytes + size > FarmLimits.pendingBytesMax {
                tookAll = false
            } else {
                bytes += size
                writing[key] = id
                fresh.append(.fact(reported.fact))
                if let worker { owed.insert(Write.Owed(worker: worker, key: key)) }
            }
        }
        if !fresh.isEmpty { write(fresh, then: [], owed: owed, bytes: bytes) }
        return tookAll
    }

    /// Records suspicions and goes on when they are durable; those already known count once.
    mutating func suspect(_ suspicions: [Suspicion], then: [Continuation]) {
        var fresh: [Record] = []
        for suspicion in suspicions where !known.contains(suspicion.key) && writing[suspicion.key] == nil {
            writing[suspicion.key] = WriteID(lastWrite + 1)
            fresh.append(.suspicion(suspicion))
        }
        if !fresh.isEmpty {
            write(fresh, then: then)
        } else if let earlier = suspicions.compactMap({ writing[$0.key] }).max() {
            for step in then where writes[earlier]?.then.contains(step) == false { writes[earlier]?.then.append(step) }
        } else {
            for step in then { resume(step) }
        }
    }

    mutating func write(_ records: [Record], then: [Continuation], owed: Set<Write.Owed> = [], bytes: Int = 0) {
        lastWrite += 1
        let id = WriteID(lastWrite)
        writes[id] = Write(records: records, then: then, owed: owed, bytes: bytes)
        writingBytes += bytes
        switch disk {
        case .healthy: outbox.append(.persist(id, records))
        case .failing: unsaved.insert(id)
        }
    }

    mutating func finishWrite(_ id: WriteID) {
        guard let write = writes.removeValue(forKey: id) else { return }
        unsaved.remove(id)
        writingBytes -= write.bytes
        for record in write.records { take(record) }
        for owed in write.owed where sessions[owed.worker] != nil {
            sessions[owed.worker]?.ackFacts.insert(owed.key)
            news.insert(owed.worker)
        }
        if case .failing = disk {
            disk = .healthy
            note(.persistRecovered)
            news.formUnion(sessions.keys)
            writeUnsaved()
        }
        for step in write.then { resume(step) }
        closeFinished()
        workMayHaveAppeared = true
    }

    mutating func failWrite(_ id: WriteID, reason: String) {
        guard writes[id] != nil else { return }
        unsaved.insert(id)
        guard disk == .healthy else { return }
        let retryAt = now + FarmTiming.persistRetry
        disk = .failing(retryAt: retryAt, noteAt: now + FarmTiming.persistNote, reason: reason)
        dueAt(retryAt)
        note(.persistFailing(reason: reason, waiting: waitingRecords))
    }

    var waitingRecords: Int { writes.values.reduce(0) { $0 + $1.records.count } }

    /// Tries everything again that has not reached the disk.
    mutating func writeUnsaved() {
        for id in unsaved.sorted() {
            if let write = writes[id] { outbox.append(.persist(id, write.records)) }
        }
        unsaved.removeAll()
    }

    /// Brings a durable record into the books.
    private mutating func take(_ record: Record) {
        switch record {
        case .fact(let fact):
            writing[fact.key] = nil
            known.insert(fact.key)
            planner.absorb(fact)
        case .suspicion(let suspicion):
            writing[suspicion.key] = nil
            known.insert(suspicion.key)
            judge(suspicion)
        case .job(let job, let revision, _):
            let old = jobs[job, default: JobRevision(submitted: 0, cancelled: 0)]
            jobs[job] = JobRevision(submitted: max(old.submitted, revision), cancelled: old.cancelled)
        case .cancelled(let job, let revision):
            let old = jobs[job, default: JobRevision(submitted: 0, cancelled: 0)]
            jobs[job] = JobRevision(submitted: old.submitted, cancelled: max(old.cancelled, revision))
        }
    }

    private mutating func judge(_ suspicion: Suspicion) {
        blame[suspicion.subject, default: Blame()].add(suspicion.cause)
        if let reason = blame[suspicion.subject]?.parkReason { park(suspicion.subject, reason: reason) }
    }

    private mutating func resume(_ step: Continuation) {
        switch step {
        case .giveBack(let unit): giveBack(unit)
        case .ackEnd(let worker, let lease):
            sessions[worker]?.ackEnds.insert(lease)
            news.insert(worker)
        case .ackDeaths(let worker, let subjects):
            sessions[worker]?.ackDeaths.formUnion(subjects)
            news.insert(worker)
        case .accepted(let job, let asked):
            note(.jobAccepted(job))
            if let asked { send(.reply(Reply(number: asked.number, answer: .accepted(job))), to: asked.peer) }
        case .cancelled(let job, let asked):
            finishCancel(job)
            send(.reply(Reply(number: asked.number, answer: .cancelled(job))), to: asked.peer)
        }
    }

    /// Rebuilds the books from everything that was ever durable. Jobs first, then facts in key order: the result is a
    /// function of the set.
    mutating func recover(_ records: [Record]) {
        var texts: [JobID: (revision: Int, text: JobText)] = [:]
        var facts: [Fact] = []
        var suspicions: [Suspicion] = []
        for record in records {
            switch record {
            case .job(let job, let revision, let text):
                if revision > texts[job]?.revision ?? 0 { texts[job] = (revision, text) }
                jobs[job, default: JobRevision(submitted: 0, cancelled: 0)].submitted = texts[job]?.revision ?? 0
            case .cancelled(let job, let revision):
                let old = jobs[job, default: JobRevision(submitted: 0, cancelled: 0)]
                jobs[job] = JobRevision(submitted: old.submitted, cancelled: max(old.cancelled, revision))
            case .suspicion(let suspicion): suspicions.append(suspicion)
            case .fact(let fact): facts.append(fact)
            }
        }
        for job in texts.keys.sorted() where jobs[job]?.isLive == true {
            guard let text = texts[job]?.text else { continue }
            if case .failure(let rejection) = planner.accept(text) { note(.jobRejected(reason: rejection.reason)) }
        }
        for fact in facts.sorted(by: { $0.key < $1.key }) where known.insert(fact.key).inserted {
            planner.absorb(fact)
        }
        for suspicion in suspicions.sorted(by: { $0.key < $1.key }) where known.insert(suspicion.key).inserted {
            judge(suspicion)
        }
    }
}
