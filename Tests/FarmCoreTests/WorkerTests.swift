// The worker: spool, ends, drops, drain, loss of the coordinator.

import Basics
import FarmCore
import Testing

private struct WorkerBench {
    var worker: Worker
    var now = Tick(nanoseconds: 1_000_000_000)
    var effects: [WorkerEffect] = []
    var turn = 0
    var epoch = 1

    init(threads: Room = Room(cpu: 1, device: 1), died: [Digest] = [], loss: Tick.Span = .seconds(60)) {
        worker = Worker(
            options: WorkerOptions(
                worker: "w", incarnation: 1, build: "test", threads: threads, capabilities: [], died: died,
                coordinatorLossLimit: loss, seed: 1))
        tell(.tick)
    }

    @discardableResult
    mutating func tell(_ event: WorkerEvent) -> [WorkerEffect] {
        effects = worker.handle(event, at: now)
        return effects
    }

    @discardableResult
    mutating func order(_ change: (inout Orders) -> Void) -> [WorkerEffect] {
        turn += 1
        var orders = Orders(epoch: epoch, turn: turn)
        change(&orders)
        return tell(.received(.orders(orders)))
    }

    mutating func wait(_ span: Tick.Span) -> [WorkerEffect] {
        now = now + span
        return tell(.tick)
    }
}

/// The first grant of a unit in the first epoch.
private func grant(_ name: String, slot: SlotKind = .cpu) -> Grant {
    let unit = WorkUnit(digest: Digest(of: name), slot: slot, capabilities: [], cost: .milliseconds(1), body: name)
    return Grant(lease: Lease(unit: unit.digest, epoch: 1, attempt: 1), unit: unit)
}

private func syncs(_ effects: [WorkerEffect]) -> [Sync] {
    effects.compactMap { if case .send(.sync(let sync)) = $0 { sync } else { nil } }
}

private func starts(_ effects: [WorkerEffect]) -> [String] {
    effects.compactMap { if case .start(let unit) = $0 { unit.body } else { nil } }
}

private func fact(_ text: String) -> Fact { Fact(key: Digest(of: text), body: text) }

@Test func aWorkerStartsAsManyUnitsAsItHasThreadsAndKeepsTheRestWaiting() {
    var bench = WorkerBench()
    let effects = bench.order { $0.grants = ["a", "b"].map { grant($0) } + [grant("d", slot: .device)] }
    #expect(starts(effects) == ["a", "d"])
    // it says that they run before they do
    let order = effects.map { effect -> Int in
        switch effect {
        case .send: return 0
        case .start: return 1
        case .cancel, .reconnect, .hints, .deathsRecorded, .stop: return 2
        }
    }
    #expect(order.filter { $0 < 2 } == [0, 1, 1])
    #expect(syncs(effects)[0].holds.map(\.running) == [true, false, true])
    #expect(starts(bench.tell(.ended(unit: Digest(of: "a"), .finished))) == ["b"])
}

@Test func aGrantWithoutRoomIsHandedBack() {
    var bench = WorkerBench()
    bench.order { $0.grants = ["a", "b", "c"].map { grant($0) } }
    #expect(syncs(bench.effects)[0].ends == [LeaseEnd(lease: grant("c").lease, manner: .returned)])
    #expect(bench.worker.refusedGrants == 1)
}

@Test func factsAreRepeatedEveryTwoSecondsUntilTheyAreAcknowledged() {
    var bench = WorkerBench()
    bench.order { $0.grants = [grant("a")] }
    bench.tell(.produced(unit: Digest(of: "a"), fact("one")))
    #expect(syncs(bench.effects).isEmpty, "it waits for company")
    #expect(syncs(bench.wait(.milliseconds(250)))[0].facts.map(\.fact) == [fact("one")])
    #expect(syncs(bench.wait(.milliseconds(1900))).flatMap(\.facts).isEmpty)
    #expect(syncs(bench.wait(.milliseconds(2000)))[0].facts.map(\.fact) == [fact("one")])
    bench.order { $0.ackedFacts = [fact("one").key] }
    #expect(bench.worker.spooledKeys.isEmpty)
    #expect(syncs(bench.wait(.seconds(3))).flatMap(\.facts).isEmpty)
}

@Test func anEndGoesOnlyTogetherWithAllFactsThatAreNotAcknowledged() {
    var bench = WorkerBench()
    bench.order { $0.grants = [grant("a")] }
    bench.tell(.produced(unit: Digest(of: "a"), fact("one")))
    _ = bench.wait(.milliseconds(250))
    bench.tell(.produced(unit: Digest(of: "a"), fact("two")))
    let sync = syncs(bench.tell(.ended(unit: Digest(of: "a"), .finished)))[0]
    #expect(sync.ends == [LeaseEnd(lease: grant("a").lease, manner: .finished)])
    #expect(Set(sync.facts.map(\.fact)) == [fact("one"), fact("two")])
    bench.order {
        $0.ackedFacts = [fact("one").key, fact("two").key]
        $0.ackedEnds = [grant("a").lease]
    }
    #expect(syncs(bench.wait(.seconds(3)))[0].holds.isEmpty)
}

