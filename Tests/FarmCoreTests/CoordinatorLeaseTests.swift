// Leases: credit, expiry, requeue, adoption, late results, closing.

import Basics
import FarmCore
import FarmSimulation
import Testing

@Test func aWorkerGetsAsManyUnitsAsItHasRoomForAndNoMore() {
    var bench = Bench()
    let grants = bench.sync("w", cpu: 2).grants
    #expect(grants.count == 2)
    // it has not mentioned them yet: they count all the same
    #expect(bench.sync("w", cpu: 2).grants.isEmpty)
    #expect(bench.sync("w", cpu: 2, running: [grants[0]], waiting: [grants[1]]).grants.isEmpty)
    #expect(bench.live.count == 2)
}

@Test func aGrantThatGotLostIsRepeatedWithTheSameLease() {
    var bench = Bench()
    let grants = bench.sync("w").grants
    bench.wait(.milliseconds(1500))
    let again = bench.sync("w", waiting: [grants[0]]).grants
    #expect(again == [grants[1]])
}

@Test func aFinishedUnitIsClosedAfterItsFactsAreDurableAndNotBefore() {
    var bench = Bench()
    let grant = bench.sync("w", cpu: 1).grants[0]
    bench.diskWorks = false
    let early = bench.sync("w", cpu: 1, facts: Bench.results(grant), ends: [Bench.finished(grant)])
    #expect(early.ackedFacts.isEmpty && early.ackedEnds.isEmpty)
    #expect(bench.live.contains(grant.lease))
    // the slot is free while the disk works: the next unit is there already
    #expect(early.grants.count == 1)
    let before = bench.sent.count
    bench.answerWrites()
    bench.tell(.tick)
    let late = bench.orders(to: "w", since: before)
    #expect(late.ackedFacts.sorted() == Bench.results(grant).map(\.fact.key).sorted())
    #expect(late.ackedEnds == [grant.lease])
    #expect(!bench.live.contains(grant.lease))
}

@Test func aSilentWorkerLosesItsLeasesAfterFifteenSecondsAndTheyGoToAnother() {
    var bench = Bench(job: "grid a units 1 waves 1 facts 1 slot cpu cost 1000")
    let grant = bench.sync("w", cpu: 1).grants[0]
    bench.sync("w", cpu: 1, running: [grant])
    bench.wait(.milliseconds(14_900))
    #expect(bench.sync("v", cpu: 1).grants.isEmpty)
    #expect(bench.notes.contains(.workerSuspect(worker: "w")))
    bench.wait(.milliseconds(200))
    let again = bench.sync("v", cpu: 1).grants + bench.orders(to: "v", since: 0).grants
    #expect(again.contains { $0.unit == grant.unit && $0.lease.attempt == 2 })
    #expect(bench.live.map(\.attempt) == [2])
}

@Test func theSuspicionAboutALostLeaseIsDurableBeforeTheUnitGoesOutAgain() {
    var bench = Bench(job: "grid a units 1 waves 1 facts 1 slot cpu cost 1000")
    let grant = bench.sync("w", cpu: 1).grants[0]
    bench.sync("w", cpu: 1, running: [grant])
    bench.diskWorks = false
    bench.wait(.seconds(16))
    #expect(bench.unanswered.count == 1)
    #expect(bench.sync("v", cpu: 1).grants.isEmpty)
    let before = bench.sent.count
    bench.answerWrites()
    #expect(bench.orders(to: "v", since: before).grants.map(\.unit) == [grant.unit])
}

@Test func aUnitThatNeverStartedIsNobodysSuspect() {
    var bench = Bench(job: "grid a units 1 waves 1 facts 1 slot cpu cost 1000")
    _ = bench.sync("w", cpu: 1)
    bench.wait(.seconds(16))
    #expect(bench.durable.count == 1)  // the job
    #expect(bench.sync("v", cpu: 1).grants.count == 1)
}

