// The planner against a made-up farm: it ends, asks for nothing twice, comes to the same winners whoever measures in
// whatever order, and resumes from facts alone.

import Basics
import Catalog
import FarmCore
import Schedules
import TensorIR
import Testing

@testable import Tuning

@Suite struct PlannerTests {
    @Test func aJobEndsAndEveryUnitComesOnce() throws {
        let farm = try finishedFarm()
        #expect(farm.planner.isFinished)
        #expect(Set(farm.handedOut.map(\.digest)).count == farm.handedOut.count)
        let trials = farm.handedOut.flatMap(\.candidates)
        #expect(Set(trials).count == trials.count, "no candidate is asked for twice")
        #expect(trials.count > 3)
        #expect(farm.handedOut.contains { !$0.isTrial })
        #expect(!winners(farm.rows).isEmpty)
        let standing = farm.planner.standing()
        #expect(standing.doneUnits == farm.handedOut.count && standing.totalUnits == standing.doneUnits)
    }

    @Test(arguments: [1, 2, 7])
    func whoMeasuresAndInWhichOrderDoesNotMatter(_ workers: Int) throws {
        let expected = winners(try finishedFarm().rows)
        for seed in 0..<20 {
            let farm = try finishedFarm(workers: workers, seed: UInt64(seed) + 100)
            #expect(winners(farm.rows) == expected, "seed \(seed)")
            #expect(winners(shuffled(farm.rows + farm.rows, seed: UInt64(seed))) == expected)
        }
    }

    @Test func whatIsCommittedIsNotAskedForAgain() throws {
        let all = try finishedFarm().rows
        for seed in 0..<20 {
            var planner = Sample.planner()
            // facts before the job as well as after it, in any order, some twice
            let rows = shuffled(all + all.prefix(5), seed: UInt64(seed))
            for row in rows.prefix(seed * 2) { planner.absorb(row.fact) }
            _ = try planner.accept(JobText(Sample.job().text)).get()
            for row in rows.dropFirst(seed * 2) { planner.absorb(row.fact) }
            #expect(planner.next(room: Room(cpu: 9, device: 9), capabilities: Sample.capabilities, now: .zero).isEmpty)
            #expect(planner.isFinished)
        }
    }

