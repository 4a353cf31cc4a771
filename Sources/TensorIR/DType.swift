// Element types and tensor types. Shapes are concrete extents: symbolic dimensions are bound before the Graph exists.
// Storage types are what weights and activations are kept in and nothing computes in: they are cast to and from and
// moved, and no operator takes them. In memory every element has at least a byte; files pack the smaller ones.
// Texts call the small integers int4 and so on, because i2 and i4 are axes there.

package enum DType: String, Hashable, Sendable, CaseIterable {
    case f16, bf16, f32, f64
    case i8, i16, i32, i64, u8, u16, u32, u64
    case bool
    // storage
    case f8e4m3fn, f8e4m3fnuz, f8e5m2, f8e5m2fnuz, f8e8m0, f4e2m1
    case i4 = "int4"
    case u4 = "uint4"
    case i2 = "int2"
    case u2 = "uint2"

    package var bytes: Int {
        switch self {
        case .i8, .u8, .bool, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .f4e2m1, .i4, .u4, .i2, .u2: 1
        case .f16, .bf16, .i16, .u16: 2
        case .f32, .i32, .u32: 4
        case .f64, .i64, .u64: 8
        }
    }

    package var isFloat: Bool {
        switch self {
        case .f16, .bf16, .f32, .f64, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .f4e2m1: true
        case .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .bool, .i4, .u4, .i2, .u2: false
        }
    }

    /// Integers and bool: exact, stored as Int64 in interpreters.
    package var isExact: Bool { !isFloat }

    /// Only cast and moved.
    package var isStorage: Bool {
        switch self {
        case .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .f4e2m1, .i4, .u4, .i2, .u2: true
        case .f16, .bf16, .f32, .f64, .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .bool: false
        }
    }

    /// Bits of an element that mean something; fewer than 8 where files pack several into a byte.
    package var bits: Int {
        switch self {
        case .i2, .u2: 2
        case .i4, .u4, .f4e2m1: 4
        case .i8, .u8, .bool, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .f16, .bf16, .i16, .u16, .f32,
            .i32, .u32, .f64, .i64, .u64:
            8 * bytes
        }
    }
}

/// A dtype and one extent per axis; a scalar has no axes. Prints as `f32[128,768]`.
package struct TensorType: Hashable, Sendable {
    package var dtype: DType
    package var shape: [Int]

    package init(_ dtype: DType, _ shape: [Int]) {
        self.dtype = dtype
        self.shape = shape
    }

    package var rank: Int { shape.count }
    package var elements: Int { shape.reduce(1, *) }
    package var bytes: Int { elements * dtype.bytes }

    /// Row-major strides in elements.
    package var strides: [Int] {
        var out = [Int](repeating: 1, count: rank)
        for i in stride(from: rank - 2, through: 0, by: -1) { out[i] = out[i + 1] * shape[i + 1] }
        return out
    }
}
