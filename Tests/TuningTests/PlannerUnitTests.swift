// Units on their way: returned, parked, adopted, cancelled. And what the planner refuses: texts that are no job, facts
// that belong to nothing.

import Basics
import Catalog
import FarmCore
import Pipeline
import TensorIR
import Testing

@testable import Tuning

@Suite struct PlannerUnitTests {
    private func next(_ planner: inout TuningPlanner, _ room: Room = Room(cpu: 9, device: 9)) -> [WorkUnit] {
        planner.next(room: room, capabilities: Sample.capabilities, now: .zero)
    }

    private func adopt(_ planner: inout TuningPlanner, _ unit: WorkUnit) -> Bool { planner.adopt(unit) }

    /// A planner that knows every expansion, so that it asks for trials.
    private func expanded() throws -> TuningPlanner {
        var planner = try accepted()
        for unit in next(&planner) {
            for row in World().rows(of: unit) { planner.absorb(row.fact) }
            planner.finished(unit.digest)
        }
        return planner
    }

    @Test func aReturnedUnitComesAgain() throws {
        var planner = try accepted()
        let units = next(&planner).map(\.digest)
        #expect(units.count == 2)
        #expect(next(&planner).isEmpty)
        #expect(!planner.isFinished)
        planner.returned(units[0])
        planner.returned(units[0])
        planner.returned(Digest(of: "nothing"))
        #expect(next(&planner).map(\.digest) == [units[0]])
    }

    @Test func aUnitThatFinishedWithoutItsFactsComesAgain() throws {
        var planner = try accepted()
        let unit = try #require(next(&planner, Room(cpu: 1, device: 0)).first)
        planner.finished(unit.digest)
        #expect(next(&planner, Room(cpu: 9, device: 0)).contains { $0.digest == unit.digest })
    }

    @Test func aParkedExpansionIsGivenUpForGood() throws {
        var planner = try accepted()
        let units = next(&planner)
        for unit in units { planner.park(unit.digest, reason: "its worker\ndies") }
        #expect(next(&planner).isEmpty)
        #expect(planner.isFinished)
        #expect(planner.standing().lines == units.map { "parked \($0.digest.short): its worker\\ndies" })
        #expect(planner.standing().parked == units.count)
    }

    @Test func aParkedTrialRulesItsCandidatesOut() throws {
        var planner = try expanded()
        let unit = try #require(next(&planner).first)
        planner.park(unit.digest, reason: "kills workers")
        let others = next(&planner)
        #expect(Set(others.flatMap(\.candidates)).isDisjoint(with: unit.candidates))

        // in another epoch it was not out when it was parked
        var again = try expanded()
        again.park(unit.digest, reason: "kills workers")
        var farm = Farm(again)
        farm.run(workers: 2, seed: 1)
        #expect(farm.planner.isFinished)
        #expect(Set(farm.handedOut.flatMap(\.candidates)).isDisjoint(with: unit.candidates))
        #expect(!farm.handedOut.contains { $0.digest == unit.digest })
    }

    @Test func unitsParkedInAnEarlierEpochNeverComeBack() throws {
        var before = try accepted()
        let units = next(&before)
        var planner = Sample.planner()
        planner.park(units[0].digest, reason: "x")
        _ = try planner.accept(JobText(Sample.job().text)).get()
        var farm = Farm(planner)
        farm.run(workers: 2, seed: 4)
        #expect(farm.planner.isFinished)
        #expect(!farm.handedOut.contains { $0.digest == units[0].digest })
        #expect(farm.handedOut.contains { $0.digest == units[1].digest })
    }

    @Test func aParkedCandidateIsLeftOutOfItsTrial() throws {
        var planner = try expanded()
        let unit = try #require(next(&planner).first { $0.candidates.count > 1 })
        planner.returned(unit.digest)
        planner.park(unit.candidates[0], reason: "kills workers")
        let asked = next(&planner).flatMap(\.candidates)
        #expect(asked.contains(unit.candidates[1]))
        #expect(!asked.contains(unit.candidates[0]))
    }

    @Test func aNewEpochAdoptsWhatStillRuns() throws {
        var before = try accepted()
        let units = next(&before)
        var planner = try accepted()
        #expect(adopt(&planner, units[0]))
        #expect(!adopt(&planner, units[0]), "it is out already")
        #expect(next(&planner).map(\.digest) == [units[1].digest])
        planner.returned(units[0].digest)
        #expect(next(&planner).map(\.digest) == [units[0].digest])

        var other = try accepted(Sample.job(widths: [8, 72, 24]))
        #expect(!adopt(&other, units[0]), "no job wants it")
        var damaged = units[1]
        damaged.body += "x"
        var third = try accepted()
        #expect(!adopt(&third, damaged))
        third.park(units[0].digest, reason: "x")
        #expect(!adopt(&third, units[0]), "it is parked")
    }

