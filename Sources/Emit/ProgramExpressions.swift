// Expressions of a program as C over int64_t: the lane's scalars are `l->s[n]`, arithmetic wraps, a quotient by zero
// is 0 and its remainder the dividend, exactly as the interpreter has it. What C leaves undefined goes through small
// functions; the printer notes which ones a program needs, and only those are printed.
//
// All names of the printed file that are not part of its interface hold a capital letter: prefixes and kernel names
// have none, so nothing can collide.

import TensorIR

struct ProgramExpressionPrinter {
    /// Names of the functions used so far.
    private(set) var used: Set<String> = []

    /// `expr` as a C expression of type int64_t, safe as an operand of anything.
    mutating func text(_ expr: Expr) -> String {
        switch expr {
        case .literal(let literal): return ProgramExpressionPrinter.integer(literal.integer)
        case .axis(let scalar): return "l->s[\(scalar)]"
        case .unary(let op, let a): return unary(op, text(a))
        case .binary(let op, let a, let b): return binary(op, text(a), text(b))
        case .select(let condition, let a, let b): return "(\(text(condition)) ? \(text(a)) : \(text(b)))"
        case .cast(let dtype, let a): return cast(dtype, text(a))
        case .read: preconditionFailure("a verified program's expression reads a tensor")
        }
    }

    /// The function that reads one element of `dtype` as int64_t.
    mutating func loader(_ dtype: DType) -> String {
        switch dtype {
        case .i8, .i4, .i2: call("loadI8")
        case .i16: call("loadI16")
        case .i32: call("loadI32")
        case .i64, .u64: call("loadI64")
        case .u8, .u4, .u2: call("loadU8")
        case .u16: call("loadU16")
        case .u32: call("loadU32")
        case .bool: call("loadBool")
        case .f16, .bf16, .f32, .f64, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .f4e2m1:
            preconditionFailure("a verified program loads a float")
        }
    }

    /// Definitions of the functions used, in a fixed order.
    var definitions: [String] {
        ProgramExpressionPrinter.functions.filter { used.contains($0.name) }.map(\.text)
    }

    static func integer(_ value: Int64) -> String {
        if value == .min { return "INT64_MIN" }
        let isSmall = Int32(exactly: value) != nil
        let digits = isSmall ? String(value) : "INT64_C(\(value))"
        return value < 0 ? "(\(isSmall ? digits : "-INT64_C(\(-value))"))" : digits
    }

    private mutating func call(_ name: String) -> String {
        used.insert(name)
        return name
    }

    private mutating func unary(_ op: UnaryOperator, _ a: String) -> String {
        switch op {
        case .negate: return "\(call("wrapSub"))(0, \(a))"
        case .absolute: return "\(call("absoluteOf"))(\(a))"
        case .sign: return "\(call("signOf"))(\(a))"
        case .not: return "(\(a) == 0)"
        case .isNaN: return "0"
        case .floor, .ceil, .round, .exp, .log, .sqrt, .sin, .cos, .tanh, .erf, .asin, .acos, .atan, .bitNot:
            preconditionFailure("a verified program applies \(op.rawValue) to an integer")
        }
    }

    private mutating func binary(_ op: BinaryOperator, _ a: String, _ b: String) -> String {
        switch op {
        case .add: return "\(call("wrapAdd"))(\(a), \(b))"
        case .subtract: return "\(call("wrapSub"))(\(a), \(b))"
        case .multiply: return "\(call("wrapMul"))(\(a), \(b))"
        case .floorDivide: return "\(call("floorDiv"))(\(a), \(b))"
        case .floorModulo: return "\(call("floorMod"))(\(a), \(b))"
        case .truncDivide: return "\(call("truncDiv"))(\(a), \(b))"
        case .truncRemainder: return "\(call("truncRem"))(\(a), \(b))"
        case .power: return "\(call("wrapPow"))(\(a), \(b))"
        case .maximum: return "\(call("maximumOf"))(\(a), \(b))"
        case .minimum: return "\(call("minimumOf"))(\(a), \(b))"
        case .equal: return "(\(a) == \(b))"
        case .notEqual: return "(\(a) != \(b))"
        case .less: return "(\(a) < \(b))"
        case .lessOrEqual: return "(\(a) <= \(b))"
        case .greater: return "(\(a) > \(b))"
        case .greaterOrEqual: return "(\(a) >= \(b))"
        case .and: return "((\(a) != 0) & (\(b) != 0))"
        case .or: return "((\(a) != 0) | (\(b) != 0))"
        case .divide, .floatRemainder, .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight:
            preconditionFailure("a verified program applies \(op.rawValue) to integers")
        }
    }

