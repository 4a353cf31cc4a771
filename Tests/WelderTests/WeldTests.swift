// Welds of graphs as models have them: epilogues are absorbed, row-wise chains become one weld, views dissolve, what
// others need stays a result, and running the welds in order gives what the graph gives.

import Basics
import Schedules
import TensorIR
import Testing

@testable import Welder

@Suite struct WeldTests {
    /// The structure of each weld, in order, after checking that the welds compute the graph.
    private func structures(_ graph: Graph, _ sketch: inout GraphSketch) throws -> [String] {
        let faults = try weldFaults(graph, sketch.builder.constants, &sketch)
        #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))\n\(graph)")
        let index = GraphIndex(graph)
        return candidateWelds(graph).map { weld in
            switch index.extract(weld).0.structure() {
            case .success(.contraction): "contraction"
            case .success(.rows): "rows"
            case .success(.reduction): "reduction"
            case .success(.maps): "maps"
            case .failure: "none"
            }
        }
    }

    @Test func convolutionAbsorbsNormAndActivation() throws {
        var s = GraphSketch()
        let x = s.input([1, 4, 6, 10])
        let w = s.constant([6, 4, 3, 3])
        let (scale, shift) = (s.constant([6]), s.constant([6]))
        let c = try s.define(
            """
            f32[n:1,k:6,y:6,x:10] = sum(c:4,r:3,s:3) b[k,c,r,s] * (y + r >= 1 && y + r < 7 && x + s >= 1 && x + s < 11 \
            ? a[n,c,y+r-1,x+s-1] : 0.0)
            """, x, w)
        let n = try s.define("f32[n:1,k:6,y:6,x:10] = a[n,k,y,x] * b[k] + c[k]", c, scale, shift)
        let y = try s.define("f32[n:1,k:6,y:6,x:10] = max(a[n,k,y,x], 0.0)", n)
        #expect(try structures(s.graph(y), &s) == ["contraction"])
    }

    @Test func productAbsorbsBiasAndDecomposedGelu() throws {
        var s = GraphSketch()
        let x = s.input([1, 8, 12])
        let (w, bias) = (s.constant([12, 16]), s.constant([16]))
        let (half, root, one) = (s.literal(0.5), s.literal(1.4142135), s.literal(1))
        let c = try s.define("f32[b:1,m:8,n:16] = sum(k:12) a[b,m,k] * b[k,n]", x, w)
        let d = try s.define("f32[b:1,m:8,n:16] = a[b,m,n] + b[n]", c, bias)
        let e = try s.define("f32[b:1,m:8,n:16] = a[b,m,n] / b[]", d, root)
        let f = try s.define("f32[b:1,m:8,n:16] = erf(a[b,m,n])", e)
        let g = try s.define("f32[b:1,m:8,n:16] = a[b,m,n] + b[]", f, one)
        let h = try s.define("f32[b:1,m:8,n:16] = a[b,m,n] * b[b,m,n]", d, g)
        let i = try s.define("f32[b:1,m:8,n:16] = a[b,m,n] * b[]", h, half)
        let graph = try s.graph(i)
        #expect(try structures(graph, &s) == ["contraction"])
        let (workload, binding) = canonicalise(candidateWelds(graph)[0], in: graph)
        // scalar constants are literals, the weights stay operands
        #expect(workload.parameters.count == 3 && workload.parameters.filter(\.isConstant).count == 2)
        #expect(binding.parameters.count == 3 && binding.results == graph.body.results)
    }

    private func softmax(_ s: inout GraphSketch, _ x: ValueID, _ m: Int, _ n: Int) throws -> ValueID {
        let top = try s.define("f32[i:\(m),u:1] = max(j:\(n)) a[i,j]", x)
        let d = try s.define("f32[i:\(m),j:\(n)] = a[i,j] - b[i,0]", x, top)
        let e = try s.define("f32[i:\(m),j:\(n)] = exp(a[i,j])", d)
        let sum = try s.define("f32[i:\(m),u:1] = sum(j:\(n)) a[i,j]", e)
        return try s.define("f32[i:\(m),j:\(n)] = a[i,j] / b[i,0]", e, sum)
    }

    @Test func softmaxIsOneRowWeld() throws {
        var s = GraphSketch()
        let x = s.input([6, 16])
        let y = try softmax(&s, x, 6, 16)
        #expect(try structures(s.graph(y), &s) == ["rows"])
    }

