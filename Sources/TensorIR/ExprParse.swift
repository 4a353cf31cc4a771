// Parses expressions: precedence climbing over the byte lexer. A scope says which names stand for tensors and axes;
// dtypes are carried along because `/` means another operator for integers than for floats. Whether the dtypes fit
// is the verifier's business. Brackets and tree levels are limited, so a hostile text cannot exhaust the stack.

import Basics

/// The names an expression may use. Workloads and kernels give every tensor its slot; a graph's definition gives
/// slots in order of first use (`slotsByFirstUse`).
package struct ExprScope: Sendable {
    package struct Tensor: Hashable, Sendable {
        package var dtype: DType
        package var slot: Int
        package init(dtype: DType, slot: Int) {
            self.dtype = dtype
            self.slot = slot
        }
    }

    package var tensors: [String: Tensor] = [:]
    package var axes: [String: Int] = [:]
    /// Whether a tensor's slot is its position among the tensors read so far, instead of `Tensor.slot`.
    package var slotsByFirstUse = false
    /// `Tensor.slot` of the tensors read so far, in order of first use; filled when `slotsByFirstUse`.
    package var firstUses: [Int] = []
    private var slotOfFirstUse: [Int: Int] = [:]
    private var nesting = 0

    package init() {}

    /// Forgets axes and first uses; tensors stay.
    package mutating func beginDefinition() {
        axes = [:]
        firstUses = []
        slotOfFirstUse = [:]
        nesting = 0
    }

    /// Names that stand for something else and can be no axis.
    static let reservedNames = Set(
        DType.allCases.map(\.rawValue)
            + ["true", "false", "where", "const", "define", "extern", "loop", "branch", "call"])

    /// Declares an axis under the next number.
    package mutating func declareAxis(_ name: String, _ lexer: Lexer) throws(SyntaxError) {
        if ExprScope.reservedNames.contains(name) { throw lexer.fail("'\(name)' cannot name an axis") }
        let number = axes.count
        guard axes.updateValue(number, forKey: name) == nil else {
            throw lexer.fail("axis '\(name)' is declared twice")
        }
    }

    /// Parses one expression and says its dtype.
    package mutating func expression(_ lexer: inout Lexer) throws(SyntaxError) -> (expr: Expr, dtype: DType) {
        let out = try binary(&lexer, atLeast: .or)
        return (out.expr, out.dtype)
    }

    private struct Parsed {
        var expr: Expr
        var dtype: DType
        var depth: Int
    }

    private mutating func binary(_ lexer: inout Lexer, atLeast: Precedence) throws(SyntaxError) -> Parsed {
        var left = try prefix(&lexer)
        var compared = false
        while case .mark(let mark) = lexer.token, let (marked, precedence) = BinaryOperator.marked[mark],
            precedence >= atLeast
        {
            if mark == "%" {
                let stops = try startsDeclaration(lexer)
                if stops { break }
            }
            if precedence == .comparison, compared { throw lexer.fail("comparisons do not chain; use parentheses") }
            compared = precedence == .comparison
            var op = marked
            if op == .divide, left.dtype.isExact { op = .floorDivide }
            if op == .floorModulo, left.dtype.isFloat {
                throw lexer.fail("'%' is for integers; floats use fmod(a, b)")
            }
            try lexer.advance()
            let right = try binary(&lexer, atLeast: precedence.next)
            left = try checked(
                Parsed(
                    expr: .binary(op, left.expr, right.expr), dtype: op.isComparison ? .bool : left.dtype,
                    depth: 1 + max(left.depth, right.depth)), lexer)
        }
        return left
    }

    /// Whether `%3: f32[` follows: the next line of a graph, not a remainder.
    private func startsDeclaration(_ lexer: Lexer) throws(SyntaxError) -> Bool {
        var ahead = lexer
        try ahead.advance()
        guard case .number = ahead.token else { return false }
        try ahead.advance()
        guard try ahead.take(":"), case .word(let word) = ahead.token, DType(rawValue: word) != nil else {
            return false
        }
        try ahead.advance()
        return ahead.token == .mark("[")
    }

    private mutating func prefix(_ lexer: inout Lexer) throws(SyntaxError) -> Parsed {
        let op: UnaryOperator
        if try lexer.take("-") {
            if case .number(let digits) = lexer.token { return try literal(digits, negative: true, &lexer) }
            op = .negate
        } else if try lexer.take("!") {
            op = .not
        } else {
            return try primary(&lexer)
        }
        try enter(lexer)
        let a = try prefix(&lexer)
        nesting -= 1
        return try checked(Parsed(expr: .unary(op, a.expr), dtype: a.dtype, depth: 1 + a.depth), lexer)
    }

    private mutating func primary(_ lexer: inout Lexer) throws(SyntaxError) -> Parsed {
        switch lexer.token {
        case .number(let digits): return try literal(digits, negative: false, &lexer)
        case .word(let word):
            if word == "true" || word == "false" {
                try lexer.advance()
                return Parsed(expr: .literal(.boolean(word == "true")), dtype: .bool, depth: 1)
            }
            return try named(word, &lexer)
        case .mark("("): return try parenthesised(&lexer)
        case .mark("%"):
            let position = lexer
            try lexer.advance()
            guard case .number(let digits) = lexer.token else { throw position.fail("expected a value such as %0") }
            try lexer.advance()
            return try read("%" + digits, &lexer, from: position)
        case .mark, .string, .end: throw lexer.fail("expected an expression, found \(lexer.found)")
        }
    }

    private mutating func named(_ word: String, _ lexer: inout Lexer) throws(SyntaxError) -> Parsed {
        let start = lexer
        try lexer.advance()
        if lexer.token == .mark("[") { return try read(word, &lexer, from: start) }
        guard lexer.token == .mark("(") else {
            guard let axis = axes[word] else { throw start.fail("'\(escaped(word, limit: 40))' is no axis here") }
            return Parsed(expr: .axis(axis), dtype: .i64, depth: 1)
        }
        try lexer.advance()
        try enter(lexer)
        let a = try binary(&lexer, atLeast: .or)
        let out: Parsed
        if let dtype = DType(rawValue: word) {
            out = Parsed(expr: .cast(dtype, a.expr), dtype: dtype, depth: 1 + a.depth)
        } else if let op = UnaryOperator.named[word] {
            out = Parsed(expr: .unary(op, a.expr), dtype: op == .isNaN ? .bool : a.dtype, depth: 1 + a.depth)
        } else if let op = BinaryOperator.named[word] {
            try lexer.expect(",")
            let b = try binary(&lexer, atLeast: .or)
            out = Parsed(expr: .binary(op, a.expr, b.expr), dtype: a.dtype, depth: 1 + max(a.depth, b.depth))
        } else {
            throw start.fail("there is no function '\(escaped(word, limit: 40))'")
        }
        try lexer.expect(")")
        nesting -= 1
        return try checked(out, start)
    }

    private mutating func read(_ name: String, _ lexer: inout Lexer, from start: Lexer) throws(SyntaxError) -> Parsed {
        guard let tensor = tensors[name] else {
            throw start.fail("tensor '\(escaped(name, limit: 40))' is not defined before")
        }
        let slot = slotsByFirstUse ? slotByFirstUse(tensor.slot) : tensor.slot
        try lexer.expect("[")
        try enter(lexer)
        var indices: [Expr] = []
        var depth = 0
        if try !lexer.take("]") {
            repeat {
                let index = try binary(&lexer, atLeast: .or)
                indices.append(index.expr)
                depth = max(depth, index.depth)
            } while try lexer.take(",")
            try lexer.expect("]")
        }
        nesting -= 1
        return try checked(Parsed(expr: .read(slot: slot, indices), dtype: tensor.dtype, depth: 1 + depth), start)
    }

    private mutating func slotByFirstUse(_ tensor: Int) -> Int {
        if let slot = slotOfFirstUse[tensor] { return slot }
        let slot = firstUses.count
        slotOfFirstUse[tensor] = slot
        firstUses.append(tensor)
        return slot
    }

    /// `(a)` or `(condition ? a : b)`.
    private mutating func parenthesised(_ lexer: inout Lexer) throws(SyntaxError) -> Parsed {
        try lexer.expect("(")
        try enter(lexer)
        var out = try binary(&lexer, atLeast: .or)
        if try lexer.take("?") {
            let a = try binary(&lexer, atLeast: .or)
            try lexer.expect(":")
            let b = try binary(&lexer, atLeast: .or)
            out = Parsed(
                expr: .select(out.expr, a.expr, b.expr), dtype: a.dtype,
                depth: 1 + max(out.depth, a.depth, b.depth))
        }
        try lexer.expect(")")
        nesting -= 1
        return try checked(out, lexer)
    }

    private func literal(
        _ digits: String, negative: Bool, _ lexer: inout Lexer
    ) throws(SyntaxError) -> Parsed {
        let start = lexer
        try lexer.advance()
        let dtype = try literalDType(&lexer)
        guard let literal = Literal(digits: digits, negative: negative, dtype: dtype) else {
            let name = dtype.map { " of dtype \($0.rawValue)" } ?? ""
            throw start.fail("\(start.found) is no number\(name)")
        }
        return Parsed(expr: .literal(literal), dtype: literal.dtype, depth: 1)
    }

    /// Takes `:dtype`. The colon of a select may stand here too, and then a cast may follow: `(c ? 3 : f32(x))`.
    private func literalDType(_ lexer: inout Lexer) throws(SyntaxError) -> DType? {
        guard lexer.token == .mark(":") else { return nil }
        var ahead = lexer
        try ahead.advance()
        guard case .word(let word) = ahead.token, let dtype = DType(rawValue: word) else { return nil }
        try ahead.advance()
        if ahead.token == .mark("(") { return nil }
        lexer = ahead
        return dtype
    }

    private mutating func enter(_ lexer: Lexer) throws(SyntaxError) {
        nesting += 1
        guard nesting <= ExprLimits.nestingMax else {
            throw lexer.fail("the expression nests deeper than \(ExprLimits.nestingMax) brackets")
        }
    }

    private func checked(_ parsed: Parsed, _ lexer: Lexer) throws(SyntaxError) -> Parsed {
        guard parsed.depth <= ExprLimits.depthMax else {
            throw lexer.fail("the expression is a tree of more than \(ExprLimits.depthMax) levels")
        }
        return parsed
    }
}
