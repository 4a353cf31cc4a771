// `ChannelGrid` as loops of a kernel: chunks of a line, and the result's indices at a position and a lane.

import KernelIR
import Schedules
import TensorIR

/// What runs at one line: its index per axis but channels and positions, the first channel of its chunk.
struct ChannelChunk {
    var outer: [Expr]
    var channel: Expr
    var lanes: Int
}

extension ChannelGrid {
    /// `body` once per chunk of the line.
    func chunks(
        _ line: Expr, _ builder: inout KernelBuilder, _ body: (inout KernelBuilder, ChannelChunk) -> [Statement]
    ) -> [Statement] {
        var at = builder.delinearised(line, lineExtents)
        if splitsLines {
            let chunk = at.remove(at: outerBefore)
            let channel = builder.simplified(chunk * .integer(lanes))
            return body(&builder, ChannelChunk(outer: at, channel: channel, lanes: lanes))
        }
        let whole = shape[channels] / lanes
        let rest = shape[channels] % lanes
        var out = builder.loop(whole) { builder, chunk in
            body(
                &builder,
                ChannelChunk(outer: at, channel: builder.simplified(chunk * .integer(lanes)), lanes: lanes))
        }
        if rest > 0 {
            out += body(&builder, ChannelChunk(outer: at, channel: .integer(whole * lanes), lanes: rest))
        }
        return out
    }

    /// The result's indices; `result` is its shape.
    func indices(
        _ chunk: ChannelChunk, _ position: Expr, _ lane: Expr, result: [Int], _ builder: KernelBuilder
    ) -> [Expr] {
        var out = shape.map { _ in Expr.integer(0) }
        for (axis, value) in zip(others.dropLast(), chunk.outer) { out[axis] = value }
        if let axis = others.last { out[axis] = position }
        out[channels] = builder.simplified(chunk.channel + lane)
        return isFlattened ? builder.delinearised(builder.flat(out, shape), result) : out
    }
}
