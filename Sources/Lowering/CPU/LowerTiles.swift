// The tiled contraction: operands in place or prepared, accumulators in registers over the whole depth, the epilogue
// stored straight from them. Convolutions in maps, 1x1 convolutions and dense layers are all this one template; what
// differs is the walk of each tensor (`ContractionTile`).
//
//     task:  a range of row tiles × a range of column panels of one batch element
//            for panel, for tile   or   for tile, for panel        (`outer`)
//                tile: sum over the depth, epilogue, store
//
// A depth cut into chunks keeps its partial sums in scratch; the last chunk stores. An epilogue that registers cannot
// compute leaves the tile in scratch and loops over it.

import KernelIR
import Schedules
import TensorIR

func lowerTiles(
    _ workload: Workload, _ c: Schedules.Contraction, _ nest: ContractionNest, _ interface: Interface,
    _ tile: ContractionTile
) -> Kernel {
    var lowering = TileLowering(workload, c, nest, interface, tile)
    return lowering.kernel()
}

struct TileLowering {
    let workload: Workload
    let c: Schedules.Contraction
    let nest: ContractionNest
    let tile: ContractionTile
    let grid: RowGrid
    let extents: [Int]
    let depthRuns: [AxisPiece]
    let depth: Int
    let columns: Int
    let batch: Int
    let rowTasks: Int
    let columnTasks: Int
    var builder: KernelBuilder
    var acc = 0

    init(
        _ workload: Workload, _ c: Schedules.Contraction, _ nest: ContractionNest, _ interface: Interface,
        _ tile: ContractionTile
    ) {
        self.workload = workload
        self.c = c
        self.nest = nest
        self.tile = tile
        grid = tile.grid
        let all = workload.definitions[c.anchor].axisExtents
        func product(_ axes: [Int]) -> Int { axes.reduce(1) { $0 * all[$1] } }
        extents = all
        depthRuns = depthWalk(workload, c, nest, interface)
        depth = product(c.depth)
        columns = product(c.columns)
        batch = product(c.batch)
        rowTasks = ceilDivide(grid.allBands, nest.taskRowTiles)
        columnTasks = ceilDivide(columns, nest.taskColumns)
        var prepared: [Int: Int] = [:]
        let geometry = ContractionGeometry(workload, c, nest)
        if nest.a == .prepared, case .read(let slot, _) = c.a {
            prepared[slot] = geometry.elements(.rowPanels(height: nest.microRows))
        }
        if nest.b == .prepared, case .read(let slot, _) = c.b {
            prepared[slot] = geometry.elements(.columnPanels(width: nest.microColumns))
        }
        builder = KernelBuilder(
            workload, interface, tasks: batch * rowTasks * columnTasks, preparedElements: prepared)
    }

    var width: Int { nest.microColumns }
    var panelsPerTask: Int { nest.taskColumns / width }
    var innerSteps: Int { depthRuns.dropFirst().reduce(1) { $0 * $1.extent } }
    /// Outer depth steps of one chunk.
    private var chunkSteps: Int { max(1, min(depth, nest.depth) / innerSteps) }
    var chunks: Int { ceilDivide(depthRuns[0].extent, chunkSteps) }

    /// Where the running tile stands.
    struct Place {
        var batch: Expr
        var band: Expr
        var firstBand: Expr
        var image: Expr
        var lines: Int
        var line: Expr
        var positions: Int
        var position: Expr
        var panel: Expr = .integer(0)
        var stored = 0

        init(_ head: Head, band: Expr, image: Expr, lines: Int, line: Expr) {
            (batch, firstBand) = (head.batch, head.firstBand)
            (self.band, self.image, self.lines, self.line) = (band, image, lines, line)
            (positions, position) = (1, .integer(0))
        }
    }

    mutating func kernel() -> Kernel {
        let tasks = batch * rowTasks * columnTasks
        if chunks > 1 {
            let bands = min(nest.taskRowTiles, grid.allBands)
            acc = builder.scratch(.f32, bands * grid.bands.largest * grid.positions * panelsPerTask * width)
        } else if tile.value == nil {
            acc = builder.scratch(.f32, grid.rowsOfTileMax * width)
        }
        var body: [Statement] = []
        func bind(_ e: Expr, below extent: Int) -> Expr {
            let value = builder.simplified(e)
            if case .literal = value { return value }
            if case .axis = value { return value }
            let v = builder.variable(below: extent)
            body.append(.bind(variable: v, value))
            return .axis(v)
        }
        let perBatch = rowTasks * columnTasks
        let batchIndex = bind(.binary(.floorDivide, .axis(0), .integer(perBatch)), below: batch)
        let inBatch = Expr.binary(.floorModulo, .axis(0), .integer(perBatch))
        let columnTask = bind(.binary(.floorDivide, inBatch, .integer(rowTasks)), below: columnTasks)
        let rowTask = Expr.binary(.floorModulo, .axis(0), .integer(rowTasks))
        let firstBand = bind(rowTask * .integer(nest.taskRowTiles), below: grid.allBands)
        let endBand =
            rowTasks == 1
            ? .integer(grid.allBands)
            : bind(
                .binary(.minimum, firstBand + .integer(nest.taskRowTiles), .integer(grid.allBands)),
                below: grid.allBands + 1)
        let head = (batchIndex, columnTask, firstBand, endBand)
        if chunks == 1 {
            body += chunk(head, first: .integer(0), steps: .integer(depthRuns[0].extent), isFirst: true, isLast: true)
        } else {
            let last = (chunks - 1) * chunkSteps
            body += chunk(head, first: .integer(0), steps: .integer(chunkSteps), isFirst: true, isLast: false)
            if chunks > 2 {
                let v = builder.variable(below: chunks)
                let inner = chunk(
                    head, first: .axis(v) * .integer(chunkSteps), steps: .integer(chunkSteps), isFirst: false,
                    isLast: false)
                body.append(
                    .loop(
                        variable: v, from: .integer(1), to: .integer(chunks - 1), step: 1, vector: false, inner))
            }
            body += chunk(
                head, first: .integer(last), steps: .integer(depthRuns[0].extent - last), isFirst: false, isLast: true)
        }
        return builder.kernel(tasks: tasks, body + builder.haloFill(0, tasks: tasks))
    }

