// The contraction template: C = epilogue(Σ A·B), tasks are boxes of rows × columns of one batch element.
//
//     task:  pack B (columns of the task, whole depth) and A when the schedule says so
//            for depth chunk, for column panel, for row tile:  acc += micro-kernel(A tile, B panel)
//            for row, for column:  result = epilogue(acc)
//
// Convolution needs nothing of its own: its index maps with their padding predicates are the packing expression.
// Row tiles are balanced (`ContractionGeometry`), the last column panel is padded with zeros.

import KernelIR
import Schedules
import TensorIR

func lowerContraction(_ workload: Workload, _ c: Schedules.Contraction, _ nest: ContractionNest) -> Kernel {
    var lowering = ContractionLowering(workload, c, nest)
    return lowering.kernel()
}

private struct ContractionLowering {
    let workload: Workload
    let c: Schedules.Contraction
    let nest: ContractionNest
    let g: ContractionGeometry
    let extents: [Int]
    let rowTasks: Int
    let columnTasks: Int
    /// Columns of the task, rounded up to whole panels: the row stride of `acc` and of packed B.
    let stride: Int
    var builder: KernelBuilder
    var acc = 0
    var packedA = 0
    var packedB = 0

    init(_ workload: Workload, _ c: Schedules.Contraction, _ nest: ContractionNest) {
        self.workload = workload
        self.c = c
        self.nest = nest
        let geometry = ContractionGeometry(workload, c, nest)
        g = geometry
        extents = workload.definitions[c.anchor].axisExtents
        rowTasks = ceilDivide(g.tiles, nest.taskRowTiles)
        columnTasks = ceilDivide(g.columns, nest.taskColumns)
        stride = ceilDivide(min(nest.taskColumns, g.columns), nest.microColumns) * nest.microColumns
        var prepared: [Int: Int] = [:]
        if nest.a == .prepared, case .read(let slot, _) = c.a {
            prepared[slot] = geometry.elements(.rowPanels(height: nest.microRows))
        }
        if nest.b == .prepared, case .read(let slot, _) = c.b {
            prepared[slot] = geometry.elements(.columnPanels(width: nest.microColumns))
        }
        builder = KernelBuilder(
            workload, .rowMajor(workload), tasks: geometry.batch * rowTasks * columnTasks, preparedElements: prepared)
    }

    private var tasks: Int { g.batch * rowTasks * columnTasks }
    private var rowsMax: Int { min(g.rows, nest.taskRowTiles * (g.height + (g.tallTiles > 0 ? 1 : 0))) }

    // Bound at the head of a task.
    private var batch: Expr {
        builder.simplified(.binary(.floorDivide, .axis(0), .integer(rowTasks * columnTasks)))
    }
    private var columnTask: Expr {
        builder.simplified(
            .binary(.floorModulo, .binary(.floorDivide, .axis(0), .integer(rowTasks)), .integer(columnTasks)))
    }
    private var rowTask: Expr { builder.simplified(.binary(.floorModulo, .axis(0), .integer(rowTasks))) }

    mutating func kernel() -> Kernel {
        acc = builder.scratch(.f32, rowsMax * stride)
        if nest.a == .packed { packedA = builder.scratch(.f32, rowsMax * g.depth) }
        if nest.b == .packed { packedB = builder.scratch(.f32, g.depth * stride) }
        var body: [Statement] = []
        // first tile, end tile, first row, rows, first column, columns of the task
        let head = bindHead(&body)
        if nest.b == .packed { body += packB(head) }
        if nest.a == .packed { body += packA(head) }
        body += contractions(head)
        body += epilogue(head)
        return builder.kernel(tasks: tasks, body)
    }

    private struct Head {
        var batch: Expr
        var firstTile: Expr
        var endTile: Expr
        var firstRow: Expr
        var rows: Expr
        var firstColumn: Expr
        var columns: Expr
    }

