// Checks the memory plan of a simple program: two buffers that share arena bytes may not be in use at the same time.
// Placing them is the planner's duty; this is the independent check. It works on one lane without loops, branches
// and calls, where a buffer is in use from the first step that names it to the last.

/// The outcome of `Program.checkArena`.
package enum ArenaCheck: Hashable, Sendable {
    /// Conflicts by (first, second) buffer; empty when the plan is sound.
    case conflicts([ArenaConflict])
    /// Several lanes, or control flow: use `checkInterleavings`.
    case notStraightLine
}

extension Program {
    /// Compares every two arena buffers; quadratic in their number.
    package func checkArena() -> ArenaCheck {
        guard lanes.count == 1, let steps = lanes.first else { return .notStraightLine }
        var used = [ClosedRange<Int>?](repeating: nil, count: buffers.count)
        func use(_ buffer: Int, _ step: Int) {
            used[buffer] = used[buffer].map { $0.lowerBound...step } ?? step...step
        }
        for (index, step) in steps.enumerated() {
            switch step {
            case .run(_, _, _, _, let operands): for operand in operands { use(operand.buffer, index + 1) }
            case .load(_, let address, _): use(address.buffer, index + 1)
            case .publish, .wait, .set: break
            case .loop, .branch, .call, .stopIf: return .notStraightLine
            }
        }
        var conflicts: [ArenaConflict] = []
        for (first, a) in buffers.enumerated() {
            guard case .arena(let start) = a.place, let firstSteps = used[first] else { continue }
            for (second, b) in buffers.enumerated().dropFirst(first + 1) {
                guard case .arena(let other) = b.place, let secondSteps = used[second] else { continue }
                if start < other + b.bytes, other < start + a.bytes, firstSteps.overlaps(secondSteps) {
                    conflicts.append(
                        ArenaConflict(
                            first: first, second: second, firstSteps: firstSteps, secondSteps: secondSteps))
                }
            }
        }
        return .conflicts(conflicts)
    }
}
