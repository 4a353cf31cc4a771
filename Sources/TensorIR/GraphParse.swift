// Parses the text of a graph. Values may be declared in any numbering; all of 0 ..< n must be declared once. What a
// value may be used for is the verifier's business, except that a definition reads only values declared above it,
// since its operators depend on their dtypes.

import Basics

extension Graph {
    /// Parses one graph and nothing after it; the result is not verified.
    package init(parsing text: String) throws(SyntaxError) {
        var parser = GraphParser(lexer: try Lexer(limiting: text, to: Graph.textBytesMax))
        self = try parser.graph()
    }
}

private struct GraphParser {
    var lexer: Lexer
    private var types: [Int: TensorType] = [:]
    private var scope = ExprScope()
    private var nesting = 0

    init(lexer: Lexer) {
        self.lexer = lexer
        scope.slotsByFirstUse = true
    }

    mutating func graph() throws(SyntaxError) -> Graph {
        try lexer.expectWord("graph")
        try lexer.expect("(")
        var body = Region(parameters: [], operations: [], results: [])
        var inputNames: [String] = []
        if try !lexer.take(")") {
            repeat {
                body.parameters.append(try declaration())
                inputNames.append(try name())
            } while try lexer.take(",")
            try lexer.expect(")")
        }
        try lexer.expect("{")
        var functions: [Function] = []
        while try lexer.takeWord("function") {
            try lexer.expect("@")
            let start = lexer
            guard try lexer.integer("the number of a function") == functions.count else {
                throw start.fail("functions are numbered from @0 in order; expected @\(functions.count)")
            }
            let parameters = try declarations()
            functions.append(Function(body: try region(parameters)))
        }
        while try !lexer.take("}") { body.operations.append(try operation()) }
        try lexer.expect("->")
        try lexer.expect("(")
        var outputNames: [String] = []
        var extents: [ResultExtent] = []
        if try !lexer.take(")") {
            repeat {
                body.results.append(try value())
                outputNames.append(try name())
                while try lexer.takeWord("extent") {
                    let axis = try lexer.integer("an axis of the result")
                    try lexer.expectWord("in")
                    let count = try lexer.integer("the number of a result")
                    extents.append(ResultExtent(result: outputNames.count - 1, axis: axis, count: count))
                }
            } while try lexer.take(",")
            try lexer.expect(")")
        }
        guard lexer.token == .end else { throw lexer.fail("expected the end of the text, found \(lexer.found)") }
        return Graph(
            values: try table(), functions: functions, body: body, inputNames: inputNames, outputNames: outputNames,
            extents: extents)
    }

    /// The types of all values; every index below the greatest must be declared.
    private func table() throws(SyntaxError) -> [TensorType] {
        var out: [TensorType] = []
        out.reserveCapacity(types.count)
        for index in 0..<types.count {
            guard let type = types[index] else {
                throw lexer.fail("%\(index) is not declared; values are numbered without gaps")
            }
            out.append(type)
        }
        return out
    }

    /// `{`, operations, `} -> (results)`.
    private mutating func region(_ parameters: [ValueID]) throws(SyntaxError) -> Region {
        nesting += 1
        guard nesting <= Graph.regionNestingMax else {
            throw lexer.fail("regions nest deeper than \(Graph.regionNestingMax)")
        }
        var out = Region(parameters: parameters, operations: [], results: [])
        try lexer.expect("{")
        while try !lexer.take("}") { out.operations.append(try operation()) }
        try lexer.expect("->")
        out.results = try values()
        nesting -= 1
        return out
    }

    private mutating func operation() throws(SyntaxError) -> Operation {
        scope.beginDefinition()
        var results: [ValueID] = []
        if try !lexer.takeWord("none") {
            repeat { results.append(try declaration(withAxes: true)) } while try lexer.take(",")
        }
        try lexer.expect("=")
        switch lexer.token {
        case .word("extern"): return try extern(results)
        case .word("loop"): return try loop(results)
        case .word("branch"): return try branch(results)
        case .word("call"):
            try lexer.advance()
            try lexer.expect("@")
            let function = try lexer.integer("the number of a function")
            return .call(results: results, function: function, arguments: try values())
        case .word, .number, .string, .mark, .end:
            guard results.count == 1, let result = results.first else {
                throw lexer.fail("a constant or definition has one result")
            }
            return try lexer.takeWord("const") ? constant(result) : definition(result)
        }
    }

    private mutating func constant(_ result: ValueID) throws(SyntaxError) -> Operation {
        if try lexer.takeWord("data") {
            let start = lexer
            try lexer.advance()
            switch start.token {
            case .word(let text), .number(let text):
                guard let digest = Digest(hex: text) else { break }
                return .constant(result, .data(digest))
            case .string, .mark, .end: break
            }
            throw start.fail("expected the 64 hex digits of a digest, found \(start.found)")
        }
        try lexer.expect("[")
        let dtype = types[result.index]?.dtype ?? .f32
        var literals: [Literal] = []
        if try !lexer.take("]") {
            repeat { literals.append(try literal(dtype)) } while try lexer.take(",")
            try lexer.expect("]")
        }
        return .constant(result, .inline(literals))
    }

