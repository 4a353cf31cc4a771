// The test vectors of a bundle as one file: a line of 64 bytes, then per vector every input and every expected
// output in order, each from a new line of 64 bytes on. Their sizes are those of the tensors.
//
//     0  magic "IRONVEC\n"   8  version, u32   12  number of vectors, u32   16  bytes of the file, u64   24  zero

import Emit
import TensorIR

enum VectorsFile {
    static let magic = "IRONVEC\n"
    static let version = 1
    static let lineBytes = 64

    /// - Throws: `vectorCount` or `vectorBytes` when a vector is not one of this model.
    static func bytes(_ vectors: [TestVector], _ model: ModelDescription) throws(ExportError) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: lineBytes)
        for (number, vector) in vectors.enumerated() {
            try append(vector.inputs, model.inputs, .input, number, &out)
            try append(vector.outputs, model.outputs, .output, number, &out)
        }
        out.replaceSubrange(0..<8, with: Array(magic.utf8))
        put(UInt32(version), at: 8, &out)
        put(UInt32(vectors.count), at: 12, &out)
        put(UInt64(out.count), at: 16, &out)
        return out
    }

    private static func append(
        _ contents: [[UInt8]], _ tensors: [ModelDescription.Tensor], _ side: ProgramEmissionError.Side, _ number: Int,
        _ out: inout [UInt8]
    ) throws(ExportError) {
        guard contents.count == tensors.count else {
            throw .vectorCount(vector: number, side, found: contents.count, expected: tensors.count)
        }
        for (index, content) in contents.enumerated() {
            let expected = tensors[index].type.bytes
            guard content.count == expected else {
                throw .vectorBytes(vector: number, side, index: index, found: content.count, expected: expected)
            }
            out += content
            let rest = out.count % lineBytes
            if rest != 0 { out += [UInt8](repeating: 0, count: lineBytes - rest) }
        }
    }

    private static func put(_ value: some FixedWidthInteger, at offset: Int, _ out: inout [UInt8]) {
        withUnsafeBytes(of: value.littleEndian) { out.replaceSubrange(offset..<offset + $0.count, with: $0) }
    }
}
