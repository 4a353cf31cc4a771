// Storage types: which number every code is, which code a number rounds to, and that nothing computes in them. Known
// values are those of the ml_dtypes package, which ONNX takes as its reference.

import Testing

@testable import TensorIR

private let storageFloats: [DType] = [.f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .f4e2m1]

private func value(_ dtype: DType, _ code: UInt8) -> Double {
    [code].withUnsafeBytes { raw in
        let one = TensorValue(TensorType(dtype, []), bytes: raw)
        guard case .floats(let values) = one.elements else { return .nan }
        return values[0]
    }
}

@Test func everyCodeComesBackThroughItsNumberAndItsText() throws {
    for dtype in storageFloats {
        for code in UInt8.min...UInt8.max where dtype != .f4e2m1 || code < 16 {
            let number = value(dtype, code)
            let bytes = TensorValue(TensorType(dtype, [1]), floats: [number]).bytes
            // several codes may be NaN
            #expect(bytes == [code] || (number.isNaN && value(dtype, bytes[0]).isNaN), "\(dtype) \(code)")
            let literal = Literal.float(number, dtype)
            #expect(literal.float == number || number.isNaN)
            #expect(
                Literal(
                    digits: literal.bareText.drop { $0 == "-" }.description,
                    negative: literal.bareText.hasPrefix("-"), dtype: dtype) == literal, "\(literal.text)")
            if number.isFinite {
                #expect(ScalarRules.rounded(number, dtype) == number)
                #expect(ScalarRules.rounded(number, dtype).sign == number.sign)
            }
        }
    }
    for dtype in [DType.i4, .u4, .i2, .u2] {
        for number in dtype.leastInteger...dtype.greatestInteger {
            let one = TensorValue(TensorType(dtype, [1]), integers: [number])
            #expect(one.bytes == [UInt8(truncatingIfNeeded: number)])
            #expect(one.bytes.withUnsafeBytes { TensorValue(one.type, bytes: $0) } == one)
            #expect(ScalarRules.wrapped(number, dtype) == number)
            #expect(ScalarRules.wrapped(number + 16, dtype) == number)
        }
    }
}

