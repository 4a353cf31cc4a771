// The explanation of a model: its welds in the order in which they run, each with workload, structure, the nest that
// was chosen, its time (measured, else predicted) and its share. Input: a cover. Output: a table or JSON.

import Basics
import DeviceModel
import Pipeline
import Schedules
import TensorIR
import Welder

struct ModelExplanation: Explanation {
    struct Row: Hashable {
        var workload: Digest
        var structure: String
        var nest: String
        var ns: Double
        var isMeasured: Bool
        /// Operations of the graph that it computes.
        var operations: Int
    }
    var name: String
    var device: String
    var rows: [Row]

    init(name: String, device: String, rows: [Row]) {
        self.name = name
        self.device = device
        self.rows = rows
    }

    init(name: String, device: Device, cover: Cover) {
        self.name = name
        self.device = "\(device.kind.processor) \(device.kind.isa.rawValue)"
        rows = cover.welds.map { weld in
            Row(
                workload: weld.digest, structure: structureText(weld.workload), nest: nestText(weld.choice.schedule),
                ns: weld.choice.ns, isMeasured: weld.choice.isMeasured, operations: weld.weld.operations.count)
        }
    }

    var totalNs: Double { rows.reduce(0) { $0 + $1.ns } }
    private var measured: Int { rows.count(where: \.isMeasured) }
    private func share(_ row: Row) -> Double { totalNs > 0 ? row.ns / totalNs : 0 }

    var text: String {
        var cells = [["weld", "workload", "time", "share", "", "structure", "nest"]]
        for (n, row) in rows.enumerated() {
            cells.append([
                "\(n)", row.workload.short, timeText(row.ns), fixed(share(row) * 100, 1) + " %",
                row.isMeasured ? "measured" : "predicted", row.structure, row.nest,
            ])
        }
        let unique = Set(rows.map(\.workload)).count
        return leftAligned(cells, from: 4)
            + "\n\(escaped(name)) on \(device): \(rows.count) welds of \(unique) workloads, \(timeText(totalNs)), "
            + "\(measured) welds measured, \(rows.count - measured) predicted"
    }

    var json: JSON {
        .object([
            ("schema", .string("ironworks.explain/1")), ("model", .string(name)), ("device", .string(device)),
            ("total_ns", .number(totalNs)),
            (
                "welds",
                .array(
                    rows.map { row in
                        .object([
                            ("workload", .string(row.workload.hex)), ("structure", .string(row.structure)),
                            ("nest", .string(row.nest)), ("time_ns", .number(row.ns)),
                            ("measured", .boolean(row.isMeasured)), ("share_ratio", .number(share(row))),
                            ("operations", .integer(row.operations)),
                        ])
                    })
            ),
        ])
    }
}
