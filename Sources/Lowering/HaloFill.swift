// The zeros around a result in maps: its producer owes them on every run. The first task writes all of them; runs
// that touch (the end of one line, the beginning of the next) are written as one.

import KernelIR
import Schedules
import TensorIR

extension KernelBuilder {
    /// Statements that fill the halo of result number `r`; none when it has no halo.
    mutating func haloFill(_ r: Int, tasks: Int) -> [Statement] {
        let slot = workload.results[r]
        guard case .maps(let maps) = interface.layout(ofSlot: slot), maps.hasHalo else { return [] }
        let zero = Expr.cast(workload.type(ofSlot: slot).dtype, .float(0))
        let value = workload.type(ofSlot: slot).dtype == .f32 ? .float(0) : zero
        let buffer = resultBuffer(r)
        let planes = maps.images * (maps.channels / maps.block)
        let first = maps.origin
        let lastEnd = maps.origin + (maps.height - 1) * maps.lineStride + maps.width * maps.block
        let body = loop(planes) { builder, plane in
            let base = plane * .integer(maps.blockStride)
            func run(_ start: Expr, _ count: Int) -> [Statement] {
                builder.loop(count, vector: true) { builder, x in
                    [.map(slot: buffer, index: builder.simplified(start + x), value: value)]
                }
            }
            var out = run(base, first)
            if maps.haloX > 0, maps.height > 1 {
                let start = base + .integer(maps.origin + maps.width * maps.block)
                out += builder.loop(maps.height - 1) { builder, y in
                    builder.loop(2 * maps.haloX * maps.block, vector: true) { builder, x in
                        let at = start + y * .integer(maps.lineStride) + x
                        return [.map(slot: buffer, index: builder.simplified(at), value: value)]
                    }
                }
            }
            out += builder.loop(maps.blockStride - lastEnd, vector: true) { builder, x in
                [.map(slot: buffer, index: builder.simplified(base + .integer(lastEnd) + x), value: value)]
            }
            return out
        }
        if tasks == 1 { return body }
        return [.when(.binary(.equal, .axis(0), .integer(0)), body)]
    }
}