    private mutating func bindHead(_ body: inout [Statement]) -> Head {
        func bind(_ e: Expr, below extent: Int, _ builder: inout KernelBuilder) -> Expr {
            let value = builder.simplified(e)
            if case .literal = value { return value }
            let v = builder.variable(below: extent)
            body.append(.bind(variable: v, value))
            return .axis(v)
        }
        func rowsBefore(_ tile: Expr) -> Expr {
            if g.tallTiles == 0 { return tile * .integer(g.height) }
            return tile * .integer(g.height) + .binary(.minimum, tile, .integer(g.tallTiles))
        }
        let batchValue = bind(batch, below: g.batch, &builder)
        let first = bind(rowTask * .integer(nest.taskRowTiles), below: g.tiles, &builder)
        let end: Expr
        let firstRow: Expr
        let rows: Expr
        if rowTasks == 1 {
            (end, firstRow, rows) = (.integer(g.tiles), .integer(0), .integer(g.rows))
        } else {
            end = bind(
                .binary(.minimum, first + .integer(nest.taskRowTiles), .integer(g.tiles)), below: g.tiles + 1, &builder)
            firstRow = bind(rowsBefore(first), below: g.rows, &builder)
            rows = bind(rowsBefore(end) - firstRow, below: g.rows + 1, &builder)
        }
        let firstColumn = bind(columnTask * .integer(nest.taskColumns), below: g.columns, &builder)
        let columns: Expr =
            g.columns % nest.taskColumns == 0
            ? .integer(nest.taskColumns)
            : columnTasks == 1
                ? .integer(g.columns)
                : bind(
                    .binary(.minimum, .integer(nest.taskColumns), .integer(g.columns) - firstColumn),
                    below: nest.taskColumns + 1, &builder)
        return Head(
            batch: batchValue, firstTile: first, endTile: end, firstRow: firstRow, rows: rows,
            firstColumn: firstColumn, columns: columns)
    }

    /// Axis values of the anchor for given batch, row, column and depth indices (one list per role).
    private func axes(batch: [Expr], rows: [Expr], columns: [Expr], depth: [Expr]) -> [Expr] {
        var out = extents.map { _ in Expr.integer(0) }
        for (role, values) in [(c.batch, batch), (c.rows, rows), (c.columns, columns), (c.depth, depth)] {
            for (axis, value) in zip(role, values) { out[axis] = value }
        }
        return out
    }

    private func shape(_ role: [Int]) -> [Int] { role.map { extents[$0] } }

    /// Loops over the columns of the task: `body` gets the offset inside the task and the column axes. A task with
    /// several column axes holds whole lines of the inner ones, so no division stands in the innermost loop.
    private mutating func columnLoops(
        _ head: Head, _ body: (inout KernelBuilder, Expr, [Expr]) -> [Statement]
    ) -> [Statement] {
        let shape = shape(c.columns)
        if shape.count <= 1 {
            let v = builder.variable(below: min(nest.taskColumns, g.columns))
            let inner = body(&builder, .axis(v), [builder.simplified(head.firstColumn + .axis(v))])
            return [.loop(variable: v, from: .integer(0), to: head.columns, step: 1, vector: true, inner)]
        }
        let line = shape.dropFirst().reduce(1, *)
        precondition(nest.taskColumns % line == 0, "a task holds whole lines of the inner column axes")
        let firstLine = builder.simplified(.binary(.floorDivide, head.firstColumn, .integer(line)))
        let lines = builder.simplified(.binary(.floorDivide, head.columns, .integer(line)))
        let y = builder.variable(below: shape[0])
        let inner = builder.loops(Array(shape.dropFirst())) { builder, rest in
            let offset = builder.flat([.axis(y)] + rest, shape)
            return body(&builder, offset, [builder.simplified(firstLine + .axis(y))] + rest)
        }
        return [.loop(variable: y, from: .integer(0), to: lines, step: 1, vector: false, inner)]
    }

    private mutating func packB(_ head: Head) -> [Statement] {
        let batchAxes = builder.delinearised(head.batch, shape(c.batch))
        let depthShape = shape(c.depth)
        let (this, slot, width) = (self, packedB, stride)
        var copy = self
        let pack = { (builder: inout KernelBuilder, depth: [Expr]) -> [Statement] in
            copy.builder = builder
            let k = builder.flat(depth, depthShape)
            var out = copy.columnLoops(head) { builder, offset, columns in
                let axes = this.axes(batch: batchAxes, rows: [], columns: columns, depth: depth)
                let value = builder.flattened(this.c.b, axes: axes) { _, _ in nil }
                return [.map(slot: slot, index: builder.simplified(k * .integer(width) + offset), value: value)]
            }
            builder = copy.builder
            if head.columns != .integer(width) {
                let v = builder.variable(below: width)
                out.append(
                    .loop(
                        variable: v, from: head.columns, to: .integer(width), step: 1, vector: true,
                        [.map(slot: slot, index: builder.simplified(k * .integer(width) + .axis(v)), value: .float(0))]
                    ))
            }
            return out
        }
        return nestedDepth(depthShape, pack)
    }

