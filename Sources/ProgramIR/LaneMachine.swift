// Walks one lane: control flow and scalars are done here, everything that touches memory or other lanes is handed
// out as an action. Input: a verified program. The machine stops in front of an action until it is asked for the
// next one, which is what lets a scheduler interleave lanes.

import TensorIR

/// One `run` step with its expressions evaluated.
package struct PhaseCall: Hashable, Sendable {
    package struct Operand: Hashable, Sendable {
        package var buffer: Int
        /// Bytes from the buffer's start.
        package var offset: Int
        package init(buffer: Int, offset: Int) {
            self.buffer = buffer
            self.offset = offset
        }
    }
    package var lane: Int
    package var kernel: Int
    package var phase: Int
    package var tasks: Range<Int>
    package var operands: [Operand]

    package init(lane: Int, kernel: Int, phase: Int, tasks: Range<Int>, operands: [Operand]) {
        self.lane = lane
        self.kernel = kernel
        self.phase = phase
        self.tasks = tasks
        self.operands = operands
    }
}

struct LaneMachine {
    enum Action {
        case run(kernel: Int, phase: Int, from: Int64, to: Int64, buffers: [Int], offsets: [Int64])
        case publish(counter: Int, Int64)
        case wait(counter: Int, Int64)
        case load(scalar: Int, buffer: Int, offset: Int64, DType)
    }

    private enum Kind {
        case block
        case loop(scalar: Int, end: Int64)
        case call(kept: [(scalar: Int, value: Int64)])
    }

    private struct Frame {
        var kind: Kind
        var steps: [Step]
        var at = 0
    }

    let lane: Int
    private let routines: [[Step]]
    private let framesMax: Int
    private var stack: [Frame]
    private(set) var scalars: [Int64]

    init(_ program: Program, lane: Int) {
        self.lane = lane
        routines = program.routines
        framesMax = program.frames
        stack = [Frame(kind: .block, steps: program.lanes[lane])]
        scalars = [Int64](repeating: 0, count: program.scalars)
    }

    /// Where the lane is: the position in each open block, outermost first, counted from 1.
    var path: [Int] { stack.map(\.at) }

    mutating func setScalar(_ scalar: Int, _ value: Int64) { scalars[scalar] = value }

    func trap(_ kind: ProgramTrap.Kind) -> ProgramTrap { ProgramTrap(kind, lane: lane, path: path) }

    /// Goes on to the next action; `nil` when the lane has ended. Takes one from `budget` per step passed
    /// and per end of a block, so that an empty loop is bounded too.
    mutating func next(budget: inout Int, limit: Int) throws(ProgramTrap) -> Action? {
        while let top = stack.indices.last {
            let ended = stack[top].at == stack[top].steps.count
            if !ended { stack[top].at += 1 }
            guard budget > 0 else { throw trap(.tooManySteps(limit: limit)) }
            budget -= 1
            if ended {
                endFrame(top)
                continue
            }
            let step = stack[top].steps[stack[top].at - 1]
            switch step {
            case .run(let kernel, let phase, let from, let to, let operands):
                return .run(
                    kernel: kernel, phase: phase, from: value(from), to: value(to), buffers: operands.map(\.buffer),
                    offsets: operands.map { value($0.offset) })
            case .publish(let counter, let e): return .publish(counter: counter, value(e))
            case .wait(let counter, let e): return .wait(counter: counter, value(e))
            case .load(let scalar, let address, let dtype):
                return .load(scalar: scalar, buffer: address.buffer, offset: value(address.offset), dtype)
            case .set(let scalar, let e): scalars[scalar] = value(e)
            case .loop(let scalar, let from, let to, let body):
                let (first, end) = (value(from), value(to))
                scalars[scalar] = first
                if first < end { stack.append(Frame(kind: .loop(scalar: scalar, end: end), steps: body)) }
            case .branch(let condition, let then, let otherwise):
                stack.append(Frame(kind: .block, steps: value(condition) != 0 ? then : otherwise))
            case .call(let routine, let keep): try call(routine, keep)
            case .stopIf(let condition): if value(condition) != 0 { stopLoop() }
            }
        }
        return nil
    }

    private func value(_ expr: Expr) -> Int64 { evaluate(expr, scalars) }

    /// The block at the top of the stack has no more steps: a loop goes round, a call returns.
    private mutating func endFrame(_ top: Int) {
        switch stack[top].kind {
        case .block: stack.removeLast()
        case .loop(let scalar, let end):
            scalars[scalar] += 1
            if scalars[scalar] < end {
                stack[top].at = 0
            } else {
                stack.removeLast()
            }
        case .call(let kept):
            for (scalar, value) in kept { scalars[scalar] = value }
            scalars[0] -= 1
            stack.removeLast()
        }
    }

    private mutating func call(_ routine: Int, _ keep: [Int]) throws(ProgramTrap) {
        guard scalars[0] < Int64(framesMax) else { throw trap(.callsTooDeep(routine: routine, frames: framesMax)) }
        let kept = keep.map { (scalar: $0, value: scalars[$0]) }
        scalars[0] += 1
        stack.append(Frame(kind: .call(kept: kept), steps: routines[routine]))
    }

    private mutating func stopLoop() {
        while let frame = stack.popLast() {
            switch frame.kind {
            case .block: continue
            case .loop: return
            case .call: preconditionFailure("the program is not verified: a stopIf outside any loop")
            }
        }
        preconditionFailure("the program is not verified: a stopIf outside any loop")
    }
}