@Test func codesAreTheNumbersOfMlDtypes() {
    let known: [(DType, [(UInt8, Double)])] = [
        (.f8e4m3fn, [(0x01, 0x1p-9), (0x07, 0.013671875), (0x08, 0x1p-6), (0x38, 1), (0x7e, 448), (0xfe, -448)]),
        (.f8e4m3fnuz, [(0x01, 0x1p-10), (0x08, 0x1p-7), (0x40, 1), (0x7f, 240), (0xff, -240)]),
        (.f8e5m2, [(0x01, 0x1p-16), (0x04, 0x1p-14), (0x3c, 1), (0x7b, 57344), (0x7c, .infinity), (0xfc, -.infinity)]),
        (.f8e5m2fnuz, [(0x01, 0x1p-17), (0x04, 0x1p-15), (0x40, 1), (0x7f, 57344), (0xff, -57344)]),
        (.f8e8m0, [(0, 0x1p-127), (1, 0x1p-126), (127, 1), (254, 0x1p127)]),
        (.f4e2m1, [(0, 0), (1, 0.5), (2, 1), (3, 1.5), (4, 2), (5, 3), (6, 4), (7, 6), (15, -6)]),
    ]
    for (dtype, pairs) in known {
        for (code, number) in pairs { #expect(value(dtype, code) == number, "\(dtype) \(code)") }
    }
    for (dtype, code) in [(DType.f8e4m3fn, UInt8(0x7f)), (.f8e4m3fn, 0xff), (.f8e5m2, 0x7d), (.f8e8m0, 0xff)] {
        #expect(value(dtype, code).isNaN)
    }
    #expect(value(.f8e4m3fnuz, 0x80).isNaN && value(.f8e5m2fnuz, 0x80).isNaN)
    #expect(value(.f8e4m3fn, 0x80).sign == .minus && value(.f8e5m2, 0x80).sign == .minus)
}

@Test func castsRoundHalfEvenAndSaturate() {
    let cases: [(DType, [(Double, Double)])] = [
        (.f8e4m3fn, [(1.0625, 1), (1.1875, 1.25), (464, 448), (1e9, 448), (-.infinity, -448), (0x1p-10, 0)]),
        (.f8e4m3fnuz, [(247, 240), (248, 240), (1e9, 240), (0x1p-11, 0), (0x1.8p-10, 0x1p-9)]),
        (.f8e5m2, [(1.125, 1), (1.375, 1.5), (61440, 57344), (.infinity, 57344), (0x1p-17, 0)]),
        (.f8e5m2fnuz, [(61440, 57344), (-.infinity, -57344), (0x1p-18, 0)]),
        (.f4e2m1, [(0.25, 0), (0.75, 1), (2.5, 2), (3.5, 4), (5, 4), (7, 6), (-.infinity, -6), (.nan, 0)]),
        (.f8e8m0, [(0, 0x1p-127), (0.3, 0.5), (1, 1), (1.0001, 2), (-3, 4), (.infinity, 0x1p127)]),
    ]
    for (dtype, pairs) in cases {
        for (from, to) in pairs { #expect(ScalarRules.rounded(from, dtype) == to, "\(dtype) \(from)") }
    }
    for dtype in storageFloats where dtype != .f4e2m1 { #expect(ScalarRules.rounded(.nan, dtype).isNaN) }
    #expect(ScalarRules.rounded(-0.0, .f8e4m3fn).sign == .minus)
    #expect(ScalarRules.rounded(-0.0, .f8e4m3fnuz).sign == .plus)
    #expect(ScalarRules.rounded(-0x1p-30, .f8e5m2fnuz).sign == .plus)
    // through f32, as the reference has it
    #expect(ScalarRules.rounded(1.0625 + 0x1p-40, .f8e4m3fn) == 1)
    #expect(ScalarRules.integer(9.7, .i4) == 7 && ScalarRules.integer(-9.7, .i4) == -8)
    #expect(ScalarRules.integer(9.7, .u2) == 3 && ScalarRules.integer(.nan, .u4) == 0)
}

@Test func expressionsMoveAndCastStorageTypes() throws {
    let text = """
        workload(t0: f8e4m3fn[4], t1: int4[4], t2: f32[4]) {
          t3: f32[i0:4] = f32(t0[i0]) * f32(t1[i0])
          t4: uint2[i0:4] = uint2(t1[i0])
          t5: f8e5m2[i0:4] = (i0 < 2 ? f8e5m2(t2[i0]) : 0x7c:f8e5m2)
          t6: f8e4m3fn[i0:4] = t0[3-i0]
          t7: f8e5m2[i0:4] = f8e5m2(t5[i0])
        } -> t3, t4, t5, t6, t7
        """
    let workload = try Workload(parsing: text)
    try workload.verify()
    #expect(workload.text.split(separator: "\n").count == 7)
    #expect(try Workload(parsing: workload.text) == workload)
    let found = interpret(
        workload,
        parameters: [
            TensorValue(TensorType(.f8e4m3fn, [4]), floats: [1, 0.5, -448, 2]),
            TensorValue(TensorType(.i4, [4]), integers: [7, -8, -1, 2]),
            TensorValue(TensorType(.f32, [4]), floats: [1e9, 0.3, 0, 0]),
        ])
    #expect(found[0].elements == .floats([7, -4, 448, 4]))
    #expect(found[1].elements == .integers([3, 0, 3, 2]))
    #expect(found[2].elements == .floats([57344, 0.3125, .infinity, .infinity]))
    #expect(found[3].elements == .floats([2, -448, 0.5, 1]))
    // a cast to the same type keeps even infinities
    #expect(found[4] == found[2])
}

@Test func nothingComputesInAStorageType() throws {
    func complaint(_ value: String, of dtype: String, to result: String) throws -> String {
        let workload = try Workload(
            parsing: "workload(t0: \(dtype)[4]) {\n  t1: \(result)[i0:4] = \(value)\n} -> t1\n")
        do {
            try workload.verify()
            return "no error"
        } catch { return error.sentence }
    }
    for (value, name) in [("t0[i0] + t0[i0]", "+"), ("-t0[i0]", "unary -"), ("max(t0[i0], t0[i0])", "max")] {
        for dtype in ["f8e4m3fn", "int4", "f8e8m0"] {
            let sentence = try complaint(value, of: dtype, to: dtype)
            #expect(sentence.contains("\(name) takes no \(dtype), which only stores numbers; cast it"), "\(sentence)")
        }
    }
    #expect(try complaint("t0[i0] == t0[i0]", of: "f8e5m2", to: "bool").contains("== takes no f8e5m2"))
    #expect(try complaint("isNaN(t0[i0])", of: "f8e5m2", to: "bool").contains("isNaN takes no f8e5m2"))
    let sum = try Workload(parsing: "workload(t0: uint4[4]) {\n  t1: uint4[] = max(r0:4) t0[r0]\n} -> t1\n")
    #expect(throws: VerifyError.self) { try sum.verify() }
    let wide = Definition(type: TensorType(.i4, []), body: .map(.literal(.integer(8, .i4))))
    #expect(throws: VerifyError.self) { try wide.verify(slots: []) }
}