    typealias Head = (batch: Expr, columnTask: Expr, firstBand: Expr, endBand: Expr)

    private mutating func chunk(_ head: Head, first: Expr, steps: Expr, isFirst: Bool, isLast: Bool) -> [Statement] {
        switch nest.outer {
        case .columns:
            return panels(head) { this, panel, stored in
                this.tiles(head) { this, place in
                    var place = place
                    (place.panel, place.stored) = (panel, stored)
                    return this.statements(place, first, steps, isFirst, isLast)
                }
            }
        case .rows:
            return tiles(head) { this, place in
                this.panels(head) { this, panel, stored in
                    var place = place
                    (place.panel, place.stored) = (panel, stored)
                    return this.statements(place, first, steps, isFirst, isLast)
                }
            }
        }
    }

    /// Column panels of the task: whole ones in a loop, the one with fewer columns by itself.
    private mutating func panels(
        _ head: Head, _ body: (inout TileLowering, Expr, Int) -> [Statement]
    ) -> [Statement] {
        let whole = columns / width
        let rest = columns % width
        var out: [Statement] = []
        if whole > 0 {
            let from = builder.simplified(head.columnTask * .integer(panelsPerTask))
            let to: Expr =
                columnTasks == 1
                ? .integer(whole)
                : whole % panelsPerTask == 0 && rest == 0
                    ? builder.simplified(from + .integer(panelsPerTask))
                    : .binary(.minimum, builder.simplified(from + .integer(panelsPerTask)), .integer(whole))
            if whole == 1, columnTasks == 1 {
                out += body(&self, .integer(0), width)
            } else {
                let v = builder.variable(below: whole)
                let inner = body(&self, .axis(v), width)
                out.append(.loop(variable: v, from: from, to: to, step: 1, vector: false, inner))
            }
        }
        if rest > 0 {
            let partial = body(&self, .integer(whole), rest)
            let isLast = Expr.binary(.equal, head.columnTask, .integer(columnTasks - 1))
            out += columnTasks == 1 ? partial : [.when(isLast, partial)]
        }
        return out
    }

    /// The tiles of one band: spans by size.
    private mutating func spans(
        _ band: Place, _ body: (inout TileLowering, Place) -> [Statement]
    ) -> [Statement] {
        var out: [Statement] = []
        for (size, parts) in grid.spans.classes {
            let start = grid.spans.before(parts.lowerBound)
            var place = band
            place.positions = size
            if parts.count == 1 {
                place.position = .integer(start)
                out += body(&self, place)
            } else {
                let v = builder.variable(below: parts.count)
                place.position = builder.simplified(.axis(v) * .integer(size) + .integer(start))
                let inner = body(&self, place)
                out.append(
                    .loop(variable: v, from: .integer(0), to: .integer(parts.count), step: 1, vector: false, inner))
            }
        }
        return out
    }

    /// Register tiles of the task: bands by size, then spans by size.
    private mutating func tiles(_ head: Head, _ body: (inout TileLowering, Place) -> [Statement]) -> [Statement] {
        if grid.images > 1 { return tilesOfImages(head, body) }
        var out: [Statement] = []
        for (size, parts) in grid.bands.classes {
            let isFirst = parts.lowerBound == 0
            let isLast = parts.upperBound == grid.bands.count
            let from: Expr =
                rowTasks == 1
                ? .integer(parts.lowerBound)
                : isFirst ? head.firstBand : .binary(.maximum, head.firstBand, .integer(parts.lowerBound))
            let to: Expr =
                rowTasks == 1
                ? .integer(parts.upperBound)
                : isLast ? head.endBand : .binary(.minimum, head.endBand, .integer(parts.upperBound))
            let v = builder.variable(below: grid.bands.count)
            let line = builder.simplified(
                .axis(v) * .integer(size) + .integer(grid.bands.before(parts.lowerBound) - parts.lowerBound * size))
            let inner = spans(Place(head, band: .axis(v), image: .integer(0), lines: size, line: line), body)
            out.append(.loop(variable: v, from: from, to: to, step: 1, vector: false, inner))
        }
        return out
    }

    /// The same where bands of several images follow each other: no band crosses into the next image.
    private mutating func tilesOfImages(
        _ head: Head, _ body: (inout TileLowering, Place) -> [Statement]
    ) -> [Statement] {
        let split = grid.bands
        let v = builder.variable(below: grid.allBands)
        let image = builder.simplified(.binary(.floorDivide, .axis(v), .integer(split.count)))
        let inImage = builder.simplified(.binary(.floorModulo, .axis(v), .integer(split.count)))
        var inner: [Statement] = []
        for (size, parts) in split.classes {
            let line = builder.simplified(
                (inImage - .integer(parts.lowerBound)) * .integer(size) + .integer(split.before(parts.lowerBound)))
            let bands = spans(Place(head, band: .axis(v), image: image, lines: size, line: line), body)
            if split.classes.count == 1 {
                inner += bands
            } else {
                let tall = Expr.binary(.less, inImage, .integer(split.tall))
                inner.append(.when(parts.lowerBound == 0 ? tall : .unary(.not, tall), bands))
            }
        }
        return [.loop(variable: v, from: head.firstBand, to: head.endBand, step: 1, vector: false, inner)]
    }
}
