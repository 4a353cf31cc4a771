// How a tensor is walked in place: the address of the element that a definition reads, as a constant plus a stride for
// every axis of that definition. Channels in blocks make two pieces of one axis. Padding needs no predicate when the
// tensor's halo is at least as wide: what the predicate keeps out is a zero that is there to be read.
//
// In:  an expression `read` or `in bounds ? read : 0`, the extents of its axes, the tensor's layout.
// Out: the walk; `nil` when the address is no such sum.

import TensorIR

/// A part of an axis with a stride of its own.
package struct AxisPiece: Hashable, Sendable {
    package var axis: Int
    package var extent: Int
    /// Steps of the axis per step of the piece.
    package var unit: Int
    /// Elements of the tensor per step of the piece; 0 when the tensor does not depend on the axis.
    package var stride: Int
}

package struct OperandWalk: Hashable, Sendable {
    package var slot: Int
    /// Address of the element at axis values 0; negative inside of a halo.
    package var origin: Int
    /// By axis, the outer piece of an axis first.
    package var pieces: [AxisPiece]

    /// The pieces of some axes, in the order of `axes`.
    package func pieces(of axes: [Int]) -> [AxisPiece] { axes.flatMap { axis in pieces.filter { $0.axis == axis } } }

    /// Stride of the row-major walk over `axes` when it has one: 0 for no axis.
    package func linearStride(_ axes: [Int]) -> Int? {
        let runs = merged(pieces(of: axes))
        return runs.isEmpty ? 0 : runs.count == 1 ? runs[0].stride : nil
    }
}

/// Neighbouring pieces that are one run of constant stride become one; axis and unit are the inner one's.
package func merged(_ pieces: [AxisPiece]) -> [AxisPiece] {
    var out: [AxisPiece] = []
    for piece in pieces where piece.extent > 1 || pieces.count == 1 {
        if let last = out.last, last.stride == piece.stride * piece.extent {
            out[out.count - 1] = AxisPiece(
                axis: piece.axis, extent: last.extent * piece.extent, unit: piece.unit, stride: piece.stride)
        } else {
            out.append(piece)
        }
    }
    return out.isEmpty ? Array(pieces.suffix(1)) : out
}

extension Workload {
    /// The walk of `e`, an operand of a definition with these axis extents.
    package func walk(_ e: Expr, extents: [Int], _ interface: Interface) -> OperandWalk? {
        switch e {
        case .read(let slot, let indices):
            return walk(slot, indices, extents: extents, interface.layout(ofSlot: slot), predicate: nil)
        case .select(let predicate, .read(let slot, let indices), .literal(let zero)):
            guard zero.dtype.isFloat, zero.float == 0 else { return nil }
            return walk(slot, indices, extents: extents, interface.layout(ofSlot: slot), predicate: predicate)
        case .literal, .axis, .unary, .binary, .select, .cast: return nil
        }
    }

    /// The walk of a tensor at `indices`.
    package func walk(
        _ slot: Int, _ indices: [Expr], extents: [Int], _ layout: Layout, predicate: Expr? = nil
    ) -> OperandWalk? {
        let simplifier = IndexSimplifier(extents: extents)
        let shape = type(ofSlot: slot).shape
        switch layout {
        case .row:
            guard predicate == nil else { return nil }
            let address = simplifier.affine(layout.address(indices, shape: shape))
            guard address.isPlain else { return nil }
            let pieces = extents.indices.map {
                AxisPiece(axis: $0, extent: extents[$0], unit: 1, stride: address.coefficient(ofAxis: $0))
            }
            return OperandWalk(slot: slot, origin: address.constant, pieces: pieces)
        case .maps(let maps):
            let point = maps.point(indices, shape: shape)
            let at = MapPoint(
                image: simplifier.affine(point.image), channel: simplifier.affine(point.channel),
                line: simplifier.affine(point.line), position: simplifier.affine(point.position))
            guard maps.holds(at, simplifier), predicate.map({ maps.replaces($0, at, simplifier) }) ?? true else {
                return nil
            }
            // an axis that runs through whole maps is lines and positions
            var plain = at
            let merged = extents.indices.first { axis in
                at.line == Affine(atom: .binary(.floorDivide, .axis(axis), .integer(maps.width)))
                    && at.position == Affine(atom: .binary(.floorModulo, .axis(axis), .integer(maps.width)))
            }
            if merged != nil { (plain.line, plain.position) = (Affine(constant: 0), Affine(constant: 0)) }
            guard plain.image.isPlain, plain.channel.isPlain, plain.line.isPlain, plain.position.isPlain,
                var walk = maps.walk(slot, plain, extents: extents)
            else { return nil }
            guard let merged else { return walk }
            guard let piece = walk.pieces.firstIndex(where: { $0.axis == merged }), walk.pieces[piece].stride == 0
            else { return nil }
            walk.pieces.replaceSubrange(
                piece...piece,
                with: [
                    AxisPiece(
                        axis: merged, extent: extents[merged] / maps.width, unit: maps.width, stride: maps.lineStride),
                    AxisPiece(axis: merged, extent: maps.width, unit: 1, stride: maps.positionStride),
                ])
            return walk
        }
    }
}

