// What the statement `tile` has to keep: literal extents in bounds, one displacement per row, f32 slots, an epilogue
// that registers can compute, results that nothing else of the tile reads.

import TensorIR

extension Tile {
    /// Most rows of a tile.
    package static let rowsMax = 64
    /// Most columns of a tile.
    package static let columnsMax = 1024
}

extension PhaseChecker {
    mutating func check(_ tile: Tile) throws(KernelError) {
        guard (1...Tile.rowsMax).contains(tile.rows), (1...Tile.columnsMax).contains(tile.columns),
            tile.columns % 4 == 0, (1...tile.columns).contains(tile.stored), tile.aRows.count == tile.rows
        else { throw error(.contractTile(rows: tile.rows, columns: tile.columns)) }
        for walk in tile.walks {
            guard walk.rows.count == tile.rows, walk.block >= 0 else {
                throw error(.contractTile(rows: walk.rows.count, columns: walk.block))
            }
            try expect(.i64, walk.index, .index)
        }
        guard tile.into.block > 0 else { throw error(.contractTile(rows: tile.rows, columns: 0)) }
        var used = [(tile.into.slot, try write(tile.into.slot))]
        for slot in [tile.a, tile.b] + tile.operands.map(\.slot) + (tile.from.map { [$0.slot] } ?? []) {
            used.append((slot, try read(slot)))
        }
        for (slot, dtype) in used where dtype != .f32 { throw error(.contractDType(slot: slot, dtype)) }
        for slot in [tile.a, tile.b] where slot == tile.into.slot { throw error(.contractAliases(slot: slot)) }
        for (slot, stride) in [(tile.a, tile.aStep), (tile.b, tile.bStride)] where stride < 0 {
            throw error(.contractStride(slot: slot, stride))
        }
        for run in tile.inner where run.extent < 1 || run.aStep < 0 {
            throw error(.contractStride(slot: tile.a, run.aStep))
        }
        try expect(.i64, tile.aIndex, .index)
        try expect(.i64, tile.bIndex, .index)
        try expect(.i64, tile.depth, .depth)
        guard Tile.isRegisterExpression(tile.value, operands: tile.operands.count) else {
            throw error(.tileValue)
        }
        let (depth, nesting) = (tile.value.depth, tile.value.nesting)
        guard depth <= ExprLimits.depthMax else { throw error(.depth(.value, depth)) }
        guard nesting <= ExprLimits.nestingMax else { throw error(.nesting(.value, nesting)) }
    }
}
