// What Rammer schedules: kernel calls in an order in which they can run, over buffers with a size and, for what the
// caller owns, a place. A call is one rOperator per phase; tasks are its rTasks. What a call costs is a value beside
// it, so that splitting is a function of values.

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

    package struct KernelCall: Hashable, Sendable {
        package var kernel: Int
        /// One value per operand, in ABI order.
        package var operands: [Int]
        /// Measured or predicted time of all tasks on one lane in nanoseconds; 0 when nobody knows.
        package var ns: Double
        package init(kernel: Int, operands: [Int], ns: Double = 0) {
            precondition(ns >= 0 && ns.isFinite, "a call takes a finite time")
            self.kernel = kernel
            self.operands = operands
            self.ns = ns
        }
    }

    package var kernels: [KernelType]
    package var values: [Value]
    package var calls: [KernelCall]

    package init(kernels: [KernelType], values: [Value], calls: [KernelCall]) {
        self.kernels = kernels
        self.values = values
        self.calls = calls
    }
}
