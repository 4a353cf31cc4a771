// A tile's text and its parser: one line, every displacement spelled out.
//
//     tile 2x32 into b3[v1 * 64] rows 0 64 block 32 by 0 width 32, from zero,
//       a b0[v1 * 128] rows 0 128 step 1, b b1[0] stride 32, depth 128,
//       with b2[0] rows 0 0 block 32 by 0, value max(p0[] + p1[], 0.0)
//
// (as one line).

import Basics
import TensorIR

extension Tile {
    func text(_ names: ExprNames) -> String {
        func element(_ slot: Int, _ index: Expr) -> String { Expr.read(slot: slot, [index]).text(names) }
        func walk(_ walk: Walk) -> String {
            element(walk.slot, walk.index) + " rows " + walk.rows.map(String.init).joined(separator: " ")
                + " block \(walk.block) by \(walk.blockStride)"
        }
        let registers = ExprNames(slot: { "p\($0)" }, axis: { "v\($0)" })
        var out = "tile \(rows)x\(columns) into \(walk(into)) width \(stored)"
        out += ", from " + (from.map(walk) ?? "zero")
        out += ", a \(element(a, aIndex)) rows " + aRows.map(String.init).joined(separator: " ") + " step \(aStep)"
        out += ", b \(element(b, bIndex)) stride \(bStride), depth \(depth.text(names))"
        for run in inner { out += " of \(run.extent) step \(run.aStep)" }
        for operand in operands { out += ", with \(walk(operand))" }
        return out + ", value \(value.text(registers))"
    }
}

extension StatementParser {
    mutating func tile(_ lexer: inout Lexer) throws(SyntaxError) -> Tile {
        let (rows, columns) = try size(&lexer)
        try lexer.expectWord("into")
        let into = try walk(&lexer)
        let stored = try value(of: "width", &lexer)
        try lexer.expect(",")
        try lexer.expectWord("from")
        let from = try lexer.takeWord("zero") ? nil : try walk(&lexer)
        try lexer.expect(",")
        try lexer.expectWord("a")
        let (a, aIndex) = try element(&lexer)
        let aRows = try displacements(&lexer)
        let aStep = try value(of: "step", &lexer)
        try lexer.expect(",")
        try lexer.expectWord("b")
        let (b, bIndex) = try element(&lexer)
        let bStride = try value(of: "stride", &lexer)
        try lexer.expect(",")
        try lexer.expectWord("depth")
        let depth = try expression(&lexer)
        var inner: [Tile.Run] = []
        while try lexer.takeWord("of") {
            let extent = try lexer.integer("an extent")
            inner.append(Tile.Run(extent: extent, aStep: try value(of: "step", &lexer)))
        }
        try lexer.expect(",")
        var operands: [Tile.Walk] = []
        while try lexer.takeWord("with") {
            operands.append(try walk(&lexer))
            try lexer.expect(",")
        }
        try lexer.expectWord("value")
        var registers = ExprScope()
        for n in 0...operands.count { registers.tensors["p\(n)"] = ExprScope.Tensor(dtype: .f32, slot: n) }
        return Tile(
            rows: rows, columns: columns, stored: stored, a: a, aIndex: aIndex, aRows: aRows, aStep: aStep, b: b,
            bIndex: bIndex, bStride: bStride, depth: depth, inner: inner, from: from, into: into,
            operands: operands, value: try registers.expression(&lexer).expr)
    }

    private mutating func walk(_ lexer: inout Lexer) throws(SyntaxError) -> Tile.Walk {
        let (slot, index) = try element(&lexer)
        let rows = try displacements(&lexer)
        let block = try value(of: "block", &lexer)
        return Tile.Walk(
            slot: slot, index: index, rows: rows, block: block, blockStride: try value(of: "by", &lexer))
    }

    private func displacements(_ lexer: inout Lexer) throws(SyntaxError) -> [Int] {
        try lexer.expectWord("rows")
        var out: [Int] = []
        repeat { out.append(try lexer.integer("a displacement")) } while out.count < Tile.rowsMax && isNumber(lexer)
        return out
    }

    private func isNumber(_ lexer: Lexer) -> Bool {
        switch lexer.token {
        case .number: true
        case .mark(let mark): mark == "-"
        case .word, .string, .end: false
        }
    }
}
