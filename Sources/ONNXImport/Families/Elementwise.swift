// Elementwise operators: unary, binary, variadic and those with attributes. Each is one definition; what they compute
// is in Formulas.swift. Makers here turn a formula into an operator family and check its operand types.
// Operands broadcast in the emitter, and constants of one element stand in the formula as literals.

import TensorIR

/// A family of one float operand and no attribute.
func unaryFloat(_ formula: @escaping @Sendable (Expr, DType) -> Expr) -> OperatorFamily {
    { (e: inout Emitter) throws(NodeProblem) in
        let x = try e.floatOperand(0)
        let dtype = e.dtype(x)
        return [try e.elementwise([x], dtype) { formula($0[0], dtype) }]
    }
}

/// A family of one float operand and the float attributes `names` with their defaults.
func unaryFloat(
    _ names: [(name: String, value: Double)], _ formula: @escaping @Sendable (Expr, [Double], DType) -> Expr
) -> OperatorFamily {
    { (e: inout Emitter) throws(NodeProblem) in
        let x = try e.floatOperand(0)
        let dtype = e.dtype(x)
        var values: [Double] = []
        for (name, value) in names { values.append(try e.float(name, default: value)) }
        return [try e.elementwise([x], dtype) { formula($0[0], values, dtype) }]
    }
}

/// A family of one operand of any number type.
func unaryNumber(_ formula: @escaping @Sendable (Expr, DType) -> Expr) -> OperatorFamily {
    { (e: inout Emitter) throws(NodeProblem) in
        let x = try e.numberOperand(0)
        let dtype = e.dtype(x)
        return [try e.elementwise([x], dtype) { formula($0[0], dtype) }]
    }
}

/// A family of two operands of one number type with a result of that type.
func binaryNumber(_ formula: @escaping @Sendable (Expr, Expr, DType) -> Expr) -> OperatorFamily {
    { (e: inout Emitter) throws(NodeProblem) in
        let (a, b) = (try e.numberOperand(0), try e.numberOperand(1))
        let dtype = try e.sameType([a, b])
        return [try e.elementwise([a, b], dtype) { formula($0[0], $0[1], dtype) }]
    }
}

/// A comparison; `bool` operands only where `takesBool`.
func comparison(_ op: BinaryOperator, takesBool: Bool = false) -> OperatorFamily {
    { (e: inout Emitter) throws(NodeProblem) in
        let a = takesBool ? try e.computedOperand(0) : try e.numberOperand(0)
        let b = takesBool ? try e.computedOperand(1) : try e.numberOperand(1)
        _ = try e.sameType([a, b])
        return [try e.elementwise([a, b], .bool) { .binary(op, $0[0], $0[1]) }]
    }
}

/// An operator of two bools.
func logical(_ op: BinaryOperator) -> OperatorFamily {
    { (e: inout Emitter) throws(NodeProblem) in
        let (a, b) = (try e.boolOperand(0), try e.boolOperand(1))
        return [try e.elementwise([a, b], .bool) { .binary(op, $0[0], $0[1]) }]
    }
}

/// Before version 7 a second operand said by `axis` where its axes lie among those of the first.
func aligned(_ family: @escaping OperatorFamily) -> OperatorFamily {
    { (e: inout Emitter) throws(NodeProblem) in
        if e.version < 7, let raw = try e.integer("axis") {
            let (a, b) = (try e.operand(0), try e.operand(1))
            let axis = try e.axis(raw, rank: e.type(a).rank)
            let trailing = e.type(a).rank - axis - e.type(b).rank
            guard trailing >= 0 else {
                throw .misfit("\(shapeText(e.shape(b))) at axis \(axis) of \(shapeText(e.shape(a)))")
            }
            let shape = e.shape(b) + [Int](repeating: 1, count: trailing)
            e.replaceInput(1, by: try e.reshaped(b, to: shape))
        }
        return try family(&e)
    }
}

func emitNot(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    [try e.elementwise([try e.boolOperand(0)], .bool) { .unary(.not, $0[0]) }]
}

