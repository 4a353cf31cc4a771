// What each scalar operator means, once: the interpreter, constant folding and tests all come here. Floats are
// evaluated in Double and rounded only by a cast; integers and bool are Int64 and wrap at a cast or a store. Every
// operator is total: an integer quotient by zero is 0 and its remainder is the dividend. A u64 is the Int64 with its
// bits; what depends on the sign asks for the dtype. Bitwise operators wrap their operands and their result to it.

import Glibc

package enum ScalarRules {
    package static func apply(_ op: UnaryOperator, _ a: Double) -> Double {
        switch op {
        case .negate: return -a
        case .absolute: return a.magnitude
        case .sign: return a.isNaN ? a : (a > 0 ? 1 : (a < 0 ? -1 : 0))
        case .floor: return a.rounded(.down)
        case .ceil: return a.rounded(.up)
        case .round: return a.rounded(.toNearestOrEven)
        case .exp: return Glibc.exp(a)
        case .log: return Glibc.log(a)
        case .sqrt: return a.squareRoot()
        case .sin: return Glibc.sin(a)
        case .cos: return Glibc.cos(a)
        case .tanh: return Glibc.tanh(a)
        case .erf: return Glibc.erf(a)
        case .asin: return Glibc.asin(a)
        case .acos: return Glibc.acos(a)
        case .atan: return Glibc.atan(a)
        case .not, .bitNot, .isNaN: preconditionFailure("\(op.rawValue) gives no float")
        }
    }

    package static func apply(_ op: UnaryOperator, _ a: Int64, _ dtype: DType) -> Int64 {
        switch op {
        case .negate: return 0 &- a
        case .absolute: return a < 0 && dtype != .u64 ? 0 &- a : a
        case .sign: return dtype == .u64 ? (a == 0 ? 0 : 1) : a.signum()
        case .not: return a == 0 ? 1 : 0
        case .bitNot: return wrapped(~a, dtype)
        case .isNaN: return 0
        case .floor, .ceil, .round, .exp, .log, .sqrt, .sin, .cos, .tanh, .erf, .asin, .acos, .atan:
            preconditionFailure("\(op.rawValue) needs a float operand")
        }
    }

    package static func apply(_ op: BinaryOperator, _ a: Double, _ b: Double) -> Double {
        switch op {
        case .add: return a + b
        case .subtract: return a - b
        case .multiply: return a * b
        case .divide: return a / b
        case .floatRemainder: return Glibc.fmod(a, b)
        case .power: return Glibc.pow(a, b)
        case .maximum: return a > b || a.isNaN ? a : b
        case .minimum: return a < b || a.isNaN ? a : b
        case .floorDivide, .floorModulo, .truncDivide, .truncRemainder, .and, .or, .bitAnd, .bitOr, .bitXor,
            .shiftLeft, .shiftRight:
            preconditionFailure("\(op.rawValue) needs integer or bool operands")
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
            preconditionFailure("\(op.rawValue) gives no float")
        }
    }

    package static func apply(_ op: BinaryOperator, _ a: Int64, _ b: Int64, _ dtype: DType) -> Int64 {
        if dtype == .u64, let result = unsigned(op, UInt64(bitPattern: a), UInt64(bitPattern: b)) { return result }
        switch op {
        case .add: return a &+ b
        case .subtract: return a &- b
        case .multiply: return a &* b
        case .floorDivide: return floorQuotient(a, b)
        case .floorModulo: return floorRemainder(a, b)
        case .truncDivide: return b == 0 ? 0 : a.dividedReportingOverflow(by: b).partialValue
        case .truncRemainder: return b == 0 ? a : a.remainderReportingOverflow(dividingBy: b).partialValue
        case .power: return power(a, b)
        case .maximum: return max(a, b)
        case .minimum: return min(a, b)
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: return holds(op, a, b) ? 1 : 0
        case .and: return a != 0 && b != 0 ? 1 : 0
        case .or: return a != 0 || b != 0 ? 1 : 0
        case .bitAnd: return wrapped(a & b, dtype)
        case .bitOr: return wrapped(a | b, dtype)
        case .bitXor: return wrapped(a ^ b, dtype)
        case .shiftLeft, .shiftRight: return shifted(op, a, by: b, dtype)
        case .divide, .floatRemainder: preconditionFailure("\(op.rawValue) needs float operands")
        }
    }

    /// What differs between u64 and Int64; `nil` for the operators that are the same on both.
    private static func unsigned(_ op: BinaryOperator, _ a: UInt64, _ b: UInt64) -> Int64? {
        switch op {
        case .floorDivide, .truncDivide: return b == 0 ? 0 : Int64(bitPattern: a / b)
        case .floorModulo, .truncRemainder: return Int64(bitPattern: b == 0 ? a : a % b)
        case .power: return power(Int64(bitPattern: a), b)
        case .maximum: return Int64(bitPattern: max(a, b))
        case .minimum: return Int64(bitPattern: min(a, b))
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: return holds(op, a, b) ? 1 : 0
        case .add, .subtract, .multiply, .and, .or, .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight, .divide,
            .floatRemainder:
            return nil
        }
    }

    /// Shifts the bits of `dtype`; an amount outside of 0 ..< width gives 0.
    private static func shifted(_ op: BinaryOperator, _ a: Int64, by amount: Int64, _ dtype: DType) -> Int64 {
        let (value, amount) = (wrapped(a, dtype), wrapped(amount, dtype))
        guard amount >= 0, amount < 8 * Int64(dtype.bytes) else { return 0 }
        if op == .shiftLeft { return wrapped(value << amount, dtype) }
        return dtype == .u64 ? Int64(bitPattern: UInt64(bitPattern: value) >> UInt64(amount)) : value >> amount
    }

    /// Whether the comparison `op` holds; every comparison with a NaN but `!=` is false.
    @inline(__always)
    package static func holds<T: Comparable>(_ op: BinaryOperator, _ a: T, _ b: T) -> Bool {
        switch op {
        case .equal: return a == b
        case .notEqual: return a != b
        case .less: return a < b
        case .lessOrEqual: return a <= b
        case .greater: return a > b
        case .greaterOrEqual: return a >= b
        case .add, .subtract, .multiply, .divide, .floorDivide, .floorModulo, .truncDivide, .truncRemainder,
            .floatRemainder, .power, .maximum, .minimum, .and, .or, .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight:
            preconditionFailure("\(op.rawValue) is no comparison")
        }
    }

    /// Rounds to a float dtype; the only place where the interpreter loses bits of a float.
    package static func rounded(_ value: Double, _ dtype: DType) -> Double {
        switch dtype {
        case .f64: return value
        case .f32: return Double(Float(value))
        case .f16: return Double(Float16(value))
        case .bf16: return Double(roundedToBFloat16(Float(value)))
        case .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .f4e2m1: return dtype.storedNumber(castFrom: value)
        case .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .bool, .i4, .u4, .i2, .u2:
            preconditionFailure("not a float dtype")
        }
    }

    /// An integer or bool of dtype `from` as a float of `dtype`.
    package static func float(_ value: Int64, from: DType, _ dtype: DType) -> Double {
        if from == .u64 {
            let value = UInt64(bitPattern: value)
            return dtype == .f32 ? Double(Float(value)) : rounded(Double(value), dtype)
        }
        return dtype == .f32 ? Double(Float(value)) : rounded(Double(value), dtype)
    }

    /// An integer or bool as another integer dtype or bool: wraps, and is `!= 0` for bool.
    package static func wrapped(_ value: Int64, _ dtype: DType) -> Int64 {
        switch dtype {
        case .i8: return Int64(Int8(truncatingIfNeeded: value))
        case .i16: return Int64(Int16(truncatingIfNeeded: value))
        case .i32: return Int64(Int32(truncatingIfNeeded: value))
        case .i64, .u64: return value
        case .u8: return Int64(UInt8(truncatingIfNeeded: value))
        case .u16: return Int64(UInt16(truncatingIfNeeded: value))
        case .u32: return Int64(UInt32(truncatingIfNeeded: value))
        case .bool: return value != 0 ? 1 : 0
        case .i4: return (value & 15 ^ 8) - 8
        case .u4: return value & 15
        case .i2: return (value & 3 ^ 2) - 2
        case .u2: return value & 3
        case .f16, .bf16, .f32, .f64, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .f4e2m1:
            preconditionFailure("not an integer dtype")
        }
    }

    /// A float as an integer dtype or bool: truncates and saturates, NaN becomes 0; for bool it is `!= 0`.
    package static func integer(_ value: Double, _ dtype: DType) -> Int64 {
        if dtype == .bool { return value != 0 ? 1 : 0 }
        if dtype == .u64, value >= 0x1p63 {
            return Int64(bitPattern: value < 0x1p64 ? UInt64(value) : UInt64.max)
        }
        return min(max(Int64(saturating: value), dtype.leastInteger), dtype.greatestInteger)
    }

    /// Rounds towards minus infinity; a quotient by zero is 0.
    package static func floorQuotient(_ a: Int64, _ b: Int64) -> Int64 {
        if b == 0 { return 0 }
        let (quotient, overflow) = a.dividedReportingOverflow(by: b)
        if overflow { return quotient }
        return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient
    }

    /// Has the divisor's sign; the remainder by zero is the dividend.
    package static func floorRemainder(_ a: Int64, _ b: Int64) -> Int64 {
        if b == 0 { return a }
        let remainder = a.remainderReportingOverflow(dividingBy: b).partialValue
        return remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : remainder
    }

    /// Wrapping power; a negative exponent truncates the exact result (0 unless the base is 1 or -1, and 0 for 0).
    package static func power(_ base: Int64, _ exponent: Int64) -> Int64 {
        if exponent < 0 { return base == 1 ? 1 : (base == -1 ? (exponent & 1 == 0 ? 1 : -1) : 0) }
        return power(base, UInt64(exponent))
    }

    private static func power(_ base: Int64, _ exponent: UInt64) -> Int64 {
        var (result, square, left) = (Int64(1), base, exponent)
        while left > 0 {
            if left & 1 == 1 { result = result &* square }
            square = square &* square
            left >>= 1
        }
        return result
    }
}
