// How one tensor lies in memory: row-major, or as maps of channels, lines and positions in blocks of channels with a
// halo of zeros around every map. A layout spells its own extents, so it means the same bytes whatever shape the
// canonical form gives the tensor; only the row-major order of the elements is common ground.
//
//     [c:64/16, y:56, x:56, c%16] halo y:1 x:1     64 channels in blocks of 16, lines of 1 + 56 + 1 positions
//     [y:1, x:3136, c:64]                          all channels of a position side by side, no halo
//     [c:3, y:224, x:224] halo y:3 x:3             planes with a halo, as a stem reads them
//
// A halo is an obligation of the tensor's producer: it is zero after every run.

import TensorIR

package enum Layout: Hashable, Sendable {
    /// Row-major, dense, no halo.
    case row
    case maps(MapLayout)
}

/// `[n][c / block][y + 2·haloY][x + 2·haloX][c % block]`, all in elements. `block` divides `channels`.
package struct MapLayout: Hashable, Sendable {
    package let images: Int
    package let channels: Int
    package let height: Int
    package let width: Int
    package let block: Int
    package let haloY: Int
    package let haloX: Int

    /// Without a halo nothing tells lines apart: they are kept as one, so that equal bytes have one spelling.
    package init(
        images: Int = 1, channels: Int, height: Int, width: Int, block: Int, haloY: Int = 0, haloX: Int = 0
    ) {
        precondition(block > 0 && channels % block == 0, "a block divides the channels")
        let isPlain = haloY == 0 && haloX == 0
        self.images = images
        self.channels = channels
        self.height = isPlain ? 1 : height
        self.width = isPlain ? height * width : width
        self.block = block
        self.haloY = haloY
        self.haloX = haloX
    }

    package var positionStride: Int { block }
    package var lineStride: Int { (width + 2 * haloX) * block }
    package var blockStride: Int { (height + 2 * haloY) * lineStride }
    package var imageStride: Int { channels / block * blockStride }
    package var elements: Int { images * imageStride }
    /// Address of channel 0 at position (0, 0) of image 0.
    package var origin: Int { haloY * lineStride + haloX * block }
    package var hasHalo: Bool { haloY > 0 || haloX > 0 }
    /// Row-major extents: image, channel, line, position.
    package var extents: [Int] { [images, channels, height, width] }
}

/// Where an element is in a map layout: image, channel, line, position.
package struct MapPoint<Value> {
    package var image: Value
    package var channel: Value
    package var line: Value
    package var position: Value
    package init(image: Value, channel: Value, line: Value, position: Value) {
        self.image = image
        self.channel = channel
        self.line = line
        self.position = position
    }
}

extension Layout {
    /// Elements the tensor occupies in this layout.
    package func elements(_ type: TensorType) -> Int {
        switch self {
        case .row: type.elements
        case .maps(let maps): maps.elements
        }
    }

    package func bytes(_ type: TensorType) -> Int { elements(type) * type.dtype.bytes }

    /// Whether a tensor of this type can lie so.
    package func fits(_ type: TensorType) -> Bool {
        switch self {
        case .row: true
        case .maps(let maps): maps.extents.reduce(1, *) == type.elements
        }
    }

    /// The flat address of an element; not simplified. Indices may reach into the halo where an axis of `shape` is a
    /// whole extent of the layout.
    package func address(_ indices: [Expr], shape: [Int]) -> Expr {
        switch self {
        case .row:
            return zip(indices, TensorType(.i64, shape).strides).reduce(.integer(0)) { $0 + $1.0 * .integer($1.1) }
        case .maps(let maps):
            let point = maps.point(indices, shape: shape)
            var out: Expr = .integer(maps.origin)
            if maps.images > 1 { out = out + point.image * .integer(maps.imageStride) }
            if maps.block == 1 {
                out = out + point.channel * .integer(maps.blockStride)
            } else if maps.block == maps.channels {
                out = out + point.channel
            } else {
                let block = Expr.binary(.floorDivide, point.channel, .integer(maps.block))
                let inner = Expr.binary(.floorModulo, point.channel, .integer(maps.block))
                out = out + block * .integer(maps.blockStride) + inner
            }
            out = out + point.line * .integer(maps.lineStride)
            return out + point.position * .integer(maps.positionStride)
        }
    }
}

