// The schedule's text and its parser. Grammar in docs/formats/schedule.md.

import Basics
import DeviceModel

extension Schedule {
    package var text: String {
        var out = TextWriter()
        out.block("schedule for cpu.\(isa.rawValue)") { out in
            out.line(interface.entries.isEmpty ? "interface" : "interface \(interface.text)")
            out.line("algorithm \(algorithm.text)")
            for prepare in prepares {
                switch prepare.form {
                case .columnPanels(let width): out.line("prepare t\(prepare.slot) columns \(width)")
                case .rowPanels(let height): out.line("prepare t\(prepare.slot) rows \(height)")
                case .innermost(let axis): out.line("prepare t\(prepare.slot) innermost \(axis)")
                case .winograd(let form):
                    out.line("prepare t\(prepare.slot) winograd \(form.output) columns \(form.width)")
                }
            }
            for connect in connects { out.line("connect t\(connect.from) -> t\(connect.to) @\(connect.kind.rawValue)") }
            out.line("nest \(nest.text)")
        }
        return out.text
    }

    /// Digest of the text.
    package var digest: Digest { Digest(of: text) }

    /// Parses what `text` prints.
    package init(parsing text: String) throws(SyntaxError) {
        var lexer = try Lexer(text)
        try lexer.expectWord("schedule")
        try lexer.expectWord("for")
        let start = lexer
        let target = try lexer.word("a target such as cpu.avx512")
        guard target.hasPrefix("cpu."), let isa = ISA(rawValue: String(target.dropFirst(4))) else {
            throw start.fail("unknown target '\(escaped(target))'; use cpu.avx512, cpu.avx2 or cpu.plain")
        }
        try lexer.expect("{")
        try lexer.expectWord("interface")
        let interface = try Interface(parsing: &lexer)
        try lexer.expectWord("algorithm")
        let algorithm = try Algorithm(parsing: &lexer)
        var prepares: [Prepare] = []
        while try lexer.takeWord("prepare") {
            let slot = try lexer.slot()
            prepares.append(Prepare(slot: slot, form: try Prepare.Form(parsing: &lexer)))
        }
        var connects: [Connect] = []
        while try lexer.takeWord("connect") {
            let from = try lexer.slot()
            try lexer.expect("->")
            let to = try lexer.slot()
            try lexer.expect("@")
            connects.append(Connect(from: from, to: to, kind: try lexer.choice("connect kind")))
        }
        try lexer.expectWord("nest")
        let nest = try Nest(parsing: &lexer)
        try lexer.expect("}")
        guard lexer.token == .end else { throw lexer.fail("expected the end of the text, found \(lexer.found)") }
        self.init(
            isa: isa, interface: interface, algorithm: algorithm, prepares: prepares,
            connects: connects, nest: nest)
    }
}

extension Prepare.Form {
    init(parsing lexer: inout Lexer) throws(SyntaxError) {
        if try lexer.takeWord("innermost") {
            let start = lexer
            let axis = try lexer.integer("an axis")
            guard (0..<64).contains(axis) else { throw start.fail("\(axis) is no axis") }
            self = .innermost(axis: axis)
            return
        }
        if try lexer.takeWord("winograd") {
            let output = try lexer.positive("a number of outputs")
            try lexer.expectWord("columns")
            self = .winograd(.init(output: output, width: try lexer.positive("a panel size")))
            return
        }
        let isColumns = try lexer.takeWord("columns")
        if !isColumns { try lexer.expectWord("rows") }
        let size = try lexer.positive("a panel size")
        self = isColumns ? .columnPanels(width: size) : .rowPanels(height: size)
    }
}

extension Nest {
    var text: String {
        switch self {
        case .contraction(let nest):
            "contraction task(rows:\(nest.taskRowTiles), columns:\(nest.taskColumns)) depth:\(nest.depth) "
                + "micro(\(nest.microLines.map { "lines:\($0), " } ?? "")"
                + "rows:\(nest.microRows), columns:\(nest.microColumns)) outer:\(nest.outer.rawValue) "
                + "a:\(nest.a.rawValue) b:\(nest.b.rawValue)"
        case .winograd(let nest):
            "winograd task(lines:\(nest.tileLines), positions:\(nest.tilePositions)) "
                + "micro(rows:\(nest.microRows), columns:\(nest.microColumns))"
        case .rows(let rowsPerTask): "rows task(\(rowsPerTask))"
        case .reduceInner(let pointsPerTask): "reduceInner task(\(pointsPerTask))"
        case .reduceOuter(let linesPerTask, let unrolled):
            "reduceOuter task(\(linesPerTask))" + (unrolled ? " unrolled" : "")
        case .map(let linesPerTask): "map task(\(linesPerTask))"
        }
    }

