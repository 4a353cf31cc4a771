// Scalar expressions: what one element of a definition is. The same type serves as index expression (dtype i64),
// as predicate (dtype bool) and, in KernelIR, over loop variables and flat buffers. Operators are a closed enum;
// `select` evaluates only the side it takes, which is how reads are predicated (padding).

/// A typed constant. Floats keep the bits of a Double that is exact in `dtype`; integers and bool those of an Int64.
package struct Literal: Hashable, Sendable {
    package let dtype: DType
    package let bits: UInt64

    package static func float(_ value: Double, _ dtype: DType) -> Literal {
        precondition(dtype.isFloat, "a float literal needs a float dtype")
        // a cast never gives the infinities that f8e5m2 has
        let isKept = dtype == .f8e5m2 && value.isInfinite
        return Literal(dtype: dtype, bits: (isKept ? value : ScalarRules.rounded(value, dtype)).bitPattern)
    }

    package static func integer(_ value: Int64, _ dtype: DType = .i64) -> Literal {
        precondition(dtype.isExact, "an integer literal needs an integer dtype or bool")
        return Literal(dtype: dtype, bits: UInt64(bitPattern: value))
    }

    package static func boolean(_ value: Bool) -> Literal { Literal(dtype: .bool, bits: value ? 1 : 0) }

    package var float: Double {
        dtype.isFloat ? Double(bitPattern: bits) : dtype == .u64 ? Double(bits) : Double(integer)
    }
    /// The value; of u64 its bits.
    package var integer: Int64 {
        dtype.isFloat ? Int64(saturating: Double(bitPattern: bits)) : Int64(bitPattern: bits)
    }
}

package func roundedToBFloat16(_ value: Float) -> Float {
    guard value.isFinite else { return value }
    let bits = value.bitPattern
    let rounded = bits &+ 0x7fff &+ ((bits >> 16) & 1)
    return Float(bitPattern: rounded & 0xffff_0000)
}

extension Int64 {
    /// Truncates towards zero; out-of-range values saturate and NaN becomes 0.
    package init(saturating value: Double) {
        if value.isNaN {
            self = 0
        } else if value >= 0x1p63 {
            self = .max
        } else if value < -0x1p63 {
            self = .min
        } else {
            self = Int64(value)
        }
    }
}

package enum UnaryOperator: String, Hashable, Sendable, CaseIterable {
    case negate, absolute, sign, floor, ceil, round  // round is half-even
    case exp, log, sqrt, sin, cos, tanh, erf
    case asin, acos, atan
    case not
    case bitNot  // integers
    case isNaN
}

package enum BinaryOperator: String, Hashable, Sendable, CaseIterable {
    case add, subtract, multiply
    case divide  // floats
    case floorDivide, floorModulo  // integers; the quasi-affine `/` and `%` of index expressions
    case truncDivide, truncRemainder  // integers
    case floatRemainder  // C fmod
    case power
    case maximum, minimum  // a NaN operand gives NaN
    case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual  // bool result
    case and, or  // bool
    // Integers: operands and result are the bits of their dtype, so both wrap to it.
    case bitAnd, bitOr, bitXor
    // A shift by the dtype's width or more, or by less than 0, gives 0; right copies the sign.
    case shiftLeft, shiftRight

    package var isComparison: Bool {
        switch self {
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: true
        case .add, .subtract, .multiply, .divide, .floorDivide, .floorModulo, .truncDivide, .truncRemainder,
            .floatRemainder, .power, .maximum, .minimum, .and, .or, .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight:
            false
        }
    }

    package var isCommutative: Bool {
        switch self {
        case .add, .multiply, .maximum, .minimum, .equal, .notEqual, .and, .or, .bitAnd, .bitOr, .bitXor: true
        case .subtract, .divide, .floorDivide, .floorModulo, .truncDivide, .truncRemainder, .floatRemainder, .power,
            .less, .lessOrEqual, .greater, .greaterOrEqual, .shiftLeft, .shiftRight:
            false
        }
    }

    /// Works on the bits of integers: both operands wrap to their dtype first, and so does the result.
    package var isBitwise: Bool {
        switch self {
        case .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight: true
        case .add, .subtract, .multiply, .divide, .floorDivide, .floorModulo, .truncDivide, .truncRemainder,
            .floatRemainder, .power, .maximum, .minimum, .equal, .notEqual, .less, .lessOrEqual, .greater,
            .greaterOrEqual, .and, .or:
            false
        }
    }
}

