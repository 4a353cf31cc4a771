// The sliding window that convolution and pooling share: kernel extents, strides, dilations and padding, from
// attributes in all their forms. Input: a node and the spatial extents it slides over. Output: the extents of the
// result, and the index that window position and kernel position give, with the test that it is inside.

import TensorIR

struct Window {
    /// All of these have one entry per spatial axis.
    let input: [Int]
    let kernel: [Int]
    let strides: [Int]
    let dilations: [Int]
    private(set) var padBegin: [Int]
    private(set) var padEnd: [Int]
    private(set) var output: [Int] = []

    /// - Parameter kernel: from the weights; `nil` reads `kernel_shape`, which must agree when both are there.
    init(_ emitter: Emitter, input: [Int], kernel weights: [Int]?) throws(NodeProblem) {
        let rank = input.count
        guard rank >= 1 else { throw .misfit("its operand has no spatial axis") }
        func list(_ name: String, least: Int, default value: [Int]) throws(NodeProblem) -> [Int] {
            guard let list = try emitter.integers(name) else { return value }
            guard list.count == value.count else {
                throw .attribute(name, reason: "has \(list.count) entries where \(value.count) are needed")
            }
            guard list.allSatisfy({ $0 >= least }) else { throw .attribute(name, reason: "is below \(least)") }
            return list
        }
        if let weights, emitter.attribute("kernel_shape") == nil {
            kernel = weights
        } else {
            guard emitter.attribute("kernel_shape") != nil else {
                throw .attribute("kernel_shape", reason: "is missing")
            }
            kernel = try list("kernel_shape", least: 1, default: [Int](repeating: 1, count: rank))
            guard weights == nil || weights == kernel else {
                throw .misfit("kernel_shape \(shapeText(kernel)) and weights of \(shapeText(weights ?? []))")
            }
        }
        guard kernel.allSatisfy({ $0 >= 1 }) else { throw .misfit("a kernel of \(shapeText(kernel))") }
        let ones = [Int](repeating: 1, count: rank)
        strides = try list("strides", least: 1, default: ones)
        dilations = try list("dilations", least: 1, default: ones)
        let pads = try list("pads", least: 0, default: [Int](repeating: 0, count: 2 * rank))
        (padBegin, padEnd) = (Array(pads[..<rank]), Array(pads[rank...]))
        self.input = input
        let roundsUp = try emitter.flag("ceil_mode")
        try place(try emitter.text("auto_pad", default: "NOTSET"), roundsUp: roundsUp)
    }

    /// Extents of the kernel with its dilation.
    private var span: [Int] { kernel.indices.map { (kernel[$0] - 1) * dilations[$0] + 1 } }

    private mutating func place(_ mode: String, roundsUp: Bool) throws(NodeProblem) {
        let span = self.span
        for axis in input.indices {
            switch mode {
            case "NOTSET": break
            case "VALID": (padBegin[axis], padEnd[axis]) = (0, 0)
            case "SAME_UPPER", "SAME_LOWER":
                let count = (input[axis] + strides[axis] - 1) / strides[axis]
                let total = max((count - 1) * strides[axis] + span[axis] - input[axis], 0)
                let less = total / 2
                padBegin[axis] = mode == "SAME_UPPER" ? less : total - less
                padEnd[axis] = total - padBegin[axis]
            default: throw .attribute("auto_pad", reason: "has the unknown value \"\(mode)\"")
            }
            let room = input[axis] + padBegin[axis] + padEnd[axis] - span[axis]
            guard room >= 0, input[axis] > 0 else {
                throw .misfit(
                    "a window of \(span[axis]) on axis \(axis), which has \(input[axis]) elements and "
                        + "\(padBegin[axis] + padEnd[axis]) of padding")
            }
            var count = (roundsUp ? room + strides[axis] - 1 : room) / strides[axis] + 1
            // A window that would start in the end padding is dropped.
            if roundsUp, (count - 1) * strides[axis] >= input[axis] + padBegin[axis] { count -= 1 }
            output.append(count)
        }
    }

    /// The input index of kernel position `offset` in the window at `position`, per axis.
    func indices(position: [Expr], offset: [Expr]) -> [Expr] {
        input.indices.map { axis in
            position[axis] * .integer(strides[axis]) + offset[axis] * .integer(dilations[axis])
                - .integer(padBegin[axis])
        }
    }

    /// `index` lies inside of the input on every axis; only the tests that can fail. `nil` when none can.
    func isInside(_ index: [Expr]) -> Expr? {
        var tests: [Expr] = []
        for axis in input.indices {
            if padBegin[axis] > 0 { tests.append(.binary(.greaterOrEqual, index[axis], .integer(0))) }
            let last = (output[axis] - 1) * strides[axis] + span[axis] - 1 - padBegin[axis]
            if last >= input[axis] { tests.append(.binary(.less, index[axis], .integer(input[axis]))) }
        }
        return all(tests)
    }

    /// How many kernel positions of each window fall on elements, per axis and window. With `padded` the padding
    /// counts too, but not what lies beyond it.
    func counts(axis: Int, padded: Bool) -> [Int] {
        let low = padded ? -padBegin[axis] : 0
        let high = padded ? input[axis] + padEnd[axis] : input[axis]
        return (0..<output[axis]).map { position in
            let start = position * strides[axis] - padBegin[axis]
            let step = dilations[axis]
            // positions k with low <= start + k * step < high
            let first = max((low - start + step - 1) / step, 0)
            let end = min((high - start + step - 1) / step, kernel[axis])
            return max(end - first, 0)
        }
    }
}
