// The two reduction templates. Inner: one point at a time, vectors along the contiguous reduction axis (global
// pooling, row sums). Outer: one line at a time, vectors along the innermost space axis (depthwise convolution,
// pooling, column sums); `unrolled` spells the whole reduction out as one expression whose accumulator is a register.

import KernelIR
import Schedules
import TensorIR

func lowerReduceInner(_ workload: Workload, _ structure: ReductionStructure, pointsPerTask: Int) -> Kernel {
    let anchor = workload.definitions[structure.anchor]
    guard case .reduce(let reducer, let extents, let condition, let e) = anchor.body else {
        preconditionFailure("the anchor reduces")
    }
    let total = anchor.type.elements
    let tasks = ceilDivide(total, pointsPerTask)
    var builder = KernelBuilder(workload, .rowMajor(workload), tasks: tasks)
    let held = builder.scratch(anchor.type.dtype, 1)
    let body = builder.taskSteps(total: total, perTask: pointsPerTask) { builder, point in
        let space = builder.delinearised(point, anchor.type.shape)
        let variables = extents.map { builder.variable(below: $0) }
        let axes = space + variables.map { Expr.axis($0) }
        let reduce = Reduce(
            slot: held, index: .integer(0), reducer: reducer, dtype: anchor.type.dtype,
            axes: zip(variables, extents).map { .init(variable: $0, from: .integer(0), to: .integer($1)) },
            condition: condition.map { builder.flattened($0, axes: axes) { _, _ in nil } },
            value: builder.flattened(e, axes: axes) { _, _ in nil })
        return [.reduce(reduce), storeResult(builder, workload, structure, space, .read(slot: held, [.integer(0)]))]
    }
    return builder.kernel(tasks: tasks, body)
}

func lowerReduceOuter(
    _ workload: Workload, _ structure: ReductionStructure, linesPerTask: Int, unrolled: Bool
) -> Kernel {
    let anchor = workload.definitions[structure.anchor]
    guard case .reduce(let reducer, let extents, let condition, let e) = anchor.body else {
        preconditionFailure("the anchor reduces")
    }
    let shape = anchor.type.shape
    let width = shape.last ?? 1
    let lineShape = Array(shape.dropLast())
    let total = lineShape.reduce(1, *)
    let tasks = ceilDivide(total, linesPerTask)
    var builder = KernelBuilder(workload, .rowMajor(workload), tasks: tasks)
    let acc = builder.scratch(anchor.type.dtype, width)
    let identity = Expr.literal(reducer.identity(anchor.type.dtype))

    func term(_ builder: KernelBuilder, _ axes: [Expr]) -> Expr {
        let value = builder.flattened(e, axes: axes) { _, _ in nil }
        guard let condition else { return value }
        return builder.simplified(.select(builder.flattened(condition, axes: axes) { _, _ in nil }, value, identity))
    }

    let body = builder.taskSteps(total: total, perTask: linesPerTask) { builder, line in
        let lineAxes = builder.delinearised(line, lineShape)
        func axes(_ x: Expr) -> [Expr] { shape.isEmpty ? [] : lineAxes + [x] }
        var out: [Statement] = []
        if unrolled {
            let line = UnrolledLine(
                reducer: reducer, identity: identity, width: width, acc: acc, terms: extents.reduce(1, *)
            ) { builder, n, x in term(builder, axes(x) + builder.delinearised(.integer(n), extents)) }
            out += line.statements(&builder)
        } else {
            out += builder.loop(width, vector: true) { _, x in [.map(slot: acc, index: x, value: identity)] }
            func nest(_ builder: inout KernelBuilder, _ d: Int, _ at: [Expr]) -> [Statement] {
                if d < extents.count {
                    return builder.loop(extents[d]) { builder, v in nest(&builder, d + 1, at + [v]) }
                }
                return builder.loop(width, vector: true) { builder, x in
                    [
                        .map(
                            slot: acc, index: x,
                            value: .binary(
                                reducer.combine, .read(slot: acc, [x]), term(builder, axes(x) + at)))
                    ]
                }
            }
            out += nest(&builder, 0, [])
        }
        out += builder.loop(width, vector: true) { builder, x in
            [storeResult(builder, workload, structure, axes(x), .read(slot: acc, [x]))]
        }
        return out
    }
    return builder.kernel(tasks: tasks, body)
}

private func storeResult(
    _ builder: KernelBuilder, _ workload: Workload, _ structure: ReductionStructure, _ space: [Expr], _ held: Expr
) -> Statement {
    let result = workload.results[0] - workload.parameters.count
    var value = held
    if result != structure.anchor {
        guard case .map(let e) = workload.definitions[result].body else {
            preconditionFailure("an epilogue is made of maps")
        }
        value = builder.flattened(e, axes: space) { d, _ in d == structure.anchor ? held : nil }
    }
    return .map(
        slot: builder.resultBuffer(0), index: builder.flat(space, workload.definitions[result].type.shape), value: value
    )
}

extension Reducer {
    /// The binary operator that this reducer folds with.
    var combine: BinaryOperator {
        switch self {
        case .sum: .add
        case .product: .multiply
        case .max: .maximum
        case .min: .minimum
        }
    }
}
