// The disk, clients, drain and the end.

import Basics
import FarmCore
import FarmSimulation
import Testing

private func failAll(_ bench: inout Bench) {
    let writes = bench.unanswered
    bench.unanswered = []
    for write in writes { bench.tell(.persistFailed(write.id, reason: "no space left on device")) }
}

private func failingNotes(_ bench: Bench) -> Int {
    bench.notes.count { if case .persistFailing = $0 { true } else { false } }
}

@Test func afterAFailedWriteNothingIsHandedOutOrAcknowledgedUntilOneSucceeds() {
    var bench = Bench()
    let grant = bench.sync("w", cpu: 1).grants[0]
    bench.diskWorks = false
    bench.sync("w", cpu: 1, facts: Bench.results(grant), ends: [Bench.finished(grant)])
    failAll(&bench)
    let before = bench.sent.count
    bench.sync("v", cpu: 4)
    bench.sync("w", cpu: 4)
    let during = bench.orders(to: "v", since: before) + bench.orders(to: "w", since: before)
    #expect(during.count == 2, "workers are answered, so that they stay")
    #expect(during.grants.isEmpty && during.ackedFacts.isEmpty && during.ackedEnds.isEmpty)
    bench.wait(.seconds(5))
    #expect(bench.unanswered.count == 1, "tried again after 5 s")
    let after = bench.sent.count
    bench.answerWrites()
    let orders = bench.orders(to: "w", since: after)
    #expect(orders.ackedFacts.count == 2 && orders.ackedEnds == [grant.lease])
    #expect(!bench.orders(to: "v", since: after).grants.isEmpty)
    #expect(bench.notes.contains(.persistRecovered))
}

@Test func aFailingDiskIsRetriedEveryFiveSecondsAndMentionedEveryTen() {
    var bench = Bench()
    let grant = bench.sync("w", cpu: 1).grants[0]
    bench.diskWorks = false
    bench.sync("w", cpu: 1, facts: Bench.results(grant))
    failAll(&bench)
    #expect(failingNotes(bench) == 1)
    var retries = 0
    for _ in 0..<12 {
        bench.wait(.seconds(5))
        retries += bench.unanswered.count
        failAll(&bench)
    }
    #expect(retries == 12)
    #expect(failingNotes(bench) == 7)
}

@Test func aJobIsDurableBeforeItIsAcceptedAndBeforeAnythingOfItGoesOut() {
    var bench = Bench(job: nil)
    bench.diskWorks = false
    let client = PeerID(bytes: [7])
    let job = JobText("grid a units 1 waves 1 facts 1 slot cpu cost 1000")
    bench.tell(.message(.request(Request(build: "c", number: 5, ask: .submit(job))), from: client))
    #expect(bench.sync("w").grants.isEmpty)
    #expect(!bench.sent.contains { $0.peer == client })
    bench.answerWrites()
    let replies = bench.sent.filter { $0.peer == client }.map(\.message)
    #expect(replies == [.reply(Reply(number: 5, answer: .accepted(JobID(Digest(of: job.text)))))])
    #expect(bench.live.count == 1)
}

@Test func aCancelledJobIsDroppedAndStaysCancelledUntilSubmittedAgain() {
    var bench = Bench()
    let client = PeerID(bytes: [7])
    let text = JobText("grid a units 4 waves 1 facts 2 slot cpu cost 1000")
    let job = JobID(Digest(of: text.text))
    let grants = bench.sync("w").grants
    bench.tell(.message(.request(Request(build: "c", number: 1, ask: .cancel(job))), from: client))
    #expect(bench.sent.contains { $0.message == .reply(Reply(number: 1, answer: .cancelled(job))) })
    #expect(bench.live.isEmpty)
    #expect(bench.sync("w", running: grants).drops == grants.map(\.lease))
    var next = Bench(job: nil, epoch: 2, records: bench.durable)
    #expect(next.sync("w").grants.isEmpty)
    next.tell(.message(.request(Request(build: "c", number: 2, ask: .submit(text))), from: client))
    #expect(!next.sync("w").grants.isEmpty || !next.live.isEmpty)
    let third = Bench(job: nil, epoch: 3, records: next.durable)
    #expect(!third.coordinator.planner.isFinished)
}

