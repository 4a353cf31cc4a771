// Maps and reductions whose tensors lie in maps of channels: depthwise convolution, pooling, elementwise chains,
// conversions between layouts. A reduction of few terms is spelled out, its sum a register; where a halo supplies the
// padding no predicate is left, otherwise border lines and border positions are told from the inner ones.

import KernelIR
import Schedules
import TensorIR

func lowerChannelReduction(
    _ workload: Workload, _ structure: ReductionStructure, _ schedule: Schedule, linesPerTask: Int, unrolled: Bool
) -> Kernel {
    let anchor = workload.definitions[structure.anchor]
    guard case .reduce(let reducer, let extents, let condition, let e) = anchor.body else {
        preconditionFailure("the anchor reduces")
    }
    let loops = ChannelGrid(workload, schedule.interface, schedule.isa)
    let tasks = ceilDivide(loops.lines, linesPerTask)
    var builder = KernelBuilder(workload, schedule.interface, tasks: tasks, prepares: schedule.prepares)
    let acc = unrolled ? -1 : builder.scratch(anchor.type.dtype, loops.lanes)
    let reduction = ChannelReduction(
        workload: workload, structure: structure, loops: loops, shape: anchor.type.shape, reducer: reducer,
        extents: extents,
        identity: .literal(reducer.identity(anchor.type.dtype)), value: replacing(e, workload, schedule.interface),
        condition: condition)
    let body = builder.taskSteps(total: loops.lines, perTask: linesPerTask) { builder, line in
        loops.chunks(line, &builder) { builder, chunk in
            unrolled ? reduction.unrolled(chunk, &builder) : reduction.looped(chunk, acc, &builder)
        }
    }
    return builder.kernel(tasks: tasks, body + builder.haloFill(0, tasks: tasks))
}

/// `e` with every padding predicate dropped that the halo of what it guards answers.
private func replacing(_ e: Expr, _ workload: Workload, _ interface: Interface) -> Expr {
    guard let anchor = workload.definitions.first(where: \.isReduction) else { return e }
    let extents = anchor.axisExtents
    return e.rewritten { node in
        guard case .select(_, let read, _) = node, workload.walk(node, extents: extents, interface) != nil else {
            return node
        }
        return read
    }
}

private struct ChannelReduction {
    let workload: Workload
    let structure: ReductionStructure
    let loops: ChannelGrid
    let shape: [Int]
    let reducer: Reducer
    let extents: [Int]
    let identity: Expr
    let value: Expr
    let condition: Expr?

    private func term(_ space: [Expr], _ at: [Expr], _ builder: KernelBuilder) -> Expr {
        let term = builder.flattened(value, axes: space + at) { _, _ in nil }
        guard let condition else { return term }
        let test = builder.flattened(condition, axes: space + at) { _, _ in nil }
        return builder.simplified(.select(test, term, identity))
    }

    private func indices(
        _ chunk: ChannelChunk, _ position: Expr, _ lane: Expr, _ builder: KernelBuilder
    ) -> [Expr] {
        loops.indices(chunk, position, lane, result: shape, builder)
    }

    private func result(_ space: [Expr], _ held: Expr, _ builder: KernelBuilder) -> Statement {
        let result = workload.results[0] - workload.parameters.count
        var value = held
        if result != structure.anchor {
            guard case .map(let e) = workload.definitions[result].body else {
                preconditionFailure("an epilogue is made of maps")
            }
            value = builder.flattened(e, axes: space) { d, _ in d == structure.anchor ? held : nil }
        }
        return .map(slot: builder.resultBuffer(0), index: builder.resultAddress(0, space), value: value)
    }