extension MapLayout {
    /// Whether every point stands in the map or its halo.
    fileprivate func holds(_ at: MapPoint<Affine>, _ simplifier: IndexSimplifier) -> Bool {
        guard let line = simplifier.range(at.line), let position = simplifier.range(at.position) else { return false }
        return line.lowerBound >= -haloY && line.upperBound < height + haloY && position.lowerBound >= -haloX
            && position.upperBound < width + haloX
    }

    /// Whether the predicate only keeps out points that stand in the halo.
    fileprivate func replaces(_ predicate: Expr, _ at: MapPoint<Affine>, _ simplifier: IndexSimplifier) -> Bool {
        switch predicate {
        case .binary(.and, let a, let b): return replaces(a, at, simplifier) && replaces(b, at, simplifier)
        case .binary(let op, let a, let b):
            // the predicate as `room ≥ 0`
            let (x, y) = (simplifier.affine(a), simplifier.affine(b))
            let room: Affine
            switch op {
            case .greaterOrEqual: room = x + y * -1
            case .greater: room = x + y * -1 + Affine(constant: -1)
            case .lessOrEqual: room = y + x * -1
            case .less: room = y + x * -1 + Affine(constant: -1)
            case .add, .subtract, .multiply, .divide, .floorDivide, .floorModulo, .truncDivide, .truncRemainder,
                .floatRemainder, .power, .maximum, .minimum, .equal, .notEqual, .and, .or, .bitAnd, .bitOr, .bitXor,
                .shiftLeft, .shiftRight:
                return false
            }
            let borders = [
                at.line, at.position, at.line * -1 + Affine(constant: height - 1),
                at.position * -1 + Affine(constant: width - 1),
            ]
            return borders.contains(room)
        case .literal, .axis, .read, .unary, .select, .cast: return false
        }
    }

    fileprivate func walk(_ slot: Int, _ at: MapPoint<Affine>, extents: [Int]) -> OperandWalk? {
        var pieces: [AxisPiece] = []
        // channel terms smaller than a block must stay inside of one
        var small = floorModulo(at.channel.constant, block)
        for axis in extents.indices {
            let channels = at.channel.coefficient(ofAxis: axis)
            let plain =
                at.image.coefficient(ofAxis: axis) * imageStride + at.line.coefficient(ofAxis: axis) * lineStride
                + at.position.coefficient(ofAxis: axis) * positionStride
            let extent = extents[axis]
            if channels % block == 0 {
                let stride = plain + channels / block * blockStride
                pieces.append(AxisPiece(axis: axis, extent: extent, unit: 1, stride: stride))
            } else if channels == 1, extent > block, extent % block == 0, plain == 0 {
                pieces.append(AxisPiece(axis: axis, extent: extent / block, unit: block, stride: blockStride))
                pieces.append(AxisPiece(axis: axis, extent: block, unit: 1, stride: 1))
                small += block - 1
            } else {
                guard channels > 0 else { return nil }
                pieces.append(AxisPiece(axis: axis, extent: extent, unit: 1, stride: plain + channels))
                small += channels * (extent - 1)
            }
        }
        guard small < block else { return nil }
        let start =
            origin + at.image.constant * imageStride + at.line.constant * lineStride
            + at.position.constant * positionStride + floorDivide(at.channel.constant, block) * blockStride
            + floorModulo(at.channel.constant, block)
        return OperandWalk(slot: slot, origin: start, pieces: pieces)
    }
}
