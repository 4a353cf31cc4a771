// Resize since version 10, and Upsample before it. Scales and sizes must be known at import. Nearest elements are one
// definition that reads; an index that follows a rule (o / s, o · s + c) is written as one, others are in a table. The
// other modes are separable, so every axis that changes is one sum over a few taps, with tables W and I:
//   Y[…, o, …] = sum(t) W[o, t] * X[…, I[o, t], …]

import TensorIR

func emitResize(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.operand(0)
    let old = e.version < 11
    let mode = try old ? legacyMode(e) : resizeMode(e)
    let axes = try namedAxes(e, rank: e.type(x).rank)
    let region = try old || mode.coordinates != .cropAndResize ? nil : e.knownFloatsIfPresent(1, "roi")
    let scales = try e.knownFloatsIfPresent(old ? 1 : 2, "scales")
    let sizes = old ? nil : try e.knownIntegersIfPresent(3, "sizes")
    let plan: [ResizeAxis]
    if let sizes, !sizes.isEmpty {
        plan = try planned(e, x, axes, sizes: sizes, policy: try e.text("keep_aspect_ratio_policy", default: "stretch"))
    } else {
        guard let scales, !scales.isEmpty else { throw .misfit("it has neither scales nor sizes") }
        plan = try planned(e, x, axes, scales: scales)
    }
    return [try resized(&e, x, try regions(plan, axes, region), mode)]
}

/// Upsample: scales in an attribute before version 9, then an input; two attributes for height and width before 7.
func emitUpsample(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.operand(0)
    let rank = e.type(x).rank
    let scales: [Double]
    if e.version >= 9 {
        guard let known = try e.knownFloatsIfPresent(1, "scales") else { throw .missingInput(1) }
        scales = known
    } else if e.version >= 7 {
        guard let named = e.attribute("scales") else { throw .attribute("scales", reason: "is missing") }
        scales = named.floats.map { Double($0) }
    } else {
        guard rank == 4, let height = try e.float("height_scale"), let width = try e.float("width_scale") else {
            throw .misfit("an image of \(shapeText(e.shape(x))) without two scales")
        }
        scales = [1, 1, height, width]
    }
    return [try resized(&e, x, try planned(e, x, Array(0..<rank), scales: scales), try legacyMode(e))]
}

// MARK: attributes

/// Before version 11: the corners of the first pixels coincide.
private func legacyMode(_ e: Emitter) throws(NodeProblem) -> ResizeMode {
    var mode = ResizeMode()
    switch try e.text("mode", default: "nearest") {
    case "nearest": mode.interpolation = .nearest
    case "linear", "bilinear": mode.interpolation = .linear
    case let other: throw .attribute("mode", reason: "has the unknown value \"\(other)\"")
    }
    return mode
}

private func resizeMode(_ e: Emitter) throws(NodeProblem) -> ResizeMode {
    var mode = ResizeMode()
    switch try e.text("mode", default: "nearest") {
    case "nearest": mode.interpolation = .nearest
    case "linear": mode.interpolation = .linear
    case "cubic": mode.interpolation = .cubic
    case let other: throw .attribute("mode", reason: "has the unknown value \"\(other)\"")
    }
    switch try e.text("nearest_mode", default: "round_prefer_floor") {
    case "round_prefer_floor": mode.rounding = .preferFloor
    case "round_prefer_ceil": mode.rounding = .preferCeil
    case "floor": mode.rounding = .floor
    case "ceil": mode.rounding = .ceil
    case let other: throw .attribute("nearest_mode", reason: "has the unknown value \"\(other)\"")
    }
    let name = "coordinate_transformation_mode"
    switch try e.text(name, default: "half_pixel") {
    case "half_pixel": mode.coordinates = .halfPixel
    case "half_pixel_symmetric": mode.coordinates = .halfPixelSymmetric
    case "pytorch_half_pixel": mode.coordinates = .pytorchHalfPixel
    case "align_corners": mode.coordinates = .alignCorners
    case "asymmetric": mode.coordinates = .asymmetric
    case "tf_half_pixel_for_nn": mode.coordinates = .halfPixelForNearest
    case "tf_crop_and_resize": mode.coordinates = .cropAndResize
    case let other: throw .attribute(name, reason: "has the unknown value \"\(other)\"")
    }
    mode.cubicCoefficient = try e.float("cubic_coeff_a", default: -0.75)
    mode.excludesOutside = try e.flag("exclude_outside")
    mode.antialiases = try e.flag("antialias") && mode.interpolation != .nearest
    mode.extrapolation = try e.float("extrapolation_value", default: 0)
    return mode
}