    private mutating func nestedDepth(
        _ shape: [Int], _ body: (inout KernelBuilder, [Expr]) -> [Statement]
    ) -> [Statement] {
        func nest(_ builder: inout KernelBuilder, _ d: Int, _ indices: [Expr]) -> [Statement] {
            guard d < shape.count else { return body(&builder, indices) }
            return builder.loop(shape[d]) { builder, v in nest(&builder, d + 1, indices + [v]) }
        }
        return nest(&builder, 0, [])
    }

    /// Runs `body` for the tall tiles and for the others: tile variable, rows of the tile, its first row in the task.
    private mutating func tileLoops(
        _ head: Head, _ body: (inout KernelBuilder, _ rows: Int, _ firstRow: Expr) -> [Statement]
    ) -> [Statement] {
        var out: [Statement] = []
        let tall = Expr.integer(g.tallTiles)
        for isTall in [true, false] {
            let rows = isTall ? g.height + 1 : g.height
            guard isTall ? g.tallTiles > 0 : g.tallTiles < g.tiles else { continue }
            let from: Expr
            let to: Expr
            if rowTasks == 1 {
                (from, to) = isTall ? (.integer(0), tall) : (tall, .integer(g.tiles))
            } else if g.tallTiles == 0 {
                (from, to) = (head.firstTile, head.endTile)
            } else {
                from = isTall ? head.firstTile : .binary(.maximum, head.firstTile, tall)
                to = isTall ? .binary(.minimum, head.endTile, tall) : head.endTile
            }
            let v = builder.variable(below: g.tiles)
            let before = Expr.axis(v) * .integer(rows) + .integer(isTall ? 0 : g.tallTiles)
            let inner = body(&builder, rows, builder.simplified(before - head.firstRow))
            out.append(.loop(variable: v, from: from, to: to, step: 1, vector: false, inner))
        }
        return out
    }

    private mutating func packA(_ head: Head) -> [Statement] {
        let batchAxes = builder.delinearised(head.batch, shape(c.batch))
        let (this, slot) = (self, packedA)
        return tileLoops(head) { builder, rows, firstRow in
            builder.loops([rows, this.g.depth]) { builder, at in
                let row = builder.simplified(head.firstRow + firstRow + at[0])
                let axes = this.axes(
                    batch: batchAxes, rows: builder.delinearised(row, this.shape(this.c.rows)), columns: [],
                    depth: builder.delinearised(at[1], this.shape(this.c.depth)))
                let value = builder.flattened(this.c.a, axes: axes) { _, _ in nil }
                let index = firstRow * .integer(this.g.depth) + at[1] * .integer(rows) + at[0]
                return [.map(slot: slot, index: builder.simplified(index), value: value)]
            }
        }
    }

    private mutating func contractions(_ head: Head) -> [Statement] {
        let panels = builder.simplified(
            .binary(.floorDivide, head.columns + .integer(nest.microColumns - 1), .integer(nest.microColumns)))
        var out: [Statement] = []
        let chunks = ceilDivide(g.depth, nest.depth)
        func chunk(_ builder: inout KernelBuilder, _ this: Self, first: Expr, count: Expr, accumulate: Bool)
            -> [Statement]
        {
            let p = builder.variable(below: ceilDivide(this.stride, this.nest.microColumns))
            var copy = this
            copy.builder = builder
            let inner = copy.tileLoops(head) { builder, rows, firstRow in
                [
                    .contract(
                        this.contract(
                            builder, head, rows: rows, firstRow: firstRow, panel: .axis(p), firstDepth: first,
                            depth: count, accumulate: accumulate))
                ]
            }
            builder = copy.builder
            return [.loop(variable: p, from: .integer(0), to: panels, step: 1, vector: false, inner)]
        }
        out += chunk(
            &builder, self, first: .integer(0), count: .integer(min(nest.depth, g.depth)), accumulate: false)
        if chunks > 1 {
            let v = builder.variable(below: chunks)
            let first = Expr.axis(v) * .integer(nest.depth)
            let count =
                g.depth % nest.depth == 0
                ? Expr.integer(nest.depth)
                : .binary(.minimum, .integer(nest.depth), .integer(g.depth) - first)
            let inner = chunk(&builder, self, first: first, count: count, accumulate: true)
            out.append(
                .loop(variable: v, from: .integer(1), to: .integer(chunks), step: 1, vector: false, inner))
        }
        return out
    }

