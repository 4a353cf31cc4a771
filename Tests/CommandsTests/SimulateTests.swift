// Simulated farms with the production planner: every disturbed farm ends with the winners of an undisturbed one, and a
// farm that does not is complained about.

import Basics
import Catalog
@testable import Commands
import FarmCore
import FarmSimulation
import TensorIR
import Testing
import Trials
import Tuning

@Test func seedsAreARangeOrOne() throws {
    #expect(try seedRange("3..7") == 3...7)
    #expect(try seedRange("5") == 5...5)
    for text in ["", "7..3", "1...3", "a..b", "1..", "-1..2", "1..2..3"] {
        #expect(
            throws: CommandError.badOption(
                option: "seeds", value: text, expected: "A..B with A at most B, such as 1..100")
        ) { try seedRange(text) }
    }
}

@Test func theBuiltInGraphsAreSound() throws {
    for model in SimulatedJob.models { try model.graph.verify() }
    #expect(try TuningJob(parsing: InspectionSamples.job.text) == InspectionSamples.job)
}

@Test func disturbedFarmsEndWithTheWinnersOfAnUndisturbedOne() throws {
    let swarm = Swarm(job: InspectionSamples.job, workers: 3)
    let expected = try swarm.undisturbed()
    #expect(expected.complaints(expected: expected) == [])
    #expect(expected.winners.count > 4)
    var summary = SwarmSummary(expected: expected)
    var crashes = 0
    for seed in UInt64(1)...3 {
        let run = try swarm.run(seed: seed, SwarmOptions(seed: seed))
        #expect(run.complaints(expected: expected) == [], "\(run.line)")
        crashes += run.report.workerCrashes + run.report.coordinatorCrashes + run.report.dropped
        summary.add(run)
    }
    #expect(crashes > 0)
    #expect(summary.isClean)
    #expect(summary.text.hasSuffix("all end with winners \(expected.winnerSet.short) (\(expected.winners.count))"))
}

@Test func aFarmWithOtherWinnersIsComplainedAbout() throws {
    let swarm = Swarm(job: InspectionSamples.job, workers: 1)
    let expected = try swarm.undisturbed()
    var other = expected
    other.winners.removeLast()
    other.report.outcome = nil
    #expect(
        other.complaints(expected: expected) == [
            "the farm did not finish",
            "ends with winners \(other.winnerSet.short) (\(other.winners.count)) instead of "
                + "\(expected.winnerSet.short) (\(expected.winners.count))",
        ])
    var summary = SwarmSummary(expected: expected)
    summary.add(other)
    #expect(!summary.isClean)
    #expect(summary.json.text.contains("\"outcome\":\"broken\""))
}

@Test func aUnitFindsOutTheSameFactsEveryTime() throws {
    var planner = TuningPlanner(measuredWith: "synthetic:7")
    guard case .success = planner.accept(JobText(InspectionSamples.job.text)) else {
        Issue.record("the job is accepted")
        return
    }
    let unit = try #require(
        planner.next(room: Room(cpu: 1, device: 0), capabilities: ["cpu.avx2"], now: .zero).first)
    let facts = syntheticFacts(of: unit, seed: 7)
    #expect(!facts.isEmpty)
    #expect(syntheticFacts(of: unit, seed: 7) == facts)
    #expect(facts.allSatisfy { CatalogRow(parsing: $0.body)?.key == $0.key })
    let nothing = WorkUnit(digest: Digest(of: "x"), slot: .cpu, capabilities: [], cost: .seconds(1), body: "x")
    #expect(syntheticFacts(of: nothing, seed: 7) == [])
}
