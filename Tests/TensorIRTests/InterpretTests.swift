// The interpreter against values worked out by hand or by a plain loop.

import Basics
import Testing

@testable import TensorIR

private func floats(_ shape: [Int], _ values: [Double]) -> TensorValue {
    TensorValue(TensorType(.f32, shape), floats: values)
}

private func integers(_ shape: [Int], _ values: [Int64], _ dtype: DType = .i64) -> TensorValue {
    TensorValue(TensorType(dtype, shape), integers: values)
}

/// Parses and verifies `lines` as the body of a workload over t0, t1, … and gives the results.
private func run(_ lines: String, _ parameters: [TensorValue], results: String) throws -> [TensorValue] {
    let heads = parameters.enumerated().map { "t\($0.offset): \($0.element.type)" }.joined(separator: ", ")
    let workload = try Workload(parsing: "workload(\(heads)) {\n\(lines)\n} -> \(results)")
    try workload.verify()
    return interpret(workload, parameters: parameters)
}

private func one(_ definition: String, _ parameters: [TensorValue]) throws -> TensorValue {
    try run("out: " + definition, parameters, results: "out")[0]
}

@Test func matrixProduct() throws {
    let a = floats([2, 3], [1, 2, 3, 4, 5, 6])
    let b = floats([3, 2], [7, 8, 9, 10, 11, 12])
    let product = try one("f32[m:2,n:2] = sum(k:3) t0[m,k] * t1[k,n]", [a, b])
    #expect(product == floats([2, 2], [58, 64, 139, 154]))
}

@Test func convolutionWithPaddedBorder() throws {
    let image = floats([3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9])
    let kernel = floats([3, 3], [0, 1, 0, 1, -4, 1, 0, 1, 0])
    let padded = """
        f32[y:3,x:3] = sum(u:3,v:3) \
        (y + u >= 1 && y + u < 4 && x + v >= 1 && x + v < 4 ? t0[y+u-1,x+v-1] : 0.0) * t1[u,v]
        """
    #expect(try one(padded, [image, kernel]) == floats([3, 3], [2, 1, -4, -3, 0, -7, -16, -11, -22]))
}

@Test func softmaxInFourDefinitions() throws {
    let lines = """
        m: f32[i:2] = max(j:3) t0[i,j]
        e: f32[i:2,j:3] = exp(t0[i,j] - m[i])
        s: f32[i:2] = sum(j:3) e[i,j]
        p: f32[i:2,j:3] = e[i,j] / s[i]
        """
    let input = floats([2, 3], [0, 0, 0, 1000, 1000, -.infinity])
    let out = try run(lines, [input], results: "p, m")
    #expect(out[0] == floats([2, 3], [1.0 / 3, 1.0 / 3, 1.0 / 3, 0.5, 0.5, 0]))
    #expect(out[1] == floats([2], [0, 1000]))
}

@Test func firstGreatestIndexByMinimum() throws {
    let lines = """
        m: f32[i:3] = max(k:4) t0[i,k]
        at: i64[i:3] = min(k:4 where t0[i,k] == m[i]) k
        """
    let input = floats([3, 4], [1, 5, 2, 5, 9, 0, 0, 9, -1, -2, -3, -4])
    #expect(try run(lines, [input], results: "at")[0] == integers([3], [1, 0, 0]))
}

@Test func causalSumsStopAtTheDiagonal() throws {
    let out = try one("f32[i:4] = sum(r:4 where r <= i) t0[r]", [floats([4], [1, 2, 4, 8])])
    #expect(out == floats([4], [1, 3, 7, 15]))
}

