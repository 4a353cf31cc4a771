// The row template: softmax, layer norm and their kind. A task is a block of rows; each definition runs over the row
// in order, its result in scratch (a scalar or one row, both in L1) unless it is a result of the workload.

import KernelIR
import Schedules
import TensorIR

func lowerRows(_ workload: Workload, _ rows: RowStructure, rowsPerTask: Int) -> Kernel {
    let total = rows.rowExtents.reduce(1, *)
    let tasks = ceilDivide(total, rowsPerTask)
    var builder = KernelBuilder(workload, tasks: tasks)
    let first = workload.parameters.count
    var home: [(slot: Int, isResult: Bool)] = []
    for (d, definition) in workload.definitions.enumerated() {
        if let r = workload.results.firstIndex(of: first + d) {
            home.append((builder.resultBuffer(r), true))
        } else {
            let isRow = definition.type.shape == rows.rowExtents
            let elements = isRow ? 1 : rows.columnExtents.reduce(1, *)
            home.append((builder.scratch(definition.type.dtype, elements), false))
        }
    }
    let homes = home
    let body = builder.taskSteps(total: total, perTask: rowsPerTask) { builder, row in
        let rowAxes = builder.delinearised(row, rows.rowExtents)
        func place(_ builder: KernelBuilder, _ d: Int, _ columns: [Expr]) -> Expr {
            let shape = workload.definitions[d].type.shape
            let isRow = shape == rows.rowExtents
            if homes[d].isResult { return builder.flat(isRow ? rowAxes : rowAxes + columns, shape) }
            return isRow ? .integer(0) : builder.flat(columns, rows.columnExtents)
        }
        func value(_ builder: KernelBuilder, _ e: Expr, _ axes: [Expr]) -> Expr {
            builder.flattened(e, axes: axes) { d, indices in
                let columns = Array(indices.dropFirst(rows.rowExtents.count))
                return .read(slot: homes[d].slot, [place(builder, d, columns)])
            }
        }
        var out: [Statement] = []
        for (d, definition) in workload.definitions.enumerated() {
            let isRow = definition.type.shape == rows.rowExtents
            switch definition.body {
            case .map(let e):
                if isRow {
                    out.append(
                        .map(slot: homes[d].slot, index: place(builder, d, []), value: value(builder, e, rowAxes)))
                } else {
                    out += builder.loops(rows.columnExtents) { builder, columns in
                        [
                            .map(
                                slot: homes[d].slot, index: place(builder, d, columns),
                                value: value(builder, e, rowAxes + columns))
                        ]
                    }
                }
            case .reduce(let reducer, let extents, let condition, let e):
                let variables = extents.map { builder.variable(below: $0) }
                let axes = rowAxes + variables.map { Expr.axis($0) }
                out.append(
                    .reduce(
                        Reduce(
                            slot: homes[d].slot, index: place(builder, d, []), reducer: reducer,
                            dtype: definition.type.dtype,
                            axes: zip(variables, extents).map {
                                .init(variable: $0, from: .integer(0), to: .integer($1))
                            }, condition: condition.map { value(builder, $0, axes) },
                            value: value(builder, e, axes))))
            case .pieces: preconditionFailure("row structures hold no pieces")
            }
        }
        return out
    }
    return builder.kernel(tasks: tasks, body)
}