package indirect enum Expr: Hashable, Sendable {
    case literal(Literal)
    /// An axis of the surrounding definition (space axes first, then reduction axes), dtype i64.
    /// In KernelIR: a loop or bound variable.
    case axis(Int)
    /// An element of the tensor in `slot`, one index per axis. In KernelIR: of a flat buffer, one index.
    case read(slot: Int, [Expr])
    case unary(UnaryOperator, Expr)
    case binary(BinaryOperator, Expr, Expr)
    /// `condition ? a : b`; only the side taken is evaluated.
    case select(Expr, Expr, Expr)
    /// Conversion with ONNX's rules: float to integer truncates and saturates, to bool is `!= 0`, integers wrap, floats
    /// round half-even; what storage floats cannot hold saturates, and f8e8m0 rounds up.
    case cast(DType, Expr)
}

extension Expr {
    package static func integer(_ value: Int) -> Expr { .literal(.integer(Int64(value))) }
    package static func float(_ value: Double, _ dtype: DType = .f32) -> Expr { .literal(.float(value, dtype)) }

    package static func + (a: Expr, b: Expr) -> Expr { .binary(.add, a, b) }
    package static func - (a: Expr, b: Expr) -> Expr { .binary(.subtract, a, b) }
    package static func * (a: Expr, b: Expr) -> Expr { .binary(.multiply, a, b) }

    /// The dtype of this expression, given the dtype of every slot it reads.
    package func dtype(_ slot: (Int) -> DType) -> DType {
        switch self {
        case .literal(let literal): return literal.dtype
        case .axis: return .i64
        case .read(let index, _): return slot(index)
        case .unary(let op, let a): return op == .isNaN ? .bool : a.dtype(slot)
        case .binary(let op, let a, _): return op.isComparison ? .bool : a.dtype(slot)
        case .select(_, let a, _): return a.dtype(slot)
        case .cast(let dtype, _): return dtype
        }
    }

    /// The direct operands.
    package var children: [Expr] {
        switch self {
        case .literal, .axis: []
        case .read(_, let indices): indices
        case .unary(_, let a), .cast(_, let a): [a]
        case .binary(_, let a, let b): [a, b]
        case .select(let c, let a, let b): [c, a, b]
        }
    }

    /// Rebuilds the tree bottom-up: children first, then `change` on the rebuilt node.
    package func rewritten(_ change: (Expr) -> Expr) -> Expr {
        switch self {
        case .literal, .axis: return change(self)
        case .read(let slot, let indices): return change(.read(slot: slot, indices.map { $0.rewritten(change) }))
        case .unary(let op, let a): return change(.unary(op, a.rewritten(change)))
        case .binary(let op, let a, let b): return change(.binary(op, a.rewritten(change), b.rewritten(change)))
        case .select(let c, let a, let b):
            return change(.select(c.rewritten(change), a.rewritten(change), b.rewritten(change)))
        case .cast(let dtype, let a): return change(.cast(dtype, a.rewritten(change)))
        }
    }

    /// Visits every node, parents before children, left to right.
    package func visit(_ body: (Expr) -> Void) {
        body(self)
        for child in children { child.visit(body) }
    }

    /// Replaces axis `i` by `axes[i]`.
    package func substituting(axes: [Expr]) -> Expr {
        rewritten { node in
            if case .axis(let i) = node { return axes[i] }
            return node
        }
    }

    /// Renumbers the slots that are read.
    package func renumbering(slots: (Int) -> Int) -> Expr {
        rewritten { node in
            if case .read(let slot, let indices) = node { return .read(slot: slots(slot), indices) }
            return node
        }
    }

    /// Slots read, in order of first use.
    package var slotsRead: [Int] {
        var out: [Int] = []
        visit { node in
            if case .read(let slot, _) = node, !out.contains(slot) { out.append(slot) }
        }
        return out
    }

    /// Whether an axis in `range` occurs anywhere, index expressions included.
    package func usesAxis(in range: Range<Int>) -> Bool {
        if case .axis(let i) = self { return range.contains(i) }
        return children.contains { $0.usesAxis(in: range) }
    }

    /// Number of scalar operators per evaluation, index arithmetic excluded.
    package var operatorCount: Int {
        switch self {
        case .literal, .axis, .read: 0
        case .unary(_, let a), .cast(_, let a): 1 + a.operatorCount
        case .binary(_, let a, let b): 1 + a.operatorCount + b.operatorCount
        case .select(_, let a, let b): 1 + a.operatorCount + b.operatorCount
        }
    }
}
