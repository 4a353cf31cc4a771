// Schedules as texts: random ones parse back to equal values, one text is spelled out, wrong ones say what is wrong.

import Basics
import DeviceModel
import TensorIR
import Testing

@testable import Schedules

private struct ScheduleSamples {
    var random: SeededRandom

    mutating func number() -> Int { 1 + random.below([8, 512, 1 << 20][random.below(3)]) }

    mutating func nest() -> Nest {
        switch random.below(5) {
        case 0:
            let sources = OperandSource.allCases
            return .contraction(
                ContractionNest(
                    microRows: number(), microColumns: number(), taskRowTiles: number(), taskColumns: number(),
                    depth: number(), a: sources[random.below(3)], b: sources[random.below(3)]))
        case 1: return .rows(rowsPerTask: number())
        case 2: return .reduceInner(pointsPerTask: number())
        case 3: return .reduceOuter(linesPerTask: number(), unrolled: random.below(2) == 0)
        default: return .map(linesPerTask: number())
        }
    }

    mutating func schedule() -> Schedule {
        let entries = (0..<random.below(5)).map { _ in Interface.Entry(slot: random.below(40), layout: .row) }
        let prepares = (0..<random.below(3)).map { _ in
            let size = number()
            let form: Prepare.Form = random.below(2) == 0 ? .columnPanels(width: size) : .rowPanels(height: size)
            return Prepare(slot: random.below(40), form: form)
        }
        let connects = (0..<random.below(4)).map { _ in
            Connect(
                from: random.below(40), to: random.below(40), kind: ConnectKind.allCases[random.below(2)])
        }
        return Schedule(
            isa: ISA.allCases[random.below(3)], interface: Interface(entries: entries), algorithm: .direct,
            prepares: prepares, connects: connects, nest: nest())
    }
}

@Suite struct ScheduleTextTests {
    @Test func schedulesParseBack() throws {
        var samples = ScheduleSamples(random: SeededRandom(seed: 5))
        var digests: [Digest: Schedule] = [:]
        for _ in 0..<300 {
            let schedule = samples.schedule()
            let parsed = try Schedule(parsing: schedule.text)
            #expect(parsed == schedule, "\(schedule.text)")
            #expect(parsed.text == schedule.text)
            let known = digests.updateValue(schedule, forKey: schedule.digest)
            #expect(known == nil || known == schedule)
        }
        #expect(digests.count > 290)
    }

    private let contraction = """
        schedule for cpu.avx512 {
          interface t0 row t4 row
          algorithm direct
          prepare t1 columns 64
          prepare t2 rows 6
          connect t3 -> t4 @register
          connect t4 -> t5 @L2
          nest contraction task(rows:22, columns:384) depth:768 micro(rows:6, columns:64) outer:columns \
        a:direct b:prepared
        }

        """

    @Test func aScheduleSaysEverything() throws {
        let schedule = Schedule(
            isa: .avx512,
            interface: Interface(entries: [.init(slot: 0, layout: .row), .init(slot: 4, layout: .row)]),
            algorithm: .direct,
            prepares: [
                Prepare(slot: 1, form: .columnPanels(width: 64)), Prepare(slot: 2, form: .rowPanels(height: 6)),
            ],
            connects: [Connect(from: 3, to: 4, kind: .register), Connect(from: 4, to: 5, kind: .l2)],
            nest: .contraction(
                ContractionNest(
                    microRows: 6, microColumns: 64, taskRowTiles: 22, taskColumns: 384, depth: 768, a: .direct,
                    b: .prepared)))
        #expect(schedule.text == contraction)
        #expect(schedule.interface.text == "t0 row t4 row")
    }

    @Test func everyNestHasItsText() throws {
        let nests: [(Nest, String)] = [
            (.rows(rowsPerTask: 7), "rows task(7)"), (.reduceInner(pointsPerTask: 1), "reduceInner task(1)"),
            (.reduceOuter(linesPerTask: 3, unrolled: false), "reduceOuter task(3)"),
            (.reduceOuter(linesPerTask: 3, unrolled: true), "reduceOuter task(3) unrolled"),
            (.map(linesPerTask: 12), "map task(12)"),
        ]
        for (nest, text) in nests { #expect(nest.text == text) }
    }

    private func sentence(_ old: String, _ new: String) -> String {
        #expect(contraction.contains(old))
        do {
            _ = try Schedule(parsing: contraction.replacing(old, with: new))
            return "parsed"
        } catch {
            return error.sentence
        }
    }

    @Test func wrongTextsSayWhatAndWhere() {
        #expect(
            sentence("cpu.avx512", "gpu.sm80")
                == "line 1, column 14: unknown target 'gpu.sm80'; use cpu.avx512, cpu.avx2 or cpu.plain")
        #expect(sentence("t4 row\n", "t4 blocked\n") == "line 2, column 23: expected '[', found 'blocked'")
        #expect(sentence("t0 row", "x row") == "line 2, column 13: expected a tensor such as t0, found 'x'")
        #expect(sentence("t0 row", "tx row") == "line 2, column 13: expected a tensor such as t0, found 'tx'")
        #expect(sentence("direct\n", "winograd\n") == "line 3, column 13: unknown algorithm 'winograd'")
        #expect(sentence("columns 64", "columns 0") == "line 4, column 22: a panel size must be positive")
        #expect(sentence("columns 64", "tiles 64") == "line 4, column 14: expected 'rows', found 'tiles'")
        #expect(sentence("@L2", "@disk") == "line 7, column 21: unknown connect kind 'disk'")
        #expect(sentence("nest contraction", "nest spiral") == "line 8, column 8: unknown nest 'spiral'")
        #expect(sentence("depth:768", "depth:-1") == "line 8, column 53: depth must be positive")
        #expect(sentence("a:direct", "a:") == "line 8, column 100: unknown operand source 'b'")
        #expect(sentence("}\n", "") == "line 9, column 1: expected '}', found the end of the text")
        #expect(
            sentence("}\n", "}\nnest\n") == "line 10, column 1: expected the end of the text, found 'nest'")
    }

    @Test func operandsAndResultsAreInTheInterface() throws {
        let workload = try Workload(
            parsing: """
                workload(a: f32[4], b: const f32[4], c: f32[4]) {
                  x: f32[i:4] = a[i] + b[i]
                  y: f32[i:4] = x[i] * c[i]
                } -> x, y
                """)
        #expect(Interface.rowMajor(workload).entries.map(\.slot) == [0, 2, 3, 4])
    }
}
