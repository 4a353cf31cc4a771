// Seeded random kernels that pass the verifier: every statement, role, dtype and operator occurs.

import Basics
import TensorIR

@testable import KernelIR

struct RandomKernel {
    private var random: SeededRandom
    private var buffers: [Buffer] = []
    private var writtenBefore: Set<Int> = []
    private var written: Set<Int> = []
    private var scratch: [DType] = []
    private var nextVariable = 1
    private var visible: [Int] = [0]
    private var insideVector = false

    static func make(seed: UInt64) -> Kernel {
        var maker = RandomKernel(random: SeededRandom(seed: seed))
        return maker.kernel()
    }

    private init(random: SeededRandom) { self.random = random }

    private mutating func pick<T>(_ values: [T]) -> T { values[random.below(values.count)] }
    private mutating func chance(_ percent: Int) -> Bool { random.below(100) < percent }

    private mutating func kernel() -> Kernel {
        for _ in 0..<1 + random.below(4) {
            buffers.append(
                Buffer(role: pick(Buffer.Role.allCases), dtype: pick(DType.allCases), elements: 1 + random.below(100)))
        }
        for role in [Buffer.Role.input, .input, .output] {
            buffers.append(Buffer(role: role, dtype: .f32, elements: 64))
        }
        var phases: [Phase] = []
        let count = 1 + random.below(3)
        for index in 0..<count {
            (scratch, nextVariable, visible, written) = ([], 1, [0], [])
            var body = (0..<random.below(5)).map { _ in statement(depth: 0) }
            if index == count - 1 {
                for (slot, buffer) in buffers.enumerated() where buffer.role == .output {
                    body.append(.map(slot: slot, index: expr(.i64, 1), value: expr(buffer.dtype, 2)))
                }
            }
            phases.append(Phase(tasks: 1 + random.below(30), body: body))
            writtenBefore.formUnion(written)
        }
        return Kernel(buffers: buffers, phases: phases)
    }

    private var slots: [DType] { buffers.map(\.dtype) + scratch }

    private var writable: [Int] {
        slots.indices.filter { $0 >= buffers.count || buffers[$0].role == .output || buffers[$0].role == .temporary }
    }

    private var readable: [Int] {
        slots.indices.filter { slot in
            slot >= buffers.count || buffers[slot].role != .temporary || writtenBefore.contains(slot)
        }
    }

    private mutating func target() -> Int {
        let slot = pick(writable)
        written.insert(slot)
        return slot
    }

    private mutating func introduce() -> Int {
        visible.append(nextVariable)
        nextVariable += 1
        return nextVariable - 1
    }

    private mutating func block(depth: Int) -> [Statement] {
        let outside = visible
        let out = (0..<random.below(4)).map { _ in statement(depth: depth) }
        visible = outside
        return out
    }

    private mutating func statement(depth: Int) -> Statement {
        switch random.below(depth < 3 ? 7 : 4) {
        case 0:
            let value = expr(.i64, 2)
            return .bind(variable: introduce(), value)
        case 1: return map()
        case 2: return reduce().map { .reduce($0) } ?? map()
        case 3: return (chance(50) ? contract() : tile()) ?? map()
        case 4:
            guard depth == 0 else { return .when(expr(.bool, 2), block(depth: depth + 1)) }
            scratch.append(pick(DType.allCases))
            return .alloc(slot: slots.count - 1, slots[slots.count - 1], elements: 1 + random.below(900))
        default: return loop(depth: depth)
        }
    }

    private mutating func loop(depth: Int) -> Statement {
        let (from, to) = (expr(.i64, 1), expr(.i64, 1))
        let (outside, wasInside) = (visible, insideVector)
        let vector = !insideVector && chance(40)
        insideVector = insideVector || vector
        let variable = introduce()
        let body = block(depth: depth + 1)
        (visible, insideVector) = (outside, wasInside)
        return .loop(variable: variable, from: from, to: to, step: 1 + random.below(3), vector: vector, body)
    }

    private mutating func map() -> Statement {
        let slot = target()
        return .map(slot: slot, index: expr(.i64, 2), value: expr(slots[slot], 3))
    }

    private mutating func reduce() -> Reduce? {
        let computing = writable.filter { !slots[$0].isStorage }
        guard !computing.isEmpty else { return nil }
        let slot = pick(computing)
        written.insert(slot)
        let index = expr(.i64, 2)
        let outside = visible
        var axes: [Reduce.Axis] = []
        for _ in 0...random.below(2) {
            let (from, to) = (expr(.i64, 1), expr(.i64, 1))
            axes.append(Reduce.Axis(variable: introduce(), from: from, to: to))
        }
        let condition = chance(30) ? expr(.bool, 2) : nil
        let value = expr(slots[slot], 3)
        visible = outside
        return Reduce(
            slot: slot, index: index, reducer: slots[slot] == .bool ? pick([.max, .min]) : pick(Reducer.allCases),
            dtype: slots[slot], axes: axes, condition: condition, value: value)
    }

