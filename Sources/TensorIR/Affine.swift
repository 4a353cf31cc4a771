// Index arithmetic. Every i64 expression is brought to a sum `constant + Σ coefficient · atom`, where an atom is an
// axis, a `/` or `%` that no rule removes, or any other integer expression taken as a whole. Ranges of axes are known,
// so most of the `/` and `%` that reshapes leave behind disappear. Used by canonicalise, Welder and Lowering alike.

package struct Affine: Hashable, Sendable {
    package struct Term: Hashable, Sendable {
        package var atom: Expr
        package var coefficient: Int
    }
    /// Sorted: axes by number, then other atoms by text; no zero coefficient, no atom twice.
    package private(set) var terms: [Term]
    package private(set) var constant: Int

    package init(constant: Int) {
        terms = []
        self.constant = constant
    }

    package init(atom: Expr) {
        terms = [Term(atom: atom, coefficient: 1)]
        constant = 0
    }

    package var isConstant: Bool { terms.isEmpty }

    /// The coefficient of an axis as a plain term; uses inside other atoms do not count.
    package func coefficient(ofAxis axis: Int) -> Int {
        terms.first { $0.atom == .axis(axis) }?.coefficient ?? 0
    }

    /// Whether every atom is an axis.
    package var isPlain: Bool {
        terms.allSatisfy { term in
            if case .axis = term.atom { return true }
            return false
        }
    }

    package static func + (a: Affine, b: Affine) -> Affine {
        var out = a
        out.constant += b.constant
        for term in b.terms { out.add(term.atom, term.coefficient) }
        return out
    }

    package static func * (a: Affine, factor: Int) -> Affine {
        guard factor != 0 else { return Affine(constant: 0) }
        var out = a
        out.constant *= factor
        for i in out.terms.indices { out.terms[i].coefficient *= factor }
        return out
    }

    /// Undoes a delinearisation that nothing needed:
    /// `k·(x % c) + k·c·(x / c)` is `k·x`, and `k·(x % c) + k·c·(x / c % d)` is `k·(x % (c·d))`.
    func recombined(_ affine: (Expr) -> Affine) -> Affine {
        for term in terms {
            guard case .binary(.floorModulo, let x, .literal(let c)) = term.atom else { continue }
            let whole = affine(.binary(.floorDivide, x, .literal(c)))
            guard whole.constant == 0, whole.terms.count == 1, whole.terms[0].coefficient == 1 else { continue }
            let (quotient, factor) = (whole.terms[0].atom, Int(c.integer))
            for partner in terms where partner.coefficient == term.coefficient * factor {
                let joined: Affine
                if partner.atom == quotient {
                    joined = affine(x)
                } else if case .binary(.floorModulo, quotient, .literal(let d)) = partner.atom {
                    joined = affine(.binary(.floorModulo, x, .integer(factor * Int(d.integer))))
                } else {
                    continue
                }
                var out = self
                out.add(term.atom, -term.coefficient)
                out.add(partner.atom, -partner.coefficient)
                return (out + joined * term.coefficient).recombined(affine)
            }
        }
        return self
    }

    private mutating func add(_ atom: Expr, _ coefficient: Int) {
        if let at = terms.firstIndex(where: { $0.atom == atom }) {
            terms[at].coefficient += coefficient
            if terms[at].coefficient == 0 { terms.remove(at: at) }
            return
        }
        let at = terms.firstIndex { Affine.isBefore(atom, $0.atom) } ?? terms.endIndex
        terms.insert(Term(atom: atom, coefficient: coefficient), at: at)
    }

    private static func isBefore(_ a: Expr, _ b: Expr) -> Bool {
        switch (a, b) {
        case (.axis(let i), .axis(let j)): return i < j
        case (.axis, _): return true
        case (_, .axis): return false
        case (_, _): return a.sortKey < b.sortKey
        }
    }

    /// Splits into the part whose coefficients (and constant) `divisor` divides, and the rest with its constant
    /// reduced to `0 ..< divisor`.
    fileprivate func split(by divisor: Int) -> (quotient: Affine, rest: Affine) {
        var quotient = Affine(constant: floorDivide(constant, divisor))
        var rest = Affine(constant: floorModulo(constant, divisor))
        for term in terms {
            let whole = floorDivide(term.coefficient, divisor)
            if term.coefficient == whole * divisor {
                quotient.add(term.atom, whole)
            } else {
                rest.add(term.atom, term.coefficient)
            }
        }
        return (quotient, rest)
    }

    /// The expression in canonical spelling.
    package var expr: Expr {
        var out: Expr?
        for term in terms {
            let value = term.coefficient == 1 ? term.atom : term.atom * .integer(term.coefficient)
            out = out.map { $0 + value } ?? value
        }
        guard let sum = out else { return .integer(constant) }
        if constant == 0 { return sum }
        return constant > 0 ? sum + .integer(constant) : sum - .integer(-constant)
    }
}

