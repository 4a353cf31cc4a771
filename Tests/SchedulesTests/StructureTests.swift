// Which template takes which workload: contractions and their roles, row-wise chains, single reductions, maps, and
// the reasons why nothing takes the rest.

import TensorIR
import Testing

@testable import Schedules

@Suite struct StructureTests {
    private func structure(_ text: String) throws -> Result<Structure, StructureRejectionError> {
        let workload = try Workload(parsing: text)
        try workload.verify()
        return workload.structure()
    }

    private func contraction(_ text: String) throws -> Contraction? {
        guard case .success(.contraction(let c)) = try structure(text) else { return nil }
        return c
    }

    @Test func aMatrixProductHasRowsColumnsAndDepth() throws {
        let c = try contraction(
            """
            workload(A: f32[6,8], B: const f32[8,12], b: const f32[12]) {
              C: f32[m:6,n:12] = sum(k:8) A[m,k] * B[k,n]
              D: f32[m:6,n:12] = max(C[m,n] + b[n], 0.0)
            } -> D
            """)
        #expect(c?.batch == [] && c?.rows == [0] && c?.columns == [1] && c?.depth == [2])
        #expect(c?.a.slotsRead == [0] && c?.b.slotsRead == [1])
    }

    @Test func aConvolutionsWeightsAreItsRows() throws {
        let c = try contraction(
            """
            workload(X: f32[2,4,6,10], W: const f32[2,6,4,3,3]) {
              C: f32[g:2,k:6,y:6,x:10] = sum(c:4,r:3,s:3) W[g,k,c,r,s] * \
            (y + r >= 1 && y + r < 7 && x + s >= 1 && x + s < 11 ? X[g,c,y+r-1,x+s-1] : 0.0)
            } -> C
            """)
        #expect(c?.batch == [0] && c?.rows == [1] && c?.columns == [2, 3] && c?.depth == [4, 5, 6])
        #expect(c?.a.slotsRead == [1] && c?.b.slotsRead == [0])
    }

    @Test func attentionScoresHaveABatch() throws {
        let c = try contraction(
            """
            workload(Q: f32[4,3,4], K: f32[4,3,4]) {
              S: f32[h:3,i:4,j:4] = sum(d:4) Q[i,h,d] * K[j,h,d]
            } -> S
            """)
        #expect(c?.batch == [0] && c?.rows == [1] && c?.columns == [2])
    }

