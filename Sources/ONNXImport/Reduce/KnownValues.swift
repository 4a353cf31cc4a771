// What an import finds out about the values of a model's graph: their types, and the values of those that are known at
// import. Input: a model file and its bindings. Output: tables by name, and why the import ended early if it did. The
// reducer cuts a model at these values. They travel between processes as an ONNX model that has nothing else, because
// an import that traps must not take the reducer with it.

import Basics
import SwiftProtobuf
import TensorIR

package struct KnownValues: Equatable, Sendable {
    /// Of inputs, constants and results of nodes, as far as the import came. Sequences are not in it.
    package var types: [String: TensorType] = [:]
    package var constants: [String: TensorValue] = [:]
    package var sequences: Set<String> = []
    /// Whether every node was imported.
    package var isComplete = false

    /// A larger constant becomes an input when the model is cut there.
    static let constantElementsMax = 1 << 16
    private static let completeKey = "complete"

    package init() {}

    package init(_ file: ModelFile, bindings: Bindings = Bindings()) {
        guard var importer = try? Importer(file) else { return }
        do throws(ImportError) {
            _ = try importer.run(bindings)
            isComplete = true
        } catch {
            if case .graph(_, .sequenceOutput) = error { isComplete = true }
        }
        for (name, value) in importer.scopes[0].values where !name.isEmpty && !importer.absent.contains(value) {
            let type = importer.emitter.type(value)
            if importer.emitter.elements(of: value) != nil {
                sequences.insert(name)
                continue
            }
            types[name] = type
            if type.elements <= KnownValues.constantElementsMax {
                constants[name] = importer.emitter.builder.constantValue(value)
            }
        }
    }

    /// Adds what another import, of a part of the same model, has found out.
    mutating func merge(_ other: KnownValues) {
        types.merge(other.types) { mine, _ in mine }
        constants.merge(other.constants) { mine, _ in mine }
        sequences.formUnion(other.sequences)
    }

    // MARK: between processes

    /// The tables as the bytes of an ONNX model.
    package var encoded: [UInt8] {
        var model = Ironworks_Onnx_ModelProto()
        model.irVersion = 8
        for name in types.keys.sorted() {
            guard let type = types[name] else { continue }
            model.graph.valueInfo.append(valueInfo(name, type))
            if let value = constants[name] { model.graph.initializer.append(tensorMessage(name, value)) }
        }
        for name in sequences.sorted() {
            var info = Ironworks_Onnx_ValueInfoProto()
            info.name = name
            info.type.sequenceType.elemType = Ironworks_Onnx_TypeProto()
            model.graph.valueInfo.append(info)
        }
        if isComplete {
            var entry = Ironworks_Onnx_StringStringEntryProto()
            entry.key = KnownValues.completeKey
            model.metadataProps.append(entry)
        }
        return model.encoded ?? []
    }

    /// Reads what `encoded` wrote; anything else in the bytes is left out.
    package init(decoding bytes: [UInt8]) {
        guard let file = try? ModelFile(bytes: bytes, name: "known values") else { return }
        for info in file.model.graph.valueInfo {
            if let type = TensorType(info) {
                types[info.name] = type
            } else {
                sequences.insert(info.name)
            }
        }
        for tensor in file.model.graph.initializer {
            guard let loaded = try? file.load(tensor, name: tensor.name) else { continue }
            constants[tensor.name] = loaded.bytes.withBytes { TensorValue(loaded.type, bytes: $0) }
        }
        isComplete = file.model.metadataProps.contains { $0.key == KnownValues.completeKey }
    }
}

extension Ironworks_Onnx_ModelProto {
    /// The model as a file has it; `nil` for one that protobuf cannot write (2 GiB and more).
    package var encoded: [UInt8]? {
        var options = BinaryEncodingOptions()
        options.useDeterministicOrdering = true
        return try? serializedBytes(options: options)
    }
}

extension ModelFile {
    /// The decoded message; payloads of over 4 KiB are not in it.
    package var message: Ironworks_Onnx_ModelProto { model }
}

extension DType {
    /// The ONNX number of this dtype.
    var onnxNumber: Int32 {
        guard let number = (Int32(1)...26).first(where: { DType(onnx: $0) == self }) else {
            preconditionFailure("a dtype without an ONNX number")
        }
        return number
    }
}

extension TensorType {
    /// The type of a value of a model when its shape is concrete.
    fileprivate init?(_ info: Ironworks_Onnx_ValueInfoProto) {
        guard case .tensorType(let tensor) = info.type.value, let dtype = DType(onnx: tensor.elemType),
            tensor.hasShape
        else { return nil }
        self.init(dtype, tensor.shape.dim.map { Int($0.dimValue) })
    }
}

/// A value with its type as inputs and outputs of a graph have it.
func valueInfo(_ name: String, _ type: TensorType) -> Ironworks_Onnx_ValueInfoProto {
    var info = Ironworks_Onnx_ValueInfoProto()
    info.name = name
    info.type.tensorType.elemType = type.dtype.onnxNumber
    info.type.tensorType.shape.dim = type.shape.map { extent in
        var dimension = Ironworks_Onnx_TensorShapeProto.Dimension()
        dimension.dimValue = Int64(extent)
        return dimension
    }
    return info
}

/// A constant as an initialiser; elements of less than a byte are packed, the first one lowest.
func tensorMessage(_ name: String, _ value: TensorValue) -> Ironworks_Onnx_TensorProto {
    var tensor = Ironworks_Onnx_TensorProto()
    tensor.name = name
    tensor.dataType = value.type.dtype.onnxNumber
    tensor.dims = value.type.shape.map { Int64($0) }
    tensor.rawData = collected(packed(value))
    return tensor
}

private func packed(_ value: TensorValue) -> [UInt8] {
    let bits = value.type.dtype.bits
    guard bits < 8 else { return value.bytes }
    let perByte = 8 / bits
    var out = [UInt8](repeating: 0, count: (value.type.elements + perByte - 1) / perByte)
    for (index, byte) in value.bytes.enumerated() {
        out[index / perByte] |= (byte & UInt8(1 << bits - 1)) << UInt8(index % perByte * bits)
    }
    return out
}

/// A byte field from bytes; `Data` is one such collection.
func collected<Bytes: RangeReplaceableCollection<UInt8>>(_ bytes: some Sequence<UInt8>) -> Bytes { Bytes(bytes) }
