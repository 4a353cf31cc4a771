// Parses programs: recursive descent over the byte lexer. Kernels, buffers, routines and lanes stand in the order of
// their numbers. Whether the numbers that steps use exist is `verify`'s business. Text length and block nesting are
// limited, so a hostile text cannot exhaust the stack.

import Basics
import TensorIR

extension Program {
    /// Longest text that is parsed.
    package static let textBytesMax = 1 << 24
    /// Blocks around one another.
    package static let nestingMax = 64
    /// Most scalars a text may declare.
    package static let scalarsMax = 1 << 12

    /// Parses one program and nothing after it; the result is not verified.
    package init(parsing text: String) throws(SyntaxError) {
        var lexer = try Lexer(limiting: text, to: Program.textBytesMax)
        try self.init(&lexer)
        guard lexer.token == .end else { throw lexer.fail("expected the end of the text, found \(lexer.found)") }
    }

    /// Parses one program and leaves the lexer behind it.
    package init(_ lexer: inout Lexer) throws(SyntaxError) {
        try lexer.expectWord("program")
        try lexer.expect("(")
        let scalars = try lexer.size("scalars")
        guard scalars <= Program.scalarsMax else { throw lexer.fail("more than \(Program.scalarsMax) scalars") }
        try lexer.expect(",")
        let counters = try lexer.size("counters")
        try lexer.expect(",")
        let frames = try lexer.size("frames")
        try lexer.expect(",")
        let arenaBytes = try lexer.size("arena")
        try lexer.expect(",")
        let scratchBytes = try lexer.size("scratch")
        try lexer.expect(")")
        self.init(
            kernels: [], buffers: [], scalars: scalars, counters: counters, frames: frames, routines: [], lanes: [],
            arenaBytes: arenaBytes, scratchBytes: scratchBytes)
        try lexer.expect("{")
        while try lexer.takeWord("kernel") { kernels.append(try lexer.kernelUse(kernels.count)) }
        while try lexer.takeWord("buffer") { buffers.append(try lexer.programBuffer(buffers.count)) }
        var parser = StepParser(scalars: scalars)
        while try lexer.takeWord("routine") {
            try lexer.expectWord("r\(routines.count)")
            routines.append(try parser.block(&lexer))
        }
        while try lexer.takeWord("lane") {
            let start = lexer
            guard try lexer.integer("the number of the lane") == lanes.count else {
                throw start.fail("expected lane \(lanes.count), found \(start.found)")
            }
            lanes.append(try parser.block(&lexer))
        }
        try lexer.expect("}")
    }
}

extension Lexer {
    fileprivate mutating func size(_ word: String) throws(SyntaxError) -> Int {
        try expectWord(word)
        return try integer("a number")
    }

    /// What follows the word `kernel`.
    fileprivate mutating func kernelUse(_ index: Int) throws(SyntaxError) -> KernelUse {
        try expectWord("k\(index)")
        let name = try string("the kernel's name")
        let digest = try digest()
        try expectWord("phases")
        let phases = try integers()
        try expectWord("operands")
        return KernelUse(name: name, digest: digest, phases: phases, operandBytes: try integers())
    }

    private mutating func integers() throws(SyntaxError) -> [Int] {
        try expect("[")
        var out: [Int] = []
        if try take("]") { return out }
        repeat { out.append(try integer("a number")) } while try take(",")
        try expect("]")
        return out
    }

    private mutating func digest() throws(SyntaxError) -> Digest {
        switch token {
        case .word(let text), .number(let text):
            guard let digest = Digest(hex: text) else { break }
            try advance()
            return digest
        case .string, .mark, .end: break
        }
        throw fail("expected the 64 hex digits of a digest, found \(found)")
    }

    /// What follows the word `buffer`.
    fileprivate mutating func programBuffer(_ index: Int) throws(SyntaxError) -> ProgramBuffer {
        try expectWord("b\(index)")
        try expect(":")
        let bytes = try integer("a number of bytes")
        let start = self
        switch try word("a place") {
        case "input": return ProgramBuffer(bytes: bytes, place: .input(try integer("an input")))
        case "output": return ProgramBuffer(bytes: bytes, place: .output(try integer("an output")))
        case "arena": return ProgramBuffer(bytes: bytes, place: .arena(offset: try integer("an offset")))
        case "constant":
            let number = try integer("a constant")
            return ProgramBuffer(bytes: bytes, place: .constant(number, try digest()))
        default: throw start.fail("expected input, output, constant or arena, found \(start.found)")
        }
    }
}

