// What may be wrong with a kernel (`KernelError`, found by `verify` without running it) and what may go wrong while
// the interpreter runs one (`KernelTrap`). Both carry facts only; KernelError+Message.swift has the sentences.

import Basics
import TensorIR

/// A broken invariant and where it stands.
package struct KernelError: Explained, Equatable {
    /// A phase and, counted from 1 in the order of the text, a statement of it; 0 is the phase itself.
    package struct Place: Hashable, Sendable {
        package var phase: Int
        package var statement: Int
        package init(phase: Int, statement: Int) {
            self.phase = phase
            self.statement = statement
        }
    }

    /// What an expression is for.
    package enum Purpose: String, Hashable, Sendable {
        case bound = "a loop bound"
        case binding = "a let"
        case index = "an index"
        case condition = "a condition"
        case value = "the stored value"
        case depth = "the depth of a contraction"
    }

    package enum Fault: Hashable, Sendable {
        case noPhase
        case emptyBuffer(slot: Int, elements: Int)
        case outputNeverWritten(slot: Int)
        case noTasks(Int)
        case variableOrder(found: Int, expected: Int)
        case variableUnknown(Int)
        case slotUnknown(Int)
        case scratchOrder(found: Int, expected: Int)
        case nestedAlloc(slot: Int)
        case emptyAlloc(slot: Int, elements: Int)
        case readOnly(slot: Int, Buffer.Role)
        case temporaryTooEarly(slot: Int)
        case step(Int)
        case nestedVector(variable: Int)
        case indexCount(slot: Int, Int)
        case dtype(Purpose, found: DType, expected: DType)
        case unary(UnaryOperator, DType)
        case binary(BinaryOperator, DType, DType)
        case select(DType, DType)
        case reducer(Reducer, DType)
        case reduceIntoOther(slot: Int, found: DType, expected: DType)
        case noReductionAxis
        case literal(Int64, DType)
        case depth(Purpose, Int)
        case nesting(Purpose, Int)
        case blocks(Int)
        case contractDType(slot: Int, DType)
        case contractTile(rows: Int, columns: Int)
        case contractStride(slot: Int, Int)
        case contractRowsOverlap(stride: Int, columns: Int)
        case contractAliases(slot: Int)
        /// The epilogue of a tile holds what registers cannot compute.
        case tileValue
    }

    package var fault: Fault
    /// `nil` where the fault is the kernel's or a buffer's.
    package var place: Place?
    /// Number of operands, so that slots print as `b<n>` and `s<n>`.
    package var operands: Int

    package init(_ fault: Fault, at place: Place?, operands: Int) {
        self.fault = fault
        self.place = place
        self.operands = operands
    }
}

/// The interpreter met something that has no meaning. `index` counts elements of `slot`.
package struct KernelTrap: Explained, Equatable {
    package enum Kind: Hashable, Sendable {
        case outOfBounds(elements: Int)
        /// Read before anything was written there.
        case uninitialised
        /// Written by two tasks of a phase, or written by one and read by another.
        case race(otherTask: Int?)
        /// Written by one iteration of a vector loop and touched by another.
        case vectorDependence(variable: Int)
        /// An element of an output that no task wrote; `task` is 0.
        case notWritten
    }
    package var kind: Kind
    package var phase: Int
    package var task: Int
    package var slot: Int
    package var index: Int
    /// Number of operands, so that slots print as `b<n>` and `s<n>`.
    package var operands: Int

    package init(_ kind: Kind, phase: Int, task: Int, slot: Int, index: Int, operands: Int) {
        self.kind = kind
        self.phase = phase
        self.task = task
        self.slot = slot
        self.index = index
        self.operands = operands
    }
}

/// `b<n>` for an operand, `s<n>` for a scratch buffer.
func slotName(_ slot: Int, operands: Int) -> String { (slot < operands ? "b" : "s") + String(slot) }
