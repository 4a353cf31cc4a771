// What must hold of a definition where it stands, that is given the types of the slots it may read:
//  1. Extents of space and reduction axes are positive; rank, elements and points are within VerifyLimits.
//  2. Expressions stay within ExprLimits, so that their text parses back.
//  3. Operands of a binary operator and sides of a select have one dtype; arithmetic is on numbers, `/` on floats,
//     floor and trunc division, bits and shifts on integers, transcendental functions and rounding on floats, logic
//     on bool. Storage types are cast and moved, nothing else.
//  4. Conditions (of selects and of reductions) are bool; indices are i64; an integer literal fits its dtype.
//  5. A read names an earlier slot with one index per axis. An index that is linear in the axes, that no select and
//     no reduction condition guards, stays inside the extent at every point.
//  6. Axes exist; reduction axes occur in a reduction only. The expression has the dtype the definition declares.
//  7. Pieces are non-empty boxes inside the result, disjoint, and cover it.
// Not checked: that a guard really keeps a guarded read inside, and that an index computed from data is in range;
// the interpreter traps there.

package enum VerifyLimits {
    package static let rankMax = 64
    package static let elementsMax = 1 << 40
    /// Space and reduction points of one definition.
    package static let pointsMax = 1 << 60
    package static let piecesMax = 1024
}

extension TensorType {
    /// Extents positive (or 0 where a tensor may be empty), size within limits.
    func verify(at place: [VerifyPlace], mayBeEmpty: Bool = false) throws(VerifyError) {
        guard rank <= VerifyLimits.rankMax else {
            throw VerifyError(.type(.rankTooLarge(rank: rank, limit: VerifyLimits.rankMax)), at: place)
        }
        for (axis, extent) in shape.enumerated() where extent < (mayBeEmpty ? 0 : 1) {
            throw VerifyError(.type(.extentNotPositive(axis: axis, extent: extent)), at: place)
        }
        guard boundedProduct(shape, limit: VerifyLimits.elementsMax) else {
            throw VerifyError(.type(.elementsBeyondLimit(limit: VerifyLimits.elementsMax)), at: place)
        }
    }
}

/// Whether the product of positive factors is at most `limit`.
private func boundedProduct(_ factors: [Int], limit: Int) -> Bool {
    var product = 1
    for factor in factors {
        let (next, overflow) = product.multipliedReportingOverflow(by: factor)
        if overflow || next > limit { return false }
        product = next
    }
    return true
}

extension Definition {
    /// Checks the rules of this file's header; `slots` are the types of the tensors the definition may read.
    package func verify(slots: [TensorType], at place: [VerifyPlace] = []) throws(VerifyError) {
        try type.verify(at: place)
        let reduction = reductionExtents
        guard axisExtents.count <= VerifyLimits.rankMax else {
            throw VerifyError(.type(.rankTooLarge(rank: axisExtents.count, limit: VerifyLimits.rankMax)), at: place)
        }
        for (axis, extent) in reduction.enumerated() where extent < 1 {
            throw VerifyError(.type(.reductionExtentNotPositive(axis: axis, extent: extent)), at: place)
        }
        guard boundedProduct(axisExtents, limit: VerifyLimits.pointsMax) else {
            throw VerifyError(.type(.pointsBeyondLimit(limit: VerifyLimits.pointsMax)), at: place)
        }
        let axes = axisExtents.map { 0..<$0 }
        switch body {
        case .map(let value): try verify(value, ExprChecker(slots: slots, axes: axes, place: place))
        case .reduce(let reducer, _, let condition, let value):
            try verify(reducer, at: place)
            var checker = ExprChecker(slots: slots, axes: axes, place: place)
            if let condition {
                let inside = place + [.condition]
                let found = try ExprChecker(slots: slots, axes: axes, place: inside).checkWhole(condition)
                guard found == .bool else {
                    throw VerifyError(.expression(.conditionNotBool(found: found)), at: inside)
                }
                checker.guarded = true
            }
            try verify(value, checker)
        case .pieces(let pieces):
            try verify(pieces, at: place)
            for (index, piece) in pieces.enumerated() {
                let inside = place + [.piece(index)]
                try verify(piece.value, ExprChecker(slots: slots, axes: piece.box, place: inside))
            }
        }
    }

    private func verify(_ value: Expr, _ checker: ExprChecker) throws(VerifyError) {
        let found = try checker.checkWhole(value)
        guard found == type.dtype else {
            throw VerifyError(
                .expression(.resultDType(declared: type.dtype, found: found)), at: checker.place)
        }
    }

    private func verify(_ reducer: Reducer, at place: [VerifyPlace]) throws(VerifyError) {
        if type.dtype.isStorage {
            throw VerifyError(.expression(.storageOperand(name: reducer.rawValue, found: type.dtype)), at: place)
        }
        switch reducer {
        case .sum, .product:
            guard type.dtype != .bool else {
                let fault = ExpressionFault.operandKind(name: reducer.rawValue, needs: .number, found: .bool)
                throw VerifyError(.expression(fault), at: place)
            }
        case .max, .min: break
        }
    }

