// Random small workloads of every structure that Lowering has a template for, as texts: contractions with batch axes,
// several row, column and depth axes, convolutions with stride, padding, dilation and groups; reductions; row-wise
// chains; maps. Extents are awkward on purpose: 1, primes, and both sides of vector widths.
// In:  a seeded generator.  Out: canonical workloads and operand values that make exact sums.

import Basics
import TensorIR

struct WorkloadSamples {
    var random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    mutating func pick<T>(_ items: [T]) -> T { items[random.below(items.count)] }
    mutating func chance(_ percent: Int) -> Bool { random.below(100) < percent }
    mutating func small() -> Int { pick([1, 2, 3, 4, 5, 7, 8]) }
    mutating func extent() -> Int { pick([1, 2, 3, 5, 7, 8, 11, 13, 15, 16, 17, 19, 23, 31, 32, 33]) }

    /// What stands between an accumulator and the result.
    struct Epilogue {
        /// Parameters that it needs, `, bias: const f32[7]`.
        var parameters = ""
        var lines = ""
        var result = "acc"
    }

    /// An epilogue over `acc[axes]`; `channel` and `column` are axes with their extents.
    mutating func epilogue(
        _ axes: [(name: String, extent: Int)], channel: (name: String, extent: Int)
    ) -> Epilogue {
        let head = axes.map { "\($0.name):\($0.extent)" }.joined(separator: ",")
        let at = axes.map(\.name).joined(separator: ",")
        let shape = axes.map { "\($0.extent)" }.joined(separator: ",")
        switch random.below(7) {
        case 0, 1: return Epilogue()
        case 2:
            return Epilogue(
                parameters: ", bias: const f32[\(channel.extent)]",
                lines: """
                    y: f32[\(head)] = acc[\(at)] + bias[\(channel.name)]
                    z: f32[\(head)] = max(y[\(at)], 0.0)
                    """, result: "z")
        case 3:
            return Epilogue(
                parameters: ", bias: const f32[\(channel.extent)]",
                lines: """
                    y: f32[\(head)] = acc[\(at)] + bias[\(channel.name)]
                    z: f32[\(head)] = 0.5 * y[\(at)] * (1.0 + erf(y[\(at)] * 0.70710678))
                    """, result: "z")
        case 4:
            return Epilogue(
                parameters: ", other: f32[\(shape)]", lines: "z: f32[\(head)] = acc[\(at)] + other[\(at)]", result: "z")
        case 5:
            return Epilogue(
                lines: "z: f32[\(head)] = (\(axes[0].name) <= \(axes[axes.count - 1].name) ? acc[\(at)] : -1.0)",
                result: "z")
        default:
            return Epilogue(
                parameters: ", scale: f32[]",
                lines: """
                    y: f32[\(head)] = acc[\(at)] * scale[]
                    w: f32[\(head)] = y[\(at)] + acc[\(at)]
                    z: f32[\(head)] = w[\(at)] * y[\(at)]
                    """, result: "z")
        }
    }

    private mutating func constant(_ percent: Int) -> String { chance(percent) ? "const " : "" }

    mutating func matrixProduct() -> String {
        let (m, n, k) = (extent(), extent(), extent())
        let batch = chance(35) ? small() : 0
        let shared = chance(40)  // one B for the whole batch
        let b = batch > 0 ? "b," : ""
        let bExtent = batch > 0 ? "\(batch)," : ""
        let bBatch = shared ? "" : b
        let (left, leftShape) = chance(60) ? ("\(b)m,k", "\(bExtent)\(m),\(k)") : ("\(b)k,m", "\(bExtent)\(k),\(m)")
        let right: String
        let rightShape: String
        if chance(60) {
            (right, rightShape) = ("\(bBatch)k,n", "\(shared ? "" : bExtent)\(k),\(n)")
        } else {
            (right, rightShape) = ("\(bBatch)n,k", "\(shared ? "" : bExtent)\(n),\(k)")
        }
        var axes = (batch > 0 ? [("b", batch)] : []) + [("m", m), ("n", n)]
        if axes.count == 3, chance(40) { axes.swapAt(0, 1) }
        let tail = epilogue(axes, channel: chance(50) ? ("n", n) : ("m", m))
        let head = axes.map { "\($0.0):\($0.1)" }.joined(separator: ",")
        return """
            workload(A: \(constant(30))f32[\(leftShape)], B: \(constant(50))f32[\(rightShape)]\(tail.parameters)) {
              acc: f32[\(head)] = sum(k:\(k)) A[\(left)] * B[\(right)]
              \(tail.lines)
            } -> \(tail.result)
            """
    }

    /// Two axes per role, in orders that keep them from merging.
    mutating func manyAxes() -> String {
        let (m0, m1, n0, n1, k0, k1) = (small(), small(), small(), small(), small(), small())
        // the roles may stand in any order, but the innermost axis is a column
        var axes = [("m0", m0), ("m1", m1), ("n0", n0), ("n1", n1)]
        if chance(50) { axes.swapAt(0, 1 + random.below(2)) }
        if chance(50) { axes.swapAt(1, 2) }
        let tail = epilogue(axes, channel: ("n1", n1))
        let left = pick([("m1,m0,k0,k1", "\(m1),\(m0),\(k0),\(k1)"), ("m0,m1,k0,k1", "\(m0),\(m1),\(k0),\(k1)")])
        let right = pick([
            ("k1,k0,n1,n0", "\(k1),\(k0),\(n1),\(n0)"), ("k1,k0,n0,n1", "\(k1),\(k0),\(n0),\(n1)"),
            ("n1,n0,k0,k1", "\(n1),\(n0),\(k0),\(k1)"),
        ])
        let head = axes.map { "\($0.0):\($0.1)" }.joined(separator: ",")
        return """
            workload(A: \(constant(40))f32[\(left.1)], B: \(constant(40))f32[\(right.1)]\(tail.parameters)) {
              acc: f32[\(head)] = sum(k0:\(k0),k1:\(k1)) A[\(left.0)] * B[\(right.0)]
              \(tail.lines)
            } -> \(tail.result)
            """
    }

