// The table of `kernels`: per shape the register tile, the cache tile, the chunk of the depth and the order of loops
// that were chosen, what they reach, and which share of the processor's peak that is. Groups of shapes end with their
// least and mean share.
//
// In:  measured shapes.  Out: a table or JSON.

import DeviceModel
import Schedules
import TensorIR

/// The tiles of a contraction's schedule, as they are shown. Winograd's rows are tiles of outputs.
struct KernelTile: Hashable {
    /// What only a direct kernel chooses.
    struct Order: Hashable {
        var outer: LoopOrder
        var a: OperandSource
        var b: OperandSource
    }

    var algorithm: Algorithm
    /// Lines of a register tile, where it has lines and positions.
    var lines: Int?
    var rows: Int
    var columns: Int
    var taskRows: Int
    var taskColumns: Int
    var depth: Int
    var wholeDepth: Int
    var order: Order?

    /// `nil` for a schedule of anything but a contraction.
    init?(_ problem: KernelProblem, _ schedule: Schedule) {
        guard case .success(.contraction(let c)) = problem.workload.structure(schedule.interface) else { return nil }
        let extents = problem.workload.definitions[c.anchor].axisExtents
        func product(_ axes: [Int]) -> Int { axes.reduce(1) { $0 * extents[$1] } }
        algorithm = schedule.algorithm
        switch schedule.nest {
        case .contraction(let nest):
            let width = problem.workload.lineWidth(c, schedule.interface)
            let grid = RowGrid(problem.workload, c, nest, width: width)
            lines = nest.microLines
            rows = nest.microRows
            columns = nest.microColumns
            taskRows = min(product(c.rows), nest.taskRowTiles * grid.bands.largest * grid.positions)
            taskColumns = min(product(c.columns), nest.taskColumns)
            wholeDepth = product(c.depth)
            depth = min(nest.depth, wholeDepth)
            order = Order(outer: nest.outer, a: nest.a, b: nest.b)
        case .winograd(let nest):
            guard
                let winograd = WinogradProblem(
                    problem.workload, c, schedule.interface, lanes: schedule.vectorWidth)
            else { return nil }
            rows = nest.microRows
            columns = nest.microColumns
            taskRows = nest.tileLines * nest.tilePositions
            taskColumns = winograd.outputChannels
            wholeDepth = winograd.inputChannels
            depth = wholeDepth
        case .rows, .reduceInner, .reduceOuter, .map: return nil
        }
    }

    var registerText: String { (lines.map { "\($0)x" } ?? "") + "\(rows)x\(columns)" }
    var cacheText: String { "\(taskRows)x\(taskColumns)" }
    var depthText: String { depth == wholeDepth ? "\(depth)" : "\(depth) of \(wholeDepth)" }
}

struct KernelsReport {
    struct Row {
        var shape: KernelShape
        var tile: KernelTile?
        var compiler: String
        var ns: Double
        var predictedNs: Double
        /// The larger of the probes around its measurement.
        var peakFlopsPerNs: Double
        /// Kernels that were right and timed.
        var candidates: Int
        /// Points of the search space, and how long Roller took to rank them all and keep the best of each root.
        var points: Int
        var rankingNs: Double
        /// What is wrong with kernels that are not among them.
        var faults: [String]

        var flopsPerNs: Double { shape.flops / ns }
        var peakRatio: Double { flopsPerNs / peakFlopsPerNs }
    }

    let device: Device
    var rows: [Row] = []
    /// Kernels that were compiled, and the wall time of their translation units.
    var compiling = (kernels: 0, ns: 0.0)

    init(device: Device, rows: [Row] = []) {
        self.device = device
        self.rows = rows
    }

    /// Least and mean share of the peak of one kind of shape; `nil` without any.
    func summary(products: Bool) -> (least: Double, mean: Double)? {
        let ratios = rows.filter { $0.shape.isProduct == products }.map(\.peakRatio)
        return ratios.min().map { ($0, ratios.reduce(0, +) / Double(ratios.count)) }
    }

    /// `nil` when the object cache held every kernel.
    var compileNsPerKernel: Double? { compiling.kernels > 0 ? compiling.ns / Double(compiling.kernels) : nil }

    var text: String {
        func percent(_ ratio: Double) -> String { fixed(100 * ratio, 1) + " %" }
        var cells = [
            [
                "shape", "algorithm", "register", "cache", "depth", "outer", "compiler", "time", "GF/s", "of probe",
                "probe",
                "predicted", "points", "ranked in",
            ]
        ]
        for row in rows {
            cells.append([
                row.shape.text, row.tile?.algorithm.text ?? "-", row.tile?.registerText ?? "-",
                row.tile?.cacheText ?? "-", row.tile?.depthText ?? "-", row.tile?.order?.outer.rawValue ?? "-",
                row.compiler, timeText(row.ns), fixed(row.flopsPerNs, 1),
                percent(row.peakRatio), fixed(row.peakFlopsPerNs, 1), timeText(row.predictedNs), "\(row.points)",
                timeText(row.rankingNs),
            ])
        }
        var out = "\(device.kind.processor) \(device.kind.isa.rawValue), one lane; register tile and cache tile in "
        out += "rows x columns (winograd: tiles x channels), probe in GF/s\n" + table(cells)
        for (name, products) in [("products", true), ("convolutions", false)] {
            guard let summary = summary(products: products) else { continue }
            out += "\n\(name): at least \(percent(summary.least)), \(percent(summary.mean)) on average"
        }
        if let ns = compileNsPerKernel {
            out += "\ncompiling: \(compiling.kernels) kernels, \(timeText(ns)) each on average"
        }
        return out
    }

    var json: JSON {
        let shapes = rows.map { row -> JSON in
            let (tile, order) = (row.tile, row.tile?.order)
            return .object([
                ("shape", .string(row.shape.text)), ("algorithm", tile.map { .string($0.algorithm.text) }),
                ("register_tile", tile.map { .string($0.registerText) }),
                ("cache_tile", tile.map { .string($0.cacheText) }), ("depth_chunk", tile.map { .integer($0.depth) }),
                ("outer", order.map { .string($0.outer.rawValue) }), ("a", order.map { .string($0.a.rawValue) }),
                ("b", order.map { .string($0.b.rawValue) }), ("compiler", .string(row.compiler)),
                ("time_ns", .number(row.ns)), ("predicted_ns", .number(row.predictedNs)),
                ("gflops", .number(row.flopsPerNs)), ("probe_gflops", .number(row.peakFlopsPerNs)),
                ("probe_ratio", .number(row.peakRatio)), ("kernels", .integer(row.candidates)),
                ("points", .integer(row.points)), ("ranking_ns", .number(row.rankingNs)),
                ("faults", .array(row.faults.map(JSON.string))),
            ])
        }
        func summaryJSON(_ products: Bool) -> JSON? {
            summary(products: products).map {
                .object([("least_ratio", .number($0.least)), ("mean_ratio", .number($0.mean))])
            }
        }
        return .object([
            ("schema", .string("ironworks.kernels/1")), ("processor", .string(device.kind.processor)),
            ("isa", .string(device.kind.isa.rawValue)), ("shapes", .array(shapes)), ("products", summaryJSON(true)),
            ("convolutions", summaryJSON(false)), ("compiled_kernels", .integer(compiling.kernels)),
            ("compile_ns_per_kernel", compileNsPerKernel.map(JSON.number)),
        ])
    }
}

extension KernelShape {
    var isProduct: Bool {
        switch self {
        case .product: true
        case .convolution: false
        }
    }
}