@Test func aReductionOverNothingIsItsIdentity() throws {
    let input = floats([2], [3, 4])
    #expect(try one("f32[] = sum(r:2 where r > 5) t0[r]", [input]) == floats([], [0]))
    #expect(try one("f32[] = product(r:2 where r > 5) t0[r]", [input]) == floats([], [1]))
    #expect(try one("f32[] = max(r:2 where r > 5) t0[r]", [input]) == floats([], [-.infinity]))
    #expect(try one("i8[] = max(r:2 where r > 5) i8(r)", [input]) == integers([], [-128], .i8))
    #expect(try one("u16[] = min(r:2 where r > 5) u16(r)", [input]) == integers([], [65535], .u16))
    #expect(try one("bool[] = min(r:2 where r > 5) r == 0", [input]) == integers([], [1], .bool))
}

@Test func piecesJoinAndPad() throws {
    let (a, b) = (floats([2], [1, 2]), floats([3], [3, 4, 5]))
    let joined = "f32[i:7] = { [0..<2] t0[i]; [2..<5] t1[i-2]; [5..<7] -1.0 }"
    #expect(try one(joined, [a, b]) == floats([7], [1, 2, 3, 4, 5, -1, -1]))
    let square = "f32[i:2,j:2] = { [0..<2, 0..<1] t0[i]; [0..<2, 1..<2] t1[i+j] }"
    #expect(try one(square, [a, b]) == floats([2, 2], [1, 4, 2, 5]))
}

@Test func indicesFromDataGather() throws {
    let table = floats([3, 2], [10, 11, 20, 21, 30, 31])
    let out = try one("f32[i:4,j:2] = t0[t1[i],j]", [table, integers([4], [2, 0, 2, 1])])
    #expect(out == floats([4, 2], [30, 31, 10, 11, 30, 31, 20, 21]))
}

@Test func selectEvaluatesOnlyTheSideItTakes() throws {
    let out = try one("f32[i:3] = (t1[i] >= 0 ? t0[t1[i]] : -1.0)", [floats([1], [7]), integers([3], [0, -5, 0])])
    #expect(out == floats([3], [7, -1, 7]))
}

@Test func integersWrapWhenStoredAndWhenCast() throws {
    let bytes = integers([3], [250, 10, 128], .u8)
    #expect(try one("u8[i:3] = t0[i] + 10:u8", [bytes]) == integers([3], [4, 20, 138], .u8))
    #expect(try one("i8[i:3] = i8(t0[i])", [bytes]) == integers([3], [-6, 10, -128], .i8))
    #expect(try one("u8[] = sum(r:3) t0[r]", [bytes]) == integers([], [132], .u8))
    let wide = integers([2], [.max, .min])
    #expect(try one("i64[i:2] = t0[i] + 1", [wide]) == integers([2], [.min, .min + 1]))
    #expect(try one("i64[i:2] = abs(t0[i])", [wide]) == integers([2], [.max, .min]))
    #expect(try one("i32[i:2] = i32(t0[i])", [wide]) == integers([2], [-1, 0], .i32))
    #expect(try one("i64[i:2] = truncDiv(t0[i], -1)", [wide]) == integers([2], [-.max, .min]))
}

@Test func bitOperatorsSeeTheBitsOfTheirDType() throws {
    let bytes = integers([4], [0b1100_1010, 0, 255, 1], .u8)
    #expect(try one("u8[i:4] = bitAnd(t0[i], 15:u8)", [bytes]) == integers([4], [10, 0, 15, 1], .u8))
    #expect(try one("u8[i:4] = bitOr(t0[i], 15:u8)", [bytes]) == integers([4], [207, 15, 255, 15], .u8))
    #expect(try one("u8[i:4] = bitXor(t0[i], 255:u8)", [bytes]) == integers([4], [53, 255, 0, 254], .u8))
    #expect(try one("u8[i:4] = bitNot(t0[i])", [bytes]) == integers([4], [53, 255, 0, 254], .u8))
    #expect(try one("bool[i:4] = bitNot(t0[i]) == 53:u8", [bytes]) == integers([4], [1, 0, 0, 0], .bool))
    // the sum wraps before its bits are looked at, not only when it is stored
    #expect(try one("u8[i:4] = shiftRight(t0[i] + 1:u8, 1:u8)", [bytes]) == integers([4], [101, 0, 0, 1], .u8))
    let signed = integers([3], [-1, -128, 64], .i8)
    #expect(try one("i8[i:3] = bitNot(t0[i])", [signed]) == integers([3], [0, 127, -65], .i8))
    #expect(try one("i8[i:3] = bitAnd(t0[i], 127:i8)", [signed]) == integers([3], [127, 0, 64], .i8))
}