@Test func aLateResultIsCommittedAndDoesNotCloseTheNewLease() {
    var bench = Bench(job: "grid a units 1 waves 1 facts 2 slot cpu cost 1000")
    let old = bench.sync("w", cpu: 1).grants[0]
    bench.sync("w", cpu: 1, running: [old])
    bench.wait(.seconds(16))
    let new = bench.sync("v", cpu: 1).grants[0]
    let late = bench.sync("w", cpu: 1, facts: [Bench.results(old)[0]], ends: [Bench.finished(old)])
    #expect(late.ackedEnds == [old.lease])
    #expect(bench.coordinator.isDurable(Bench.results(old)[0].fact.key))
    #expect(bench.live == [new.lease])
    bench.sync("v", cpu: 1, facts: Bench.results(new), ends: [Bench.finished(new)])
    #expect(bench.live.isEmpty)
    #expect(bench.coordinator.planner.isFinished)
    let facts = bench.durable.filter { if case .fact = $0 { true } else { false } }
    #expect(facts.count == 2, "the late fact is written once")
}

@Test func aWorkerThatComesBackFromSilenceIsToldToDropWhatItLost() {
    var bench = Bench(job: "grid a units 1 waves 1 facts 1 slot cpu cost 1000")
    let old = bench.sync("w", cpu: 1).grants[0]
    bench.sync("w", cpu: 1, running: [old])
    bench.wait(.seconds(16))
    #expect(bench.sync("w", cpu: 1, running: [old]).drops == [old.lease])
    // it still holds the old one, so it has no room
    #expect(bench.live.isEmpty)
}

@Test func aNewEpochAdoptsAClaimOnceItsUnitIsRestated() {
    var first = Bench(job: "grid a units 1 waves 1 facts 1 slot cpu cost 1000")
    let grant = first.sync("w", cpu: 1).grants[0]
    var second = Bench(job: nil, epoch: 2, records: first.durable)
    let hello = second.sync("w", cpu: 1, running: [grant])
    #expect(hello.drops.isEmpty && hello.grants.isEmpty && hello.last?.epoch == 2)
    #expect(second.live.isEmpty)
    #expect(second.sync("w", cpu: 1, running: [grant], restating: true).drops.isEmpty)
    #expect(second.live == [grant.lease])
    second.sync("w", cpu: 1, facts: Bench.results(grant), ends: [Bench.finished(grant)])
    #expect(second.live.isEmpty && second.coordinator.planner.isFinished)
}

@Test func afterAMinuteOldClaimsAreDropped() {
    var first = Bench(job: "grid a units 1 waves 1 facts 1 slot cpu cost 1000")
    let grant = first.sync("w", cpu: 1).grants[0]
    var second = Bench(job: nil, epoch: 2, records: first.durable)
    second.wait(.seconds(61))
    #expect(second.sync("w", cpu: 1, running: [grant], restating: true).drops == [grant.lease])
    #expect(second.live.isEmpty)
}

@Test func aClaimOfAUnitThatIsLeasedElsewhereIsDropped() {
    var first = Bench(job: "grid a units 1 waves 1 facts 1 slot cpu cost 1000")
    let old = first.sync("w", cpu: 1).grants[0]
    var second = Bench(job: nil, epoch: 2, records: first.durable)
    let new = second.sync("v", cpu: 1).grants[0]
    #expect(second.sync("w", cpu: 1, running: [old], restating: true).drops == [old.lease])
    #expect(second.live == [new.lease])
}

@Test func aUnitHandedBackGoesOutAgainWithoutBlame() {
    var bench = Bench(job: "grid a units 1 waves 1 facts 1 slot cpu cost 1000")
    let grant = bench.sync("w", cpu: 1).grants[0]
    let after = bench.sync("w", cpu: 1, ends: [LeaseEnd(lease: grant.lease, manner: .returned)])
    #expect(after.ackedEnds == [grant.lease])
    #expect(after.grants.map(\.lease.attempt) == [2])
    #expect(bench.durable.count == 1)
}

@Test func anOldTurnOfAWorkerBringsItsFactsButNotItsClaims() {
    var bench = Bench()
    let grants = bench.sync("w", cpu: 2).grants
    bench.sync("w", cpu: 2, running: grants)
    bench.turns["w"] = 0  // a copy of an early message arrives late
    let orders = bench.sync("w", cpu: 2, facts: Bench.results(grants[0]))
    #expect(orders.grants.isEmpty && orders.drops.isEmpty)
    #expect(bench.live.count == 2)
    #expect(bench.coordinator.isDurable(Bench.results(grants[0])[0].fact.key))
}
