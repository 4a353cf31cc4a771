// The integer and bool half of the scalar printer; ScalarPrinter.swift says what the widths mean.

import TensorIR

extension ScalarPrinter {
    /// An integer whose C value is its Int64 value: in its narrow type where proven, else in 64 bits.
    mutating func exact(_ expr: Expr) -> Text { integer(expr, wide: !fitsNarrow(expr), isIndex: false) }

    func fitsNarrow(_ expr: Expr) -> Bool {
        let type = dtype(expr)
        guard !type.isWideInteger, let interval = intervals[expr] else { return false }
        return interval.fits(type.narrowInterval)
    }

    /// `wide`: int64_t and exact. Otherwise the narrow type, of which the low 32 bits count.
    mutating func integer(_ expr: Expr, wide: Bool, isIndex: Bool) -> Text {
        let type = dtype(expr)
        if let known = intervals[expr], known.lowerBound == known.upperBound {
            return Text(text: integerText(known.lowerBound))
        }
        let cType = type.valueType(isWide: wide)
        let isPlain64 = isIndex || type.isWideInteger
        switch expr {
        case .literal(let literal): return Text(text: integerText(Int(literal.integer)))
        case .axis(let variable): return Text(text: "v\(variable)")
        case .read(let slot, let indices): return widened(read(slot, indices), wide && !type.isWideInteger)
        case .select(let condition, let a, let b):
            return select(
                condition, type: cType, { $0.integer(a, wide: wide, isIndex: isIndex) },
                { $0.integer(b, wide: wide, isIndex: isIndex) })
        case .cast(let to, let a): return integerCast(a, to: to, wide: wide, isIndex: isIndex)
        case .unary(.bitNot, _): return bitwise(expr, wide: wide)
        case .binary(let op, _, _) where op.isBitwise: return bitwise(expr, wide: wide)
        case .unary, .binary:
            // Where the narrow computation is exact it is also the fast one.
            let width = wide && (isPlain64 || !fitsNarrow(expr))
            let text = width ? wideOperator(expr, isIndex: isIndex) : narrowOperator(expr)
            return widened(text, wide && !width)
        }
    }

    func widened(_ text: Text, _ isNeeded: Bool) -> Text {
        isNeeded ? Text(text: "(int64_t)\(text.text)", nesting: text.nesting) : text
    }

    private mutating func narrowOperator(_ expr: Expr) -> Text {
        let type = dtype(expr)
        let cType = type.valueType()
        switch expr {
        case .unary(.negate, let a):
            let zero = Expr.literal(.integer(0, type))
            return narrowOperator(.binary(.subtract, zero, a))
        case .binary(let op, let a, let b) where op == .add || op == .subtract || op == .multiply:
            let (x, y) = (integer(a, wide: false, isIndex: false), integer(b, wide: false, isIndex: false))
            let sign = op == .add ? "+" : op == .subtract ? "-" : "*"
            if fitsNarrow(expr), fitsNarrow(a), fitsNarrow(b) {
                return composed("(\(x.text) \(sign) \(y.text))", [x, y], cType)
            }
            let text = "(\(cType))((uint32_t)\(x.text) \(sign) (uint32_t)\(y.text))"
            return composed("(\(text))", [x, y], cType)
        case .unary(.not, let a):
            let x = integer(a, wide: false, isIndex: false)
            return composed("(!\(x.text))", [x], cType)
        case .unary(.isNaN, let a): return isNaN(a)
        case .binary(let op, let a, let b) where op == .and || op == .or:
            let (x, y) = (integer(a, wide: false, isIndex: false), integer(b, wide: false, isIndex: false))
            return composed("(\(x.text) \(op == .and ? "&" : "|") \(y.text))", [x, y], cType)
        case .binary(let op, let a, let b) where op.isComparison: return comparison(op, a, b)
        case .binary(let op, let a, let b) where op == .maximum || op == .minimum:
            guard type != .u32, fitsNarrow(a), fitsNarrow(b) else { break }
            let (x, y) = (integer(a, wide: false, isIndex: false), integer(b, wide: false, isIndex: false))
            return composed("iw_\(op == .maximum ? "max" : "min")_i32(\(x.text), \(y.text))", [x, y], cType)
        case .unary, .binary, .literal, .axis, .read, .select, .cast: break
        }
        let x = wideOperator(expr, isIndex: false)
        return composed("(\(cType))\(x.text)", [x], cType)
    }

    private mutating func isNaN(_ a: Expr) -> Text {
        guard dtype(a).isFloat else { return Text(text: "0") }
        let x = float(a)
        let name = x.text.isIdentifier ? x.text : local(dtype(a).valueType(), x.text)
        return Text(text: "(\(name) != \(name))", nesting: 1)
    }

    private mutating func comparison(_ op: BinaryOperator, _ a: Expr, _ b: Expr) -> Text {
        let sign: String
        switch op {
        case .equal: sign = "=="
        case .notEqual: sign = "!="
        case .less: sign = "<"
        case .lessOrEqual: sign = "<="
        case .greater: sign = ">"
        case .greaterOrEqual: sign = ">="
        case .add, .subtract, .multiply, .divide, .floorDivide, .floorModulo, .truncDivide, .truncRemainder,
            .floatRemainder, .power, .maximum, .minimum, .and, .or, .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight:
            preconditionFailure("\(op.rawValue) is no comparison")
        }
        let (x, y): (Text, Text)
        if dtype(a).isFloat {
            (x, y) = (float(a), float(b))
        } else {
            let wide = !fitsNarrow(a) || !fitsNarrow(b)
            (x, y) = (integer(a, wide: wide, isIndex: false), integer(b, wide: wide, isIndex: false))
        }
        let bits = dtype(a) == .u64 ? "(uint64_t)" : ""
        return composed("(\(bits)\(x.text) \(sign) \(bits)\(y.text))", [x, y], "int32_t")
    }

