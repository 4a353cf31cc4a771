// The sentences of ProgramError, ProgramTrap and ArenaConflict.

import Basics
import TensorIR

extension ProgramError {
    package var sentence: String {
        switch place?.body {
        case nil: message
        case .lane(let lane)?: "lane \(lane), step \(place?.step ?? 0): \(message)"
        case .routine(let routine)?: "routine r\(routine), step \(place?.step ?? 0): \(message)"
        }
    }

    private var message: String {
        switch fault {
        case .noLane: "the program has no lane; it needs at least one"
        case .scalarCount(let count):
            "the program has \(count) scalars; it needs 1 (the call depth) to \(Program.scalarsMax)"
        case .negativeSize(let what, let value): "\(what) is \(value); it is at least 0"
        case .kernelName(let name):
            "\"\(escaped(name))\" is no kernel name; names are a small letter, then up to 62 of a-z, 0-9 and _"
        case .kernelNameTwice(let name): "two kernels are named \(escaped(name))"
        case .kernelPhases(let kernel): "kernel k\(kernel) has no phase, or a phase without a task"
        case .kernelOperand(let kernel, let operand, let bytes):
            "operand \(operand) of kernel k\(kernel) has \(bytes) bytes; it needs at least one"
        case .bufferBytes(let buffer, let bytes): "buffer b\(buffer) has \(bytes) bytes; it needs at least one"
        case .bufferPlace(let buffer, let place): "buffer b\(buffer) is placed at \(place); places are at least 0"
        case .bufferOutsideArena(let buffer, let end, let arenaBytes):
            "buffer b\(buffer) ends at byte \(end) of an arena of \(arenaBytes)"
        case .constantDiffers(let constant): "constant \(constant) is named with two digests"
        case .unknown(let entity, let index, let count):
            "there is no \(entity.rawValue) \(index); the program has \(count)"
        case .operandCount(let kernel, let found, let expected):
            "kernel k\(kernel) is run with \(found) operands; it has \(expected)"
        case .tasksOutside(let kernel, let phase, let from, let to, let tasks):
            tasksMessage(kernel, phase, from, to, tasks)
        case .addressOutside(let buffer, let offset, let bytes, let bufferBytes):
            addressMessage(buffer, offset, bytes, bufferBytes)
        case .depthChanged: "scalar 0 is the call depth; only calls change it"
        case .loopScalarChanged(let scalar): "x\(scalar) is changed inside the loop that counts with it"
        case .keptTwice(let scalar): "x\(scalar) is kept twice by one call"
        case .stopOutsideLoop: "a stopIf stands outside any loop of its lane or routine"
        case .loadFloat(let dtype): "a scalar is loaded as \(dtype.rawValue); scalars are integers or bool"
        case .blocks(let depth): "\(depth) blocks stand around one another; at most \(Program.nestingMax) are allowed"
        case .expressionRead, .expressionDType, .unary, .binary, .select, .literalDType, .expressionSize:
            expressionMessage
        case .counterShared(let counter, let lanes):
            "counter c\(counter) is published by lanes \(lanes.map(String.init).joined(separator: " and "))"
                + "; a counter has one publisher"
        case .waitBeyond(let counter, let value, let greatest):
            "counter c\(counter) is waited for to reach \(value); at most \(greatest) is ever published"
        case .framesTooFew(let frames, let needed): "calls go \(needed) deep and the program has \(frames) frames"
        case .recursionWithoutFrames(let routine): "routine r\(routine) calls itself and the program has no frame"
        }
    }

    private var expressionMessage: String {
        switch fault {
        case .expressionRead: "an expression of a program reads a tensor; load the element into a scalar first"
        case .expressionDType(let purpose, let found, let expected):
            "\(purpose.rawValue) is \(found.rawValue) and has to be \(expected.rawValue)"
        case .unary(let op, let dtype): "operator \(op.rawValue) has no meaning on \(dtype.rawValue)"
        case .binary(let op, let a, let b):
            "operator \(op.rawValue) has no meaning on \(a.rawValue) and \(b.rawValue)"
        case .select(let a, let b):
            "a select chooses between \(a.rawValue) and \(b.rawValue); both sides need one dtype"
        case .literalDType(let dtype): "an expression of a program uses \(dtype.rawValue); it has i64 and bool only"
        case .expressionSize(let purpose):
            "\(purpose.rawValue) has more than \(ExprLimits.nestingMax) brackets around one another"
                + " or more than \(ExprLimits.depthMax) levels"
        case .noLane, .blocks, .scalarCount, .negativeSize, .kernelName, .kernelNameTwice, .kernelPhases,
            .kernelOperand,
            .bufferBytes, .bufferPlace, .bufferOutsideArena, .constantDiffers, .unknown, .operandCount, .tasksOutside,
            .addressOutside, .depthChanged, .loopScalarChanged, .keptTwice, .stopOutsideLoop, .loadFloat,
            .counterShared, .waitBeyond, .framesTooFew, .recursionWithoutFrames:
            preconditionFailure("not a fault of an expression")
        }
    }
}

extension ProgramTrap {
    package var sentence: String { "\(place(lane, path)): \(message)" }

    private func place(_ lane: Int, _ path: [Int]) -> String {
        "lane \(lane), step \(path.map(String.init).joined(separator: "."))"
    }

    private var message: String {
        switch kind {
        case .addressOutside(let buffer, let offset, let bytes, let bufferBytes):
            return addressMessage(buffer, offset, bytes, bufferBytes)
        case .tasksOutside(let kernel, let phase, let from, let to, let tasks):
            return tasksMessage(kernel, phase, from, to, tasks)
        case .counterFalls(let counter, let from, let to):
            return "counter c\(counter) falls from \(from) to \(to); counters never fall"
        case .callsTooDeep(let routine, let frames):
            return "the call of routine r\(routine) is deeper than the program's \(frames) frames"
        case .tooManySteps(let limit): return "the run has taken \(limit) steps and is not done"
        case .kernel(let kernel, let sentence): return "kernel k\(kernel) failed: \(sentence)"
        case .deadlock(let stuck, let counters):
            let waits = stuck.map { wait in
                "lane \(wait.lane) for c\(wait.counter) to reach \(wait.value) from \(counters[wait.counter])"
            }
            return "no lane can go on: " + waits.joined(separator: ", ")
        case .race(let buffer, let other, let own):
            return "\(own.writes ? "writes" : "reads") bytes of b\(buffer) that \(place(other.lane, other.path)) "
                + "\(other.writes ? "writes" : "reads"), and no counter orders the two"
        }
    }
}

extension ArenaConflict {
    package var sentence: String {
        "buffers b\(first) (steps \(firstSteps.lowerBound) to \(firstSteps.upperBound)) and b\(second) "
            + "(steps \(secondSteps.lowerBound) to \(secondSteps.upperBound)) are live together and share arena bytes"
    }
}

private func tasksMessage(_ kernel: Int, _ phase: Int, _ from: Int64, _ to: Int64, _ tasks: Int) -> String {
    "tasks \(from) ..< \(to) of kernel k\(kernel), phase \(phase) are run; it has \(tasks)"
}

private func addressMessage(_ buffer: Int, _ offset: Int64, _ bytes: Int, _ bufferBytes: Int) -> String {
    "\(bytes) bytes at \(offset) do not lie in buffer b\(buffer), which has \(bufferBytes)"
}