    private mutating func contract() -> Statement? {
        let floats = writable.filter { slots[$0] == .f32 }
        guard !floats.isEmpty else { return nil }
        let acc = pick(floats)
        let sources = readable.filter { slots[$0] == .f32 && $0 != acc }
        guard !sources.isEmpty else { return nil }
        written.insert(acc)
        let columns = 4 * (1 + random.below(8))
        return .contract(
            Contract(
                rows: 1 + random.below(14), columns: columns, acc: acc, accIndex: expr(.i64, 2),
                accStride: columns + random.below(9), a: pick(sources), aIndex: expr(.i64, 2), aRow: random.below(99),
                aStep: random.below(99), b: pick(sources), bIndex: expr(.i64, 2), bStride: random.below(99),
                depth: expr(.i64, 1), accumulate: chance(50)))
    }

    private mutating func tile() -> Statement? {
        let floats = writable.filter { slots[$0] == .f32 }
        guard !floats.isEmpty else { return nil }
        let into = pick(floats)
        let sources = readable.filter { slots[$0] == .f32 && $0 != into }
        guard !sources.isEmpty else { return nil }
        written.insert(into)
        let rows = 1 + random.below(14)
        let columns = 4 * (1 + random.below(8))
        func displacements() -> [Int] { (0..<rows).map { _ in random.below(200) - 20 } }
        func walk(_ slot: Int, _ block: Int) -> Tile.Walk {
            Tile.Walk(
                slot: slot, index: expr(.i64, 2), rows: displacements(), block: block, blockStride: random.below(99))
        }
        let operands = (0..<random.below(3)).map { _ in walk(pick(sources), random.below(3) * 4) }
        var value = Expr.read(slot: 0, [])
        for n in operands.indices {
            let op = pick([BinaryOperator.add, .subtract, .multiply, .divide, .maximum, .minimum])
            value = .binary(op, value, chance(70) ? .read(slot: n + 1, []) : .float(random.unit()))
        }
        let tile = Tile(
            rows: rows, columns: columns, stored: 1 + random.below(columns), a: pick(sources), aIndex: expr(.i64, 2),
            aRows: displacements(), aStep: random.below(99), b: pick(sources), bIndex: expr(.i64, 2),
            bStride: random.below(99), depth: expr(.i64, 1),
            inner: (0..<random.below(3)).map { _ in Tile.Run(extent: 1 + random.below(4), aStep: random.below(50)) },
            from: chance(50) ? walk(pick(sources), 4) : nil, into: walk(into, 4 * (1 + random.below(4))),
            operands: operands, value: chance(20) ? .unary(.negate, value) : value)
        return .tile(tile)
    }

    private mutating func leaf(_ dtype: DType) -> Expr {
        if dtype == .i64, chance(60) { return .axis(pick(visible)) }
        let sources = readable.filter { slots[$0] == dtype }
        if !sources.isEmpty, chance(50) { return .read(slot: pick(sources), [.axis(pick(visible))]) }
        if dtype == .bool { return .literal(.boolean(chance(50))) }
        if dtype.isExact {
            return .literal(.integer(ScalarRules.wrapped(Int64(random.below(400)) - 200, dtype), dtype))
        }
        let special: [Double] = [.infinity, -.infinity, .nan, -0.0, 1e-30, 6.5e4]
        return .literal(.float(chance(20) ? pick(special) : random.unit() * 8 - 4, dtype))
    }

    private mutating func expr(_ dtype: DType, _ depth: Int) -> Expr {
        guard depth > 0, chance(80) else { return leaf(dtype) }
        // storage types are only moved and cast
        switch random.below(dtype.isStorage ? 2 : 6) {
        case 0: return .select(expr(.bool, depth - 1), expr(dtype, depth - 1), expr(dtype, depth - 1))
        case 1: return .cast(dtype, expr(pick(DType.allCases), depth - 1))
        case 2: return unary(dtype, depth)
        default: return binary(dtype, depth)
        }
    }

    private mutating func unary(_ dtype: DType, _ depth: Int) -> Expr {
        if dtype == .bool {
            return chance(50) ? .unary(.not, expr(.bool, depth - 1)) : .unary(.isNaN, expr(.f32, depth - 1))
        }
        let any: [UnaryOperator] = [.negate, .absolute, .sign]
        let floats: [UnaryOperator] = [
            .floor, .ceil, .round, .exp, .log, .sqrt, .sin, .cos, .tanh, .erf, .asin, .acos, .atan,
        ]
        return .unary(pick(any + (dtype.isFloat ? floats : [.bitNot])), expr(dtype, depth - 1))
    }

    private mutating func binary(_ dtype: DType, _ depth: Int) -> Expr {
        let both: DType
        let op: BinaryOperator
        if dtype == .bool {
            let compares = BinaryOperator.allCases.filter(\.isComparison)
            both = pick(DType.allCases.filter { !$0.isStorage })
            op = both == .bool ? pick([.and, .or, .equal, .notEqual]) : pick(compares)
        } else {
            both = dtype
            let any: [BinaryOperator] = [.add, .subtract, .multiply, .power, .maximum, .minimum]
            let floats: [BinaryOperator] = [.divide, .floatRemainder]
            let integers: [BinaryOperator] = [
                .floorDivide, .floorModulo, .truncDivide, .truncRemainder, .bitAnd, .bitOr, .bitXor, .shiftLeft,
                .shiftRight,
            ]
            op = pick(any + (dtype.isFloat ? floats : integers))
        }
        let left = expr(both, depth - 1)
        return .binary(op, left, expr(both, depth - 1))
    }
}