    private mutating func literal(_ dtype: DType) throws(SyntaxError) -> Literal {
        let start = lexer
        if dtype == .bool, case .word(let word) = lexer.token, word == "true" || word == "false" {
            try lexer.advance()
            return .boolean(word == "true")
        }
        let negative = try lexer.take("-")
        guard case .number(let digits) = lexer.token,
            let literal = Literal(digits: digits, negative: negative, dtype: dtype)
        else { throw start.fail("expected a number of dtype \(dtype.rawValue), found \(lexer.found)") }
        try lexer.advance()
        return literal
    }

    private mutating func definition(_ result: ValueID) throws(SyntaxError) -> Operation {
        guard let type = types[result.index], scope.axes.count == type.rank else {
            throw lexer.fail("a definition names the axes of its result, as in %1: f32[i0:8]")
        }
        guard try lexer.takeWord("define") else {
            let definition = try lexer.definitionBody(type, &scope)
            return .define(result, operands: scope.firstUses.map(ValueID.init), definition)
        }
        let start = lexer
        let operands = try values()
        var slots = ExprScope()
        slots.axes = scope.axes
        for (slot, operand) in operands.enumerated() {
            guard let operandType = types[operand.index] else {
                throw start.fail("%\(operand.index) is not declared before")
            }
            slots.tensors["t\(slot)"] = ExprScope.Tensor(dtype: operandType.dtype, slot: slot)
        }
        return .define(result, operands: operands, try lexer.definitionBody(type, &slots))
    }

    private mutating func extern(_ results: [ValueID]) throws(SyntaxError) -> Operation {
        try lexer.expectWord("extern")
        let operatorName = try name()
        var attributes: [String] = []
        try lexer.expect("[")
        if try !lexer.take("]") {
            repeat { attributes.append(try name()) } while try lexer.take(",")
            try lexer.expect("]")
        }
        return .extern(results: results, name: operatorName, attributes: attributes, operands: try values())
    }

    private mutating func loop(_ results: [ValueID]) throws(SyntaxError) -> Operation {
        try lexer.expectWord("loop")
        let trip = try lexer.takeWord("trip") ? value() : nil
        let condition = try lexer.takeWord("while") ? value() : nil
        try lexer.expectWord("carry")
        let initial = try values()
        try lexer.expectWord("capture")
        let captures = try values()
        try lexer.expectWord("do")
        let parameters = try declarations()
        return .loop(
            Loop(
                results: results, tripCount: trip, condition: condition, initial: initial, captures: captures,
                body: try region(parameters)))
    }

    private mutating func branch(_ results: [ValueID]) throws(SyntaxError) -> Operation {
        try lexer.expectWord("branch")
        let condition = try value()
        try lexer.expectWord("capture")
        let captures = try values()
        try lexer.expect("{")
        try lexer.expectWord("then")
        let then = try region([])
        try lexer.expectWord("else")
        let otherwise = try region([])
        try lexer.expect("}")
        return .branch(
            Branch(results: results, condition: condition, captures: captures, then: then, otherwise: otherwise))
    }

    /// `%3`
    private mutating func value() throws(SyntaxError) -> ValueID {
        try lexer.expect("%")
        guard case .number = lexer.token else { throw lexer.fail("expected the number of a value") }
        return ValueID(try lexer.integer("the number of a value"))
    }

    /// `(%1, %2)`
    private mutating func values() throws(SyntaxError) -> [ValueID] {
        var out: [ValueID] = []
        try lexer.expect("(")
        if try lexer.take(")") { return out }
        repeat { out.append(try value()) } while try lexer.take(",")
        try lexer.expect(")")
        return out
    }

    /// `%3: f32[8]`, or with names for the axes: `%3: f32[i0:8]`.
    private mutating func declaration(withAxes: Bool = false) throws(SyntaxError) -> ValueID {
        let start = lexer
        let id = try value()
        try lexer.expect(":")
        var ahead = lexer
        try ahead.advance()
        if ahead.token == .mark("[") { try ahead.advance() }
        let type: TensorType
        if withAxes, case .word = ahead.token {
            scope.axes = [:]
            type = try lexer.definitionHead(&scope)
        } else {
            type = try lexer.tensorType()
        }
        guard types.updateValue(type, forKey: id.index) == nil else {
            throw start.fail("%\(id.index) is declared twice")
        }
        scope.tensors["%\(id.index)"] = ExprScope.Tensor(dtype: type.dtype, slot: id.index)
        return id
    }

    private mutating func declarations() throws(SyntaxError) -> [ValueID] {
        var out: [ValueID] = []
        try lexer.expect("(")
        if try lexer.take(")") { return out }
        repeat { out.append(try declaration()) } while try lexer.take(",")
        try lexer.expect(")")
        return out
    }

    private mutating func name() throws(SyntaxError) -> String {
        let start = lexer
        let text = try lexer.string("a name in quotes")
        guard let name = GraphText.unquoted(text) else { throw start.fail("a percent escape in a name is broken") }
        return name
    }
}