    @Test func softmaxOfAScaledMaskedProductIsASecondWeld() throws {
        var s = GraphSketch()
        let (q, k, mask) = (s.input([6, 8]), s.input([16, 8]), s.input([16]))
        let scores = try s.define("f32[i:6,j:16] = sum(d:8) a[i,d] * b[j,d]", q, k)
        let scaled = try s.define("f32[i:6,j:16] = a[i,j] * 0.25", scores)
        let masked = try s.define("f32[i:6,j:16] = a[i,j] + b[j]", scaled, mask)
        let y = try softmax(&s, masked, 6, 16)
        #expect(try structures(s.graph(y), &s) == ["contraction", "rows"])
    }

    @Test func decomposedLayerNormIsOneRowWeld() throws {
        var s = GraphSketch()
        let x = s.input([1, 6, 16])
        let (g, h) = (s.constant([16]), s.constant([16]))
        let (count, epsilon) = (s.literal(16), s.literal(1e-5))
        let sum = try s.define("f32[b:1,i:6,u:1] = sum(j:16) a[b,i,j]", x)
        let mean = try s.define("f32[b:1,i:6,u:1] = a[b,i,u] / b[]", sum, count)
        let d = try s.define("f32[b:1,i:6,j:16] = a[b,i,j] - b[b,i,0]", x, mean)
        let square = try s.define("f32[b:1,i:6,j:16] = a[b,i,j] * a[b,i,j]", d)
        let total = try s.define("f32[b:1,i:6,u:1] = sum(j:16) a[b,i,j]", square)
        let variance = try s.define("f32[b:1,i:6,u:1] = a[b,i,u] / b[]", total, count)
        let root = try s.define("f32[b:1,i:6,u:1] = sqrt(a[b,i,u] + b[])", variance, epsilon)
        let n = try s.define("f32[b:1,i:6,j:16] = a[b,i,j] / b[b,i,0]", d, root)
        let scaled = try s.define("f32[b:1,i:6,j:16] = a[b,i,j] * b[j]", n, g)
        let y = try s.define("f32[b:1,i:6,j:16] = a[b,i,j] + b[j]", scaled, h)
        #expect(try structures(s.graph(y), &s) == ["rows"])
    }

    @Test func aResidualJoinsTheSecondBranch() throws {
        var s = GraphSketch()
        let x = s.input([6, 8])
        let (w1, w2) = (s.constant([8, 8]), s.constant([8, 8]))
        let a = try s.define("f32[m:6,n:8] = sum(k:8) a[m,k] * b[k,n]", x, w1)
        let r = try s.define("f32[m:6,n:8] = max(a[m,n], 0.0)", a)
        let b = try s.define("f32[m:6,n:8] = sum(k:8) a[m,k] * b[k,n]", r, w2)
        let y = try s.define("f32[m:6,n:8] = a[m,n] + b[m,n]", b, x)
        let z = try s.define("f32[m:6,n:8] = max(a[m,n], 0.0)", y)
        #expect(try structures(s.graph(z), &s) == ["contraction", "contraction"])
    }

    @Test func aDiamondNeverWeldsAcrossWhatComesBetween() throws {
        var s = GraphSketch()
        let x = s.input([6, 8])
        let (w1, w2) = (s.constant([8, 8]), s.constant([8, 8]))
        let a = try s.define("f32[m:6,n:8] = sum(k:8) a[m,k] * b[k,n]", x, w1)
        let r = try s.define("f32[m:6,n:8] = max(a[m,n], 0.0)", a)
        // b depends on r, so r + b cannot run inside the first product
        let b = try s.define("f32[m:6,n:8] = sum(k:8) a[m,k] * b[k,n]", r, w2)
        let y = try s.define("f32[m:6,n:8] = a[m,n] + b[m,n]", r, b)
        let graph = try s.graph(y)
        #expect(try structures(graph, &s) == ["contraction", "contraction"])
        #expect(candidateWelds(graph).map(\.operations.count) == [2, 2])
    }