    /// Scores of heads that lie side by side in rows; A read backwards; operands computed on the way in.
    mutating func oddContraction() -> String {
        let (h, s, d) = (small(), extent(), small())
        switch random.below(7) {
        case 0 where chance(50):
            return """
                workload(P: f32[\(h),\(s),\(s)], V: f32[\(s),\(h * d)]) {
                  acc: f32[i:\(s),h:\(h),d:\(d)] = sum(j:\(s)) P[h,i,j] * V[j,h*\(d)+d]
                } -> acc
                """
        case 0:
            return """
                workload(Q: f32[\(s),\(h * d)], K: f32[\(s),\(h * d)]) {
                  acc: f32[h:\(h),i:\(s),j:\(s)] = sum(d:\(d)) Q[i,h*\(d)+d] * K[j,h*\(d)+d]
                  z: f32[h:\(h),i:\(s),j:\(s)] = acc[h,i,j] * 0.125
                } -> z
                """
        case 1:
            return """
                workload(A: \(constant(30))f32[\(s),\(d)], B: \(constant(50))f32[\(d),\(s)]) {
                  acc: f32[m:\(s),n:\(s)] = sum(k:\(d)) A[\(s - 1)-m,k] * B[k,n]
                } -> acc
                """
        case 2:
            return """
                workload(A: f32[\(s),\(d)], B: f32[\(d),\(16 * h)]) {
                  acc: f32[m:\(s),n:\(16 * h)] = sum(k:\(d)) A[m,k] * B[\(d - 1)-k,n]
                } -> acc
                """
        case 3:
            return """
                workload(A: f32[\(s),\(d)], B: \(constant(50))i8[\(d),\(h)], z: i8[]) {
                  acc: f32[m:\(s),n:\(h)] = sum(k:\(d)) exp(A[m,k]) * (f32(B[k,n]) - f32(z[]))
                } -> acc
                """
        case 4:
            return """
                workload(A: const f32[\(s),\(d)]) {
                  acc: f32[m:\(s),n:\(s)] = sum(k:\(d)) A[m,k] * A[n,k]
                } -> acc
                """
        case 5:
            return """
                workload(A: f32[\(s),\(d)], B: const f32[\(d),\(s)]) {
                  acc: f32[m:\(s),n:\(s)] = sum(k:\(d)) A[m,k] * B[k,n]
                  z: f32[m:\(s),n:\(s)] = acc[m,n] + B[0,n]
                } -> z
                """
        default:
            return """
                workload(A: f32[\(s),\(d)], B: f32[\(d),\(s)], I: i64[\(s)]) {
                  acc: f32[m:\(s),n:\(s)] = sum(k:\(d)) A[I[m]%\(s),k] * B[k,n]
                } -> acc
                """
        }
    }

    mutating func convolution() -> String {
        let (groups, c, k) = (chance(30) ? 1 + random.below(3) : 1, small(), small())
        let (r, s) = (1 + random.below(3), 1 + random.below(3))
        let (stride, pad, dilation) = (1 + random.below(2), random.below(2), 1 + random.below(2))
        let (oh, ow) = (1 + random.below(6), pick([1, 2, 3, 5, 7, 8, 9]))
        let (h, w) = ((oh - 1) * stride + (r - 1) * dilation + 1, (ow - 1) * stride + (s - 1) * dilation + 1)
        let inH = max(h - 2 * pad, 1)
        let inW = max(w - 2 * pad, 1)
        let y = "y*\(stride)+r*\(dilation)-\(pad)"
        let x = "x*\(stride)+s*\(dilation)-\(pad)"
        let inside =
            "y*\(stride)+r*\(dilation)>=\(pad) && y*\(stride)+r*\(dilation)<\(inH + pad) "
            + "&& x*\(stride)+s*\(dilation)>=\(pad) && x*\(stride)+s*\(dilation)<\(inW + pad)"
        let images = chance(30) ? 2 + random.below(2) : 1
        let axes = [("n", images), ("g", groups), ("k", k), ("y", oh), ("x", ow)]
        let tail = epilogue(axes, channel: ("k", k))
        return """
            workload(X: f32[\(images),\(groups),\(c),\(inH),\(inW)], \
            W: \(constant(80))f32[\(groups),\(k),\(c),\(r),\(s)]\(tail.parameters)) {
              acc: f32[n:\(images),g:\(groups),k:\(k),y:\(oh),x:\(ow)] = sum(c:\(c),r:\(r),s:\(s)) \
            W[g,k,c,r,s] * (\(inside) ? X[n,g,c,\(y),\(x)] : 0.0)
              \(tail.lines)
            } -> \(tail.result)
            """
    }
}
