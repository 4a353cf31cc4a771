// Roller's growth (paper section 3.2): start from the smallest aligned tile and enlarge the axis with the best
// data-reuse score, (traffic before − traffic after) ÷ (footprint after − footprint before), until the level is full.
// A tile none of whose axes can grow further is saturated. Depth first with backtracking to the second-best axis, so
// the first saturated tiles are the best scored ones; `seen` keeps the walk linear in distinct tiles.

/// One level of an rTile under growth.
protocol GrowingTile: Hashable {
    /// Bytes the level must hold.
    var footprint: Double { get }
    /// Bytes moved into the level for the whole operator.
    var traffic: Double { get }
    /// Every aligned enlargement by one step of one axis, or why an axis stays.
    func enlarged() -> [Feasible<Self>]
}

/// Saturated tiles in the order of growth, at most `limit`; `left` hears every rejection.
func grow<Tile: GrowingTile & Sendable>(from start: Tile, limit: Int, left: (Rejection) -> Void) -> [Tile] {
    var seen: Set<Tile> = []
    var saturated: [Tile] = []
    func score(_ tile: Tile, _ next: Tile) -> Double {
        let cost = next.footprint - tile.footprint
        let saved = tile.traffic - next.traffic
        return cost > 0 ? saved / cost : saved
    }
    func walk(_ tile: Tile) {
        guard saturated.count < limit, seen.insert(tile).inserted else { return }
        var next: [(tile: Tile, score: Double)] = []
        for step in tile.enlarged() {
            switch step {
            case .fits(let larger): next.append((larger, score(tile, larger)))
            case .rejected(let reason): left(reason)
            }
        }
        if next.allSatisfy({ $0.score <= 0 }) { saturated.append(tile) }
        for candidate in next.sorted(by: { $0.score > $1.score }) { walk(candidate.tile) }
    }
    walk(start)
    return saturated
}