    private func verify(_ pieces: [Piece], at place: [VerifyPlace]) throws(VerifyError) {
        guard pieces.count <= VerifyLimits.piecesMax else {
            throw VerifyError(
                .pieces(.beyondLimit(count: pieces.count, limit: VerifyLimits.piecesMax)), at: place)
        }
        var covered = 0
        for (index, piece) in pieces.enumerated() {
            let inside = place + [.piece(index)]
            guard piece.box.count == type.rank else {
                throw VerifyError(.pieces(.rank(rank: type.rank, found: piece.box.count)), at: inside)
            }
            for (axis, range) in piece.box.enumerated() {
                if range.isEmpty { throw VerifyError(.pieces(.empty(axis: axis)), at: inside) }
                let extent = type.shape[axis]
                if range.lowerBound < 0 || range.upperBound > extent {
                    throw VerifyError(.pieces(.outside(axis: axis, range: range, extent: extent)), at: inside)
                }
            }
            for earlier in 0..<index
            where zip(pieces[earlier].box, piece.box).allSatisfy({ $0.0.overlaps($0.1) }) {
                throw VerifyError(.pieces(.overlap(first: earlier, second: index)), at: place)
            }
            covered += piece.box.reduce(1) { $0 * $1.count }
        }
        guard covered == type.elements else {
            throw VerifyError(.pieces(.gap(covered: covered, elements: type.elements)), at: place)
        }
    }
}

/// Checks one expression over known slots and axis ranges.
struct ExprChecker {
    var slots: [TensorType]
    var axes: [Range<Int>]
    var place: [VerifyPlace]
    /// Whether a select or a reduction condition decides if this part is evaluated.
    var guarded = false

    init(slots: [TensorType], axes: [Range<Int>], place: [VerifyPlace]) {
        self.slots = slots
        self.axes = axes
        self.place = place
    }

    /// Checks the limits, then every node; returns the dtype.
    func checkWhole(_ expr: Expr) throws(VerifyError) -> DType {
        guard expr.depth <= ExprLimits.depthMax else {
            throw error(.depthBeyondLimit(limit: ExprLimits.depthMax))
        }
        guard expr.nesting <= ExprLimits.nestingMax else {
            throw error(.nestingBeyondLimit(limit: ExprLimits.nestingMax))
        }
        return try check(expr)
    }

    private func check(_ expr: Expr) throws(VerifyError) -> DType {
        switch expr {
        case .literal(let literal):
            if literal.dtype.isExact, ScalarRules.wrapped(literal.integer, literal.dtype) != literal.integer {
                throw error(.literalDoesNotFit(value: literal.integer, dtype: literal.dtype))
            }
            return literal.dtype
        case .axis(let axis):
            guard axes.indices.contains(axis) else { throw error(.unknownAxis(axis: axis, available: axes.count)) }
            return .i64
        case .read(let slot, let indices): return try check(slot, indices)
        case .unary(let op, let a):
            let found = try check(a)
            try require(op.operandKind, found, op.functionName ?? (op == .not ? "!" : "unary -"))
            return op == .isNaN ? .bool : found
        case .binary(let op, let a, let b):
            let (left, right) = (try check(a), try check(b))
            let name = op.infix?.mark ?? op.functionName ?? op.rawValue
            guard left == right else { throw error(.operandDTypes(name: name, left, right)) }
            try require(op.operandKind, left, name)
            return op.isComparison ? .bool : left
        case .select(let condition, let a, let b):
            let found = try check(condition)
            guard found == .bool else { throw error(.conditionNotBool(found: found)) }
            var inside = self
            inside.guarded = true
            let (left, right) = (try inside.check(a), try inside.check(b))
            guard left == right else { throw error(.sidesDiffer(left, right)) }
            return left
        case .cast(let dtype, let a):
            _ = try check(a)
            return dtype
        }
    }

    private func check(_ slot: Int, _ indices: [Expr]) throws(VerifyError) -> DType {
        guard slots.indices.contains(slot) else {
            throw VerifyError(.read(.slotNotEarlier(slot: slot, available: slots.count)), at: place)
        }
        let type = slots[slot]
        guard indices.count == type.rank else {
            throw VerifyError(.read(.indexCount(slot: slot, rank: type.rank, found: indices.count)), at: place)
        }
        for (axis, index) in indices.enumerated() {
            let found = try check(index)
            guard found == .i64 else {
                throw VerifyError(.read(.indexDType(slot: slot, axis: axis, found: found)), at: place)
            }
            let extent = type.shape[axis]
            guard !guarded, let (low, high) = LinearForm(index, axes: axes)?.bounds(axes) else { continue }
            if low < 0 || high >= extent {
                throw VerifyError(
                    .read(.outOfRange(slot: slot, axis: axis, low: low, high: high, extent: extent)), at: place)
            }
        }
        return type.dtype
    }

    private func require(_ kind: OperandKind?, _ found: DType, _ name: String) throws(VerifyError) {
        if found.isStorage { throw error(.storageOperand(name: name, found: found)) }
        guard let kind else { return }
        let fits =
            switch kind {
            case .float: found.isFloat
            case .number: found != .bool
            case .integer: found.isExact && found != .bool
            case .boolean: found == .bool
            }
        if !fits { throw error(.operandKind(name: name, needs: kind, found: found)) }
    }

    private func error(_ fault: ExpressionFault) -> VerifyError { VerifyError(.expression(fault), at: place) }
}

extension UnaryOperator {
    /// What the operand must be.
    fileprivate var operandKind: OperandKind {
        switch self {
        case .negate, .absolute, .sign: .number
        case .floor, .ceil, .round, .exp, .log, .sqrt, .sin, .cos, .tanh, .erf, .asin, .acos, .atan, .isNaN: .float
        case .not: .boolean
        case .bitNot: .integer
        }
    }
}

extension BinaryOperator {
    /// What both operands must be; `nil` where every dtype that computes is right.
    fileprivate var operandKind: OperandKind? {
        switch self {
        case .add, .subtract, .multiply, .power, .maximum, .minimum: .number
        case .less, .lessOrEqual, .greater, .greaterOrEqual: .number
        case .divide, .floatRemainder: .float
        case .floorDivide, .floorModulo, .truncDivide, .truncRemainder, .bitAnd, .bitOr, .bitXor, .shiftLeft,
            .shiftRight:
            .integer
        case .equal, .notEqual: nil
        case .and, .or: .boolean
        }
    }
}
