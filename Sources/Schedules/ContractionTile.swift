// What one register tile of a contraction touches, tensor by tensor, when nothing is packed: constant strides along
// lines, positions and columns. Lowering turns it into micro-kernels that store straight from their registers; the
// verifier and Roller ask whether it exists.

import TensorIR

/// How a tensor runs along the columns of a tile.
package enum ColumnForm: Hashable, Sendable {
    /// It does not depend on the column.
    case none
    case contiguous
    /// Blocks of `block` neighbouring columns, `stride` elements apart.
    case blocks(of: Int, stride: Int)
}

package struct TileAccess: Hashable, Sendable {
    package var walk: OperandWalk
    package var lineStride: Int
    package var positionStride: Int
    package var columns: ColumnForm
}

package struct ContractionTile: Hashable, Sendable {
    package var grid: RowGrid
    package var a: TileAccess?
    package var b: TileAccess?
    package var result: TileAccess
    /// What the epilogue reads beside the accumulator. In `value`, `read(slot: n, [])` is operand n - 1 and 0 the
    /// accumulator.
    package var operands: [TileAccess]
    /// The epilogue over registers; `nil` when it holds what only a loop over memory can compute.
    package var value: Expr?
}

extension Workload {
    /// The tile of `nest`; `nil` when an operand has no constant strides under `interface`.
    package func tile(_ c: Contraction, _ nest: ContractionNest, _ interface: Interface) -> ContractionTile? {
        let grid = RowGrid(self, c, nest, width: lineWidth(c, interface))
        let extents = definitions[c.anchor].axisExtents
        let space = Array(0..<definitions[c.anchor].type.rank)
        func access(_ walk: OperandWalk) -> TileAccess? {
            guard let line = walk.linearStride(grid.lineAxes), let position = walk.linearStride(grid.positionAxes),
                let columns = form(walk.pieces(of: c.columns), width: nest.microColumns)
            else { return nil }
            return TileAccess(walk: walk, lineStride: line, positionStride: position, columns: columns)
        }
        func operand(_ e: Expr, _ source: OperandSource) -> TileAccess?? {
            switch source {
            case .packed: return nil
            case .prepared: return .some(nil)
            case .direct:
                guard let walk = walk(e, extents: extents, interface), let found = access(walk) else { return nil }
                return .some(found)
            }
        }
        guard let a = operand(c.a, nest.a), let b = operand(c.b, nest.b) else { return nil }
        let slot = results[0]
        let spaceExtents = space.map { extents[$0] }
        guard
            let stored = walk(
                slot, space.map { .axis($0) }, extents: spaceExtents, interface.layout(ofSlot: slot)),
            let result = access(stored), result.columns != .none
        else { return nil }
        var tile = ContractionTile(grid: grid, a: a, b: b, result: result, operands: [], value: nil)
        tile.value = registerEpilogue(c, interface, access) { tile.operands.append($0) }
        if tile.value == nil { tile.operands = [] }
        return tile
    }

    private func form(_ pieces: [AxisPiece], width: Int) -> ColumnForm? {
        let runs = merged(pieces)
        if runs.allSatisfy({ $0.stride == 0 }) { return ColumnForm.none }
        if runs.count == 1, runs[0].stride == 1 { return .contiguous }
        guard runs.count == 2, runs[1].stride == 1 else { return nil }
        // a panel starts with a block, or inside of one that holds all of it
        let size = runs[1].extent
        return width % size == 0 || size % width == 0 ? .blocks(of: size, stride: runs[0].stride) : nil
    }

    /// The result over its own axes, with everything between it and the anchor inlined.
    package func inlinedEpilogue(_ anchor: Int) -> Expr {
        func inlined(_ e: Expr) -> Expr {
            e.rewritten { node in
                guard case .read(let slot, let indices) = node, slot > parameters.count + anchor else { return node }
                guard case .map(let inner) = definitions[slot - parameters.count].body else {
                    preconditionFailure("an epilogue is made of maps")
                }
                return inlined(inner).substituting(axes: indices)
            }
        }
        let rank = definitions[anchor].type.rank
        return inlined(.read(slot: results[0], (0..<rank).map { .axis($0) }))
    }

    private func registerEpilogue(
        _ c: Contraction, _ interface: Interface, _ access: (OperandWalk) -> TileAccess?,
        _ add: (TileAccess) -> Void
    ) -> Expr? {
        guard results[0] >= parameters.count + c.anchor else { return nil }
        let anchorSlot = parameters.count + c.anchor
        let extents = Array(definitions[c.anchor].axisExtents.prefix(definitions[c.anchor].type.rank))
        var known: [Expr: Int] = [:]
        func registers(_ e: Expr) -> Expr? {
            switch e {
            case .literal(let literal): return literal.dtype == .f32 ? e : nil
            case .read(anchorSlot, _): return .read(slot: 0, [])
            case .read(let slot, let indices):
                if let n = known[e] { return .read(slot: n, []) }
                guard slot < parameters.count, parameters[slot].type.dtype == .f32,
                    let walk = walk(slot, indices, extents: extents, interface.layout(ofSlot: slot)),
                    let found = access(walk)
                else { return nil }
                add(found)
                known[e] = known.count + 1
                return .read(slot: known.count, [])
            case .unary(.negate, let a): return registers(a).map { .unary(.negate, $0) }
            case .binary(let op, let a, let b):
                switch op {
                case .add, .subtract, .multiply, .divide, .maximum, .minimum:
                    guard let x = registers(a), let y = registers(b) else { return nil }
                    return .binary(op, x, y)
                case .floorDivide, .floorModulo, .truncDivide, .truncRemainder, .floatRemainder, .power, .equal,
                    .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .and, .or, .bitAnd, .bitOr, .bitXor,
                    .shiftLeft, .shiftRight:
                    return nil
                }
            case .axis, .unary, .select, .cast: return nil
            }
        }
        return registers(inlinedEpilogue(c.anchor))
    }
}
