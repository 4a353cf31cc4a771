// Expressions of the reference: one C statement per node, in order, each with its own local. A select becomes an
// if/else that computes only the side it takes. Integers are int64_t and wrap at a cast and at a store.

import TensorIR

struct ReferenceExpr {
    let workload: Workload
    let precision: ReferencePrecision
    private(set) var lines: [String] = []
    private var count = 0
    private var depth = 1

    init(workload: Workload, precision: ReferencePrecision) {
        self.workload = workload
        self.precision = precision
    }

    mutating func line(_ text: String) { lines.append(String(repeating: "  ", count: depth) + text) }

    mutating func open(_ condition: String) {
        line("if (\(condition)) {")
        depth += 1
    }

    mutating func close() {
        depth -= 1
        line("}")
    }

    /// Declares a local of the type that `dtype` computes in.
    mutating func fresh(_ dtype: DType, _ text: String) -> String {
        count += 1
        line("const \(precision.type(dtype)) x\(count) = \(text);")
        return "x\(count)"
    }

    private func dtype(_ expr: Expr) -> DType { expr.dtype { workload.type(ofSlot: $0).dtype } }

    /// Appends the statements of `expr`; returns the local that holds its value.
    mutating func compute(_ expr: Expr) -> String {
        let type = dtype(expr)
        switch expr {
        case .literal(let value): return literal(value)
        case .axis(let axis): return "i\(axis)"
        case .read(let slot, let indices):
            let at = indices.map { compute($0) }
            return fresh(type, "p\(slot)[\(flatIndex(workload.type(ofSlot: slot), at))]")
        case .unary(let op, let a):
            let x = compute(a)
            return fresh(type, dtype(a).isFloat ? floatUnary(op, x, type) : integerUnary(op, x, type))
        case .binary(let op, let a, let b):
            let (x, y) = (compute(a), compute(b))
            if op.isComparison {
                let bits = dtype(a) == .u64 ? "(uint64_t)" : ""
                return fresh(.bool, "\(bits)\(x) \(sign(op)) \(bits)\(y)")
            }
            return fresh(type, type.isFloat ? floatBinary(op, x, y, type) : integerBinary(op, x, y, type))
        case .select(let condition, let a, let b): return select(condition, a, b, type)
        case .cast(let to, let a): return cast(compute(a), from: dtype(a), to: to)
        }
    }

    private mutating func select(_ condition: Expr, _ a: Expr, _ b: Expr, _ type: DType) -> String {
        let test = compute(condition)
        count += 1
        let name = "x\(count)"
        line("\(precision.type(type)) \(name);")
        open(test)
        let whenTrue = compute(a)
        line("\(name) = \(whenTrue);")
        close()
        open("!\(test)")
        let whenFalse = compute(b)
        line("\(name) = \(whenFalse);")
        close()
        return name
    }

    mutating func literal(_ value: Literal) -> String {
        guard value.dtype.isFloat else { return fresh(value.dtype, integerLiteral(value.integer)) }
        let number = value.float
        if number.isNaN { return fresh(value.dtype, "__builtin_nan(\"\")") }
        if number.isInfinite { return fresh(value.dtype, number < 0 ? "-__builtin_inf()" : "__builtin_inf()") }
        return fresh(value.dtype, number.description)
    }

    private func integerLiteral(_ value: Int64) -> String {
        value == .min ? "-9223372036854775807ll - 1" : "\(value)ll"
    }

    // Operators.
    private func isSingle(_ type: DType) -> Bool { precision.type(type) == "float" }

    private func floatUnary(_ op: UnaryOperator, _ x: String, _ type: DType) -> String {
        let f = isSingle(type) ? "f" : ""
        switch op {
        case .negate: return "-\(x)"
        case .absolute: return "fabs\(f)(\(x))"
        case .sign: return "\(x) > 0 ? 1 : \(x) < 0 ? -1 : \(x) == 0 ? 0 : \(x)"
        case .floor, .ceil, .exp, .log, .sqrt, .sin, .cos, .tanh, .erf, .asin, .acos, .atan:
            return "\(op.rawValue)\(f)(\(x))"
        case .round: return "rint\(f)(\(x))"
        case .isNaN: return "\(x) != \(x)"
        case .not, .bitNot: preconditionFailure("\(op.rawValue) of a float")
        }
    }