@Test func staleOrdersBringAcknowledgementsButNoWork() {
    var bench = WorkerBench()
    bench.order { $0.grants = [grant("a")] }
    bench.tell(.produced(unit: Digest(of: "a"), fact("one")))
    bench.turn = 0
    bench.order {
        $0.grants = [grant("b")]
        $0.drops = [grant("a").lease]
        $0.ackedFacts = [fact("one").key]
    }
    #expect(starts(bench.effects).isEmpty)
    #expect(bench.worker.spooledKeys.isEmpty)
    let sync = syncs(bench.wait(.seconds(2)))[0]
    #expect(sync.holds.map(\.lease) == [grant("a").lease])
}

@Test func aDroppedUnitIsCancelledAndItsFactsAreKept() {
    var bench = WorkerBench()
    bench.order { $0.grants = [grant("a")] }
    bench.tell(.produced(unit: Digest(of: "a"), fact("one")))
    let effects = bench.order { $0.drops = [grant("a").lease] }
    #expect(effects.contains(.cancel(Digest(of: "a"))))
    let sync = syncs(bench.tell(.ended(unit: Digest(of: "a"), .cancelled)))[0]
    #expect(sync.ends.isEmpty && sync.holds.isEmpty)
    #expect(sync.facts.map(\.fact) == [fact("one")])
}

@Test func aNewEpochIsToldTheWholeUnits() {
    var bench = WorkerBench()
    bench.order { $0.grants = [grant("a")] }
    let old = grant("a")
    bench.epoch = 2
    bench.turn = 0
    let sync = syncs(bench.order { _ in })[0]
    #expect(sync.holds == [Hold(lease: old.lease, slot: .cpu, running: true, unit: old.unit)])
}

@Test func aDrainHandsBackWhatWaitsStopsWhatRunsAndLeavesWhenAllIsKnown() {
    var bench = WorkerBench()
    bench.order { $0.grants = ["a", "b"].map { grant($0) } }
    let effects = bench.tell(.drain)
    #expect(effects.contains(.cancel(Digest(of: "a"))))
    #expect(syncs(effects)[0].ends == [LeaseEnd(lease: grant("b").lease, manner: .returned)])
    bench.tell(.produced(unit: Digest(of: "a"), fact("last")))
    let sync = syncs(bench.tell(.ended(unit: Digest(of: "a"), .cancelled)))[0]
    #expect(sync.ends.contains(LeaseEnd(lease: grant("a").lease, manner: .returned)))
    #expect(!bench.worker.isStopped, "the last fact is not durable yet")
    bench.order {
        $0.ackedFacts = [fact("last").key]
        $0.ackedEnds = ["a", "b"].map { grant($0).lease }
    }
    #expect(syncs(bench.effects).last?.leaving == true)
    #expect(bench.effects.last == .stop(.drained))
}

@Test func aWorkerLooksForASilentCoordinatorAndGivesUpInTheEnd() {
    var bench = WorkerBench(loss: .seconds(60))
    bench.order { _ in }
    let start = bench.now
    var reconnects: [Tick.Span] = []
    while !bench.worker.isStopped, bench.now < start + .seconds(200) {
        bench.now = max(bench.now, bench.worker.nextDeadline)
        if bench.tell(.tick).contains(.reconnect) { reconnects.append(bench.now - start) }
    }
    #expect(bench.effects.contains(.stop(.coordinatorLost)))
    #expect(bench.now == start + .seconds(60))
    #expect(reconnects.first == .seconds(6))
    #expect((3...60).contains(reconnects.count))
}

@Test func aWorkerThatStoodStillDoesNotGiveUpOnItsCoordinator() {
    var bench = WorkerBench(loss: .seconds(60))
    bench.order { _ in }
    let effects = bench.wait(.seconds(300))
    #expect(syncs(effects).count == 1)
    #expect(!bench.worker.isStopped)
}

@Test func aMessageThatCouldNotBeSentIsSaidAgainSoonButNotAtOnce() {
    var bench = WorkerBench()
    bench.tell(.sendFailed)
    #expect(syncs(bench.effects).isEmpty)
    #expect(bench.worker.nextDeadline > bench.now)
    #expect(bench.worker.nextDeadline < bench.now + .seconds(1))
    bench.now = bench.worker.nextDeadline
    #expect(syncs(bench.tell(.tick)).count == 1)
}

@Test func deathsAreRestatedUntilRecorded() {
    let killer = Digest(of: "killer")
    var bench = WorkerBench(died: [killer])
    #expect(syncs(bench.effects)[0].died == [killer])
    #expect(syncs(bench.wait(.seconds(2)))[0].died == [killer])
    #expect(bench.order { $0.recordedDeaths = [killer] }.contains(.deathsRecorded([killer])))
    #expect(syncs(bench.wait(.seconds(2)))[0].died.isEmpty)
}

@Test func aFactOverTheLimitFailsItsUnitWithAReason() {
    var bench = WorkerBench()
    bench.order { $0.grants = [grant("a")] }
    let huge = Fact(key: Digest(of: "huge"), body: String(repeating: "x", count: FarmLimits.factBytesMax + 1))
    bench.tell(.produced(unit: Digest(of: "a"), huge))
    let sync = syncs(bench.tell(.ended(unit: Digest(of: "a"), .finished)))[0]
    let reason = "a fact of 1048577 bytes is over the limit of 1048576"
    #expect(sync.ends == [LeaseEnd(lease: grant("a").lease, manner: .failed(reason))])
    #expect(sync.facts.isEmpty)
}
