// What a program wrote, as the model's outputs: an axis whose length the data decided is cut to that length, and the
// outputs that say the lengths are left out.

import Emit
import TensorIR

extension ModelDescription {
    /// - Parameter written: the bytes of every output of the program.
    func results(_ written: [[UInt8]]) -> [NamedTensor] {
        let lengths = Set(extents.map(\.count))
        return outputs.indices.filter { !lengths.contains($0) }.map { n in
            var result = NamedTensor(name: outputs[n].name, type: outputs[n].type, bytes: written[n])
            for extent in extents where extent.result == n {
                let count = written[extent.count].withUnsafeBytes { $0.loadUnaligned(as: Int64.self) }
                result = result.cut(axis: extent.axis, to: Int(count))
            }
            return result
        }
    }
}

extension NamedTensor {
    /// The first `count` elements along an axis.
    func cut(axis: Int, to count: Int) -> NamedTensor {
        let shape = type.shape
        let kept = min(max(count, 0), shape[axis])
        guard kept < shape[axis] else { return self }
        let line = shape[(axis + 1)...].reduce(type.dtype.bytes, *)
        var out = NamedTensor(name: name, type: type, bytes: [])
        out.type = TensorType(type.dtype, shape.indices.map { $0 == axis ? kept : shape[$0] })
        for start in stride(from: 0, to: bytes.count, by: line * shape[axis]) {
            out.bytes += bytes[start..<(start + line * kept)]
        }
        return out
    }
}
