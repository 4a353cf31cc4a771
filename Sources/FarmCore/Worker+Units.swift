// Units in a worker's hands: taking orders, starting what has a slot, ending. A unit that was dropped while it runs
// still occupies its slot until the executor returns, and is restated until then, so credit stays true.

import Basics

/// One unit in hand.
struct HeldUnit: Sendable {
    enum State: Hashable {
        case waiting
        case running
        /// Running, asked to stop. If `dropped`, its end is nobody's business.
        case cancelled(dropped: Bool)
        /// Waiting for the coordinator to know.
        case ended(LeaseEnd.Manner, sentAt: Tick?)
    }
    var lease: Lease
    var unit: WorkUnit
    var state: State
    /// Keys of all facts produced under it.
    var keys: Set<Digest> = []
    /// The size of a fact that was too large to keep.
    var oversize: Int?
}

/// A fact that is not known to be durable.
struct SpooledFact: Sendable {
    var reported: ReportedFact
    var producedAt: Tick
    var sentAt: Tick?
}

extension Worker {
    mutating func obey(_ orders: Orders) {
        guard orders.epoch >= epoch else { return }
        if orders.epoch > epoch {
            epoch = orders.epoch
            ordersTurn = 0
            urgent = urgent || !held.isEmpty  // a new coordinator has to hear what is held, and in full
            forgetSends(since: .zero)
        }
        lastOrders = now
        reconnects = 0
        sendFailures = 0
        reconnectAt = now + FarmTiming.suspectAfter
        forget(acknowledged: orders)
        guard orders.turn > ordersTurn else { return }
        ordersTurn = orders.turn
        let pause = max(FarmTiming.syncMin, min(orders.nextSync, FarmTiming.syncMax))
        nextSync = (lastSync ?? now) + pause
        if hints != orders.hints {
            hints = orders.hints
            outbox.append(.hints(hints))
        }
        for lease in orders.drops { drop(lease) }
        for grant in orders.grants { take(grant) }
        if orders.draining { drainOnOrders() }
        if hasUnsentBacklog { urgent = true }
    }

    private mutating func forget(acknowledged orders: Orders) {
        if !orders.ackedFacts.isEmpty {
            let acked = Set(orders.ackedFacts)
            spool.removeAll { acked.contains($0.reported.fact.key) }
            spooled.subtract(acked)
            spoolBytes = spool.reduce(0) { $0 + $1.reported.fact.body.utf8.count }
        }
        for lease in orders.ackedEnds where held[lease.unit]?.lease == lease {
            if case .ended = held[lease.unit]?.state { remove(lease.unit) }
        }
        if !orders.recordedDeaths.isEmpty {
            let recorded = died.filter(orders.recordedDeaths.contains)
            died.removeAll { recorded.contains($0) }
            if !recorded.isEmpty { outbox.append(.deathsRecorded(recorded)) }
        }
    }

    private mutating func drop(_ lease: Lease) {
        guard let unit = held[lease.unit], unit.lease == lease else { return }
        switch unit.state {
        case .waiting, .ended: remove(lease.unit)
        case .running:
            cancel(lease.unit)
            held[lease.unit]?.state = .cancelled(dropped: true)
        case .cancelled: held[lease.unit]?.state = .cancelled(dropped: true)
        }
    }

    private mutating func take(_ grant: Grant) {
        let digest = grant.lease.unit
        if let old = held[digest] {
            guard old.lease != grant.lease else { return }
            held[digest]?.lease = grant.lease
            switch old.state {
            case .waiting, .running: break
            case .cancelled: held[digest]?.state = .cancelled(dropped: false)
            case .ended(let manner, _): held[digest]?.state = .ended(manner, sentAt: nil)
            }
            urgent = true
            return
        }
        let accepted = phase == .working && taken[grant.unit.slot] < options.capacity[grant.unit.slot]
        held[digest] = HeldUnit(
            lease: grant.lease, unit: grant.unit, state: accepted ? .waiting : .ended(.returned, sentAt: nil))
        order.append(digest)
        if !accepted {
            refusedGrants += 1
            urgent = true
        }
    }

    /// Room that units in hand take, ended ones not counted.
    var taken: Room {
        var taken = Room.none
        for unit in held.values {
            switch unit.state {
            case .waiting, .running, .cancelled: taken[unit.unit.slot] += 1
            case .ended: break
            }
        }
        return taken
    }

    mutating func startWaiting() {
        guard phase == .working, spoolBytes <= FarmLimits.spoolBytesMax else { return }
        for digest in order {
            guard let unit = held[digest]?.unit, held[digest]?.state == .waiting, free[unit.slot] > 0 else { continue }
            free[unit.slot] -= 1
            held[digest]?.state = .running
            starting.append(unit)
            urgent = true  // said before it starts: what kills a worker at once must be known to have run
        }
    }

    mutating func cancel(_ digest: Digest) {
        guard held[digest]?.state == .running else { return }
        held[digest]?.state = .cancelled(dropped: false)
        outbox.append(.cancel(digest))
    }

    mutating func keep(_ fact: Fact, of digest: Digest) {
        guard let unit = held[digest] else { preconditionFailure("a fact comes from a unit that runs") }
        guard fact.body.utf8.count <= FarmLimits.factBytesMax else {
            held[digest]?.oversize = fact.body.utf8.count
            return
        }
        held[digest]?.keys.insert(fact.key)
        guard spooled.insert(fact.key).inserted else { return }
        spoolBytes += fact.body.utf8.count
        spool.append(SpooledFact(reported: ReportedFact(lease: unit.lease, fact: fact), producedAt: now, sentAt: nil))
    }

    mutating func end(_ digest: Digest, _ outcome: ExecutionOutcome) {
        guard let unit = held[digest] else { preconditionFailure("an end comes from a unit that runs") }
        let dropped: Bool
        switch unit.state {
        case .running: dropped = false
        case .cancelled(let isDropped): dropped = isDropped
        case .waiting, .ended: preconditionFailure("an end comes from a unit that runs")
        }
        free[unit.unit.slot] += 1
        urgent = true
        guard !dropped else { return remove(digest) }
        if let size = unit.oversize {
            let reason = "a fact of \(size) bytes is over the limit of \(FarmLimits.factBytesMax)"
            held[digest]?.state = .ended(.failed(reason), sentAt: nil)
            return
        }
        switch outcome {
        case .finished: held[digest]?.state = .ended(.finished, sentAt: nil)
        case .failed(let reason): held[digest]?.state = .ended(.failed(reason), sentAt: nil)
        case .cancelled: held[digest]?.state = .ended(.returned, sentAt: nil)
        }
    }

    private mutating func remove(_ digest: Digest) {
        held[digest] = nil
        order.removeAll { $0 == digest }
    }
}
