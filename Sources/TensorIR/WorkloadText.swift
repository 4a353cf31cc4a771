// Workloads as text, one definition per line; the grammar is docs/formats/workload.md. Tensors print as t0, t1, …
// in slot order; a parsed text may name tensors and axes freely. Parsing resolves names and checks syntax, `verify`
// checks the rest.

import Basics

extension Workload: CustomStringConvertible {
    /// Longest text that is parsed.
    package static let textBytesMax = 1 << 20

    package var description: String { text }

    /// The canonical text, ending in a newline.
    package var text: String {
        let heads = parameters.enumerated().map { slot, parameter in
            "t\(slot): \(parameter.isConstant ? "const " : "")\(parameter.type)"
        }
        var writer = TextWriter()
        let tail = " -> " + results.map { "t\($0)" }.joined(separator: ", ")
        writer.block("workload(" + heads.joined(separator: ", ") + ")", tail: tail) { writer in
            for (position, definition) in definitions.enumerated() {
                writer.line("t\(parameters.count + position): \(definition)")
            }
        }
        return writer.text
    }

    /// Parses one workload and nothing after it; the result is not verified.
    package init(parsing text: String) throws(SyntaxError) {
        var lexer = try Lexer(limiting: text, to: Workload.textBytesMax)
        try self.init(&lexer)
        guard lexer.token == .end else { throw lexer.fail("expected the end of the text, found \(lexer.found)") }
    }

    /// Parses one workload and leaves the lexer behind it.
    package init(_ lexer: inout Lexer) throws(SyntaxError) {
        self.init(parameters: [], definitions: [], results: [])
        var scope = ExprScope()
        try lexer.expectWord("workload")
        try lexer.expect("(")
        if try !lexer.take(")") {
            repeat { parameters.append(try Workload.parameter(&lexer, &scope)) } while try lexer.take(",")
            try lexer.expect(")")
        }
        try lexer.expect("{")
        while try !lexer.take("}") {
            scope.beginDefinition()
            let start = lexer
            let name = try lexer.word("the name of a tensor")
            try lexer.expect(":")
            let type = try lexer.definitionHead(&scope)
            try lexer.expect("=")
            definitions.append(try lexer.definitionBody(type, &scope))
            try Workload.declare(name, type, &scope, start)
        }
        try lexer.expect("->")
        repeat {
            let start = lexer
            let name = try lexer.word("the name of a result")
            guard let tensor = scope.tensors[name] else {
                throw start.fail("result '\(escaped(name, limit: 40))' is not defined")
            }
            results.append(tensor.slot)
        } while try lexer.take(",")
    }

    private static func parameter(_ lexer: inout Lexer, _ scope: inout ExprScope) throws(SyntaxError) -> Parameter {
        let start = lexer
        let name = try lexer.word("the name of a parameter")
        try lexer.expect(":")
        let isConstant = try lexer.takeWord("const")
        let type = try lexer.tensorType()
        try declare(name, type, &scope, start)
        return Parameter(type: type, isConstant: isConstant)
    }

    private static func declare(
        _ name: String, _ type: TensorType, _ scope: inout ExprScope, _ start: Lexer
    ) throws(SyntaxError) {
        if ExprScope.reservedNames.contains(name) { throw start.fail("'\(name)' cannot name a tensor") }
        let tensor = ExprScope.Tensor(dtype: type.dtype, slot: scope.tensors.count)
        guard scope.tensors.updateValue(tensor, forKey: name) == nil else {
            throw start.fail("tensor '\(escaped(name, limit: 40))' is defined twice")
        }
    }
}

extension Lexer {
    /// A lexer over `text`, which may have at most `bytesMax` bytes.
    package init(limiting text: String, to bytesMax: Int) throws(SyntaxError) {
        guard text.utf8.count <= bytesMax else {
            throw SyntaxError(
                "the text has \(text.utf8.count) bytes; at most \(bytesMax) are read",
                at: SourcePosition(line: 1, column: 1))
        }
        try self.init(text)
    }
}
