// The sliding window seen from what it covers: which windows, and which of their positions, lie on a given place.
// ConvTranspose and Col2Im scatter windows into an image; here each place of the image gathers instead, so that both
// are ordinary reductions. With a stride s and no dilation, place t meets the kernel positions t % s, t % s + s, … of
// the windows t / s, t / s - 1, …, so only every s-th position is visited at all.

import TensorIR

/// One spatial axis: the reduction over the windows that may cover a place.
struct ReversedAxis {
    /// Extent of the reduction axis.
    let extent: Int
    /// Position in the kernel, and which window it belongs to.
    let kernel: Expr
    let window: Expr
    /// Both are inside; tests that cannot fail vanish when the expression is simplified.
    let tests: [Expr]

    /// - Parameters:
    ///   - place: from the begin of the padding on, never negative.
    ///   - windows: how many windows there are.
    ///   - axis: number of the reduction axis.
    init(place: Expr, kernel size: Int, stride: Int, dilation: Int, windows: Int, axis: Int) {
        let sparse = stride > 1 && dilation == 1
        extent = sparse ? ceilDivide(size, stride) : size
        let step = extent == 1 ? Expr.integer(0) : .axis(axis)
        var tests: [Expr] = []
        if sparse {
            kernel = .binary(.floorModulo, place, .integer(stride)) + step * .integer(stride)
            window = .binary(.floorDivide, place, .integer(stride)) - step
            tests.append(.binary(.less, kernel, .integer(size)))
        } else {
            kernel = step
            let start = place - step * .integer(dilation)
            window = stride == 1 ? start : .binary(.floorDivide, start, .integer(stride))
            if stride > 1 {
                tests.append(.binary(.equal, .binary(.floorModulo, start, .integer(stride)), .integer(0)))
            }
        }
        tests.append(.binary(.greaterOrEqual, window, .integer(0)))
        tests.append(.binary(.less, window, .integer(windows)))
        self.tests = tests
    }
}

extension Emitter {
    /// A list attribute with as many entries as `value` has, which stands in for one that is left out.
    func spatial(_ name: String, least: Int, default value: [Int]) throws(NodeProblem) -> [Int] {
        guard let list = try integers(name), !list.isEmpty else { return value }
        guard list.count == value.count else {
            throw .attribute(name, reason: "has \(list.count) entries where \(value.count) are needed")
        }
        guard list.allSatisfy({ $0 >= least }) else { throw .attribute(name, reason: "is below \(least)") }
        return list
    }
}

/// `value` where all of `tests` hold, else 0.
func predicated(_ tests: [Expr], _ value: Expr, _ dtype: DType) -> Expr {
    all(tests).map { .select($0, value, zero(dtype)) } ?? value
}
