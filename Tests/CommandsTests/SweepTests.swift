// Sweeps without a device: the space of a shape, a recorded sweep read back under today's model, the report's figures.

import DeviceModel
import Schedules
import TensorIR
import Testing

@testable import Commands

/// 100 flops per ns.
private let device = Device(
    kind: DeviceClass(
        isa: .avx2, processor: "made-up", vectorRegisters: 16, l1Bytes: 32 << 10, l2Bytes: 256 << 10, l3Bytes: 4 << 20,
        lineBytes: 64, lanes: 1),
    calibration: Calibration(
        fmaFlopsPerNs: 100, l2BytesPerNs: 64, l3BytesPerNs: 20, memoryBytesPerNs: 8, mapOperatorsPerNs: 20,
        packElementsPerNs: 4, callNs: 4, phaseNs: 10, referenceNs: 1000))

private func sweep(_ text: String, points: Int? = nil) throws -> Sweep {
    Sweep(problem: try KernelShape(parsing: text).kernelProblem(), device: device, pointsMax: points, rounds: 2)
}

/// Every point of a shape, measured at `ns` of its number in the space.
private func measured(_ text: String, points: Int, _ ns: (Int) -> Double) throws -> ShapeSweep {
    let sweep = try sweep(text, points: points)
    return ShapeSweep(
        shape: sweep.problem.shape,
        points: sweep.schedules.enumerated().map { n, point in
            SweepPoint(schedule: point.schedule, predictedNs: point.predictedNs, measuredNs: ns(n))
        })
}

@Suite struct SweepTests {
    @Test func aSweepHoldsEveryScheduleOnceInAnOrderThatSaysNothingOfTheModel() throws {
        for text in ["gemm:40x72x600", "conv:32,12,48,3,1"] {
            let whole = try sweep(text)
            let texts = whole.schedules.map(\.schedule.text)
            #expect(texts.count > 60 && Set(texts).count == texts.count && texts == texts.sorted())
            for point in whole.schedules { try point.schedule.verify(for: whole.problem.workload) }
            #expect(whole.batches.flatMap { Array($0) } == Array(texts.indices))
            #expect(whole.batches.allSatisfy { $0.count <= KernelBench.batchMax })
            #expect(whole.steps == 3 * whole.batches.count)
        }
    }

    @Test func fewerPointsAreSpreadOverTheSpace() throws {
        #expect(Sweep.thinned(Array(0..<10), to: 4) == [0, 2, 5, 7])
        #expect(Sweep.thinned([1, 2, 3], to: 7) == [1, 2, 3])
        let all = try sweep("gemm:40x72x600").schedules.map(\.schedule)
        let few = try sweep("gemm:40x72x600", points: 20).schedules.map(\.schedule)
        #expect(few.count == 20 && Set(few).isSubset(of: all))
    }

    @Test func aRecordReadsBackEqual() throws {
        var second = try measured("conv:32,12,48,3,1", points: 5) { 900 - Double($0) }
        second.failed = 2
        let record = SweepRecord(
            device: device, sweeps: [try measured("gemm:40x72x600", points: 12) { 1000.5 + Double($0) }, second])
        let again = try SweepRecord(parsing: record.text, path: "r")
        // the model that constructed them predicts them alike one by one
        #expect(again == record)
        #expect(again.text == record.text)
    }

    @Test func recordedPredictionsAreNotBelieved() throws {
        let record = SweepRecord(device: device, sweeps: [try measured("gemm:40x72x600", points: 3) { Double($0 + 1) }])
        var boasting = record
        for n in boasting.sweeps[0].points.indices { boasting.sweeps[0].points[n].predictedNs = 1 }
        #expect(try SweepRecord(parsing: boasting.text, path: "r") == record)
    }

    @Test func aRecordThatWasCutShortSaysSo() throws {
        let record = SweepRecord(device: device, sweeps: [try measured("gemm:40x72x600", points: 3) { Double($0 + 1) }])
        let lines = record.text.split(separator: "\n")
        let cut = try SweepRecord(parsing: lines.dropLast().joined(separator: "\n"), path: "r")
        #expect(!cut.isComplete && cut.sweeps == record.sweeps)
        let short = try SweepRecord(parsing: (lines.prefix(2) + lines.suffix(1)).joined(separator: "\n"), path: "r")
        #expect(!short.isComplete && short.sweeps[0].points.count == 1)
    }

