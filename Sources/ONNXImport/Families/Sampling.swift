// Sampling an image at computed positions, shared by GridSample and DeformConv. Per spatial axis a tensor of positions
// becomes two tensors with a trailing axis of taps: the index of each element that takes part, and its weight. The
// sample is then a reduction over the taps of all axes:
//   Y[…] = sum(t…) product(axis) W_axis[point, t_axis] * X[n, c, I_axis[point, t_axis]…]
// Both tensors are shared by all channels. An index of -1 is outside and reads as zero.

import TensorIR

enum Interpolation {
    case nearest, linear, cubic

    var taps: Int {
        switch self {
        case .nearest: 1
        case .linear: 2
        case .cubic: 4
        }
    }
}

/// What a position outside of the image stands for.
enum Outside { case zeros, border, reflection }

/// How one axis of an image is sampled.
struct SampledAxis {
    let extent: Int
    let interpolation: Interpolation
    let outside: Outside
    /// Positions from 0 to `extent - 1` are inside, not from -0.5 to `extent - 0.5`.
    let alignsCorners: Bool

    private var least: Double { alignsCorners ? 0 : -0.5 }
    private var span: Double { Double(alignsCorners ? extent - 1 : extent) }

    /// A position as it is sampled: whole for the nearest element, and back inside of the border.
    func placed(_ position: Expr, _ dtype: DType) -> Expr {
        let x = interpolation == .nearest ? Expr.unary(.round, position) : position
        let isOutside = Expr.binary(
            .or, .binary(.less, x, number(least, dtype)), .binary(.greater, x, number(least + span, dtype)))
        switch outside {
        case .zeros: return x
        // a cubic filter at the border still weighs by how far outside the position is
        case .border where interpolation == .cubic: return x
        case .border: return .select(isOutside, clamped(x, dtype), x)
        case .reflection: return .select(isOutside, reflected(x, dtype), x)
        }
    }

    /// The index of tap `tap` of a position, -1 where it is outside and reads as zero.
    fileprivate func index(_ position: Expr, tap: Expr, _ dtype: DType) -> Expr {
        let first = number(interpolation == .cubic ? 1 : 0, dtype)
        let x: Expr =
            switch interpolation {
            case .nearest: position
            case .linear, .cubic: .unary(.floor, position) + (.cast(dtype, tap) - first)
            }
        switch outside {
        case .zeros:
            let isInside = Expr.binary(
                .and, .binary(.greaterOrEqual, x, zero(dtype)),
                .binary(.lessOrEqual, x, number(Double(extent - 1), dtype)))
            return .select(isInside, .cast(.i64, x), .integer(-1))
        case .border: return .cast(.i64, clamped(x, dtype))
        case .reflection: return .cast(.i64, clamped(reflected(x, dtype), dtype))
        }
    }

    /// The weight of tap `tap` of a position.
    fileprivate func weight(_ position: Expr, tap: Expr, _ dtype: DType) -> Expr {
        let fraction = position - .unary(.floor, position)
        switch interpolation {
        case .nearest: return number(1, dtype)
        case .linear: return .select(.binary(.equal, tap, .integer(0)), number(1, dtype) - fraction, fraction)
        case .cubic:
            let x = Expr.unary(.absolute, fraction - (.cast(dtype, tap) - number(1, dtype)))
            return cubic(x, dtype)
        }
    }

    /// Keys' cubic convolution with the coefficient -0.75 at a distance below 2.
    private func cubic(_ x: Expr, _ dtype: DType) -> Expr {
        func polynomial(_ coefficients: [Double]) -> Expr {
            coefficients.dropFirst().reduce(number(coefficients[0], dtype)) { $0 * x + number($1, dtype) }
        }
        return .select(
            .binary(.lessOrEqual, x, number(1, dtype)), polynomial([1.25, -2.25, 0, 1]),
            polynomial([-0.75, 3.75, -6, 3]))
    }

    private func clamped(_ x: Expr, _ dtype: DType) -> Expr {
        Formula.minimum(Formula.maximum(x, zero(dtype)), number(Double(extent - 1), dtype))
    }

    /// Mirrored at both borders as often as it takes.
    private func reflected(_ x: Expr, _ dtype: DType) -> Expr {
        guard span > 0 else { return number(least, dtype) }
        let period = number(2 * span, dtype)
        let distance = Expr.binary(.floatRemainder, .unary(.absolute, x - number(least, dtype)), period)
        return Formula.minimum(distance, period - distance) + number(least, dtype)
    }
}

/// The taps of one axis at every point.
struct SampleTables {
    var axis: SampledAxis
    /// i64, points and then taps.
    var indices: ValueID
    /// `nil` for the nearest element.
    var weights: ValueID?
}

extension Emitter {
    /// Indices and weights for `positions` on one axis.
    mutating func sampleTables(_ positions: ValueID, _ axis: SampledAxis) throws(NodeProblem) -> SampleTables {
        let (points, work) = (shape(positions), dtype(positions))
        let result = points + [axis.interpolation.taps]
        let indices = try mapped([positions], TensorType(.i64, result)) { out in
            axis.index(.read(slot: 0, Array(out.dropLast())), tap: out[points.count], work)
        }
        guard axis.interpolation != .nearest else { return SampleTables(axis: axis, indices: indices) }
        let weights = try mapped([positions], TensorType(work, result)) { out in
            axis.weight(.read(slot: 0, Array(out.dropLast())), tap: out[points.count], work)
        }
        return SampleTables(axis: axis, indices: indices, weights: weights)
    }

    /// Samples `image` at the points of `tables`, one table per spatial axis. The result's first two axes are those
    /// of the image. `point` maps the axes of the result to those of the tables.
    mutating func sampled(
        _ image: ValueID, _ tables: [SampleTables], shape: [Int], point: ([Expr]) -> [Expr]
    ) throws(NodeProblem) -> ValueID {
        guard isReasonable(shape) else { throw .tooLarge(shape) }
        let dtype = self.dtype(image)
        let extents = tables.map(\.axis.interpolation.taps)
        let isNearest = extents.allSatisfy { $0 == 1 }
        let work = isNearest ? dtype : dtype.isFloat ? accumulator(dtype) : .f64
        let out = coordinates(shape)
        let place = point(out)
        var slots = Slots()
        _ = slots.slot(image)
        var tests: [Expr] = []
        var source = [out[0], out[1]]
        var weight: Expr?
        for (position, table) in tables.enumerated() {
            let tap = extents[position] == 1 ? Expr.integer(0) : .axis(shape.count + position)
            let index = Expr.read(slot: slots.slot(table.indices), place + [tap])
            if table.axis.outside == .zeros { tests.append(.binary(.greaterOrEqual, index, .integer(0))) }
            source.append(index)
            guard let weights = table.weights else { continue }
            let read = Expr.read(slot: slots.slot(weights), place + [tap])
            let factor = self.dtype(weights) == work ? read : .cast(work, read)
            weight = weight.map { $0 * factor } ?? factor
        }
        let read = Expr.read(slot: 0, source)
        let element = work == dtype ? read : .cast(work, read)
        let term = predicated(tests, weight.map { $0 * element } ?? element, work)
        let body = IndexSimplifier(extents: shape + extents).simplify(term)
        let sample = try define(
            slots.values, TensorType(work, shape),
            isNearest ? .map(body) : .reduce(.sum, extents: extents, condition: nil, body))
        return try cast(sample, to: dtype)
    }
}
