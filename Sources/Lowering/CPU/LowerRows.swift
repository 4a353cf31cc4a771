// The row template: softmax, layer norm and their kind. A task is a block of rows; each definition runs over the row
// in order, its result in scratch (a scalar or one row, both in L1) unless it is a result of the workload.

import KernelIR
import Schedules
import TensorIR

func lowerRows(_ workload: Workload, _ rows: RowStructure, rowsPerTask: Int) -> Kernel {
    let total = rows.rowExtents.reduce(1, *)
    let tasks = ceilDivide(total, rowsPerTask)
    var builder = KernelBuilder(workload, .rowMajor(workload), tasks: tasks)
    let lowering = RowLowering(workload, rows, &builder)
    let body = builder.taskSteps(total: total, perTask: rowsPerTask) { builder, row in
        let rowAxes = builder.delinearised(row, rows.rowExtents)
        return workload.definitions.indices.flatMap { lowering.statements($0, rowAxes, &builder) }
    }
    return builder.kernel(tasks: tasks, body)
}

private struct RowLowering {
    let workload: Workload
    let rows: RowStructure
    /// Where each definition's tensor lies while its row is worked on.
    private var homes: [(slot: Int, isResult: Bool)] = []

    init(_ workload: Workload, _ rows: RowStructure, _ builder: inout KernelBuilder) {
        self.workload = workload
        self.rows = rows
        for (d, definition) in workload.definitions.enumerated() {
            if let r = workload.results.firstIndex(of: workload.parameters.count + d) {
                homes.append((builder.resultBuffer(r), true))
            } else {
                let elements = isRow(d) ? 1 : rows.columnExtents.reduce(1, *)
                homes.append((builder.scratch(definition.type.dtype, elements), false))
            }
        }
    }

    private func isRow(_ d: Int) -> Bool { workload.definitions[d].type.shape == rows.rowExtents }

    /// The address of definition `d` at a row and column inside its home.
    private func place(_ d: Int, _ rowAxes: [Expr], _ columns: [Expr], _ builder: KernelBuilder) -> Expr {
        if homes[d].isResult {
            return builder.flat(isRow(d) ? rowAxes : rowAxes + columns, workload.definitions[d].type.shape)
        }
        return isRow(d) ? .integer(0) : builder.flat(columns, rows.columnExtents)
    }

    private func value(_ e: Expr, _ rowAxes: [Expr], _ axes: [Expr], _ builder: KernelBuilder) -> Expr {
        builder.flattened(e, axes: axes) { d, indices in
            let columns = Array(indices.dropFirst(rows.rowExtents.count))
            return .read(slot: homes[d].slot, [place(d, rowAxes, columns, builder)])
        }
    }

    /// What definition `d` does for one row.
    func statements(_ d: Int, _ rowAxes: [Expr], _ builder: inout KernelBuilder) -> [Statement] {
        let definition = workload.definitions[d]
        let slot = homes[d].slot
        switch definition.body {
        case .map(let e) where isRow(d):
            return [
                .map(
                    slot: slot, index: place(d, rowAxes, [], builder), value: value(e, rowAxes, rowAxes, builder))
            ]
        case .map(let e):
            return builder.loops(rows.columnExtents) { builder, columns in
                [
                    .map(
                        slot: slot, index: place(d, rowAxes, columns, builder),
                        value: value(e, rowAxes, rowAxes + columns, builder))
                ]
            }
        case .reduce(let reducer, let extents, let condition, let e):
            let variables = extents.map { builder.variable(below: $0) }
            let axes = rowAxes + variables.map { Expr.axis($0) }
            return [
                .reduce(
                    Reduce(
                        slot: slot, index: place(d, rowAxes, [], builder), reducer: reducer,
                        dtype: definition.type.dtype,
                        axes: zip(variables, extents).map { .init(variable: $0, from: .integer(0), to: .integer($1)) },
                        condition: condition.map { value($0, rowAxes, axes, builder) },
                        value: value(e, rowAxes, axes, builder)))
            ]
        case .pieces: preconditionFailure("row structures hold no pieces")
        }
    }
}
