// The reference printer against TensorIR's interpreter: naive C and interpreter must mean the same.

import Basics
import DeviceModel
import KernelIR
import TensorIR
import Testing

@testable import Emit

@Suite struct ReferenceTests {
    /// Runs a reference source; one tensor per result.
    private func run(_ source: String, _ workload: Workload, _ parameters: [TensorValue]) throws -> [TensorValue] {
        let compiled = try CompiledC(source, libraries: ["-lm"])
        let slots = referenceOperandSlots(workload)
        let memory = slots.enumerated().map { operand, slot -> AlignedBytes in
            let count = workload.type(ofSlot: slot).elements
            guard operand < parameters.count else { return AlignedBytes([UInt8](repeating: 0x7f, count: count * 8)) }
            switch parameters[slot].elements {
            case .floats(let values): return AlignedBytes(of: values)
            case .integers(let values): return AlignedBytes(of: values)
            }
        }
        try compiled.call("r_0", memory, count: 1)
        let isIntact = memory.allSatisfy { $0.isIntact }
        #expect(isIntact)
        return workload.results.enumerated().map { at, slot in
            let (type, bytes) = (workload.type(ofSlot: slot), memory[parameters.count + at])
            return type.dtype.isFloat
                ? TensorValue(type, floats: bytes.array(of: Double.self))
                : TensorValue(type, integers: bytes.array(of: Int64.self))
        }
    }

    private func expectMeaning(
        _ text: String, scale: Double = 1, tolerance: Double = 1e-12, alsoSingle: Bool = false
    ) throws {
        let workload = try Workload(parsing: text)
        let parameters = workload.parameters.enumerated().map {
            randomTensor($1.type, seed: UInt64($0) + 40, scale: scale)
        }
        let expected = interpret(workload, parameters: parameters)
        let found = try run(emitReference(workload, name: "r"), workload, parameters)
        for at in expected.indices {
            #expect(exactDifference(found[at], expected[at]) <= tolerance, "result \(at)")
        }
        guard alsoSingle else { return }
        // Single precision is near, and it is not double.
        let naive = try run(emitNaiveF32(workload, name: "r"), workload, parameters)
        for at in expected.indices {
            let error = exactDifference(naive[at], expected[at])
            #expect(error <= 1e-4 && error > 1e-10, "naive result \(at)")
        }
    }

    /// Like `difference`, without rounding what is expected.
    private func exactDifference(_ found: TensorValue, _ expected: TensorValue) -> Double {
        guard case .floats(let a) = found.elements, case .floats(let b) = expected.elements else {
            return found == expected ? 0 : .infinity
        }
        let type = TensorType(.f64, [a.count])
        return difference(TensorValue(type, floats: a), TensorValue(type, floats: b))
    }

    @Test func matrixProductWithBiasAndGelu() throws {
        try expectMeaning(
            """
            workload(A: f32[7,9], B: const f32[9,11], b: const f32[11]) {
              C: f32[m:7,n:11] = sum(k:9) A[m,k] * B[k,n]
              D: f32[m:7,n:11] = C[m,n] + b[n]
              E: f32[m:7,n:11] = 0.5 * D[m,n] * (1.0 + erf(D[m,n] * 0.70710677))
            } -> E, C
            """, alsoSingle: true)
    }

    @Test func convolutionWithPaddingAndStride() throws {
        try expectMeaning(
            """
            workload(X: f32[3,8,9], W: const f32[4,3,3,3]) {
              Y: f32[o:4,y:4,x:5] = sum(c:3,p:3,q:3)
                (y * 2 + p >= 1 && y * 2 + p < 9 && x * 2 + q >= 1 && x * 2 + q < 10 ? X[c,y*2+p-1,x*2+q-1] : 0.0)
                * W[o,c,p,q]
              Z: f32[o:4,y:4,x:5] = max(Y[o,y,x], 0.0)
            } -> Z
            """, alsoSingle: true)
    }

    @Test func softmaxOfRows() throws {
        try expectMeaning(
            """
            workload(X: f32[6,13]) {
              M: f32[i:6] = max(j:13) X[i,j]
              E: f32[i:6,j:13] = exp(X[i,j] - M[i])
              S: f32[i:6] = sum(j:13) E[i,j]
              Y: f32[i:6,j:13] = E[i,j] / S[i]
            } -> Y
            """, scale: 10, alsoSingle: true)
    }

    /// The place of the least element, as the least of the places that hold it.
    @Test func placeOfTheLeastElement() throws {
        try expectMeaning(
            """
            workload(X: f32[5,20]) {
              R: f32[i:5,j:20] = round(X[i,j] * 3.0)
              M: f32[i:5] = min(j:20) R[i,j]
              P: i64[i:5] = min(j:20 where R[i,j] == M[i]) j
              T: bool[i:5] = max(j:20) R[i,j] > 2.0
            } -> P, T, P
            """)
    }

