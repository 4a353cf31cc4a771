// Extents for what a model leaves open: a symbol by its name (`batch=1`), or a whole input (`x=1x3x48x192`).
// Input: the texts of --bind or a job's mapping. Output: the concrete type of every graph input, or one sentence that
// lists every dimension nobody bound. Unnamed dimensions (-1, ?) can only be bound by a whole shape.

import Basics
import TensorIR

package struct Bindings: Hashable, Sendable {
    /// Extent per symbolic dimension; the name of an input of rank 1 serves too.
    package var symbols: [String: Int]
    /// Whole shape per input.
    package var shapes: [String: [Int]]

    /// Inputs whose value is known: they become constants and are no longer inputs of the graph.
    package var values: [String: TensorValue]

    package init(
        symbols: [String: Int] = [:], shapes: [String: [Int]] = [:], values: [String: TensorValue] = [:]
    ) {
        self.symbols = symbols
        self.shapes = shapes
        self.values = values
    }

    /// Adds `NAME=N` or `NAME=NxNxN`; extents are 1 to 2^31 - 1.
    /// - Throws: `binding`.
    package mutating func add(_ text: String) throws(ImportError) {
        guard let equals = text.lastIndex(of: "="), equals > text.startIndex else {
            throw .binding(text: text)
        }
        let extents = text[text.index(after: equals)...].split(separator: "x", omittingEmptySubsequences: false)
        var shape: [Int] = []
        for extent in extents {
            guard extent.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int32(extent), value > 0
            else { throw .binding(text: text) }
            shape.append(Int(value))
        }
        let name = String(text[..<equals])
        if shape.count == 1 { symbols[name] = shape[0] } else { shapes[name] = shape }
    }
}

/// Whether a dimension's text names something that `--bind` can set.
func isBindableSymbol(_ text: String) -> Bool {
    guard let first = text.unicodeScalars.first else { return false }
    return first != "?" && first != "-" && !(0x30...0x39).contains(first.value) && !text.contains("=")
}

/// One dimension of a model input as the file has it.
private enum Dimension {
    case fixed(Int)
    case symbol(String)
    case open(String)

    init(_ dimension: Ironworks_Onnx_TensorShapeProto.Dimension) {
        switch dimension.value {
        case .dimValue(let value): self = value >= 0 ? .fixed(Int(value)) : .open("-1")
        case .dimParam(let name) where isBindableSymbol(name): self = .symbol(name)
        case .dimParam(let name): self = .open(name.isEmpty ? "?" : name)
        case nil: self = .open("?")
        }
    }

    var text: String {
        switch self {
        case .fixed(let extent): String(extent)
        case .symbol(let name): name
        case .open(let text): text
        }
    }
}

/// Resolves the shapes of all inputs at once, because a shape bound for one input also binds the symbols in it.
struct InputTypes {
    private let model: String
    private var symbols: [String: Int]
    private var shapes: [String: [Int]]
    private let values: [String: TensorValue]

    /// The concrete type per input, in the model's order.
    /// - Throws: `inputs`.
    static func resolve(
        _ inputs: [Ironworks_Onnx_ValueInfoProto], bindings: Bindings, model: String
    ) throws(ImportError) -> [TensorType] {
        var resolver = InputTypes(bindings, model: model)
        return try resolver.resolve(inputs)
    }

    private init(_ bindings: Bindings, model: String) {
        (symbols, shapes, values, self.model) = (bindings.symbols, bindings.shapes, bindings.values, model)
        for (name, value) in values { shapes[name] = value.type.shape }
    }

    private func fail(_ problem: InputProblem) -> ImportError { .inputs(model: model, problem) }

