// Places intermediates in one arena by lifetime: a buffer lives from the call that writes it to the last call that
// touches it, both included. Best fit, largest first at equal start, 64-byte lines so lanes never share one.
// (Rammer, OSDI 2020, plans memory over schedule time; with one lane that is the order of calls.)

/// Alignment of every arena buffer in bytes.
package let arenaAlignmentBytes = 64

/// Offsets per intermediate (by value index) and the arena's size in bytes.
package func planMemory(_ graph: TaskGraph) -> (offsets: [Int: Int], bytes: Int) {
    struct Life {
        var value: Int
        var first: Int
        var last: Int
        var bytes: Int
    }
    var lives: [Int: Life] = [:]
    for (at, call) in graph.calls.enumerated() {
        for value in call.operands where graph.values[value].place == nil {
            let bytes =
                (graph.values[value].bytes + arenaAlignmentBytes - 1) / arenaAlignmentBytes * arenaAlignmentBytes
            lives[value, default: Life(value: value, first: at, last: at, bytes: bytes)].last = at
        }
    }
    let order = lives.values.sorted { ($0.first, -$0.bytes, $0.value) < ($1.first, -$1.bytes, $1.value) }
    var placed: [(life: Life, offset: Int)] = []
    var offsets: [Int: Int] = [:]
    var total = 0
    for life in order {
        let busy = placed.filter { $0.life.last >= life.first && life.last >= $0.life.first }
            .map { ($0.offset, $0.offset + $0.life.bytes) }.sorted { $0 < $1 }
        // the tightest gap that holds it, else the end
        var best: (offset: Int, gap: Int)?
        var at = 0
        for (start, end) in busy {
            let gap = start - at
            if gap >= life.bytes, gap < (best?.gap ?? .max) { best = (at, gap) }
            at = max(at, end)
        }
        let offset = best?.offset ?? at
        placed.append((life, offset))
        offsets[life.value] = offset
        total = max(total, offset + life.bytes)
    }
    return (offsets, total)
}
