// What `run` prints of an output: its type, least, greatest and mean value, how many elements are no finite numbers,
// and the digest of its bytes. Input: a tensor. Output: cells of a table, or JSON.

import Basics
import TensorIR

struct OutputSummary: Equatable {
    var name: String
    var type: TensorType
    /// Over finite elements; `nil` when there is none.
    var least: Double?
    var greatest: Double?
    var mean: Double?
    var notFinite: Int
    var digest: Digest

    init(_ tensor: NamedTensor) {
        name = tensor.name
        type = tensor.type
        digest = Digest(of: tensor.bytes)
        let values = OutputSummary.values(tensor)
        let finite = values.filter(\.isFinite)
        notFinite = values.count - finite.count
        least = finite.min()
        greatest = finite.max()
        mean = finite.isEmpty ? nil : finite.reduce(0, +) / Double(finite.count)
    }

    private static func values(_ tensor: NamedTensor) -> [Double] {
        let value = tensor.bytes.withUnsafeBytes { TensorValue(tensor.type, bytes: $0) }
        switch value.elements {
        case .floats(let floats): return floats
        case .integers(let integers):
            if tensor.type.dtype == .u64 { return integers.map { Double(UInt64(bitPattern: $0)) } }
            return integers.map { Double($0) }
        }
    }

    static let head = ["output", "type", "min", "max", "mean", "not finite", "digest"]

    var cells: [String] {
        [escaped(name), typeText(type), figure(least), figure(greatest), figure(mean), "\(notFinite)", digest.short]
    }

    var json: JSON {
        .object([
            ("name", .string(name)), ("dtype", .string(type.dtype.rawValue)),
            ("shape", .array(type.shape.map(JSON.integer))), ("min", least.map(JSON.number)),
            ("max", greatest.map(JSON.number)), ("mean", mean.map(JSON.number)),
            ("not_finite", notFinite == 0 ? nil : .integer(notFinite)), ("digest", .string(digest.hex)),
        ])
    }

    /// As many digits as single precision has; integers as they are.
    private func figure(_ value: Double?) -> String {
        guard let value else { return "-" }
        if value == value.rounded(), abs(value) < 1e15 { return String(Int(value)) }
        return Float(value).description
    }
}

/// `f32[128,768]`.
func typeText(_ type: TensorType) -> String {
    type.dtype.rawValue + "[" + type.shape.map(String.init).joined(separator: ",") + "]"
}