    @Test func damagedRecordsNameTheirLine() throws {
        let record = SweepRecord(device: device, sweeps: [try measured("gemm:40x72x600", points: 2) { Double($0 + 1) }])
        let lines = record.text.split(separator: "\n").map(String.init)
        func sentence(_ changed: [String]) -> String {
            do {
                _ = try SweepRecord(parsing: changed.joined(separator: "\n"), path: "r.jsonl")
                return ""
            } catch {
                return error.sentence
            }
        }
        #expect(sentence([]).contains("no recorded sweep"))
        #expect(sentence(Array(lines.prefix(1))).contains("no recorded sweep"))
        #expect(sentence(Array(lines.dropFirst())).contains("no recorded sweep"))
        #expect(sentence([lines[0], "{\"shape\":[1]}"]).hasPrefix("r.jsonl line 2: it is no object"))
        #expect(sentence([lines[0], lines[1], "{\"shape\":\"gemm:4\"}"]).hasPrefix("r.jsonl line 3: a point has"))
        let misnamed = lines[1].replacing("gemm:40x72x600", with: "gemm:40x72")
        #expect(sentence([lines[0], misnamed]).contains("line 2: 'gemm:40x72' is no shape"))
        // a schedule of one shape under the name of another
        let other = lines[1].replacing("gemm:40x72x600", with: "conv:32,12,48,3,1")
        #expect(sentence([lines[0], other]).hasPrefix("r.jsonl line 2: the interface"))
    }

    @Test func linesAreFlatObjects() throws {
        let line = try #require(FlatJSON("{ \"a\" : \"x\\n\\\"\\u0041\\\\\" , \"b\":-1.5e3 } "))
        #expect(line.string("a") == "x\n\"A\\" && line.number("b") == -1500)
        #expect(line.string("b") == nil && line.number("a") == nil && line.number("c") == nil)
        for text in [
            "", "{}", "{\"a\":1", "{\"a\":1}}", "{\"a\":{}}", "{\"a\":1,}", "{\"a\" 1}", "[1]", "{\"a\":\"\\u00\"}",
        ] {
            #expect(FlatJSON(Substring(text)) == nil, "\(text)")
        }
    }

    /// Two shapes whose times follow the model's order exactly, and one where they run against it.
    private func report() throws -> SweepReport {
        func ordered(_ text: String, _ sign: Double) throws -> ShapeSweep {
            var sweep = try measured(text, points: 40) { _ in 1 }
            sweep.points.sort { $0.predictedNs < $1.predictedNs }
            for n in sweep.points.indices {
                sweep.points[n].measuredNs = sign > 0 ? 1000 + 2 * Double(n) : 1078 - 2 * Double(n)
            }
            return sweep
        }
        return SweepReport(
            SweepRecord(
                device: device, sweeps: [try ordered("gemm:40x72x600", 1), try ordered("conv:32,12,48,3,1", -1)]))
    }

    @Test func theReportHoldsTheModelsOrderAgainstARandomOne() throws {
        let report = try report()
        #expect(report.rows.count == 2)
        // 0 and 78 in a thousand, then 0 and 60
        #expect(abs(report.meanOfModel(1) - 0.039) < 1e-12)
        #expect(abs(report.meanOfModel(10) - 0.03) < 1e-12)
        // a random one of 1000, 1002 ... 1078 on both
        #expect(abs(report.meanOfRandomOrder(1) - 0.039) < 1e-12)
        #expect(report.meanOfModel(50) == 0 && report.meanOfRandomOrder(50) == 0)
        let lines = report.text.split(separator: "\n")
        #expect(lines.count == 5)
        #expect(lines[2].contains("0.0 | 3.9") && lines[3].contains("7.8 | 3.9") && lines[4].contains("3.9 | 3.9"))
        // 2 · 40 · 72 · 600 in 1000 ns
        #expect(lines[2].contains("3456.0"))
        let json = report.json.text
        #expect(json.hasPrefix("{\"schema\":\"ironworks.sweep/1\",\"processor\":\"made-up\",\"isa\":\"avx2\""))
        #expect(json.contains("\"shape\":\"gemm:40x72x600\",\"points\":40,\"failed\":0,\"best_ns\":1000.0,"))
    }

