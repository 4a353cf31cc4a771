// Reduce* with axes as attribute (old) or input (new), ArgMax and ArgMin. A mean divides after the sum, a norm takes
// its root after it; 16-bit floats are summed in 32 bits. ArgMax is two definitions: the maximum, then the least (or
// greatest) index that holds it; a NaN counts as the maximum, as in numpy.

import TensorIR

/// One of the Reduce operators: what is summed, how, and what happens to the result.
struct Reduction: Sendable {
    enum Finish: Sendable { case nothing, mean, root, logarithm, logarithmOfExponentials }
    var reducer: Reducer
    var finish = Finish.nothing
    /// Applied to each element before it is reduced.
    var term: @Sendable (Expr) -> Expr = { $0 }
    var floatsOnly = false
    var boolToo = false

    /// As a family; `axesInput` is the version from which the axes are an input.
    func family(axesInput: Int) -> OperatorFamily {
        { (e: inout Emitter) throws(NodeProblem) in [try self.emit(&e, axesInput: axesInput)] }
    }

    private func emit(_ e: inout Emitter, axesInput: Int) throws(NodeProblem) -> ValueID {
        let x = floatsOnly ? try e.floatOperand(0) : boolToo ? try e.computedOperand(0) : try e.numberOperand(0)
        let dtype = e.dtype(x)
        let rank = e.type(x).rank
        let named = e.version < axesInput ? try e.integers("axes") : try e.knownIntegersIfPresent(1, "axes")
        let isNone = named?.isEmpty ?? true
        let keep = try e.flag("keepdims", default: true)
        let skips = e.version >= axesInput ? try e.flag("noop_with_empty_axes") : false
        let axes = isNone ? (skips ? [] : Array(0..<rank)) : try e.axes(named ?? [], rank: rank)
        // Sums of 16-bit floats are kept wide; a root or logarithm of integers is taken in floats.
        let needsFloat = finish == .root || finish == .logarithm || finish == .logarithmOfExponentials
        let wide = needsFloat && !dtype.isFloat ? .f64 : accumulator(dtype)
        let term = self.term
        if finish == .logarithmOfExponentials {
            return try e.cast(try logarithmOfExponentials(&e, x, axes, keep, wide), to: dtype)
        }
        let sum = try e.reduced(x, axes: axes, keep: keep, reducer, wide) { element in
            term(wide == dtype ? element : .cast(wide, element))
        }
        let count = axes.reduce(1) { $0 * e.shape(x)[$1] }
        let finished: ValueID
        switch finish {
        case .nothing, .logarithmOfExponentials: finished = sum
        case .mean:
            finished = try e.elementwise([sum], wide) {
                .binary(wide.isFloat ? .divide : .truncDivide, $0[0], number(Double(count), wide))
            }
        case .root: finished = try e.elementwise([sum], wide) { .unary(.sqrt, $0[0]) }
        case .logarithm: finished = try e.elementwise([sum], wide) { .unary(.log, $0[0]) }
        }
        return try e.cast(finished, to: dtype)
    }

    /// `m + log(sum(exp(x - m)))` with m the maximum where it is finite, so that nothing overflows.
    private func logarithmOfExponentials(
        _ e: inout Emitter, _ x: ValueID, _ axes: [Int], _ keep: Bool, _ wide: DType
    ) throws(NodeProblem) -> ValueID {
        let widened = try e.cast(x, to: wide)
        let greatest = try e.reduced(widened, axes: axes, keep: true, .max, wide)
        let shift = try e.elementwise([greatest], wide) { reads in
            .select(.binary(.less, .unary(.absolute, reads[0]), number(.infinity, wide)), reads[0], zero(wide))
        }
        let shifted = try e.elementwise([widened, shift], wide) { .unary(.exp, $0[0] - $0[1]) }
        let sum = try e.reduced(shifted, axes: axes, keep: true, .sum, wide)
        let result = try e.elementwise([shift, sum], wide) { $0[0] + .unary(.log, $0[1]) }
        return keep ? result : try dropped(&e, result, axes)
    }
}

/// The same elements without the unit axes `axes`.
func dropped(_ e: inout Emitter, _ value: ValueID, _ axes: [Int]) throws(NodeProblem) -> ValueID {
    let shape = e.shape(value)
    let kept = shape.indices.filter { !axes.contains($0) }
    return try e.moved(value, shape: kept.map { shape[$0] }) { out in
        shape.indices.map { axis in kept.firstIndex(of: axis).map { out[$0] } ?? .integer(0) }
    }
}

/// The sum of all elements up to each one: a reduction over the whole axis with a condition.
func emitCumSum(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] { [try cumulated(&e, .sum)] }
func emitCumProd(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] { [try cumulated(&e, .product)] }

private func cumulated(_ e: inout Emitter, _ reducer: Reducer) throws(NodeProblem) -> ValueID {
    let x = try e.numberOperand(0)
    let shape = e.shape(x)
    let named = try e.knownIntegers(1, "axis")
    guard named.count == 1 else { throw .misfit("\(named.count) axes") }
    let axis = try e.axis(named[0], rank: shape.count)
    let (exclusive, reverse) = (try e.flag("exclusive"), try e.flag("reverse"))
    let dtype = e.dtype(x)
    let wide = accumulator(dtype)
    var indices = coordinates(shape)
    let (here, there) = (indices[axis], Expr.axis(shape.count))
    indices[axis] = there
    let op: BinaryOperator = exclusive ? (reverse ? .greater : .less) : (reverse ? .greaterOrEqual : .lessOrEqual)
    let element = Expr.read(slot: 0, indices)
    let total = try e.define(
        [x], TensorType(wide, shape),
        .reduce(
            reducer, extents: [shape[axis]], condition: .binary(op, there, here),
            wide == dtype ? element : .cast(wide, element)))
    return try e.cast(total, to: dtype)
}

func emitArgMax(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] { [try extremePlace(&e, .max)] }
func emitArgMin(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] { [try extremePlace(&e, .min)] }

private func extremePlace(_ e: inout Emitter, _ reducer: Reducer) throws(NodeProblem) -> ValueID {
    let x = try e.numberOperand(0)
    let axis = try e.axis(try e.integer("axis", default: 0), rank: e.type(x).rank)
    let keep = try e.flag("keepdims", default: true)
    let last = try e.flag("select_last_index")
    let found = try extremePlace(&e, x, axis: axis, reducer, last: last)
    return keep ? found : try dropped(&e, found, [axis])
}

/// Where along `axis`, which becomes a unit axis, the first or last extreme element stands; a NaN is one.
func extremePlace(
    _ e: inout Emitter, _ x: ValueID, axis: Int, _ reducer: Reducer, last: Bool
) throws(NodeProblem) -> ValueID {
    let shape = e.shape(x)
    guard shape[axis] > 0 else { throw .misfit("axis \(axis) has no element") }
    let extreme = try e.reduced(x, axes: [axis], keep: true, reducer, e.dtype(x))
    let result = shape.indices.map { $0 == axis ? 1 : shape[$0] }
    let place = Expr.axis(result.count)
    let outer = coordinates(result)
    let element = Expr.read(slot: 0, shape.indices.map { $0 == axis ? place : outer[$0] })
    let isExtreme = Expr.binary(.equal, element, .read(slot: 1, outer))
    let condition = e.dtype(x).isFloat ? .binary(.or, isExtreme, .unary(.isNaN, element)) : isExtreme
    return try e.define(
        [x, extreme], TensorType(.i64, result),
        .reduce(last ? .max : .min, extents: [shape[axis]], condition: condition, place))
}
