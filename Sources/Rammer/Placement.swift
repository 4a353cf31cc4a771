// Places grids on lanes: a list scheduling in which a grid starts as early as its lanes and the grids before it allow.
// In: grids and a number of lanes. Out: pieces (a range of a grid's tasks on a lane) with estimated times. Two orders
// are tried, that of the calls and that of the longest way to the end (upward rank, as in HEFT), and the second is
// taken where it promises a shorter run. The estimates decide who runs where; waits alone decide that it is right.

/// Consecutive tasks of a grid on one lane, with the estimated time of their run.
struct Piece: Hashable, Sendable {
    var grid: Int
    var lane: Int
    var tasks: Range<Int>
    var start: Double
    var end: Double
}

struct Placement: Sendable {
    /// Rising in start. A grid's pieces end before a piece of a grid after it starts.
    var pieces: [Piece]
    var endNs: Double
}

enum PlacementGain {
    /// Another order of grids must shorten the run at least to this share: it costs memory.
    static let orderRatioMax = 0.98
}

/// Where and when each grid runs.
func place(_ grids: [Grid], lanes: Int) -> Placement {
    let asGiven = place(grids, order: Array(grids.indices), lanes: lanes)
    guard lanes > 1 else { return asGiven }
    let ranked = place(grids, order: upwardRankOrder(grids), lanes: lanes)
    return ranked.endNs < asGiven.endNs * PlacementGain.orderRatioMax ? ranked : asGiven
}

private func place(_ grids: [Grid], order: [Int], lanes: Int) -> Placement {
    var free = [Double](repeating: 0, count: lanes)
    var placed = [[Piece]](repeating: [], count: grids.count)
    for index in order {
        let grid = grids[index]
        let starts = (0..<lanes).map { lane -> Double in
            var start = free[lane]
            for before in grid.after {
                for piece in placed[before] {
                    start = max(start, piece.end + (piece.lane == lane ? 0 : LaneGrain.crossingNs))
                }
            }
            return start
        }
        let earliest = (0..<lanes).sorted { (starts[$0], $0) < (starts[$1], $1) }.prefix(grid.shares).sorted()
        for (share, lane) in earliest.enumerated() {
            let tasks = (share * grid.tasks / grid.shares)..<((share + 1) * grid.tasks / grid.shares)
            let ns = max(grid.ns * Double(tasks.count) / Double(grid.tasks), LaneGrain.pieceNsMin)
            let piece = Piece(
                grid: index, lane: lane, tasks: tasks, start: starts[lane], end: starts[lane] + ns)
            placed[index].append(piece)
            free[lane] = piece.end
        }
    }
    let pieces = placed.joined().sorted { ($0.start, $0.grid, $0.lane) < ($1.start, $1.grid, $1.lane) }
    return Placement(pieces: pieces, endNs: free.max() ?? 0)
}

/// Grids with the longest way to the end first; ties stay in order, so that no grid comes before one it follows.
private func upwardRankOrder(_ grids: [Grid]) -> [Int] {
    var rank = [Double](repeating: 0, count: grids.count)
    for index in grids.indices.reversed() {
        rank[index] += grids[index].ns / Double(grids[index].shares)
        for before in grids[index].after { rank[before] = max(rank[before], rank[index] + LaneGrain.crossingNs) }
    }
    return grids.indices.sorted { (-rank[$0], $0) < (-rank[$1], $1) }
}
