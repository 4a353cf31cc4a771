// A tensor in an interpreter: floats as Double, integers and bool as Int64, row-major.

package struct TensorValue: Hashable, Sendable {
    package enum Elements: Hashable, Sendable {
        case floats([Double])
        case integers([Int64])
    }
    package var type: TensorType
    package var elements: Elements

    package init(_ type: TensorType, floats: [Double]) {
        precondition(type.dtype.isFloat && floats.count == type.elements, "elements do not fit the type")
        self.type = type
        elements = .floats(floats)
    }

    package init(_ type: TensorType, integers: [Int64]) {
        precondition(type.dtype.isExact && integers.count == type.elements, "elements do not fit the type")
        self.type = type
        elements = .integers(integers)
    }

    package init(_ type: TensorType, literals: [Literal]) {
        if type.dtype.isFloat {
            self.init(type, floats: literals.map(\.float))
        } else {
            self.init(type, integers: literals.map(\.integer))
        }
    }

    package var literals: [Literal] {
        switch elements {
        case .floats(let values): values.map { .float($0, type.dtype) }
        case .integers(let values): values.map { .integer($0, type.dtype) }
        }
    }

    /// Decodes row-major little-endian bytes of `type`.
    package init(_ type: TensorType, bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count >= type.bytes, "too few bytes for \(type)")
        func each<T, R>(_: T.Type, _ convert: (T) -> R) -> [R] {
            (0..<type.elements).map {
                convert(bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: T.self))
            }
        }
        switch type.dtype {
        case .f64: self.init(type, floats: each(Double.self) { $0 })
        case .f32: self.init(type, floats: each(Float.self) { Double($0) })
        case .f16: self.init(type, floats: each(Float16.self) { Double($0) })
        case .bf16: self.init(type, floats: each(UInt16.self) { Double(Float(bitPattern: UInt32($0) << 16)) })
        case .i64: self.init(type, integers: each(Int64.self) { $0 })
        case .i32: self.init(type, integers: each(Int32.self) { Int64($0) })
        case .i16: self.init(type, integers: each(Int16.self) { Int64($0) })
        case .i8, .i4, .i2: self.init(type, integers: each(Int8.self) { Int64($0) })
        case .u64: self.init(type, integers: each(UInt64.self) { Int64(bitPattern: $0) })
        case .u32: self.init(type, integers: each(UInt32.self) { Int64($0) })
        case .u16: self.init(type, integers: each(UInt16.self) { Int64($0) })
        case .u8, .u4, .u2: self.init(type, integers: each(UInt8.self) { Int64($0) })
        case .bool: self.init(type, integers: each(UInt8.self) { $0 != 0 ? 1 : 0 })
        case .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .f4e2m1:
            let numbers = type.dtype.storedNumbers()
            self.init(type, floats: each(UInt8.self) { numbers[Int($0)] })
        }
    }

    /// Elements of a float tensor.
    package var floats: [Double] {
        guard case .floats(let values) = elements else { preconditionFailure("a tensor of integers read as floats") }
        return values
    }

    /// Elements of an integer or bool tensor.
    package var integers: [Int64] {
        guard case .integers(let values) = elements else { preconditionFailure("a tensor of floats read as integers") }
        return values
    }

    /// Row-major little-endian bytes.
    package var bytes: [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(type.bytes)
        func put<T>(_ value: T) { withUnsafeBytes(of: value) { out.append(contentsOf: $0) } }
        switch elements {
        case .floats(let values):
            for value in values {
                switch type.dtype {
                case .f64: put(value)
                case .f16: put(Float16(value))
                case .bf16: put(UInt16(roundedToBFloat16(Float(value)).bitPattern >> 16))
                case .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .f4e2m1: put(type.dtype.storedCode(value))
                case .f32, .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .bool, .i4, .u4, .i2, .u2: put(Float(value))
                }
            }
        case .integers(let values):
            for value in values {
                switch type.dtype.bytes {
                case 8: put(value)
                case 4: put(Int32(truncatingIfNeeded: value))
                case 2: put(Int16(truncatingIfNeeded: value))
                default: put(Int8(truncatingIfNeeded: value))
                }
            }
        }
        return out
    }
}
