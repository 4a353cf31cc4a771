// Literals as text: f32 and i64 stand plain (`0.5`, `3`), every other dtype follows a colon (`0.5:f64`, `3:i32`),
// bool is `true` or `false`. Floats are the shortest digits that parse back; NaN, infinities and minus zero are the
// bits of the dtype in hex (`0x7fc00000:f32`). A minus sign directly before digits belongs to the literal.

extension Literal {
    /// The canonical spelling, dtype included.
    package var text: String {
        switch dtype {
        case .f32: return needsBits ? bareText + ":f32" : bareText
        case .i64: return bareText
        case .bool: return bits <= 1 ? bareText : bareText + ":bool"
        case .f16, .bf16, .f64, .i8, .i16, .i32, .u8, .u16, .u32, .u64, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz,
            .f8e8m0, .f4e2m1, .i4, .u4, .i2, .u2:
            return bareText + ":" + dtype.rawValue
        }
    }

    /// The spelling where the dtype is known from elsewhere, as in a list of constants.
    package var bareText: String {
        switch dtype {
        case .f64: return needsBits ? hexText(float.bitPattern) : float.description
        case .f32: return needsBits ? hexText(Float(float).bitPattern) : Float(float).description
        case .f16: return needsBits ? hexText(Float16(float).bitPattern) : Float16(float).description
        case .bf16: return needsBits ? hexText(Float(float).bitPattern >> 16) : Float(float).description
        case .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .f4e2m1:
            return needsBits ? hexText(dtype.storedCode(float)) : Float(float).description
        case .i8, .i16, .i32, .i64, .u8, .u16, .u32, .i4, .u4, .i2, .u2: return String(integer)
        case .u64: return String(bits)
        case .bool: return bits == 0 ? "false" : (bits == 1 ? "true" : String(integer))
        }
    }

    /// Whether decimal digits cannot say it.
    private var needsBits: Bool {
        dtype.isFloat && (!float.isFinite || (float == 0 && float.sign == .minus))
    }

    private func hexText(_ bits: some FixedWidthInteger) -> String { "0x" + String(bits, radix: 16) }

    /// Reads digits as they stand in a text; without `dtype`, digits with `.` or `e` are f32 and others i64.
    /// `nil` when the digits are no number of that dtype.
    init?(digits: String, negative: Bool, dtype: DType?) {
        let isHex = digits.hasPrefix("0x")
        let looksFloat = !isHex && digits.utf8.contains { $0 == 0x2e || $0 == 0x65 || $0 == 0x45 }
        if isHex && (dtype == nil || negative) { return nil }
        let type = dtype ?? (looksFloat ? .f32 : .i64)
        if type.isFloat {
            let value = isHex ? Literal.float(bits: digits.dropFirst(2), type) : Literal.float(decimal: digits, type)
            guard let value else { return nil }
            self = .float(negative ? -value : value, type)
        } else {
            guard !isHex, !looksFloat, let magnitude = UInt64(digits) else { return nil }
            if type == .u64 {
                guard !negative || magnitude == 0 else { return nil }
                self = .integer(Int64(bitPattern: magnitude), type)
            } else if negative {
                guard magnitude <= UInt64(Int64.max) + 1 else { return nil }
                self = .integer(Int64(truncatingIfNeeded: 0 &- magnitude), type)
            } else {
                guard let value = Int64(exactly: magnitude) else { return nil }
                self = .integer(value, type)
            }
        }
    }

    private static func float(bits digits: Substring, _ dtype: DType) -> Double? {
        switch dtype {
        case .f64: return UInt64(digits, radix: 16).map { Double(bitPattern: $0) }
        case .f32: return UInt32(digits, radix: 16).map { Double(Float(bitPattern: $0)) }
        case .f16: return UInt16(digits, radix: 16).map { Double(Float16(bitPattern: $0)) }
        case .bf16: return UInt16(digits, radix: 16).map { Double(Float(bitPattern: UInt32($0) << 16)) }
        case .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .f4e2m1:
            return UInt8(digits, radix: 16).map { dtype.storedNumbers()[Int($0)] }
        case .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .bool, .i4, .u4, .i2, .u2:
            preconditionFailure("not a float dtype")
        }
    }

    private static func float(decimal digits: String, _ dtype: DType) -> Double? {
        let value: Double?
        switch dtype {
        case .f64: value = Double(digits)
        case .f32, .bf16, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .f4e2m1:
            value = Float(digits).map(Double.init)
        case .f16: value = Float16(digits).map(Double.init)
        case .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .bool, .i4, .u4, .i2, .u2:
            preconditionFailure("not a float dtype")
        }
        return value.flatMap { $0.isFinite ? $0 : nil }
    }
}
