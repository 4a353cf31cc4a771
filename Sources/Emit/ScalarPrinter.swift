// Prints scalar expressions as C. Floats follow the dtype of each node. Integers mean what the interpreter says:
// Int64 arithmetic that wraps where a dtype is stored or cast to. A node is computed in 32 bits when that gives the
// same answer: the interval analysis proves that nothing overflows, or only + - * stand between the node and a wrap.
// Deep trees are cut into local variables (compilers bound the nesting of brackets); these lines collect in
// `lines`, which the caller prints before the statement that uses the text.

import TensorIR

struct ScalarPrinter {
    /// Nesting at which a subexpression becomes a local variable.
    static let nestingMax = 12

    let names: [String]
    var intervals: Intervals
    /// Statements that must run before the text returned last.
    private(set) var lines: [String] = []
    /// Whether a text calls a function of iw_storage.h.
    private(set) var callsStorage = false
    private var temporaries = 0

    init(slots: [DType], names: [String]) {
        intervals = Intervals(slots: slots)
        self.names = names
    }

    /// A text and how deep it nests.
    struct Text {
        var text: String
        var nesting = 0
    }

    private var slots: [DType] { intervals.slots }
    func dtype(_ expr: Expr) -> DType { expr.dtype { slots[$0] } }

    mutating func takeLines() -> [String] {
        defer { lines = [] }
        return lines
    }

    /// An index, bound or stride: plain int64_t arithmetic, which never overflows in a verified kernel.
    mutating func index(_ expr: Expr) -> String { integer(expr, wide: true, isIndex: true).text }

    mutating func condition(_ expr: Expr) -> String { integer(expr, wide: false, isIndex: false).text }

    /// A value, in the C type `valueType(isWide: wide)` of its dtype. `wide` also says that an integer must be exact;
    /// otherwise only its low 32 bits count.
    mutating func value(_ expr: Expr, wide: Bool = false) -> Text {
        dtype(expr).isFloat ? float(expr) : integer(expr, wide: wide || dtype(expr).isWideInteger, isIndex: false)
    }

    /// `expr` converted to what a buffer of `dtype` stores.
    mutating func stored(_ expr: Expr, as dtype: DType) -> String {
        let text = value(expr).text
        switch dtype {
        case .f16: return "iw_f32_to_f16(\(text))"
        case .bf16: return "iw_f32_to_bf16(\(text))"
        case .f32, .f64, .i64, .u64, .i32, .u32, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .f4e2m1:
            return text
        case .bool: return "(uint8_t)(\(text))"
        case .i8, .u8, .i16, .u16, .i4, .u4, .i2, .u2: return "(\(dtype.storageType))(\(text))"
        }
    }

    mutating func local(_ type: String, _ text: String) -> String {
        temporaries += 1
        lines.append("const \(type) t\(temporaries) = \(text.unbracketed);")
        return "t\(temporaries)"
    }

    /// Wraps a composed text; cuts it off when it nests too deep.
    mutating func composed(_ text: String, _ parts: [Text], _ type: String) -> Text {
        let nesting = 1 + (parts.map(\.nesting).max() ?? 0)
        guard nesting >= ScalarPrinter.nestingMax else { return Text(text: text, nesting: nesting) }
        return Text(text: local(type, text))
    }

    mutating func read(_ slot: Int, _ indices: [Expr]) -> Text {
        let at = integer(indices[0], wide: true, isIndex: true)
        return Text(text: "\(names[slot])[\(at.text.unbracketed)]", nesting: at.nesting + 1)
    }