private func namedAxes(_ e: Emitter, rank: Int) throws(NodeProblem) -> [Int] {
    guard let raw = try e.integers("axes") else { return Array(0..<rank) }
    _ = try e.axes(raw, rank: rank)
    return raw.map { $0 < 0 ? $0 + rank : $0 }
}

extension Emitter {
    /// A vector of floats that is known now, of an input that may be left out.
    fileprivate func knownFloatsIfPresent(_ index: Int, _ name: String) throws(NodeProblem) -> [Double]? {
        guard optional(index) != nil else { return nil }
        let value = try floatOperand(index)
        guard builder.isConstant(value) else { throw .needsConstant(input: index, name: name) }
        guard type(value).rank <= 1, type(value).elements <= Emitter.knownElementsMax,
            let known = builder.constantValue(value)
        else { throw .misfit("its input \(index) (\(name)) has the shape \(shapeText(shape(value)))") }
        return known.literals.map(\.float)
    }
}

// MARK: extents

/// One entry per axis of the operand.
private func planned(
    _ e: Emitter, _ x: ValueID, _ axes: [Int], scales: [Double]
) throws(NodeProblem) -> [ResizeAxis] {
    let shape = e.shape(x)
    guard scales.count == axes.count else { throw .misfit("\(scales.count) scales for \(axes.count) axes") }
    var plan = shape.map { ResizeAxis(input: $0, output: $0, scale: 1) }
    for (axis, scale) in zip(axes, scales) {
        // scales are 32-bit numbers, and 10 times 0.7 has to be 7
        let extent = (Float(shape[axis]) * Float(scale)).rounded(.down)
        guard scale > 0, extent >= 1, extent <= Float(Int32.max) else {
            throw .misfit("\(shape[axis]) elements times \(scale)")
        }
        plan[axis] = ResizeAxis(input: shape[axis], output: Int(extent), scale: scale)
    }
    return plan
}

private func planned(
    _ e: Emitter, _ x: ValueID, _ axes: [Int], sizes: [Int], policy: String
) throws(NodeProblem) -> [ResizeAxis] {
    let shape = e.shape(x)
    guard sizes.count == axes.count, sizes.allSatisfy({ $0 >= 1 && $0 <= Int(Int32.max) }), !shape.contains(0) else {
        throw .misfit("sizes \(sizes) for \(axes.count) axes of \(shapeText(shape))")
    }
    var plan = shape.map { ResizeAxis(input: $0, output: $0, scale: 1) }
    let scales = zip(axes, sizes).map { Double($0.1) / Double(shape[$0.0]) }
    let common: Double?
    switch policy {
    case "stretch": common = nil
    case "not_larger": common = scales.min()
    case "not_smaller": common = scales.max()
    default: throw .attribute("keep_aspect_ratio_policy", reason: "has the unknown value \"\(policy)\"")
    }
    for (position, axis) in axes.enumerated() {
        let size = common.map { Int(($0 * Double(shape[axis]) + 0.5).rounded(.down)) } ?? sizes[position]
        guard size >= 1 else { throw .misfit("sizes \(sizes) of \(shapeText(shape)) leave nothing of axis \(axis)") }
        plan[axis] = ResizeAxis(input: shape[axis], output: size, scale: common ?? scales[position])
    }
    return plan
}

private func regions(_ plan: [ResizeAxis], _ axes: [Int], _ region: [Double]?) throws(NodeProblem) -> [ResizeAxis] {
    guard let region, !region.isEmpty else { return plan }
    guard region.count == 2 * axes.count else {
        throw .misfit("a roi of \(region.count) numbers for \(axes.count) axes")
    }
    var plan = plan
    for (position, axis) in axes.enumerated() {
        plan[axis].region = (region[position], region[axes.count + position])
    }
    return plan
}

// MARK: definitions

