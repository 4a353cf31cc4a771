// Where padding predicates hold. A line is cut at the borders of the run of positions on which every predicate that
// asks about the position alone is true: inside of it no predicate is left to ask.

import TensorIR

/// `0 ..< width` cut at the borders of its longest run of positions x on which every predicate on x alone holds.
func predicateSegments(_ samples: [Expr], _ x: Int, width: Int) -> [Range<Int>] {
    var predicates: Set<Expr> = []
    for sample in samples {
        sample.visit { node in
            guard case .select(let c, _, _) = node else { return }
            predicates.formUnion(atoms(c).filter { dependsOnlyOn($0, x) })
        }
    }
    guard !predicates.isEmpty else { return [0..<width] }
    let simplifier = IndexSimplifier(extents: [])
    let holds = (0..<width).map { position in
        predicates.allSatisfy { predicate in
            let at = predicate.rewritten { $0 == .axis(x) ? .integer(position) : $0 }
            return simplifier.simplify(at) == .literal(.boolean(true))
        }
    }
    var best = 0..<0
    var start: Int?
    for position in 0...width {
        if position < width, holds[position] {
            start = start ?? position
        } else if let from = start {
            if position - from > best.count { best = from..<position }
            start = nil
        }
    }
    return [0..<best.lowerBound, best, best.upperBound..<width].filter { !$0.isEmpty }
}

/// The predicates of `samples` that ask about variables, but not about `x` alone and about no element, in order.
func predicatesBeyond(_ x: Int, _ samples: [Expr]) -> [Expr] {
    var out: [Expr] = []
    for sample in samples {
        sample.visit { node in
            guard case .select(let c, _, _) = node else { return }
            for atom in atoms(c) where atom.slotsRead.isEmpty && !atom.usesAxis(in: x..<x + 1) && !out.contains(atom) {
                out.append(atom)
            }
        }
    }
    return out
}

func dependsOnlyOn(_ e: Expr, _ x: Int) -> Bool {
    var alone = e.usesAxis(in: x..<x + 1)
    e.visit { node in
        switch node {
        case .axis(let other): if other != x { alone = false }
        case .read: alone = false
        case .literal, .unary, .binary, .select, .cast: return
        }
    }
    return alone
}

func atoms(_ e: Expr) -> [Expr] {
    if case .binary(.and, let a, let b) = e { return atoms(a) + atoms(b) }
    return [e]
}

func conjunction(_ atoms: [Expr]) -> Expr? {
    guard let first = atoms.first else { return nil }
    return atoms.dropFirst().reduce(first) { .binary(.and, $0, $1) }
}