package func floorDivide(_ a: Int, _ b: Int) -> Int {
    let q = a / b
    return (a % b != 0 && (a < 0) != (b < 0)) ? q - 1 : q
}

package func floorModulo(_ a: Int, _ b: Int) -> Int { a - floorDivide(a, b) * b }

package func ceilDivide(_ a: Int, _ b: Int) -> Int { (a + b - 1) / b }

extension Expr {
    /// A deterministic key for ordering atoms that are not axes.
    var sortKey: String {
        switch self {
        case .literal(let literal): return "l\(literal.dtype.rawValue)\(literal.bits)"
        case .axis(let i): return "a\(i)"
        case .read(let slot, let indices): return "r\(slot)[" + indices.map(\.sortKey).joined(separator: ",") + "]"
        case .unary(let op, let a): return "u\(op.rawValue)(" + a.sortKey + ")"
        case .binary(let op, let a, let b): return "b\(op.rawValue)(" + a.sortKey + "," + b.sortKey + ")"
        case .select(let c, let a, let b): return "s(" + c.sortKey + "," + a.sortKey + "," + b.sortKey + ")"
        case .cast(let dtype, let a): return "c\(dtype.rawValue)(" + a.sortKey + ")"
        }
    }
}

/// Simplifies index expressions over axes of known extent: axis `i` lies in `0 ..< extents[i]`.
package struct IndexSimplifier: Sendable {
    package var extents: [Int]

    package init(extents: [Int]) { self.extents = extents }

    /// The sum form of an i64 expression.
    package func affine(_ e: Expr) -> Affine {
        switch e {
        case .literal(let literal): return Affine(constant: Int(literal.integer))
        case .axis(let i):
            return extents.indices.contains(i) && extents[i] == 1 ? Affine(constant: 0) : Affine(atom: e)
        case .binary(.add, let a, let b): return (affine(a) + affine(b)).recombined(affine)
        case .binary(.subtract, let a, let b): return (affine(a) + affine(b) * -1).recombined(affine)
        case .binary(.multiply, let a, let b):
            let (x, y) = (affine(a), affine(b))
            if x.isConstant { return y * x.constant }
            if y.isConstant { return x * y.constant }
            return Affine(atom: .binary(.multiply, x.expr, y.expr))
        case .binary(.floorDivide, let a, let b):
            let y = affine(b)
            guard y.isConstant, y.constant > 0 else { return Affine(atom: .binary(.floorDivide, simplify(a), y.expr)) }
            return divided(affine(a), by: y.constant)
        case .binary(.floorModulo, let a, let b):
            let y = affine(b)
            guard y.isConstant, y.constant > 0 else { return Affine(atom: .binary(.floorModulo, simplify(a), y.expr)) }
            return remainder(affine(a), by: y.constant)
        case .read, .unary, .select, .cast, .binary: return Affine(atom: simplifyChildren(e))
        }
    }

    /// Simplifies every index expression inside `e`, and `e` itself when it is integer arithmetic on axes.
    package func simplify(_ e: Expr) -> Expr {
        switch e {
        case .axis: return affine(e).expr
        case .literal: return e
        case .binary(let op, let a, _):
            switch op {
            case .add, .subtract, .multiply, .floorDivide, .floorModulo:
                return isIndexArithmetic(a) && isIndexArithmetic(e) ? affine(e).expr : simplifyChildren(e)
            case .less, .lessOrEqual, .greater, .greaterOrEqual, .equal, .notEqual, .and, .or:
                return decided(simplifyChildren(e))
            case .divide, .truncDivide, .truncRemainder, .floatRemainder, .power, .maximum, .minimum, .bitAnd, .bitOr,
                .bitXor, .shiftLeft, .shiftRight:
                return simplifyChildren(e)
            }
        case .select:
            guard case .select(let c, let a, let b) = simplifyChildren(e) else { preconditionFailure("kept its kind") }
            if case .literal(let literal) = c { return literal.integer != 0 ? a : b }
            return .select(c, a, b)
        case .read, .unary, .cast: return simplifyChildren(e)
        }
    }

    /// An expression made of i64 literals, axes, casts and reads under integer operators only.
    private func isIndexArithmetic(_ e: Expr) -> Bool {
        switch e {
        case .axis: return true
        case .literal(let literal): return literal.dtype == .i64
        case .binary(let op, let a, let b):
            switch op {
            case .add, .subtract, .multiply, .floorDivide, .floorModulo:
                return isIndexArithmetic(a) && isIndexArithmetic(b)
            case .divide, .truncDivide, .truncRemainder, .floatRemainder, .power, .maximum, .minimum, .equal,
                .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .and, .or, .bitAnd, .bitOr, .bitXor,
                .shiftLeft, .shiftRight:
                return false
            }
        case .read, .unary, .select, .cast: return false
        }
    }

    private func simplifyChildren(_ e: Expr) -> Expr {
        switch e {
        case .literal, .axis: return e
        case .read(let slot, let indices): return .read(slot: slot, indices.map { affine($0).expr })
        case .unary(let op, let a): return .unary(op, simplify(a))
        case .cast(let dtype, let a): return .cast(dtype, simplify(a))
        case .binary(let op, let a, let b): return .binary(op, simplify(a), simplify(b))
        case .select(let c, let a, let b): return .select(simplify(c), simplify(a), simplify(b))
        }
    }

    /// Comparisons of index arithmetic that ranges decide, and the and/or that follow.
    private func decided(_ e: Expr) -> Expr {
        guard case .binary(let op, let a, let b) = e else { return e }
        func truth(_ x: Expr) -> Bool? {
            if case .literal(let literal) = x, literal.dtype == .bool { return literal.integer != 0 }
            return nil
        }
        func constant(_ value: Bool) -> Expr { .literal(.boolean(value)) }
        if op == .and || op == .or {
            let neutral = op == .and
            if let x = truth(a) { return x == neutral ? b : constant(!neutral) }
            if let y = truth(b) { return y == neutral ? a : constant(!neutral) }
            return e
        }
        guard isIndexArithmetic(a), isIndexArithmetic(b), let r = range(affine(a) + affine(b) * -1) else { return e }
        switch op {
        case .less: return r.upperBound < 0 ? constant(true) : r.lowerBound >= 0 ? constant(false) : e
        case .lessOrEqual: return r.upperBound <= 0 ? constant(true) : r.lowerBound > 0 ? constant(false) : e
        case .greater: return r.lowerBound > 0 ? constant(true) : r.upperBound <= 0 ? constant(false) : e
        case .greaterOrEqual: return r.lowerBound >= 0 ? constant(true) : r.upperBound < 0 ? constant(false) : e
        case .equal: return r == 0...0 ? constant(true) : r.contains(0) ? e : constant(false)
        case .notEqual: return r == 0...0 ? constant(false) : r.contains(0) ? e : constant(true)
        case .add, .subtract, .multiply, .divide, .floorDivide, .floorModulo, .truncDivide, .truncRemainder,
            .floatRemainder, .power, .maximum, .minimum, .and, .or, .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight:
            return e
        }
    }

    /// Least and greatest value; `nil` when an atom is unbounded.
    package func range(_ a: Affine) -> ClosedRange<Int>? {
        var low = a.constant
        var high = a.constant
        for term in a.terms {
            guard let r = range(atom: term.atom) else { return nil }
            let x = r.lowerBound * term.coefficient
            let y = r.upperBound * term.coefficient
            low += min(x, y)
            high += max(x, y)
        }
        return low...high
    }

    private func range(atom: Expr) -> ClosedRange<Int>? {
        switch atom {
        case .axis(let i): return extents.indices.contains(i) ? 0...max(extents[i] - 1, 0) : nil
        case .binary(.floorModulo, _, .literal(let c)): return 0...(Int(c.integer) - 1)
        case .binary(.floorDivide, let a, .literal(let c)):
            guard let r = range(affine(a)) else { return nil }
            return floorDivide(r.lowerBound, Int(c.integer))...floorDivide(r.upperBound, Int(c.integer))
        case .literal, .read, .unary, .binary, .select, .cast: return nil
        }
    }

    private func divided(_ a: Affine, by divisor: Int) -> Affine {
        if divisor == 1 { return a }
        let (quotient, rest) = a.split(by: divisor)
        if let r = range(rest), r.lowerBound >= 0, r.upperBound < divisor { return quotient }
        // terms that are multiples of a common factor decide alone when the others stay below it
        let (outer, inner, factor) = factored(rest, below: divisor)
        if factor > 1, divisor % factor == 0, let r = range(inner), r.lowerBound >= 0, r.upperBound < factor {
            return quotient + divided(outer, by: divisor / factor)
        }
        if rest.terms.count == 1, rest.constant == 0, rest.terms[0].coefficient == 1,
            case .binary(.floorDivide, let x, .literal(let c)) = rest.terms[0].atom
        {
            return quotient + divided(affine(x), by: divisor * Int(c.integer))
        }
        return quotient + Affine(atom: .binary(.floorDivide, rest.expr, .integer(divisor)))
    }

    private func remainder(_ a: Affine, by divisor: Int) -> Affine {
        if divisor == 1 { return Affine(constant: 0) }
        let rest = a.split(by: divisor).rest
        if let r = range(rest), r.lowerBound >= 0, r.upperBound < divisor { return rest }
        let (outer, inner, factor) = factored(rest, below: divisor)
        if factor > 1, divisor % factor == 0, let r = range(inner), r.lowerBound >= 0, r.upperBound < factor {
            return remainder(outer, by: divisor / factor) * factor + inner
        }
        return Affine(atom: .binary(.floorModulo, rest.expr, .integer(divisor)))
    }

    /// `a = outer · factor + inner`, where factor is the greatest common divisor of the coefficients that are
    /// larger than the span of the smaller ones.
    private func factored(_ a: Affine, below divisor: Int) -> (outer: Affine, inner: Affine, factor: Int) {
        var best = (outer: a, inner: Affine(constant: 0), factor: 1)
        for candidate in Set(a.terms.map { abs($0.coefficient) }).sorted() where candidate > 1 && candidate < divisor {
            let (outer, inner) = a.split(by: candidate)
            guard !outer.isConstant || outer.constant != 0, let r = range(inner) else { continue }
            if r.lowerBound >= 0, r.upperBound < candidate, divisor % candidate == 0 {
                best = (outer, inner, candidate)
            }
        }
        return best
    }
}
