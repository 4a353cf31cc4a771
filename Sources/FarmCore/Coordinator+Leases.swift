// Leases: who runs what. Credit is what the worker has room for minus what it holds, where "holds" is the union of
// what it was given and what it says, so a grant in flight is never forgotten. A unit on probation is given only to a
// worker that holds nothing, and that worker gets nothing else meanwhile.

import Basics

/// The one lease of a unit that may close it.
struct LiveLease: Sendable {
    var lease: Lease
    var unit: WorkUnit
    var worker: String
    /// The worker said that it runs.
    var started: Bool
    /// When the grant was last sent.
    var sentAt: Tick
    var deadline: Tick
    /// The worker said that it finished; these facts are not durable yet.
    var closing: Set<Digest>?
}

extension Coordinator {
    /// Sends orders to one worker. A reply also repeats lost grants and says what to drop.
    mutating func serve(_ worker: String, replying: Bool) {
        guard let session = sessions[worker], let peer = session.peer else { return }
        var orders = Orders(epoch: epoch, turn: 0)
        orders.draining = phase != .working
        if disk == .healthy {
            orders.ackedFacts = session.ackFacts.sorted()
            orders.ackedEnds = session.ackEnds.sorted(by: Coordinator.precedes)
            orders.recordedDeaths = session.ackDeaths.sorted()
            sessions[worker]?.ackFacts = []
            sessions[worker]?.ackEnds = []
            sessions[worker]?.ackDeaths = []
        }
        if replying {
            orders.drops = session.unwanted
            orders.grants = repeatedGrants(for: worker)
        }
        if orders.grants.isEmpty { orders.grants = newGrants(for: worker) }
        let tellsDrain = orders.draining && !session.toldDrain
        guard replying || orders.acknowledges || tellsDrain || !orders.grants.isEmpty else { return }
        if orders.draining { sessions[worker]?.toldDrain = true }
        turn += 1
        orders.turn = turn
        orders.hints = planner.hints()
        precondition(orders.hints.utf8.count <= FarmLimits.hintBytesMax, "hints are within their limit")
        send(.orders(orders), to: peer)
    }

    private static func precedes(_ a: Lease, _ b: Lease) -> Bool {
        (a.unit, a.epoch, a.attempt) < (b.unit, b.epoch, b.attempt)
    }

    /// Grants that the worker should have mentioned by now.
    private mutating func repeatedGrants(for worker: String) -> [Grant] {
        guard let session = sessions[worker] else { return [] }
        var grants: [Grant] = []
        var bytes = 0
        for unit in session.units.sorted() {
            guard var live = leases[unit], live.closing == nil, session.claims[unit]?.lease != live.lease,
                live.lease.epoch == epoch, !(now < live.sentAt + FarmTiming.regrantAfter)
            else { continue }
            bytes += live.unit.body.utf8.count
            if bytes > FarmLimits.grantBytesMax, !grants.isEmpty { break }
            live.sentAt = now
            leases[unit] = live
            grants.append(Grant(lease: live.lease, unit: live.unit))
        }
        return grants
    }

    /// What the worker has room for beyond everything it holds or was given.
    func room(of session: Session) -> Room {
        var room = session.capacity
        for unit in session.units {
            guard let live = leases[unit], live.closing == nil else { continue }
            room[live.unit.slot] -= 1
        }
        for (unit, hold) in session.claims where !session.units.contains(unit) { room[hold.slot] -= 1 }
        return Room(cpu: max(0, room.cpu), device: max(0, room.device))
    }

    private func isEmpty(_ session: Session) -> Bool {
        session.claims.keys.allSatisfy { session.units.contains($0) && leases[$0]?.closing != nil }
            && session.units.allSatisfy { leases[$0]?.closing != nil }
    }

    private mutating func newGrants(for worker: String) -> [Grant] {
        guard let session = sessions[worker], phase == .working, disk == .healthy, !session.suspect,
            !hasUnsavedJobs, let opened, !(now < opened + options.settle)
        else { return [] }
        let room = room(of: session)
        guard !room.isEmpty, session.solo == nil else { return [] }
        if let grants = soloGrants(for: session) { return grants }
        let grants = plannedGrants(for: worker, room: room, capabilities: session.capabilities)
        return grants.isEmpty ? soloGrants(for: session) ?? [] : grants
    }

    /// If a unit on probation waits for this worker: the unit, or nothing while the worker still holds something.
    private mutating func soloGrants(for session: Session) -> [Grant]? {
        guard let at = probationUnit(for: session) else { return nil }
        probationer = session.worker
        guard isEmpty(session) else { return [] }
        probationer = nil
        let unit = probation.remove(at: at)
        sessions[session.worker]?.solo = unit.digest
        return [grant(unit, to: session.worker)]
    }

