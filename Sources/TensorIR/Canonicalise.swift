// The canonical form of a workload: equal computations become equal texts, however their tensors were named,
// ordered or reshaped. `canonicalise` is the list of steps; each is a function of the whole draft. The result keeps
// every parameter's and result's row-major bytes, so a call binds buffers by position and never moves data.
//
// In:  any verified workload.  Out: the canonical workload and, per canonical parameter and result, the position it
// had before. Idempotent: canonicalise(canonicalise(w).workload) changes nothing.

import Basics

package struct Canonical: Hashable, Sendable {
    package var workload: Workload
    /// `parameterSources[p]` is the position, before, of canonical parameter `p`.
    package var parameterSources: [Int]
    /// `resultSources[r]` is the position, in the results before, of canonical result `r`.
    package var resultSources: [Int]
}

package let workloadGrammarVersion = "workload/1"

extension Workload {
    /// SHA-256 of the grammar version and the text; the identity of a canonical workload.
    package var digest: Digest { Digest(of: workloadGrammarVersion + "\n" + text) }
}

/// Rounds of steps at most; a form that still changes after them is taken as it is.
private let canonicalRoundsMax = 8

package func canonicalise(_ workload: Workload) -> Canonical {
    // one step may open the way for an earlier one (a select decided by a split leaves dead code): go to the fixpoint
    var out = canonicalRound(workload)
    for _ in 1..<canonicalRoundsMax {
        let next = canonicalRound(out.workload)
        if next.workload == out.workload { break }
        out = Canonical(
            workload: next.workload, parameterSources: next.parameterSources.map { out.parameterSources[$0] },
            resultSources: next.resultSources.map { out.resultSources[$0] })
    }
    return out
}

private func canonicalRound(_ workload: Workload) -> Canonical {
    var draft = CanonicalDraft(workload)
    draft.simplify()
    draft.flattenParameters()
    draft.flattenDefinitions()
    draft.splitAxes()
    draft.dropUnitAxes()
    draft.foldCopies()
    draft.orderReductionAxes()
    draft.mergeAxes()
    draft.shapeParameters()
    draft.orderReductionAxes()
    draft.orderOperands()
    return draft.renumbered()
}

/// A workload under change, with the positions its parameters and results had.
struct CanonicalDraft {
    var workload: Workload
    let resultCount: Int

    init(_ workload: Workload) {
        self.workload = workload
        resultCount = workload.results.count
    }

    var firstDefinition: Int { workload.parameters.count }

    func simplifier(_ definition: Int) -> IndexSimplifier {
        IndexSimplifier(extents: workload.definitions[definition].axisExtents)
    }

    mutating func simplify() {
        for d in workload.definitions.indices { simplify(definition: d) }
    }

    mutating func simplify(definition d: Int) {
        let simplifier = simplifier(d)
        workload.definitions[d] = workload.definitions[d].mapExpressions(simplifier.simplify)
        if case .reduce(let reducer, let extents, .some(let condition), let e) = workload.definitions[d].body,
            condition == .literal(.boolean(true))
        {
            workload.definitions[d].body = .reduce(reducer, extents: extents, condition: nil, e)
        }
    }

    /// Rewrites the index list of every read of `slot`; the closure gets the reader and its index list.
    mutating func rewriteReads(of slot: Int, _ change: (Int, [Expr]) -> [Expr]) {
        for d in workload.definitions.indices where workload.definitions[d].reads(slot) {
            let simplifier = simplifier(d)
            workload.definitions[d] = workload.definitions[d].mapExpressions { e in
                e.rewritten { node in
                    guard case .read(slot, let indices) = node else { return node }
                    return .read(slot: slot, change(d, indices).map { simplifier.affine($0).expr })
                }
            }
        }
    }

    /// Every read of `slot`: the reading definition and its indices in sum form.
    func reads(of slot: Int) -> [(definition: Int, indices: [Affine])] {
        var out: [(Int, [Affine])] = []
        for d in workload.definitions.indices where workload.definitions[d].reads(slot) {
            let simplifier = simplifier(d)
            for e in workload.definitions[d].expressions {
                e.visit { node in
                    if case .read(slot, let indices) = node { out.append((d, indices.map(simplifier.affine))) }
                }
            }
        }
        return out
    }

    /// Post-order from the results: definitions renumbered, parameters by first use, dead code gone.
    func renumbered() -> Canonical {
        var slots: [Int: Int] = [:]
        var parameters: [Int] = []
        var definitions: [Int] = []
        func visit(_ slot: Int) {
            guard slots[slot] == nil else { return }
            guard slot >= firstDefinition else {
                slots[slot] = parameters.count
                parameters.append(slot)
                return
            }
            slots[slot] = -1
            for read in workload.definitions[slot - firstDefinition].slotsRead { visit(read) }
            definitions.append(slot)
        }
        let resultOrder = orderedResults()
        for r in resultOrder { visit(workload.results[r]) }
        for (n, slot) in definitions.enumerated() { slots[slot] = parameters.count + n }
        let final = slots
        let renumber = { (slot: Int) -> Int in
            guard let to = final[slot] else { preconditionFailure("slot \(slot) was not visited") }
            return to
        }
        let out = Workload(
            parameters: parameters.map { workload.parameters[$0] },
            definitions: definitions.map { workload.definitions[$0 - firstDefinition].renumbering(slots: renumber) },
            results: resultOrder.map { renumber(workload.results[$0]) })
        return Canonical(workload: out, parameterSources: parameters, resultSources: resultOrder)
    }
}
