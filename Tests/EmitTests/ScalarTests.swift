// Scalar expressions: every operator and cast in every dtype, and random integer trees, against the interpreter.

import Basics
import DeviceModel
import KernelIR
import TensorIR
import Testing

@testable import Emit

@Suite struct ScalarTests {
    /// One kernel per dtype: element i of each output is one operator applied to random elements and to edge cases.
    @Test func integerOperatorsInEveryDType() throws {
        let dtypes: [DType] = [.i8, .i16, .i32, .i64, .u8, .u16, .u32, .u64]
        let kernels = try dtypes.map { dtype in
            let binary: [(BinaryOperator, DType)] = [
                (.add, dtype), (.subtract, dtype), (.multiply, dtype), (.floorDivide, dtype), (.floorModulo, dtype),
                (.truncDivide, dtype), (.truncRemainder, dtype), (.maximum, dtype), (.minimum, dtype),
                (.power, dtype), (.less, .bool), (.greaterOrEqual, .bool), (.equal, .bool), (.bitAnd, dtype),
                (.bitOr, dtype), (.bitXor, dtype), (.shiftLeft, dtype), (.shiftRight, dtype),
            ]
            let unary: [UnaryOperator] = [.negate, .absolute, .sign, .bitNot]
            let at = [Expr.axis(0)]
            let (a, b) = (Expr.read(slot: 0, at), Expr.read(slot: 1, at))
            var values: [(Expr, DType)] = binary.map { (.binary($0.0, a, b), $0.1) }
            values += unary.map { (.unary($0, a), dtype) }
            values += [(.binary(.less, a + b, a - b), .bool), (.binary(.maximum, a * b, a), dtype)]
            for amount in [Int64(1), 3, 7] {
                let count = Expr.literal(.integer(amount, dtype))
                let (shifted, inverse) = (Expr.binary(.shiftRight, a * b, count), Expr.unary(.bitNot, b))
                values.append((.binary(.shiftLeft, a, count), dtype))
                values.append((.binary(.shiftRight, a - b, count), dtype))
                values.append((.cast(.i64, shifted) + .cast(.i64, inverse), .i64))
            }
            return try elementwise([dtype, dtype], values)
        }
        try expectAgreement(kernels, kernels.map { edgeCases($0) }, tolerance: 0, isas: [.plain])
    }

    @Test func castsBetweenAllDTypes() throws {
        let kernels = try DType.allCases.map { from in
            let a = Expr.read(slot: 0, [.axis(0)])
            return try elementwise([from], DType.allCases.map { (Expr.cast($0, a), $0) })
        }
        try expectAgreement(kernels, kernels.map { edgeCases($0) }, tolerance: 6e-8, isas: [.plain], flags: ["-O1"])
    }

    @Test func floatOperatorsInSingleAndDouble() throws {
        let kernels = try [DType.f32, .f64].map { dtype in
            let at = [Expr.axis(0)]
            let (a, b) = (Expr.read(slot: 0, at), Expr.read(slot: 1, at))
            let unary: [UnaryOperator] = [
                .negate, .absolute, .sign, .floor, .ceil, .round, .exp, .log, .sqrt, .tanh, .erf, .asin, .acos, .atan,
            ]
            let binary: [BinaryOperator] = [
                .add, .subtract, .multiply, .divide, .floatRemainder, .power, .maximum, .minimum,
            ]
            let small = Expr.binary(.minimum, .binary(.maximum, a, .float(-100, dtype)), .float(100, dtype))
            let exponents = [1.0, 2, 3, 0.5, -1].map { Expr.binary(.power, a, .float($0, dtype)) }
            let values =
                unary.map { Expr.unary($0, a) } + binary.map { Expr.binary($0, a, b) } + exponents
                + [.unary(.sin, small), .unary(.cos, small), .binary(.maximum, .float(0.5, dtype), a)]
            let tests = [Expr.unary(.isNaN, a), .binary(.less, a, b), .binary(.notEqual, a, b)]
            return try elementwise([dtype, dtype], values.map { ($0, dtype) } + tests.map { ($0, .bool) })
        }
        try expectAgreement(kernels, kernels.map { edgeCases($0) }, tolerance: 1e-6)
    }

