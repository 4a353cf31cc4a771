// Rammer's schedule for one lane: every phase of every call in order, intermediates placed by lifetime. On one lane
// program order is the dependency order, so no counter is needed; the plane of lanes × time has one row.

import ProgramIR
import TensorIR

/// The static program of `graph` on one lane.
package func schedule(_ graph: TaskGraph) -> Program {
    let plan = planMemory(graph)
    var buffers: [ProgramBuffer] = []
    var position: [Int: Int] = [:]
    func buffer(_ value: Int) -> Int {
        if let known = position[value] { return known }
        let type = graph.values[value]
        let place = type.place ?? .arena(offset: plan.offsets[value] ?? 0)
        position[value] = buffers.count
        buffers.append(ProgramBuffer(bytes: type.bytes, place: place))
        return buffers.count - 1
    }
    // inputs and outputs keep their numbers even when nothing reads them
    for (value, type) in graph.values.enumerated() {
        switch type.place {
        case .input, .output: _ = buffer(value)
        case .constant, .arena, nil: break
        }
    }
    var steps: [Step] = []
    for call in graph.calls {
        let operands = call.operands.map { Address(buffer: buffer($0)) }
        for (phase, tasks) in graph.kernels[call.kernel].use.phases.enumerated() {
            steps.append(
                .run(kernel: call.kernel, phase: phase, from: .integer(0), to: .integer(tasks), operands: operands))
        }
    }
    return Program(
        kernels: graph.kernels.map(\.use), buffers: buffers, scalars: 1, counters: 0, frames: 0, routines: [],
        lanes: [steps], arenaBytes: plan.bytes, scratchBytes: graph.kernels.map(\.scratchBytes).max() ?? 0)
}
