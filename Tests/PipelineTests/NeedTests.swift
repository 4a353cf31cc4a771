// What is open about a key, stage by stage, and what the table answers: outcomes per compiler, decisions per key, and
// interfaces of one workload that know nothing of each other.

import Basics
import DeviceModel
import Roller
import Schedules
import TensorIR
import Testing

@testable import Pipeline

@Suite struct NeedTests {
    private let device = sketchDevice(.avx2, l2: 256 << 10)
    private let clang = Digest(of: "clang")
    private let gcc = Digest(of: "gcc")
    private let workload = Workload(
        parameters: [
            .init(type: TensorType(.f32, [48, 96]), isConstant: false),
            .init(type: TensorType(.f32, [96, 64]), isConstant: true),
        ],
        definitions: [
            Definition(
                type: TensorType(.f32, [48, 64]),
                body: .reduce(
                    .sum, extents: [96], condition: nil,
                    .read(slot: 0, [.axis(0), .axis(2)]) * .read(slot: 1, [.axis(2), .axis(1)])))
        ], results: [2])
    private var interface: Interface { .rowMajor(workload) }
    private let limits = PlanLimits(candidatesPerWorkload: 6)

    private func need(_ table: MeasurementTable) -> Need? {
        Pipeline.need(workload, workload.digest, interface, table, device, limits)
    }

    /// A table that knows every root.
    private func expanded(_ toolchains: [Digest]) -> (table: MeasurementTable, entries: [Ranked<Schedule>.Entry]) {
        var table = MeasurementTable(toolchains: toolchains)
        for root in roots(workload, interface, device) {
            let made = construct(workload, interface, device, limits.construct, roots: [root])
            table.record(workload: workload.digest, interface: interface, root: root, made.entries)
        }
        let all = table.expansion(
            workload: workload.digest, interface: interface, roots: roots(workload, interface, device))
        return (table, Array((all ?? []).prefix(limits.candidatesPerWorkload)))
    }

    private func record(
        _ table: inout MeasurementTable, _ entry: Ranked<Schedule>.Entry, _ toolchain: Digest, _ ns: Double?
    ) {
        table.record(
            workload: workload.digest, schedule: entry.value.digest, toolchain: toolchain,
            ns.map { .ns($0) } ?? .failed)
    }

    @Test func constructionComesFirst() {
        #expect(need(MeasurementTable(toolchains: [clang])) == .expand(roots(workload, interface, device)))
        // what is known of another interface does not count
        let other = Interface(entries: [])
        var table = MeasurementTable(toolchains: [clang])
        for root in roots(workload, interface, device) {
            table.record(workload: workload.digest, interface: other, root: root, [])
        }
        #expect(need(table) == .expand(roots(workload, interface, device)))
        #expect(
            table.isExpanded(workload: workload.digest, interface: other, root: roots(workload, interface, device)[0]))
    }

    @Test func theFirstCompilerTriesAllAndTheOthersTheBest() {
        var (table, entries) = expanded([clang, gcc])
        #expect(entries.count == 6)
        #expect(need(table) == .trial(entries, toolchain: clang))
        // the worse the prediction, the better the time; the best two fail
        for (n, entry) in entries.enumerated() { record(&table, entry, clang, n >= 4 ? nil : 1000 - Double(n)) }
        let best = [entries[3], entries[2]]
        #expect(need(table) == .trial(best, toolchain: gcc))
        record(&table, best[1], gcc, 500)
        #expect(need(table) == .trial([best[0]], toolchain: gcc))
        record(&table, best[0], gcc, nil)
        #expect(need(table) == nil)
        let decision = MeasurementTable.Decision(
            schedule: best[1].value.digest, toolchain: gcc, isComplete: false)
        table.record(workload: workload.digest, interface: interface, decision)
        #expect(need(table) == .final)
        table.record(
            workload: workload.digest, interface: interface,
            .init(schedule: best[0].value.digest, toolchain: clang, isComplete: true))
        #expect(need(table) == nil)
        #expect(table.decision(workload: workload.digest, interface: Interface(entries: [])) == nil)
    }

    @Test func withoutACompilerTheFirstOfTheJobIsMeant() {
        let (table, entries) = expanded([])
        #expect(need(table) == .trial(entries, toolchain: nil))
    }

    @Test func theChoiceNamesTheCompilerOfTheFastestObject() throws {
        var (table, entries) = expanded([clang, gcc])
        func choice() -> Choice? {
            var costs = CostTable(device: device, table: table, limits: limits)
            return costs.choice(workload, workload.digest, interface)
        }
        #expect(choice()?.isMeasured == false && choice()?.toolchain == nil)
        #expect(choice()?.schedule == entries[0].value)
        record(&table, entries[2], clang, 900)
        #expect(choice() == Choice(schedule: entries[2].value, ns: 900, isMeasured: true, toolchain: clang))
        record(&table, entries[2], gcc, 850)
        #expect(choice() == Choice(schedule: entries[2].value, ns: 850, isMeasured: true, toolchain: gcc))
        // what clang cannot compile, gcc may
        record(&table, entries[1], clang, nil)
        record(&table, entries[1], gcc, 800)
        #expect(choice() == Choice(schedule: entries[1].value, ns: 800, isMeasured: true, toolchain: gcc))
        // the rule of winners has the last word, as long as its candidate still stands
        table.record(
            workload: workload.digest, interface: interface,
            .init(schedule: entries[2].value.digest, toolchain: clang, isComplete: true))
        #expect(choice() == Choice(schedule: entries[2].value, ns: 900, isMeasured: true, toolchain: clang))
        record(&table, entries[2], clang, nil)
        #expect(choice() == Choice(schedule: entries[1].value, ns: 800, isMeasured: true, toolchain: gcc))
    }

    @Test func everyFailureLeavesNoChoice() {
        var (table, entries) = expanded([clang, gcc])
        for entry in entries { record(&table, entry, clang, nil) }
        var costs = CostTable(device: device, table: table, limits: limits)
        #expect(costs.choice(workload, workload.digest, interface) == nil)
    }
}