    @Test func aCancelledJobWantsNothing() throws {
        var planner = Sample.planner()
        let text = JobText(Sample.job().text)
        let id = try planner.accept(text).get()
        let units = next(&planner).map(\.digest)
        #expect(!planner.isFinished)
        let dropped = [planner.cancel(id), planner.cancel(id)]
        #expect(dropped == [units.sorted(), []])
        #expect(planner.isFinished)
        #expect(next(&planner).isEmpty)
        planner.finished(units[0])  // its worker heard of it too late
        #expect(try planner.accept(text).get() == id)
        #expect(!planner.isFinished)
        #expect(next(&planner).map(\.digest) == units)
    }

    @Test func cancellingSparesWhatAnotherJobWants() throws {
        var planner = Sample.planner()
        let first = try planner.accept(JobText(Sample.job(candidates: 3).text)).get()
        let second = try planner.accept(JobText(Sample.job(candidates: 2).text)).get()
        #expect(first != second)
        let units = next(&planner)
        #expect(planner.cancel(first) == [])
        #expect(next(&planner).isEmpty, "the units are out still")
        #expect(planner.cancel(second) == units.map(\.digest).sorted())
        #expect(planner.isFinished)
    }

    @Test func theSameJobAgainChangesNothing() throws {
        var planner = try accepted()
        let units = next(&planner)
        _ = try planner.accept(JobText(Sample.job(name: "other name", priority: 9).text)).get()
        #expect(next(&planner).isEmpty)
        #expect(planner.standing().totalUnits == units.count)
    }

    @Test func whatIsNoJobIsRefused() {
        var planner = Sample.planner()
        func refusal(_ text: String) -> String? {
            if case .failure(let rejection) = planner.accept(JobText(text)) { return rejection.sentence }
            return nil
        }
        #expect(refusal("") == "the job was not accepted: a record is damaged: it has no kind")
        #expect(refusal("trial\n") == "the job was not accepted: a record of kind 'trial' where another was expected")
        #expect(
            refusal("job\n")
                == "the job was not accepted: a record is damaged: expected field 'name', found 'the end'")
        for count in [0, -1] {
            var job = Sample.job()
            job.candidates = count
            #expect(refusal(job.text) == "the job was not accepted: a job without candidates")
        }
        #expect(planner.isFinished)
    }

    @Test func factsThatBelongToNothingAreNotAdmitted() throws {
        var planner = try accepted()
        let unit = try #require(next(&planner).first)
        let rows = World().rows(of: unit)
        for row in rows { #expect(planner.admits(row.fact, of: unit.digest)) }
        let stranger = Sample.planner()
        // an earlier epoch may have asked for workloads that no present cover holds
        for row in rows { #expect(stranger.admits(row.fact, of: unit.digest)) }
        #expect(!planner.admits(Fact(key: Digest(of: "x"), body: rows[0].canonicalText), of: unit.digest))
        #expect(!planner.admits(Fact(key: rows[0].key, body: "nothing"), of: unit.digest))
        let job = CatalogRow.job(JobRow(digest: Digest(of: "j"), name: "j", text: ""))
        #expect(!planner.admits(job.fact, of: unit.digest), "workers say nothing about jobs")
    }

    @Test func hintsNameTheIncumbentsOfWhatIsOut() throws {
        var planner = try expanded()
        let unit = try #require(next(&planner).first)
        #expect(planner.hints() == "")
        for row in World().rows(of: unit) { planner.absorb(row.fact) }
        guard case .trial(let trial) = try TuningUnit(parsing: unit.body) else {
            Issue.record("the planner asks for trials now")
            return
        }
        let least = trial.entries.map { entry in
            World().ns(World().candidateRow(trial, entry).digest, predictedNs: entry.predictedNs)
        }.min()
        let key = SearchKey(workload: trial.workload.digest, interface: trial.interface).digest
        #expect(incumbentNs(in: planner.hints(), of: key) == least)
        #expect(incumbentNs(in: planner.hints(), of: Digest(of: "another")) == nil)
        planner.finished(unit.digest)
        #expect(incumbentNs(in: planner.hints(), of: key) == nil)
    }
}
