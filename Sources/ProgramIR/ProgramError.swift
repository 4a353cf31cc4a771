// What may be wrong with a program (`ProgramError`, found by `verify`) and what may go wrong while one is
// interpreted or its interleavings are explored (`ProgramTrap`). Facts only; ProgramError+Message.swift renders.

import Basics
import TensorIR

package struct ProgramError: Explained, Equatable {
    package enum Body: Hashable, Sendable {
        case lane(Int)
        case routine(Int)
    }

    /// A body and, counted from 1 in the order of the text, a step of it.
    package struct Place: Hashable, Sendable {
        package var body: Body
        package var step: Int
        package init(body: Body, step: Int) {
            self.body = body
            self.step = step
        }
    }

    package enum Purpose: String, Hashable, Sendable {
        case tasks = "a task range"
        case offset = "an address"
        case counter = "a counter value"
        case scalar = "a scalar's value"
        case bound = "a loop bound"
        case condition = "a condition"
    }

    package enum Fault: Hashable, Sendable {
        case noLane
        case scalarCount(Int)
        case negativeSize(String, Int)
        case kernelName(String)
        case kernelNameTwice(String)
        case kernelPhases(kernel: Int)
        case kernelOperand(kernel: Int, operand: Int, bytes: Int)
        case bufferBytes(buffer: Int, Int)
        case bufferPlace(buffer: Int, Int)
        case bufferOutsideArena(buffer: Int, end: Int, arenaBytes: Int)
        case constantDiffers(constant: Int)
        case unknown(Entity, Int, count: Int)
        case operandCount(kernel: Int, found: Int, expected: Int)
        case tasksOutside(kernel: Int, phase: Int, from: Int64, to: Int64, tasks: Int)
        case addressOutside(buffer: Int, offset: Int64, bytes: Int, bufferBytes: Int)
        case depthChanged
        case loopScalarChanged(scalar: Int)
        case keptTwice(scalar: Int)
        case stopOutsideLoop
        case loadFloat(DType)
        case expressionRead
        case expressionDType(Purpose, found: DType, expected: DType)
        case unary(UnaryOperator, DType)
        case binary(BinaryOperator, DType, DType)
        case select(DType, DType)
        case literalDType(DType)
        case expressionSize(Purpose)
        case blocks(Int)
        case counterShared(counter: Int, lanes: [Int])
        case waitBeyond(counter: Int, value: Int64, greatest: Int64)
        case framesTooFew(frames: Int, needed: Int)
        case recursionWithoutFrames(routine: Int)
    }

    package enum Entity: String, Hashable, Sendable {
        case kernel, phase, buffer, counter, scalar, routine
    }

    package var fault: Fault
    /// `nil` where the fault is not one step's.
    package var place: Place?

    package init(_ fault: Fault, at place: Place?) {
        self.fault = fault
        self.place = place
    }
}

/// The run of a program came to something that has no meaning.
package struct ProgramTrap: Explained, Equatable {
    /// One access of a race.
    package struct Touch: Hashable, Sendable {
        package var lane: Int
        package var path: [Int]
        package var writes: Bool
        package init(lane: Int, path: [Int], writes: Bool) {
            self.lane = lane
            self.path = path
            self.writes = writes
        }
    }

    /// A lane that waits for ever.
    package struct Stuck: Hashable, Sendable {
        package var lane: Int
        package var counter: Int
        package var value: Int64
        package init(lane: Int, counter: Int, value: Int64) {
            self.lane = lane
            self.counter = counter
            self.value = value
        }
    }

    package enum Kind: Hashable, Sendable {
        case addressOutside(buffer: Int, offset: Int64, bytes: Int, bufferBytes: Int)
        case tasksOutside(kernel: Int, phase: Int, from: Int64, to: Int64, tasks: Int)
        case counterFalls(counter: Int, from: Int64, to: Int64)
        case callsTooDeep(routine: Int, frames: Int)
        case tooManySteps(limit: Int)
        case kernel(Int, sentence: String)
        /// No lane can go on; `lane` and `path` are those of the first one stuck.
        case deadlock([Stuck], counters: [Int64])
        /// Two accesses of common bytes, one of them a write, that no counter orders.
        case race(buffer: Int, with: Touch, self: Touch)
    }

    package var kind: Kind
    package var lane: Int
    /// Positions in the open blocks, outermost first, counted from 1.
    package var path: [Int]

    package init(_ kind: Kind, lane: Int, path: [Int]) {
        self.kind = kind
        self.lane = lane
        self.path = path
    }
}

/// Two buffers that share bytes of the arena while both are in use, by steps counted from 1.
package struct ArenaConflict: Explained, Hashable {
    package var first: Int
    package var second: Int
    package var firstSteps: ClosedRange<Int>
    package var secondSteps: ClosedRange<Int>
    package init(first: Int, second: Int, firstSteps: ClosedRange<Int>, secondSteps: ClosedRange<Int>) {
        self.first = first
        self.second = second
        self.firstSteps = firstSteps
        self.secondSteps = secondSteps
    }
}