    init(parsing lexer: inout Lexer) throws(SyntaxError) {
        let start = lexer
        let name = try lexer.word("a nest")
        switch name {
        case "contraction": self = .contraction(try ContractionNest(parsing: &lexer))
        case "winograd": self = .winograd(try WinogradNest(parsing: &lexer))
        case "rows": self = .rows(rowsPerTask: try lexer.task())
        case "reduceInner": self = .reduceInner(pointsPerTask: try lexer.task())
        case "reduceOuter":
            let lines = try lexer.task()
            self = .reduceOuter(linesPerTask: lines, unrolled: try lexer.takeWord("unrolled"))
        case "map": self = .map(linesPerTask: try lexer.task())
        default: throw start.fail("unknown nest '\(escaped(name))'")
        }
    }
}

extension Algorithm {
    init(parsing lexer: inout Lexer) throws(SyntaxError) {
        let start = lexer
        var text = try lexer.word("the name of an algorithm")
        if lexer.token == .mark("(") {
            try lexer.expect("(")
            let first = try lexer.integer("a number of outputs")
            try lexer.expect(",")
            let second = try lexer.integer("a filter's extent")
            try lexer.expect(")")
            text += "(\(first),\(second))"
        }
        guard let found = Algorithm(text: text) else { throw start.fail("unknown algorithm '\(escaped(text))'") }
        self = found
    }
}

extension WinogradNest {
    init(parsing lexer: inout Lexer) throws(SyntaxError) {
        let task = try lexer.fields("task", "lines", "positions")
        let micro = try lexer.fields("micro", "rows", "columns")
        self.init(
            tileLines: task.first, tilePositions: task.second, microRows: micro.first, microColumns: micro.second)
    }
}

extension ContractionNest {
    init(parsing lexer: inout Lexer) throws(SyntaxError) {
        func source(_ name: String) throws(SyntaxError) -> OperandSource {
            try lexer.expectWord(name)
            try lexer.expect(":")
            return try lexer.choice("operand source")
        }
        let task = try lexer.fields("task", "rows", "columns")
        let depth = try lexer.field("depth")
        let micro = try lexer.fields("micro", optional: "lines", "rows", "columns")
        try lexer.expectWord("outer")
        try lexer.expect(":")
        self.init(
            microLines: micro.optional, microRows: micro.first, microColumns: micro.second, taskRowTiles: task.first,
            taskColumns: task.second, depth: depth, outer: try lexer.choice("loop order"), a: try source("a"),
            b: try source("b"))
    }
}

extension Lexer {
    /// One word of a closed set.
    mutating func choice<Choice: RawRepresentable>(_ what: String) throws(SyntaxError) -> Choice
    where Choice.RawValue == String {
        let start = self
        let name = try word("the name of a \(what)")
        guard let choice = Choice(rawValue: name) else { throw start.fail("unknown \(what) '\(escaped(name))'") }
        return choice
    }

    /// `t7`.
    mutating func slot() throws(SyntaxError) -> Int {
        let start = self
        let name = try word("a tensor such as t0")
        guard name.first == "t", let slot = Int(name.dropFirst()), slot >= 0 else {
            throw start.fail("expected a tensor such as t0, found '\(escaped(name))'")
        }
        return slot
    }

    mutating func positive(_ what: String) throws(SyntaxError) -> Int {
        let start = self
        let value = try integer(what)
        guard value > 0 else { throw start.fail("\(what) must be positive") }
        return value
    }

    mutating func field(_ name: String) throws(SyntaxError) -> Int {
        try expectWord(name)
        try expect(":")
        return try positive(name)
    }

    /// `task(rows:4, columns:64)`, before them perhaps an optional one.
    mutating func fields(
        _ name: String, optional: String? = nil, _ first: String, _ second: String
    ) throws(SyntaxError) -> (optional: Int?, first: Int, second: Int) {
        try expectWord(name)
        try expect("(")
        var extra: Int?
        if let optional, token == .word(optional) {
            extra = try field(optional)
            try expect(",")
        }
        let value = try field(first)
        try expect(",")
        let other = try field(second)
        try expect(")")
        return (extra, value, other)
    }

    mutating func task() throws(SyntaxError) -> Int {
        try expectWord("task")
        try expect("(")
        let value = try positive("a task size")
        try expect(")")
        return value
    }
}
