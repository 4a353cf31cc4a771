// A kernel is a list of phases; a phase is a grid of homogeneous, independent tasks; phase p + 1 depends on phase p.
// Statements are structured and literal where the machine wants literals: `contract` names one block (a function
// with literal register-tile extents). Everything else is loops, stores and reductions over flat row-major buffers.
//
// Slots: the kernel's buffers 0 ..< b, then the scratch buffers of the running task, in order of their `alloc`.
// Variables (`Expr.axis`): 0 is the task index; every `for` and `let` introduces the next unused number.

import TensorIR

package struct Kernel: Hashable, Sendable {
    /// Operands in ABI order: the workload's parameters (constants already prepared), results, phase temporaries.
    package var buffers: [Buffer]
    package var phases: [Phase]

    package init(buffers: [Buffer], phases: [Phase]) {
        self.buffers = buffers
        self.phases = phases
    }

    /// Bytes of task scratch the widest phase needs; each buffer starts on a 64-byte line.
    package var scratchBytes: Int { phases.map(\.scratchBytes).max() ?? 0 }
}

package struct Buffer: Hashable, Sendable {
    package enum Role: String, Hashable, Sendable, CaseIterable {
        case constant, input, output
        /// Written by one phase and read by a later one.
        case temporary
    }
    package var role: Role
    package var dtype: DType
    package var elements: Int
    package init(role: Role, dtype: DType, elements: Int) {
        self.role = role
        self.dtype = dtype
        self.elements = elements
    }
    package var bytes: Int { elements * dtype.bytes }
}

package struct Phase: Hashable, Sendable {
    package var tasks: Int
    package var body: [Statement]
    package init(tasks: Int, body: [Statement]) {
        self.tasks = tasks
        self.body = body
    }

    /// Offset in bytes of each scratch buffer, and the total.
    package var scratchLayout: (offsets: [Int], total: Int) {
        var offsets: [Int] = []
        var total = 0
        Statement.visit(body) { statement in
            if case .alloc(_, let dtype, let elements) = statement {
                offsets.append(total)
                total += (elements * dtype.bytes + 63) / 64 * 64
            }
        }
        return (offsets, total)
    }
    package var scratchBytes: Int { scratchLayout.total }
}

package indirect enum Statement: Hashable, Sendable {
    /// `let v = expr`, an i64.
    case bind(variable: Int, Expr)
    /// `for v in from ..< to step s`. `vector` promises independent iterations (no loop-carried value).
    case loop(variable: Int, from: Expr, to: Expr, step: Int, vector: Bool, [Statement])
    /// A scratch buffer, uninitialised, private to the task. Only at the top level of a phase.
    case alloc(slot: Int, DType, elements: Int)
    /// `slot[index] = value`.
    case map(slot: Int, index: Expr, value: Expr)
    /// `slot[index] = reducer over the innermost variable of value`, reassociable for floats.
    case reduce(Reduce)
    case contract(Contract)
    case tile(Tile)
    case when(Expr, [Statement])

    package static func visit(_ statements: [Statement], _ body: (Statement) -> Void) {
        for statement in statements {
            body(statement)
            switch statement {
            case .bind, .alloc, .map, .reduce, .contract, .tile: break
            case .loop(_, _, _, _, _, let inner), .when(_, let inner): visit(inner, body)
            }
        }
    }
}

/// A scalar reduction: the loops are nested outer to inner, the innermost one is vectorised.
package struct Reduce: Hashable, Sendable {
    package struct Axis: Hashable, Sendable {
        package var variable: Int
        package var from: Expr
        package var to: Expr
        package init(variable: Int, from: Expr, to: Expr) {
            self.variable = variable
            self.from = from
            self.to = to
        }
    }
    package var slot: Int
    package var index: Expr
    package var reducer: Reducer
    package var dtype: DType
    package var axes: [Axis]
    package var condition: Expr?
    package var value: Expr
    package init(
        slot: Int, index: Expr, reducer: Reducer, dtype: DType, axes: [Axis], condition: Expr?, value: Expr
    ) {
        self.slot = slot
        self.index = index
        self.reducer = reducer
        self.dtype = dtype
        self.axes = axes
        self.condition = condition
        self.value = value
    }
}

/// One micro-kernel call on f32:
/// `acc[accIndex + i·accStride + j] (accumulate ? += : =)
/// Σ k: a[aIndex + i·aRow + k·aStep] · b[bIndex + k·bStride + j]`
/// for i < rows, j < columns, k < depth. `rows` and `columns` are literals; columns is a multiple of the vector width.
package struct Contract: Hashable, Sendable {
    package var rows: Int
    package var columns: Int
    package var acc: Int
    package var accIndex: Expr
    package var accStride: Int
    package var a: Int
    package var aIndex: Expr
    package var aRow: Int
    package var aStep: Int
    package var b: Int
    package var bIndex: Expr
    package var bStride: Int
    package var depth: Expr
    package var accumulate: Bool
    package init(
        rows: Int, columns: Int, acc: Int, accIndex: Expr, accStride: Int, a: Int, aIndex: Expr, aRow: Int,
        aStep: Int, b: Int, bIndex: Expr, bStride: Int, depth: Expr, accumulate: Bool
    ) {
        self.rows = rows
        self.columns = columns
        self.acc = acc
        self.accIndex = accIndex
        self.accStride = accStride
        self.a = a
        self.aIndex = aIndex
        self.aRow = aRow
        self.aStep = aStep
        self.b = b
        self.bIndex = bIndex
        self.bStride = bStride
        self.depth = depth
        self.accumulate = accumulate
    }
}
