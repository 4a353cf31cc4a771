// Parses kernels: recursive descent over the byte lexer. A name has to be introduced before it is used and goes out
// of scope with its block; everything else that can be wrong with a kernel is `verify`'s business. Text length and
// block nesting are limited, so a hostile text cannot exhaust the stack.

import Basics
import TensorIR

extension Kernel {
    /// Longest text that is parsed.
    package static let textBytesMax = 1 << 20
    /// Blocks around one another.
    package static let nestingMax = 64

    /// Parses one kernel and nothing after it; the result is not verified.
    package init(parsing text: String) throws(SyntaxError) {
        var lexer = try Lexer(limiting: text, to: Kernel.textBytesMax)
        try self.init(&lexer)
        guard lexer.token == .end else { throw lexer.fail("expected the end of the text, found \(lexer.found)") }
    }

    /// Parses one kernel and leaves the lexer behind it.
    package init(_ lexer: inout Lexer) throws(SyntaxError) {
        self.init(buffers: [], phases: [])
        var scope = ExprScope()
        try lexer.expectWord("kernel")
        try lexer.expect("(")
        if try !lexer.take(")") {
            repeat { buffers.append(try Kernel.buffer(&lexer, &scope, slot: buffers.count)) } while try lexer.take(",")
            try lexer.expect(")")
        }
        try lexer.expect("{")
        while try !lexer.take("}") {
            try lexer.expectWord("phase")
            try lexer.expectWord("tasks")
            let tasks = try lexer.integer("the number of tasks")
            var parser = StatementParser(operands: scope)
            phases.append(Phase(tasks: tasks, body: try parser.block(&lexer)))
        }
    }

    private static func buffer(
        _ lexer: inout Lexer, _ scope: inout ExprScope, slot: Int
    ) throws(SyntaxError) -> Buffer {
        let start = lexer
        guard try lexer.word("a buffer") == "b\(slot)" else {
            throw start.fail("expected b\(slot), found \(start.found)")
        }
        try lexer.expect(":")
        var role = Buffer.Role.input
        for candidate in Buffer.Role.allCases {
            if let keyword = candidate.keyword, try lexer.takeWord(keyword) {
                role = candidate
                break
            }
        }
        let (dtype, elements) = try lexer.flatType()
        scope.tensors["b\(slot)"] = ExprScope.Tensor(dtype: dtype, slot: slot)
        return Buffer(role: role, dtype: dtype, elements: elements)
    }
}

extension Lexer {
    /// `f32[768]`
    fileprivate mutating func flatType() throws(SyntaxError) -> (dtype: DType, elements: Int) {
        let dtype = try dtype()
        try expect("[")
        let elements = try integer("a number of elements")
        try expect("]")
        return (dtype, elements)
    }
}

struct StatementParser {
    private var scope: ExprScope
    private var nesting = 0

    init(operands: ExprScope) {
        scope = operands
        scope.axes["v0"] = 0
    }

    /// `{ … }`; what it introduces ends with it.
    mutating func block(_ lexer: inout Lexer) throws(SyntaxError) -> [Statement] {
        nesting += 1
        guard nesting <= Kernel.nestingMax else {
            throw lexer.fail("blocks nest deeper than \(Kernel.nestingMax)")
        }
        let outside = scope.axes
        try lexer.expect("{")
        var out: [Statement] = []
        while try !lexer.take("}") { out.append(try statement(&lexer)) }
        scope.axes = outside
        nesting -= 1
        return out
    }

    private mutating func statement(_ lexer: inout Lexer) throws(SyntaxError) -> Statement {
        if try lexer.takeWord("let") {
            let name = try variable(&lexer)
            try lexer.expect("=")
            let value = try expression(&lexer)
            return .bind(variable: introduce(name), value)
        }
        if try lexer.takeWord("for") { return try loop(&lexer) }
        if try lexer.takeWord("alloc") {
            let start = lexer
            let slot = try number(of: "s", "scratch such as s3", &lexer)
            try lexer.expect(":")
            let (dtype, elements) = try lexer.flatType()
            let tensor = ExprScope.Tensor(dtype: dtype, slot: slot)
            guard scope.tensors.updateValue(tensor, forKey: "s\(slot)") == nil else {
                throw start.fail("scratch s\(slot) is allocated twice")
            }
            return .alloc(slot: slot, dtype, elements: elements)
        }
        if try lexer.takeWord("reduce") { return .reduce(try reduce(&lexer)) }
        if try lexer.takeWord("contract") { return .contract(try contract(&lexer)) }
        if try lexer.takeWord("tile") { return .tile(try tile(&lexer)) }
        if try lexer.takeWord("when") {
            let condition = try expression(&lexer)
            return .when(condition, try block(&lexer))
        }
        let (slot, index) = try element(&lexer)
        try lexer.expect("=")
        return .map(slot: slot, index: index, value: try expression(&lexer))
    }

