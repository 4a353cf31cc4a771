// Element types and tensor types. Shapes are concrete extents: symbolic dimensions are bound before the Graph exists.

package enum DType: String, Hashable, Sendable, CaseIterable {
    case f16, bf16, f32, f64
    case i8, i16, i32, i64, u8, u16, u32, u64
    case bool

    package var bytes: Int {
        switch self {
        case .i8, .u8, .bool: 1
        case .f16, .bf16, .i16, .u16: 2
        case .f32, .i32, .u32: 4
        case .f64, .i64, .u64: 8
        }
    }

    package var isFloat: Bool {
        switch self {
        case .f16, .bf16, .f32, .f64: true
        case .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .bool: false
        }
    }

    /// Integers and bool: exact, stored as Int64 in interpreters.
    package var isExact: Bool { !isFloat }
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
