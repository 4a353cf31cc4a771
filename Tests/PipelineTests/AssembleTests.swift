// `plan` and `assemble` on made-up measurements alone: no farm, no file, no compiler. The program computes what the
// graph computes, the table decides between schedules, and planning ends when everything has an outcome.

import Basics
import DeviceModel
import ProgramIR
import Roller
import Schedules
import TensorIR
import Testing

@testable import Pipeline

private let devices = [
    sketchDevice(.avx512, l2: 1 << 20), sketchDevice(.avx2, l2: 16 << 10), sketchDevice(.plain, l2: 2 << 10),
]

private let compiler = Digest(of: "a compiler")

/// Answers everything that `plan` asks until nothing is left; `time` is a screening time or nil for a failure.
private func answered(
    _ model: Model, _ device: Device, _ limits: PlanLimits = PlanLimits(),
    _ time: (Digest, Ranked<Schedule>.Entry) -> Double?
) throws -> (table: MeasurementTable, rounds: Int) {
    var table = MeasurementTable(toolchains: [compiler])
    for round in 0..<50 {
        let wanted = try plan(model.graph, device, table, limits)
        if wanted.isEmpty { return (table, round) }
        for question in wanted {
            switch question.need {
            case .expand(let roots):
                for root in roots {
                    let made = construct(
                        question.workload, question.interface, device, limits.construct, roots: [root])
                    table.record(
                        workload: question.digest, interface: question.interface, root: root, made.entries)
                }
            case .trial(let entries, let toolchain):
                #expect(toolchain == compiler)
                for entry in entries {
                    let ns = time(question.digest, entry)
                    table.record(
                        workload: question.digest, schedule: entry.value.digest, toolchain: compiler,
                        ns.map { .ns($0) } ?? .failed)
                }
            case .final: Issue.record("nobody decided anything yet")
            }
        }
    }
    Issue.record("planning does not end")
    return (table, 50)
}

@Suite struct AssembleTests {
    @Test func programsComputeTheirGraphs() throws {
        for device in devices {
            for model in try Model.all() {
                let assembly = try assemble(model.graph, model.constants, device, MeasurementTable(), PlanLimits())
                let found = try model.run(assembly)
                let expected = try model.expected()
                #expect(distance(found, expected) < 1e-5, "\(assembly.program)")
                #expect(assembly.program.checkArena() == .conflicts([]))
            }
        }
    }

    @Test func aTableCanPreferAnyCandidate() throws {
        let device = devices[1]
        for model in try Model.all() {
            let first = try assemble(model.graph, model.constants, device, MeasurementTable(), PlanLimits())
            for kernel in first.kernels {
                let entries = construct(
                    kernel.workload, kernel.winner.interface, device, PlanLimits().construct
                ).entries
                for entry in entries.prefix(PlanLimits().candidatesPerWorkload) {
                    var table = MeasurementTable(toolchains: [compiler])
                    table.record(
                        workload: kernel.workDigest, schedule: entry.value.digest, toolchain: compiler, .ns(1e-3))
                    let chosen = try assemble(model.graph, model.constants, device, table, PlanLimits())
                    let now = chosen.kernels.first { $0.workDigest == kernel.workDigest }
                    #expect(now?.schedule == entry.value)
                    if entry != entries.first { #expect(distance(try model.run(chosen), try model.expected()) < 1e-5) }
                }
            }
        }
    }

    @Test func failedCandidatesAreNeverChosen() throws {
        let device = devices[0]
        let model = try Model.attention()
        let first = try assemble(model.graph, model.constants, device, MeasurementTable(), PlanLimits())
        var table = MeasurementTable(toolchains: [compiler])
        var failed: Set<Digest> = []
        for kernel in first.kernels {
            // the winner fails, and a failure outlives a later good time
            table.record(
                workload: kernel.workDigest, schedule: kernel.winner.digest, toolchain: compiler, .failed)
            table.record(
                workload: kernel.workDigest, schedule: kernel.winner.digest, toolchain: compiler, .ns(1e-3))
            let entries = construct(kernel.workload, kernel.winner.interface, device, PlanLimits().construct).entries
            if entries.count > 1 { failed.insert(Digest(of: kernel.workDigest.hex + kernel.winner.digest.hex)) }
        }
        #expect(!failed.isEmpty)
        do {
            let second = try assemble(model.graph, model.constants, device, table, PlanLimits())
            for kernel in second.kernels {
                #expect(
                    table.outcome(
                        workload: kernel.workDigest, schedule: kernel.winner.digest, toolchain: compiler)
                        != .failed)
            }
            #expect(distance(try model.run(second), try model.expected()) < 1e-5)
        } catch {
            // a workload with one candidate that failed, and nothing to take it apart into
            guard case PipelineError.noWorkingKernel = error else { throw error }
        }
    }

