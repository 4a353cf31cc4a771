// Blame: deaths, probation, parking, replaced processes, failures.

import Basics
import FarmCore
import FarmSimulation
import Testing

private let oneUnit = "grid a units 1 waves 1 facts 1 slot cpu cost 1000"
private let manyUnits = "grid a units 9 waves 1 facts 1 slot cpu cost 1000"

/// Lets the only unit kill `count` processes of one worker, and returns it.
private func kill(_ bench: inout Bench, _ count: Int) -> Grant {
    var grant = bench.sync("w", incarnation: 1, cpu: 1).grants[0]
    for life in 1...count {
        bench.sync("w", incarnation: life, cpu: 1, running: [grant])
        bench.turns["w"] = 0
        let orders = bench.sync("w", incarnation: life + 1, cpu: 1)
        if let next = orders.grants.first { grant = next }
    }
    return grant
}

@Test func aRestartedProcessReplacesTheOldOneAndItsUnitGoesOutAgain() {
    var bench = Bench(job: oneUnit)
    let last = kill(&bench, 1)
    #expect(last.lease.attempt == 2)
    #expect(bench.live == [last.lease])
    let suspicions = bench.durable.filter { if case .suspicion = $0 { true } else { false } }
    #expect(suspicions.count == 1)
}

@Test func aReplacedProcessIsSentAwayAndItsFactsAreKept() {
    var bench = Bench(job: oneUnit)
    let old = bench.sync("w", incarnation: 1, cpu: 1).grants[0]
    bench.turns["w"] = 0
    bench.sync("w", incarnation: 2, cpu: 1)
    bench.turns["w"] = 5
    bench.sync("w", incarnation: 1, cpu: 1, facts: Bench.results(old))
    guard case .refused(let reason)? = bench.sent.last?.message else {
        Issue.record("the replaced process is refused")
        return
    }
    #expect(reason == "another process named w has taken this worker's place")
    #expect(bench.coordinator.isDurable(Bench.results(old)[0].fact.key))
}

@Test func threeDeathsPutAUnitOnProbationWhereItRunsAlone() {
    let subject = Digest(of: "unit a 0 0 facts 1")
    let deaths = (1...3).map { life in
        Record.suspicion(
            Suspicion(subject: subject, cause: .death, worker: "w", incarnation: life, epoch: 1, attempt: life))
    }
    var bench = Bench(job: manyUnits, epoch: 2, records: deaths)
    // a worker that gets other units at the same time does not get the suspect
    let others = bench.sync("v", cpu: 4).grants
    #expect(others.count == 3 && !others.contains { $0.unit.digest == subject })
    #expect(bench.notes.contains(.onProbation(unit: subject)))
    // an empty one gets it, and nothing else while it runs
    let alone = bench.sync("u", cpu: 4).grants
    #expect(alone.map(\.unit.digest) == [subject])
    #expect(bench.sync("u", cpu: 4, running: alone).grants.isEmpty)
    let after = bench.sync("u", cpu: 4, facts: Bench.results(alone[0]), ends: [Bench.finished(alone[0])])
    #expect(after.grants.count == 4, "afterwards it gets its fill")
}

@Test func aBusyWorkerIsEmptiedForAUnitOnProbation() {
    let subject = Digest(of: "unit a 0 0 facts 1")
    let deaths = (1...3).map { life in
        Record.suspicion(
            Suspicion(subject: subject, cause: .death, worker: "w", incarnation: life, epoch: 1, attempt: life))
    }
    var bench = Bench(job: manyUnits, epoch: 2, records: deaths)
    let grants = bench.sync("v", cpu: 2).grants
    #expect(grants.count == 1)
    #expect(bench.sync("v", cpu: 2, running: grants).grants.isEmpty, "no more work until the suspect has run")
    let after = bench.sync("v", cpu: 2, facts: Bench.results(grants[0]), ends: [Bench.finished(grants[0])])
    #expect(after.grants.map(\.unit.digest) == [subject])
}

@Test func aFourthDeathParksTheUnitWithItsReasonAndTheRestGoesOn() {
    var bench = Bench(job: oneUnit)
    let grant = kill(&bench, 4)
    #expect(bench.coordinator.parkedSubjects == [grant.unit.digest])
    #expect(
        bench.notes.contains(
            .parked(subject: grant.unit.digest, reason: "lost 4 workers by death and 0 by silence")))
    #expect(bench.live.isEmpty)
    #expect(bench.coordinator.planner.isFinished)
    // and it stays parked in the next epoch, whatever the order of the records
    var next = Bench(job: nil, epoch: 2, records: bench.durable.reversed())
    #expect(next.coordinator.parkedSubjects == [grant.unit.digest])
    #expect(next.sync("v").grants.isEmpty)
}

@Test func aWorkerThatNamesItsKillerClearsTheOthers() {
    var bench = Bench(job: manyUnits)
    let grants = bench.sync("w", cpu: 2).grants
    bench.sync("w", cpu: 2, running: grants)
    bench.turns["w"] = 0
    let orders = bench.sync("w", incarnation: 2, cpu: 2, died: [grants[0].unit.digest])
    let subjects = bench.durable.compactMap { record -> Digest? in
        if case .suspicion(let suspicion) = record { suspicion.subject } else { nil }
    }
    #expect(subjects == [grants[0].unit.digest])
    #expect(orders.flatMap(\.recordedDeaths) == [grants[0].unit.digest])
    // said again, it counts once
    bench.sync("w", incarnation: 2, cpu: 2, died: [grants[0].unit.digest])
    #expect(bench.durable.count == 2)
}

@Test func aUnitThatCannotBeRunThreeTimesIsParked() {
    var bench = Bench(job: oneUnit)
    var grant = bench.sync("w", cpu: 1).grants[0]
    for attempt in 1...3 {
        let end = LeaseEnd(lease: grant.lease, manner: .failed("no compiler"))
        let orders = bench.sync("w", cpu: 1, ends: [end])
        #expect(orders.ackedEnds == [grant.lease])
        if attempt < 3, let next = orders.grants.first { grant = next }
    }
    #expect(grant.lease.attempt == 3)
    #expect(bench.coordinator.parkedSubjects == [grant.unit.digest])
    #expect(
        bench.notes.contains(.parked(subject: grant.unit.digest, reason: "could not be run 3 times: no compiler")))
}

@Test func aCoordinatorThatStoodStillBlamesNobody() {
    var bench = Bench(job: manyUnits)
    let grants = bench.sync("w", cpu: 2).grants + bench.sync("v", cpu: 2).grants
    bench.sync("w", cpu: 2, running: Array(grants[..<2]))
    bench.now = bench.now + .seconds(60)
    bench.tell(.tick)
    #expect(bench.notes.contains(.stoodStill(seconds: 54)))
    #expect(bench.sync("w", cpu: 2, running: Array(grants[..<2])).drops.isEmpty)
    #expect(bench.sync("v", cpu: 2, running: Array(grants[2...])).drops.isEmpty)
    #expect(bench.live.count == 4 && bench.durable.count == 1)
}

@Test func onePeerThatSpeaksForTwoWorkersConfusesNobody() {
    var bench = Bench()
    bench.sync("w")
    let message = Sync(
        build: "test", worker: "v", incarnation: 9, turn: 1, capacity: Room(cpu: 1, device: 0), capabilities: [])
    bench.tell(.message(.sync(message), from: Bench.peer("w")))
    bench.tell(.peerLost(Bench.peer("w")))
    #expect(bench.coordinator.standing().workers == 2)
}
