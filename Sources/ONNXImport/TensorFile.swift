// One tensor in a file of its own, as ONNX test cases keep inputs and outputs: a TensorProto without a model around
// it. Input: the bytes. Output: its name and value. The bytes are wrapped as the one constant of an empty model, so
// that they pass the same scan and the same checks as the tensors of any model; external data is refused.

import Basics
import TensorIR

/// Reads a serialised TensorProto.
/// - Parameter name: what sentences call the file.
/// - Throws: `file` or `tensor`.
package func readTensorFile(_ bytes: [UInt8], name: String) throws(ImportError) -> (name: String, value: TensorValue) {
    // GraphProto.initializer is field 5, ModelProto.ir_version field 1, ModelProto.graph field 7
    let tensor = [5 << 3 | 2] + varint(bytes.count) + bytes
    let model = [1 << 3, UInt8(ModelFile.formatVersions.upperBound), 7 << 3 | 2] + varint(tensor.count) + tensor
    let file = try ModelFile(bytes: model, name: name)
    guard let message = file.model.graph.initializer.first, file.model.graph.initializer.count == 1 else {
        throw .file(path: name, .malformed("it holds no tensor"))
    }
    let loaded = try file.load(message, name: message.name.isEmpty ? "0" : message.name)
    return (message.name, loaded.bytes.withBytes { TensorValue(loaded.type, bytes: $0) })
}

extension ModelFile {
    /// Names of the inputs that the model has no constant for, in its order: what a caller gives to a run.
    package var inputNames: [String] {
        let constants = Set(model.graph.initializer.map(\.name))
        return model.graph.input.map(\.name).filter { !constants.contains($0) }
    }
}

/// `count` as protobuf writes lengths.
private func varint(_ count: Int) -> [UInt8] {
    var out: [UInt8] = []
    var rest = count
    while rest >= 0x80 {
        out.append(UInt8(rest & 0x7f) | 0x80)
        rest >>= 7
    }
    return out + [UInt8(rest)]
}
