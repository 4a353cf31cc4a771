// Is a kernel right? Its results are compared with the naive reference in double, element by element. The tolerance
// is what single precision alone costs: 16 · max |naive f32 − double| + 32 · eps · max |reference|. Where the naive
// f32 result is exact, so must the kernel's be, bit for bit. An algorithm that rounds otherwise than the definition
// does (Winograd's) has its own share of max |reference| on top. NaN and infinities must stand in the same places.
// Integers are equal, or what the naive f32 has where they come from floats; quantised ones (16 bits and less) may be
// off by one when the naive f32 is off somewhere.

import TensorIR

package struct Agreement: Hashable, Sendable {
    package var right: Bool
    /// Largest |kernel − reference| over finite elements, of all results.
    package var maxError: Double
    package var tolerance: Double
    /// The first element that disagrees, as text.
    package var disagreement: String?
}

/// - Parameter errorShare: `Algorithm.errorShare` of the kernel's schedule.
package func compare(
    kernel: [TensorValue], reference: [TensorValue], naive: [TensorValue], errorShare: Double = 0
) -> Agreement {
    var out = Agreement(right: true, maxError: 0, tolerance: 0, disagreement: nil)
    for (n, value) in kernel.enumerated() {
        let one = compare(value, reference[n], naive[n], errorShare, result: n)
        out.maxError = max(out.maxError, one.maxError)
        out.tolerance = max(out.tolerance, one.tolerance)
        if !one.right, out.right {
            out.right = false
            out.disagreement = one.disagreement
        }
    }
    return out
}

private func compare(
    _ value: TensorValue, _ reference: TensorValue, _ naive: TensorValue, _ errorShare: Double, result: Int
) -> Agreement {
    switch (value.elements, reference.elements, naive.elements) {
    case (.integers(let a), .integers(let b), .integers(let c)):
        let distance = { (x: Int64, y: Int64) in abs(Double(x) - Double(y)) }
        let isQuantised = value.type.dtype.bytes <= 2 && value.type.dtype != .bool
        let tolerance = isQuantised && b != c ? 1.0 : 0
        let errors = a.indices.map { a[$0] == b[$0] || a[$0] == c[$0] ? 0 : max(distance(a[$0], b[$0]), 1) }
        let at = errors.firstIndex { $0 > tolerance }
        return Agreement(
            right: at == nil, maxError: errors.max() ?? 0, tolerance: tolerance,
            disagreement: at.map { "result \(result) element \($0): \(a[$0]) instead of \(b[$0])" })
    case (.floats(let a), .floats(let b), .floats(let c)):
        var spread = 0.0
        var scale = 0.0
        for (x, y) in zip(b, c) where x.isFinite && y.isFinite {
            spread = max(spread, abs(x - y))
            scale = max(scale, abs(x))
        }
        let rounding = spread == 0 && exact(b) ? 0 : 16 * spread + 32 * Double(Float.ulpOfOne) * scale
        let tolerance = rounding + errorShare * scale
        var out = Agreement(right: true, maxError: 0, tolerance: tolerance, disagreement: nil)
        for at in a.indices {
            let (x, y) = (a[at], b[at])
            if x == y || x == c[at] || (x.isNaN && y.isNaN) { continue }
            // an overflow of single precision is right where the naive f32 overflows too
            if !y.isFinite || !x.isFinite, x == c[at] || (x.isNaN && c[at].isNaN) { continue }
            let error = abs(x - y)
            if error.isFinite { out.maxError = max(out.maxError, error) }
            if !(error <= tolerance), out.right {
                out.right = false
                out.disagreement = "result \(result) element \(at): \(x) instead of \(y), tolerance \(tolerance)"
            }
        }
        return out
    case (.integers, .floats, _), (.floats, .integers, _), (.floats, .floats, .integers),
        (.integers, .integers, .floats):
        preconditionFailure("a kernel and its reference disagree about dtypes")
    }
}

/// Whether every value is an f32, so that the naive result is not just rounded the same way.
private func exact(_ values: [Double]) -> Bool {
    values.allSatisfy { Double(Float($0)) == $0 || $0.isNaN }
}
