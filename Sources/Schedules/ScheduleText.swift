// The schedule's text and its parser. Grammar in docs/formats/schedule.md.

import Basics
import DeviceModel

extension Schedule {
    package var text: String {
        var out = TextWriter()
        out.block("schedule for cpu.\(isa.rawValue)") { out in
            let layouts = interface.entries.map { " t\($0.slot) \($0.layout.rawValue)" }.joined()
            out.line("interface\(layouts)")
            out.line("algorithm \(algorithm.rawValue)")
            for prepare in prepares {
                switch prepare.form {
                case .columnPanels(let width): out.line("prepare t\(prepare.slot) columns \(width)")
                case .rowPanels(let height): out.line("prepare t\(prepare.slot) rows \(height)")
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
        var entries: [Interface.Entry] = []
        while lexer.token != .word("algorithm") {
            let slot = try lexer.slot()
            entries.append(.init(slot: slot, layout: try lexer.choice("layout")))
        }
        try lexer.expectWord("algorithm")
        let algorithm: Algorithm = try lexer.choice("algorithm")
        var prepares: [Prepare] = []
        while try lexer.takeWord("prepare") {
            let slot = try lexer.slot()
            let isColumns = try lexer.takeWord("columns")
            if !isColumns { try lexer.expectWord("rows") }
            let size = try lexer.positive("a panel size")
            prepares.append(
                Prepare(slot: slot, form: isColumns ? .columnPanels(width: size) : .rowPanels(height: size)))
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
            isa: isa, interface: Interface(entries: entries), algorithm: algorithm, prepares: prepares,
            connects: connects, nest: nest)
    }
}

extension Interface {
    /// One line, as in a schedule.
    package var text: String { entries.map { "t\($0.slot) \($0.layout.rawValue)" }.joined(separator: " ") }
}

extension Nest {
    var text: String {
        switch self {
        case .contraction(let nest):
            "contraction task(rows:\(nest.taskRowTiles), columns:\(nest.taskColumns)) depth:\(nest.depth) "
                + "micro(rows:\(nest.microRows), columns:\(nest.microColumns)) "
                + "a:\(nest.a.rawValue) b:\(nest.b.rawValue)"
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

extension ContractionNest {
    init(parsing lexer: inout Lexer) throws(SyntaxError) {
        func pair(_ name: String) throws(SyntaxError) -> (Int, Int) {
            try lexer.expectWord(name)
            try lexer.expect("(")
            let rows = try lexer.field("rows")
            try lexer.expect(",")
            let columns = try lexer.field("columns")
            try lexer.expect(")")
            return (rows, columns)
        }
        func source(_ name: String) throws(SyntaxError) -> OperandSource {
            try lexer.expectWord(name)
            try lexer.expect(":")
            return try lexer.choice("operand source")
        }
        let task = try pair("task")
        let depth = try lexer.field("depth")
        let micro = try pair("micro")
        self.init(
            microRows: micro.0, microColumns: micro.1, taskRowTiles: task.0, taskColumns: task.1, depth: depth,
            a: try source("a"), b: try source("b"))
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

    mutating func task() throws(SyntaxError) -> Int {
        try expectWord("task")
        try expect("(")
        let value = try positive("a task size")
        try expect(")")
        return value
    }
}
