// The bit operators of the scalar printer. Operands and result are the bits of their dtype: dtypes of at most 32 bits
// compute in their narrow C type and wrap where an operand or the result may lie outside of the dtype, 64-bit ones in
// int64_t. Shift amounts are tested in functions of iw_math.h, which vectorise.

import TensorIR

extension ScalarPrinter {
    /// A bitwise operator; `wide` asks for int64_t, as in `integer`.
    mutating func bitwise(_ expr: Expr, wide: Bool) -> Text {
        let type = dtype(expr)
        let text = type.isWideInteger ? wideBits(expr, type) : narrowBits(expr, type)
        return widened(text, wide && !type.isWideInteger)
    }

    private mutating func wideBits(_ expr: Expr, _ type: DType) -> Text {
        let parts = expr.children.map { integer($0, wide: true, isIndex: false) }
        let x = parts[0].text
        guard case .binary(let op, _, _) = expr else { return composed("(~\(x))", parts, "int64_t") }
        let y = parts[1].text
        let text: String
        if op == .shiftLeft {
            text = "((int64_t)iw_shift_left_u64((uint64_t)\(x), (uint64_t)\(y)))"
        } else if op == .shiftRight {
            text =
                type == .u64
                ? "((int64_t)iw_shift_right_u64((uint64_t)\(x), (uint64_t)\(y)))"
                : "iw_shift_right_i64(\(x), (uint64_t)\(y))"
        } else {
            text = "(\(x) \(mark(op)) \(y))"
        }
        return composed(text, parts, "int64_t")
    }

    private mutating func narrowBits(_ expr: Expr, _ type: DType) -> Text {
        guard case .binary(let op, let a, let b) = expr else {
            guard case .unary(_, let a) = expr else { preconditionFailure("no bitwise operator") }
            let x = integer(a, wide: false, isIndex: false)
            return wrapped("(~\(x.text))", [x], type, isInside: type.leastInteger < 0 && isInside(a, type))
        }
        if op == .shiftLeft {
            let (x, count) = (integer(a, wide: false, isIndex: false), bits(b, type))
            let text = "((int32_t)iw_shift_left_u32((uint32_t)\(x.text), (uint32_t)\(count.text)))"
            return wrapped(text, [x, count], type, isInside: false)
        }
        if op == .shiftRight {
            let (x, count) = (bits(a, type), bits(b, type))
            if type.leastInteger < 0 {
                let text = "iw_shift_right_i32(\(x.text), (uint32_t)\(count.text), \(8 * type.bytes))"
                return composed(text, [x, count], "int32_t")
            }
            let text = "iw_shift_right_u32((uint32_t)\(x.text), (uint32_t)\(count.text))"
            return composed(type == .u32 ? text : "((int32_t)\(text))", [x, count], type.valueType())
        }
        let (x, y) = (integer(a, wide: false, isIndex: false), integer(b, wide: false, isIndex: false))
        let inside = isInside(a, type) && isInside(b, type)
        return wrapped("(\(x.text) \(mark(op)) \(y.text))", [x, y], type, isInside: inside)
    }

    private func mark(_ op: BinaryOperator) -> String {
        switch op {
        case .bitAnd: return "&"
        case .bitOr: return "|"
        case .bitXor: return "^"
        case .add, .subtract, .multiply, .divide, .floorDivide, .floorModulo, .truncDivide, .truncRemainder,
            .floatRemainder, .power, .maximum, .minimum, .equal, .notEqual, .less, .lessOrEqual, .greater,
            .greaterOrEqual, .and, .or, .shiftLeft, .shiftRight:
            preconditionFailure("\(op.rawValue) has no mark for bits")
        }
    }

    /// Whether every value of `expr` is one of `type`; a value of 32 bits is one anyway.
    private func isInside(_ expr: Expr, _ type: DType) -> Bool {
        guard type.bytes < 4, let all = type.interval else { return true }
        return intervals[expr].map { $0.fits(all) } ?? false
    }

    /// The operand as a value of its dtype.
    private mutating func bits(_ expr: Expr, _ type: DType) -> Text {
        let x = integer(expr, wide: false, isIndex: false)
        return wrapped(x.text, [x], type, isInside: isInside(expr, type))
    }

    private mutating func wrapped(_ text: String, _ parts: [Text], _ type: DType, isInside: Bool) -> Text {
        let cType = type.valueType()
        // a literal's C type is signed
        if type == .u32 { return composed("((uint32_t)\(text))", parts, cType) }
        if isInside || type == .i32 { return composed(text, parts, cType) }
        return composed("((\(cType))(\(type.storageType))\(text))", parts, cType)
    }
}
