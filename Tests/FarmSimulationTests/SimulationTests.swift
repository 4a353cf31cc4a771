// The real coordinator and worker in a simulated world: whatever goes wrong, the farm ends with the same facts.

import Basics
import FarmCore
@testable import FarmSimulation
import Testing

private let jobs = [
    JobText("grid alpha units 30 waves 3 facts 3 slot cpu cost 1500000"),
    JobText("grid beta units 12 waves 2 facts 4 slot device cost 2000000"),
]

private func swarm(_ seed: UInt64, _ options: SwarmOptions, poison: Set<Digest> = []) -> SimulationReport {
    simulate(
        seed: seed, workers: 3, jobs: jobs, options: options, poison: poison, planner: { MadeUpWork() },
        execute: MadeUpWork.facts)
}

@Test func aCalmFarmRunsEveryUnitOnceAndNeverExceedsCredit() {
    let report = swarm(1, .calm)
    #expect(report.violations == [])
    #expect(report.outcome == .finished)
    #expect(report.facts == 30 * 3 * 3 + 12 * 2 * 4)
    #expect(report.executions == 30 * 3 + 12 * 2)
    #expect(report.executionsMax == 1)
    #expect(report.refusedGrants == 0)
}

@Test func twentyDisturbedFarmsEndWithTheFactsOfAnUndisturbedOne() {
    let calm = swarm(0, .calm)
    for seed in UInt64(1)...20 {
        let report = swarm(seed, SwarmOptions(seed: seed))
        #expect(report.violations == [], "\(report.line)")
        #expect(report.outcome == .finished, "\(report.line)")
        #expect(report.factSet == calm.factSet, "\(report.line)")
        #expect(report.parked == [], "\(report.line)")
    }
}

@Test func aSeedReproducesARunExactly() {
    #expect(swarm(4, SwarmOptions(seed: 4)) == swarm(4, SwarmOptions(seed: 4)))
    #expect(swarm(4, SwarmOptions(seed: 4)).line != swarm(5, SwarmOptions(seed: 5)).line)
}

@Test func aUnitThatKillsEveryWorkerIsParkedAndNoOther() {
    let bodies = ["unit alpha 0 7 facts 3", "unit beta 1 2 facts 4"]
    let poison = Set(bodies.map { Digest(of: $0) })
    for seed in UInt64(1)...4 {
        let report = swarm(seed, .calm, poison: poison)
        #expect(report.violations == [], "\(report.line)")
        #expect(report.parked == poison.sorted(), "\(report.line)")
        #expect(report.workerCrashes == 8, "\(report.line)")
        #expect(report.facts == 30 * 3 * 3 + 12 * 2 * 4 - 3 - 4, "\(report.line)")
    }
}

@Test func halfOfAllMessagesMayBeLost() {
    var options = SwarmOptions.calm
    options.droppedPerMille = 500
    options.duplicatedPerMille = 300
    options.latePerMille = 300
    options.delayMax = .seconds(5)
    options.faultsUntil = .seconds(600)
    let report = swarm(3, options)
    #expect(report.violations == [], "\(report.line)")
    #expect(report.factSet == swarm(0, .calm).factSet, "\(report.line)")
}

@Test func aCoordinatorThatDiesAgainAndAgainLosesNothing() {
    var options = SwarmOptions.calm
    options.coordinatorCrashes = 25
    options.spanMax = .milliseconds(500)
    let report = swarm(9, options)
    #expect(report.violations == [], "\(report.line)")
    #expect(report.coordinatorCrashes > 10)
    #expect(report.factSet == swarm(0, .calm).factSet, "\(report.line)")
    #expect(report.executionsMax <= 2, "adopted, not run again: \(report.line)")
}

@Test func anAgendaIsInOrderOfTimeAndThenOfScheduling() {
    var random = SeededRandom(seed: 1)
    var agenda = Agenda<Int>()
    var expected: [(at: Int64, number: Int)] = []
    for number in 0..<500 {
        let at = Int64(random.below(50))
        agenda.add(number, at: Tick(nanoseconds: at))
        expected.append((at, number))
    }
    expected.sort { ($0.at, $0.number) < ($1.at, $1.number) }
    var found: [Int] = []
    while let next = agenda.next() { found.append(next.event) }
    #expect(found == expected.map(\.number))
}
