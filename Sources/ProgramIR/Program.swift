// A program is what Rammer plans and a bundle runs: lanes of structured steps over kernels, buffers and counters.
// Every lane runs its own control flow on its own scalars; lanes meet only through counters, which never fall and of
// which each is published by one lane. Addresses, task ranges, loop bounds and counter values are expressions over
// scalars (`Expr.axis`, dtype i64); they read no tensor.
//
// Scalars: 0 is the depth of calls on this lane (0 in the lane itself; read-only), the others are variables, 0 at the
// start. Counters are 0 at the start of a run.

import Basics
import TensorIR

package struct Program: Hashable, Sendable {
    package var kernels: [KernelUse]
    package var buffers: [ProgramBuffer]
    /// Scalars per lane, scalar 0 (the call depth) included; at least 1.
    package var scalars: Int
    package var counters: Int
    /// Greatest call depth; a deeper call ends the run with an error. 0 if nothing calls.
    package var frames: Int
    package var routines: [[Step]]
    package var lanes: [[Step]]
    /// Bytes of the arena that `.arena` buffers lie in, shared by all lanes.
    package var arenaBytes: Int
    /// Bytes of task scratch of each lane.
    package var scratchBytes: Int

    package init(
        kernels: [KernelUse], buffers: [ProgramBuffer], scalars: Int, counters: Int, frames: Int, routines: [[Step]],
        lanes: [[Step]], arenaBytes: Int, scratchBytes: Int
    ) {
        self.kernels = kernels
        self.buffers = buffers
        self.scalars = scalars
        self.counters = counters
        self.frames = frames
        self.routines = routines
        self.lanes = lanes
        self.arenaBytes = arenaBytes
        self.scratchBytes = scratchBytes
    }

    /// The depth of calls, for addresses of stack frames: `frame bytes * depth`.
    package static let depth = Expr.axis(0)
}

/// A kernel as a program needs it.
package struct KernelUse: Hashable, Sendable {
    /// The identifier in generated code: `[a-z][a-z0-9_]{0,62}`.
    package var name: String
    /// Digest of the kernel's text.
    package var digest: Digest
    /// Tasks per phase.
    package var phases: [Int]
    /// Bytes of each operand, in ABI order.
    package var operandBytes: [Int]

    package init(name: String, digest: Digest, phases: [Int], operandBytes: [Int]) {
        self.name = name
        self.digest = digest
        self.phases = phases
        self.operandBytes = operandBytes
    }
}

package struct ProgramBuffer: Hashable, Sendable {
    package enum Place: Hashable, Sendable {
        /// The n-th input, output of the model.
        case input(Int)
        case output(Int)
        /// The n-th constant, prepared; the digest is that of its bytes.
        case constant(Int, Digest)
        case arena(offset: Int)

        /// An input or output of the model; these alone may have no element.
        package var isBorder: Bool {
            switch self {
            case .input, .output: true
            case .constant, .arena: false
            }
        }
    }
    package var bytes: Int
    package var place: Place

    package init(bytes: Int, place: Place) {
        self.bytes = bytes
        self.place = place
    }
}

/// `buffer` plus `offset` bytes.
package struct Address: Hashable, Sendable {
    package var buffer: Int
    package var offset: Expr

    package init(buffer: Int, offset: Expr = .integer(0)) {
        self.buffer = buffer
        self.offset = offset
    }
}

package indirect enum Step: Hashable, Sendable {
    /// Tasks `from ..< to` of one phase; one address per operand of the kernel.
    case run(kernel: Int, phase: Int, from: Expr, to: Expr, operands: [Address])
    /// `counter = value`, after everything this lane did so far is visible. Never below the counter's present value.
    case publish(counter: Int, Expr)
    /// Waits until `counter >= value`.
    case wait(counter: Int, Expr)
    /// `scalar = element`; the dtype is an integer or bool.
    case load(scalar: Int, Address, DType)
    case set(scalar: Int, Expr)
    /// `for (scalar = from; scalar < to; scalar += 1)`; both bounds are evaluated once. The body does not change
    /// `scalar`, which afterwards keeps the value at which the loop ended.
    case loop(scalar: Int, from: Expr, to: Expr, [Step])
    case branch(Expr, [Step], [Step])
    /// Runs a routine on this lane, one deeper. The scalars in `keep` get their values back when it returns; all
    /// others are shared with the caller, which is how arguments and results travel.
    case call(routine: Int, keep: [Int])
    /// Ends the innermost loop around this step in the same lane or routine if the condition holds.
    case stopIf(Expr)

    /// Visits every step of `steps` in the order of the text; routines are not followed.
    package static func visit(_ steps: [Step], _ body: (Step) -> Void) {
        for step in steps {
            body(step)
            switch step {
            case .run, .publish, .wait, .load, .set, .call, .stopIf: break
            case .loop(_, _, _, let inner): visit(inner, body)
            case .branch(_, let then, let otherwise):
                visit(then, body)
                visit(otherwise, body)
            }
        }
    }

    /// The expressions of this step itself, steps inside it excluded.
    package var expressions: [Expr] {
        switch self {
        case .run(_, _, let from, let to, let operands): [from, to] + operands.map(\.offset)
        case .publish(_, let e), .wait(_, let e), .set(_, let e), .stopIf(let e), .branch(let e, _, _): [e]
        case .load(_, let address, _): [address.offset]
        case .loop(_, let from, let to, _): [from, to]
        case .call: []
        }
    }
}