    @Test func aWeldWhoseCandidatesAllFailFallsApart() throws {
        var s = ModelSketch()
        let x = s.input([6, 8])
        let w = s.constant([8, 16])
        let p = try s.define("f32[m:6,n:16] = sum(k:8) a[m,k] * b[k,n]", x, w)
        let y = try s.define("f32[m:6,n:16] = max(a[m,n], 0.0)", p)
        let model = try Model(s, y)
        let device = devices[0]
        let whole = try assemble(model.graph, model.constants, device, MeasurementTable(), PlanLimits())
        #expect(whole.kernels.count == 1)
        var table = MeasurementTable(toolchains: [compiler])
        let kernel = whole.kernels[0]
        let entries = construct(kernel.workload, kernel.winner.interface, device, PlanLimits().construct).entries
        for entry in entries {
            table.record(workload: kernel.workDigest, schedule: entry.value.digest, toolchain: compiler, .failed)
        }
        let parts = try assemble(model.graph, model.constants, device, table, PlanLimits())
        #expect(parts.kernels.count == 2)
        #expect(distance(try model.run(parts), try model.expected()) < 1e-5)
        for part in parts.kernels {
            for entry in construct(part.workload, part.winner.interface, device, PlanLimits().construct).entries {
                table.record(workload: part.workDigest, schedule: entry.value.digest, toolchain: compiler, .failed)
            }
        }
        let error = #expect(throws: PipelineError.self) {
            try assemble(model.graph, model.constants, device, table, PlanLimits())
        }
        #expect(error == .noWorkingKernel(workload: kernel.workDigest))
    }

    @Test func aMeasurementBeatsAnyPrediction() throws {
        let device = devices[0]
        let model = try Model.convolutions()
        let first = try assemble(model.graph, model.constants, device, MeasurementTable(), PlanLimits())
        let kernel = try #require(
            first.kernels.first { kernel in
                construct(kernel.workload, kernel.winner.interface, device, PlanLimits().construct).entries.count > 2
            })
        let entries = construct(kernel.workload, kernel.winner.interface, device, PlanLimits().construct).entries
        var costs = CostTable(device: device, table: MeasurementTable(), limits: PlanLimits())
        #expect(costs.choice(kernel.workload, kernel.workDigest, kernel.winner.interface)?.isMeasured == false)
        #expect(
            costs.choice(kernel.workload, kernel.workDigest, kernel.winner.interface)?.schedule
                == entries[0].value)
        var table = MeasurementTable(toolchains: [compiler])
        table.record(workload: kernel.workDigest, schedule: entries[2].value.digest, toolchain: compiler, .ns(1e9))
        costs = CostTable(device: device, table: table, limits: PlanLimits())
        let choice = costs.choice(kernel.workload, kernel.workDigest, kernel.winner.interface)
        #expect(choice == Choice(schedule: entries[2].value, ns: 1e9, isMeasured: true, toolchain: compiler))
        // the least of two times counts
        table.record(workload: kernel.workDigest, schedule: entries[2].value.digest, toolchain: compiler, .ns(7))
        table.record(workload: kernel.workDigest, schedule: entries[2].value.digest, toolchain: compiler, .ns(9))
        #expect(
            table.outcome(
                workload: kernel.workDigest, schedule: entries[2].value.digest, toolchain: compiler) == .ns(7))
    }

    @Test func planningEndsWhenEverythingHasAnOutcome() throws {
        for model in try Model.all() {
            var asked: [Digest: Int] = [:]
            let (table, rounds) = try answered(model, devices[1]) { workload, entry in
                asked[Digest(of: workload.hex + entry.value.digest.hex), default: 0] += 1
                return entry.prediction.ns * (1 + Double(entry.value.digest.seed % 7) / 7)
            }
            #expect(rounds >= 2)
            #expect(asked.values.allSatisfy { $0 == 1 })
            #expect(try plan(model.graph, devices[1], table, PlanLimits()).isEmpty)
            let assembly = try assemble(model.graph, model.constants, devices[1], table, PlanLimits())
            #expect(assembly.cover.welds.allSatisfy { $0.choice.isMeasured })
            #expect(distance(try model.run(assembly), try model.expected()) < 1e-5)
            for weld in assembly.cover.welds {
                // the choice is the least of all measured candidates
                let entries = construct(
                    weld.workload, weld.interface, devices[1], PlanLimits().construct
                ).entries.prefix(PlanLimits().candidatesPerWorkload)
                for entry in entries {
                    guard
                        case .ns(let ns)? = table.outcome(
                            workload: weld.digest, schedule: entry.value.digest, toolchain: compiler)
                    else { continue }
                    #expect(ns >= weld.choice.ns)
                }
            }
        }
    }

    @Test func questionsComeHeaviestFirstAndOnceAWorkload() throws {
        let model = try Model.attention()
        let wanted = try plan(model.graph, devices[0], MeasurementTable(), PlanLimits())
        #expect(!wanted.isEmpty)
        #expect(Set(wanted.map(\.digest)).count == wanted.count)
        #expect(wanted.map(\.weightNs) == wanted.map(\.weightNs).sorted(by: >))
        #expect(wanted.contains { $0.calls > 1 })
        for question in wanted {
            guard case .expand(let roots) = question.need else {
                Issue.record("nothing is expanded yet")
                continue
            }
            #expect(roots == Roller.roots(question.workload, question.interface, devices[0]))
            #expect(question.workload.digest == question.digest)
        }
        #expect(try plan(model.graph, devices[0], MeasurementTable(), PlanLimits()) == wanted)
    }

    @Test func halfAnExpansionAsksForTheOtherHalf() throws {
        var s = ModelSketch()
        let x = s.input([61, 48])
        let w = s.constant([48, 83])
        let y = try s.define("f32[m:61,n:83] = sum(k:48) a[m,k] * b[k,n]", x, w)
        let model = try Model(s, y)
        var table = MeasurementTable(toolchains: [compiler])
        let question = try #require(
            try plan(model.graph, devices[1], table, PlanLimits()).first { question in
                Roller.roots(question.workload, question.interface, devices[1]).count > 1
            })
        let roots = Roller.roots(question.workload, question.interface, devices[1])
        let made = construct(
            question.workload, question.interface, devices[1], PlanLimits().construct, roots: [roots[0]])
        table.record(
            workload: question.digest, interface: question.interface, root: roots[0], made.entries)
        let next = try plan(model.graph, devices[1], table, PlanLimits()).first { $0.digest == question.digest }
        #expect(next?.need == .expand(Array(roots.dropFirst())))
    }

    @Test func equalWorkloadsShareAKernelAndEqualConstantsTheirBytes() throws {
        var s = ModelSketch()
        let x = s.input([6, 8])
        let w = s.constant([8, 8])
        var y = x
        for _ in 0..<3 {
            let p = try s.define("f32[m:6,n:8] = sum(k:8) a[m,k] * b[k,n]", y, w)
            y = try s.define("f32[m:6,n:8] = max(a[m,n] * 0.25, 0.0)", p)
        }
        let model = try Model(s, y)
        let assembly = try assemble(model.graph, model.constants, devices[0], MeasurementTable(), PlanLimits())
        #expect(assembly.kernels.map(\.name) == ["k0"])
        #expect(assembly.program.lanes[0].count == 3)
        #expect(assembly.constants.count == 1)
        #expect(distance(try model.run(assembly), try model.expected()) < 1e-5)
    }

    @Test func assemblyIsAFunctionOfItsInputs() throws {
        for model in try Model.all() {
            let one = try assemble(model.graph, model.constants, devices[0], MeasurementTable(), PlanLimits())
            let two = try assemble(model.graph, model.constants, devices[0], MeasurementTable(), PlanLimits())
            #expect(one.program.text == two.program.text)
            #expect(one.kernels == two.kernels && one.cover == two.cover)
        }
    }

    @Test func controlFlowThatIsKnownIsAssembled() throws {
        let graph = try Graph(
            parsing: """
                graph(%0: f32[4] "x") {
                  function @0(%1: f32[4]) {
                    %2: f32[i0:4] = %1[i0] * 0.5 + 0.25
                  } -> (%2)
                  %3: i64[] = const [3]
                  %4: f32[4] = loop trip %3 carry(%0) capture() do(%5: i64[], %6: f32[4]) {
                    %7: bool[] = const [true]
                    %8: f32[4] = call @0(%6)
                  } -> (%7, %8)
                } -> (%4 "y")
                """)
        try graph.verify()
        let assembly = try assemble(graph, ConstantStore(), devices[0], MeasurementTable(), PlanLimits())
        #expect(assembly.kernels.count == 1)
        let unknown = try Graph(parsing: "graph(%0: f32[4] \"x\") { %1: f32[4] = extern \"TopK\"[](%0) } -> (%1 \"y\")")
        let error = #expect(throws: PipelineError.self) {
            try assemble(unknown, ConstantStore(), devices[0], MeasurementTable(), PlanLimits())
        }
        #expect(error == .notRunnable(kind: "the operator TopK"))
        #expect(
            error?.sentence == "the model holds the operator TopK, and no program for that is generated; use a model "
                + "without it")
    }
}