@Test func shiftsByTheWidthOrMoreGiveZero() throws {
    let bytes = integers([3], [255, 1, 128], .u8)
    let by = integers([3], [7, 8, 200], .u8)
    #expect(try one("u8[i:3] = shiftLeft(t0[i], t1[i])", [bytes, by]) == integers([3], [128, 0, 0], .u8))
    #expect(try one("u8[i:3] = shiftRight(t0[i], t1[i])", [bytes, by]) == integers([3], [1, 0, 0], .u8))
    let signed = integers([4], [-8, -8, -8, 8], .i32)
    let amounts = integers([4], [1, 31, 32, -1], .i32)
    #expect(try one("i32[i:4] = shiftRight(t0[i], t1[i])", [signed, amounts]) == integers([4], [-4, -1, 0, 0], .i32))
    #expect(
        try one("i32[i:4] = shiftLeft(t0[i], t1[i])", [signed, amounts]) == integers([4], [-16, 0, 0, 0], .i32))
    let wide = integers([2], [-1, .min], .u64)
    #expect(try one("u64[i:2] = shiftRight(t0[i], 60:u64)", [wide]) == integers([2], [15, 8], .u64))
    #expect(try one("u64[i:2] = shiftRight(t0[i], 64:u64)", [wide]) == integers([2], [0, 0], .u64))
}

@Test func arcFunctions() throws {
    let input = floats([4], [0, 1, -0.5, 2])
    func values(_ name: String) throws -> [Double] {
        try one("f32[i:4] = \(name)(t0[i])", [input]).literals.map(\.float)
    }
    let half = Double(Float(Double.pi / 2))
    #expect(try values("asin")[0..<2] == [0, half])
    #expect(try abs(values("asin")[2] + Double.pi / 6) < 1e-7)
    #expect(try values("acos")[0..<2] == [half, 0])
    #expect(try values("asin")[3].isNaN && values("acos")[3].isNaN)
    #expect(try abs(values("atan")[1] - Double.pi / 4) < 1e-7)
}

@Test func castsFollowTheirRules() throws {
    let input = floats([6], [2.9, -2.9, 300, -1, .nan, .infinity])
    #expect(try one("i32[i:6] = i32(t0[i])", [input]) == integers([6], [2, -2, 300, -1, 0, 2_147_483_647], .i32))
    #expect(try one("u8[i:6] = u8(t0[i])", [input]) == integers([6], [2, 0, 255, 0, 0, 255], .u8))
    #expect(try one("bool[i:6] = bool(t0[i])", [input]) == integers([6], [1, 1, 1, 1, 1, 1], .bool))
    let small = floats([2], [0.1, 70000])
    #expect(try one("f32[i:2] = f32(t0[i])", [small]) == floats([2], [Double(Float(0.1)), 70000]))
    #expect(try one("f32[i:2] = t0[i] + 0.0", [small]) == floats([2], [0.1, 70000]))
    let half = TensorValue(TensorType(.f16, [2]), floats: [0.0999755859375, .infinity])
    #expect(try one("f16[i:2] = f16(t0[i])", [small]) == half)
    let brain = TensorValue(TensorType(.bf16, [2]), floats: [0.10009765625, 70144])
    #expect(try one("bf16[i:2] = bf16(t0[i])", [small]) == brain)
    let whole = integers([2], [16_777_217, 0])
    #expect(try one("f32[i:2] = f32(t0[i])", [whole]) == floats([2], [16_777_216, 0]))
    #expect(try one("bool[i:2] = bool(t0[i])", [whole]) == integers([2], [1, 0], .bool))
}

