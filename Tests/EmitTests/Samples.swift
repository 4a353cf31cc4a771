// Seeded tensors and comparisons that the tests share.

import Basics
import DeviceModel
import KernelIR
import TensorIR
import Testing

@testable import Emit

/// Floats in [-scale, scale) that are exact in f32; integers over their whole range, bool 0 or 1.
func randomTensor(_ type: TensorType, seed: UInt64, scale: Double = 1) -> TensorValue {
    var random = SeededRandom(seed: seed)
    if type.dtype.isFloat {
        let values = (0..<type.elements).map { _ in
            ScalarRules.rounded((random.unit() * 2 - 1) * scale, type.dtype == .f64 ? .f32 : type.dtype)
        }
        return TensorValue(type, floats: values)
    }
    let values = (0..<type.elements).map { _ in
        ScalarRules.wrapped(Int64(bitPattern: random.next()) >> random.below(64), type.dtype)
    }
    return TensorValue(type, integers: values)
}

func inputs(_ kernel: Kernel, seed: UInt64, scale: Double = 1) -> [TensorValue] {
    kernel.buffers.enumerated().map { slot, buffer in
        randomTensor(TensorType(buffer.dtype, [buffer.elements]), seed: seed &+ UInt64(slot), scale: scale)
    }
}

/// Largest difference as a share of 1 + |expected in its dtype|; infinite where NaN or infinity disagree or integers
/// differ.
func difference(_ found: TensorValue, _ expected: TensorValue) -> Double {
    switch (found.elements, expected.elements) {
    case (.floats(let a), .floats(let b)):
        return zip(a, b).reduce(0) { worst, pair in
            let (x, y) = (pair.0, ScalarRules.rounded(pair.1, expected.type.dtype))
            if x.isNaN || y.isNaN { return x.isNaN && y.isNaN ? worst : .infinity }
            return x == y ? worst : max(worst, abs(x - y) / (1 + abs(y)))
        }
    case (.integers(let a), .integers(let b)): return a == b ? 0 : .infinity
    case (.floats, .integers), (.integers, .floats): return .infinity
    }
}

/// Compiles the kernels as one source per instruction set and compares outputs with the interpreter's.
func expectAgreement(
    _ kernels: [Kernel], _ given: [[TensorValue]]? = nil, scale: Double = 1, tolerance: Double = 2e-6,
    isas: [ISA] = runnableISAs, flags: [String] = [],
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let operands = given ?? kernels.enumerated().map { inputs($1, seed: UInt64($0) &* 100, scale: scale) }
    let named = kernels.enumerated().map { (name: "k\($0)", kernel: $1) }
    let expected = try zip(kernels, operands).map { kernel, operands in
        var values = operands
        try kernel.execute(&values)
        return values
    }
    for isa in isas {
        let compiled = try CompiledC(emit(kernels: named, dialect: .c(isa)), isa: isa, flags: flags)
        for (index, kernel) in kernels.enumerated() {
            let found = try kernel.run(compiled, name: "k\(index)", operands[index])
            for (slot, buffer) in kernel.buffers.enumerated() where buffer.role == .output {
                let worst = difference(found[slot], expected[index][slot])
                #expect(worst <= tolerance, "\(isa) kernel \(index) buffer \(slot)", sourceLocation: sourceLocation)
            }
        }
    }
}