    private func cast(_ dtype: DType, _ a: String) -> String {
        switch dtype {
        case .i64: return a
        case .bool: return "(\(a) != 0)"
        case .i8, .i16, .i32, .u8, .u16, .u32, .u64, .f16, .bf16, .f32, .f64, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2,
            .f8e5m2fnuz, .f8e8m0, .f4e2m1, .i4, .u4, .i2, .u2:
            preconditionFailure("a verified program casts to \(dtype.rawValue)")
        }
    }

    private static let functions: [(name: String, text: String)] = [
        ("wrapAdd", arithmetic("wrapAdd", "(int64_t)((uint64_t)a + (uint64_t)b)")),
        ("wrapSub", arithmetic("wrapSub", "(int64_t)((uint64_t)a - (uint64_t)b)")),
        ("wrapMul", arithmetic("wrapMul", "(int64_t)((uint64_t)a * (uint64_t)b)")),
        ("truncDiv", arithmetic("truncDiv", "b == 0 ? 0 : b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b")),
        ("truncRem", arithmetic("truncRem", "b == 0 ? a : b == -1 ? 0 : a % b")),
        ("maximumOf", arithmetic("maximumOf", "a > b ? a : b")),
        ("minimumOf", arithmetic("minimumOf", "a < b ? a : b")),
        (
            "absoluteOf",
            "static inline int64_t absoluteOf(int64_t a) { return a < 0 ? (int64_t)(0 - (uint64_t)a) : a; }"
        ),
        ("signOf", "static inline int64_t signOf(int64_t a) { return (a > 0) - (a < 0); }"),
        (
            "floorDiv",
            """
            static inline int64_t floorDiv(int64_t a, int64_t b) {
              if (b == 0) return 0;
              if (b == -1) return (int64_t)(0 - (uint64_t)a);
              return a / b - (a % b != 0 && (a < 0) != (b < 0));
            }
            """
        ),
        (
            "floorMod",
            """
            static inline int64_t floorMod(int64_t a, int64_t b) {
              if (b == 0) return a;
              if (b == -1) return 0;
              const int64_t r = a % b;
              return r != 0 && (r < 0) != (b < 0) ? r + b : r;
            }
            """
        ),
        (
            "wrapPow",
            """
            static inline int64_t wrapPow(int64_t a, int64_t b) {
              if (b < 0) return a == 1 ? 1 : a == -1 ? (b & 1 ? -1 : 1) : 0;
              uint64_t power = 1, square = (uint64_t)a;
              for (; b > 0; b >>= 1, square *= square) power *= b & 1 ? square : 1;
              return (int64_t)power;
            }
            """
        ),
        ("loadI8", load("loadI8", "int8_t")), ("loadI16", load("loadI16", "int16_t")),
        ("loadI32", load("loadI32", "int32_t")), ("loadI64", load("loadI64", "int64_t")),
        ("loadU8", load("loadU8", "uint8_t")), ("loadU16", load("loadU16", "uint16_t")),
        ("loadU32", load("loadU32", "uint32_t")),
        ("loadBool", "static inline int64_t loadBool(const char *p) { return *p != 0; }"),
    ]

    private static func arithmetic(_ name: String, _ value: String) -> String {
        "static inline int64_t \(name)(int64_t a, int64_t b) { return \(value); }"
    }

    private static func load(_ name: String, _ type: String) -> String {
        """
        static inline int64_t \(name)(const char *p) {
          \(type) v;
          memcpy(&v, p, sizeof v);
          return v;
        }
        """
    }
}
