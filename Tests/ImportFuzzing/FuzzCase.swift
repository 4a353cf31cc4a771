// A case of the fuzzer: what a seed makes of a corpus file. Input: the file's bytes and a seed. Output: other bytes,
// the same ones every time, in every process. Seed 0 changes nothing. Three quarters of the cases change the decoded
// model, so that they get past the decoder; the others, and some of those, change bytes.

import Basics
import ONNXImport
import SwiftProtobuf

typealias Model = Ironworks_Onnx_ModelProto
typealias ModelGraph = Ironworks_Onnx_GraphProto
typealias ModelNode = Ironworks_Onnx_NodeProto
typealias ModelAttribute = Ironworks_Onnx_AttributeProto
typealias ModelTensor = Ironworks_Onnx_TensorProto
typealias ValueInfo = Ironworks_Onnx_ValueInfoProto

/// How a case is made.
package enum FuzzMutator: Hashable, Sendable {
    case bytes
    case structure
    case both
}

/// The most bytes of one case; a longer one is cut.
package let fuzzCaseBytesMax = 1 << 20

/// The case `seed` of a corpus file.
/// - Parameter mutator: `nil` lets the seed choose.
package func fuzzCase(_ bytes: [UInt8], seed: UInt64, mutator: FuzzMutator? = nil) -> [UInt8] {
    guard seed != 0 else { return bytes }
    var random = SeededRandom(seed: seed)
    let draw = random.below(8)
    let drawn: FuzzMutator = draw < 2 ? .bytes : draw == 2 ? .both : .structure
    var out = bytes
    switch mutator ?? drawn {
    case .bytes: mutateBytes(&out, &random)
    case .structure:
        if !mutateStructure(&out, &random) { mutateBytes(&out, &random) }
    case .both:
        _ = mutateStructure(&out, &random)
        mutateBytes(&out, &random)
    }
    return out.count > fuzzCaseBytesMax ? Array(out[..<fuzzCaseBytesMax]) : out
}

/// False when the bytes are no model that the decoder takes, or the changed model is none that it writes.
private func mutateStructure(_ bytes: inout [UInt8], _ random: inout SeededRandom) -> Bool {
    guard var model = try? Model(serializedBytes: bytes) else { return false }
    var count = 1
    while count < 6, random.below(2) == 0 { count += 1 }
    for _ in 0..<count {
        let mutation = StructureMutation.all[random.below(StructureMutation.all.count)]
        mutation.apply(&model, &random)
    }
    guard let changed: [UInt8] = try? model.serializedBytes() else { return false }
    bytes = changed
    return true
}

extension SeededRandom {
    mutating func pick<Element>(_ items: [Element]) -> Element {
        precondition(!items.isEmpty, "nothing to pick from")
        return items[below(items.count)]
    }

    /// An index of `items`; `nil` when there is none.
    mutating func index(_ items: some Collection) -> Int? { items.isEmpty ? nil : below(items.count) }

    /// Once in `count` draws.
    mutating func once(in count: Int) -> Bool { below(count) == 0 }
}
