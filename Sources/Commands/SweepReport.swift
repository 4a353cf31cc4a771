// What a sweep says about the model: per shape the best that there is, how well predictions rank, and what is lost by
// measuring only the first few of the model's order, beside the same for an order drawn at random; then the means.
//
// In:  a device, measured points.  Out: a table or JSON.

import DeviceModel
import Roller

struct SweepReport {
    /// How many candidates are measured, in the columns of the report.
    static let tops = [1, 5, 10, 50]

    struct Row {
        var shape: KernelShape
        var failed: Int
        var regret: Regret
        /// Of the best point.
        var flopsPerNs: Double { shape.flops / regret.bestNs }
    }

    let device: Device
    /// Shapes of which at least one point was measured.
    let rows: [Row]

    init(_ record: SweepRecord) {
        device = record.device
        rows = record.sweeps.filter { !$0.points.isEmpty }.map { sweep in
            Row(
                shape: sweep.shape, failed: sweep.failed,
                regret: Regret(
                    predicted: sweep.points.map(\.predictedNs), measured: sweep.points.map(\.measuredNs)))
        }
    }

    /// Mean over the shapes.
    func meanOfModel(_ k: Int) -> Double { mean { $0.regret.ofModel(k) } }
    func meanOfRandomOrder(_ k: Int) -> Double { mean { $0.regret.ofRandomOrder(k) } }

    /// Mean over the shapes that have a rank correlation.
    var meanRankCorrelation: Double? {
        let known = rows.compactMap(\.regret.rankCorrelation)
        return known.isEmpty ? nil : known.reduce(0, +) / Double(known.count)
    }

    private func mean(_ value: (Row) -> Double) -> Double { rows.map(value).reduce(0, +) / Double(max(rows.count, 1)) }

    private func peakRatio(_ row: Row) -> Double { row.flopsPerNs / device.calibration.fmaFlopsPerNs }

    var text: String {
        func percent(_ ratio: Double) -> String { fixed(100 * ratio, 1) }
        func pair(_ model: Double, _ random: Double) -> String { "\(percent(model)) | \(percent(random))" }
        func correlation(_ value: Double?) -> String { value.map { fixed($0, 2) } ?? "-" }
        var cells = [["shape", "points", "best", "GF/s", "of FMA", "rank"] + SweepReport.tops.map { "top \($0)" }]
        for row in rows {
            cells.append(
                [
                    row.shape.text, "\(row.regret.points)", timeText(row.regret.bestNs), fixed(row.flopsPerNs, 1),
                    percent(peakRatio(row)) + " %", correlation(row.regret.rankCorrelation),
                ] + SweepReport.tops.map { pair(row.regret.ofModel($0), row.regret.ofRandomOrder($0)) })
        }
        cells.append(
            ["mean", "", "", "", percent(mean(peakRatio)) + " %", correlation(meanRankCorrelation)]
                + SweepReport.tops.map { pair(meanOfModel($0), meanOfRandomOrder($0)) })
        let rate = fixed(device.calibration.fmaFlopsPerNs, 1)
        var out = "\(device.kind.processor) \(device.kind.isa.rawValue), calibrated at \(rate) GF/s; "
        out += "regret in %, the model's order | a random order\n" + table(cells)
        for row in rows where row.failed > 0 { out += "\n\(row.shape.text): \(row.failed) points failed" }
        return out
    }

    var json: JSON {
        func regrets(_ model: (Int) -> Double, _ random: (Int) -> Double) -> JSON {
            .array(
                SweepReport.tops.map { k in
                    .object([
                        ("measured", .integer(k)), ("model_ratio", .number(model(k))),
                        ("random_ratio", .number(random(k))),
                    ])
                })
        }
        let shapes = rows.map { row -> JSON in
            .object([
                ("shape", .string(row.shape.text)), ("points", .integer(row.regret.points)),
                ("failed", .integer(row.failed)), ("best_ns", .number(row.regret.bestNs)),
                ("best_gflops", .number(row.flopsPerNs)), ("fma_ratio", .number(peakRatio(row))),
                ("rank_correlation", row.regret.rankCorrelation.map(JSON.number)),
                ("regret", regrets(row.regret.ofModel, row.regret.ofRandomOrder)),
            ])
        }
        return .object([
            ("schema", .string("ironworks.sweep/1")), ("processor", .string(device.kind.processor)),
            ("isa", .string(device.kind.isa.rawValue)), ("fma_gflops", .number(device.calibration.fmaFlopsPerNs)),
            ("shapes", .array(shapes)), ("rank_correlation", meanRankCorrelation.map(JSON.number)),
            ("regret", regrets(meanOfModel, meanOfRandomOrder)),
        ])
    }
}
