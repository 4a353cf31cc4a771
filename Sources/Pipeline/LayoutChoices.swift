// Which layouts the tensors of a graph may have, and which interfaces a weld follows from them. A tensor of maps lies
// row-major, in blocks of one vector of channels, or with all channels of a position side by side; its halo is the
// widest padding that any of its readers asks for, so that one buffer serves all of them. A family is one such choice
// for all tensors of a weld: mixed interfaces would multiply what has to be measured and gain nothing.

import DeviceModel
import Schedules
import TensorIR
import Welder

package enum LayoutFamily: Int, Hashable, Sendable, CaseIterable {
    case row
    /// Blocks of 16 channels.
    case blocked
    /// All channels side by side.
    case channelsLast
}

/// Channels of a block: a line of the cache.
private let blockChannels = 16
/// Tensors of fewer channels are no maps worth a vector; padded readers get them as planes with a halo.
private let channelsMin = 8
/// Wider paddings stay with their readers.
private let haloMax = 8

struct LayoutChoices {
    private let graph: Graph
    private var halos: [ValueID: (y: Int, x: Int)] = [:]

    /// - Parameter welds: every weld that may read a tensor, as canonical workloads.
    init(_ graph: Graph, _ welds: [(workload: Workload, binding: Binding)]) {
        self.graph = graph
        for (workload, binding) in welds {
            for (slot, value) in binding.parameters.enumerated() {
                guard let extents = extents(of: value), !workload.parameters[slot].isConstant else { continue }
                let needed = halo(workload, slot, extents)
                let known = halos[value] ?? (0, 0)
                halos[value] = (max(known.y, needed.y), max(known.x, needed.x))
            }
        }
    }

    /// Image, channel, line and position extents of a tensor of maps.
    private func extents(of value: ValueID) -> MapLayout? {
        let type = graph.type(value)
        guard type.dtype == .f32, type.rank == 4, type.shape[2] * type.shape[3] > 1 else { return nil }
        return MapLayout(
            images: type.shape[0], channels: type.shape[1], height: type.shape[2], width: type.shape[3],
            block: type.shape[1], haloY: 1, haloX: 1)
    }

    /// How far beyond the map the padded reads of `slot` reach.
    private func halo(_ workload: Workload, _ slot: Int, _ maps: MapLayout) -> (y: Int, x: Int) {
        let shape = workload.type(ofSlot: slot).shape
        guard shape.reduce(1, *) == maps.extents.reduce(1, *) else { return (0, 0) }
        var out = (y: 0, x: 0)
        for definition in workload.definitions {
            let simplifier = IndexSimplifier(extents: definition.axisExtents)
            for e in definition.expressions {
                e.visit { node in
                    guard case .select(_, .read(slot, let indices), .literal(let zero)) = node, zero.dtype.isFloat,
                        zero.float == 0
                    else { return }
                    let point = maps.point(indices, shape: shape)
                    func reach(_ e: Expr, _ extent: Int) -> Int {
                        guard let r = simplifier.range(simplifier.affine(e)) else { return 0 }
                        return max(0, max(-r.lowerBound, r.upperBound - extent + 1))
                    }
                    out.y = max(out.y, reach(point.line, maps.height))
                    out.x = max(out.x, reach(point.position, maps.width))
                }
            }
        }
        return out.y > haloMax || out.x > haloMax ? (0, 0) : out
    }

    /// The layout of a tensor in a family; `nil` when the family has none for it.
    func layout(_ value: ValueID, _ family: LayoutFamily) -> Layout? {
        if family == .row { return .row }
        guard let maps = extents(of: value) else { return .row }
        let halo = halos[value] ?? (0, 0)
        func layout(_ block: Int) -> Layout {
            .maps(
                MapLayout(
                    images: maps.images, channels: maps.channels, height: maps.height, width: maps.width,
                    block: block, haloY: halo.y, haloX: halo.x))
        }
        if maps.channels < channelsMin { return halo == (0, 0) ? .row : layout(1) }
        switch family {
        case .row: return .row
        case .blocked: return maps.channels % blockChannels == 0 ? layout(blockChannels) : nil
        case .channelsLast: return layout(maps.channels)
        }
    }

    /// The interface of a weld in a family; `nil` when it is row-major anyway or cannot be lowered so.
    func interface(_ workload: Workload, _ binding: Binding, _ family: LayoutFamily) -> Interface? {
        if family == .row { return .rowMajor(workload) }
        let results = Dictionary(uniqueKeysWithValues: zip(workload.results, binding.results))
        var entries: [Interface.Entry] = []
        for slot in Interface.slots(workload) {
            guard let value = slot < workload.parameters.count ? binding.parameters[slot] : results[slot],
                let layout = layout(value, family), layout.fits(workload.type(ofSlot: slot))
            else { return nil }
            entries.append(Interface.Entry(slot: slot, layout: layout))
        }
        let interface = Interface(entries: entries)
        return !interface.isRowMajor && workload.isLowerable(interface) ? interface : nil
    }
}

/// The identity between two layouts of one tensor.
func conversion(_ type: TensorType) -> Workload {
    let flat = TensorType(type.dtype, [type.elements])
    let copy = Definition(type: flat, body: .map(.read(slot: 0, [.axis(0)])))
    return Workload(
        parameters: [.init(type: flat, isConstant: false)], definitions: [copy], results: [1])
}
