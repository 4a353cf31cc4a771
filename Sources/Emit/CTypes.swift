// How element types and literals are spelt in generated C. Storage is what lies in a buffer; a value is what an
// expression computes with: 16-bit floats compute as float, integers of at most 32 bits as int32_t (u32 as
// uint32_t), u64 as the int64_t with its bits, bool as 0 or 1. Floats that are only stored are their codes in both.

import TensorIR

extension DType {
    var storageType: String {
        switch self {
        case .f32: "float"
        case .f64: "double"
        case .f16, .bf16, .u16: "uint16_t"
        case .i8, .i4, .i2: "int8_t"
        case .i16: "int16_t"
        case .i32: "int32_t"
        case .i64, .u64: "int64_t"
        case .u8, .bool, .u4, .u2, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .f4e2m1: "uint8_t"
        case .u32: "uint32_t"
        }
    }

    /// `isWide` asks for 64 bits of an integer.
    func valueType(isWide: Bool = false) -> String {
        switch self {
        case .f32, .f16, .bf16: "float"
        case .f64: "double"
        case .i64, .u64: "int64_t"
        case .u32: isWide ? "int64_t" : "uint32_t"
        case .i8, .i16, .i32, .u8, .u16, .bool, .i4, .u4, .i2, .u2: isWide ? "int64_t" : "int32_t"
        case .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .f4e2m1: "uint8_t"
        }
    }

    /// The suffix of float functions in iw_math.h.
    var floatSuffix: String { self == .f64 ? "f64" : "f32" }

    var isWideInteger: Bool { self == .i64 || self == .u64 }

    /// Values of the narrow C type that stands for this dtype.
    var narrowInterval: Interval { self == .u32 ? .unsigned32 : .signed32 }
}

/// A float literal, exact: small integers in decimal, everything else in hexadecimal.
func floatText(_ value: Double, _ dtype: DType) -> String {
    let isDouble = dtype == .f64
    let suffix = isDouble ? "" : "f"
    if value.isNaN { return isDouble ? "__builtin_nan(\"\")" : "__builtin_nanf(\"\")" }
    let sign = value.sign == .minus ? "-" : ""
    let magnitude = value.magnitude
    let text: String
    if magnitude.isInfinite {
        text = isDouble ? "IW_INFINITY_F64" : "IW_INFINITY_F32"
    } else if magnitude < 0x1p24, magnitude == magnitude.rounded(.down) {
        text = "\(Int(magnitude)).0\(suffix)"
    } else {
        text = hexText(magnitude) + suffix
    }
    return sign.isEmpty ? text : "(-\(text))"
}

/// `0x1.8p+3` for a positive finite value.
private func hexText(_ value: Double) -> String {
    let exponent = Int(value.exponent)
    var fraction = value.significandBitPattern
    if !value.isNormal {
        let scaled = value * 0x1p200
        return "(" + hexText(scaled) + " * 0x1p-200)"
    }
    var digits = ""
    while fraction != 0 {
        digits += String(fraction >> 48, radix: 16)
        fraction = (fraction << 4) & 0xf_ffff_ffff_ffff
    }
    return "0x1" + (digits.isEmpty ? "" : "." + digits) + "p" + (exponent < 0 ? "-" : "+") + String(abs(exponent))
}

func integerText(_ value: Int) -> String {
    if value == .min { return "(-9223372036854775807ll - 1)" }
    let text = Int32(exactly: value) == nil ? "\(value)ll" : "\(value)"
    return value < 0 ? "(\(text))" : text
}
