// Workers as the coordinator sees them. A session belongs to a worker's name; the process behind it (incarnation) and
// the connection (peer) may change. A new process under the same name replaces the old one: what the old one ran is
// judged and goes out again. A late word of a replaced process still brings its facts, and is then sent away.

import Basics

/// One worker.
struct Session: Sendable {
    var worker: String
    var incarnation: Int
    var peer: PeerID?
    var turn = 0
    var heard: Tick
    var suspect = false
    var capacity = Room.none
    var capabilities: [String] = []
    /// Units leased to this worker and not ended.
    var units: Set<Digest> = []
    /// What it said it holds, by unit.
    var claims: [Digest: Hold] = [:]
    /// Claims that are not live.
    var unwanted: [Lease] = []
    var ackFacts: Set<Digest> = []
    var ackEnds: Set<Lease> = []
    var ackDeaths: Set<Digest> = []
    /// The unit that runs alone here.
    var solo: Digest?
    var toldDrain = false

    var hasAcks: Bool { !ackFacts.isEmpty || !ackEnds.isEmpty || !ackDeaths.isEmpty }
}

/// Why a worker is gone.
enum Departure: Hashable {
    case left
    case silent
    /// A new process took its name and said what the old one was running, if it knew.
    case restarted(died: [Digest], incarnation: Int)
}

extension Coordinator {
    mutating func receive(_ sync: Sync, from peer: PeerID) {
        // a late word of a process that died must not displace its successor, heard of before or not
        if let newest = history[sync.worker]?.last, sync.incarnation < newest {
            _ = takeFacts(of: sync, owing: nil)
            note(.workerReplaced(worker: sync.worker))
            send(.refused("another process named \(escaped(sync.worker)) has taken this worker's place"), to: peer)
            return
        }
        openSession(for: sync, peer: peer)
        let worker = sync.worker
        let isFresh = sync.turn > (sessions[worker]?.turn ?? 0)
        if isFresh { sessions[worker]?.turn = sync.turn }
        recordDeaths(of: sync)
        let tookAll = takeFacts(of: sync, owing: worker)
        if tookAll { takeEnds(of: sync) }
        guard isFresh else {
            news.insert(worker)
            return
        }
        takeClaims(of: sync)
        if sync.leaving {
            retire(worker, .left)
            note(.workerLeft(worker: worker))
        } else {
            serve(worker, replying: true)
        }
    }

    private mutating func openSession(for sync: Sync, peer: PeerID) {
        let worker = sync.worker
        if let old = sessions[worker], old.incarnation != sync.incarnation {
            note(.workerRestarted(worker: worker, units: old.units.count))
            retire(worker, .restarted(died: sync.died, incarnation: sync.incarnation))
        }
        if history[worker]?.last != sync.incarnation {
            history[worker] = Array((history[worker, default: []] + [sync.incarnation]).suffix(FarmLimits.historyMax))
        }
        if sessions[worker] == nil {
            sessions[worker] = Session(worker: worker, incarnation: sync.incarnation, heard: now)
            note(.workerJoined(worker: worker, build: sync.build))
        }
        if let old = sessions[worker]?.peer, old != peer { peers[old] = nil }
        if let other = peers[peer], other != worker { sessions[other]?.peer = nil }
        peers[peer] = worker
        sessions[worker]?.peer = peer
        sessions[worker]?.heard = now
        sessions[worker]?.suspect = false
        sessions[worker]?.capacity = sync.capacity
        sessions[worker]?.capabilities = sync.capabilities.sorted()
        dueAt(now + FarmTiming.suspectAfter)
    }

    /// The connection is gone; the worker may come back on another one before its leases run out.
    mutating func forget(_ peer: PeerID) {
        guard let worker = peers.removeValue(forKey: peer) else { return }
        if sessions[worker]?.peer == peer { sessions[worker]?.peer = nil }
    }

    /// Compares what the worker holds with what it should hold.
    private mutating func takeClaims(of sync: Sync) {
        let worker = sync.worker
        var claims: [Digest: Hold] = [:]
        var unwanted: [Lease] = []
        for hold in sync.holds {
            claims[hold.lease.unit] = hold
            if var live = leases[hold.lease.unit], live.lease == hold.lease, live.worker == worker {
                live.deadline = now + FarmTiming.lease
                live.started = live.started || hold.running
                leases[hold.lease.unit] = live
            } else if !adopt(hold, by: worker) {
                unwanted.append(hold.lease)
            }
        }
        for end in sync.ends where leases[end.lease.unit]?.lease == end.lease {
            leases[end.lease.unit]?.deadline = now + FarmTiming.lease
        }
        sessions[worker]?.claims = claims
        sessions[worker]?.unwanted = unwanted
    }

    /// Whether a claim of an earlier epoch stands, for now or for good.
    private mutating func adopt(_ hold: Hold, by worker: String) -> Bool {
        let digest = hold.lease.unit
        guard hold.lease.epoch < epoch, phase == .working, let opened, now < opened + FarmTiming.adoption,
            leases[digest] == nil, !parked.contains(digest), !probation.contains(where: { $0.digest == digest })
        else { return false }
        guard let unit = hold.unit else { return true }  // it restates the unit once it knows the epoch
        guard unit.digest == digest, unit.body.utf8.count <= FarmLimits.unitBytesMax, planner.adopt(unit) else {
            return false
        }
        leases[digest] = LiveLease(
            lease: hold.lease, unit: unit, worker: worker, started: hold.running, sentAt: now,
            deadline: now + FarmTiming.lease)
        sessions[worker]?.units.insert(digest)
        dueAt(now + FarmTiming.lease)
        note(.leaseAdopted(unit: digest, worker: worker))
        return true
    }

    /// Ends a session and sends its units out again, with the blame that `why` implies.
    mutating func retire(_ worker: String, _ why: Departure) {
        guard let session = sessions.removeValue(forKey: worker) else { return }
        if let peer = session.peer { peers[peer] = nil }
        if probationer == worker { probationer = nil }
        news.remove(worker)
        var blamed: [LiveLease] = []
        for unit in session.units.sorted() {
            guard let live = leases[unit], live.closing == nil else { continue }  // its facts are on their way to disk
            leases[unit] = nil
            if live.started, why != .left {
                blamed.append(live)
            } else {
                giveBack(unit)
            }
        }
        let suspicions: [Suspicion]
        switch why {
        case .left: suspicions = []
        case .silent: suspicions = blamed.map { suspicion(of: $0, cause: .silent, session) }
        case .restarted(let died, let incarnation):
            // a worker that names its killer clears all others
            suspicions =
                died.isEmpty
                ? blamed.map { suspicion(of: $0, cause: .death, session) }
                : named(died, by: worker, incarnation: incarnation)
        }
        suspect(suspicions, then: blamed.map { .giveBack($0.lease.unit) })
    }

    private func suspicion(of live: LiveLease, cause: Suspicion.Cause, _ session: Session) -> Suspicion {
        Suspicion(
            subject: live.lease.unit, cause: cause, worker: session.worker, incarnation: session.incarnation,
            epoch: live.lease.epoch, attempt: live.lease.attempt)
    }

    private func named(_ died: [Digest], by worker: String, incarnation: Int) -> [Suspicion] {
        died.map {
            Suspicion(subject: $0, cause: .named, worker: worker, incarnation: incarnation, epoch: 0, attempt: 0)
        }
    }

    private mutating func recordDeaths(of sync: Sync) {
        guard !sync.died.isEmpty else { return }
        suspect(
            named(sync.died, by: sync.worker, incarnation: sync.incarnation),
            then: [.ackDeaths(sync.worker, sync.died)])
    }
}
