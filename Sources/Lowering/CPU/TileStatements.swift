// One register tile of the tiled contraction: where each tensor's elements lie, the `tile` statement, and, where the
// epilogue is nothing for registers, the loops that store from scratch.
//
// In:  the place of a tile in its task.  Out: its statements.

import KernelIR
import Schedules
import TensorIR

extension TileLowering {
    mutating func statements(
        _ place: Place, _ first: Expr, _ steps: Expr, _ isFirst: Bool, _ isLast: Bool
    ) -> [Statement] {
        let rows = place.lines * place.positions
        let sum = Expr.read(slot: 0, [])
        let scratch = accumulators(place)
        let inRegisters = isLast && tile.value != nil
        let (a, aIndex, aRows, aStep, inner) = operandA(place, first)
        let (b, bIndex, bStride) = operandB(place, first)
        let statement = Tile(
            rows: rows, columns: width, stored: inRegisters ? place.stored : width, a: a, aIndex: aIndex, aRows: aRows,
            aStep: aStep, b: b, bIndex: bIndex, bStride: bStride, depth: builder.simplified(steps), inner: inner,
            from: isFirst ? nil : scratch, into: inRegisters ? walk(tile.result, place, result: true) : scratch,
            operands: inRegisters ? tile.operands.map { walk($0, place, result: false) } : [],
            value: inRegisters ? tile.value ?? sum : sum)
        var out: [Statement] = [.tile(statement)]
        if isLast, !inRegisters { out += epilogue(place, scratch) }
        return out
    }

    private func accumulators(_ place: Place) -> Tile.Walk {
        let stride = chunks > 1 ? panelsPerTask * width : width
        let positions = chunks > 1 ? grid.positions : place.positions
        var index: Expr = .integer(0)
        if chunks > 1 {
            let band = (place.band - place.firstBand) * .integer(grid.bands.largest * grid.positions)
            let columnTask = Expr.binary(.floorModulo, place.panel, .integer(panelsPerTask))
            index = (band + place.position) * .integer(stride) + columnTask * .integer(width)
        }
        let rows = (0..<place.lines).flatMap { l in
            (0..<place.positions).map { (l * positions + $0) * stride }
        }
        return Tile.Walk(slot: acc, index: builder.simplified(index), rows: rows, block: width, blockStride: 0)
    }

    private func displacements(_ access: TileAccess, _ place: Place) -> [Int] {
        (0..<place.lines).flatMap { l in
            (0..<place.positions).map { l * access.lineStride + $0 * access.positionStride }
        }
    }

    /// Address of the tile's first row in a tensor, columns and depth aside.
    private func base(_ access: TileAccess, _ place: Place) -> Expr {
        func sum(_ axes: [Int], _ linear: Expr) -> Expr {
            let pieces = access.walk.pieces(of: axes)
            let at = builder.delinearised(linear, pieces.map(\.extent))
            return zip(pieces, at).reduce(.integer(0)) { $0 + $1.1 * .integer($1.0.stride) }
        }
        return .integer(access.walk.origin) + sum(c.batch, place.batch) + sum(grid.imageAxes, place.image)
            + place.line * .integer(access.lineStride) + place.position * .integer(access.positionStride)
    }

    private func operandA(_ place: Place, _ first: Expr) -> (Int, Expr, [Int], Int, [Tile.Run]) {
        let inner = depthRuns.dropFirst().map { Tile.Run(extent: $0.extent, aStep: $0.stride) }
        guard let access = tile.a else {
            guard case .read(let slot, _) = c.a else { preconditionFailure("a prepared operand is a plain read") }
            let rows = place.lines
            let index = (place.batch * .integer(grid.lines) + place.line) * .integer(depth) + first * .integer(rows)
            return (slot, builder.simplified(index), Array(0..<rows), rows, [])
        }
        let index = base(access, place) + first * .integer(depthRuns[0].stride)
        return (
            access.walk.slot, builder.simplified(index), displacements(access, place), depthRuns[0].stride,
            Array(inner)
        )
    }

