// One line of an unrolled reduction (depthwise convolution, pooling). The terms are spelled out; what their padding
// predicates ask is taken out of the vector loop wherever it can be:
//
//  - predicates that do not depend on the position x in the line guard a whole group of terms (`if`), because a term
//    whose predicate fails adds the reducer's identity;
//  - predicates on x alone hold on one inner segment of the line, which becomes a loop without any; the few positions
//    before and after it keep theirs.

import KernelIR
import Schedules
import TensorIR

struct UnrolledLine {
    let reducer: Reducer
    let identity: Expr
    let width: Int
    let acc: Int
    let terms: Int
    /// Term number n at position x, over buffers and variables.
    let term: (_ builder: KernelBuilder, _ n: Int, _ x: Expr) -> Expr

    /// Statements that leave the reduced line in `acc`.
    func statements(_ builder: inout KernelBuilder) -> [Statement] {
        var probe = builder
        let x = probe.variable(below: width)
        let samples = (0..<terms).map { term(probe, $0, .axis(x)) }
        let groups = grouped(samples, x)
        let segments = predicateSegments(samples, x, width: width)
        var out: [Statement] = []
        if groups.first?.guards.isEmpty != true {
            out += builder.loop(width, vector: true) { _, x in [.map(slot: acc, index: x, value: identity)] }
        }
        for (n, group) in groups.enumerated() {
            let isFirst = n == 0 && group.guards.isEmpty
            var body: [Statement] = []
            for segment in segments {
                body += builder.loop(segment.count, vector: true) { builder, v in
                    let at = builder.simplified(v + .integer(segment.lowerBound))
                    var sum: Expr? = isFirst ? nil : .read(slot: acc, [at])
                    for t in group.terms {
                        let next = builder.simplified(assuming(group.guards, term(builder, t, at)))
                        if isIdentity(next) { continue }
                        sum = sum.map { .binary(reducer.combine, $0, next) } ?? next
                    }
                    return [.map(slot: acc, index: at, value: sum ?? identity)]
                }
            }
            if let condition = conjunction(group.guards) {
                out.append(.when(condition, body))
            } else {
                out += body
            }
        }
        return out
    }

    private struct Group {
        var guards: [Expr]
        var terms: [Int]
    }

    /// Terms by the x-independent predicates that all of their effect depends on, unguarded ones first.
    private func grouped(_ samples: [Expr], _ x: Int) -> [Group] {
        var groups: [Group] = []
        for (n, sample) in samples.enumerated() {
            let guards = invariantGuards(sample, x)
            if let at = groups.firstIndex(where: { $0.guards == guards }) {
                groups[at].terms.append(n)
            } else {
                groups.append(Group(guards: guards, terms: [n]))
            }
        }
        return groups.filter(\.guards.isEmpty) + groups.filter { !$0.guards.isEmpty }
    }

    private func invariantGuards(_ sample: Expr, _ x: Int) -> [Expr] {
        var conditions: [Expr] = []
        sample.visit { node in
            if case .select(let c, _, _) = node { conditions.append(c) }
        }
        guard conditions.count == 1 else { return [] }
        // failing the predicate must leave the reduction as it is
        let failed = sample.rewritten { node in
            if case .select(_, _, let otherwise) = node { return otherwise }
            return node
        }
        guard isIdentity(failed) else { return [] }
        return atoms(conditions[0]).filter { !$0.usesAxis(in: x..<x + 1) }
    }

    private func isIdentity(_ e: Expr) -> Bool {
        if e == identity { return true }
        guard reducer == .sum, case .binary(.multiply, let a, let b) = e else { return false }
        return a == identity || b == identity
    }

    private func assuming(_ known: [Expr], _ e: Expr) -> Expr {
        guard !known.isEmpty else { return e }
        return e.rewritten { known.contains($0) ? .literal(.boolean(true)) : $0 }
    }
}