    func unrolled(_ chunk: ChannelChunk, _ builder: inout KernelBuilder) -> [Statement] {
        let count = loops.positions
        let terms = extents.reduce(1, *)
        var probe = builder
        let x = probe.variable(below: count)
        let lane = probe.variable(below: chunk.lanes)
        let space = indices(chunk, count == 1 ? .integer(0) : .axis(x), .axis(lane), probe)
        let samples = (0..<terms).map { term(space, probe.delinearised(.integer($0), extents), probe) }
        let segments = predicateSegments(samples, x, width: count)
        let line = predicatesBeyond(x, samples).filter { !$0.usesAxis(in: lane..<lane + 1) }
        func positions(assuming known: [Expr], _ builder: inout KernelBuilder) -> [Statement] {
            segments.flatMap { segment in
                builder.loop(segment.count) { builder, v in
                    let position = builder.simplified(v + .integer(segment.lowerBound))
                    return builder.loop(chunk.lanes, vector: true) { builder, lane in
                        let space = indices(chunk, position, lane, builder)
                        var sum: Expr?
                        for n in 0..<terms {
                            var next = term(space, builder.delinearised(.integer(n), extents), builder)
                            if !known.isEmpty {
                                next = builder.simplified(
                                    next.rewritten { known.contains($0) ? .literal(.boolean(true)) : $0 })
                            }
                            sum = sum.map { .binary(reducer.combine, $0, next) } ?? next
                        }
                        return [result(space, sum ?? identity, builder)]
                    }
                }
            }
        }
        guard let inner = conjunction(line) else { return positions(assuming: [], &builder) }
        return [.when(inner, positions(assuming: line, &builder))]
            + [.when(.unary(.not, inner), positions(assuming: [], &builder))]
    }

    func looped(_ chunk: ChannelChunk, _ acc: Int, _ builder: inout KernelBuilder) -> [Statement] {
        builder.loop(loops.positions) { builder, position in
            var out = builder.loop(chunk.lanes, vector: true) { _, lane in
                [.map(slot: acc, index: lane, value: identity)]
            }
            func nest(_ builder: inout KernelBuilder, _ d: Int, _ at: [Expr]) -> [Statement] {
                if d < extents.count {
                    return builder.loop(extents[d]) { builder, v in nest(&builder, d + 1, at + [v]) }
                }
                return builder.loop(chunk.lanes, vector: true) { builder, lane in
                    let space = indices(chunk, position, lane, builder)
                    let next = term(space, at, builder)
                    return [
                        .map(slot: acc, index: lane, value: .binary(reducer.combine, .read(slot: acc, [lane]), next))
                    ]
                }
            }
            out += nest(&builder, 0, [])
            return out
                + builder.loop(chunk.lanes, vector: true) { builder, lane in
                    [result(indices(chunk, position, lane, builder), .read(slot: acc, [lane]), builder)]
                }
        }
    }
}

func lowerChannelMaps(
    _ workload: Workload, _ structure: MapStructure, _ schedule: Schedule, linesPerTask: Int
) -> Kernel {
    let stored = workload.definitions[structure.stored]
    switch stored.body {
    case .map(let e):
        let loops = ChannelGrid(workload, schedule.interface, schedule.isa)
        let tasks = ceilDivide(loops.lines, linesPerTask)
        var builder = KernelBuilder(workload, schedule.interface, tasks: tasks, prepares: schedule.prepares)
        let body = builder.taskSteps(total: loops.lines, perTask: linesPerTask) { builder, line in
            elements(loops, line, result: stored.type.shape, &builder) { builder, at in [store(builder, e, at)] }
        }
        return builder.kernel(tasks: tasks, body + builder.haloFill(0, tasks: tasks))
    case .pieces(let pieces):
        var builder = KernelBuilder(workload, schedule.interface, tasks: 1, prepares: schedule.prepares)
        var body: [Statement] = []
        for piece in pieces {
            let box = piece.box.map(\.count)
            let loops = ChannelGrid(workload, schedule.interface, schedule.isa, box: box)
            body += builder.loop(loops.lines) { builder, line in
                elements(loops, line, result: box, &builder) { builder, at in
                    let axes = zip(piece.box, at).map { builder.simplified($1 + .integer($0.lowerBound)) }
                    return [store(builder, piece.value, axes)]
                }
            }
        }
        return builder.kernel(tasks: 1, body + builder.haloFill(0, tasks: 1))
    case .reduce: preconditionFailure("map structures do not reduce")
    }
}

private func store(_ builder: KernelBuilder, _ e: Expr, _ axes: [Expr]) -> Statement {
    .map(
        slot: builder.resultBuffer(0), index: builder.resultAddress(0, axes),
        value: builder.flattened(e, axes: axes) { _, _ in nil })
}

/// Every element of a line, vectors along the channels.
private func elements(
    _ loops: ChannelGrid, _ line: Expr, result: [Int], _ builder: inout KernelBuilder,
    _ body: (KernelBuilder, [Expr]) -> [Statement]
) -> [Statement] {
    loops.chunks(line, &builder) { builder, chunk in
        builder.loop(loops.positions) { builder, position in
            builder.loop(chunk.lanes, vector: true) { builder, lane in
                body(builder, loops.indices(chunk, position, lane, result: result, builder))
            }
        }
    }
}