    /// Both sides are rendered apart: what a side needs to compute first must not run when it is not taken.
    mutating func select(
        _ condition: Expr, type: String, _ a: (inout ScalarPrinter) -> Text, _ b: (inout ScalarPrinter) -> Text
    ) -> Text {
        if let side = intervals[condition].flatMap(\.truth) { return side ? a(&self) : b(&self) }
        let test = integer(condition, wide: false, isIndex: false)
        let before = takeLines()
        let whenTrue = a(&self)
        let linesTrue = takeLines()
        let whenFalse = b(&self)
        let linesFalse = takeLines()
        lines = before
        if linesTrue.isEmpty, linesFalse.isEmpty {
            let text = "(\(test.text) ? \(whenTrue.text) : \(whenFalse.text))"
            return composed(text, [test, whenTrue, whenFalse], type)
        }
        temporaries += 1
        let name = "t\(temporaries)"
        lines.append("\(type) \(name);")
        lines.append("if (\(test.text)) {")
        lines += (linesTrue + ["\(name) = \(whenTrue.text);"]).map { "  " + $0 }
        lines.append("} else {")
        lines += (linesFalse + ["\(name) = \(whenFalse.text);"]).map { "  " + $0 }
        lines.append("}")
        return Text(text: name)
    }
}

// Storage types.
extension ScalarPrinter {
    /// The call of a conversion between `dtype` and another type.
    mutating func storageCall(_ function: String, _ dtype: DType, _ argument: String) -> String {
        callsStorage = callsStorage || dtype.isStorage
        return "\(function)\(dtype.rawValue)(\(argument))"
    }

    /// The code of a storage float.
    private mutating func code(_ expr: Expr) -> Text {
        switch expr {
        case .literal(let literal): return Text(text: "\(literal.dtype.storedCode(literal.float))")
        case .read(let slot, let indices): return read(slot, indices)
        case .select(let condition, let a, let b):
            return select(condition, type: dtype(expr).valueType(), { $0.code(a) }, { $0.code(b) })
        case .cast(let type, let a): return floatCast(a, to: type)
        case .axis, .unary, .binary: preconditionFailure("a verified kernel computes nothing in a storage type")
        }
    }

    /// A float expression as float, or as double where it or `type` is one; a storage float becomes a number.
    mutating func number(_ expr: Expr, for type: DType = .f32) -> Text {
        let from = dtype(expr)
        guard from.isStorage else {
            let x = float(expr)
            let cType = type == .f64 ? "double" : from.valueType()
            return from.valueType() == cType ? x : composed("(\(cType))\(x.text)", [x], cType)
        }
        let x = code(expr)
        callsStorage = true
        // the least power of two is no normal float
        if type == .f64, from == .f8e8m0 { return composed("iw_f8e8m0_to_f64(\(x.text))", [x], "double") }
        let number = composed("iw_\(from.rawValue)_to_f32(\(x.text))", [x], "float")
        return type == .f64 ? composed("(double)\(number.text)", [number], "double") : number
    }
}

// Floats.
extension ScalarPrinter {
    /// A float in the C type of its dtype, which for a storage float holds the code.
    mutating func float(_ expr: Expr) -> Text {
        let type = dtype(expr)
        if type.isStorage { return code(expr) }
        let cType = type.valueType()
        switch expr {
        case .literal(let literal): return Text(text: floatText(literal.float, type))
        case .axis: preconditionFailure("a loop variable where a float is needed")
        case .read(let slot, let indices):
            let element = read(slot, indices)
            switch slots[slot] {
            case .f16: return composed("iw_f16_to_f32(\(element.text))", [element], cType)
            case .bf16: return composed("iw_bf16_to_f32(\(element.text))", [element], cType)
            case .f32, .f64, .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .bool, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2,
                .f8e5m2fnuz, .f8e8m0, .f4e2m1, .i4, .u4, .i2, .u2:
                return element
            }
        case .unary(let op, let a):
            let x = float(a)
            let text = op == .negate ? "(-\(x.text))" : "iw_\(floatFunction(op))_\(type.floatSuffix)(\(x.text))"
            return composed(text, [x], cType)
        case .binary(let op, let a, let b): return floatBinary(op, a, b, type)
        case .select(let condition, let a, let b):
            return select(condition, type: cType, { $0.float(a) }, { $0.float(b) })
        case .cast(_, let a): return floatCast(a, to: type)
        }
    }