    private func operandB(_ place: Place, _ first: Expr) -> (Int, Expr, Int) {
        let step = first * .integer(innerSteps)
        guard let access = tile.b else {
            guard case .read(let slot, _) = c.b else { preconditionFailure("a prepared operand is a plain read") }
            let panel = place.batch * .integer(ceilDivide(columns, width)) + place.panel
            return (slot, builder.simplified((panel * .integer(depth) + step) * .integer(width)), width)
        }
        let stride = access.walk.linearStride(c.depth) ?? 0
        let index = base(access, place) + place.panel * .integer(width) + step * .integer(stride)
        return (access.walk.slot, builder.simplified(index), stride)
    }

    private func walk(_ access: TileAccess, _ place: Place, result: Bool) -> Tile.Walk {
        let column = place.panel * .integer(width)
        let slot = result ? builder.resultBuffer(0) : access.walk.slot
        var index = base(access, place)
        var (block, stride) = (0, 0)
        switch access.columns {
        case .none: break
        case .contiguous:
            index = index + column
            block = width
        case .blocks(let size, let apart):
            index =
                index + .binary(.floorDivide, column, .integer(size)) * .integer(apart)
                + .binary(.floorModulo, column, .integer(size))
            (block, stride) = (min(size, width), width > size ? apart : 0)
        }
        return Tile.Walk(
            slot: slot, index: builder.simplified(index), rows: displacements(access, place), block: block,
            blockStride: stride)
    }

    // MARK: what registers cannot compute

    /// Loops over the tile in scratch, columns innermost.
    private mutating func epilogue(_ place: Place, _ scratch: Tile.Walk) -> [Statement] {
        let stride = scratch.rows.count > 1 ? scratch.rows[1] - scratch.rows[0] : width
        let lineStride = place.lines > 1 ? scratch.rows[place.positions] - scratch.rows[0] : 0
        let block: Int
        switch tile.result.columns {
        case .blocks(let size, _): block = min(size, width)
        case .contiguous, .none: block = width
        }
        let this = self
        var local = builder
        defer { builder = local }
        return local.loop(place.lines) { builder, l in
            builder.loop(place.positions) { builder, p in
                var out: [Statement] = []
                for start in stride0(place.stored, block) {
                    out += builder.loop(min(block, place.stored - start), vector: true) { builder, x in
                        let j = builder.simplified(x + .integer(start))
                        let held = scratch.index + l * .integer(lineStride) + p * .integer(stride) + j
                        return [this.store(builder, place, l, p, j, .read(slot: this.acc, [builder.simplified(held)]))]
                    }
                }
                return out
            }
        }
    }

    private func stride0(_ count: Int, _ block: Int) -> [Int] { Array(Swift.stride(from: 0, to: count, by: block)) }

    private func store(
        _ builder: KernelBuilder, _ place: Place, _ l: Expr, _ p: Expr, _ j: Expr, _ held: Expr
    ) -> Statement {
        var axes = extents.map { _ in Expr.integer(0) }
        func set(_ role: [Int], _ linear: Expr) {
            for (axis, value) in zip(role, builder.delinearised(builder.simplified(linear), role.map { extents[$0] })) {
                axes[axis] = value
            }
        }
        set(c.batch, place.batch)
        set(grid.imageAxes, place.image)
        for (rows, linear) in [(grid.lineAxes, place.line + l), (grid.positionAxes, place.position + p)] {
            for (row, value) in zip(rows, builder.delinearised(builder.simplified(linear), rows.map(\.extent))) {
                axes[row.axis] = builder.simplified(axes[row.axis] + value * .integer(row.unit))
            }
        }
        set(c.columns, place.panel * .integer(width) + j)
        let space = Array(axes.prefix(workload.definitions[c.anchor].type.rank))
        let result = workload.results[0] - workload.parameters.count
        var value = held
        if result != c.anchor {
            guard case .map(let e) = workload.definitions[result].body else {
                preconditionFailure("an epilogue is made of maps")
            }
            value = builder.flattened(e, axes: space) { d, _ in d == c.anchor ? held : nil }
        }
        return .map(slot: builder.resultBuffer(0), index: builder.resultAddress(0, space), value: value)
    }
}
