// Mutations of constant tensors: dimensions, element types, lengths, values, the field that holds the data, data in
// files beside the model, sparse tensors. Input: a tensor or a graph, and a generator. Output: the changed one.

import Basics
import ONNXImport

func changeDimensions(_ tensor: inout ModelTensor, _ random: inout SeededRandom) {
    switch random.below(6) {
    case 0: tensor.dims.append(random.integer())
    case 1: if let at = random.index(tensor.dims) { tensor.dims.remove(at: at) }
    case 2: tensor.dims = Array(repeating: random.pick([0, 1, 2]), count: random.pick([1, 15, 16, 17, 64, 1_000]))
    case 3: tensor.dims.insert(1, at: random.below(tensor.dims.count + 1))
    case 4: tensor.dims.reverse()
    default: if let at = random.index(tensor.dims) { tensor.dims[at] = random.integer() }
    }
}

func changeElementType(_ tensor: inout ModelTensor, _ random: inout SeededRandom) {
    tensor.dataType = random.once(in: 8) ? Int32(truncatingIfNeeded: random.integer()) : Int32(random.below(28))
}

/// Longer, shorter, none, or as long as the dimensions ask for where that is little.
func changeData(_ tensor: inout ModelTensor, _ random: inout SeededRandom) {
    var bytes = Array(tensor.rawData)
    switch random.below(4) {
    case 0: bytes = []
    case 1: bytes += Array(repeating: 0, count: random.length())
    case 2: bytes.removeLast(min(bytes.count, 1 + random.below(9)))
    default:
        tensor.dims = [Int64(random.below(65))]
        tensor.dataType = random.pick([1, 6, 7, 11])
        let width = tensor.dataType == 1 || tensor.dataType == 6 ? 4 : 8
        bytes = (0..<(Int(tensor.dims[0]) * width)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }
    tensor.rawData = data(bytes)
}

/// Puts values at the edges into the data, in the field where it is.
func extremeElements(_ tensor: inout ModelTensor, _ random: inout SeededRandom) {
    let integer = random.integer()
    if !tensor.rawData.isEmpty {
        var bytes = Array(tensor.rawData)
        let pattern: [UInt8]
        switch tensor.dataType {
        case 7, 13: pattern = littleEndian(UInt64(bitPattern: integer), 8)
        case 6, 12: pattern = littleEndian(UInt64(bitPattern: integer), 4)
        case 1: pattern = littleEndian(UInt64(random.float().bitPattern), 4)
        case 11: pattern = littleEndian(random.double().bitPattern, 8)
        default: pattern = [UInt8(truncatingIfNeeded: integer)]
        }
        guard bytes.count >= pattern.count else { return }
        let at = random.below(bytes.count / pattern.count) * pattern.count
        bytes.replaceSubrange(at..<(at + pattern.count), with: pattern)
        tensor.rawData = data(bytes)
    } else if let at = random.index(tensor.int64Data) {
        tensor.int64Data[at] = integer
    } else if let at = random.index(tensor.int32Data) {
        tensor.int32Data[at] = Int32(truncatingIfNeeded: integer)
    } else if let at = random.index(tensor.floatData) {
        tensor.floatData[at] = random.float()
    } else if let at = random.index(tensor.doubleData) {
        tensor.doubleData[at] = random.double()
    }
}

/// The same data in a typed field, rightly or in a second one.
func moveData(_ tensor: inout ModelTensor, _ random: inout SeededRandom) {
    let bytes = Array(tensor.rawData)
    switch random.below(5) {
    case 0: tensor.int64Data = bytes.map { Int64($0) }
    case 1: tensor.int32Data = bytes.map { Int32($0) }
    case 2: tensor.floatData = bytes.map { Float($0) }
    case 3: tensor.doubleData = bytes.map { Double($0) }
    default: tensor.stringData = [data(random.text())]
    }
    if random.below(3) > 0 { tensor.rawData = data([UInt8]()) }
    if random.once(in: 8) { tensor.lifted = random.next() }
}

func makeExternal(_ tensor: inout ModelTensor, _ random: inout SeededRandom) {
    func entry(_ key: String, _ value: String) -> Ironworks_Onnx_StringStringEntryProto {
        var entry = Ironworks_Onnx_StringStringEntryProto()
        (entry.key, entry.value) = (key, value)
        return entry
    }
    tensor.dataLocation = random.once(in: 16) ? .UNRECOGNIZED(7) : .external
    if random.below(3) > 0 { tensor.rawData = data([UInt8]()) }
    let location = random.once(in: 2) ? "data.bin" : random.pick(externalLocations)
    tensor.externalData = [entry("location", location)]
    if random.once(in: 2) { tensor.externalData.append(entry("offset", number(&random))) }
    if random.once(in: 2) { tensor.externalData.append(entry("length", number(&random))) }
    if random.once(in: 4) { tensor.externalData.append(entry("checksum", random.text())) }
}

private func number(_ random: inout SeededRandom) -> String {
    switch random.below(4) {
    case 0: "\(random.below(80))"
    case 1: random.text()
    case 2: "99999999999999999999"
    default: "\(random.integer())"
    }
}

func makeSparse(_ graph: inout ModelGraph, _ random: inout SeededRandom) {
    guard let at = random.index(graph.initializer) else { return }
    var sparse = Ironworks_Onnx_SparseTensorProto()
    sparse.values = graph.initializer[at]
    if random.once(in: 2) { graph.initializer.remove(at: at) }
    graph.sparseInitializer.append(sparse)
}

/// Adds an input of the initialiser's name, or makes it an input only.
func hideInitializer(_ graph: inout ModelGraph, _ random: inout SeededRandom) {
    guard let at = random.index(graph.initializer) else { return }
    let tensor = graph.initializer[at]
    if random.below(3) > 0 { graph.initializer.remove(at: at) }
    graph.input.append(valueInfo(tensor.name, tensor.dataType, tensor.dims))
}

/// A constant in the place of an input.
func knowInput(_ graph: inout ModelGraph, _ random: inout SeededRandom) {
    guard let at = random.index(graph.input) else { return }
    let info = graph.input[at]
    var tensor = ModelTensor()
    tensor.name = info.name
    tensor.dataType = info.type.tensorType.elemType
    tensor.dims = info.type.tensorType.shape.dim.map { max($0.dimValue, 1) }
    let elements = tensor.dims.reduce(1) { $0 > 4_096 ? $0 : $0 &* $1 }
    guard elements > 0, elements <= 4_096 else { return }
    tensor.rawData = data(Array(repeating: UInt8(random.below(2)), count: Int(elements) * width(tensor.dataType)))
    graph.initializer.append(tensor)
    if random.once(in: 2) { graph.input.remove(at: at) }
}

private func width(_ dataType: Int32) -> Int {
    switch dataType {
    case 7, 11, 13: 8
    case 1, 6, 12: 4
    case 4, 5, 10, 16: 2
    default: 1
    }
}

func littleEndian(_ value: UInt64, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
}

/// Adds a vector of 64-bit integers as an initialiser and returns its name.
func knownTensor(_ graph: inout ModelGraph, _ values: [Int64], scalar: Bool = false) -> String {
    var tensor = ModelTensor()
    tensor.name = graph.freshName("known")
    tensor.dataType = 7
    tensor.dims = scalar ? [] : [Int64(values.count)]
    tensor.rawData = data(values.flatMap { littleEndian(UInt64(bitPattern: $0), 8) })
    graph.initializer.append(tensor)
    return tensor.name
}

func valueInfo(_ name: String, _ dataType: Int32, _ dims: [Int64]) -> ValueInfo {
    var info = ValueInfo()
    info.name = name
    info.type.tensorType.elemType = dataType
    info.type.tensorType.shape.dim = dims.map { extent in
        var dimension = Ironworks_Onnx_TensorShapeProto.Dimension()
        dimension.dimValue = extent
        return dimension
    }
    return info
}