/// Max, Min, Sum and Mean over any number of operands: a chain of definitions of two operands each.
func variadic(_ op: BinaryOperator, mean: Bool = false) -> OperatorFamily {
    { (e: inout Emitter) throws(NodeProblem) in
        let operands = try e.operands()
        for index in operands.indices { _ = try e.numberOperand(index) }
        let dtype = try e.sameType(operands)
        if mean { _ = try e.floatOperand(0) }
        var total = operands[0]
        for operand in operands.dropFirst() {
            total = try e.elementwise([total, operand], dtype) { .binary(op, $0[0], $0[1]) }
        }
        guard mean, operands.count > 1 else { return [total] }
        let count = number(Double(operands.count), dtype)
        return [try e.elementwise([total], dtype) { Formula.divide($0[0], count) }]
    }
}

/// Division truncates for integers.
func emitDiv(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    try binaryNumber { a, b, dtype in .binary(dtype.isFloat ? .divide : .truncDivide, a, b) }(&e)
}

/// The base's type is the result's; small whole exponents that are known become products.
func emitPow(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (base, exponent) = (try e.numberOperand(0), try e.numberOperand(1))
    let dtype = e.dtype(base)
    if let known = e.literal(exponent), broadcast(e.shape(base), e.shape(exponent)) == e.shape(base) {
        switch known.float {
        case 1: return [base]
        case 2: return [try e.elementwise([base], dtype) { $0[0] * $0[0] }]
        case 3: return [try e.elementwise([base], dtype) { $0[0] * $0[0] * $0[0] }]
        default: break
        }
    }
    let other = e.dtype(exponent)
    if !dtype.isFloat, other.isFloat { return [try integerPower(&e, base, exponent)] }
    // Integers to integers are exact.
    let work = dtype.isFloat ? dtype : .i64
    return [
        try e.elementwise([base, exponent], dtype) { reads in
            let power = Expr.binary(
                .power, dtype == work ? reads[0] : .cast(work, reads[0]),
                other == work ? reads[1] : .cast(work, reads[1]))
            return dtype == work ? power : .cast(dtype, power)
        }
    ]
}

/// Integers to a power of floats, truncated. A computed power may lie a few digits below the whole number that it
/// stands for, so a whole exponent gives the exact product, and what is a whole number but for its last digits is one.
private func integerPower(_ e: inout Emitter, _ base: ValueID, _ exponent: ValueID) throws(NodeProblem) -> ValueID {
    let (dtype, other) = (e.dtype(base), e.dtype(exponent))
    func wide(_ read: Expr) -> Expr { other == .f64 ? read : .cast(.f64, read) }
    let power = try e.elementwise([base, exponent], .f64) { .binary(.power, .cast(.f64, $0[0]), wide($0[1])) }
    let limit = Expr.float(0x1p62, .f64)
    return try e.elementwise([base, exponent, power], dtype) { reads in
        let (y, nearest) = (wide(reads[1]), Expr.unary(.round, reads[2]))
        let distance = Expr.unary(.absolute, reads[2] - nearest)
        let isNear = Expr.binary(.lessOrEqual, distance, .unary(.absolute, nearest) * .float(0x1p-45, .f64))
        let isWhole = Expr.binary(
            .and, .binary(.equal, y, .unary(.floor, y)),
            .binary(.and, .binary(.greaterOrEqual, y, .float(0, .f64)), .binary(.less, y, limit)))
        let isExact = Expr.binary(.and, isWhole, .binary(.less, .unary(.absolute, reads[2]), limit))
        let product = Expr.binary(.power, dtype == .i64 ? reads[0] : .cast(.i64, reads[0]), .cast(.i64, y))
        return .select(
            isExact, dtype == .i64 ? product : .cast(dtype, product),
            .cast(dtype, .select(isNear, nearest, reads[2])))
    }
}

