// Gives variables and scratch slots the numbers that the text wants: by first appearance, per phase. A builder may
// therefore hand out any numbers it likes, also the same one in blocks that do not see each other, and call this
// last. Before: `for v9 … { let v4 = v9 * 2 }`; after: `for v1 … { let v2 = v1 * 2 }`.

import TensorIR

extension Kernel {
    /// The same kernel in canonical numbering; a variable or slot that nothing introduces keeps its number.
    package func renumbered() -> Kernel {
        var out = self
        for index in phases.indices {
            var renumbering = Renumbering(operands: buffers.count)
            out.phases[index].body = renumbering.apply(phases[index].body)
        }
        return out
    }
}

private struct Renumbering {
    private var variables: [Int: Int] = [:]
    private var slots: [Int: Int] = [:]
    private var nextVariable = 1
    private var nextSlot: Int

    init(operands: Int) { nextSlot = operands }

    mutating func apply(_ body: [Statement]) -> [Statement] {
        let outside = variables
        let out = body.map { apply($0) }
        variables = outside
        return out
    }

    private mutating func apply(_ statement: Statement) -> Statement {
        switch statement {
        case .bind(let variable, let value):
            let moved = expr(value)
            return .bind(variable: introduce(variable), moved)
        case .loop(let variable, let from, let to, let step, let vector, let inner):
            let (low, high, outside) = (expr(from), expr(to), variables)
            let fresh = introduce(variable)
            let body = apply(inner)
            variables = outside
            return .loop(variable: fresh, from: low, to: high, step: step, vector: vector, body)
        case .alloc(let old, let dtype, let elements):
            slots[old] = nextSlot
            nextSlot += 1
            return .alloc(slot: slot(old), dtype, elements: elements)
        case .map(let target, let index, let value):
            return .map(slot: slot(target), index: expr(index), value: expr(value))
        case .reduce(let reduce): return .reduce(apply(reduce))
        case .contract(var c):
            (c.acc, c.a, c.b) = (slot(c.acc), slot(c.a), slot(c.b))
            (c.accIndex, c.aIndex, c.bIndex) = (expr(c.accIndex), expr(c.aIndex), expr(c.bIndex))
            c.depth = expr(c.depth)
            return .contract(c)
        case .tile(let tile): return .tile(apply(tile))
        case .when(let condition, let inner): return .when(expr(condition), apply(inner))
        }
    }

    private func apply(_ tile: Tile) -> Tile {
        func moved(_ walk: Tile.Walk) -> Tile.Walk {
            var out = walk
            (out.slot, out.index) = (slot(walk.slot), expr(walk.index))
            return out
        }
        var out = tile
        (out.a, out.b) = (slot(tile.a), slot(tile.b))
        (out.aIndex, out.bIndex, out.depth) = (expr(tile.aIndex), expr(tile.bIndex), expr(tile.depth))
        (out.from, out.into, out.operands) = (tile.from.map(moved), moved(tile.into), tile.operands.map(moved))
        return out
    }

    private mutating func apply(_ reduce: Reduce) -> Reduce {
        var out = reduce
        (out.slot, out.index) = (slot(reduce.slot), expr(reduce.index))
        let outside = variables
        out.axes = []
        for axis in reduce.axes {
            let (from, to) = (expr(axis.from), expr(axis.to))
            out.axes.append(Reduce.Axis(variable: introduce(axis.variable), from: from, to: to))
        }
        out.condition = reduce.condition.map(expr)
        out.value = expr(reduce.value)
        variables = outside
        return out
    }

    private mutating func introduce(_ variable: Int) -> Int {
        defer { nextVariable += 1 }
        variables[variable] = nextVariable
        return nextVariable
    }

    private func slot(_ old: Int) -> Int { slots[old] ?? old }

    private func expr(_ e: Expr) -> Expr {
        e.rewritten { node in
            switch node {
            case .axis(let variable): .axis(variables[variable] ?? variable)
            case .read(let old, let indices): .read(slot: slot(old), indices)
            case .literal, .unary, .binary, .select, .cast: node
            }
        }
    }
}
