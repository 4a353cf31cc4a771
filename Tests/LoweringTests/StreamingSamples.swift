// Random small workloads without a contraction: depthwise convolutions, pooling, reductions of every reducer and
// kind of number, row-wise chains (softmax, norms, masks, several results) and maps.
// In:  the generator of WorkloadSamples.  Out: texts of workloads.

import Basics
import TensorIR

extension WorkloadSamples {
    mutating func window() -> String {
        let (c, r, s) = (small(), 1 + random.below(3), 1 + random.below(3))
        let (stride, pad) = (1 + random.below(2), random.below(2))
        let (oh, ow) = (1 + random.below(6), pick([1, 2, 3, 5, 8, 16, 17]))
        let inH = max((oh - 1) * stride + r - 2 * pad, 1)
        let inW = max((ow - 1) * stride + s - 2 * pad, 1)
        let inside =
            "y*\(stride)+r>=\(pad) && y*\(stride)+r<\(inH + pad) && x*\(stride)+s>=\(pad) "
            + "&& x*\(stride)+s<\(inW + pad)"
        let read = "X[c,y*\(stride)+r-\(pad),x*\(stride)+s-\(pad)]"
        let head = "f32[c:\(c),y:\(oh),x:\(ow)]"
        switch random.below(3) {
        case 0:
            let tail = epilogue([("c", c), ("y", oh), ("x", ow)], channel: ("c", c))
            return """
                workload(X: f32[\(c),\(inH),\(inW)], W: const f32[\(c),\(r),\(s)]\(tail.parameters)) {
                  acc: \(head) = sum(r:\(r),s:\(s)) W[c,r,s] * (\(inside) ? \(read) : 0.0)
                  \(tail.lines)
                } -> \(tail.result)
                """
        case 1:
            return """
                workload(X: f32[\(c),\(inH),\(inW)]) {
                  acc: \(head) = max(r:\(r),s:\(s) where \(inside)) \(read)
                } -> acc
                """
        default:
            return """
                workload(X: f32[\(c),\(inH),\(inW)]) {
                  acc: \(head) = sum(r:\(r),s:\(s)) (\(inside) ? \(read) : 0.0)
                  z: \(head) = acc[c,y,x] / \(r * s).0
                } -> z
                """
        }
    }

    mutating func reduction() -> String {
        let (m, n, k) = (small(), extent(), extent())
        switch random.below(9) {
        case 0: return "workload(A: f32[\(m),\(n),\(k)]) { z: f32[m:\(m)] = sum(n:\(n),k:\(k)) A[m,n,k] } -> z"
        case 1: return "workload(A: f32[\(m),\(n),\(k)]) { z: f32[m:\(m),k:\(k)] = max(n:\(n)) A[m,n,k] } -> z"
        case 2: return "workload(A: f32[\(n),\(k)]) { z: f32[] = sum(n:\(n),k:\(k)) A[n,k] * A[n,k] } -> z"
        case 3: return "workload(A: i32[\(n),\(k)]) { z: i32[n:\(n)] = sum(k:\(k)) A[n,k] } -> z"
        case 4: return "workload(A: i8[\(n),\(k)]) { z: i8[k:\(k)] = min(n:\(n)) A[n,k] } -> z"
        case 5: return "workload(A: f32[\(n)]) { z: f32[n:\(n)] = sum(k:\(n) where k <= n) A[k] } -> z"
        case 6:
            return """
                workload(A: f32[\(n),\(k)], B: f32[\(k)]) {
                  s: f32[n:\(n),k:\(k)] = A[n,k] + B[k]
                  z: f32[n:\(n)] = sum(k:\(k)) exp(s[n,k])
                  l: f32[n:\(n)] = log(z[n])
                } -> l
                """
        case 7:
            return """
                workload(A: f64[\(m),\(k)], B: f64[\(k),\(n)]) {
                  z: f64[m:\(m),n:\(n)] = sum(k:\(k)) A[m,k] * B[k,n]
                } -> z
                """
        default:
            return """
                workload(A: f32[\(m),\(n)]) {
                  z: f32[n:\(n)] = product(m:\(m)) A[m,n]
                  y: f32[n:\(n)] = z[n] - 1.0
                } -> y
                """
        }
    }

