// A definition: one tensor as an expression over its axes. Space axes are numbered 0 ..< rank in the order of the
// result's shape, reduction axes follow. Slots in expressions are positions in the operand list of whoever holds
// the definition: a Workload (parameters, then definitions) or a graph operation (its operands).

package enum Reducer: String, Hashable, Sendable, CaseIterable {
    case sum, product, max, min

    /// The value of an empty reduction.
    package func identity(_ dtype: DType) -> Literal {
        switch (self, dtype.isFloat) {
        case (.sum, true): .float(0, dtype)
        case (.product, true): .float(1, dtype)
        case (.max, true): .float(-.infinity, dtype)
        case (.min, true): .float(.infinity, dtype)
        case (.sum, false): .integer(0, dtype)
        case (.product, false): .integer(1, dtype)
        case (.max, false): .integer(dtype.leastInteger, dtype)
        case (.min, false): .integer(dtype == .u64 ? -1 : dtype.greatestInteger, dtype)
        }
    }
}

extension DType {
    /// 0 for floats.
    package var leastInteger: Int64 {
        switch self {
        case .i8: -128
        case .i16: -32_768
        case .i32: Int64(Int32.min)
        case .i64: .min
        case .i4: -8
        case .i2: -2
        case .u8, .u16, .u32, .u64, .bool, .u4, .u2, .f16, .bf16, .f32, .f64, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2,
            .f8e5m2fnuz, .f8e8m0, .f4e2m1:
            0
        }
    }
    /// The greatest value that is an Int64: of u64 it is 2^63 - 1, of floats too.
    package var greatestInteger: Int64 {
        switch self {
        case .i8: 127
        case .i16: 32_767
        case .i32: Int64(Int32.max)
        case .u8: 255
        case .u16: 65_535
        case .u32: Int64(UInt32.max)
        case .bool, .i2: 1
        case .i4: 7
        case .u4: 15
        case .u2: 3
        case .i64, .u64, .f16, .bf16, .f32, .f64, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .f4e2m1: .max
        }
    }
}

/// One box of a piecewise definition. `value` uses the result's axes with their global coordinates.
package struct Piece: Hashable, Sendable {
    package var box: [Range<Int>]
    package var value: Expr
    package init(box: [Range<Int>], value: Expr) {
        self.box = box
        self.value = value
    }
}

package struct Definition: Hashable, Sendable {
    package enum Body: Hashable, Sendable {
        /// `T[i…] = expr`
        case map(Expr)
        /// `T[i…] = reducer(r… where condition) expr`; accumulates in the result's dtype.
        case reduce(Reducer, extents: [Int], condition: Expr?, Expr)
        /// Disjoint boxes that cover the result (Concat, Pad).
        case pieces([Piece])
    }
    package var type: TensorType
    package var body: Body

    package init(type: TensorType, body: Body) {
        self.type = type
        self.body = body
    }

    /// Extents of the reduction axes; empty unless this reduces.
    package var reductionExtents: [Int] {
        switch body {
        case .map, .pieces: []
        case .reduce(_, let extents, _, _): extents
        }
    }

    /// Extents of all axes: space, then reduction.
    package var axisExtents: [Int] { type.shape + reductionExtents }

    /// Every expression in the body, the reduction's condition included.
    package var expressions: [Expr] {
        switch body {
        case .map(let e): [e]
        case .reduce(_, _, let condition, let e): condition.map { [$0, e] } ?? [e]
        case .pieces(let pieces): pieces.map(\.value)
        }
    }

    package var slotsRead: [Int] {
        var out: [Int] = []
        for e in expressions { for slot in e.slotsRead where !out.contains(slot) { out.append(slot) } }
        return out
    }

    package func reads(_ slot: Int) -> Bool {
        func found(_ e: Expr) -> Bool {
            if case .read(slot, _) = e { return true }
            return e.children.contains(where: found)
        }
        return expressions.contains(where: found)
    }

    /// Applies `change` to every expression.
    package func mapExpressions(_ change: (Expr) -> Expr) -> Definition {
        var out = self
        switch body {
        case .map(let e): out.body = .map(change(e))
        case .reduce(let reducer, let extents, let condition, let e):
            out.body = .reduce(reducer, extents: extents, condition: condition.map(change), change(e))
        case .pieces(let pieces): out.body = .pieces(pieces.map { Piece(box: $0.box, value: change($0.value)) })
        }
        return out
    }

    package func renumbering(slots: (Int) -> Int) -> Definition {
        mapExpressions { $0.renumbering(slots: slots) }
    }

    package var isMap: Bool {
        switch body {
        case .map: true
        case .reduce, .pieces: false
        }
    }

    package var isReduction: Bool {
        switch body {
        case .map, .pieces: false
        case .reduce: true
        }
    }
}
