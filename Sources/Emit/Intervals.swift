// Interval analysis of integer expressions, in the Int64 arithmetic of the interpreter. It proves signs (so that `/`
// and `%` can be plain C), absence of overflow, and that 32 bits are enough. `nil` is "nothing known". An interval of
// a u64 lies below 2^63, where its Int64 is its value.

import TensorIR

typealias Interval = ClosedRange<Int>

struct Intervals {
    let slots: [DType]
    private var variables: [Int: Interval] = [:]

    init(slots: [DType]) { self.slots = slots }

    mutating func set(_ variable: Int, _ interval: Interval?) { variables[variable] = interval }

    /// The variable of `for v in from ..< to`.
    mutating func setLoop(_ variable: Int, from: Expr, to: Expr) {
        guard let low = self[from], let high = self[to] else { return set(variable, nil) }
        set(variable, low.lowerBound...max(low.lowerBound, high.upperBound - 1))
    }

    subscript(_ expr: Expr) -> Interval? {
        switch expr {
        case .literal(let literal):
            return literal.dtype.isExact ? known(.one(Int(literal.integer)), literal.dtype) : nil
        case .axis(let variable): return variables[variable]
        case .read(let slot, _): return slots[slot].isExact ? slots[slot].interval : nil
        case .unary(.bitNot, _): return expr.dtype { slots[$0] }.interval
        case .unary(let op, let a): return known(unary(op, a), of: expr)
        case .binary(let op, let a, let b):
            if op.isBitwise { return bitwise(op, self[a], self[b], expr.dtype { slots[$0] }) }
            return op.isComparison ? comparison(op, self[a], self[b]) : known(binary(op, self[a], self[b]), of: expr)
        case .select(let condition, let a, let b):
            if let side = self[condition].flatMap(\.truth) { return self[side ? a : b] }
            guard let x = self[a], let y = self[b] else { return nil }
            return .hull(x, y)
        case .cast(let dtype, let a): return dtype.isExact ? cast(dtype, a) : nil
        }
    }

    /// Drops what a u64 cannot be.
    private func known(_ interval: Interval?, of expr: Expr) -> Interval? {
        guard let interval, interval.lowerBound < 0 else { return interval }
        return known(interval, expr.dtype { slots[$0] })
    }

    private func known(_ interval: Interval?, _ dtype: DType) -> Interval? {
        guard let interval, interval.lowerBound < 0, dtype == .u64 else { return interval }
        return nil
    }

    private func cast(_ dtype: DType, _ a: Expr) -> Interval? {
        guard let all = dtype.interval else { return known(self[a], dtype) }
        guard let x = self[a], x.lowerBound >= all.lowerBound, x.upperBound <= all.upperBound else { return all }
        return x
    }

    private func unary(_ op: UnaryOperator, _ a: Expr) -> Interval? {
        switch op {
        case .negate: return self[a].flatMap { Interval.checked([$0.lowerBound, $0.upperBound]) { 0 - $0 } }
        case .absolute:
            guard let x = self[a], x.lowerBound != .min else { return nil }
            let ends = [abs(x.lowerBound), abs(x.upperBound)]
            return (x.contains(0) ? 0 : min(ends[0], ends[1]))...max(ends[0], ends[1])
        case .sign: return -1...1
        case .not: return self[a].flatMap(\.truth).map { .one($0 ? 0 : 1) } ?? 0...1
        case .isNaN: return 0...1
        case .floor, .ceil, .round, .exp, .log, .sqrt, .sin, .cos, .tanh, .erf, .asin, .acos, .atan, .bitNot: return nil
        }
    }

    private func binary(_ op: BinaryOperator, _ a: Interval?, _ b: Interval?) -> Interval? {
        if op == .and || op == .or {
            let (x, y) = (a.flatMap(\.truth), b.flatMap(\.truth))
            if x == (op == .or) || y == (op == .or) { return .one(op == .or ? 1 : 0) }
            return x != nil && y != nil ? .one(op == .or ? 0 : 1) : 0...1
        }
        guard let a, let b else { return op == .floorModulo ? modulo(nil, b) : nil }
        switch op {
        case .add: return .corners(a, b) { $0.addingReportingOverflow($1) }
        case .subtract: return .corners(a, b) { $0.subtractingReportingOverflow($1) }
        case .multiply: return .corners(a, b) { $0.multipliedReportingOverflow(by: $1) }
        case .floorDivide:
            guard b.lowerBound > 0 else { return nil }
            return .corners(a, b) { (Int(ScalarRules.floorQuotient(Int64($0), Int64($1))), false) }
        case .truncDivide:
            guard b.lowerBound > 0 else { return nil }
            return .corners(a, b) { ($0 / $1, false) }
        case .floorModulo: return modulo(a, b)
        case .truncRemainder: return a.lowerBound >= 0 ? modulo(a, b) : nil
        case .maximum: return max(a.lowerBound, b.lowerBound)...max(a.upperBound, b.upperBound)
        case .minimum: return min(a.lowerBound, b.lowerBound)...min(a.upperBound, b.upperBound)
        case .divide, .floatRemainder, .power, .and, .or, .equal, .notEqual, .less, .lessOrEqual, .greater,
            .greaterOrEqual, .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight:
            return nil
        }
    }