    private mutating func resolve(_ inputs: [Ironworks_Onnx_ValueInfoProto]) throws(ImportError) -> [TensorType] {
        var dtypes: [DType] = []
        var dimensions: [[Dimension]?] = []
        for input in inputs {
            dtypes.append(try dtype(of: input))
            let tensor = input.type.tensorType
            dimensions.append(tensor.hasShape ? tensor.shape.dim.map { Dimension($0) } : nil)
        }
        try checkNames(inputs, dimensions)
        for (input, axes) in zip(inputs, dimensions) {
            guard let shape = shapes[input.name], let axes else { continue }
            try match(shape, with: axes, input: input.name)
        }
        var types: [TensorType] = []
        var unbound: [UnboundInput] = []
        for (index, input) in inputs.enumerated() {
            if let value = values[input.name], value.type.dtype != dtypes[index] {
                throw fail(.bindingType(input: input.name, dtypes[index], bound: value.type.dtype))
            }
            if let shape = shapes[input.name] {
                types.append(TensorType(dtypes[index], shape))
                continue
            }
            var open: [Int] = []
            var shape: [Int] = []
            for (axis, dimension) in (dimensions[index] ?? []).enumerated() {
                switch dimension {
                case .fixed(let extent): shape.append(extent)
                case .symbol(let name):
                    if let extent = symbols[name] { shape.append(extent) } else { open.append(axis) }
                case .open: open.append(axis)
                }
            }
            if dimensions[index] == nil || !open.isEmpty {
                let texts = dimensions[index]?.map { $0.text }
                unbound.append(UnboundInput(name: input.name, dimensions: texts, axes: open))
            }
            types.append(TensorType(dtypes[index], shape))
        }
        guard unbound.isEmpty else { throw fail(.unbound(unbound)) }
        for (input, type) in zip(inputs, types) where !isReasonable(type.shape) {
            if values[input.name] != nil { continue }
            throw fail(.shape(input: input.name, type.shape))
        }
        return types
    }

    private func dtype(of input: Ironworks_Onnx_ValueInfoProto) throws(ImportError) -> DType {
        switch input.type.value {
        case .tensorType(let tensor):
            guard let dtype = DType(onnx: tensor.elemType) else {
                throw fail(.type(input: input.name, "a tensor of \(typeName(tensor.elemType))"))
            }
            return dtype
        case .sequenceType: throw fail(.type(input: input.name, "a sequence"))
        case .mapType: throw fail(.type(input: input.name, "a map"))
        case .optionalType: throw fail(.type(input: input.name, "an optional"))
        case .sparseTensorType: throw fail(.type(input: input.name, "a sparse tensor"))
        case nil: throw fail(.type(input: input.name, "of no type"))
        }
    }

    /// A misspelt name must not be ignored; `x=128` for an input x of rank 1 becomes its shape.
    private mutating func checkNames(
        _ inputs: [Ironworks_Onnx_ValueInfoProto], _ dimensions: [[Dimension]?]
    ) throws(ImportError) {
        var named: [String] = []
        for axes in dimensions {
            for case .symbol(let name) in axes ?? [] where !named.contains(name) { named.append(name) }
        }
        for (name, extent) in symbols.sorted(by: { $0.key < $1.key }) where !named.contains(name) {
            guard let index = inputs.firstIndex(where: { $0.name == name }) else {
                throw fail(.bindingUnknown(name: name, known: named + inputs.map(\.name)))
            }
            if let rank = dimensions[index]?.count, rank != 1 {
                throw fail(.bindingRank(input: name, modelRank: rank, boundRank: 1))
            }
            shapes[name] = [extent]
        }
        for name in shapes.keys.sorted() where !inputs.contains(where: { $0.name == name }) {
            throw fail(.bindingUnknown(name: name, known: named + inputs.map(\.name)))
        }
    }

    private mutating func match(_ shape: [Int], with axes: [Dimension], input: String) throws(ImportError) {
        guard shape.count == axes.count else {
            throw fail(.bindingRank(input: input, modelRank: axes.count, boundRank: shape.count))
        }
        for (axis, dimension) in axes.enumerated() {
            switch dimension {
            case .fixed(let extent):
                // Old exporters write 0 for an unknown extent.
                guard extent == shape[axis] || extent == 0 else {
                    throw fail(
                        .bindingConflict(input: input, axis: axis, modelExtent: extent, boundExtent: shape[axis]))
                }
            case .symbol(let name):
                if let extent = symbols[name], extent != shape[axis] {
                    throw fail(
                        .bindingConflict(input: input, axis: axis, modelExtent: extent, boundExtent: shape[axis]))
                }
                symbols[name] = shape[axis]
            case .open: break
            }
        }
    }
}