    mutating func rows() -> String {
        // with extent 1 reductions become maps; two results of maps are no structure
        let (b, n) = (small(), max(2, extent()))
        switch random.below(7) {
        case 0:
            return """
                workload(X: f32[\(b),\(n)]) {
                  m: f32[i:\(b)] = max(j:\(n)) X[i,j]
                  e: f32[i:\(b),j:\(n)] = exp(X[i,j] - m[i])
                  s: f32[i:\(b)] = sum(j:\(n)) e[i,j]
                  p: f32[i:\(b),j:\(n)] = e[i,j] / s[i]
                } -> p
                """
        case 1:
            return """
                workload(X: f32[\(b),\(n)], g: const f32[\(n)], h: const f32[\(n)]) {
                  s: f32[i:\(b)] = sum(j:\(n)) X[i,j]
                  u: f32[i:\(b)] = s[i] * 0.0625
                  d: f32[i:\(b),j:\(n)] = X[i,j] - u[i]
                  v: f32[i:\(b)] = sum(j:\(n)) d[i,j] * d[i,j]
                  r: f32[i:\(b)] = sqrt(v[i] * 0.0625 + 1.0e-5)
                  y: f32[i:\(b),j:\(n)] = d[i,j] / r[i] * g[j] + h[j]
                } -> y
                """
        case 2:
            return """
                workload(X: f32[\(b),\(n)]) {
                  m: f32[i:\(b)] = max(j:\(n) where j <= i) X[i,j]
                  s: f32[i:\(b)] = sum(j:\(n) where j <= i) exp(X[i,j] - m[i])
                  p: f32[i:\(b),j:\(n)] = (j <= i ? exp(X[i,j] - m[i]) / s[i] : 0.0)
                } -> p
                """
        case 3:
            return """
                workload(X: f32[\(b),\(n)]) {
                  m: f32[i:\(b)] = max(j:\(n)) X[i,j]
                  s: f32[i:\(b)] = sum(j:\(n)) exp(X[i,j] - m[i])
                } -> s, m
                """
        case 4:
            let (y, x) = (small(), small())
            return """
                workload(X: f32[\(y),\(b),\(x)], g: f32[\(b)]) {
                  s: f32[i:\(b)] = sum(y:\(y),x:\(x)) X[y,i,x]
                  d: f32[i:\(b),y:\(y),x:\(x)] = X[y,i,x] - s[i]
                  q: f32[i:\(b)] = max(y:\(y),x:\(x)) abs(d[i,y,x])
                  z: f32[i:\(b),y:\(y),x:\(x)] = d[i,y,x] * q[i] + g[i]
                } -> z
                """
        case 5:
            return """
                workload(X: f32[\(n)]) {
                  m: f32[] = max(j:\(n)) X[j]
                  s: f32[] = sum(j:\(n)) exp(X[j] - m[])
                  p: f32[j:\(n)] = exp(X[j] - m[]) / s[]
                } -> p, m
                """
        default:
            return """
                workload(X: f32[\(b),\(n)], Y: f32[\(b),\(n)]) {
                  d: f32[i:\(b),j:\(n)] = X[i,j] - Y[i,j]
                  s: f32[i:\(b)] = sum(j:\(n)) d[i,j] * d[i,j]
                  z: f32[i:\(b),j:\(n)] = d[i,j] * s[i]
                } -> z
                """
        }
    }

    mutating func maps() -> String {
        let (m, n, k) = (small(), extent(), small())
        switch random.below(9) {
        case 0: return "workload(A: f32[\(m),\(n),\(k)]) { z: f32[k:\(k),n:\(n),m:\(m)] = A[m,n,k] } -> z"
        case 1:
            return """
                workload(A: f32[\(m),\(n)], b: f32[\(n)], c: const f32[\(m),\(1)]) {
                  y: f32[m:\(m),n:\(n)] = A[m,n] * b[n] + c[m,0]
                  z: f32[m:\(m),n:\(n)] = (y[m,n] > 0.0 ? y[m,n] : y[m,n] * 0.1)
                } -> z
                """
        case 2:
            return """
                workload(A: f32[\(m),\(n)], B: f32[\(k),\(n)]) {
                  z: f32[m:\(m + k),n:\(n)] = { [0..<\(m), 0..<\(n)] A[m,n]; [\(m)..<\(m + k), 0..<\(n)] B[m-\(m),n] }
                } -> z
                """
        case 3: return "workload(T: const f32[\(n),\(k)], I: i64[\(m)]) { z: f32[m:\(m),k:\(k)] = T[I[m]%\(n),k] } -> z"
        case 4: return "workload(A: f32[], B: f32[]) { z: f32[] = A[] + B[] } -> z"
        case 5:
            return "workload(A: i32[\(m),\(n)]) { z: i8[m:\(m),n:\(n)] = i8(truncDiv(A[m,n] * i32(3), i32(2))) } -> z"
        case 6:
            return """
                workload(A: f32[\(n)]) {
                  z: f32[n:\(n + 3)] = { [0..<2] 0.0; [2..<\(n + 2)] exp(A[n-2]); [\(n + 2)..<\(n + 3)] 1.0 }
                } -> z
                """
        case 7:
            return """
                workload(A: f32[\(m),\(n)]) {
                  y: f32[m:\(m),n:\(n)] = exp(A[m,n])
                  z: f32[n:\(n),m:\(m)] = y[m,n] + y[\(m - 1)-m,n]
                } -> z
                """
        default:
            return """
                workload(A: bool[\(m),\(n)], B: f32[\(n)], C: f32[\(m),\(n)]) {
                  z: f32[m:\(m),n:\(n)] = (A[m,n] ? B[n] : C[m,n])
                } -> z
                """
        }
    }
}