    @Test func whatOthersNeedStaysAResult() throws {
        var s = GraphSketch()
        let x = s.input([6, 8])
        let w = s.constant([8, 8])
        let a = try s.define("f32[m:6,n:8] = sum(k:8) a[m,k] * b[k,n]", x, w)
        let r = try s.define("f32[m:6,n:8] = max(a[m,n], 0.0)", a)
        let z = try s.define("f32[m:6,n:8] = exp(a[m,n])", r)
        // an output in the middle, and one that is read by a later operation
        #expect(try structures(s.graph(z, r), &s).first == "contraction")
        #expect(try structures(s.graph(a, z), &s).first == "contraction")
        #expect(try structures(s.graph(a, r, z), &s).first == "contraction")
    }

    @Test func viewsDissolve() throws {
        var s = GraphSketch()
        let x = s.input([1, 6, 12])
        let w = s.constant([12, 12])
        let q = try s.define("f32[b:1,m:6,n:12] = sum(k:12) a[b,m,k] * b[k,n]", x, w)
        let heads = try s.define("f32[b:1,m:6,h:3,d:4] = a[b,m,h*4+d]", q)
        let turned = try s.define("f32[b:1,h:3,m:6,d:4] = a[b,m,h,d]", heads)
        let keys = try s.define("f32[b:1,h:3,d:4,m:6] = a[b,m,h,d]", heads)
        let scores = try s.define("f32[b:1,h:3,i:6,j:6] = sum(d:4) a[b,h,i,d] * b[b,h,d,j]", turned, keys)
        let graph = try s.graph(scores)
        #expect(try structures(graph, &s) == ["contraction", "contraction"])
        let second = canonicalise(candidateWelds(graph)[1], in: graph)
        #expect(second.1.parameters == [second.1.parameters[0]])
    }

    @Test func aViewThatIsAnOutputIsStored() throws {
        var s = GraphSketch()
        let x = s.input([4, 6])
        let y = try s.define("f32[i:4,j:6] = exp(a[i,j])", x)
        let t = try s.define("f32[j:6,i:4] = a[i,j]", y)
        let u = try s.define("f32[j:3,i:4] = a[j*2,i]", t)
        #expect(try structures(s.graph(u), &s).count == 2)
        #expect(try structures(s.graph(t, u, y), &s).count == 3)
        let v = try s.define("f32[k:24] = a[k/4,k%4]", t)
        #expect(try structures(s.graph(u, v), &s).count == 3)
    }

    @Test func elementwiseOperationsAcrossReshapesAreOneWeld() throws {
        var s = GraphSketch()
        let x = s.input([4, 6])
        let a = try s.define("f32[i:4,j:6] = exp(a[i,j])", x)
        let v = try s.define("f32[k:24] = a[k/6,k%6]", a)
        let b = try s.define("f32[k:24] = a[k] * 2.0", v)
        let c = try s.define("f32[i:8,j:3] = a[i*3+j]", b)
        let y = try s.define("f32[i:8,j:3] = tanh(a[i,j])", c)
        #expect(try structures(s.graph(y), &s) == ["maps"])
    }

    @Test func poolingAndConcatenationStandAlone() throws {
        var s = GraphSketch()
        let x = s.input([3, 6, 6])
        let p = try s.define("f32[c:3,y:3,x:3] = max(r:2,s:2) a[c,y*2+r,x*2+s]", x)
        let q = try s.define("f32[c:3,y:3,x:3] = max(a[c,y,x], 0.0)", p)
        let y = try s.define(
            "f32[c:6,y:3,x:3] = { [0..<3, 0..<3, 0..<3] a[c,y,x]; [3..<6, 0..<3, 0..<3] b[c-3,y,x] }", p, q)
        #expect(try structures(s.graph(y), &s) == ["reduction", "maps", "maps"])
    }

    @Test func inliningIsBounded() throws {
        // every square doubles the reads, and every function nests one level deeper
        for step in ["a[i] * a[i]", "exp(a[i])"] {
            var s = GraphSketch()
            var x = s.input([4])
            for _ in 0..<100 { x = try s.define("f32[i:4] = \(step)", x) }
            let found = try structures(s.graph(x), &s)
            #expect(found.count > 1 && found.count <= 25 && Set(found) == ["maps"], "\(found.count) welds")
        }
    }

    @Test func aGraphOfSingleOperationsIsCovered() throws {
        var s = GraphSketch()
        let x = s.input([])
        let y = try s.define("f32[] = exp(a[])", x)
        #expect(try structures(s.graph(y), &s) == ["maps"])
    }
}