@Test func divisionRoundsAsItsNameSays() throws {
    let (a, b) = (integers([4], [7, -7, 7, -7]), integers([4], [2, 2, -2, -2]))
    #expect(try one("i64[i:4] = t0[i] / t1[i]", [a, b]) == integers([4], [3, -4, -4, 3]))
    #expect(try one("i64[i:4] = t0[i] % t1[i]", [a, b]) == integers([4], [1, 1, -1, -1]))
    #expect(try one("i64[i:4] = truncDiv(t0[i], t1[i])", [a, b]) == integers([4], [3, -3, -3, 3]))
    #expect(try one("i64[i:4] = truncRem(t0[i], t1[i])", [a, b]) == integers([4], [1, -1, 1, -1]))
    #expect(try one("i64[i:4] = t0[i] / 0 + t0[i] % 0", [a]) == integers([4], [7, -7, 7, -7]))
    #expect(try one("i64[i:4] = pow(t0[i], 3)", [a]) == integers([4], [343, -343, 343, -343]))
    #expect(
        try one("f32[i:2] = fmod(t0[i], 3.0)", [floats([2], [7.5, -7.5])]) == floats([2], [1.5, -1.5]))
}

@Test func notANumberIsCarriedThrough() throws {
    let input = floats([2], [.nan, 1])
    func bits(_ definition: String) throws -> [Bool] {
        guard case .floats(let values) = try one(definition, [input]).elements else { return [] }
        return values.map(\.isNaN)
    }
    #expect(try bits("f32[i:2] = max(t0[i], 5.0)") == [true, false])
    #expect(try bits("f32[i:2] = min(5.0, t0[i])") == [true, false])
    #expect(try bits("f32[] = max(r:2) t0[r]") == [true])
    #expect(try bits("f32[i:2] = sign(t0[i])") == [true, false])
    #expect(try one("bool[i:2] = isNaN(t0[i])", [input]) == integers([2], [1, 0], .bool))
    #expect(try one("bool[i:2] = t0[i] == t0[i]", [input]) == integers([2], [0, 1], .bool))
    #expect(try one("bool[i:2] = t0[i] != t0[i]", [input]) == integers([2], [1, 0], .bool))
}

@Test func roundingAndFunctions() throws {
    let input = floats([4], [0.5, 1.5, -2.5, 2.4])
    #expect(try one("f32[i:4] = round(t0[i])", [input]) == floats([4], [0, 2, -2, 2]))
    #expect(try one("f32[i:4] = floor(t0[i])", [input]) == floats([4], [0, 1, -3, 2]))
    #expect(try one("f32[i:4] = ceil(t0[i])", [input]) == floats([4], [1, 2, -2, 3]))
    #expect(try one("f32[i:4] = sign(t0[i]) * sqrt(4.0)", [input]) == floats([4], [2, 2, -2, 2]))
    guard case .floats(let values) = try one("f32[i:4] = erf(t0[i])", [input]).elements else { return }
    #expect(abs(values[0] - 0.520_499_877_813_046_5) < 1e-15)
    #expect(abs(values[2] + 0.999_593_047_982_555) < 1e-15)
}

@Test func linearReadsAndCheckedReadsAgree() throws {
    var samples = TensorIRSamples(seed: 3)
    let table = samples.value(TensorType(.i64, [5, 6]))
    let linear = try one("i64[i:2,j:3] = sum(r:2) t0[2*i+r,1+2*j-r]", [table])
    let checked = try one("i64[i:2,j:3] = sum(r:2) t0[max(2*i+r, 0),max(1+2*j-r, 0)]", [table])
    #expect(linear == checked)
}
