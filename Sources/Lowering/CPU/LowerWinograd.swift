// Winograd's convolution: a task is a block of tiles, and nothing between its three steps leaves the lane's scratch,
// which is sized for L2.
//
//     for block of channels, tile:   V[point][tile][channel] = Bᵀ d B            (vectors along channels)
//     for point, panel, tiles:       M[point][tile][filter] = Σ V · U            (register tiles)
//     for block of filters, tile:    result = epilogue(Aᵀ M A)                   (vectors along filters)
//
// Tiles past the last line or position of tiles are the last one again, so every task writes all of its scratch and
// the same results twice at most. What a window reads past the padded input counts as zero and is not read.

import KernelIR
import Schedules
import TensorIR

func lowerWinograd(
    _ workload: Workload, _ c: Schedules.Contraction, _ nest: WinogradNest, _ schedule: Schedule
) -> Kernel {
    let lanes = schedule.vectorWidth
    guard let transform = schedule.algorithm.winograd,
        let problem = WinogradProblem(workload, c, schedule.interface, lanes: lanes)
    else { preconditionFailure("a Winograd nest for a workload that is no such convolution") }
    let lowering = WinogradLowering(workload, c, nest, schedule.interface, problem, transform, lanes: lanes)
    return lowering.kernel()
}

private struct WinogradLowering {
    let workload: Workload
    let c: Schedules.Contraction
    let nest: WinogradNest
    let problem: WinogradProblem
    let transform: WinogradTransform
    let lanes: Int
    private let builder: KernelBuilder
    // scratch
    private let v: Int
    private let m: Int
    private let partial: Int

    init(
        _ workload: Workload, _ c: Schedules.Contraction, _ nest: WinogradNest, _ interface: Interface,
        _ problem: WinogradProblem, _ transform: WinogradTransform, lanes: Int
    ) {
        self.workload = workload
        self.c = c
        self.nest = nest
        self.problem = problem
        self.transform = transform
        self.lanes = lanes
        var builder = KernelBuilder(
            workload, interface, tasks: problem.tasks(nest, transform),
            preparedElements: [problem.weights: problem.preparedElements(transform)])
        let tiles = nest.tileLines * nest.tilePositions
        v = builder.scratch(.f32, transform.points * tiles * problem.inputChannels)
        m = builder.scratch(.f32, transform.points * tiles * problem.outputChannels)
        partial = builder.scratch(.f32, transform.points * lanes)
        self.builder = builder
    }

    private var tiles: Int { nest.tileLines * nest.tilePositions }
    private var window: Int { transform.window }

    func kernel() -> Kernel {
        let tasks = problem.tasks(nest, transform)
        let across = ceilDivide(problem.positions(transform), nest.tilePositions)
        let down = ceilDivide(problem.lines(transform), nest.tileLines)
        var body: [Statement] = []
        var builder = self.builder
        func bind(_ e: Expr, below extent: Int) -> Expr {
            WinogradLowering.bind(&builder, e, below: extent, &body)
        }
        let image = bind(.binary(.floorDivide, .axis(0), .integer(down * across)), below: problem.images)
        let inImage = builder.simplified(.binary(.floorModulo, .axis(0), .integer(down * across)))
        let blockLine = bind(.binary(.floorDivide, inImage, .integer(across)), below: down)
        let blockPosition = bind(.binary(.floorModulo, inImage, .integer(across)), below: across)
        let head = Head(image: image, line: blockLine, position: blockPosition)
        body += builder.loop(problem.inputChannels / lanes) { builder, block in
            overTiles(&builder, head) { builder, tile in inputTile(&builder, head, block, tile) }
        }
        body += contraction(&builder)
        body += builder.loop(problem.outputChannels / lanes) { builder, block in
            overTiles(&builder, head) { builder, tile in resultTile(&builder, head, block, tile) }
        }
        return builder.kernel(tasks: tasks, body + builder.haloFill(0, tasks: tasks))
    }

    private struct Head {
        var image: Expr
        var line: Expr
        var position: Expr
    }

    /// A tile's number in the task, and its line and position among all tiles.
    private struct Place {
        var number: Expr
        var line: Expr
        var position: Expr
    }

    private static func bind(
        _ builder: inout KernelBuilder, _ e: Expr, below extent: Int, _ body: inout [Statement]
    ) -> Expr {
        let value = builder.simplified(e)
        switch value {
        case .literal, .axis: return value
        case .read, .unary, .binary, .select, .cast: break
        }
        let variable = builder.variable(below: extent)
        body.append(.bind(variable: variable, value))
        return .axis(variable)
    }

