// Seeded random programs: every step, place and operator occurs. They parse back; few of them would verify.

import Basics
import TensorIR

@testable import ProgramIR

struct RandomProgram {
    private var random: SeededRandom
    private var scalars = 1

    static func make(seed: UInt64) -> Program {
        var maker = RandomProgram(random: SeededRandom(seed: seed))
        return maker.program()
    }

    private init(random: SeededRandom) { self.random = random }

    private mutating func chance(_ percent: Int) -> Bool { random.below(100) < percent }
    private mutating func pick<T>(_ values: [T]) -> T { values[random.below(values.count)] }
    private mutating func several<T>(_ least: Int, _ most: Int, _ make: (inout RandomProgram) -> T) -> [T] {
        (0..<least + random.below(most - least + 1)).map { _ in make(&self) }
    }

    private mutating func program() -> Program {
        scalars = 1 + random.below(5)
        return Program(
            kernels: several(0, 3) { $0.kernel() }, buffers: several(0, 4) { $0.buffer() }, scalars: scalars,
            counters: random.below(4), frames: random.below(5), routines: several(0, 2) { $0.steps(2) },
            lanes: several(0, 3) { $0.steps(3) }, arenaBytes: random.below(1 << 20), scratchBytes: random.below(1 << 16)
        )
    }

    private mutating func kernel() -> KernelUse {
        KernelUse(
            name: pick(["gemm_12x32", "pack", "k", "a \"quoted\" name\\", "two\nlines", ""]), digest: digest(),
            phases: several(0, 3) { 1 + $0.random.below(99) }, operandBytes: several(0, 4) { $0.random.below(1 << 30) })
    }

    private mutating func digest() -> Digest { Digest(of: "\(random.next())") }

    private mutating func buffer() -> ProgramBuffer {
        let number = random.below(100)
        let place: ProgramBuffer.Place =
            switch random.below(4) {
            case 0: .input(number)
            case 1: .output(number)
            case 2: .constant(number, digest())
            default: .arena(offset: number * 64)
            }
        return ProgramBuffer(bytes: random.below(1 << 20), place: place)
    }

    private mutating func steps(_ depth: Int) -> [Step] { several(0, 5) { $0.step(depth) } }

    private mutating func step(_ depth: Int) -> Step {
        switch random.below(depth > 0 ? 9 : 7) {
        case 0:
            return .run(
                kernel: random.below(9), phase: random.below(3), from: expr(.i64, 1), to: expr(.i64, 2),
                operands: several(0, 4) { $0.address() })
        case 1: return .publish(counter: random.below(9), expr(.i64, 2))
        case 2: return .wait(counter: random.below(9), expr(.i64, 2))
        case 3: return .load(scalar: random.below(scalars), address(), pick(DType.allCases))
        case 4: return .set(scalar: random.below(scalars), expr(.i64, 3))
        case 5: return .call(routine: random.below(4), keep: several(0, 2) { $0.random.below($0.scalars) })
        case 6: return .stopIf(expr(.bool, 2))
        case 7: return .loop(scalar: random.below(scalars), from: expr(.i64, 1), to: expr(.i64, 1), steps(depth - 1))
        default: return .branch(expr(.bool, 2), steps(depth - 1), steps(depth - 1))
        }
    }

    private mutating func address() -> Address {
        chance(30) ? Address(buffer: random.below(9)) : Address(buffer: random.below(9), offset: expr(.i64, 2))
    }

    private mutating func expr(_ dtype: DType, _ depth: Int) -> Expr {
        if depth == 0 || chance(20) {
            if dtype == .bool { return .literal(.boolean(chance(50))) }
            return chance(50) ? .axis(random.below(scalars)) : .integer(random.below(4000) - 1000)
        }
        if chance(15) { return .select(expr(.bool, depth - 1), expr(dtype, depth - 1), expr(dtype, depth - 1)) }
        let integers: [BinaryOperator] = [
            .add, .subtract, .multiply, .floorDivide, .floorModulo, .truncDivide, .truncRemainder, .power, .maximum,
            .minimum,
        ]
        if dtype == .i64 {
            if chance(15) { return .unary(pick([.negate, .absolute, .sign]), expr(.i64, depth - 1)) }
            return .binary(pick(integers), expr(.i64, depth - 1), expr(.i64, depth - 1))
        }
        if chance(15) { return .unary(.not, expr(.bool, depth - 1)) }
        if chance(30) { return .binary(pick([.and, .or]), expr(.bool, depth - 1), expr(.bool, depth - 1)) }
        let comparisons = BinaryOperator.allCases.filter(\.isComparison)
        return .binary(pick(comparisons), expr(.i64, depth - 1), expr(.i64, depth - 1))
    }
}
