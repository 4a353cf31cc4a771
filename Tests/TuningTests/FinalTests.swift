// Finals: who takes part, which final decides and how ties end; and the planner's part of it: finals come last, once,
// with every compiler that built a candidate.

import Basics
import Catalog
import DeviceModel
import FarmCore
import Pipeline
import Schedules
import TensorIR
import Testing

@testable import Tuning

@Suite struct FinalRuleTests {
    private let names = (0..<12).map { Digest(of: "candidate \($0)") }.sorted()

    private func contestants(_ screens: [Double], scratch: [Int] = []) -> [Contestant] {
        screens.enumerated().map { n, screen in
            Contestant(
                candidate: names[n], screenNs: screen, scratchBytes: scratch.indices.contains(n) ? scratch[n] : 0)
        }
    }

    /// A final of these contestants; `times` repeats in every round.
    private func final(_ who: [Int], _ times: [Double], rounds: Int = 21, key: String = "k") -> FinalResult {
        FinalResult(
            key: Digest(of: key), contestants: who.map { names[$0] }, rounds: (0..<rounds).map { _ in times })
    }

    @Test func finalistsAreTheEightLeastWithinTenPercent() {
        #expect(finalists([]).isEmpty)
        #expect(finalists(contestants([50])).map(\.screenNs) == [50])
        #expect(finalists(contestants([120, 100, 109.9, 110.1, 110])).map(\.screenNs) == [100, 109.9, 110])
        let many = finalists(contestants((0..<12).map { 100 + Double($0) * 0.5 }))
        #expect(many.map(\.screenNs) == (0..<8).map { 100 + Double($0) * 0.5 })
        let level = finalists(contestants(Array(repeating: 100, count: 12)))
        #expect(level.map(\.candidate) == Array(names.prefix(8)), "equal screens are ordered by digest")
    }

    @Test func longCallsMeetFewerRivals() {
        func count(_ ns: Double) -> Int { finalists(contestants(Array(repeating: ns, count: 12))).count }
        #expect(count(1e3) == 8 && count(1e6) == 8)
        #expect(count(2.5e6) == 5)
        #expect(count(1e9) == 3, "some comparison is always worth it")
        #expect(finalCalls(contestants([1e3])) == 100)
        #expect(finalCalls(contestants([3e4])) == 4)
        #expect(finalCalls(contestants([5e6])) == 1)
    }

    @Test func aLoneFinalistNeedsNoFinal() throws {
        let decision = try #require(decide(contestants([100, 120]), []))
        #expect(decision == Decision(candidate: names[0], screenNs: 100, isProvisional: false))
    }

    @Test func withoutAFinalTheLeastScreenWinsProvisionally() {
        #expect(decide([], []) == nil)
        #expect(
            decide(contestants([105, 100, 101]), [])
                == Decision(candidate: names[1], screenNs: 100, isProvisional: true))
        // a final between strangers, or of one finalist alone, compares nothing
        let foreign = [final([9, 10], [1, 2]), final([0, 10], [1, 2])]
        #expect(decide(contestants([105, 100, 101]), foreign)?.isProvisional == true)
    }

    @Test func theLeastValueWinsWhateverTheScreensSaid() {
        let all = contestants([100, 104, 108])
        #expect(
            decide(all, [final([0, 1, 2], [100, 90, 80])])
                == Decision(candidate: names[2], screenNs: 108, isProvisional: false))
    }

    @Test func valuesWithinOnePercentTie() {
        let all = contestants([100, 104, 108], scratch: [512, 64, 64])
        // 0 and 2 tie; the one with less scratch wins
        #expect(decide(all, [final([0, 1, 2], [100, 110, 100.9])])?.candidate == names[2])
        #expect(decide(all, [final([0, 1, 2], [100, 110, 101.5])])?.candidate == names[0])
        // all tie; of the two with least scratch the lesser digest
        #expect(decide(all, [final([0, 1, 2], [100, 100.2, 100.4])])?.candidate == names[1])
    }

    @Test func aRoundThatWasSlowForAllChangesNothing() {
        let all = contestants([100, 101, 102])
        var one = final([0, 1, 2], [100, 95, 99])
        for round in stride(from: 0, to: 21, by: 2) { one.rounds[round] = one.rounds[round].map { $0 * 3 } }
        // and a few wild samples do not either
        for round in 1...5 { one.rounds[round][1] *= 50 }
        #expect(decide(all, [one])?.candidate == names[1])
    }

    @Test func theFinalThatCoversMostDecides() {
        let all = contestants([100, 101, 102])
        let narrow = final([0, 1], [90, 100], rounds: 31, key: "narrow")
        let wide = final([0, 1, 2], [100, 90, 100], key: "wide")
        #expect(decide(all, [narrow, wide])?.candidate == names[1])
        #expect(decide(all, [wide, narrow])?.candidate == names[1])
        #expect(decide(all, [narrow])?.isProvisional == true, "one finalist was never compared")
        #expect(decide(all, [narrow])?.candidate == names[0])
        let longer = final([0, 1, 2], [100, 100, 90], rounds: 25, key: "longer")
        #expect(decide(all, [wide, longer])?.candidate == names[2], "more rounds")
        let again = final([0, 1, 2], [90, 100, 100], key: "again")
        let least = Digest(of: "again") < Digest(of: "wide") ? names[0] : names[1]
        #expect(decide(all, [wide, again])?.candidate == least, "the least key")
    }

    @Test func rowsHoldWhatWasMeasured() throws {
        let key = WinnerKey(workload: names[0], deviceClass: names[1], recipe: "r", interface: "t0 row")
        let times = [[100.5, 99], [101, 98.25]]
        var row = FinalRow(
            key: key, worker: "w", contestants: [names[2], names[3]], times: times, valid: true, attempt: "1")
        let result = try #require(FinalResult(row))
        #expect(result == FinalResult(key: row.key, contestants: [names[2], names[3]], rounds: times))
        #expect(row.values.map(\.candidate) == [names[2], names[3]])
        #expect(row.values[0].value > 1 && row.values[1].value < 1)
        for damage in ["1 2 3\n1 2", "1\n2", "", "1 -2", "a b"] {
            row.rounds = damage
            #expect(FinalResult(row) == nil && row.values.isEmpty, "\(damage)")
        }
    }
}

