// The coordinator's shell in a simulation: effects become events of the agenda; the disk is an array.

import Basics
import FarmCore

extension World {
    mutating func startCoordinator() {
        epoch += 1
        var records = disk
        records.shuffle(using: &random)  // recovery must not depend on order
        let settle = epoch > 1 ? options.settle : .seconds(0)
        coordinator = Coordinator(
            epoch: epoch, options: CoordinatorOptions(stopWhenFinished: true, settle: settle), planner: makePlanner(),
            records: records)
        coordinatorTick = nil
        for job in jobs { tell(.submitted(job)) }
        tell(.tick)
    }

    /// Hands the coordinator an event and carries out what it answers.
    mutating func tell(_ event: CoordinatorEvent) {
        guard let effects = coordinator?.handle(event, at: now) else { return }
        for effect in effects { carryOut(effect) }
        guard let deadline = coordinator?.nextDeadline, !isOver else { return }
        let due = max(deadline, now + .milliseconds(1))
        if coordinatorTick.map({ due < $0 }) ?? true {
            coordinatorTick = due
            agenda.add(.coordinatorTick(epoch: epoch), at: due)
        }
    }

    private mutating func carryOut(_ effect: CoordinatorEffect) {
        switch effect {
        case .persist(let id, let records):
            let delay = chance(of: .milliseconds(30))
            agenda.add(.commit(epoch: epoch, id, records), at: now + delay)
        case .send(let message, let peer):
            guard let index = byPeer[peer] else { return }
            if case .orders(let orders) = message { check(orders, for: index) }
            if now < workers[index].cutUntil { return }
            transmit(.toWorker(message.bytes, peer))
        case .note: break
        case .stop(let outcome):
            report.outcome = outcome
            isOver = true
        }
    }

    private mutating func check(_ orders: Orders, for index: Int) {
        for grant in orders.grants {
            if let other = granted[grant.lease], other != index {
                violate("a lease of unit \(grant.lease.unit.short) went to two workers")
            }
            granted[grant.lease] = index
        }
        for key in orders.ackedFacts where !durable.contains(key) {
            violate("fact \(key.short) was acknowledged before it was durable")
        }
    }

    mutating func commit(_ records: [Record], _ id: WriteID, epoch of: Int) {
        guard of == epoch else { return }
        if now < diskFailsUntil {
            agenda.add(.commitFailed(epoch: of, id), at: now + chance(of: .milliseconds(2)))
            return
        }
        for record in records {
            if case .fact(let fact) = record, !durable.insert(fact.key).inserted {
                violate("fact \(fact.key.short) was made durable twice")
            }
        }
        disk += records
        agenda.add(.committed(epoch: of, id), at: now + chance(of: .milliseconds(2)))
    }
}
