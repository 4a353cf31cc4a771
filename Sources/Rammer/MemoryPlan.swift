// Places intermediates in one arena by lifetime. Best fit, largest first at equal start, 64-byte lines so lanes never
// share one. (Rammer, OSDI 2020, plans memory over schedule time.) In: a task graph and when each intermediate is in
// use. Out: an offset for each. On one lane time is the order of calls. On several it is an estimate, and two buffers
// that share bytes are kept apart by waits, not by the estimate: see Waits.swift.

/// Alignment of every arena buffer in bytes.
package let arenaAlignmentBytes = 64

/// When a value is in use: from the start of its first access to the end of its last.
struct Lifetime: Hashable, Sendable {
    var start: Double
    var end: Double

    func overlaps(_ other: Lifetime) -> Bool { start < other.end && other.start < end }
}

/// Offsets per intermediate (by value index) and the arena's size in bytes, when calls run one after the other.
package func planMemory(_ graph: TaskGraph) -> (offsets: [Int: Int], bytes: Int) {
    var lives = [Lifetime?](repeating: nil, count: graph.values.count)
    for (at, call) in graph.calls.enumerated() {
        for value in call.operands {
            lives[value] = Lifetime(start: lives[value]?.start ?? Double(at), end: Double(at + 1))
        }
    }
    return planMemory(graph, lives)
}

/// The same with a lifetime for each value; those that nobody uses get no place.
func planMemory(_ graph: TaskGraph, _ lives: [Lifetime?]) -> (offsets: [Int: Int], bytes: Int) {
    struct Block {
        var value: Int
        var life: Lifetime
        var bytes: Int
    }
    var blocks: [Block] = []
    for (value, life) in lives.enumerated() where graph.values[value].place == nil {
        guard let life else { continue }
        let lines = (graph.values[value].bytes + arenaAlignmentBytes - 1) / arenaAlignmentBytes
        blocks.append(Block(value: value, life: life, bytes: lines * arenaAlignmentBytes))
    }
    blocks.sort { ($0.life.start, -$0.bytes, $0.value) < ($1.life.start, -$1.bytes, $1.value) }
    var placed: [(block: Block, offset: Int)] = []
    var offsets: [Int: Int] = [:]
    var total = 0
    for block in blocks {
        let busy = placed.filter { $0.block.life.overlaps(block.life) }
            .map { ($0.offset, $0.offset + $0.block.bytes) }.sorted { $0 < $1 }
        // the tightest gap that holds it, else the end
        var best: (offset: Int, gap: Int)?
        var at = 0
        for (start, end) in busy {
            let gap = start - at
            if gap >= block.bytes, gap < (best?.gap ?? .max) { best = (at, gap) }
            at = max(at, end)
        }
        let offset = best?.offset ?? at
        placed.append((block, offset))
        offsets[block.value] = offset
        total = max(total, offset + block.bytes)
    }
    return (offsets, total)
}
