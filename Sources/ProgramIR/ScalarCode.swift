// Evaluates the expressions of a program: integers and bool over a lane's scalars. The verifier has made sure that
// nothing else occurs in them.

import TensorIR

/// The value of `expr`, where scalar n is `scalars[n]`; bool is 0 or 1.
func evaluate(_ expr: Expr, _ scalars: [Int64]) -> Int64 {
    switch expr {
    case .literal(let literal): return literal.integer
    case .axis(let scalar): return scalars[scalar]
    case .unary(let op, let a): return ScalarRules.apply(op, evaluate(a, scalars), .i64)
    case .binary(let op, let a, let b): return ScalarRules.apply(op, evaluate(a, scalars), evaluate(b, scalars), .i64)
    case .select(let condition, let a, let b):
        return evaluate(evaluate(condition, scalars) != 0 ? a : b, scalars)
    case .cast(let dtype, let a): return ScalarRules.wrapped(evaluate(a, scalars), dtype)
    case .read: preconditionFailure("a program expression reads a tensor")
    }
}

/// Every value that an expression may take, or more; `nil` stands for any.
typealias Bounds = ClosedRange<Int64>

/// Bounds of `expr`, given those of the scalars; exact for a constant, an over-approximation otherwise.
func bounds(_ expr: Expr, _ scalars: [Bounds?]) -> Bounds? {
    switch expr {
    case .literal(let literal): return literal.integer...literal.integer
    case .axis(let scalar): return scalars.indices.contains(scalar) ? scalars[scalar] : nil
    case .unary(let op, let a):
        guard let a = bounds(a, scalars) else { return nil }
        switch op {
        case .negate: return a.lowerBound == .min ? nil : -a.upperBound ... -a.lowerBound
        case .absolute, .sign, .not: return single(a).map { point(ScalarRules.apply(op, $0, .i64)) }
        case .floor, .ceil, .round, .exp, .log, .sqrt, .sin, .cos, .tanh, .erf, .asin, .acos, .atan, .bitNot, .isNaN:
            return nil
        }
    case .binary(let op, let a, let b): return bounds(op, bounds(a, scalars), bounds(b, scalars))
    case .select(let condition, let a, let b):
        let (left, right) = (bounds(a, scalars), bounds(b, scalars))
        if let condition = bounds(condition, scalars).flatMap(single) { return condition != 0 ? left : right }
        guard let left, let right else { return nil }
        return min(left.lowerBound, right.lowerBound)...max(left.upperBound, right.upperBound)
    case .cast(let dtype, let a): return dtype == .i64 ? bounds(a, scalars) : nil
    case .read: return nil
    }
}

private func single(_ range: Bounds) -> Int64? { range.lowerBound == range.upperBound ? range.lowerBound : nil }
private func point(_ value: Int64) -> Bounds { value...value }

private func bounds(_ op: BinaryOperator, _ a: Bounds?, _ b: Bounds?) -> Bounds? {
    guard let a, let b else { return nil }
    if let x = single(a), let y = single(b) {
        switch op {
        case .divide, .floatRemainder, .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight: return nil
        case .add, .subtract, .multiply, .floorDivide, .floorModulo, .truncDivide, .truncRemainder, .power, .maximum,
            .minimum, .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .and, .or:
            return point(ScalarRules.apply(op, x, y, .i64))
        }
    }
    switch op {
    case .add:
        let pairs = [(a.lowerBound, b.lowerBound), (a.upperBound, b.upperBound)]
        return corners(pairs) { $0.addingReportingOverflow($1) }
    case .subtract:
        let pairs = [(a.lowerBound, b.upperBound), (a.upperBound, b.lowerBound)]
        return corners(pairs) { $0.subtractingReportingOverflow($1) }
    case .multiply:
        let pairs = [a.lowerBound, a.upperBound].flatMap { x in [b.lowerBound, b.upperBound].map { (x, $0) } }
        return corners(pairs) { $0.multipliedReportingOverflow(by: $1) }
    case .floorDivide:
        guard let divisor = single(b), divisor > 0 else { return nil }
        return ScalarRules.floorQuotient(a.lowerBound, divisor)...ScalarRules.floorQuotient(a.upperBound, divisor)
    case .floorModulo:
        guard let divisor = single(b), divisor > 0 else { return nil }
        return a.lowerBound >= 0 && a.upperBound < divisor ? a : 0...(divisor - 1)
    case .maximum: return max(a.lowerBound, b.lowerBound)...max(a.upperBound, b.upperBound)
    case .minimum: return min(a.lowerBound, b.lowerBound)...min(a.upperBound, b.upperBound)
    case .truncDivide, .truncRemainder, .power, .divide, .floatRemainder, .equal, .notEqual, .less, .lessOrEqual,
        .greater, .greaterOrEqual, .and, .or, .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight:
        return nil
    }
}

private func corners(
    _ pairs: [(Int64, Int64)], _ combine: (Int64, Int64) -> (partialValue: Int64, overflow: Bool)
) -> Bounds? {
    var out: Bounds?
    for (x, y) in pairs {
        let (value, overflow) = combine(x, y)
        if overflow { return nil }
        out = out.map { min($0.lowerBound, value)...max($0.upperBound, value) } ?? point(value)
    }
    return out
}
