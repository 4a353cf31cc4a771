// Constants in the order in which their kernel reads them. One place knows the order: `ContractionGeometry` gives
// lowering its indices, and `prepareConstant` fills the buffer, once, when a program is assembled or a trial is run.

import Schedules
import TensorIR

/// Extents and tilings of a contraction under a nest; all in elements.
package struct ContractionGeometry: Hashable, Sendable {
    package let batch: Int
    package let rows: Int
    package let columns: Int
    package let depth: Int
    package let microColumns: Int
    /// Row tiles: the first `tallTiles` have `height + 1` rows, the others `height`.
    package let tiles: Int
    package let height: Int
    package let tallTiles: Int

    package init(_ workload: Workload, _ c: Schedules.Contraction, _ nest: ContractionNest) {
        self.init(workload, c, microRows: nest.microRows, microColumns: nest.microColumns)
    }

    package init(_ workload: Workload, _ c: Schedules.Contraction, microRows: Int, microColumns: Int) {
        let extents = workload.definitions[c.anchor].axisExtents
        func product(_ axes: [Int]) -> Int { axes.reduce(1) { $0 * extents[$1] } }
        batch = product(c.batch)
        rows = product(c.rows)
        columns = product(c.columns)
        depth = product(c.depth)
        self.microColumns = microColumns
        tiles = ceilDivide(rows, microRows)
        height = rows / tiles
        tallTiles = rows % tiles
    }

    package var columnPanels: Int { ceilDivide(columns, microColumns) }

    func rowsBefore(tile: Int) -> Int { tile * height + min(tile, tallTiles) }
    func rows(ofTile tile: Int) -> Int { tile < tallTiles ? height + 1 : height }

    /// Elements of a prepared operand.
    package func elements(_ form: Prepare.Form) -> Int {
        switch form {
        case .columnPanels: batch * columnPanels * depth * microColumns
        case .rowPanels: batch * rows * depth
        case .innermost, .winograd: preconditionFailure("no form of a direct contraction's operand")
        }
    }
}

/// Lays a constant operand out as `prepare` says.
/// - Parameter values: row-major f32 elements of the parameter in `prepare.slot`.
/// - Returns: the prepared elements, zero-padded.
package func prepareConstant(
    _ workload: Workload, _ schedule: Schedule, _ prepare: Prepare, values: UnsafeBufferPointer<Float>
) -> [Float] {
    if case .innermost(let axis) = prepare.form {
        return axisMovedLast(axis, of: workload.type(ofSlot: prepare.slot).shape, values)
    }
    if case .winograd(let form) = prepare.form { return winogradFilters(workload, schedule, form, values) }
    guard case .success(.contraction(let c)) = workload.structure(schedule.interface),
        case .contraction(let nest) = schedule.nest
    else {
        preconditionFailure("only contractions prepare panels")
    }
    let geometry = ContractionGeometry(workload, c, nest)
    let extents = workload.definitions[c.anchor].axisExtents
    let isB = prepare.form == .columnPanels(width: nest.microColumns)
    guard case .read(prepare.slot, let indices) = isB ? c.b : c.a else {
        preconditionFailure("a prepared operand is a plain read")
    }
    let address = workload.address(slot: prepare.slot, indices, extents: extents)
    func offsets(_ axes: [Int]) -> [Int] {
        var out = [0]
        for axis in axes {
            let stride = address.coefficient(ofAxis: axis)
            out = out.flatMap { base in (0..<extents[axis]).map { base + $0 * stride } }
        }
        return out
    }
    let batches = offsets(c.batch)
    // the order in which the kernel runs through the depth
    var depths = [0]
    for piece in depthPieces(workload, c, a: nest.a, schedule.interface) {
        let stride = address.coefficient(ofAxis: piece.axis) * piece.unit
        depths = depths.flatMap { base in (0..<piece.extent).map { base + $0 * stride } }
    }
    var out = [Float](repeating: 0, count: geometry.elements(prepare.form))
    if isB {
        let columns = offsets(c.columns)
        let width = geometry.microColumns
        for (b, batch) in batches.enumerated() {
            for (n, column) in columns.enumerated() {
                let start = (b * geometry.columnPanels + n / width) * geometry.depth * width + n % width
                let base = address.constant + batch + column
                for (k, depth) in depths.enumerated() { out[start + k * width] = values[base + depth] }
            }
        }
    } else {
        let rows = offsets(c.rows)
        for (b, batch) in batches.enumerated() {
            for tile in 0..<geometry.tiles {
                let (first, count) = (geometry.rowsBefore(tile: tile), geometry.rows(ofTile: tile))
                let start = (b * geometry.rows + first) * geometry.depth
                for i in 0..<count {
                    let base = address.constant + batch + rows[first + i]
                    for (k, depth) in depths.enumerated() { out[start + k * count + i] = values[base + depth] }
                }
            }
        }
    }
    return out
}

/// U: every 3×3 filter taken to the points of a tile, in double precision.
private func winogradFilters(
    _ workload: Workload, _ schedule: Schedule, _ form: Prepare.WinogradForm, _ values: UnsafeBufferPointer<Float>
) -> [Float] {
    guard case .success(.contraction(let c)) = workload.structure(schedule.interface),
        let problem = WinogradProblem(workload, c, schedule.interface, lanes: schedule.vectorWidth),
        let transform = schedule.algorithm.winograd, case .read(_, let indices) = c.b
    else { preconditionFailure("only Winograd's algorithm takes filters to points") }
    let address = workload.address(
        slot: problem.weights, indices, extents: workload.definitions[c.anchor].axisExtents)
    func stride(_ axis: Int) -> Int { address.coefficient(ofAxis: axis) }
    let (lineStride, positionStride) = (stride(problem.filterAxes[0]), stride(problem.filterAxes[1]))
    let (depth, width, window) = (problem.inputChannels, form.width, transform.window)
    let panels = problem.outputChannels / width
    var out = [Float](repeating: 0, count: problem.preparedElements(transform))
    var half = [[Double]](repeating: [0, 0, 0], count: window)
    for filter in 0..<problem.outputChannels {
        for channel in 0..<depth {
            let base = address.constant + filter * stride(problem.columnAxis) + channel * stride(problem.channelAxis)
            func tap(_ y: Int, _ x: Int) -> Double { Double(values[base + y * lineStride + x * positionStride]) }
            for i in 0..<window {
                let row = transform.filter[i]
                for x in 0..<3 { half[i][x] = row[0] * tap(0, x) + row[1] * tap(1, x) + row[2] * tap(2, x) }
            }
            for i in 0..<window {
                for j in 0..<window {
                    let row = transform.filter[j]
                    let panel = (i * window + j) * panels + filter / width
                    out[(panel * depth + channel) * width + filter % width] =
                        Float(row[0] * half[i][0] + row[1] * half[i][1] + row[2] * half[i][2])
                }
            }
        }
    }
    return out
}

/// `[…, axis, …]` stored with `axis` last.
private func axisMovedLast(_ axis: Int, of shape: [Int], _ values: UnsafeBufferPointer<Float>) -> [Float] {
    let inner = shape[(axis + 1)...].reduce(1, *)
    let outer = shape[..<axis].reduce(1, *)
    var out = [Float](repeating: 0, count: values.count)
    for o in 0..<outer {
        for a in 0..<shape[axis] {
            for i in 0..<inner { out[(o * inner + i) * shape[axis] + a] = values[(o * shape[axis] + a) * inner + i] }
        }
    }
    return out
}
