// Random but valid expressions, definitions, workloads and graphs for property tests. Everything is drawn from one
// seeded generator. Indices are in range by construction (an axis that fits, a literal, or something modulo the
// extent), so samples verify and can be interpreted.

import Basics

@testable import TensorIR

struct TensorIRSamples {
    var random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    mutating func pick<T>(_ items: [T]) -> T { items[random.below(items.count)] }
    mutating func chance(_ percent: Int) -> Bool { random.below(100) < percent }

    static let floatDTypes: [DType] = [.f32, .f32, .f32, .f16, .bf16, .f64]
    static let integerDTypes: [DType] = [.i64, .i64, .i32, .i16, .i8, .u8, .u16, .u32, .u64]

    static let storageDTypes = DType.allCases.filter(\.isStorage)

    /// Any dtype that computes.
    mutating func computing() -> DType {
        switch random.below(10) {
        case 0..<6: return pick(TensorIRSamples.floatDTypes)
        case 6..<9: return pick(TensorIRSamples.integerDTypes)
        default: return .bool
        }
    }

    mutating func dtype() -> DType { chance(10) ? pick(TensorIRSamples.storageDTypes) : computing() }

    mutating func type() -> TensorType {
        TensorType(dtype(), (0..<random.below(4)).map { _ in 1 + random.below(4) })
    }

    mutating func literal(_ dtype: DType) -> Literal {
        if dtype == .bool { return .boolean(chance(50)) }
        if dtype.isFloat {
            let special: [Double] = [
                0, -0.0, 1, -1, 0.5, .nan, .infinity, -.infinity, 1e-5, 1e30, 65504, 3.4028235e38, 1e-45, -2.5e-3,
            ]
            return .float(chance(40) ? pick(special) : (random.unit() - 0.5) * 100, dtype)
        }
        let wide = Int64(bitPattern: random.next())
        return .integer(ScalarRules.wrapped(chance(20) ? wide : wide % 20, dtype), dtype)
    }

    /// What an expression may use.
    struct Context {
        var slots: [TensorType]
        var axes: [Range<Int>]
    }

    mutating func index(_ extent: Int, _ context: Context, _ depth: Int) -> Expr {
        let fitting = context.axes.indices.filter { context.axes[$0].upperBound <= extent }
        if !fitting.isEmpty, chance(60) { return .axis(pick(Array(fitting))) }
        if depth <= 0 || context.axes.isEmpty || chance(30) { return .integer(random.below(extent)) }
        let inner = expr(.i64, context, depth - 1)
        return .binary(.floorModulo, inner, .integer(extent))
    }

    mutating func expr(_ dtype: DType, _ context: Context, _ depth: Int) -> Expr {
        if depth <= 0 || chance(15) { return leaf(dtype, context, depth) }
        // only moved and cast
        switch dtype.isStorage ? 3 + random.below(2) : random.below(8) {
        case 0: return leaf(dtype, context, depth)
        case 1, 2: return unary(dtype, context, depth)
        case 3:
            let condition = expr(.bool, context, depth - 1)
            return .select(condition, expr(dtype, context, depth - 1), expr(dtype, context, depth - 1))
        case 4: return .cast(dtype, expr(self.dtype(), context, depth - 1))
        default: return binary(dtype, context, depth)
        }
    }

    private mutating func leaf(_ dtype: DType, _ context: Context, _ depth: Int) -> Expr {
        let readable = context.slots.indices.filter { context.slots[$0].dtype == dtype }
        if !readable.isEmpty, chance(70) {
            let slot = pick(Array(readable))
            return .read(slot: slot, context.slots[slot].shape.map { index($0, context, depth - 1) })
        }
        if dtype == .i64, !context.axes.isEmpty, chance(60) { return .axis(random.below(context.axes.count)) }
        return .literal(literal(dtype))
    }

    private mutating func unary(_ dtype: DType, _ context: Context, _ depth: Int) -> Expr {
        if dtype == .bool {
            if chance(30) { return .unary(.isNaN, expr(.f32, context, depth - 1)) }
            return .unary(.not, expr(.bool, context, depth - 1))
        }
        let both: [UnaryOperator] = [.negate, .absolute, .sign]
        let float: [UnaryOperator] = [
            .floor, .ceil, .round, .exp, .log, .sqrt, .sin, .cos, .tanh, .erf, .asin, .acos, .atan,
        ]
        return .unary(pick(both + (dtype.isFloat ? float : [.bitNot])), expr(dtype, context, depth - 1))
    }

    private mutating func binary(_ dtype: DType, _ context: Context, _ depth: Int) -> Expr {
        var operands = dtype
        let op: BinaryOperator
        if dtype == .bool {
            if chance(50) {
                op = pick([.and, .or])
            } else {
                repeat { operands = computing() } while operands == .bool
                op = pick([.equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual])
            }
        } else if dtype.isFloat {
            op = pick([.add, .subtract, .multiply, .divide, .floatRemainder, .power, .maximum, .minimum])
        } else {
            op = pick([
                .add, .subtract, .multiply, .floorDivide, .floorModulo, .truncDivide, .truncRemainder, .maximum,
                .minimum, .power, .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight,
            ])
        }
        return .binary(op, expr(operands, context, depth - 1), expr(operands, context, depth - 1))
    }

    mutating func definition(slots: [TensorType], type: TensorType? = nil, depth: Int = 4) -> Definition {
        let type = type ?? self.type()
        var context = Context(slots: slots, axes: type.shape.map { 0..<$0 })
        switch random.below(type.rank > 0 ? 4 : 2) {
        case 0 where type.dtype != .bool && !type.dtype.isStorage, 1 where type.dtype != .bool && !type.dtype.isStorage:
            let extents = (0..<1 + random.below(2)).map { _ in 1 + random.below(4) }
            context.axes += extents.map { 0..<$0 }
            let condition = chance(40) ? expr(.bool, context, 2) : nil
            let value = expr(type.dtype, context, depth)
            return Definition(
                type: type,
                body: .reduce(pick(Reducer.allCases), extents: extents, condition: condition, value))
        case 3:
            let axis = random.below(type.rank)
            let cut = random.below(type.shape[axis] + 1)
            let halves = [0..<cut, cut..<type.shape[axis]].filter { !$0.isEmpty }
            let pieces = halves.map { range -> Piece in
                var box = type.shape.map { 0..<$0 }
                box[axis] = range
                return Piece(box: box, value: expr(type.dtype, Context(slots: slots, axes: box), depth - 1))
            }
            return Definition(type: type, body: .pieces(pieces))
        default: return Definition(type: type, body: .map(expr(type.dtype, context, depth)))
        }
    }

    mutating func workload() -> Workload {
        let parameters = (0..<1 + random.below(3)).map { _ in Workload.Parameter(type: type(), isConstant: chance(40)) }
        var slots = parameters.map(\.type)
        var definitions: [Definition] = []
        for _ in 0..<1 + random.below(4) {
            let definition = definition(slots: slots)
            definitions.append(definition)
            slots.append(definition.type)
        }
        let results = [slots.count - 1] + (chance(30) ? [random.below(slots.count)] : [])
        return Workload(parameters: parameters, definitions: definitions, results: results)
    }

    mutating func value(_ type: TensorType) -> TensorValue {
        TensorValue(type, literals: (0..<type.elements).map { _ in literal(type.dtype) })
    }
}
