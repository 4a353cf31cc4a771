// Floats of 8 and 4 bits: which number each code is, and which code a number rounds to. Conversion goes through f32,
// rounds half-even and saturates, as ONNX's Cast does unless told otherwise. Numbers are exact in Double.
//   e4m3fn      1-4-3, bias 7; no infinities, NaN is all ones
//   e4m3fnuz    1-4-3, bias 8; no infinities, no minus zero, NaN is what minus zero would be; e5m2fnuz alike, bias 16
//   e5m2        1-5-2, bias 15; infinities and NaN as in IEEE 754
//   e2m1        1-2-1, bias 1; numbers only; NaN becomes minus zero
//   e8m0        powers of two from 2^-127 to 2^127 and NaN; rounds up, has neither zero nor sign

package struct StorageFloat: Sendable {
    private enum Specials {
        case allOnes, ieee, minusZero, none
    }

    private let mantissaBits: Int
    private let bias: Int
    private let exponentBits: Int
    private let specials: Specials
    /// The greatest number; what saturates becomes this.
    package let greatest: Double

    /// The format of `dtype`; `nil` unless it is a storage float with a sign.
    package init?(_ dtype: DType) {
        switch dtype {
        case .f8e4m3fn: self.init(4, 3, bias: 7, .allOnes, greatest: 448)
        case .f8e4m3fnuz: self.init(4, 3, bias: 8, .minusZero, greatest: 240)
        case .f8e5m2: self.init(5, 2, bias: 15, .ieee, greatest: 57344)
        case .f8e5m2fnuz: self.init(5, 2, bias: 16, .minusZero, greatest: 57344)
        case .f4e2m1: self.init(2, 1, bias: 1, .none, greatest: 6)
        case .f8e8m0, .f16, .bf16, .f32, .f64, .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .bool, .i4, .u4, .i2,
            .u2:
            return nil
        }
    }

    private init(_ exponentBits: Int, _ mantissaBits: Int, bias: Int, _ specials: Specials, greatest: Double) {
        self.exponentBits = exponentBits
        self.mantissaBits = mantissaBits
        self.bias = bias
        self.specials = specials
        self.greatest = greatest
    }

    private var signBit: Int { 1 << (exponentBits + mantissaBits) }
    /// 2 to the power of the least exponent of a normal number.
    private var leastExponent: Int { 1 - bias }

    func number(_ code: UInt8) -> Double {
        let all = Int(code) & (2 * signBit - 1)
        let size = all & (signBit - 1)
        switch specials {
        case .allOnes where size == signBit - 1: return .nan
        case .minusZero where all == signBit: return .nan
        case .ieee where size >> mantissaBits == (1 << exponentBits) - 1:
            if size & ((1 << mantissaBits) - 1) != 0 { return .nan }
            return all == size ? .infinity : -.infinity
        case .allOnes, .minusZero, .ieee, .none: break
        }
        let exponent = size >> mantissaBits
        let digits = size & ((1 << mantissaBits) - 1) | (exponent == 0 ? 0 : 1 << mantissaBits)
        let magnitude = Double(
            sign: .plus, exponent: max(exponent, 1) - bias - mantissaBits, significand: Double(digits))
        return all == size ? magnitude : -magnitude
    }

    /// The number that `value` is cast to.
    func rounded(_ value: Double) -> Double {
        let x = Double(Float(value))
        if x.isNaN { return specials == .none ? -0.0 : .nan }
        let size = x.magnitude
        if size >= greatest { return x < 0 ? -greatest : greatest }
        let exponent = max(size == 0 ? leastExponent : Int(size.exponent), leastExponent)
        let unit = Double(sign: .plus, exponent: exponent - mantissaBits, significand: 1)
        let y = (size / unit).rounded(.toNearestOrEven) * unit
        if y == 0, specials == .minusZero { return 0 }
        return x.sign == .minus ? -y : y
    }

    /// The code of a number of this format.
    func code(_ value: Double) -> UInt8 {
        if value.isNaN {
            switch specials {
            case .allOnes: return UInt8(signBit - 1)
            case .ieee: return UInt8((signBit - 1) & ~1)
            case .minusZero, .none: return UInt8(signBit)
            }
        }
        let sign = value.sign == .minus ? signBit : 0
        if value.isInfinite, specials == .ieee {
            return UInt8(sign | ((1 << exponentBits) - 1) << mantissaBits)
        }
        let size = rounded(value).magnitude
        if size == 0 { return specials == .minusZero ? 0 : UInt8(sign) }
        let exponent = max(Int(size.exponent), leastExponent)
        let digits = Int(size / Double(sign: .plus, exponent: exponent - mantissaBits, significand: 1))
        // the digits of a normal number hold its leading one, which counts into the exponent
        return UInt8(sign | ((exponent + bias - 1) << mantissaBits) + digits)
    }
}

/// The format without sign, zero and mantissa.
enum PowerOfTwo {
    static func number(_ code: UInt8) -> Double {
        code == 255 ? .nan : Double(sign: .plus, exponent: Int(code) - 127, significand: 1)
    }

    static func rounded(_ value: Double) -> Double {
        let size = Double(Float(value)).magnitude
        if size.isNaN { return .nan }
        if size <= 0x1p-127 { return 0x1p-127 }
        if size >= 0x1p127 { return 0x1p127 }
        let down = Double(sign: .plus, exponent: Int(size.exponent), significand: 1)
        return down < size ? 2 * down : down
    }

    static func code(_ value: Double) -> UInt8 {
        value.isNaN ? 255 : UInt8(Int(rounded(value).exponent) + 127)
    }
}

extension DType {
    /// What each byte is in a storage float; only the low bits of the byte count.
    package func storedNumbers() -> [Double] {
        let all = (UInt8.min)...(UInt8.max)
        if self == .f8e8m0 { return all.map(PowerOfTwo.number) }
        guard let format = StorageFloat(self) else { preconditionFailure("\(rawValue) is no storage float") }
        return all.map(format.number)
    }

    /// The byte that a storage float keeps of a number.
    package func storedCode(_ value: Double) -> UInt8 {
        if self == .f8e8m0 { return PowerOfTwo.code(value) }
        guard let format = StorageFloat(self) else { preconditionFailure("\(rawValue) is no storage float") }
        return format.code(value)
    }

    /// The number of a storage float that `value` is cast to.
    func storedNumber(castFrom value: Double) -> Double {
        if self == .f8e8m0 { return PowerOfTwo.rounded(value) }
        guard let format = StorageFloat(self) else { preconditionFailure("\(rawValue) is no storage float") }
        return format.rounded(value)
    }
}