func emitMod(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (a, b) = (try e.numberOperand(0), try e.numberOperand(1))
    let dtype = try e.sameType([a, b])
    let truncates = try e.flag("fmod")
    if dtype.isFloat, !truncates {
        guard e.version >= 28 else { throw .attribute("fmod", reason: "must be 1 for floats") }
        return [try e.elementwise([a, b], dtype) { Formula.floorModulo($0[0], $0[1], dtype) }]
    }
    let op: BinaryOperator = truncates ? (dtype.isFloat ? .floatRemainder : .truncRemainder) : .floorModulo
    return [try e.elementwise([a, b], dtype) { .binary(op, $0[0], $0[1]) }]
}

func emitWhere(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let condition = try e.boolOperand(0)
    let (a, b) = (try e.operand(1), try e.operand(2))
    let dtype = try e.sameType([a, b])
    return [try e.elementwise([condition, a, b], dtype) { .select($0[0], $0[1], $0[2]) }]
}

func emitPRelu(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (x, slope) = (try e.numberOperand(0), try e.numberOperand(1))
    let dtype = try e.sameType([x, slope])
    // Before version 7 a vector of slopes had one per channel.
    if e.version < 7, e.type(slope).rank == 1, e.type(slope).elements > 1 {
        return [
            try e.elementwise([Operand(x), Operand(slope, along: 1)], dtype) {
                Formula.negativePart($0[0], $0[0] * $0[1], dtype)
            }
        ]
    }
    guard broadcast(e.shape(x), e.shape(slope)) == e.shape(x) else {
        throw .misfit("slopes of \(shapeText(e.shape(slope))) for \(shapeText(e.shape(x)))")
    }
    return [try e.elementwise([x, slope], dtype) { Formula.negativePart($0[0], $0[0] * $0[1], dtype) }]
}

/// Clip before version 11: the bounds are attributes.
func emitClipByAttributes(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.floatOperand(0)
    let dtype = e.dtype(x)
    let (low, high) = (try e.float("min"), try e.float("max"))
    return [
        try e.elementwise([x], dtype) { reads in
            let raised = low.map { Formula.maximum(reads[0], number($0, dtype)) } ?? reads[0]
            return high.map { Formula.minimum(raised, number($0, dtype)) } ?? raised
        }
    ]
}

/// Clip since version 11: the bounds are scalar operands, either may be left out.
func emitClip(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.numberOperand(0)
    let bounds = [e.optional(1), e.optional(2)]
    let dtype = try e.sameType([x] + bounds.compactMap { $0 })
    for case let bound? in bounds where e.type(bound).elements != 1 {
        throw .misfit("a bound of \(shapeText(e.shape(bound)))")
    }
    var value = x
    if let low = bounds[0] {
        value = try e.elementwise([value, low], dtype) { Formula.maximum($0[0], $0[1]) }
    }
    if let high = bounds[1] {
        value = try e.elementwise([value, high], dtype) { Formula.minimum($0[0], $0[1]) }
    }
    return [value]
}

func emitGelu(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.floatOperand(0)
    let dtype = e.dtype(x)
    switch try e.text("approximate", default: "none") {
    case "none": return [try e.elementwise([x], dtype) { Formula.gelu($0[0], dtype) }]
    case "tanh": return [try e.elementwise([x], dtype) { Formula.geluTanh($0[0], dtype) }]
    case let other: throw .attribute("approximate", reason: "has the unknown value \"\(other)\"")
    }
}

func emitIsNaN(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    [try e.elementwise([try e.anyFloatOperand(0)], .bool) { .unary(.isNaN, $0[0]) }]
}

func emitIsInf(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.anyFloatOperand(0)
    let (negative, positive) = (
        try e.flag("detect_negative", default: true), try e.flag("detect_positive", default: true)
    )
    let infinity = number(.infinity, e.dtype(x))
    return [
        try e.elementwise([x], .bool) { reads in
            switch (negative, positive) {
            case (true, true): .binary(.equal, .unary(.absolute, reads[0]), infinity)
            case (false, true): .binary(.equal, reads[0], infinity)
            case (true, false): .binary(.equal, .unary(.negate, reads[0]), infinity)
            case (false, false): .literal(.boolean(false))
            }
        }
    ]
}