    private mutating func loop(_ lexer: inout Lexer) throws(SyntaxError) -> Statement {
        let vector = try lexer.takeWord("vector")
        let (name, from, to) = try range(&lexer)
        let step = try lexer.takeWord("step") ? try lexer.integer("a step") : 1
        let outside = scope.axes
        let number = introduce(name)
        let body = try block(&lexer)
        scope.axes = outside
        return .loop(variable: number, from: from, to: to, step: step, vector: vector, body)
    }

    private mutating func reduce(_ lexer: inout Lexer) throws(SyntaxError) -> Reduce {
        let (slot, index) = try element(&lexer)
        try lexer.expect("=")
        let dtype = try lexer.dtype()
        let start = lexer
        guard let reducer = Reducer(rawValue: try lexer.word("a reducer")) else {
            throw start.fail("expected sum, product, max or min, found \(start.found)")
        }
        try lexer.expect("(")
        let outside = scope.axes
        var axes: [Reduce.Axis] = []
        var condition: Expr?
        while lexer.token != .mark(")"), lexer.token != .word("where") {
            let (name, from, to) = try range(&lexer)
            axes.append(Reduce.Axis(variable: introduce(name), from: from, to: to))
            if try !lexer.take(",") { break }
        }
        if try lexer.takeWord("where") { condition = try expression(&lexer) }
        try lexer.expect(")")
        let value = try expression(&lexer)
        scope.axes = outside
        return Reduce(
            slot: slot, index: index, reducer: reducer, dtype: dtype, axes: axes, condition: condition, value: value)
    }

    private mutating func contract(_ lexer: inout Lexer) throws(SyntaxError) -> Contract {
        let (rows, columns) = try size(&lexer)
        let (acc, accIndex) = try element(&lexer)
        let accStride = try value(of: "stride", &lexer)
        let accumulate = try lexer.take("+=")
        if !accumulate { try lexer.expect("=") }
        try lexer.expectWord("a")
        let (a, aIndex) = try element(&lexer)
        let aRow = try value(of: "row", &lexer)
        let aStep = try value(of: "step", &lexer)
        try lexer.expect(",")
        try lexer.expectWord("b")
        let (b, bIndex) = try element(&lexer)
        let bStride = try value(of: "stride", &lexer)
        try lexer.expect(",")
        try lexer.expectWord("depth")
        return Contract(
            rows: rows, columns: columns, acc: acc, accIndex: accIndex, accStride: accStride, a: a, aIndex: aIndex,
            aRow: aRow, aStep: aStep, b: b, bIndex: bIndex, bStride: bStride, depth: try expression(&lexer),
            accumulate: accumulate)
    }

    /// `12x32`
    func size(_ lexer: inout Lexer) throws(SyntaxError) -> (rows: Int, columns: Int) {
        guard case .number(let spelling) = lexer.token else {
            throw lexer.fail("expected a tile such as 12x32, found \(lexer.found)")
        }
        let parts = spelling.split(separator: "x", omittingEmptySubsequences: false)
        guard parts.count == 2, let rows = Int(parts[0]), let columns = Int(parts[1]) else {
            throw lexer.fail("expected a tile such as 12x32, found \(lexer.found)")
        }
        try lexer.advance()
        return (rows, columns)
    }

    func value(of word: String, _ lexer: inout Lexer) throws(SyntaxError) -> Int {
        try lexer.expectWord(word)
        return try lexer.integer("a \(word)")
    }

    /// `v4 in 0 ..< 64`; the variable is not yet visible.
    private mutating func range(_ lexer: inout Lexer) throws(SyntaxError) -> (variable: Int, from: Expr, to: Expr) {
        let name = try variable(&lexer)
        try lexer.expectWord("in")
        let from = try expression(&lexer)
        try lexer.expect("..<")
        return (name, from, try expression(&lexer))
    }

    /// `b2[v1 * 8]`
    mutating func element(_ lexer: inout Lexer) throws(SyntaxError) -> (slot: Int, index: Expr) {
        let start = lexer
        guard let tensor = scope.tensors[try lexer.word("a statement")] else {
            throw start.fail("expected a statement or a buffer, found \(start.found)")
        }
        try lexer.expect("[")
        let index = try expression(&lexer)
        try lexer.expect("]")
        return (tensor.slot, index)
    }

    mutating func expression(_ lexer: inout Lexer) throws(SyntaxError) -> Expr {
        try scope.expression(&lexer).expr
    }

    private mutating func introduce(_ variable: Int) -> Int {
        scope.axes["v\(variable)"] = variable
        return variable
    }

    private func variable(_ lexer: inout Lexer) throws(SyntaxError) -> Int {
        try number(of: "v", "a variable such as v3", &lexer)
    }

    /// The number of a name that is one letter and digits.
    private func number(of letter: String, _ what: String, _ lexer: inout Lexer) throws(SyntaxError) -> Int {
        let start = lexer
        let name = try lexer.word(what)
        guard name.hasPrefix(letter), let number = Int(name.dropFirst()), number >= 0, name == letter + String(number)
        else { throw start.fail("expected \(what), found \(start.found)") }
        return number
    }
}
