// The interpreter's face: a whole kernel over tensors, in any task order, or a few tasks of one phase over raw bytes
// (how a program interpreter calls a kernel). Input: a verified kernel. Output: the written buffers or the first trap.

import Basics
import TensorIR

/// In which order the tasks of a phase run. A correct kernel gives the same result under every order.
package enum TaskOrder: Hashable, Sendable {
    case ascending
    case descending
    case shuffled(seed: UInt64)
    /// One permutation of `0 ..< tasks` per phase.
    case given([[Int]])

    func tasks(of phase: Phase, _ index: Int) -> [Int] {
        switch self {
        case .ascending: return Array(0..<phase.tasks)
        case .descending: return (0..<phase.tasks).reversed()
        case .shuffled(let seed):
            var random = SeededRandom(seed: seed &+ UInt64(index) &* 0x9e37_79b9_7f4a_7c15)
            var order = Array(0..<phase.tasks)
            for i in stride(from: order.count - 1, to: 0, by: -1) { order.swapAt(i, random.below(i + 1)) }
            return order
        case .given(let permutations):
            precondition(permutations[index].sorted() == Array(0..<phase.tasks), "not a permutation of the tasks")
            return permutations[index]
        }
    }
}

/// The elements of one buffer that some tasks touch, as disjoint rising ranges.
package struct BufferAccess: Hashable, Sendable {
    package var reads: [Range<Int>]
    package var writes: [Range<Int>]
    package init(reads: [Range<Int>], writes: [Range<Int>]) {
        self.reads = reads
        self.writes = writes
    }
}

extension Kernel {
    /// Runs every phase. `operands` has one tensor per buffer, of the buffer's dtype and number of elements; what
    /// outputs and temporaries hold before is ignored, and they are uninitialised until a task writes them.
    /// - Throws: the first access out of bounds, to an uninitialised element, or that races; also an output element
    ///   that no task wrote. `operands` is unchanged then.
    package func execute(_ operands: inout [TensorValue], order: TaskOrder = .ascending) throws(KernelTrap) {
        checkOperands(operands)
        var slots: [SlotMemory] = []
        for (buffer, operand) in zip(buffers, operands) {
            switch buffer.role {
            case .constant, .input: slots.append(SlotMemory(operand))
            case .output, .temporary:
                slots.append(SlotMemory(dtype: buffer.dtype, elements: buffer.elements, shared: true))
            }
        }
        for (index, phase) in phases.enumerated() {
            try run(index, order.tasks(of: phase, index), &slots)
        }
        for (slot, buffer) in buffers.enumerated() where buffer.role == .output {
            if let index = slots[slot].firstUnknown {
                throw KernelTrap(
                    .notWritten, phase: phases.count - 1, task: 0, slot: slot, index: index, operands: buffers.count)
            }
        }
        for (slot, buffer) in buffers.enumerated() {
            switch buffer.role {
            case .constant, .input: break
            case .output, .temporary:
                var result = slots[slot].value
                result.type.shape = operands[slot].type.shape
                operands[slot] = result
            }
        }
    }

    /// Runs `tasks` of one phase on little-endian bytes, one range per buffer; ranges may alias. All bytes count as
    /// initialised, and only outputs and temporaries are written back.
    package func execute(
        phase: Int, tasks: Range<Int>, on operands: [UnsafeMutableRawBufferPointer]
    ) throws(KernelTrap) {
        precondition(phases.indices.contains(phase), "a phase outside the kernel")
        precondition(tasks.lowerBound >= 0 && tasks.upperBound <= phases[phase].tasks, "tasks outside the phase")
        var slots: [SlotMemory] = []
        for (buffer, bytes) in zip(buffers, operands) {
            let type = TensorType(buffer.dtype, [buffer.elements])
            slots.append(SlotMemory(TensorValue(type, bytes: UnsafeRawBufferPointer(bytes))))
        }
        precondition(slots.count == buffers.count, "one operand per buffer")
        try run(phase, Array(tasks), &slots)
        for (slot, buffer) in buffers.enumerated() {
            switch buffer.role {
            case .constant, .input: break
            case .output, .temporary: operands[slot].copyBytes(from: slots[slot].value.bytes)
            }
        }
    }

    /// Runs `tasks` of one phase on copies of `operands` and tells what they touch, per buffer and exactly; only
    /// where an index is computed from data does the answer depend on the operands' values.
    package func accesses(
        phase: Int, tasks: Range<Int>, on operands: [TensorValue]
    ) throws(KernelTrap) -> [BufferAccess] {
        checkOperands(operands)
        precondition(tasks.lowerBound >= 0 && tasks.upperBound <= phases[phase].tasks, "tasks outside the phase")
        var slots = operands.map { SlotMemory($0) }
        try run(phase, Array(tasks), &slots)
        return slots.map { BufferAccess(reads: $0.readRanges, writes: $0.writtenRanges) }
    }

    private func run(_ phase: Int, _ tasks: [Int], _ slots: inout [SlotMemory]) throws(KernelTrap) {
        let code = KernelCode(phases[phase], buffers: buffers)
        var machine = KernelMachine(code, phase: phase, operands: slots)
        slots = []
        for task in tasks { try machine.run(task: task) }
        slots = Array(machine.slots.prefix(buffers.count))
    }

    private func checkOperands(_ operands: [TensorValue]) {
        precondition(operands.count == buffers.count, "one operand per buffer")
        for (buffer, operand) in zip(buffers, operands) {
            precondition(
                operand.type.dtype == buffer.dtype && operand.type.elements == buffer.elements,
                "an operand of another type than its buffer")
        }
    }
}