@Suite struct FinalPlannerTests {
    private let level = World(isLevel: true)

    @Test func closeCandidatesMeetInOneFinalAfterAllTrials() throws {
        let farm = try finishedFarm(level)
        let finals = farm.handedOut.compactMap(\.final)
        #expect(finals.count == 2, "one per key")
        let kinds = farm.handedOut.map { $0.final != nil }
        #expect(kinds == kinds.sorted { !$0 && $1 }, "finals come last")
        for final in finals {
            #expect((2...finalistsMax).contains(final.finalists.count))
            #expect(final.rounds == finalRounds && (93...100).contains(final.calls))
            #expect(final.finalists.map(\.screenNs) == final.finalists.map(\.screenNs).sorted())
        }
        for winner in winners(farm.rows) { #expect(!winner.provisional) }
        #expect(Set(winners(farm.rows).map(\.candidate)) == Set(finals.compactMap { $0.candidates.max() }))
    }

    @Test(arguments: [1, 3])
    func finalsDoNotDependOnWhoMeasures(_ workers: Int) throws {
        let expected = winners(try finishedFarm(level).rows)
        for seed in UInt64(0)..<4 {
            let farm = try finishedFarm(level, workers: workers, seed: seed)
            #expect(winners(farm.rows) == expected)
            #expect(winners(shuffled(farm.rows, seed: seed)) == expected)
        }
    }

    @Test func aLostFinalIsAskedForAgain() throws {
        let rows = try finishedFarm(level).rows
        var planner = try accepted()
        for row in shuffled(rows, seed: 2) where row.table != .finals { planner.absorb(row.fact) }
        var farm = Farm(planner, level)
        farm.run(workers: 2, seed: 1)
        #expect(farm.handedOut.count == 2 && farm.handedOut.allSatisfy { $0.final != nil })
        #expect(winners(rows) == winners(rows.filter { $0.table != .finals } + farm.rows))
    }

    @Test func aFinalThatIsNeverQuietIsGivenUp() throws {
        var world = level
        world.disturbsFinals = true
        var planner = try accepted()
        var asked: [Digest: Int] = [:]
        for life in 0..<200 where !planner.isFinished {
            for unit in planner.next(room: Room(cpu: 9, device: 9), capabilities: Sample.capabilities, now: .zero) {
                if unit.final != nil { asked[unit.digest, default: 0] += 1 }
                for row in world.rows(of: unit, worker: "life \(life)") { planner.absorb(row.fact) }
                planner.finished(unit.digest)
            }
        }
        #expect(planner.isFinished)
        #expect(asked.count == 2 && asked.values.allSatisfy { $0 == readingsPerCandidateMax })
    }

    @Test func aParkedFinalLeavesTheWinnersOfScreening() throws {
        var planner = try accepted()
        var rows: [CatalogRow] = []
        for _ in 0..<100 where !planner.isFinished {
            for unit in planner.next(room: Room(cpu: 9, device: 9), capabilities: Sample.capabilities, now: .zero) {
                if unit.final != nil {
                    planner.park(unit.digest, reason: "no worker can run it")
                    continue
                }
                for row in level.rows(of: unit) {
                    planner.absorb(row.fact)
                    rows.append(row)
                }
                planner.finished(unit.digest)
            }
        }
        #expect(planner.isFinished)
        #expect(winners(rows).count == 2 && winners(rows).allSatisfy(\.provisional))
    }

    @Test func aFinalistThatFailsIsReplaced() throws {
        let unlucky = try #require(
            try finishedFarm(level).handedOut.compactMap(\.final).first?.candidates.first)
        var planner = try accepted()
        var finals: [[Digest]] = []
        for _ in 0..<100 where !planner.isFinished {
            for unit in planner.next(room: Room(cpu: 9, device: 9), capabilities: Sample.capabilities, now: .zero) {
                var rows = level.rows(of: unit)
                if let final = unit.final {
                    finals.append(final.candidates)
                    if final.candidates.contains(unlucky) {
                        rows = [
                            .failure(
                                FailureRow(
                                    candidate: unlucky, deviceClass: Sample.device.kind.digest, kind: "compile",
                                    reason: "alone it does not compile", attempt: "1"))
                        ]
                    }
                }
                for row in rows { planner.absorb(row.fact) }
                planner.finished(unit.digest)
            }
        }
        #expect(planner.isFinished)
        #expect(finals.count { $0.contains(unlucky) } == 1)
        #expect(finals.count == 3)
    }