    @Test func whatIsNoContraction() throws {
        // depthwise: the innermost axis indexes one operand, but so does every other axis of it
        let depthwise = """
            workload(X: f32[8,9,9], W: const f32[8,3,3]) {
              C: f32[c:8,y:4,x:4] = sum(r:3,s:3) X[c,y*2+r,x*2+s] * W[c,r,s]
            } -> C
            """
        let c = try contraction(depthwise)
        #expect(c == nil || (c?.rows == [] && c?.batch == [0]))
        let others = [
            "(A: f64[2,3], B: f64[3,2]) { C: f64[m:2,n:2] = sum(k:3) A[m,k] * B[k,n] }",
            "(A: f32[2,3], B: f32[3,2]) { C: f32[m:2,n:2] = max(k:3) A[m,k] * B[k,n] }",
            "(A: f32[3], B: f32[3]) { C: f32[] = sum(k:3) A[k] * B[k] }",
            "(A: f32[2,3], B: f32[3]) { C: f32[m:2,k:3] = sum(j:2) A[j,k] * B[k] }",
        ]
        for text in others { #expect(try contraction("workload\(text) -> C") == nil, "\(text)") }
    }

    @Test func rowChainsShareTheirRows() throws {
        let softmax = try structure(
            """
            workload(X: f32[6,12]) {
              m: f32[i:6] = max(j:12) X[i,j]
              e: f32[i:6,j:12] = exp(X[i,j] - m[i])
              s: f32[i:6] = sum(j:12) e[i,j]
              p: f32[i:6,j:12] = e[i,j] / s[i]
            } -> p
            """)
        #expect(softmax == .success(.rows(RowStructure(rowExtents: [6], columnExtents: [12]))))
        let norm = try structure(
            """
            workload(X: f32[4,2,3]) {
              s: f32[i:4] = sum(j:2,k:3) X[i,j,k]
              d: f32[i:4,j:2,k:3] = X[i,j,k] - s[i]
            } -> d
            """)
        #expect(norm == .success(.rows(RowStructure(rowExtents: [4], columnExtents: [2, 3]))))
    }

    @Test func singleReductionsKnowTheirContiguousAxis() throws {
        func reducesContiguous(_ text: String) throws -> Bool? {
            guard case .success(.reduction(let r)) = try structure(text) else { return nil }
            return r.reducesContiguousAxis
        }
        #expect(try reducesContiguous("workload(A: f32[4,8]) { s: f32[i:4] = sum(j:8) A[i,j] } -> s") == true)
        #expect(try reducesContiguous("workload(A: f32[4,8]) { s: f32[j:8] = sum(i:4) A[i,j] } -> s") == false)
        #expect(try reducesContiguous("workload(A: f32[4,8]) { s: f32[] = sum(i:4,j:8) A[i,j] } -> s") == true)
    }

    @Test func mapsAreStoredOnce() throws {
        let chain = try structure(
            """
            workload(A: f32[4]) {
              x: f32[i:4] = exp(A[i])
              y: f32[i:4] = x[i] + A[i]
            } -> y
            """)
        #expect(chain == .success(.maps(MapStructure(stored: 1))))
    }

    @Test func whatNoTemplateTakesSaysWhy() throws {
        func reason(_ text: String) throws -> StructureRejection? {
            guard case .failure(let error) = try structure(text) else { return nil }
            return error.reason
        }
        #expect(
            try reason(
                "workload(A: f32[4]) { x: f32[i:4] = exp(A[i])\ny: f32[i:4] = x[i] + A[i] } -> x, y")
                == .severalResults(count: 2))
        #expect(
            try reason(
                """
                workload(A: f32[4,4]) {
                  x: f32[i:4] = sum(j:4) A[i,j]
                  y: f32[j:4] = sum(i:4) A[i,j] * x[i]
                } -> y
                """) == .severalReductions(count: 2))
        #expect(
            try reason(
                """
                workload(A: f32[4,4], B: f32[4,4]) {
                  x: f32[i:4,j:4] = sum(k:4) A[i,k] * B[k,j]
                  y: f32[j:4,i:4] = exp(x[i,j])
                } -> y
                """) == .epilogueNotElementwise(definition: 1))
        #expect(
            try reason(
                """
                workload(A: f32[4]) {
                  x: f32[i:6] = { [0..<4] A[i]; [4..<6] 0.0 }
                  y: f32[i:6] = exp(x[i])
                } -> y
                """) == .epilogueNotElementwise(definition: 0))
    }

    @Test func inliningBeyondItsLimitsIsRefused() throws {
        func chain(_ steps: Int) -> String {
            let lines = (0..<steps).map { "y\($0 + 1): f32[i:4] = y\($0)[i] * y\($0)[i]" }
            return "workload(y0: f32[4]) {\n" + lines.joined(separator: "\n") + "\n} -> y\(steps)"
        }
        #expect(try structure(chain(8)) == .success(.maps(MapStructure(stored: 7))))
        #expect(
            try structure(chain(40))
                == .failure(StructureRejectionError(reason: .inlinedTooLarge(nodes: inlinedNodesMax + 1))))
    }

    @Test func stridesOverSeveralAxes() throws {
        let simplifier = IndexSimplifier(extents: [3, 4, 5])
        func stride(_ address: Expr, _ axes: [Int]) -> Int? {
            linearStride(simplifier.affine(address), axes, extents: [3, 4, 5])
        }
        let dense = Expr.axis(0) * .integer(20) + .axis(1) * .integer(5) + .axis(2)
        #expect(stride(dense, [0, 1, 2]) == 1)
        #expect(stride(dense, [0, 1]) == 5)
        #expect(stride(dense, [2]) == 1)
        #expect(stride(dense, []) == 0)
        #expect(stride(dense, [0, 2]) == nil)
        #expect(stride(Expr.axis(2) * .integer(4) + .axis(1), [1, 2]) == nil)
    }
}
