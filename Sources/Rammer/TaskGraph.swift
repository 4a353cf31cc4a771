// What Rammer schedules: calls in an order in which they can run, over buffers with a size and, for what the caller
// owns, a place. A call of a kernel is one rOperator per phase; tasks are its rTasks. A loop or branch whose course
// depends on data is a call too, one task that runs the calls inside of it. What a call costs is a value beside it,
// so that splitting is a function of values.

import Basics
import ProgramIR

package struct TaskGraph: Hashable, Sendable {
    package struct KernelType: Hashable, Sendable {
        package var use: KernelUse
        /// Bytes of scratch one lane needs while it runs this kernel.
        package var scratchBytes: Int
        /// Which operands the kernel writes; all others it reads.
        package var writes: [Bool]
        package init(use: KernelUse, scratchBytes: Int, writes: [Bool]) {
            self.use = use
            self.scratchBytes = scratchBytes
            self.writes = writes
        }
    }

    package struct Value: Hashable, Sendable {
        package var bytes: Int
        /// `nil` for an intermediate, which the memory plan places.
        package var place: ProgramBuffer.Place?
        package init(bytes: Int, place: ProgramBuffer.Place?) {
            self.bytes = bytes
            self.place = place
        }
    }

    package struct Call: Hashable, Sendable {
        package enum Work: Hashable, Sendable {
            case kernel(Int)
            /// `body` again and again, in order: at most as often as the value `tripCount` (i64) says, and while the
            /// value `goesOn` (bool), read before each round, is true.
            case loop(tripCount: Int?, goesOn: Int?, body: [Call])
            case branch(condition: Int, then: [Call], otherwise: [Call])
        }
        package var work: Work
        /// One value per operand of a kernel, in ABI order; of control flow every value that it touches, once.
        package var operands: [Int]
        /// Measured or predicted time of all tasks on one lane in nanoseconds; 0 when nobody knows.
        package var ns: Double

        package init(kernel: Int, operands: [Int], ns: Double = 0) {
            precondition(ns >= 0 && ns.isFinite, "a call takes a finite time")
            work = .kernel(kernel)
            self.operands = operands
            self.ns = ns
        }

        package init(loop body: [Call], tripCount: Int?, goesOn: Int?) {
            precondition(tripCount != nil || goesOn != nil, "a loop ends")
            work = .loop(tripCount: tripCount, goesOn: goesOn, body: body)
            operands = Call.touched([tripCount, goesOn].compactMap { $0 }, body)
            ns = 0
        }

        package init(branch condition: Int, then: [Call], otherwise: [Call]) {
            work = .branch(condition: condition, then: then, otherwise: otherwise)
            operands = Call.touched([condition], then + otherwise)
            ns = 0
        }

        private static func touched(_ first: [Int], _ calls: [Call]) -> [Int] {
            var seen: Set<Int> = []
            return (first + calls.flatMap(\.operands)).filter { seen.insert($0).inserted }
        }
    }

    package var kernels: [KernelType]
    package var values: [Value]
    package var calls: [Call]

    package init(kernels: [KernelType], values: [Value], calls: [Call]) {
        self.kernels = kernels
        self.values = values
        self.calls = calls
    }

    /// Whether `call` writes each of its operands.
    func writes(of call: Call) -> [Bool] {
        switch call.work {
        case .kernel(let kernel): return kernels[kernel].writes
        case .loop(_, _, let body): return written(call, body)
        case .branch(_, let then, let otherwise): return written(call, then + otherwise)
        }
    }

    private func written(_ call: Call, _ inner: [Call]) -> [Bool] {
        var written: Set<Int> = []
        for call in inner {
            for (value, isWritten) in zip(call.operands, writes(of: call)) where isWritten { written.insert(value) }
        }
        return call.operands.map(written.contains)
    }

    /// Tasks of each phase; control flow is one task, which one lane runs.
    func phases(of call: Call) -> [Int] {
        switch call.work {
        case .kernel(let kernel): kernels[kernel].use.phases
        case .loop, .branch: [1]
        }
    }
}