    @Test func aLifeCutShortAnywhereIsGoneOnWith() throws {
        let whole = try finishedFarm()
        let expected = winners(whole.rows)
        for stop in stride(from: 0, to: whole.rows.count, by: 4) {
            var first = Farm(try accepted())
            first.keepsOrder = true
            first.run(workers: 2, seed: UInt64(stop), stop: stop)
            let measured = Set(first.rows.compactMap(\.measured))
            var planner = try accepted()
            for row in shuffled(first.rows, seed: UInt64(stop)) { planner.absorb(row.fact) }
            var second = Farm(planner)
            second.run(workers: 3, seed: UInt64(stop) + 7)
            #expect(
                measured.isDisjoint(with: second.rows.compactMap(\.measured)), "what has a reading is not run again")
            #expect(winners(first.rows + second.rows) == expected)
        }
    }

    @Test func aDeletedReadingIsTheOnlyThingAskedFor() throws {
        let rows = try finishedFarm().rows
        let measured = rows.compactMap(\.measured)
        #expect(measured.count > 3)
        for candidate in measured {
            var planner = try accepted()
            for row in rows where row.measured != candidate { planner.absorb(row.fact) }
            var farm = Farm(planner)
            farm.run(workers: 2, seed: 3)
            #expect(farm.handedOut.map(\.candidates) == [[candidate]])
        }
    }

    @Test func aDeletedExpansionIsTheOnlyRootAskedFor() throws {
        let rows = try finishedFarm().rows
        for case .expansion(let gone) in rows {
            var planner = try accepted()
            for row in rows where row.key != gone.key { planner.absorb(row.fact) }
            var farm = Farm(planner)
            farm.run(workers: 1, seed: 3)
            #expect(farm.handedOut.count == 1)
            guard case .expand(let unit)? = farm.handedOut.first?.parsed else {
                Issue.record("an expansion was deleted and something else is asked for")
                continue
            }
            #expect(unit.workload.digest == gone.workload && unit.roots.map(\.text) == [gone.root])
            #expect(unit.interface.text == gone.interface)
        }
    }

    @Test(arguments: [World.Answer.failed, .wrong])
    func aFailedCandidateIsNeverAskedForAgain(_ answer: World.Answer) throws {
        let candidates = try finishedFarm().handedOut.first { $0.candidates.count > 2 }?.candidates ?? []
        var world = World()
        for candidate in candidates.dropFirst() { world.answers[candidate] = answer }
        let farm = try finishedFarm(world, workers: 2, seed: 5)
        #expect(candidates.count > 2)
        let asked = farm.handedOut.flatMap(\.candidates)
        for candidate in candidates { #expect(asked.count { $0 == candidate } == 1) }
        for winner in winners(farm.rows) { #expect(!candidates.dropFirst().contains(winner.candidate)) }
    }

    @Test func aCandidateThatNeverGetsAQuietReadingIsGivenUp() throws {
        let unlucky = try #require(try finishedFarm().handedOut.first { $0.candidates.count > 2 }?.candidates.first)
        var planner = try accepted()
        var asked = 0
        var attempt = 0
        let world = World(answers: [unlucky: .beside])
        while !planner.isFinished, attempt < 1000 {
            attempt += 1
            for unit in planner.next(room: Room(cpu: 1, device: 1), capabilities: Sample.capabilities, now: .zero) {
                asked += unit.candidates.contains(unlucky) ? 1 : 0
                for row in world.rows(of: unit, worker: "life \(attempt)") { planner.absorb(row.fact) }
                planner.finished(unit.digest)
            }
        }
        #expect(planner.isFinished)
        #expect(asked == readingsPerCandidateMax)
    }

    @Test func workersGetOnlyWhatTheyCanRun() throws {
        var planner = try accepted()
        let units = planner.next(room: Room(cpu: 2, device: 2), capabilities: [], now: .zero)
        #expect(units.count == 2 && units.allSatisfy { $0.slot == .cpu })
        for unit in units {
            for row in World().rows(of: unit) { planner.absorb(row.fact) }
            planner.finished(unit.digest)
        }
        #expect(planner.next(room: Room(cpu: 2, device: 2), capabilities: [], now: .zero).isEmpty)
        #expect(planner.next(room: .none, capabilities: Sample.capabilities, now: .zero).isEmpty)
        let trials = planner.next(room: Room(cpu: 2, device: 2), capabilities: Sample.capabilities, now: .zero)
        #expect(!trials.isEmpty && trials.allSatisfy(\.isTrial))
    }

    @Test func evidenceOfAnotherKindDoesNotCount() throws {
        let whole = try finishedFarm()
        let trials = whole.rows.compactMap(\.measured).count
        /// What a planner asks for that knows the expansions, and these rows instead of the own evidence.
        func asked(_ change: (CatalogRow) -> CatalogRow?) throws -> Int {
            var planner = try accepted()
            for row in shuffled(whole.rows, seed: 1) { if let row = change(row) { planner.absorb(row.fact) } }
            var farm = Farm(planner)
            farm.run(workers: 1, seed: 1)
            return farm.rows.compactMap(\.measured).count
        }
        #expect(try asked { $0 } == 0)
        #expect(
            try asked { row in
                guard case .candidate(var candidate) = row else { return row }
                candidate.toolchain = Digest(of: "another compiler")
                return .candidate(candidate)
            } == trials, "another toolchain")
        #expect(
            try asked { row in
                guard case .candidate(var candidate) = row else { return row }
                candidate.sourceDigest = Digest(of: "yesterday's emitter")
                return .candidate(candidate)
            } == trials, "another source")
        #expect(
            try asked { row in
                guard case .reading(var reading) = row else { return row }
                reading.recipe = recipeText
                return .reading(reading)
            } == trials, "another recipe")
        #expect(
            try asked { row in
                guard case .reading(var reading) = row else { return row }
                reading.deviceClass = Digest(of: "another device")
                return .reading(reading)
            } == trials, "another device class")
    }
}