extension MapLayout {
    /// Image, channel, line and position of an element with these row-major indices in a tensor of shape `shape`.
    /// Axes and extents are matched from the outside in; where they do not coincide the index is taken apart.
    package func point(_ indices: [Expr], shape: [Int]) -> MapPoint<Expr> {
        precondition(shape.reduce(1, *) == extents.reduce(1, *), "a layout of another tensor")
        var out: [Expr] = []
        var axis = 0
        var extent = 0
        while extent < extents.count {
            // the smallest run of axes and the smallest run of extents with one product
            var (axisEnd, extentEnd) = (axis, extent + 1)
            var (axisProduct, extentProduct) = (1, extents[extent])
            while axisProduct != extentProduct {
                if axisProduct < extentProduct {
                    axisProduct *= shape[axisEnd]
                    axisEnd += 1
                } else {
                    extentProduct *= extents[extentEnd]
                    extentEnd += 1
                }
            }
            // an extent of 1 still takes the axis that stands for it
            if axisEnd == axis, axis < shape.count, shape[axis] == 1, extentEnd == extent + 1 { axisEnd += 1 }
            let run = Array(axis..<axisEnd)
            let flat = zip(run, TensorType(.i64, run.map { shape[$0] }).strides).reduce(Expr.integer(0)) {
                $0 + indices[$1.0] * .integer($1.1)
            }
            let strides = TensorType(.i64, Array(extents[extent..<extentEnd])).strides
            for (n, stride) in strides.enumerated() {
                var part = stride == 1 ? flat : Expr.binary(.floorDivide, flat, .integer(stride))
                if n > 0 { part = .binary(.floorModulo, part, .integer(extents[extent + n])) }
                out.append(part)
            }
            (axis, extent) = (axisEnd, extentEnd)
        }
        return MapPoint(image: out[0], channel: out[1], line: out[2], position: out[3])
    }

    /// Address of an element of the map, halo excluded.
    package func address(_ point: MapPoint<Int>) -> Int {
        origin + point.image * imageStride + point.channel / block * blockStride + point.line * lineStride
            + point.position * positionStride + point.channel % block
    }
}

extension Layout {
    /// Row-major bytes brought into this layout, the halo zero.
    package func arranged(_ bytes: [UInt8], _ type: TensorType) -> [UInt8] {
        guard case .maps(let maps) = self else { return bytes }
        let size = type.dtype.bytes
        var out = [UInt8](repeating: 0, count: maps.elements * size)
        maps.visit { flat, address in
            for byte in 0..<size { out[address * size + byte] = bytes[flat * size + byte] }
        }
        return out
    }

    /// Bytes in this layout brought into row-major order, and whether every byte of the halo was zero.
    package func collected(_ bytes: [UInt8], _ type: TensorType) -> (bytes: [UInt8], haloIsZero: Bool) {
        guard case .maps(let maps) = self else { return (bytes, true) }
        let size = type.dtype.bytes
        var out = [UInt8](repeating: 0, count: type.elements * size)
        var halo = bytes
        maps.visit { flat, address in
            for byte in 0..<size {
                out[flat * size + byte] = bytes[address * size + byte]
                halo[address * size + byte] = 0
            }
        }
        return (out, halo.allSatisfy { $0 == 0 })
    }
}

extension MapLayout {
    /// Every element's row-major number and address.
    fileprivate func visit(_ body: (_ flat: Int, _ address: Int) -> Void) {
        var flat = 0
        for image in 0..<images {
            for channel in 0..<channels {
                for line in 0..<height {
                    var at = address(MapPoint(image: image, channel: channel, line: line, position: 0))
                    for _ in 0..<width {
                        body(flat, at)
                        flat += 1
                        at += positionStride
                    }
                }
            }
        }
    }
}

/// The layouts of all non-constant operands and of all results, by slot: part of a winner's key.
package struct Interface: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        package var slot: Int
        package var layout: Layout
        package init(slot: Int, layout: Layout) {
            self.slot = slot
            self.layout = layout
        }
    }
    package var entries: [Entry]
    package init(entries: [Entry]) { self.entries = entries }

    /// The slots that an interface of `workload` lists, in order.
    package static func slots(_ workload: Workload) -> [Int] {
        workload.parameters.indices.filter { !workload.parameters[$0].isConstant } + workload.results
    }

    /// Everything row-major.
    package static func rowMajor(_ workload: Workload) -> Interface {
        Interface(entries: slots(workload).map { Entry(slot: $0, layout: .row) })
    }

    package var isRowMajor: Bool { entries.allSatisfy { $0.layout == .row } }

    /// The layout of a slot; constants and tensors that never leave a kernel are row-major.
    package func layout(ofSlot slot: Int) -> Layout {
        entries.first { $0.slot == slot }?.layout ?? .row
    }

    /// Whether it lists exactly the slots of `workload`, each with a layout that fits.
    package func fits(_ workload: Workload) -> Bool {
        entries.map(\.slot) == Interface.slots(workload)
            && entries.allSatisfy { $0.layout.fits(workload.type(ofSlot: $0.slot)) }
    }
}
