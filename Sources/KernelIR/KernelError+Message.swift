// The sentences of KernelError and KernelTrap: what is wrong, where, and what holds instead.

import Basics
import TensorIR

extension KernelError {
    package var sentence: String {
        guard let place else { return message }
        return place.statement == 0
            ? "phase \(place.phase): \(message)"
            : "phase \(place.phase), statement \(place.statement): \(message)"
    }

    private func name(_ slot: Int) -> String { slotName(slot, operands: operands) }

    private var message: String {
        switch fault {
        case .noPhase: "the kernel has no phase; it needs at least one"
        case .emptyBuffer(let slot, let elements):
            "buffer \(name(slot)) has \(elements) elements; it needs at least one"
        case .outputNeverWritten(let slot): "output \(name(slot)) is written by no phase"
        case .noTasks(let tasks): "a phase has \(tasks) tasks; it needs 1 to \(Kernel.tasksMax)"
        case .variableOrder(let found, let expected):
            "variable v\(found) is introduced where the next unused number is v\(expected)"
        case .variableUnknown(let variable): "variable v\(variable) is used outside the block that introduces it"
        case .slotUnknown(let slot): "slot \(slot) is neither an operand nor scratch that was allocated before"
        case .scratchOrder(let found, let expected):
            "scratch \(name(found)) is allocated where the next slot is s\(expected)"
        case .nestedAlloc(let slot):
            "scratch \(name(slot)) is allocated inside a block; only the top level of a phase may"
        case .emptyAlloc(let slot, let elements):
            "scratch \(name(slot)) has \(elements) elements; it needs at least one"
        case .readOnly(let slot, let role):
            "\(role.noun) \(name(slot)) is written; only outputs, temporaries and scratch may be"
        case .temporaryTooEarly(let slot):
            "temporary \(name(slot)) is read in a phase before which nothing has written it"
        case .step(let step): "a loop advances by \(step); a step is at least 1"
        case .nestedVector(let variable):
            "vector loop over v\(variable) stands inside a vector loop; only the innermost may be one"
        case .indexCount(let slot, let count): "\(name(slot)) is read with \(count) indices; a flat buffer has one"
        case .literal(let value, let dtype): "the literal \(value) does not fit \(dtype.rawValue)"
        case .depth(let purpose, let depth):
            "\(purpose.rawValue) is a tree of \(depth) levels; at most \(ExprLimits.depthMax) are allowed"
        case .nesting(let purpose, let nesting):
            "\(purpose.rawValue) nests \(nesting) brackets; at most \(ExprLimits.nestingMax) are allowed"
        case .blocks(let depth): "\(depth) blocks stand around one another; at most \(Kernel.nestingMax) are allowed"
        case .dtype, .unary, .binary, .select, .reducer, .reduceIntoOther, .noReductionAxis: typeMessage
        case .contractDType, .contractTile, .contractStride, .contractRowsOverlap, .contractAliases, .tileValue:
            contractMessage
        }
    }

    private var typeMessage: String {
        switch fault {
        case .dtype(let purpose, let found, let expected):
            "\(purpose.rawValue) is \(found.rawValue) and has to be \(expected.rawValue)"
        case .unary(let op, let dtype): "operator \(op.rawValue) has no meaning on \(dtype.rawValue)"
        case .binary(let op, let a, let b):
            "operator \(op.rawValue) has no meaning on \(a.rawValue) and \(b.rawValue)"
        case .select(let a, let b):
            "a select chooses between \(a.rawValue) and \(b.rawValue); both sides need one dtype"
        case .reducer(let reducer, let dtype): "reducer \(reducer.rawValue) has no meaning on \(dtype.rawValue)"
        case .reduceIntoOther(let slot, let found, let expected):
            "a reduction in \(found.rawValue) is stored in \(name(slot)), which holds \(expected.rawValue)"
        case .noReductionAxis: "a reduction has no axis; store the value with a map"
        case .noPhase, .emptyBuffer, .outputNeverWritten, .noTasks, .variableOrder, .variableUnknown, .slotUnknown,
            .scratchOrder, .nestedAlloc, .emptyAlloc, .readOnly, .temporaryTooEarly, .step, .nestedVector, .indexCount,
            .literal, .depth, .nesting, .blocks,
            .contractDType, .contractTile, .contractStride, .contractRowsOverlap, .contractAliases, .tileValue:
            preconditionFailure("not a fault of types")
        }
    }

    private var contractMessage: String {
        switch fault {
        case .contractDType(let slot, let dtype):
            "a contraction uses \(name(slot)), which holds \(dtype.rawValue); it works on f32"
        case .contractTile(let rows, let columns):
            "a contraction has a tile of \(rows)x\(columns); it needs at least one row and a multiple of 4 columns"
        case .contractStride(let slot, let stride):
            "a contraction walks \(name(slot)) with stride \(stride); a stride is at least 0"
        case .contractRowsOverlap(let stride, let columns):
            "the rows of a contraction's tile are \(stride) apart and \(columns) wide, so they overlap"
        case .contractAliases(let slot): "a contraction accumulates into \(name(slot)), which it also multiplies"
        case .tileValue: "a tile's value is f32 arithmetic over p0[] and its operands"
        case .noPhase, .emptyBuffer, .outputNeverWritten, .noTasks, .variableOrder, .variableUnknown, .slotUnknown,
            .scratchOrder, .nestedAlloc, .emptyAlloc, .readOnly, .temporaryTooEarly, .step, .nestedVector, .indexCount,
            .literal, .depth, .nesting, .blocks,
            .dtype, .unary, .binary, .select, .reducer, .reduceIntoOther, .noReductionAxis:
            preconditionFailure("not a fault of a contraction")
        }
    }
}

extension Buffer.Role {
    fileprivate var noun: String {
        switch self {
        case .constant: "constant"
        case .input: "input"
        case .output: "output"
        case .temporary: "temporary"
        }
    }
}

extension KernelTrap {
    package var sentence: String {
        let element = "\(slotName(slot, operands: operands))[\(index)]"
        let place = "phase \(phase), task \(task)"
        switch kind {
        case .outOfBounds(let elements): return "\(place): \(element) is outside its \(elements) elements"
        case .uninitialised: return "\(place): \(element) is read before it is written"
        case .race(let other?):
            return "\(place): \(element) is also touched by task \(other), and one of them writes it"
        case .race(nil): return "\(place): \(element) is written, and several other tasks read it"
        case .vectorDependence(let variable):
            return "\(place): \(element) is written by one iteration of the vector loop over v\(variable)"
                + " and touched by another"
        case .notWritten: return "phase \(phase): output element \(element) is written by no task"
        }
    }
}
