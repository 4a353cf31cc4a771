// The rows of a contraction cut into register tiles: bands of lines, spans of positions, both split evenly, so that
// tiles differ by at most one line and one position. Without `microLines` rows are lines of a single position.

import TensorIR

/// `total` cut into `count` parts: the first `tall` have `size + 1`, the others `size`.
package struct EvenSplit: Hashable, Sendable {
    package let total: Int
    package let count: Int
    package let size: Int
    package let tall: Int

    package init(_ total: Int, by largest: Int) {
        self.total = total
        count = ceilDivide(total, max(1, largest))
        size = total / count
        tall = total % count
    }

    package func before(_ part: Int) -> Int { part * size + min(part, tall) }
    package func size(of part: Int) -> Int { part < tall ? size + 1 : size }
    package var largest: Int { tall > 0 ? size + 1 : size }
    /// The parts of each size: larger ones first, empty classes left out.
    package var classes: [(size: Int, parts: Range<Int>)] {
        [(size + 1, 0..<tall), (size, tall..<count)].filter { !$0.1.isEmpty }
    }
}

/// An axis of the anchor, or the outer or inner part of one: steps of `unit`.
package struct RowAxis: Hashable, Sendable {
    package var axis: Int
    package var unit: Int
    package var extent: Int
}

package struct RowGrid: Hashable, Sendable {
    /// Row axes that count images: every one but lines and positions when tiles have lines, else none.
    package let imageAxes: [Int]
    package let lineAxes: [RowAxis]
    package let positionAxes: [RowAxis]
    package let images: Int
    package let bands: EvenSplit
    package let spans: EvenSplit

    /// - Parameter width: positions of a line where one row axis runs through whole maps.
    package init(_ workload: Workload, _ c: Contraction, _ nest: ContractionNest, width: Int? = nil) {
        let extents = workload.definitions[c.anchor].axisExtents
        func whole(_ axes: some Sequence<Int>) -> [RowAxis] {
            axes.map { RowAxis(axis: $0, unit: 1, extent: extents[$0]) }
        }
        func product(_ axes: [RowAxis]) -> Int { axes.reduce(1) { $0 * $1.extent } }
        if let lines = nest.microLines {
            if let width, let axis = c.rows.last, extents[axis] % width == 0 {
                imageAxes = Array(c.rows.dropLast())
                lineAxes = [RowAxis(axis: axis, unit: width, extent: extents[axis] / width)]
                positionAxes = [RowAxis(axis: axis, unit: 1, extent: width)]
            } else {
                imageAxes = Array(c.rows.dropLast(2))
                lineAxes = whole(c.rows.dropLast().suffix(1))
                positionAxes = whole(c.rows.suffix(1))
            }
            bands = EvenSplit(product(lineAxes), by: lines)
            spans = EvenSplit(product(positionAxes), by: nest.microRows)
        } else {
            imageAxes = []
            lineAxes = whole(c.rows)
            positionAxes = []
            bands = EvenSplit(product(lineAxes), by: nest.microRows)
            spans = EvenSplit(1, by: 1)
        }
        images = imageAxes.reduce(1) { $0 * extents[$1] }
    }

    /// Bands of all images: what a task's row tiles count.
    package var allBands: Int { images * bands.count }
    package var lines: Int { bands.total }
    package var positions: Int { spans.total }
    package var rowsOfTileMax: Int { bands.largest * spans.largest }
}

extension OperandWalk {
    /// Stride of the row-major walk over row axes when it has one.
    package func linearStride(_ axes: [RowAxis]) -> Int? {
        var parts: [AxisPiece] = []
        for row in axes {
            let own = pieces.filter { $0.axis == row.axis }
            let span = row.unit * row.extent
            if own.count == 1 {
                parts.append(
                    AxisPiece(axis: row.axis, extent: row.extent, unit: row.unit, stride: own[0].stride * row.unit))
            } else {
                // the pieces that make up this part of the axis
                let inside = own.filter { $0.unit >= row.unit && $0.unit < span }
                guard inside.reduce(1, { $0 * $1.extent }) == row.extent else { return nil }
                parts += inside
            }
        }
        let runs = merged(parts)
        return runs.isEmpty ? 0 : runs.count == 1 ? runs[0].stride : nil
    }
}

extension Workload {
    /// Positions of a line where the rows of a contraction are one axis through whole maps: the width of a map with a
    /// halo among its tensors.
    package func lineWidth(_ c: Contraction, _ interface: Interface) -> Int? {
        let extents = definitions[c.anchor].axisExtents
        guard let rows = c.rows.last else { return nil }
        for entry in interface.entries {
            if case .maps(let maps) = entry.layout, maps.hasHalo, maps.height * maps.width == extents[rows] {
                return maps.width
            }
        }
        return nil
    }
}