    private mutating func wideOperator(_ expr: Expr, isIndex: Bool) -> Text {
        switch expr {
        case .unary(let op, let a):
            if op == .not || op == .isNaN { return narrowOperator(expr) }
            let x = integer(a, wide: true, isIndex: isIndex)
            switch op {
            case .negate: return composed(isIndex ? "(-\(x.text))" : "iw_sub_i64(0, \(x.text))", [x], "int64_t")
            case .absolute: return dtype(a) == .u64 ? x : composed("iw_abs_i64(\(x.text))", [x], "int64_t")
            case .sign:
                return composed(dtype(a) == .u64 ? "(\(x.text) != 0)" : "iw_sign_i64(\(x.text))", [x], "int64_t")
            case .floor, .ceil, .round, .exp, .log, .sqrt, .sin, .cos, .tanh, .erf, .asin, .acos, .atan, .not, .bitNot,
                .isNaN:
                preconditionFailure("\(op.rawValue) of an integer")
            }
        case .binary(let op, let a, let b):
            if op.isComparison || op == .and || op == .or { return narrowOperator(expr) }
            let isQuotient = op == .floorDivide || op == .truncDivide
            if isQuotient || op == .floorModulo || op == .truncRemainder {
                return division(op, a, b, isQuotient: isQuotient, isIndex: isIndex)
            }
            let x = integer(a, wide: true, isIndex: isIndex)
            let y = integer(b, wide: true, isIndex: isIndex)
            let isPlain = isIndex || intervals[expr] != nil
            let text = wideBinary(op, x.text, y.text, isPlain: isPlain, isUnsigned: dtype(a) == .u64)
            return composed(text, [x, y], "int64_t")
        case .literal, .axis, .read, .select, .cast: return integer(expr, wide: true, isIndex: isIndex)
        }
    }

    private func wideBinary(
        _ op: BinaryOperator, _ x: String, _ y: String, isPlain: Bool, isUnsigned: Bool
    ) -> String {
        let type = isUnsigned ? "u64" : "i64"
        switch op {
        case .add: return isPlain ? "(\(x) + \(y))" : "iw_add_i64(\(x), \(y))"
        case .subtract: return isPlain ? "(\(x) - \(y))" : "iw_sub_i64(\(x), \(y))"
        case .multiply: return isPlain ? "(\(x) * \(y))" : "iw_mul_i64(\(x), \(y))"
        case .maximum: return "iw_max_\(type)(\(x), \(y))"
        case .minimum: return "iw_min_\(type)(\(x), \(y))"
        case .power: return "iw_power_\(type)(\(x), \(y))"
        case .divide, .floorDivide, .floorModulo, .truncDivide, .truncRemainder, .floatRemainder, .and, .or,
            .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .bitAnd, .bitOr, .bitXor, .shiftLeft,
            .shiftRight:
            preconditionFailure("\(op.rawValue) gives no 64-bit integer here")
        }
    }

    /// Plain C operators where both sides are proven non-negative, in 32 bits where those are enough: a 64-bit
    /// division neither vectorises nor becomes a cheap multiplication.
    private mutating func division(
        _ op: BinaryOperator, _ a: Expr, _ b: Expr, isQuotient: Bool, isIndex: Bool
    ) -> Text {
        let x = integer(a, wide: true, isIndex: isIndex)
        let y = integer(b, wide: true, isIndex: isIndex)
        let sign = isQuotient ? "/" : "%"
        if let left = intervals[a], let right = intervals[b], left.lowerBound >= 0, right.lowerBound > 0 {
            if left.fits(.unsigned32), right.fits(.unsigned32) {
                let text = "(int64_t)((uint32_t)\(x.text) \(sign) (uint32_t)\(y.text))"
                return composed("(\(text))", [x, y], "int64_t")
            }
            return composed("(\(x.text) \(sign) \(y.text))", [x, y], "int64_t")
        }
        let isUnsigned = dtype(a) == .u64
        let isFloor = !isUnsigned && (op == .floorDivide || op == .floorModulo)
        let name = (isFloor ? "floor_" : "") + (isQuotient ? "quotient" : "remainder") + (isUnsigned ? "_u64" : "_i64")
        return composed("iw_\(name)(\(x.text), \(y.text))", [x, y], "int64_t")
    }

    private mutating func integerCast(_ a: Expr, to: DType, wide: Bool, isIndex: Bool) -> Text {
        let from = dtype(a)
        let cType = to.valueType()
        let result: Text
        if from.isFloat {
            let x = number(a)
            let text = to == .bool ? "(\(x.text) != 0)" : storageCall("iw_\(from.floatSuffix)_to_", to, x.text)
            result = composed(text, [x], cType)
        } else if to.isWideInteger {
            return integer(a, wide: true, isIndex: isIndex)
        } else if to == .bool {
            let x = exact(a)
            result = composed("(\(x.text) != 0)", [x], cType)
        } else if let interval = intervals[a], let all = to.interval, interval.fits(all) {
            let x = exact(a)
            result = from.valueType() == cType && fitsNarrow(a) ? x : composed("(\(cType))\(x.text)", [x], cType)
        } else if to.bits < 8 {
            let x = integer(a, wide: from.isWideInteger, isIndex: false)
            result = composed(storageCall("iw_wrap_", to, "(int32_t)\(x.text)"), [x], cType)
        } else {
            let x = integer(a, wide: from.isWideInteger, isIndex: false)
            result = composed("(\(cType))(\(to.storageType))\(x.text)", [x], cType)
        }
        return widened(result, wide && !to.isWideInteger)
    }
}