    /// Where in the queue stands a unit that this worker could run alone. One busy worker at a time is emptied for it;
    /// a worker that is empty anyway may always take it.
    private func probationUnit(for session: Session) -> Int? {
        guard probationer == nil || probationer == session.worker || isEmpty(session) else { return nil }
        return probation.firstIndex { unit in
            session.capacity[unit.slot] > 0 && unit.capabilities.allSatisfy(session.capabilities.contains)
        }
    }

    private mutating func plannedGrants(for worker: String, room: Room, capabilities: [String]) -> [Grant] {
        var left = room
        var grants: [Grant] = []
        var bytes = 0
        for unit in planner.next(room: room, capabilities: capabilities, now: now) {
            precondition(leases[unit.digest] == nil, "the planner returned a unit that is out")
            precondition(!parked.contains(unit.digest), "the planner returned a parked unit")
            left[unit.slot] -= 1
            precondition(left[unit.slot] >= 0, "the planner returned more than fits")
            let size = unit.body.utf8.count
            if size > FarmLimits.unitBytesMax {
                park(unit.digest, reason: "its body of \(size) bytes is over the limit")
            } else if futile[unit.digest, default: 0] >= FarmLimits.futileMax {
                park(unit.digest, reason: "handed out \(FarmLimits.futileMax) times to no avail")
            } else if blame[unit.digest]?.onProbation == true {
                note(.onProbation(unit: unit.digest))
                probation.append(unit)
                workMayHaveAppeared = true
            } else if bytes + size > FarmLimits.grantBytesMax, !grants.isEmpty {
                planner.returned(unit.digest)
            } else {
                bytes += size
                grants.append(grant(unit, to: worker))
            }
        }
        return grants
    }

    private mutating func grant(_ unit: WorkUnit, to worker: String) -> Grant {
        let attempt = attempts[unit.digest, default: 0] + 1
        attempts[unit.digest] = attempt
        let lease = Lease(unit: unit.digest, epoch: epoch, attempt: attempt)
        leases[unit.digest] = LiveLease(
            lease: lease, unit: unit, worker: worker, started: false, sentAt: now, deadline: now + FarmTiming.lease)
        sessions[worker]?.units.insert(unit.digest)
        dueAt(now + FarmTiming.lease)
        return Grant(lease: lease, unit: unit)
    }

    /// Removes a live lease from the books; the caller says what becomes of the unit.
    mutating func endLease(_ unit: Digest) {
        guard let live = leases.removeValue(forKey: unit) else { return }
        closing.remove(unit)
        sessions[live.worker]?.units.remove(unit)
        if sessions[live.worker]?.solo == unit { sessions[live.worker]?.solo = nil }
        news.insert(live.worker)
    }

    /// The unit may go out again, unless it is parked.
    mutating func giveBack(_ unit: Digest) {
        guard !parked.contains(unit) else { return }
        planner.returned(unit)
        workMayHaveAppeared = true
    }

    /// Takes over how leases ended. Only the live lease decides about its unit; any other end is just acknowledged.
    mutating func takeEnds(of sync: Sync) {
        for end in sync.ends {
            let unit = end.lease.unit
            guard let live = leases[unit], live.lease == end.lease, live.worker == sync.worker else {
                sessions[sync.worker]?.ackEnds.insert(end.lease)
                continue
            }
            switch end.manner {
            case .finished:
                let waiting = Set(sync.facts.map(\.fact.key)).filter { writing[$0] != nil }
                leases[unit]?.closing = waiting.union(live.closing ?? [])
                closing.insert(unit)
                closeFinished()
            case .returned:
                endLease(unit)
                giveBack(unit)
                sessions[sync.worker]?.ackEnds.insert(end.lease)
            case .failed(let reason):
                endLease(unit)
                let suspicion = Suspicion(
                    subject: unit, cause: .failed(reason), worker: sync.worker, incarnation: sync.incarnation,
                    epoch: end.lease.epoch, attempt: end.lease.attempt)
                suspect([suspicion], then: [.giveBack(unit), .ackEnd(sync.worker, end.lease)])
            }
        }
    }

    /// Closes the leases whose last facts are durable.
    mutating func closeFinished() {
        for unit in closing.sorted() {
            guard var live = leases[unit], let waiting = live.closing else { continue }
            live.closing = waiting.filter { writing[$0] != nil }
            leases[unit] = live
            guard live.closing == [] else { continue }
            endLease(unit)
            planner.finished(unit)
            futile[unit, default: 0] += 1
            sessions[live.worker]?.ackEnds.insert(live.lease)
            workMayHaveAppeared = true
        }
    }

    /// Gives a subject up for good.
    mutating func park(_ subject: Digest, reason: String) {
        guard parked.insert(subject).inserted else { return }
        endLease(subject)
        probation.removeAll { $0.digest == subject }
        planner.park(subject, reason: reason)
        workMayHaveAppeared = true
        note(.parked(subject: subject, reason: reason))
    }
}