    private func overTiles(
        _ builder: inout KernelBuilder, _ head: Head, _ body: (inout KernelBuilder, Place) -> [Statement]
    ) -> [Statement] {
        let (lines, positions) = (problem.lines(transform), problem.positions(transform))
        func absolute(
            _ builder: inout KernelBuilder, _ block: Expr, _ step: Expr, per size: Int, of total: Int,
            _ out: inout [Statement]
        ) -> Expr {
            let at = block * .integer(size) + step
            let kept = total % size == 0 ? at : Expr.binary(.minimum, at, .integer(total - 1))
            return WinogradLowering.bind(&builder, kept, below: total, &out)
        }
        return builder.loop(nest.tileLines) { builder, l in
            var outer: [Statement] = []
            let line = absolute(&builder, head.line, l, per: nest.tileLines, of: lines, &outer)
            return outer
                + builder.loop(nest.tilePositions) { builder, p in
                    var inner: [Statement] = []
                    let position = absolute(
                        &builder, head.position, p, per: nest.tilePositions, of: positions, &inner)
                    let number = builder.simplified(l * .integer(nest.tilePositions) + p)
                    return inner + body(&builder, Place(number: number, line: line, position: position))
                }
        }
    }

    /// `body` for how many lines and positions of `size` per tile there are: whole tiles, and the last ones where
    /// `size` tiles reach past the end.
    private func byExtent(
        _ place: Place, whole: Int, lastLines: Int, lastPositions: Int,
        _ body: (_ lines: Int, _ positions: Int) -> [Statement]
    ) -> [Statement] {
        func cases(
            _ at: Expr, _ count: Int, last: Int, _ body: (Int) -> [Statement]
        ) -> [Statement] {
            if last == whole { return body(whole) }
            if count == 1 { return body(last) }
            let isLast = Expr.binary(.equal, at, .integer(count - 1))
            return [.when(isLast, body(last)), .when(.unary(.not, isLast), body(whole))]
        }
        return cases(place.line, problem.lines(transform), last: lastLines) { lines in
            cases(place.position, problem.positions(transform), last: lastPositions) { positions in
                body(lines, positions)
            }
        }
    }

    // MARK: steps

    private func inputTile(
        _ builder: inout KernelBuilder, _ head: Head, _ block: Expr, _ place: Place
    ) -> [Statement] {
        let step = transform.output
        func stride(_ axis: Int) -> Int { problem.input.pieces.first { $0.axis == axis }?.stride ?? 0 }
        let (lineStride, positionStride) = (stride(problem.lineAxis), stride(problem.positionAxis))
        var first = Expr.integer(problem.input.origin)
        if let axis = problem.imageAxis { first = first + head.image * .integer(stride(axis)) }
        let channels = problem.input.pieces(of: [problem.channelAxis])
        let at = builder.delinearised(block * .integer(lanes), channels.map(\.extent))
        for (piece, value) in zip(channels, at) { first = first + value * .integer(piece.stride) }
        first = first + place.line * .integer(step * lineStride) + place.position * .integer(step * positionStride)
        var out: [Statement] = []
        let base = WinogradLowering.bind(&builder, first, below: Int(Int32.max), &out)
        let end = step - 1
        out += byExtent(
            place, whole: window, lastLines: window - (end - (problem.height - 1) % step),
            lastPositions: window - (end - (problem.width - 1) % step)
        ) { lines, positions in
            var body = builder.loop(positions) { builder, j in
                vector(&builder) { builder, lane in
                    let column = (0..<window).map { i -> Expr? in
                        guard i < lines else { return nil }
                        let offset = .integer(i * lineStride) + j * .integer(positionStride)
                        return .read(slot: problem.input.slot, [builder.simplified(base + offset + lane)])
                    }
                    return transform.input.enumerated().map { i, row in
                        .map(slot: partial, index: held(builder, i, j, lane), value: combined(row, column))
                    }
                }
            }
            for j in positions..<window {
                body += vector(&builder) { builder, lane in
                    (0..<window).map { i in
                        .map(slot: partial, index: held(builder, i, .integer(j), lane), value: .float(0))
                    }
                }
            }
            body += builder.loop(window) { builder, i in
                vector(&builder) { builder, lane in
                    let row = (0..<window).map { j in
                        Optional(
                            Expr.read(
                                slot: partial,
                                [builder.simplified((i * .integer(window) + .integer(j)) * .integer(lanes) + lane)]))
                    }
                    return transform.input.enumerated().map { j, coefficients in
                        let point = i * .integer(window) + .integer(j)
                        let index =
                            (point * .integer(tiles) + place.number) * .integer(problem.inputChannels)
                            + block * .integer(lanes) + lane
                        return .map(slot: v, index: builder.simplified(index), value: combined(coefficients, row))
                    }
                }
            }
            return body
        }
        return out
    }

