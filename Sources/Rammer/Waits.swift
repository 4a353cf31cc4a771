// The waits that make a placement right on real lanes. In: grids placed on lanes, and where every buffer lies. Out: for
// each piece the pieces of other lanes that it waits for. Dependences are tracked per byte range: read after write,
// write after read, write after write, and also where the memory plan gave the bytes of a dead buffer to a new one.
// A wait is left out where another one implies it: every lane carries a vector clock of the pieces it knows to have
// ended. Ranges are those of whole buffers, so a piece waits for all pieces of a phase before it that it depends on.

import ProgramIR

/// For each piece, in the order of the placement: how many pieces of each lane must have ended before it starts, 0
/// where nothing needs saying.
func waits(
    _ placement: Placement, _ grids: [Grid], _ graph: TaskGraph, offsets: [Int: Int], lanes: Int
) -> [[Int]] {
    let positions = positionsOnLane(placement.pieces, lanes: lanes)
    let needs = dependences(placement, positions, grids, graph, offsets: offsets, lanes: lanes)
    return reduced(needs, placement.pieces, positions, lanes: lanes)
}

/// For each piece how many pieces of its lane come before it.
private func positionsOnLane(_ pieces: [Piece], lanes: Int) -> [Int] {
    var count = [Int](repeating: 0, count: lanes)
    return pieces.map { piece in
        count[piece.lane] += 1
        return count[piece.lane] - 1
    }
}

/// What each piece has to follow, as pieces per lane that must have ended, its own lane included.
private func dependences(
    _ placement: Placement, _ positions: [Int], _ grids: [Grid], _ graph: TaskGraph, offsets: [Int: Int], lanes: Int
) -> [[Int]] {
    var memory = AccessMap(graph, offsets: offsets, lanes: lanes)
    var needs = [[Int]](repeating: [Int](repeating: 0, count: lanes), count: placement.pieces.count)
    var pieces = [[Int]](repeating: [], count: grids.count)
    var order: [Int] = []
    for (index, piece) in placement.pieces.enumerated() {
        if pieces[piece.grid].isEmpty { order.append(piece.grid) }
        pieces[piece.grid].append(index)
    }
    // grids in the order of their first pieces: whatever two of them have in common, the first has ended by then
    for grid in order {
        let call = graph.calls[grids[grid].call]
        let writes = graph.writes(of: call)
        var need = [Int](repeating: 0, count: lanes)
        for before in grids[grid].after {
            for piece in pieces[before] {
                let lane = placement.pieces[piece].lane
                need[lane] = max(need[lane], positions[piece] + 1)
            }
        }
        var ended = [Int](repeating: 0, count: lanes)
        for piece in pieces[grid] { ended[placement.pieces[piece].lane] = positions[piece] + 1 }
        for (operand, value) in call.operands.enumerated() {
            memory.collect(value, writes: writes[operand], into: &need)
        }
        for (operand, value) in call.operands.enumerated() {
            memory.note(value, writes: writes[operand], ended: ended)
        }
        for piece in pieces[grid] { needs[piece] = need }
    }
    return needs
}

/// Leaves out what a lane knows already or learns from another wait of the same piece.
private func reduced(_ needs: [[Int]], _ pieces: [Piece], _ positions: [Int], lanes: Int) -> [[Int]] {
    var clocks = [[Int]](repeating: [Int](repeating: 0, count: lanes), count: lanes)
    // per lane and position: what is known to have ended once that piece has
    var known = [[[Int]]](repeating: [], count: lanes)
    return pieces.indices.map { index in
        let lane = pieces[index].lane
        var wanted = needs[index]
        for other in 0..<lanes where other == lane || wanted[other] <= clocks[lane][other] { wanted[other] = 0 }
        let open = wanted
        for other in 0..<lanes where open[other] > 0 {
            let isImplied = (0..<lanes).contains { third in
                third != other && open[third] > 0 && known[third][open[third] - 1][other] >= open[other]
            }
            if isImplied { wanted[other] = 0 }
        }
        for other in 0..<lanes where wanted[other] > 0 {
            let learned = known[other][wanted[other] - 1]
            for third in 0..<lanes { clocks[lane][third] = max(clocks[lane][third], learned[third]) }
        }
        clocks[lane][lane] = positions[index] + 1
        known[lane].append(clocks[lane])
        return wanted
    }
}

/// Who wrote and who read each byte last. Buffers cut memory into parts that are never divided further.
private struct AccessMap {
    private struct Part {
        /// Pieces per lane that must have ended for the last write, and for the reads since, to have ended.
        var writes: [Int]
        var reads: [Int]
    }

    private var parts: [Part]
    /// The parts of each value; empty for constants, which nobody writes.
    private let ranges: [Range<Int>]

    init(_ graph: TaskGraph, offsets: [Int: Int], lanes: Int) {
        // inputs and outputs lie side by side behind the arena
        let inArena = graph.values.enumerated().map { index, value -> Range<Int>? in
            switch value.place {
            case nil: offsets[index].map { $0..<$0 + value.bytes }
            case .arena(let offset)?: offset..<offset + value.bytes
            case .input?, .output?, .constant?: nil
            }
        }
        var end = inArena.map { $0?.upperBound ?? 0 }.max() ?? 0
        var starts: [ProgramBuffer.Place: Int] = [:]
        let largest = graph.values.map(\.bytes).max() ?? 0
        let extents = graph.values.enumerated().map { index, value -> Range<Int> in
            switch value.place {
            case nil, .arena?: return inArena[index] ?? 0..<0
            case .constant?: return 0..<0
            case .input(let n)?, .output(let n)?:
                let place = value.place ?? .input(n)
                if starts[place] == nil {
                    starts[place] = end
                    end += largest
                }
                let start = starts[place] ?? end
                return start..<start + value.bytes
            }
        }
        let borders = Set(extents.flatMap { [$0.lowerBound, $0.upperBound] }).sorted()
        let part = Dictionary(uniqueKeysWithValues: borders.enumerated().map { ($1, $0) })
        ranges = extents.map { extent in
            extent.isEmpty ? 0..<0 : (part[extent.lowerBound] ?? 0)..<(part[extent.upperBound] ?? 0)
        }
        let none = [Int](repeating: 0, count: lanes)
        parts = borders.map { _ in Part(writes: none, reads: none) }
    }

    /// Adds to `need` what an access of `value` has to follow.
    func collect(_ value: Int, writes: Bool, into need: inout [Int]) {
        for part in parts[ranges[value]] {
            for lane in need.indices {
                need[lane] = max(need[lane], part.writes[lane], writes ? part.reads[lane] : 0)
            }
        }
    }

    /// Notes an access that followed what `collect` said.
    mutating func note(_ value: Int, writes: Bool, ended: [Int]) {
        for part in ranges[value] {
            if writes {
                parts[part].writes = ended
                parts[part].reads = ended.map { _ in 0 }
            } else {
                for lane in ended.indices { parts[part].reads[lane] = max(parts[part].reads[lane], ended[lane]) }
            }
        }
    }
}
