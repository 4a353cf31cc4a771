// Winograd's minimal filtering, F(m×m, 3×3): a 3×3 convolution of stride 1 over tiles of m×m outputs needs (m + 2)²
// products per tile, input and output channel instead of 9m². The products are (m + 2)² contractions over the input
// channels. Matrices after Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016).
//
//     V = Bᵀ d B   per tile and input channel        U = G g Gᵀ   per filter, prepared
//     M = V · U    per point of the tile             Y = Aᵀ M A   per tile and output channel
//
// In:  a contraction that may be such a convolution, its interface, m.
// Out: where its tensors lie; `nil` when it is none, or lies otherwise than in blocks of channels.

import DeviceModel
import TensorIR

/// The transforms of F(m×m, 3×3).
package struct WinogradTransform: Sendable {
    /// m.
    package let output: Int
    /// Bᵀ, (m + 2) × (m + 2).
    package let input: [[Double]]
    /// G, (m + 2) × 3.
    package let filter: [[Double]]
    /// Aᵀ, m × (m + 2).
    package let result: [[Double]]

    /// m + 2.
    package var window: Int { output + 2 }
    package var points: Int { window * window }

    package static let two = WinogradTransform(
        output: 2, input: [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]],
        filter: [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], result: [[1, 1, 1, 0], [0, 1, -1, -1]])

    package static let four = WinogradTransform(
        output: 4,
        input: [
            [4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0], [0, -2, -1, 2, 1, 0],
            [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1],
        ],
        filter: [
            [1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6], [1 / 24, 1 / 12, 1 / 6],
            [1 / 24, -1 / 12, 1 / 6], [0, 0, 1],
        ], result: [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]])
}

extension Algorithm {
    /// The transforms; `nil` for a direct kernel.
    package var winograd: WinogradTransform? {
        switch self {
        case .direct: nil
        case .winograd2: .two
        case .winograd4: .four
        }
    }

    /// The accuracy guard: how far results may be off beside what single precision costs any kernel, as a share of the
    /// largest one. A fifth of what agreement with a reference allows.
    package var errorShare: Double {
        switch self {
        case .direct: 0
        case .winograd2: 4e-6
        case .winograd4: 2e-5
        }
    }
}

/// A task is a block of tiles, tileLines × tilePositions of them; a register tile is microRows tiles × microColumns
/// output channels.
package struct WinogradNest: Hashable, Sendable {
    package var tileLines: Int
    package var tilePositions: Int
    package var microRows: Int
    package var microColumns: Int
    package init(tileLines: Int, tilePositions: Int, microRows: Int, microColumns: Int) {
        self.tileLines = tileLines
        self.tilePositions = tilePositions
        self.microRows = microRows
        self.microColumns = microColumns
    }
}

/// A 3×3 convolution of stride 1 whose input lies in maps.
package struct WinogradProblem: Hashable, Sendable {
    package let images: Int
    package let imageAxis: Int?
    package let lineAxis: Int
    package let positionAxis: Int
    package let columnAxis: Int
    package let channelAxis: Int
    package let filterAxes: [Int]
    package let inputChannels: Int
    package let outputChannels: Int
    /// Of the result.
    package let height: Int
    package let width: Int
    package let input: OperandWalk
    package let weights: Int

    package init?(_ workload: Workload, _ c: Contraction, _ interface: Interface, lanes: Int) {
        let extents = workload.definitions[c.anchor].axisExtents
        guard c.batch.isEmpty, c.columns.count == 1, c.depth.count == 3, (2...3).contains(c.rows.count),
            let walk = workload.walk(c.a, extents: extents, interface), walk.slot < workload.parameters.count,
            case .maps(let maps) = interface.layout(ofSlot: walk.slot), maps.block > 1,
            case .read(let weights, let indices) = c.b, isPreparable(workload, weights),
            workload.parameters[weights].type.dtype == .f32
        else { return nil }
        func stride(_ axis: Int) -> Int? {
            let pieces = walk.pieces.filter { $0.axis == axis }
            return pieces.count == 1 ? pieces[0].stride : nil
        }
        let (line, position) = (c.rows[c.rows.count - 2], c.rows[c.rows.count - 1])
        guard let lineStride = stride(line), let positionStride = stride(position), lineStride > positionStride,
            let filterLine = c.depth.first(where: { extents[$0] == 3 && stride($0) == lineStride }),
            let filterPosition = c.depth.first(where: { extents[$0] == 3 && stride($0) == positionStride }),
            let channel = c.depth.first(where: { $0 != filterLine && $0 != filterPosition }),
            walk.pieces(of: [channel]).last?.stride == 1
        else { return nil }
        let simplifier = IndexSimplifier(extents: extents)
        let plain = indices.allSatisfy { simplifier.affine($0).isPlain }
        guard plain, extents[channel] % lanes == 0, extents[c.columns[0]] % lanes == 0 else { return nil }
        guard case .maps(let stored) = interface.layout(ofSlot: workload.results[0]), stored.block % lanes == 0,
            maps.block % lanes == 0
        else { return nil }
        images = c.rows.count == 3 ? extents[c.rows[0]] : 1
        imageAxis = c.rows.count == 3 ? c.rows[0] : nil
        (lineAxis, positionAxis, columnAxis, channelAxis) = (line, position, c.columns[0], channel)
        filterAxes = [filterLine, filterPosition]
        (inputChannels, outputChannels) = (extents[channel], extents[c.columns[0]])
        (height, width) = (extents[line], extents[position])
        input = walk
        self.weights = weights
    }

    package func lines(_ transform: WinogradTransform) -> Int { ceilDivide(height, transform.output) }
    package func positions(_ transform: WinogradTransform) -> Int { ceilDivide(width, transform.output) }
    package func tasks(_ nest: WinogradNest, _ transform: WinogradTransform) -> Int {
        images * ceilDivide(lines(transform), nest.tileLines) * ceilDivide(positions(transform), nest.tilePositions)
    }
    /// Elements of U.
    package func preparedElements(_ transform: WinogradTransform) -> Int {
        transform.points * inputChannels * outputChannels
    }
    /// Bytes of V and M of one task.
    package func scratchBytes(_ nest: WinogradNest, _ transform: WinogradTransform) -> Int {
        4 * transform.points * nest.tileLines * nest.tilePositions * (inputChannels + outputChannels)
    }
}

extension Schedule {
    /// Elements of a vector of its instruction set.
    package var vectorWidth: Int { isa.vectorWidth }
}