    private func contraction(_ builder: inout KernelBuilder) -> [Statement] {
        let (depth, filters, width) = (problem.inputChannels, problem.outputChannels, nest.microColumns)
        let split = EvenSplit(tiles, by: nest.microRows)
        return builder.loop(transform.points) { builder, point in
            builder.loop(filters / width) { builder, panel in
                var out: [Statement] = []
                for (size, parts) in split.classes {
                    out += builder.loop(parts.count) { builder, part in
                        let row =
                            point * .integer(tiles) + part * .integer(size)
                            + .integer(split.before(parts.lowerBound))
                        let panels = point * .integer(filters / width) + panel
                        let into = Tile.Walk(
                            slot: m, index: builder.simplified(row * .integer(filters) + panel * .integer(width)),
                            rows: (0..<size).map { $0 * filters }, block: width, blockStride: 0)
                        return [
                            .tile(
                                Tile(
                                    rows: size, columns: width, stored: width, a: v,
                                    aIndex: builder.simplified(row * .integer(depth)),
                                    aRows: (0..<size).map { $0 * depth }, aStep: 1, b: problem.weights,
                                    bIndex: builder.simplified(panels * .integer(depth * width)), bStride: width,
                                    depth: .integer(depth), inner: [], from: nil, into: into, operands: [],
                                    value: .read(slot: 0, [])))
                        ]
                    }
                }
                return out
            }
        }
    }

    private func resultTile(
        _ builder: inout KernelBuilder, _ head: Head, _ block: Expr, _ place: Place
    ) -> [Statement] {
        let step = transform.output
        var out = builder.loop(window) { builder, j in
            vector(&builder) { builder, lane in
                let column = (0..<window).map { i -> Expr? in
                    let tile = (j + .integer(i * window)) * .integer(tiles) + place.number
                    let index = tile * .integer(problem.outputChannels) + block * .integer(lanes) + lane
                    return .read(slot: m, [builder.simplified(index)])
                }
                return transform.result.enumerated().map { i, row in
                    .map(slot: partial, index: held(builder, i, j, lane), value: combined(row, column))
                }
            }
        }
        out += byExtent(
            place, whole: step, lastLines: (problem.height - 1) % step + 1,
            lastPositions: (problem.width - 1) % step + 1
        ) { lines, positions in
            builder.loop(lines) { builder, i in
                vector(&builder) { builder, lane in
                    let row = (0..<window).map { j in
                        Optional(
                            Expr.read(
                                slot: partial,
                                [builder.simplified((i * .integer(window) + .integer(j)) * .integer(lanes) + lane)]))
                    }
                    return (0..<positions).map { j in
                        store(
                            builder, head, line: place.line * .integer(step) + i,
                            position: place.position * .integer(step) + .integer(j),
                            filter: block * .integer(lanes) + lane, combined(transform.result[j], row))
                    }
                }
            }
        }
        return out
    }

    private func store(
        _ builder: KernelBuilder, _ head: Head, line: Expr, position: Expr, filter: Expr, _ sum: Expr
    ) -> Statement {
        var space = (0..<workload.definitions[c.anchor].type.rank).map { _ in Expr.integer(0) }
        if let axis = problem.imageAxis { space[axis] = head.image }
        space[problem.lineAxis] = builder.simplified(line)
        space[problem.positionAxis] = builder.simplified(position)
        space[problem.columnAxis] = builder.simplified(filter)
        let result = workload.results[0] - workload.parameters.count
        var value = sum
        if result != c.anchor {
            guard case .map(let e) = workload.definitions[result].body else {
                preconditionFailure("an epilogue is made of maps")
            }
            value = builder.flattened(e, axes: space) { d, _ in d == c.anchor ? sum : nil }
        }
        return .map(slot: builder.resultBuffer(0), index: builder.resultAddress(0, space), value: value)
    }

    // MARK: expressions

    private func vector(
        _ builder: inout KernelBuilder, _ body: (inout KernelBuilder, Expr) -> [Statement]
    ) -> [Statement] {
        builder.loop(lanes, vector: true, body)
    }

    private func held(_ builder: KernelBuilder, _ i: Int, _ j: Expr, _ lane: Expr) -> Expr {
        builder.simplified((j + .integer(i * window)) * .integer(lanes) + lane)
    }

    /// Σ coefficient · value; `nil` is a zero.
    private func combined(_ coefficients: [Double], _ values: [Expr?]) -> Expr {
        var out: Expr?
        for (coefficient, value) in zip(coefficients, values) where coefficient != 0 {
            guard let value else { continue }
            let term = abs(coefficient) == 1 ? value : .float(abs(coefficient)) * value
            if let sum = out {
                out = .binary(coefficient < 0 ? .subtract : .add, sum, term)
            } else {
                out = coefficient < 0 ? .unary(.negate, term) : term
            }
        }
        return out ?? .float(0)
    }
}
