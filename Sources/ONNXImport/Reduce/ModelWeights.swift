// Where the weights of a model lie while it is being reduced, and afterwards. Input: a model file. Output: the same
// model as a small message whose large tensors are ranges of files beside it (so that hundreds of variants share them),
// or a model that needs nothing else. ONNX calls such ranges external data.

import Basics
import TensorIR

extension ModelFile {
    /// The model with every tensor that was cut out of the message as external data of `modelLocation`, which is to be
    /// the model file under another name, and files that it named as `rename` calls them (`nil` leaves the name).
    package func detached(
        modelLocation: String, rename: (String) -> String?
    ) -> Ironworks_Onnx_ModelProto {
        model.mappingTensors { tensor in
            var out = tensor
            if let range = payload(of: tensor) {
                out.lifted = 0
                out.setExternal(location: modelLocation, offset: range.lowerBound, length: range.count)
            } else if tensor.dataLocation == .external {
                for n in out.externalData.indices where out.externalData[n].key == "location" {
                    out.externalData[n].value = rename(out.externalData[n].value) ?? out.externalData[n].value
                }
            }
            return out
        }
    }

    /// The files that tensors of the model have their data in, each once, in the model's order.
    package var externalLocations: [String] {
        var seen: Set<String> = []
        var out: [String] = []
        _ = model.mappingTensors { tensor in
            if tensor.dataLocation == .external, seen.insert(tensor.externalLocation).inserted {
                out.append(tensor.externalLocation)
            }
            return tensor
        }
        return out
    }

    /// The path of a file that the model may name; `nil` when it may not, or there is none.
    package func path(ofExternal location: String) -> String? {
        guard (try? external(location, tensor: "")) != nil else { return nil }
        let folder = path.lastIndex(of: "/").map { path[...$0] } ?? "./"
        return folder + location
    }

    /// The model with its weights in the message, and what does not fit there, to be written beside it as `dataName`.
    /// Data that cannot be read stays a reference.
    /// - Parameter inlineBytesMax: more than this in all goes into the second file, except small tensors.
    package func selfContained(
        dataName: String, inlineBytesMax: Int
    ) -> (model: Ironworks_Onnx_ModelProto, data: [UInt8]) {
        var total = 0
        _ = model.mappingTensors { tensor in
            total += fileBytes(of: tensor)?.count ?? 0
            return tensor
        }
        var data: [UInt8] = []
        let out = model.mappingTensors { tensor in
            guard let bytes = fileBytes(of: tensor) else { return tensor }
            var own = tensor
            own.lifted = 0
            if total <= inlineBytesMax || bytes.count <= liftedBytesMin {
                own.externalData = []
                own.dataLocation = .default
                own.rawData = bytes.withBytes { collected($0) }
            } else {
                // readers map the file, and elements should lie at multiples of their size
                data += Array(repeating: 0, count: (64 - data.count % 64) % 64)
                own.setExternal(location: dataName, offset: data.count, length: bytes.count)
                bytes.withBytes { data += $0 }
            }
            return own
        }
        return (out, data)
    }

    /// Data of a tensor that is not in the message.
    private func fileBytes(of tensor: Ironworks_Onnx_TensorProto) -> ConstantBytes? {
        if let range = payload(of: tensor) { return bytes(mapping, range) }
        guard tensor.dataLocation == .external,
            let file = try? external(tensor.externalLocation, tensor: tensor.name)
        else { return nil }
        func value(_ key: String) -> Int? { tensor.externalData.last { $0.key == key }.flatMap { Int($0.value) } }
        let offset = value("offset") ?? 0
        guard offset >= 0, offset <= file.bytes.count, let length = value("length") ?? tensor.fileBytes, length >= 0,
            length <= file.bytes.count - offset
        else { return nil }
        return bytes(file, offset..<(offset + length))
    }

    private func bytes(_ file: MappedFile, _ range: Range<Int>) -> ConstantBytes {
        guard let base = file.bytes.baseAddress, !range.isEmpty else { return ConstantBytes([]) }
        return ConstantBytes(owner: file, address: base + range.lowerBound, count: range.count)
    }

    private func payload(of tensor: Ironworks_Onnx_TensorProto) -> Range<Int>? {
        guard tensor.lifted > 0, tensor.lifted <= UInt64(payloads.count) else { return nil }
        return payloads[Int(tensor.lifted) - 1].range
    }
}

extension Ironworks_Onnx_ModelProto {
    /// The model with every tensor replaced: in graphs, in attributes, in functions.
    func mappingTensors(
        _ body: (Ironworks_Onnx_TensorProto) -> Ironworks_Onnx_TensorProto
    ) -> Ironworks_Onnx_ModelProto {
        var out = self
        out.graph.mapTensors(body)
        for n in out.functions.indices {
            for node in out.functions[n].node.indices { out.functions[n].node[node].mapTensors(body) }
        }
        return out
    }
}

extension Ironworks_Onnx_GraphProto {
    fileprivate mutating func mapTensors(_ body: (Ironworks_Onnx_TensorProto) -> Ironworks_Onnx_TensorProto) {
        initializer = initializer.map(body)
        for n in sparseInitializer.indices {
            if sparseInitializer[n].hasValues { sparseInitializer[n].values = body(sparseInitializer[n].values) }
            if sparseInitializer[n].hasIndices { sparseInitializer[n].indices = body(sparseInitializer[n].indices) }
        }
        for n in node.indices { node[n].mapTensors(body) }
    }
}

extension Ironworks_Onnx_NodeProto {
    fileprivate mutating func mapTensors(_ body: (Ironworks_Onnx_TensorProto) -> Ironworks_Onnx_TensorProto) {
        for n in attribute.indices {
            if attribute[n].hasT { attribute[n].t = body(attribute[n].t) }
            if !attribute[n].tensors.isEmpty { attribute[n].tensors = attribute[n].tensors.map(body) }
            if attribute[n].hasG { attribute[n].g.mapTensors(body) }
            for graph in attribute[n].graphs.indices { attribute[n].graphs[graph].mapTensors(body) }
        }
    }
}

extension Ironworks_Onnx_TensorProto {
    fileprivate var externalLocation: String { externalData.last { $0.key == "location" }?.value ?? "" }

    /// Bytes in a file that its shape asks for; `nil` for a shape that is none.
    fileprivate var fileBytes: Int? {
        let shape = dims.map { Int($0) }
        guard let dtype = DType(onnx: dataType), isReasonable(shape) else { return nil }
        return (TensorType(dtype, shape).elements * dtype.bits + 7) / 8
    }

    fileprivate mutating func setExternal(location: String, offset: Int, length: Int) {
        func entry(_ key: String, _ value: String) -> Ironworks_Onnx_StringStringEntryProto {
            var entry = Ironworks_Onnx_StringStringEntryProto()
            (entry.key, entry.value) = (key, value)
            return entry
        }
        (rawData, floatData, doubleData) = (collected([UInt8]()), [], [])
        dataLocation = .external
        externalData = [
            entry("location", location), entry("offset", "\(offset)"), entry("length", "\(length)"),
        ]
    }
}
