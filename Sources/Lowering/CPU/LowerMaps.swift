// The map template: elementwise chains, broadcasts, transposes, gathers, concatenation. One definition is stored,
// the others are inlined; a task is a block of lines, a line runs along the innermost axis.

import KernelIR
import Schedules
import TensorIR

func lowerMaps(_ workload: Workload, _ structure: MapStructure, linesPerTask: Int) -> Kernel {
    let stored = workload.definitions[structure.stored]
    let shape = stored.type.shape
    switch stored.body {
    case .map(let e):
        let lineShape = Array(shape.dropLast())
        let total = lineShape.reduce(1, *)
        let tasks = ceilDivide(total, linesPerTask)
        var builder = KernelBuilder(workload, .rowMajor(workload), tasks: tasks)
        let body = builder.taskSteps(total: total, perTask: linesPerTask) { builder, line in
            let lineAxes = builder.delinearised(line, lineShape)
            return builder.loop(shape.last ?? 1, vector: true) { builder, x in
                [store(builder, e, shape.isEmpty ? [] : lineAxes + [x], shape)]
            }
        }
        return builder.kernel(tasks: tasks, body)
    case .pieces(let pieces):
        var builder = KernelBuilder(workload, .rowMajor(workload), tasks: 1)
        var body: [Statement] = []
        for piece in pieces {
            body += builder.loops(piece.box.map(\.count)) { builder, at in
                let axes = zip(piece.box, at).map { builder.simplified($1 + .integer($0.lowerBound)) }
                return [store(builder, piece.value, axes, shape)]
            }
        }
        return builder.kernel(tasks: 1, body)
    case .reduce: preconditionFailure("map structures do not reduce")
    }
}

private func store(_ builder: KernelBuilder, _ e: Expr, _ axes: [Expr], _ shape: [Int]) -> Statement {
    .map(
        slot: builder.resultBuffer(0), index: builder.flat(axes, shape),
        value: builder.flattened(e, axes: axes) { _, _ in nil })
}
