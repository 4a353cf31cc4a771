// Inputs of a trial: two classes per seed. Signed uniform values find what rounding and order can break; small
// integers are exact in f32, so a right kernel matches them bit for bit. Integer operands that index another tensor
// stay inside it; other integers and bools are small. Never only ones, never only positives.

import Basics
import TensorIR

package enum InputClass: String, CaseIterable, Sendable {
    /// Floats uniform in [-1, 1).
    case uniform
    /// Floats are integers in -4 ... 4.
    case integers
}

/// One value per parameter of `workload`, row-major.
package func trialInputs(_ workload: Workload, _ inputClass: InputClass, seed: UInt64) -> [TensorValue] {
    workload.parameters.enumerated().map { slot, parameter in
        var random = SeededRandom(seed: seed &* 1_000_003 &+ UInt64(slot))
        let count = parameter.type.elements
        if parameter.type.dtype.isFloat {
            let floats = (0..<count).map { _ -> Double in
                switch inputClass {
                case .uniform: ScalarRules.rounded(Double(Float(random.unit() * 2 - 1)), parameter.type.dtype)
                case .integers: ScalarRules.rounded(Double(random.below(9) - 4), parameter.type.dtype)
                }
            }
            return TensorValue(parameter.type, floats: floats)
        }
        let greatest = Int(parameter.type.dtype.greatestInteger)
        let bound = min((indexBound(workload, slot) ?? 5) - 1, greatest) + 1
        return TensorValue(parameter.type, integers: (0..<count).map { _ in Int64(random.below(bound)) })
    }
}

/// The least extent that elements of `slot` index; `nil` when they index nothing.
private func indexBound(_ workload: Workload, _ slot: Int) -> Int? {
    var bound: Int?
    for definition in workload.definitions {
        for e in definition.expressions {
            e.visit { node in
                guard case .read(let target, let indices) = node else { return }
                for (axis, index) in indices.enumerated() where index.slotsRead.contains(slot) {
                    let extent = workload.type(ofSlot: target).shape[axis]
                    bound = min(bound ?? extent, extent)
                }
            }
        }
    }
    return bound
}