    @Test func everyOtherCompilerTriesTheBestFew() throws {
        let job = Sample.job(candidates: 6, toolchains: [Sample.toolchain, Sample.secondToolchain])
        let world = World()
        let farm = try finishedFarm(world, workers: 2, seed: 9, job: job)
        // what is searched: a workload under an interface
        var first: [String: [(ns: Double, schedule: Digest)]] = [:]
        var second: [String: Set<Digest>] = [:]
        for case .trial(let trial)? in farm.handedOut.map(\.parsed) {
            for entry in trial.entries {
                let key = trial.workload.digest.hex + entry.schedule.interface.text
                if trial.toolchain == Sample.toolchain {
                    let row = world.candidateRow(trial, entry)
                    first[key, default: []].append(
                        (world.ns(row.digest, predictedNs: row.predictedNs), entry.schedule.digest))
                } else {
                    #expect(trial.toolchain == Sample.secondToolchain)
                    second[key, default: []].insert(entry.schedule.digest)
                }
            }
        }
        #expect(Set(first.keys) == Set(second.keys))
        #expect(first.values.count { $0.count > secondToolchainCandidates } >= 2)
        for (key, tried) in first {
            let best = tried.sorted { ($0.ns, $0.schedule) < ($1.ns, $1.schedule) }.prefix(secondToolchainCandidates)
            #expect(second[key] == Set(best.map(\.schedule)))
        }
    }

    @Test func theTableNamesTheWinnersCompiler() throws {
        let toolchains = [Sample.toolchain, Sample.secondToolchain]
        let farm = try finishedFarm(level, job: Sample.job(toolchains: toolchains))
        let table = measurementTable(
            farm.rows, toolchains: toolchains, calibration: Sample.device.calibration.digest, recipe: Sample.recipe)
        let winners = winners(farm.rows)
        #expect(winners.count == 2)
        for winner in winners {
            guard
                case .candidate(let row)? = farm.rows.first(where: { row in
                    if case .candidate(let row) = row { return row.digest == winner.candidate }
                    return false
                }),
                let unit = farm.handedOut.compactMap(\.final).first(where: { $0.workload.digest == winner.workload })
            else {
                Issue.record("a winner without its rows")
                continue
            }
            let decision = table.decision(workload: winner.workload, interface: unit.interface)
            #expect(decision?.toolchain == row.toolchain && decision?.isComplete == true)
            var costs = CostTable(device: Sample.device, table: table, limits: PlanLimits())
            let choice = costs.choice(unit.workload, winner.workload, unit.interface)
            #expect(choice?.toolchain == row.toolchain && choice?.schedule.digest == decision?.schedule)
            #expect(choice?.ns == winner.screenNs)
        }
    }
}
