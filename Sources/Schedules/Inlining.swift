// How large an expression becomes when the definitions it reads are inlined into it, as map, reduction and contraction
// templates do. A chain of n squares holds 2^n reads, and deep texts would not parse back: both end here.
// Input: a workload and its anchor. Output: the greatest size, compared with the limits below.

import TensorIR

/// Nodes of an inlined expression at most; index arithmetic counts.
package let inlinedNodesMax = 2048
/// Levels of an inlined expression at most, well below what a kernel's text may nest.
package let inlinedDepthMax = 48

extension Workload {
    /// Nodes of the first expression that inlining makes too large; `nil` when all fit. A definition alone inlines
    /// nothing and always fits. What the anchor computes is read from its accumulator.
    func nodesBeyondInlining(anchor: Int?) -> Int? {
        guard definitions.count > 1 else { return nil }
        var sizes: [(nodes: Int, depth: Int)] = []
        for (d, definition) in definitions.enumerated() {
            var whole = (nodes: 0, depth: 0)
            for e in definition.expressions {
                let size = inlinedSize(e, sizes)
                whole = (max(whole.nodes, size.nodes), max(whole.depth, size.depth))
            }
            if whole.nodes > inlinedNodesMax || whole.depth > inlinedDepthMax { return whole.nodes }
            sizes.append(d == anchor ? (1, 1) : whole)
        }
        return nil
    }

    private func inlinedSize(_ e: Expr, _ sizes: [(nodes: Int, depth: Int)]) -> (nodes: Int, depth: Int) {
        var nodes = 1
        var depth = 0
        if case .read(let slot, _) = e, slot >= parameters.count {
            let inner = sizes[slot - parameters.count]
            (nodes, depth) = inner
        }
        for child in e.children {
            let inner = inlinedSize(child, sizes)
            nodes = min(nodes + inner.nodes, inlinedNodesMax + 1)
            depth = max(depth, inner.depth)
        }
        return (nodes, depth + 1)
    }
}