    private func contract(
        _ builder: KernelBuilder, _ head: Head, rows: Int, firstRow: Expr, panel: Expr, firstDepth: Expr, depth: Expr,
        accumulate: Bool
    ) -> Contract {
        let width = nest.microColumns
        let row = head.firstRow + firstRow
        let (a, aIndex, aRow, aStep): (Int, Expr, Int, Int)
        switch nest.a {
        case .direct:
            let (slot, address) = operand(c.a)
            aRow = linearStride(address, c.rows) ?? 0
            aStep = linearStride(address, c.depth) ?? 0
            let batchPart = axisSum(builder, address, c.batch, head.batch)
            (a, aIndex) = (slot, batchPart + row * .integer(aRow) + firstDepth * .integer(aStep))
        case .packed:
            (a, aRow, aStep) = (packedA, 1, rows)
            aIndex = firstRow * .integer(g.depth) + firstDepth * .integer(rows)
        case .prepared:
            (a, aRow, aStep) = (operand(c.a).slot, 1, rows)
            aIndex = (head.batch * .integer(g.rows) + row) * .integer(g.depth) + firstDepth * .integer(rows)
        }
        let (b, bIndex, bStride): (Int, Expr, Int)
        switch nest.b {
        case .direct:
            let (slot, address) = operand(c.b)
            bStride = linearStride(address, c.depth) ?? 0
            let batchPart = axisSum(builder, address, c.batch, head.batch)
            (b, bIndex) = (
                slot, batchPart + head.firstColumn + panel * .integer(width) + firstDepth * .integer(bStride)
            )
        case .packed:
            (b, bStride) = (packedB, stride)
            bIndex = firstDepth * .integer(stride) + panel * .integer(width)
        case .prepared:
            (b, bStride) = (operand(c.b).slot, width)
            let firstPanel = Expr.binary(.floorDivide, head.firstColumn, .integer(width))
            bIndex =
                ((head.batch * .integer(g.columnPanels) + firstPanel + panel) * .integer(g.depth) + firstDepth)
                * .integer(width)
        }
        return Contract(
            rows: rows, columns: width, acc: acc,
            accIndex: builder.simplified(firstRow * .integer(stride) + panel * .integer(width)), accStride: stride,
            a: a, aIndex: builder.simplified(aIndex), aRow: aRow, aStep: aStep, b: b,
            bIndex: builder.simplified(bIndex), bStride: bStride, depth: builder.simplified(depth),
            accumulate: accumulate)
    }

    private func operand(_ e: Expr) -> (slot: Int, address: Affine) {
        guard case .read(let slot, let indices) = e else { preconditionFailure("a direct operand is a plain read") }
        return (slot, workload.address(slot: slot, indices, extents: extents))
    }

    private func linearStride(_ address: Affine, _ axes: [Int]) -> Int? {
        Schedules.linearStride(address, axes, extents: extents)
    }

    private func axisSum(_ builder: KernelBuilder, _ address: Affine, _ axes: [Int], _ linear: Expr) -> Expr {
        zip(axes, builder.delinearised(linear, shape(axes))).reduce(.integer(address.constant)) {
            $0 + $1.1 * .integer(address.coefficient(ofAxis: $1.0))
        }
    }

    private mutating func epilogue(_ head: Head) -> [Statement] {
        let result = workload.results[0] - workload.parameters.count
        let buffer = builder.resultBuffer(0)
        let batchAxes = builder.delinearised(head.batch, shape(c.batch))
        let i = builder.variable(below: rowsMax)
        let row = builder.simplified(head.firstRow + .axis(i))
        let rowAxes = builder.delinearised(row, shape(c.rows))
        let this = self
        let inner = columnLoops(head) { builder, offset, columns in
            let axes = this.axes(batch: batchAxes, rows: rowAxes, columns: columns, depth: [])
            let space = Array(axes.prefix(this.workload.definitions[this.c.anchor].type.rank))
            let held = Expr.read(
                slot: this.acc, [builder.simplified(.axis(i) * .integer(this.stride) + offset)])
            let value: Expr
            if result == this.c.anchor {
                value = held
            } else if case .map(let e) = this.workload.definitions[result].body {
                value = builder.flattened(e, axes: space) { d, _ in d == this.c.anchor ? held : nil }
            } else {
                preconditionFailure("an epilogue is made of maps")
            }
            let index = builder.flat(space, this.workload.definitions[result].type.shape)
            return [.map(slot: buffer, index: index, value: value)]
        }
        return [.loop(variable: i, from: .integer(0), to: head.rows, step: 1, vector: false, inner)]
    }
}
