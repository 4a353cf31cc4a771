// The workloads that canonical-form tests vary, as people write them. Extents are small and composite, so there is
// something to split, and every one of them can be interpreted in no time.

import Basics

@testable import TensorIR

enum CanonicalSamples {
    static let texts: [(name: String, text: String)] = [
        (
            "matrix product, bias, gelu",
            """
            workload(A: f32[6,8], B: const f32[8,12], b: const f32[12]) {
              C: f32[m:6,n:12] = sum(k:8) A[m,k] * B[k,n]
              D: f32[m:6,n:12] = C[m,n] + b[n]
              E: f32[m:6,n:12] = 0.5 * D[m,n] * (1.0 + erf(D[m,n] * 0.70710678))
            } -> E
            """
        ),
        (
            "convolution 3x3, padding 1, relu",
            """
            workload(X: f32[4,6,10], W: const f32[6,4,3,3], b: const f32[6]) {
              C: f32[k:6,y:6,x:10] = sum(c:4,r:3,s:3) W[k,c,r,s] * \
            (y + r >= 1 && y + r < 7 && x + s >= 1 && x + s < 11 ? X[c,y+r-1,x+s-1] : 0.0)
              D: f32[k:6,y:6,x:10] = max(C[k,y,x] + b[k], 0.0)
            } -> D
            """
        ),
        (
            "depthwise convolution",
            """
            workload(X: f32[8,9,9], W: const f32[8,3,3], b: const f32[8]) {
              C: f32[c:8,y:4,x:4] = sum(r:3,s:3) X[c,y*2+r,x*2+s] * W[c,r,s]
              D: f32[c:8,y:4,x:4] = C[c,y,x] + b[c]
            } -> D
            """
        ),
        (
            "softmax",
            """
            workload(X: f32[2,3,12]) {
              m: f32[h:2,i:3] = max(j:12) X[h,i,j]
              e: f32[h:2,i:3,j:12] = exp(X[h,i,j] - m[h,i])
              s: f32[h:2,i:3] = sum(j:12) e[h,i,j]
              p: f32[h:2,i:3,j:12] = e[h,i,j] / s[h,i]
            } -> p
            """
        ),
        (
            "layer norm",
            """
            workload(X: f32[1,6,16], g: const f32[16], h: const f32[16]) {
              s: f32[b:1,i:6,u:1] = sum(j:16) X[b,i,j]
              u: f32[b:1,i:6,u:1] = s[b,i,u] / 16.0
              d: f32[b:1,i:6,j:16] = X[b,i,j] - u[b,i,0]
              v: f32[b:1,i:6,u:1] = sum(j:16) d[b,i,j] * d[b,i,j]
              r: f32[b:1,i:6,u:1] = sqrt(v[b,i,u] / 16.0 + 1.0e-5)
              y: f32[b:1,i:6,j:16] = d[b,i,j] / r[b,i,0] * g[j] + h[j]
            } -> y
            """
        ),
        (
            "attention scores of heads that lie side by side",
            """
            workload(Q: f32[1,4,12], K: f32[1,4,12]) {
              S: f32[b:1,h:3,i:4,j:4] = sum(d:4) Q[b,i,h*4+d] * K[b,j,h*4+d]
              T: f32[b:1,h:3,i:4,j:4] = S[b,h,i,j] * 0.5
            } -> T
            """
        ),
        (
            "elementwise chain with broadcasts",
            """
            workload(A: f32[4,6,8], b: f32[8], c: f32[4,1,1], d: f32[]) {
              y: f32[i:4,j:6,k:8] = A[i,j,k] * b[k] + c[i,0,0]
              z: f32[i:4,j:6,k:8] = tanh(y[i,j,k]) * d[] + A[i,j,k]
              w: f32[i:4,j:6,k:8] = (z[i,j,k] > 0.0 ? z[i,j,k] : y[i,j,k])
            } -> w
            """
        ),
        (
            "concatenation",
            """
            workload(A: f32[4,6], B: f32[8,6]) {
              y: f32[i:12,j:6] = { [0..<4, 0..<6] A[i,j]; [4..<12, 0..<6] max(B[i-4,j], 0.0) }
            } -> y
            """
        ),
        (
            "two branches that differ far from where they meet",
            """
            workload(A: f32[4,6], B: f32[4,6]) {
              a: f32[i:4,j:6] = exp(A[i,j])
              b: f32[i:4,j:6] = tanh(B[i,j])
              c: f32[i:4,j:6] = abs(a[i,j])
              d: f32[i:4,j:6] = abs(b[i,j])
              e: f32[i:4,j:6] = sqrt(c[i,j])
              f: f32[i:4,j:6] = sqrt(d[i,j])
              g: f32[i:4,j:6] = e[i,j] * f[i,j] + A[i,j] * B[i,j]
            } -> g
            """
        ),
        (
            "operands that only their other uses tell apart",
            """
            workload(A: f32[4,6], B: f32[4,6], C: f32[4,6]) {
              t: f32[i:4,j:6] = exp(A[i,j])
              u: f32[i:4,j:6] = tanh(B[i,j])
              v: f32[i:4,j:6] = abs(C[i,j])
              w: f32[i:4,j:6] = A[i,j] * B[i,j] * C[i,j] + (t[i,j] + u[i,j]) * v[i,j]
            } -> w
            """
        ),
        (
            "lines that only a later definition shows",
            """
            workload(X: f32[4,6], Y: f32[4,6], b: const f32[2]) {
              d: f32[i:4,j:6] = X[i,j] - Y[i,j]
              s: f32[i:4] = sum(j:6) d[i,j] * d[i,j]
              z: f32[i:4,j:3,k:2] = d[i,j*2+k] * s[i] + b[k]
            } -> z
            """
        ),
        (
            "two results",
            """
            workload(X: f32[4,10]) {
              m: f32[i:4] = max(j:10) X[i,j]
              s: f32[i:4] = sum(j:10) exp(X[i,j] - m[i])
            } -> s, m
            """
        ),
        (
            "causal mask and integers",
            """
            workload(X: f32[6,6], I: i64[6], T: i32[8,6]) {
              s: f32[i:6] = sum(j:6 where j <= i) X[i,j]
              g: i32[i:6,j:6] = T[I[i]%8,j] + i32(2)
              y: f32[i:6,j:6] = s[i] * f32(g[i,j])
            } -> y
            """
        ),
    ]

    static func workloads() throws -> [(name: String, workload: Workload)] {
        try texts.map { (name: $0.name, workload: try Workload(parsing: $0.text)) }
    }
}
