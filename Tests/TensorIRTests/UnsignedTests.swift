// u64 beyond 2^63: what depends on the sign sees the number, not the Int64 that has its bits.

import Testing

@testable import TensorIR

private func bits(_ value: UInt64) -> Int64 { Int64(bitPattern: value) }

private func result(_ op: BinaryOperator, _ a: UInt64, _ b: UInt64) -> UInt64 {
    UInt64(bitPattern: ScalarRules.apply(op, bits(a), bits(b), .u64))
}

@Test func unsignedOperatorsSeeTheNumber() {
    let (high, low) = (UInt64.max - 4, UInt64(7))
    #expect(result(.truncDivide, high, low) == high / low && result(.floorDivide, high, low) == high / low)
    #expect(result(.truncRemainder, high, low) == high % low && result(.floorModulo, low, high) == low)
    #expect(result(.truncDivide, high, 0) == 0 && result(.floorModulo, high, 0) == high)
    #expect(result(.maximum, high, low) == high && result(.minimum, high, low) == low)
    #expect(result(.less, low, high) == 1 && result(.greaterOrEqual, low, high) == 0 && result(.equal, high, high) == 1)
    #expect(result(.power, 3, 1 << 63 | 1) == powerOfThree)
    #expect(result(.add, high, 10) == 5 && result(.subtract, low, high) == 12)
    #expect(ScalarRules.apply(.absolute, bits(high), .u64) == bits(high))
    #expect(ScalarRules.apply(.sign, bits(high), .u64) == 1)
    #expect(ScalarRules.apply(.less, bits(high), bits(low), .i64) == 1)
}

/// 3 to the power of 2^63 + 1, modulo 2^64: the order of 3 divides 2^62.
private let powerOfThree: UInt64 = 3

@Test func unsignedCastsKeepTheNumber() {
    #expect(ScalarRules.float(-1, from: .u64, .f64) == 0x1p64)
    #expect(ScalarRules.float(-1, from: .u64, .f32) == 0x1p64)
    #expect(ScalarRules.float(-1, from: .i64, .f64) == -1)
    #expect(ScalarRules.integer(1e19, .u64) == bits(10_000_000_000_000_000_000))
    #expect(ScalarRules.integer(1e30, .u64) == -1 && ScalarRules.integer(-5, .u64) == 0)
    #expect(ScalarRules.integer(.nan, .u64) == 0 && ScalarRules.integer(5.9, .u64) == 5)
}

@Test func unsignedReductionsAndLiterals() throws {
    let values = TensorValue(TensorType(.u64, [3]), integers: [bits(1 << 63), bits(.max), bits(1 << 63 | 5)])
    let text = """
        workload(t0: u64[3]) {
          t1: u64[] = min(r0:3) t0[r0]
          t2: u64[] = max(r0:3) t0[r0]
          t3: u64[] = max(r0:3 where t0[r0] < 18446744073709551615:u64) t0[r0]
          t4: f64[i0:3] = f64(t0[i0])
        } -> t1, t2, t3, t4
        """
    let workload = try Workload(parsing: text)
    try workload.verify()
    #expect(try Workload(parsing: workload.text) == workload)
    let found = interpret(workload, parameters: [values])
    #expect(found[0].elements == .integers([bits(1 << 63)]))
    #expect(found[1].elements == .integers([-1]))
    #expect(found[2].elements == .integers([bits(1 << 63 | 5)]))
    #expect(found[3].elements == .floats([0x1p63, 0x1p64, 0x1p63]))
    #expect(Literal.integer(-1, .u64).text == "18446744073709551615:u64")
    #expect(Literal(digits: "18446744073709551615", negative: false, dtype: .u64) == .integer(-1, .u64))
    #expect(Literal(digits: "1", negative: true, dtype: .u64) == nil)
    #expect(Literal.integer(-1, .u64).float == 0x1p64)
    #expect(Reducer.min.identity(.u64) == .integer(-1, .u64))
}