    @Test func shapesWithoutAPointAreLeftOutOfTheMeans() throws {
        let full = try measured("gemm:40x72x600", points: 4) { Double(10 + $0) }
        let none = ShapeSweep(shape: try KernelShape(parsing: "gemm:9x9x9"), points: [], failed: 3)
        let report = SweepReport(SweepRecord(device: device, sweeps: [full, none]))
        #expect(report.rows.count == 1)
        #expect(abs(report.meanOfRandomOrder(1) - 0.15) < 1e-12)
    }

    @Test func tilesAreShownInRowsAndColumns() throws {
        let problem = try KernelShape(parsing: "conv:32,12,48,3,1").kernelProblem()
        let weights = try #require(problem.workload.parameters.firstIndex { $0.isConstant && $0.type.rank > 1 })
        func tile(_ nest: String) throws -> KernelTile {
            let schedule = try Schedule(
                parsing: """
                    schedule for cpu.avx2 {
                      interface \(problem.interface.text)
                      algorithm direct
                      prepare t\(weights) columns 16
                      connect t3 -> t4 @register
                      connect t4 -> t5 @register
                      nest contraction \(nest)
                    }

                    """)
            try schedule.verify(for: problem.workload)
            return try #require(KernelTile(problem, schedule))
        }
        // bands of one line of twelve positions, cut in two: five lines a task
        let lines = try tile(
            "task(rows:5, columns:32) depth:144 micro(lines:1, rows:6, columns:16) outer:rows a:direct b:prepared")
        #expect((lines.registerText, lines.cacheText) == ("1x6x16", "60x32"))
        #expect(lines.depthText == "144 of 288" && lines.order?.outer == .rows)
        let whole = try tile(
            "task(rows:20, columns:48) depth:288 micro(lines:1, rows:12, columns:16) outer:columns a:direct b:prepared")
        #expect((whole.registerText, whole.cacheText, whole.depthText) == ("1x12x16", "144x48", "288"))
    }

    @Test func winogradsTilesAreShownInTilesAndChannels() throws {
        let problem = try KernelShape(parsing: "conv:32,12,48,3,1").kernelProblem()
        let weights = try #require(problem.workload.parameters.firstIndex { $0.isConstant && $0.type.rank > 1 })
        let schedule = try Schedule(
            parsing: """
                schedule for cpu.avx2 {
                  interface \(problem.interface.text)
                  algorithm winograd(4,3)
                  prepare t\(weights) winograd 4 columns 16
                  connect t3 -> t4 @register
                  connect t4 -> t5 @register
                  nest winograd task(lines:3, positions:2) micro(rows:6, columns:16)
                }

                """)
        try schedule.verify(for: problem.workload)
        let tile = try #require(KernelTile(problem, schedule))
        #expect(tile.algorithm == .winograd4 && tile.order == nil)
        #expect((tile.registerText, tile.cacheText, tile.depthText) == ("6x16", "6x48", "32"))
    }

    @Test func kernelsAreHeldAgainstTheProbeOfTheirRun() throws {
        func row(_ text: String, ns: Double, faults: [String] = []) throws -> KernelsReport.Row {
            KernelsReport.Row(
                shape: try KernelShape(parsing: text), tile: nil, compiler: "clang", ns: ns, predictedNs: 1,
                peakFlopsPerNs: 4, candidates: 3, points: 12, rankingNs: 1000, faults: faults)
        }
        // 240 and 48 flops, at a peak of 4 a nanosecond
        let report = KernelsReport(
            device: device,
            rows: [try row("gemm:4x5x6", ns: 75), try row("gemm:2x3x4", ns: 24), try row("conv:1,2,1,1", ns: 4)])
        let products = try #require(report.summary(products: true))
        #expect(products.least == 0.5 && abs(products.mean - 0.65) < 1e-12)
        #expect(report.summary(products: false)?.least == 0.5)
        #expect(report.text.contains("products: at least 50.0 %, 65.0 % on average"))
        #expect(report.json.text.hasPrefix("{\"schema\":\"ironworks.kernels/1\""))
        #expect(KernelsReport(device: device).summary(products: true) == nil)
    }

    @Test(arguments: ISA.allCases) func theProbeFillsTheRegistersAndLeavesRoomForItsOperands(isa: ISA) {
        let source = FmaProbe.source(isa)
        let chains = FmaProbe.chains(isa)
        #expect(chains + 2 <= isa.vectorRegisters && chains >= 8)
        #expect(source.contains("a\(chains - 1) = a\(chains - 1) * scale + shift;") && !source.contains("a\(chains) ="))
    }
}
