// Externs as kernels: sequential loops over a few words of state, in the statements every kernel is made of, so that
// emitter, verifier and interpreter know nothing of them. What a task counts stands in `state`, its scratch.
//
// In:  an extern and its operands' types, which it takes.  Out: a kernel over operands, then results, row-major.

import KernelIR
import TensorIR

/// The kernel of `extern` over operands of `types`. A constant operand is read as it lies in the model.
package func lower(_ extern: Extern, _ types: [TensorType], isConstant: [Bool]) -> Kernel {
    guard let results = extern.results(types) else { preconditionFailure("operands the extern does not take") }
    var builder = ExternBuilder(types, isConstant, results)
    switch extern {
    case .order(let descending): return builder.order(descending: descending)
    case .positions: return builder.positions()
    case .locate(let count): return builder.locate(count)
    case .accumulate: return builder.accumulate()
    case .suppress(let centered, let limit): return builder.suppress(centered: centered, limit: limit)
    }
}

struct ExternBuilder {
    let types: [TensorType]
    private let buffers: [Buffer]
    private var scratch: [Statement] = []
    private var variables = 0

    init(_ types: [TensorType], _ isConstant: [Bool], _ results: [TensorType]) {
        self.types = types
        buffers =
            zip(types, isConstant).map { type, isConstant in
                Buffer(role: isConstant ? .constant : .input, dtype: type.dtype, elements: type.elements)
            } + results.map { Buffer(role: .output, dtype: $0.dtype, elements: $0.elements) }
    }

    /// A scratch buffer of the task.
    mutating func scratch(_ dtype: DType, _ elements: Int) -> ExternSlot {
        let slot = buffers.count + scratch.count
        scratch.append(.alloc(slot: slot, dtype, elements: elements))
        return ExternSlot(number: slot)
    }

    func operand(_ n: Int) -> ExternSlot { ExternSlot(number: n) }
    func result(_ n: Int) -> ExternSlot { ExternSlot(number: types.count + n) }

    func kernel(tasks: Int, _ body: [Statement]) -> Kernel {
        Kernel(buffers: buffers, phases: [Phase(tasks: tasks, body: scratch + body)]).renumbered()
    }

    mutating func loop(
        _ from: Expr, _ to: Expr, step: Int = 1, _ body: (inout ExternBuilder, Expr) -> [Statement]
    ) -> [Statement] {
        variables += 1
        let variable = variables
        let inner = body(&self, .axis(variable))
        return [.loop(variable: variable, from: from, to: to, step: step, vector: false, inner)]
    }

    mutating func named(_ value: Expr, _ body: (inout ExternBuilder, Expr) -> [Statement]) -> [Statement] {
        variables += 1
        let variable = variables
        return [.bind(variable: variable, value)] + body(&self, .axis(variable))
    }

    // MARK: the short ones

    mutating func positions() -> Kernel {
        let count = types[0].shape[0]
        let state = scratch(.i64, 1)
        let found = state[0]
        var body = [state.set(.integer(0), .integer(0))]
        body += loop(.integer(0), .integer(count)) { builder, at in
            [
                .when(
                    builder.operand(0)[at],
                    [builder.result(0).set(found, at), state.set(.integer(0), found + .integer(1))])
            ]
        }
        body.append(result(1).set(.integer(0), found))
        body += loop(found, .integer(count)) { builder, at in [builder.result(0).set(at, .integer(0))] }
        return kernel(tasks: 1, body)
    }

    mutating func locate(_ count: Int) -> Kernel {
        var body = loop(.integer(0), .integer(count)) { builder, at in
            [builder.result(0).set(at, .integer(-1))]
        }
        body += loop(.integer(0), .integer(types[0].shape[0])) { builder, at in
            let number = builder.operand(0)[at]
            let isInside = Expr.binary(
                .and, .binary(.greaterOrEqual, number, .integer(0)), .binary(.less, number, .integer(count)))
            return [.when(isInside, [builder.result(0).set(number, at)])]
        }
        return kernel(tasks: 1, body)
    }

    mutating func accumulate() -> Kernel {
        let state = scratch(.i64, 1)
        var body = [state.set(.integer(0), .integer(0))]
        body += loop(.integer(0), .integer(types[0].shape[0])) { builder, at in
            [
                state.set(.integer(0), state[0] + builder.operand(0)[at]),
                builder.result(0).set(at, state[0]),
            ]
        }
        return kernel(tasks: 1, body)
    }
}

/// A buffer or scratch of a kernel under construction.
struct ExternSlot {
    var number: Int

    subscript(_ index: Expr) -> Expr { .read(slot: number, [index]) }
    subscript(_ index: Int) -> Expr { .read(slot: number, [.integer(index)]) }

    func set(_ index: Expr, _ value: Expr) -> Statement { .map(slot: number, index: index, value: value) }
    func set(_ index: Int, _ value: Expr) -> Statement { set(.integer(index), value) }
}
