// One register tile of a contraction: rows × columns of f32 accumulators that stay in registers over the whole depth
// and are stored through an epilogue. Every displacement is a literal, so a printer can spell the tile out:
//
//     sum(i, j) = from(i, j) + Σ k: a[aIndex + aRows[i] + step(k)] · b[bIndex + k·bStride + j]
//     into(i, j) = value(sum(i, j), operands(i, j)…)
//
// The depth is a nest: `depth` steps of `aStep`, each of them all steps of `inner`, the innermost last; b moves on by
// `bStride` with every innermost step.

import TensorIR

package struct Tile: Hashable, Sendable {
    /// Elements (i, j) of a tensor: `index + rows[i] + (j / block)·blockStride + j % block`. With block 0 the column
    /// does not matter.
    package struct Walk: Hashable, Sendable {
        package var slot: Int
        package var index: Expr
        package var rows: [Int]
        package var block: Int
        package var blockStride: Int
        package init(slot: Int, index: Expr, rows: [Int], block: Int, blockStride: Int) {
            self.slot = slot
            self.index = index
            self.rows = rows
            self.block = block
            self.blockStride = blockStride
        }

        /// Displacement of element (i, j) from `index`.
        package func offset(_ i: Int, _ j: Int) -> Int {
            rows[i] + (block == 0 ? 0 : j / block * blockStride + j % block)
        }
    }

    package struct Run: Hashable, Sendable {
        package var extent: Int
        package var aStep: Int
        package init(extent: Int, aStep: Int) {
            self.extent = extent
            self.aStep = aStep
        }
    }

    package var rows: Int
    /// Columns of accumulators, a multiple of 4; b holds as many.
    package var columns: Int
    /// Columns that are stored.
    package var stored: Int
    package var a: Int
    package var aIndex: Expr
    package var aRows: [Int]
    package var aStep: Int
    package var b: Int
    package var bIndex: Expr
    package var bStride: Int
    package var depth: Expr
    package var inner: [Run]
    /// Where the accumulators start from; `nil` is zero.
    package var from: Walk?
    package var into: Walk
    package var operands: [Walk]
    /// Over `read(slot: 0, [])`, the sum, and `read(slot: n, [])`, operand n - 1; f32 arithmetic only.
    package var value: Expr

    package init(
        rows: Int, columns: Int, stored: Int, a: Int, aIndex: Expr, aRows: [Int], aStep: Int, b: Int, bIndex: Expr,
        bStride: Int, depth: Expr, inner: [Run], from: Walk?, into: Walk, operands: [Walk], value: Expr
    ) {
        self.rows = rows
        self.columns = columns
        self.stored = stored
        self.a = a
        self.aIndex = aIndex
        self.aRows = aRows
        self.aStep = aStep
        self.b = b
        self.bIndex = bIndex
        self.bStride = bStride
        self.depth = depth
        self.inner = inner
        self.from = from
        self.into = into
        self.operands = operands
        self.value = value
    }

    /// Everything but a and b that the tile touches.
    package var walks: [Walk] { (from.map { [$0] } ?? []) + [into] + operands }
    /// Steps of b per step of `depth`.
    package var innerSteps: Int { inner.reduce(1) { $0 * $1.extent } }

    /// Whether a tile's epilogue may hold `e`, over `operands` operands.
    package static func isRegisterExpression(_ e: Expr, operands: Int) -> Bool {
        switch e {
        case .literal(let literal): return literal.dtype == .f32
        case .read(let n, let indices): return indices.isEmpty && (0...operands).contains(n)
        case .unary(.negate, let a): return isRegisterExpression(a, operands: operands)
        case .binary(let op, let a, let b):
            switch op {
            case .add, .subtract, .multiply, .divide, .maximum, .minimum:
                return isRegisterExpression(a, operands: operands) && isRegisterExpression(b, operands: operands)
            case .floorDivide, .floorModulo, .truncDivide, .truncRemainder, .floatRemainder, .power, .equal,
                .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .and, .or, .bitAnd, .bitOr, .bitXor,
                .shiftLeft, .shiftRight:
                return false
            }
        case .axis, .unary, .select, .cast: return false
        }
    }

    /// The value for one element.
    package static func evaluate(_ e: Expr, _ leaves: [Double]) -> Double {
        switch e {
        case .literal(let literal): return literal.float
        case .read(let n, _): return leaves[n]
        case .unary(let op, let a): return ScalarRules.apply(op, evaluate(a, leaves))
        case .binary(let op, let a, let b): return ScalarRules.apply(op, evaluate(a, leaves), evaluate(b, leaves))
        case .axis, .select, .cast: preconditionFailure("the kernel is not verified: not a register expression")
        }
    }
}