    @Test func randomIntegerTrees() throws {
        let kernels = try (0..<12).map { seed in
            var random = SeededRandom(seed: UInt64(seed))
            let dtypes: [DType] = [.i8, .u8, .i32, .u32, .i64, .i16, .u64]
            let values = (0..<6).map { _ in
                let dtype = dtypes[random.below(dtypes.count)]
                return (randomTree(dtype, dtypes, 4, &random), dtype)
            }
            return try elementwise(dtypes, values)
        }
        try expectAgreement(kernels, tolerance: 0, isas: [runnableISAs[0]])
    }

    private func randomTree(_ dtype: DType, _ slots: [DType], _ depth: Int, _ random: inout SeededRandom) -> Expr {
        let leaf = Expr.read(slot: slots.firstIndex(of: dtype) ?? 0, [.axis(0)])
        if depth == 0 { return random.below(4) == 0 ? .literal(.integer(Int64(random.below(100)), dtype)) : leaf }
        func tree(_ type: DType) -> Expr { randomTree(type, slots, depth - 1, &random) }
        let operators: [BinaryOperator] = [
            .add, .subtract, .multiply, .add, .maximum, .minimum, .floorDivide, .floorModulo, .truncDivide, .bitAnd,
            .bitOr, .bitXor, .shiftLeft, .shiftRight,
        ]
        switch random.below(8) {
        case 0: return .cast(dtype, tree(slots[random.below(slots.count)]))
        case 1: return .select(.binary(.less, tree(dtype), tree(dtype)), tree(dtype), tree(dtype))
        case 2: return .unary(random.below(2) == 0 ? .absolute : .bitNot, tree(dtype))
        default: return .binary(operators[random.below(operators.count)], tree(dtype), tree(dtype))
        }
    }

    /// One phase whose task i computes element i of every value; one output per value.
    private func elementwise(_ slots: [DType], _ values: [(Expr, DType)]) throws -> Kernel {
        let count = 64
        let buffers =
            slots.map { Buffer(role: .input, dtype: $0, elements: count) }
            + values.map { Buffer(role: .output, dtype: $0.1, elements: count) }
        let body = values.enumerated().map { at, value in
            Statement.map(slot: slots.count + at, index: .axis(0), value: value.0)
        }
        let kernel = Kernel(buffers: buffers, phases: [Phase(tasks: count, body: body)])
        try kernel.verify()
        return kernel
    }

    /// Random elements, of which the first ones are the extremes of the dtype.
    private func edgeCases(_ kernel: Kernel) -> [TensorValue] {
        kernel.buffers.enumerated().map { slot, buffer in
            var value = randomTensor(
                TensorType(buffer.dtype, [buffer.elements]), seed: UInt64(slot) + 77, scale: 3)
            switch value.elements {
            case .floats(var floats):
                let extremes = [
                    0, -0.0, 1, -1, 0.5, 1.5, 2.5, -2.5, .infinity, -.infinity, .nan, 300, -300, 70_000, 3e9, -3e9,
                    1e19, 464, 465, -248, 0.2, 0x1p-8, -0x1p-10,
                ]
                for (at, extreme) in extremes.enumerated() {
                    floats[(at * (slot * 3 + 1)) % 64] = ScalarRules.rounded(extreme, buffer.dtype)
                }
                value.elements = .floats(floats)
            case .integers(var integers):
                let least = buffer.dtype.leastInteger
                let extremes = [0, 1, -1, 2, least, buffer.dtype.greatestInteger, least &+ 1, 7, -7]
                for (at, extreme) in extremes.enumerated() {
                    integers[(at * (slot * 3 + 1)) % 64] = ScalarRules.wrapped(extreme, buffer.dtype)
                }
                value.elements = .integers(integers)
            }
            return value
        }
    }
}
