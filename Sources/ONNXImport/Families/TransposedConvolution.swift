// ConvTranspose in any number of dimensions, with groups, strides, dilations, output padding and every way to say the
// padding, in the form that gathers:
//   Y[n, m, o…] = sum(c, r…) X[n, group(m)·C/g + c, window(o, r)…] * W[group(m)·C/g + c, m % (M/g), kernel(o, r)…]
// where the window and the kernel position exist, else 0; then + B[m].

import TensorIR

func emitTransposedConvolution(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (x, w) = (try e.floatOperand(0), try e.floatOperand(1))
    let dtype = try e.sameType([x, w])
    let (image, weights) = (e.shape(x), e.shape(w))
    guard image.count >= 3, weights.count == image.count, weights[0] == image[1], !weights.contains(0) else {
        throw .misfit("an image of \(shapeText(image)) and weights of \(shapeText(weights))")
    }
    let groups = try e.integer("group", default: 1)
    guard groups >= 1, image[1] % groups == 0 else { throw .misfit("\(image[1]) channels in \(groups) groups") }
    let (depth, filters) = (image[1] / groups, weights[1])
    let window = try TransposedWindow(e, input: Array(image[2...]), kernel: Array(weights[2...]))
    let result = [image[0], filters * groups] + window.output
    guard isReasonable(result) else { throw .tooLarge(result) }
    let all = coordinates(result)
    let axes = window.axes(of: Array(all[2...]), first: result.count + 1)
    let extents = [depth] + axes.map(\.extent)
    let inner = depth == 1 ? Expr.integer(0) : .axis(result.count)
    let group = Expr.binary(.floorDivide, all[1], .integer(filters))
    let channel = groups == 1 ? inner : group * .integer(depth) + inner
    let filter = groups == 1 ? all[1] : .binary(.floorModulo, all[1], .integer(filters))
    let sum = accumulator(dtype)
    func wide(_ value: Expr) -> Expr { sum == dtype ? value : .cast(sum, value) }
    let product =
        wide(.read(slot: 0, [all[0], channel] + axes.map(\.window)))
        * wide(.read(slot: w == x ? 0 : 1, [channel, filter] + axes.map(\.kernel)))
    let guarded = predicated(axes.flatMap(\.tests), product, sum)
    var y = try e.define(
        w == x ? [x] : [x, w], TensorType(sum, result),
        .reduce(
            .sum, extents: extents, condition: nil,
            IndexSimplifier(extents: result + extents).simplify(guarded)))
    if let bias = e.optional(2) {
        guard e.dtype(bias) == dtype else { throw .mixedTypes([dtype, e.dtype(bias)]) }
        y = try e.elementwise([Operand(y), Operand(bias, along: 1)], sum) { $0[0] + wide($0[1]) }
    }
    return [try e.cast(y, to: dtype)]
}

/// What the attributes of a ConvTranspose come to.
private struct TransposedWindow {
    /// All of these have one entry per spatial axis.
    let input: [Int]
    let kernel: [Int]
    let strides: [Int]
    let dilations: [Int]
    private(set) var padBegin: [Int]
    private(set) var output: [Int] = []

    init(_ e: Emitter, input: [Int], kernel weights: [Int]) throws(NodeProblem) {
        let rank = input.count
        let ones = [Int](repeating: 1, count: rank)
        let zeros = [Int](repeating: 0, count: rank)
        kernel = try e.spatial("kernel_shape", least: 1, default: weights)
        guard kernel == weights, !input.contains(0) else {
            throw .misfit(
                "kernel_shape \(shapeText(kernel)), weights of \(shapeText(weights)) and an image of "
                    + shapeText(input))
        }
        strides = try e.spatial("strides", least: 1, default: ones)
        dilations = try e.spatial("dilations", least: 1, default: ones)
        let extra = try e.spatial("output_padding", least: 0, default: zeros)
        let pads = try e.spatial("pads", least: 0, default: zeros + zeros)
        (self.input, padBegin) = (input, Array(pads[..<rank]))
        let mode = try e.text("auto_pad", default: "NOTSET")
        guard ["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"].contains(mode) else {
            throw .attribute("auto_pad", reason: "has the unknown value \"\(mode)\"")
        }
        var named = try e.integers("output_shape") ?? []
        if named.count == rank + 2 { named.removeFirst(2) }
        guard named.isEmpty || named.count == rank, named.allSatisfy({ $0 >= 1 }) else {
            throw .attribute("output_shape", reason: "is \(named) for \(rank) spatial axes")
        }
        for axis in input.indices {
            let full = strides[axis] * (input[axis] - 1) + extra[axis] + (kernel[axis] - 1) * dilations[axis] + 1
            if named.isEmpty, !mode.hasPrefix("SAME") {
                if mode == "VALID" { padBegin[axis] = 0 }
                output.append(full - (mode == "VALID" ? 0 : pads[axis] + pads[rank + axis]))
            } else {
                // the padding follows from the extent of the result
                output.append(named.isEmpty ? input[axis] * strides[axis] : named[axis])
                let total = max(full - output[axis], 0)
                padBegin[axis] = mode == "SAME_UPPER" ? total / 2 : total - total / 2
            }
            guard output[axis] >= 1 else { throw .misfit("a result of \(shapeText(output)) elements") }
        }
    }

    /// The windows over the place `places` of the result; reduction axes are counted from `first` on.
    func axes(of places: [Expr], first: Int) -> [ReversedAxis] {
        input.indices.map { axis in
            ReversedAxis(
                place: places[axis] + .integer(padBegin[axis]), kernel: kernel[axis], stride: strides[axis],
                dilation: dilations[axis], windows: input[axis], axis: first + axis)
        }
    }
}
