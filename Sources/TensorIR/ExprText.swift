// Expressions as text: infix with as few parentheses as the precedence allows, other operators as functions. Binding
// from loose to tight: `||`, `&&`, comparisons (which do not chain), `+ -`, `* / %`, then unary `-` and `!`. `/` is
// `divide` for floats and `floorDivide` for integers. Index arithmetic inside `[...]` stands without spaces.
// `-3` is the literal minus three; the operator applied to the literal three is `-(3)`.

package enum ExprLimits {
    /// Brackets and prefix operators around one another in the text.
    package static let nestingMax = 64
    /// Levels of the tree; a chain `a + b + …` of n terms has n.
    package static let depthMax = 512
}

/// How slots and axes are spelled: `t0`, `%4`, `i1`, whatever the surrounding text declares.
package struct ExprNames {
    package var slot: (Int) -> String
    package var axis: (Int) -> String

    package init(slot: @escaping (Int) -> String, axis: @escaping (Int) -> String) {
        self.slot = slot
        self.axis = axis
    }

    /// The canonical names of a definition: slots t0…, space axes i0…, reduction axes r0….
    package static func canonical(rank: Int) -> ExprNames {
        ExprNames(slot: { "t\($0)" }, axis: { canonicalAxis($0, rank: rank) })
    }

    package static func canonicalAxis(_ axis: Int, rank: Int) -> String {
        axis < rank ? "i\(axis)" : "r\(axis - rank)"
    }
}

extension Expr: CustomStringConvertible {
    package func text(_ names: ExprNames) -> String {
        var writer = ExprWriter(names: names)
        writer.write(self)
        return writer.out
    }

    /// For people: axes a0, a1, … whatever their kind.
    package var description: String { text(ExprNames(slot: { "t\($0)" }, axis: { "a\($0)" })) }

    /// Brackets and prefix operators around one another in this expression's text.
    package var nesting: Int {
        var writer = ExprWriter(names: ExprNames(slot: { _ in "" }, axis: { _ in "" }))
        writer.write(self)
        return writer.deepest
    }

    /// Levels of the tree.
    package var depth: Int { 1 + (children.map(\.depth).max() ?? 0) }
}

extension UnaryOperator {
    /// The function name; `nil` for the prefix operators.
    var functionName: String? {
        switch self {
        case .negate, .not: nil
        case .absolute: "abs"
        case .sign, .floor, .ceil, .round, .exp, .log, .sqrt, .sin, .cos, .tanh, .erf, .asin, .acos, .atan, .bitNot,
            .isNaN:
            rawValue
        }
    }

    static let named = Dictionary(uniqueKeysWithValues: allCases.compactMap { op in op.functionName.map { ($0, op) } })
}

/// How tightly an infix operator binds.
enum Precedence: Int, Comparable {
    case any, or, and, comparison, sum, product, prefix

    static func < (a: Precedence, b: Precedence) -> Bool { a.rawValue < b.rawValue }
    var next: Precedence { Precedence(rawValue: rawValue + 1) ?? .prefix }
}

extension BinaryOperator {
    /// The mark and its precedence; `nil` for what is written as a function.
    var infix: (mark: String, precedence: Precedence)? {
        switch self {
        case .or: ("||", .or)
        case .and: ("&&", .and)
        case .equal: ("==", .comparison)
        case .notEqual: ("!=", .comparison)
        case .less: ("<", .comparison)
        case .lessOrEqual: ("<=", .comparison)
        case .greater: (">", .comparison)
        case .greaterOrEqual: (">=", .comparison)
        case .add: ("+", .sum)
        case .subtract: ("-", .sum)
        case .multiply: ("*", .product)
        case .divide, .floorDivide: ("/", .product)
        case .floorModulo: ("%", .product)
        case .truncDivide, .truncRemainder, .floatRemainder, .power, .maximum, .minimum, .bitAnd, .bitOr, .bitXor,
            .shiftLeft, .shiftRight:
            nil
        }
    }

    var functionName: String? {
        switch self {
        case .truncDivide: "truncDiv"
        case .truncRemainder: "truncRem"
        case .floatRemainder: "fmod"
        case .power: "pow"
        case .maximum: "max"
        case .minimum: "min"
        case .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight: rawValue
        case .add, .subtract, .multiply, .divide, .floorDivide, .floorModulo, .equal, .notEqual, .less, .lessOrEqual,
            .greater, .greaterOrEqual, .and, .or:
            nil
        }
    }

    static let named = Dictionary(uniqueKeysWithValues: allCases.compactMap { op in op.functionName.map { ($0, op) } })

    /// The infix operators by mark; `/` stands as `divide` and is `floorDivide` when its operands are integers.
    static let marked: [String: (op: BinaryOperator, precedence: Precedence)] = {
        var out: [String: (op: BinaryOperator, precedence: Precedence)] = [:]
        for op in allCases where op != .floorDivide {
            if let (mark, precedence) = op.infix { out[mark] = (op, precedence) }
        }
        return out
    }()
}

private struct ExprWriter {
    let names: ExprNames
    var out = ""
    var deepest = 0
    private var nesting = 0
    private var inIndex = false

    init(names: ExprNames) { self.names = names }

    mutating func write(_ expr: Expr, atLeast precedence: Precedence = .any) {
        switch expr {
        case .literal(let literal): out += literal.text
        case .axis(let axis): out += names.axis(axis)
        case .read(let slot, let indices):
            out += names.slot(slot)
            let outer = inIndex
            inIndex = true
            bracket("[", "]") { writer in writer.write(list: indices, separator: ",") }
            inIndex = outer
        case .unary(let op, let a):
            if let name = op.functionName {
                out += name
                bracket("(", ")") { writer in writer.write(a) }
            } else {
                write(prefix: op == .not ? "!" : "-", a)
            }
        case .binary(let op, let a, let b):
            if let (mark, own) = op.infix {
                if own < precedence {
                    bracket("(", ")") { writer in writer.write(mark, own, a, b) }
                } else {
                    write(mark, own, a, b)
                }
            } else if let name = op.functionName {
                out += name
                bracket("(", ")") { writer in writer.write(list: [a, b], separator: ", ") }
            }
        case .select(let condition, let a, let b):
            bracket("(", ")") { writer in
                writer.write(condition)
                writer.out += " ? "
                writer.write(a)
                writer.out += " : "
                writer.write(b)
            }
        case .cast(let dtype, let a):
            out += dtype.rawValue
            bracket("(", ")") { writer in writer.write(a) }
        }
    }

    private mutating func write(_ mark: String, _ own: Precedence, _ a: Expr, _ b: Expr) {
        write(a, atLeast: own == .comparison ? own.next : own)
        out += inIndex && own >= .sum ? mark : " " + mark + " "
        write(b, atLeast: own.next)
    }

    private mutating func write(prefix: String, _ a: Expr) {
        nest { writer in
            writer.out += prefix
            if case .literal = a {
                writer.bracket("(", ")") { inner in inner.write(a) }
            } else {
                writer.write(a, atLeast: .prefix)
            }
        }
    }

    private mutating func write(list: [Expr], separator: String) {
        for (position, item) in list.enumerated() {
            if position > 0 { out += separator }
            write(item)
        }
    }

    private mutating func bracket(_ open: String, _ close: String, _ body: (inout ExprWriter) -> Void) {
        out += open
        nest(body)
        out += close
    }

    private mutating func nest(_ body: (inout ExprWriter) -> Void) {
        nesting += 1
        deepest = max(deepest, nesting)
        body(&self)
        nesting -= 1
    }
}