    private func integerUnary(_ op: UnaryOperator, _ x: String, _ type: DType) -> String {
        switch op {
        case .negate: return "ref_sub(0, \(x))"
        case .absolute where type == .u64: return x
        case .sign where type == .u64: return "\(x) != 0"
        case .absolute: return "\(x) < 0 ? ref_sub(0, \(x)) : \(x)"
        case .sign: return "\(x) > 0 ? 1 : \(x) < 0 ? -1 : 0"
        case .not: return "\(x) == 0"
        case .isNaN: return "0"
        case .bitNot: return wrapped("(~\(x))", type)
        case .floor, .ceil, .round, .exp, .log, .sqrt, .sin, .cos, .tanh, .erf, .asin, .acos, .atan:
            preconditionFailure("\(op.rawValue) of an integer")
        }
    }

    private func floatBinary(_ op: BinaryOperator, _ x: String, _ y: String, _ type: DType) -> String {
        let f = isSingle(type) ? "f" : ""
        switch op {
        case .add: return "\(x) + \(y)"
        case .subtract: return "\(x) - \(y)"
        case .multiply: return "\(x) * \(y)"
        case .divide: return "\(x) / \(y)"
        case .floatRemainder: return "fmod\(f)(\(x), \(y))"
        case .power: return "pow\(f)(\(x), \(y))"
        case .maximum: return "\(x) > \(y) || \(x) != \(x) ? \(x) : \(y)"
        case .minimum: return "\(x) < \(y) || \(x) != \(x) ? \(x) : \(y)"
        case .floorDivide, .floorModulo, .truncDivide, .truncRemainder, .and, .or, .equal, .notEqual, .less,
            .lessOrEqual, .greater, .greaterOrEqual, .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight:
            preconditionFailure("\(op.rawValue) gives no float")
        }
    }

    private func integerBinary(_ op: BinaryOperator, _ x: String, _ y: String, _ type: DType) -> String {
        if type == .u64, let name = unsignedFunction(op) { return "\(name)(\(x), \(y))" }
        switch op {
        case .add: return "ref_add(\(x), \(y))"
        case .subtract: return "ref_sub(\(x), \(y))"
        case .multiply: return "ref_mul(\(x), \(y))"
        case .floorDivide: return "ref_floor_div(\(x), \(y))"
        case .floorModulo: return "ref_floor_mod(\(x), \(y))"
        case .truncDivide: return "ref_trunc_div(\(x), \(y))"
        case .truncRemainder: return "ref_trunc_mod(\(x), \(y))"
        case .power: return "ref_power(\(x), \(y))"
        case .maximum: return "\(x) > \(y) ? \(x) : \(y)"
        case .minimum: return "\(x) < \(y) ? \(x) : \(y)"
        case .and: return "\(x) != 0 && \(y) != 0"
        case .or: return "\(x) != 0 || \(y) != 0"
        case .bitAnd: return wrapped("(\(x) & \(y))", type)
        case .bitOr: return wrapped("(\(x) | \(y))", type)
        case .bitXor: return wrapped("(\(x) ^ \(y))", type)
        case .shiftLeft, .shiftRight:
            // u64 is the only dtype whose Int64 may be negative and still shift in zeros
            let name = op == .shiftLeft ? "ref_shift_left" : type == .u64 ? "ref_shift_logical" : "ref_shift_right"
            return wrapped("\(name)(\(wrapped(x, type)), \(wrapped(y, type)), \(8 * type.bytes))", type)
        case .divide, .floatRemainder, .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
            preconditionFailure("\(op.rawValue) gives no integer")
        }
    }