    private func floatFunction(_ op: UnaryOperator) -> String {
        switch op {
        case .absolute: return "abs"
        case .sign, .floor, .ceil, .round, .exp, .log, .sqrt, .sin, .cos, .tanh, .erf, .asin, .acos, .atan:
            return op.rawValue
        case .negate, .not, .bitNot, .isNaN: preconditionFailure("\(op.rawValue) is no float function")
        }
    }

    private mutating func floatBinary(_ op: BinaryOperator, _ a: Expr, _ b: Expr, _ type: DType) -> Text {
        let cType = type.valueType()
        if op == .power, case .literal(let exponent) = b, let text = power(a, exponent.float, type) { return text }
        let (x, y) = (float(a), float(b))
        func call(_ name: String) -> String { "iw_\(name)_\(type.floatSuffix)(\(x.text), \(y.text))" }
        let text: String
        switch op {
        case .add: text = "(\(x.text) + \(y.text))"
        case .subtract: text = "(\(x.text) - \(y.text))"
        case .multiply: text = "(\(x.text) * \(y.text))"
        case .divide: text = "(\(x.text) / \(y.text))"
        case .floatRemainder: text = call("fmod")
        case .power: text = call("pow")
        case .maximum, .minimum:
            let bounded = op == .maximum ? "at_least" : "at_most"
            if b.isNumber {
                text = call(bounded)
            } else if a.isNumber {
                text = "iw_\(bounded)_\(type.floatSuffix)(\(y.text), \(x.text))"
            } else {
                text = call(op == .maximum ? "max" : "min")
            }
        case .floorDivide, .floorModulo, .truncDivide, .truncRemainder, .and, .or, .equal, .notEqual, .less,
            .lessOrEqual, .greater, .greaterOrEqual, .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight:
            preconditionFailure("\(op.rawValue) gives no float")
        }
        return composed(text, [x, y], cType)
    }

    /// Small whole exponents are products; they have the same special values as pow.
    private mutating func power(_ base: Expr, _ exponent: Double, _ type: DType) -> Text? {
        guard exponent == 1 || exponent == 2 || exponent == 3 else { return nil }
        let x = float(base)
        if exponent == 1 { return x }
        let name = x.text.isIdentifier ? x.text : local(type.valueType(), x.text)
        let product = exponent == 2 ? "(\(name) * \(name))" : "(\(name) * \(name) * \(name))"
        return Text(text: product, nesting: 1)
    }

    private mutating func floatCast(_ a: Expr, to type: DType) -> Text {
        let from = dtype(a)
        if from == type { return float(a) }
        let cType = type.isStorage ? "float" : type.valueType()
        var x: Text
        if from.isFloat {
            x = number(a, for: type)
            if from == .f64 { x = composed("(\(cType))\(x.text)", [x], cType) }
        } else {
            x = exact(a)
            x = composed("(\(cType))\(from == .u64 ? "(uint64_t)" : "")\(x.text)", [x], cType)
        }
        switch type {
        case .f16: return composed("iw_f16_to_f32(iw_f32_to_f16(\(x.text)))", [x], cType)
        case .bf16: return composed("iw_bf16_to_f32(iw_f32_to_bf16(\(x.text)))", [x], cType)
        case .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .f4e2m1:
            return composed(storageCall("iw_f32_to_", type, x.text), [x], type.valueType())
        case .f32, .f64, .i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64, .bool, .i4, .u4, .i2, .u2: return x
        }
    }
}

extension Expr {
    /// A float literal that is a number.
    fileprivate var isNumber: Bool {
        guard case .literal(let literal) = self else { return false }
        return !literal.float.isNaN
    }
}

extension String {
    var isIdentifier: Bool {
        utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5f }
    }

    /// Without the pair of brackets around the whole text, if there is one.
    var unbracketed: String {
        let bytes = Array(utf8)
        guard bytes.first == UInt8(ascii: "("), bytes.last == UInt8(ascii: ")") else { return self }
        var depth = 0
        for byte in bytes.dropLast() {
            depth += byte == UInt8(ascii: "(") ? 1 : byte == UInt8(ascii: ")") ? -1 : 0
            if depth == 0 { return self }
        }
        return String(decoding: bytes.dropFirst().dropLast(), as: UTF8.self)
    }
}