    /// The result wraps to its dtype; masking and shifting right cannot enlarge a number that is not negative.
    private func bitwise(_ op: BinaryOperator, _ a: Interval?, _ b: Interval?, _ dtype: DType) -> Interval? {
        func bound(_ x: Interval?) -> Int? {
            guard let x, x.lowerBound >= 0, dtype.interval.map({ x.fits($0) }) ?? true else { return nil }
            return x.upperBound
        }
        switch op {
        case .bitAnd:
            let bounds = [bound(a), bound(b)].compactMap { $0 }
            return bounds.min().map { 0...$0 } ?? dtype.interval
        case .shiftRight: return bound(a).map { 0...$0 } ?? dtype.interval
        case .bitOr, .bitXor, .shiftLeft: return dtype.interval
        case .add, .subtract, .multiply, .divide, .floorDivide, .floorModulo, .truncDivide, .truncRemainder,
            .floatRemainder, .power, .maximum, .minimum, .equal, .notEqual, .less, .lessOrEqual, .greater,
            .greaterOrEqual, .and, .or:
            preconditionFailure("\(op.rawValue) works on no bits")
        }
    }

    private func comparison(_ op: BinaryOperator, _ a: Interval?, _ b: Interval?) -> Interval {
        guard let a, let b else { return 0...1 }
        switch op {
        case .less: return .verdict(yes: a.upperBound < b.lowerBound, no: a.lowerBound >= b.upperBound)
        case .lessOrEqual: return .verdict(yes: a.upperBound <= b.lowerBound, no: a.lowerBound > b.upperBound)
        case .greater: return comparison(.less, b, a)
        case .greaterOrEqual: return comparison(.lessOrEqual, b, a)
        case .equal, .notEqual:
            let same = a == b && a.lowerBound == a.upperBound
            let apart = a.upperBound < b.lowerBound || b.upperBound < a.lowerBound
            return op == .equal ? .verdict(yes: same, no: apart) : .verdict(yes: apart, no: same)
        case .add, .subtract, .multiply, .divide, .floorDivide, .floorModulo, .truncDivide, .truncRemainder,
            .floatRemainder, .power, .maximum, .minimum, .and, .or, .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight:
            preconditionFailure("\(op.rawValue) is no comparison")
        }
    }

    private func modulo(_ a: Interval?, _ b: Interval?) -> Interval? {
        guard let b, b.lowerBound > 0 else { return nil }
        if let a, a.lowerBound >= 0, a.upperBound < b.lowerBound { return a }
        return 0...b.upperBound - 1
    }
}

extension ClosedRange<Int> {
    static func one(_ value: Int) -> Interval { value...value }
    static func hull(_ a: Interval, _ b: Interval) -> Interval {
        Swift.min(a.lowerBound, b.lowerBound)...Swift.max(a.upperBound, b.upperBound)
    }

    fileprivate static func verdict(yes: Bool, no: Bool) -> Interval { yes ? 1...1 : no ? 0...0 : 0...1 }

    /// What a bool with this interval is, if that is certain.
    var truth: Bool? { lowerBound == upperBound ? lowerBound != 0 : nil }

    static let signed32 = Int(Int32.min)...Int(Int32.max)
    static let unsigned32 = 0...Int(UInt32.max)

    func fits(_ other: Interval) -> Bool { lowerBound >= other.lowerBound && upperBound <= other.upperBound }

    /// Hull of a monotone function over the four corners; `nil` when a corner overflows.
    fileprivate static func corners(
        _ a: Interval, _ b: Interval, _ f: (Int, Int) -> (partialValue: Int, overflow: Bool)
    ) -> Interval? {
        var values: [Int] = []
        for x in [a.lowerBound, a.upperBound] {
            for y in [b.lowerBound, b.upperBound] {
                let (value, overflow) = f(x, y)
                if overflow { return nil }
                values.append(value)
            }
        }
        return values.reduce(.one(values[0])) { hull($0, .one($1)) }
    }

    fileprivate static func checked(_ ends: [Int], _ f: (Int) -> Int) -> Interval? {
        if ends.contains(.min) { return nil }
        let moved = ends.map(f)
        return Swift.min(moved[0], moved[1])...Swift.max(moved[0], moved[1])
    }
}

extension DType {
    /// All values of an exact dtype; `nil` for 64 bits, which carry no information.
    var interval: Interval? {
        switch self {
        case .i8, .i16, .i32, .u8, .u16, .u32, .bool, .i4, .u4, .i2, .u2: Int(leastInteger)...Int(greatestInteger)
        case .i64, .u64, .f16, .bf16, .f32, .f64, .f8e4m3fn, .f8e4m3fnuz, .f8e5m2, .f8e5m2fnuz, .f8e8m0, .f4e2m1: nil
        }
    }
}