@Test func anUnknownJobIsRejectedWithAReason() {
    var bench = Bench(job: nil)
    let client = PeerID(bytes: [7])
    bench.tell(.message(.request(Request(build: "c", number: 1, ask: .submit(JobText("nonsense")))), from: client))
    let expected = Reply.Answer.rejected("line 1, column 1: expected 'grid', found 'nonsense'")
    #expect(bench.sent.map(\.message) == [.reply(Reply(number: 1, answer: expected))])
}

@Test func aDrainHandsOutNothingTellsTheWorkersAndEndsWhenTheyHaveLeft() {
    var bench = Bench()
    let grants = bench.sync("w").grants
    bench.sync("w", running: [grants[0]], waiting: [grants[1]])
    let before = bench.sent.count
    bench.tell(.drain)
    #expect(bench.orders(to: "w", since: before).map(\.draining) == [true])
    #expect(bench.outcome == nil)
    let orders = bench.sync(
        "w", cpu: 0, facts: Bench.results(grants[0]),
        ends: [Bench.finished(grants[0]), LeaseEnd(lease: grants[1].lease, manner: .returned)])
    #expect(orders.grants.isEmpty && orders.ackedEnds.count == 2)
    #expect(bench.outcome == nil)
    bench.sync("w", cpu: 0, leaving: true)
    #expect(bench.outcome == .drained)
}

@Test func aDrainEndsAfterTwentyFiveSecondsWhateverTheWorkersDo() {
    var bench = Bench()
    let grants = bench.sync("w").grants
    bench.tell(.drain)
    for _ in 0..<12 {
        bench.wait(.seconds(2))
        bench.sync("w", running: grants)
    }
    #expect(bench.outcome == nil)
    bench.wait(.seconds(2))
    #expect(bench.outcome == .drained)
}

@Test func aFarmThatHasNothingLeftStopsByItself() {
    var bench = Bench(job: "grid a units 1 waves 1 facts 1 slot cpu cost 1000", stopWhenFinished: true)
    let grant = bench.sync("w").grants[0]
    #expect(bench.outcome == nil)
    bench.sync("w", facts: Bench.results(grant), ends: [Bench.finished(grant)])
    bench.sync("w", leaving: true)
    #expect(bench.outcome == .finished)
    let again = Bench(
        job: "grid a units 1 waves 1 facts 1 slot cpu cost 1000", epoch: 2, records: bench.durable,
        stopWhenFinished: true)
    #expect(again.outcome == .finished, "nothing left: no worker is needed")
}

@Test func aFarmWhoseOwnJobIsRejectedEndsWithTheReason() {
    let bench = Bench(job: "nonsense", stopWhenFinished: true)
    #expect(bench.outcome == .rejected("line 1, column 1: expected 'grid', found 'nonsense'"))
}

@Test func recoveryDoesNotDependOnTheOrderOfRecords() {
    var bench = Bench(job: "grid a units 6 waves 2 facts 3 slot cpu cost 1000")
    let grants = bench.sync("w", cpu: 4).grants
    for grant in grants { bench.sync("w", cpu: 0, facts: Bench.results(grant), ends: [Bench.finished(grant)]) }
    var random = SeededRandom(seed: 5)
    var standings: Set<Standing> = []
    for _ in 0..<20 {
        let records = (bench.durable + bench.durable).shuffled(using: &random)
        standings.insert(Bench(job: nil, epoch: 2, records: records).coordinator.standing())
    }
    #expect(standings.count == 1)
    #expect(standings.first?.doneUnits == 4)
}
