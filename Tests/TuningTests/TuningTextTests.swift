// Job and unit texts: what is printed parses back to an equal value, and what changes nothing about the results does
// not change a job's identity.

import Basics
import Catalog
import DeviceModel
import FarmCore
import Roller
import Schedules
import Testing

@testable import Tuning

@Suite struct TuningTextTests {
    /// Of every kind.
    private func units() throws -> [WorkUnit] { try finishedFarm(World(isLevel: true)).handedOut }

    @Test func jobsParseBack() throws {
        for job in [
            Sample.job(), Sample.job(name: "a\n\"b\" é", candidates: 1), Sample.job(widths: [1, 1]),
            Sample.job(widths: [64, 8, 8, 8, 4], priority: 0.1),
            Sample.job(toolchains: [Sample.secondToolchain, Sample.toolchain]),
        ] { #expect(try TuningJob(parsing: job.text) == job) }
        var several = Sample.job()
        several.models.append(.init(name: "second", priority: 3, graph: Sample.perceptron(rows: 2, widths: [4, 4])))
        #expect(try TuningJob(parsing: several.text) == several)
    }

    @Test func unitsParseBack() throws {
        let units = try units()
        #expect(units.count > 4 && units.contains { $0.final != nil })
        for work in units {
            let unit = try TuningUnit(parsing: work.body)
            #expect(unit.text == work.body)
            #expect(unit.workUnit == work)
            #expect(work.digest == Digest(of: work.body))
        }
    }

    @Test func slotsAndCapabilitiesFollowTheKind() throws {
        for work in try units() {
            let runsCode = work.isTrial || work.final != nil
            #expect(work.slot == (runsCode ? .quietDevice : .cpu))
            #expect(work.capabilities == (runsCode ? ["cpu.avx2"] : []))
        }
    }

    @Test func damagedUnitsSayWhy() throws {
        func refusal(_ text: String) -> String? {
            do throws(TuningTextError) {
                _ = try TuningUnit(parsing: text)
                return nil
            } catch {
                return error.sentence
            }
        }
        let units = try units()
        let expand = try #require(units.first { $0.slot == .cpu }).body
        let trial = try #require(units.first { $0.isTrial }).body
        #expect(
            refusal("job" + expand.dropFirst("expand".count)) == "a record of kind 'job' where another was expected")
        #expect(refusal(expand + "root (3) 6x6\n") == "'6x6' is no root")
        #expect(refusal(expand + "leaf (1) x\n") == "a record is damaged: expected field 'root', found 'leaf'")
        #expect(
            refusal(String(expand.dropLast(3))) == "a record is damaged: field 'root' is cut off")
        guard case .trial(var unit) = try TuningUnit(parsing: trial) else { return }
        unit.entries = []
        #expect(refusal(TuningUnit.trial(unit).text) == "a trial holds 1 to 16 schedules")
        guard case .trial(let full) = try TuningUnit(parsing: trial) else { return }
        unit.entries = Array(repeating: full.entries[0], count: 17)
        #expect(refusal(TuningUnit.trial(unit).text) == "a trial holds 1 to 16 schedules")
        unit.entries.removeLast()
        #expect(refusal(TuningUnit.trial(unit).text) == nil)
    }

    @Test func damagedFinalsSayWhy() throws {
        func refusal(_ unit: FinalUnit) -> String? {
            do throws(TuningTextError) {
                _ = try TuningUnit(parsing: TuningUnit.final(unit).text)
                return nil
            } catch {
                return error.sentence
            }
        }
        let whole = try #require(try units().compactMap(\.final).first)
        #expect(refusal(whole) == nil)
        var unit = whole
        unit.finalists = Array(whole.finalists.prefix(1))
        #expect(refusal(unit) == "a final holds 2 to 8 finalists")
        unit.finalists = Array(repeating: whole.finalists[0], count: 9)
        #expect(refusal(unit) == "a final holds 2 to 8 finalists")
        unit = whole
        unit.calls = 0
        #expect(refusal(unit) == "a final with 21 rounds of 0 calls")
        unit = whole
        unit.finalists[0].screenNs = 0
        #expect(refusal(unit) == "a finalist that takes no time")
        unit = whole
        unit.finalists[1].schedule.interface.entries.removeLast()
        #expect(refusal(unit) == "a final of several interfaces")
    }

    @Test func theOrderOfRoundsFollowsFromTheUnit() throws {
        let final = try #require(try units().compactMap(\.final).first)
        let order = final.order(seed: 5)
        #expect(order == final.order(seed: 5) && order != final.order(seed: 6))
        #expect(order.count == finalRounds)
        #expect(order.allSatisfy { $0.sorted() == Array(final.finalists.indices) })
        #expect(Set(order.map(\.first)).count > 1, "who comes first changes")
    }

    @Test func identityLeavesOutWhatChangesNoResult() throws {
        let job = Sample.job()
        var other = job
        other.name = "another"
        other.models[0].priority = 7
        other.models[0].name = "renamed"
        #expect(other.identity == job.identity)
        var identities: Set<Digest> = [job.identity]
        var changed = [job, job, job, job, Sample.job(widths: [24, 48, 16]), job]
        changed[0].candidates = 5
        changed[1].toolchains[0].digest = Sample.secondToolchain
        changed[5].toolchains.append(.init(digest: Sample.secondToolchain, text: "x"))
        changed[2].device.calibration.callNs += 1
        changed[3].device.kind.l2Bytes *= 2
        for one in changed { #expect(identities.insert(one.identity).inserted) }
    }

    @Test func rootsParseBack() {
        for root in [
            Root(algorithm: .direct, microRows: 1, microColumns: 1),
            Root(algorithm: .direct, microRows: 14, microColumns: 32),
        ] { #expect(Root(parsing: root.text) == root) }
        for text in [
            "", "direct", "direct 6", "direct 6x", "direct 6x0", "direct -6x4", "winograd 6x6", "direct 6x4x2",
        ] {
            #expect(Root(parsing: text) == nil)
        }
    }

    @Test func expansionsParseBack() throws {
        let rows = try finishedFarm().rows
        for case .expansion(let row) in rows {
            let entries = try expansionEntries(row)
            #expect(entries.count == row.predictedNs.count)
            #expect(expansionText(entries) == row.schedules)
            var short = row
            short.predictedNs.removeLast()
            #expect(throws: TuningTextError.damaged("an expansion with fewer predictions than schedules")) {
                try expansionEntries(short)
            }
        }
    }
}