private func resized(
    _ e: inout Emitter, _ x: ValueID, _ plan: [ResizeAxis], _ mode: ResizeMode
) throws(NodeProblem) -> ValueID {
    guard isReasonable(plan.map(\.output)) else { throw .tooLarge(plan.map(\.output)) }
    let changed = plan.indices.filter { !plan[$0].isIdentity(mode) }
    guard !changed.isEmpty else { return x }
    var taps: [Int: ResizeTaps] = [:]
    for axis in changed {
        let own = plan[axis].taps(mode)
        guard own.indices.count <= GraphBuilder.foldedElementsMax else { throw .tooLarge([own.indices.count]) }
        taps[axis] = own
    }
    let dtype = e.dtype(x)
    guard mode.interpolation != .nearest else {
        return try picked(&e, x, taps, plan.map(\.output), fill: number(mode.extrapolation, dtype))
    }
    _ = try e.numberOperand(0)
    let work = dtype.isFloat ? accumulator(dtype) : .f64
    var value = x
    // the axes that shrink most come first
    for axis in changed.sorted(by: { (plan[$0].output * plan[$1].input, $0) < (plan[$1].output * plan[$0].input, $1) })
    {
        guard let own = taps[axis] else { preconditionFailure("every changed axis has taps") }
        value = try weighted(&e, value, axis, plan[axis].output, own, fill: number(mode.extrapolation, work))
    }
    if dtype == work { return value }
    return try e.elementwise([value], dtype) { .cast(dtype, dtype.isFloat ? $0[0] : .unary(.round, $0[0])) }
}

extension ResizeTaps {
    /// That `place` is inside of the operand; none where all are.
    fileprivate func tests(_ place: Expr, extent: Int) -> [Expr] {
        guard inside != 0..<extent else { return [] }
        return [
            .binary(.greaterOrEqual, place, .integer(inside.lowerBound)),
            .binary(.less, place, .integer(inside.upperBound)),
        ]
    }
}

/// Nearest elements, all axes at once.
private func picked(
    _ e: inout Emitter, _ x: ValueID, _ taps: [Int: ResizeTaps], _ shape: [Int], fill: Expr
) throws(NodeProblem) -> ValueID {
    let out = coordinates(shape)
    var operands = [x]
    var source = out
    var tests: [Expr] = []
    for axis in shape.indices {
        guard let own = taps[axis] else { continue }
        tests += own.tests(out[axis], extent: shape[axis])
        if let index = rule(own.indices, out[axis]) {
            source[axis] = index
        } else {
            source[axis] = .read(slot: operands.count, [out[axis]])
            operands.append(e.constant(own.indices))
        }
    }
    let element = Expr.read(slot: 0, source)
    return try e.mapped(operands, TensorType(e.dtype(x), shape)) { _ in
        all(tests).map { .select($0, element, fill) } ?? element
    }
}

/// Sums of weighted elements along one axis, in the type of `fill`'s literal.
private func weighted(
    _ e: inout Emitter, _ value: ValueID, _ axis: Int, _ extent: Int, _ taps: ResizeTaps, fill: Expr
) throws(NodeProblem) -> ValueID {
    var shape = e.shape(value)
    shape[axis] = extent
    let dtype = e.dtype(value)
    let work = fill.dtype { _ in dtype }
    let out = coordinates(shape)
    let tap = Expr.axis(shape.count)
    let table = [extent, taps.count]
    let indices = e.constant(
        TensorValue(TensorType(.i64, table), integers: taps.indices.map { Int64($0) }))
    let weights = e.constant(TensorValue(TensorType(work, table), floats: taps.weights))
    var source = out
    source[axis] = .read(slot: 1, [out[axis], tap])
    let read = Expr.read(slot: 0, source)
    let product = Expr.read(slot: 2, [out[axis], tap]) * (dtype == work ? read : .cast(work, read))
    // outside, the first tap brings all of the fill value
    let outside = Expr.select(.binary(.equal, tap, .integer(0)), fill, zero(work))
    let term = all(taps.tests(out[axis], extent: extent)).map { .select($0, product, outside) } ?? product
    return try e.define(
        [value, indices, weights], TensorType(work, shape),
        .reduce(
            .sum, extents: [taps.count], condition: nil,
            IndexSimplifier(extents: shape + [taps.count]).simplify(term)))
}

/// The indices as arithmetic on the place, where they follow a rule.
private func rule(_ indices: [Int], _ place: Expr) -> Expr? {
    guard let first = indices.first else { return nil }
    let repeats = indices.firstIndex { $0 != first } ?? indices.count
    if first == 0, indices.indices.allSatisfy({ indices[$0] == $0 / repeats }) {
        return .binary(.floorDivide, place, .integer(repeats))
    }
    let step = indices.count > 1 ? indices[1] - first : 0
    guard indices.indices.allSatisfy({ indices[$0] == first + step * $0 }) else { return nil }
    return place * .integer(step) + .integer(first)
}