private struct StepParser {
    private var scope = ExprScope()
    private var scalars: [String: Int] = [:]
    private var nesting = 0

    init(scalars count: Int) {
        for scalar in 0..<max(0, count) { scalars[scalarName(scalar)] = scalar }
        scope.axes = scalars
    }

    mutating func block(_ lexer: inout Lexer) throws(SyntaxError) -> [Step] {
        nesting += 1
        guard nesting <= Program.nestingMax else { throw lexer.fail("blocks nest deeper than \(Program.nestingMax)") }
        try lexer.expect("{")
        var out: [Step] = []
        while try !lexer.take("}") { out.append(try step(&lexer)) }
        nesting -= 1
        return out
    }

    private mutating func step(_ lexer: inout Lexer) throws(SyntaxError) -> Step {
        let start = lexer
        switch try lexer.word("a step") {
        case "run": return try run(&lexer)
        case "publish":
            let counter = try number(of: "c", "a counter such as c0", &lexer)
            try lexer.expect("=")
            return .publish(counter: counter, try expression(&lexer))
        case "wait":
            let counter = try number(of: "c", "a counter such as c0", &lexer)
            try lexer.expect(">=")
            return .wait(counter: counter, try expression(&lexer))
        case "load":
            let scalar = try scalar(&lexer)
            try lexer.expect("=")
            let dtype = try lexer.dtype()
            return .load(scalar: scalar, try address(&lexer), dtype)
        case "set":
            let scalar = try scalar(&lexer)
            try lexer.expect("=")
            return .set(scalar: scalar, try expression(&lexer))
        case "loop":
            let scalar = try scalar(&lexer)
            try lexer.expectWord("in")
            let from = try expression(&lexer)
            try lexer.expect("..<")
            let to = try expression(&lexer)
            return .loop(scalar: scalar, from: from, to: to, try block(&lexer))
        case "branch":
            let condition = try expression(&lexer)
            let then = try block(&lexer)
            return .branch(condition, then, try lexer.takeWord("else") ? try block(&lexer) : [])
        case "call":
            let routine = try number(of: "r", "a routine such as r0", &lexer)
            var keep: [Int] = []
            if try lexer.takeWord("keep") {
                repeat { keep.append(try scalar(&lexer)) } while try lexer.take(",")
            }
            return .call(routine: routine, keep: keep)
        case "stopIf": return .stopIf(try expression(&lexer))
        default: throw start.fail("expected a step, found \(start.found)")
        }
    }

    private mutating func run(_ lexer: inout Lexer) throws(SyntaxError) -> Step {
        let kernel = try number(of: "k", "a kernel such as k0", &lexer)
        try lexer.expectWord("phase")
        let phase = try lexer.integer("a phase")
        try lexer.expect("(")
        var operands: [Address] = []
        if try !lexer.take(")") {
            repeat { operands.append(try address(&lexer)) } while try lexer.take(",")
            try lexer.expect(")")
        }
        try lexer.expectWord("tasks")
        let from = try expression(&lexer)
        try lexer.expect("..<")
        let to = try expression(&lexer)
        return .run(kernel: kernel, phase: phase, from: from, to: to, operands: operands)
    }

    private mutating func address(_ lexer: inout Lexer) throws(SyntaxError) -> Address {
        let buffer = try number(of: "b", "a buffer such as b0", &lexer)
        guard try lexer.take("[") else { return Address(buffer: buffer) }
        let offset = try expression(&lexer)
        try lexer.expect("]")
        return Address(buffer: buffer, offset: offset)
    }

    private mutating func expression(_ lexer: inout Lexer) throws(SyntaxError) -> Expr {
        try scope.expression(&lexer).expr
    }

    private func scalar(_ lexer: inout Lexer) throws(SyntaxError) -> Int {
        let start = lexer
        guard let scalar = scalars[try lexer.word("a scalar")] else {
            throw start.fail("expected one of the program's scalars, found \(start.found)")
        }
        return scalar
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