    @Test func castsRoundTruncateAndSaturate() throws {
        let types = DType.allCases.filter { $0 != .f32 }
        let stored = DType.allCases.filter(\.isStorage).map { ($0, 1e2) }
        let sources = [(DType.f32, 1e3), (.f32, 1e5), (.i64, 1), (.i32, 1), (.u64, 1), (.f64, 1e20)] + stored
        let parameters = sources.map { dtype, scale in randomTensor(TensorType(dtype, [200]), seed: 9, scale: scale) }
        var workload = Workload(
            parameters: parameters.map { Workload.Parameter(type: $0.type, isConstant: false) }, definitions: [],
            results: [])
        for slot in sources.indices {
            for type in types {
                let body = Definition.Body.map(.cast(type, .read(slot: slot, [.axis(0)])))
                workload.results.append(sources.count + workload.definitions.count)
                workload.definitions.append(Definition(type: TensorType(type, [200]), body: body))
            }
        }
        let found = try run(emitReference(workload, name: "r"), workload, parameters)
        #expect(found == interpret(workload, parameters: parameters))
    }

    @Test func integersWrapAndDivideTotally() throws {
        try expectMeaning(
            """
            workload(A: i32[64], B: i32[64], C: i8[64], K: i64[64]) {
              P: i32[i:64] = A[i] * B[i] + A[i]
              Q: i32[i:64] = A[i] / (B[i] % 4:i32) - A[i] % (B[i] % 5:i32 - 2:i32)
              S: i8[j:4] = sum(r:16) C[j*16+r] * 3:i8
              M: i64[j:4] = max(r:16) K[r*4+j] - 7
              G: i32[i:64] = A[K[i]%64]
            } -> P, Q, S, M, G
            """)
    }

    @Test func bitsAndShiftsWrapToTheirDType() throws {
        let dtypes = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"]
        let heads = dtypes.flatMap { ["A\($0): \($0)[48]", "B\($0): \($0)[48]"] }.joined(separator: ", ")
        let lines = dtypes.map { t in
            """
              V\(t): \(t)[i:48] = bitXor(bitAnd(A\(t)[i] + B\(t)[i], bitNot(B\(t)[i])), bitOr(A\(t)[i], 5:\(t)))
              S\(t): \(t)[i:48] = shiftLeft(A\(t)[i], B\(t)[i]) + shiftLeft(B\(t)[i], 3:\(t))
              R\(t): \(t)[i:48] = shiftRight(A\(t)[i] - B\(t)[i], 3:\(t)) + shiftRight(A\(t)[i], B\(t)[i])
            """
        }
        let results = dtypes.map { "V\($0), S\($0), R\($0)" }.joined(separator: ", ")
        try expectMeaning("workload(\(heads)) {\n\(lines.joined(separator: "\n"))\n} -> \(results)")
    }

    @Test func unsignedNumbersBeyondTheSignBit() throws {
        try expectMeaning(
            """
            workload(A: u64[48], B: u64[48]) {
              Q: u64[i:48] = A[i] / B[i] + truncDiv(B[i], A[i] % 7:u64) - truncRem(A[i], B[i])
              P: u64[i:48] = pow(A[i], B[i]) + max(A[i], B[i]) - min(A[i], B[i])
              L: bool[i:48] = A[i] < B[i] || sign(A[i]) >= abs(B[i])
              M: u64[j:4] = max(r:12) A[r*4+j]
              N: u64[j:4] = min(r:12) bitOr(A[r*4+j], 9223372036854775808:u64)
              F: f64[i:48] = f64(A[i])
              G: u64[i:48] = u64(f64(B[i]) * 1.5:f64)
            } -> Q, P, L, M, N, F, G
            """)
    }

    @Test func piecesAndUnusedParameters() throws {
        try expectMeaning(
            """
            workload(A: f32[3,4], B: f32[3,2], U: f32[1]) {
              Y: f32[i:3,j:8] = { [0..<3, 0..<4] A[i,j]; [0..<3, 4..<6] B[i,j-4] * 2.0; [0..<3, 6..<8] 1.5 }
              D: f32[i:2] = A[i,i]
            } -> Y, A, D, Y
            """)
    }

    @Test func theRowsOfOneReductionKeepNaN() throws {
        let workload = try Workload(
            parsing: """
                workload(X: f32[3,5]) {
                  M: f32[i:3] = max(j:5) X[i,j]
                  N: f32[i:3] = min(j:5) X[i,j]
                } -> M, N
                """)
        var values = [Double](repeating: 1, count: 15)
        values[0] = .nan
        values[9] = .nan
        let parameters = [TensorValue(TensorType(.f32, [3, 5]), floats: values)]
        for found in try run(emitReference(workload, name: "r"), workload, parameters) {
            guard case .floats(let rows) = found.elements else { return }
            #expect(rows.map(\.isNaN) == [true, true, false])
        }
    }

    @Test func operandsAreParametersResultsAndTemporaries() throws {
        let workload = try Workload(
            parsing: """
                workload(A: f32[2]) {
                  B: f32[i:2] = A[i] + 1.0
                  C: f32[i:2] = B[i] * 2.0
                  D: f32[i:2] = C[i] - 1.0
                } -> D, B
                """)
        #expect(referenceOperandSlots(workload) == [0, 3, 1, 2])
    }
}
