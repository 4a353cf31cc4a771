// The message of a worker: everything it has, restated. A fact or an end is repeated until it is acknowledged, but not
// more often than every 2 s. An end goes only with, or after, all facts of its unit, so the coordinator never closes a
// lease whose facts are lost.

import Basics

extension Worker {
    var oldestUnsent: Tick? { spool.first { $0.sentAt == nil }?.producedAt }

    /// Not before this after a message that could not be sent.
    var nextAttempt: Tick { sendFailures > 0 ? nextSync : .zero }

    var isSyncDue: Bool {
        if now >= nextSync { return true }
        guard sendFailures == 0 else { return false }
        if urgent { return true }
        guard let oldest = oldestUnsent else { return false }
        return now >= oldest + FarmTiming.factDelayMax || hasUnsentBacklog
    }

    /// So many facts wait that the next message should not.
    var hasUnsentBacklog: Bool {
        var count = 0
        for entry in spool.reversed() where entry.sentAt == nil {
            count += 1
            if count >= FarmLimits.unsentFactsMax { return true }
        }
        return false
    }

    mutating func sendSync(leaving: Bool) {
        turn += 1
        urgent = false
        nextSync = now + FarmTiming.heartbeat
        var sync = Sync(
            build: options.build, worker: options.worker, incarnation: options.incarnation, turn: turn,
            capacity: phase == .working ? options.capacity : .none, capabilities: options.capabilities,
            leaving: leaving, died: died)
        sync.holds = order.compactMap { digest in
            guard let unit = held[digest] else { return nil }
            let running: Bool
            switch unit.state {
            case .waiting: running = false
            case .running, .cancelled: running = true
            case .ended: return nil
            }
            // an older epoch's unit is restated whole: the coordinator of this one cannot know it
            let whole = unit.lease.epoch < epoch ? unit.unit : nil
            return Hold(lease: unit.lease, slot: unit.unit.slot, running: running, unit: whole)
        }
        var batch = FactBatch()
        for digest in order { addEnd(of: digest, to: &sync, &batch) }
        for at in spool.indices where isDue(spool[at].sentAt) {
            guard batch.add(spool[at].reported) else { break }
            spool[at].sentAt = now
        }
        sync.facts = batch.facts
        lastSync = now
        outbox.append(.send(.sync(sync)))
    }

    private func isDue(_ sentAt: Tick?) -> Bool {
        guard let sentAt else { return true }
        return now >= sentAt + FarmTiming.resendAfter
    }

    /// Adds an end with all its unit's unacknowledged facts, if they fit.
    private mutating func addEnd(of digest: Digest, to sync: inout Sync, _ batch: inout FactBatch) {
        guard let unit = held[digest], case .ended(let manner, let sentAt) = unit.state, isDue(sentAt) else { return }
        let waiting = unit.keys.intersection(spooled)
        let entries = waiting.isEmpty ? [] : spool.indices.filter { waiting.contains(spool[$0].reported.fact.key) }
        var trial = batch
        for at in entries {
            guard trial.add(spool[at].reported) else { return }
        }
        batch = trial
        for at in entries { spool[at].sentAt = now }
        held[digest]?.state = .ended(manner, sentAt: now)
        sync.ends.append(LeaseEnd(lease: unit.lease, manner: manner))
    }

    /// The last message did not go out: say it again, a little later each time.
    mutating func retrySend() {
        sendFailures += 1
        forgetSends(since: lastSync ?? now)
        let longest = FarmTiming.sendRetryMin.nanoseconds << Int64(min(sendFailures, 8))
        nextSync = now + Tick.Span(nanoseconds: min(longest, FarmTiming.sendRetryMax.nanoseconds))
    }

    /// Treats everything that was sent since `moment` as unsent.
    mutating func forgetSends(since moment: Tick) {
        for at in spool.indices {
            if let sentAt = spool[at].sentAt, !(sentAt < moment) { spool[at].sentAt = nil }
        }
        for digest in order {
            if case .ended(let manner, let sentAt?) = held[digest]?.state, !(sentAt < moment) {
                held[digest]?.state = .ended(manner, sentAt: nil)
            }
        }
    }
}

/// Facts of one message, within its limits.
private struct FactBatch {
    var facts: [ReportedFact] = []
    var keys: Set<Digest> = []
    var bytes = 0

    /// Adds a fact once; `false` if it does not fit. A first fact always fits.
    mutating func add(_ reported: ReportedFact) -> Bool {
        guard !keys.contains(reported.fact.key) else { return true }
        let size = reported.fact.body.utf8.count
        guard facts.isEmpty || (facts.count < FarmLimits.syncFactsMax && bytes + size <= FarmLimits.syncBytesMax)
        else { return false }
        bytes += size
        keys.insert(reported.fact.key)
        facts.append(reported)
        return true
    }
}