    /// The function of a u64 operator that is not the one of Int64.
    private func unsignedFunction(_ op: BinaryOperator) -> String? {
        switch op {
        case .floorDivide, .truncDivide: return "ref_unsigned_div"
        case .floorModulo, .truncRemainder: return "ref_unsigned_mod"
        case .power: return "ref_unsigned_power"
        case .maximum: return "ref_unsigned_max"
        case .minimum: return "ref_unsigned_min"
        case .add, .subtract, .multiply, .divide, .floatRemainder, .and, .or, .bitAnd, .bitOr, .bitXor, .shiftLeft,
            .shiftRight, .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
            return nil
        }
    }

    private func sign(_ op: BinaryOperator) -> String {
        switch op {
        case .equal: return "=="
        case .notEqual: return "!="
        case .less: return "<"
        case .lessOrEqual: return "<="
        case .greater: return ">"
        case .greaterOrEqual: return ">="
        case .add, .subtract, .multiply, .divide, .floorDivide, .floorModulo, .truncDivide, .truncRemainder,
            .floatRemainder, .power, .maximum, .minimum, .and, .or, .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight:
            preconditionFailure("\(op.rawValue) is no comparison")
        }
    }

    private mutating func cast(_ x: String, from: DType, to: DType) -> String {
        if from == to, to.isStorage { return x }
        if to.isFloat { return fresh(to, rounded(from == .u64 ? "(uint64_t)\(x)" : x, to: to)) }
        if to == .bool { return fresh(to, "\(x) != 0") }
        if !from.isFloat { return fresh(to, wrapped(x, to)) }
        if to == .u64 { return fresh(to, "ref_unsigned(\(x))") }
        let (low, high) = (integerLiteral(to.leastInteger), integerLiteral(to.greatestInteger))
        return fresh(to, "ref_integer(\(x), \(low), \(high))")
    }

    private func rounded(_ x: String, to: DType) -> String {
        switch to {
        case .f16: return "ref_round(\(x), 10, -14, 65504.0)"
        case .bf16: return "ref_round((float)\(x), 7, -126, 0x1.fep127)"
        case .f64: return "(double)\(x)"
        case .f8e4m3fn: return "ref_store((float)\(x), 3, -6, 448.0)"
        case .f8e4m3fnuz: return "ref_store((float)\(x), 3, -7, 240.0) + 0.0"
        case .f8e5m2: return "ref_store((float)\(x), 2, -14, 57344.0)"
        case .f8e5m2fnuz: return "ref_store((float)\(x), 2, -15, 57344.0) + 0.0"
        case .f4e2m1: return "(float)\(x) != (float)\(x) ? -0.0 : ref_store((float)\(x), 1, 0, 6.0)"
        case .f8e8m0: return "ref_power_of_two((float)\(x))"
        case .f32, .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .bool, .i4, .u4, .i2, .u2: return "(float)\(x)"
        }
    }

    func combine(_ reducer: Reducer, _ type: DType, _ a: String, _ b: String) -> String {
        let op: BinaryOperator
        switch reducer {
        case .sum: op = .add
        case .product: op = .multiply
        case .max: op = .maximum
        case .min: op = .minimum
        }
        return "(\(type.isFloat ? floatBinary(op, a, b, type) : integerBinary(op, a, b, type)))"
    }

    /// What a tensor of `type` keeps of an integer.
    func wrapped(_ x: String, _ type: DType) -> String {
        switch type {
        case .f16, .bf16, .f32, .f64, .i64, .u64, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .f4e2m1:
            return x
        case .i4: return "(\(x) & 15) - 2 * (\(x) & 8)"
        case .i2: return "(\(x) & 3) - 2 * (\(x) & 2)"
        case .u4: return "\(x) & 15"
        case .u2: return "\(x) & 3"
        case .i8: return "(int8_t)\(x)"
        case .i16: return "(int16_t)\(x)"
        case .i32: return "(int32_t)\(x)"
        case .u8: return "(uint8_t)\(x)"
        case .u16: return "(uint16_t)\(x)"
        case .u32: return "(uint32_t)\(x)"
        case .bool: return "\(x) != 0"
        }
    }
}
