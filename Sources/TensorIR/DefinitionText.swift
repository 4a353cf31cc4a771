// Types and definitions as text. A definition is its dtype, the names and extents of its axes, and its body:
//   f32[i0:128,i1:3072] = sum(r0:768 where r0 <= i0) t0[i0,r0] * t1[r0,i1]
//   f32[i0:128] = { [0..<64] t0[i0]; [64..<128] t1[i0-64] }
// Printed axes are i0…, r0…; a parsed text may call them anything, they count by position.

import Basics

extension TensorType: CustomStringConvertible {
    package var description: String { dtype.rawValue + "[" + shape.map(String.init).joined(separator: ",") + "]" }
}

extension Definition: CustomStringConvertible {
    package var description: String { text { "t\($0)" } }

    /// The canonical text, with slots spelled by `slot`.
    package func text(slot: @escaping (Int) -> String) -> String { headText + " = " + bodyText(slot: slot) }

    /// `f32[i0:128,i1:3072]`
    var headText: String {
        let axes = type.shape.enumerated().map { "i\($0.offset):\($0.element)" }
        return type.dtype.rawValue + "[" + axes.joined(separator: ",") + "]"
    }

    func bodyText(slot: @escaping (Int) -> String) -> String {
        let rank = type.rank
        let names = ExprNames(slot: slot, axis: { ExprNames.canonicalAxis($0, rank: rank) })
        switch body {
        case .map(let value): return value.text(names)
        case .reduce(let reducer, let extents, let condition, let value):
            var head = extents.enumerated().map { "r\($0.offset):\($0.element)" }.joined(separator: ",")
            if let condition { head += (head.isEmpty ? "" : " ") + "where " + condition.text(names) }
            return reducer.rawValue + "(" + head + ") " + value.text(names)
        case .pieces(let pieces):
            if pieces.isEmpty { return "{ }" }
            let texts = pieces.map { piece in
                "[" + piece.box.map { "\($0.lowerBound)..<\($0.upperBound)" }.joined(separator: ", ") + "] "
                    + piece.value.text(names)
            }
            return "{ " + texts.joined(separator: "; ") + " }"
        }
    }
}

extension Lexer {
    package mutating func dtype() throws(SyntaxError) -> DType {
        guard case .word(let word) = token, let dtype = DType(rawValue: word) else {
            throw fail("expected a dtype, found \(found)")
        }
        try advance()
        return dtype
    }

    /// `f32[128,768]`
    package mutating func tensorType() throws(SyntaxError) -> TensorType {
        let dtype = try dtype()
        var shape: [Int] = []
        try expect("[")
        if try !take("]") {
            repeat { shape.append(try integer("an extent")) } while try take(",")
            try expect("]")
        }
        return TensorType(dtype, shape)
    }

    /// `f32[i0:128,i1:3072]`; declares the axes.
    mutating func definitionHead(_ scope: inout ExprScope) throws(SyntaxError) -> TensorType {
        let dtype = try dtype()
        try expect("[")
        return TensorType(dtype, try declaredAxes(until: "]", &scope))
    }

    /// `i0:128,i1:3072` up to `close`, which is taken.
    mutating func declaredAxes(until close: String, _ scope: inout ExprScope) throws(SyntaxError) -> [Int] {
        var extents: [Int] = []
        if try take(close) { return extents }
        repeat {
            extents.append(try declaredAxis(&scope))
        } while try take(",")
        try expect(close)
        return extents
    }

    private mutating func declaredAxis(_ scope: inout ExprScope) throws(SyntaxError) -> Int {
        let start = self
        try scope.declareAxis(try word("the name of an axis"), start)
        try expect(":")
        return try integer("an extent")
    }

    /// What follows the `=` of a definition of `type`, whose axes `scope` knows.
    mutating func definitionBody(
        _ type: TensorType, _ scope: inout ExprScope
    ) throws(SyntaxError) -> Definition {
        if token == .mark("{") { return Definition(type: type, body: .pieces(try pieces(&scope))) }
        guard let reducer = try reducer() else {
            return Definition(type: type, body: .map(try scope.expression(&self).expr))
        }
        var extents: [Int] = []
        var condition: Expr?
        while token != .mark(")"), token != .word("where") {
            extents.append(try declaredAxis(&scope))
            if try !take(",") { break }
        }
        if try takeWord("where") { condition = try scope.expression(&self).expr }
        try expect(")")
        let value = try scope.expression(&self).expr
        return Definition(type: type, body: .reduce(reducer, extents: extents, condition: condition, value))
    }

    /// Takes `sum(`, or `max(` when axes follow; `max(a, b)` is an expression and stays.
    private mutating func reducer() throws(SyntaxError) -> Reducer? {
        guard case .word(let word) = token, let reducer = Reducer(rawValue: word) else { return nil }
        var ahead = self
        try ahead.advance()
        guard try ahead.take("(") else { return nil }
        let inside = ahead
        if try !ahead.take(")"), try !ahead.takeWord("where") {
            guard case .word = ahead.token else { return nil }
            try ahead.advance()
            guard ahead.token == .mark(":") else { return nil }
        }
        self = inside
        return reducer
    }

    private mutating func pieces(_ scope: inout ExprScope) throws(SyntaxError) -> [Piece] {
        try expect("{")
        var out: [Piece] = []
        if try take("}") { return out }
        repeat {
            try expect("[")
            var box: [Range<Int>] = []
            if try !take("]") {
                repeat {
                    let low = try integer("the start of a range")
                    try expect("..<")
                    let start = self
                    let high = try integer("the end of a range")
                    guard low <= high else { throw start.fail("the range \(low)..<\(high) runs backwards") }
                    box.append(low..<high)
                } while try take(",")
                try expect("]")
            }
            out.append(Piece(box: box, value: try scope.expression(&self).expr))
        } while try take(";")
        try expect("}")
        return out
    }
}
