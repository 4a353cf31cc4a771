// The order in which kernels over maps run through a result: lines, in a line chunks of channels, in a chunk the
// positions, in a position the channels of the chunk as one vector. So what belongs to a channel (weights, biases)
// stays in registers along the line. Blocks of channels that lie apart are lines of their own.
//
//     for line  for chunk  for position  for lane (vector)

import DeviceModel
import TensorIR

package struct ChannelGrid: Hashable, Sendable {
    /// Extents that the loops run over: the result's own, or the layout's where the canonical form has merged axes.
    package let shape: [Int]
    /// The axis of `shape` whose neighbours lie side by side.
    package let channels: Int
    package let lanes: Int
    /// Whether a line is a line of one chunk.
    package let splitsLines: Bool
    /// Whether `shape` is the layout's, so that indices have to be flattened into the result's.
    package let isFlattened: Bool

    /// - Parameter box: extents of a part of the result, all of it when `nil`.
    package init(_ workload: Workload, _ interface: Interface, _ isa: ISA, box: [Int]? = nil) {
        let slot = workload.results[0]
        let own = box ?? workload.type(ofSlot: slot).shape
        let apart = interface.entries.contains { entry in
            guard case .maps(let maps) = entry.layout else { return false }
            return maps.block > 1 && maps.block < maps.channels
        }
        let axis: Int
        // merged axes are taken apart again as the result lies, or as its operand does where the result is row-major
        let result = interface.layout(ofSlot: slot)
        let operand = interface.entries.lazy.map(\.layout).first { $0 != .row && $0.fits(workload.type(ofSlot: slot)) }
        if result == .row, box == nil, own.count == 1, case .maps(let maps) = operand {
            (shape, axis, isFlattened) = (maps.extents, 3, true)
        } else if let channels = workload.vectorAxis(interface), !ChannelGrid.cutsLines(own, result) {
            (shape, axis, isFlattened) = (own, channels, false)
        } else if case .maps(let maps) = result {
            (shape, axis, isFlattened) = (maps.extents, maps.block == 1 ? 3 : 1, true)
        } else {
            (shape, axis, isFlattened) = ([own.reduce(1, *)], 0, true)
        }
        channels = axis
        lanes = min(max(8, isa.vectorWidth), max(1, shape[axis]))
        splitsLines = (apart || shape.count == 1) && shape[axis] % lanes == 0
    }

    /// Whether an axis of the result runs through lines that do not follow each other.
    private static func cutsLines(_ shape: [Int], _ layout: Layout) -> Bool {
        guard case .maps(let maps) = layout, shape.reduce(1, *) == maps.extents.reduce(1, *) else { return false }
        let simplifier = IndexSimplifier(extents: shape)
        let point = maps.point(shape.indices.map { .axis($0) }, shape: shape)
        return !simplifier.affine(point.line).isPlain || !simplifier.affine(point.position).isPlain
    }

    package var others: [Int] { shape.indices.filter { $0 != channels } }
    package var positions: Int { others.last.map { shape[$0] } ?? 1 }
    /// Axes beside channels and positions that stand before the channels.
    package var outerBefore: Int { others.dropLast().filter { $0 < channels }.count }

    package var lineExtents: [Int] {
        let outer = others.dropLast().map { shape[$0] }
        guard splitsLines else { return outer }
        return outer[..<outerBefore] + [shape[channels] / lanes] + outer[outerBefore...]
    }

    package var lines: Int { lineExtents.reduce(1, *) }
}
