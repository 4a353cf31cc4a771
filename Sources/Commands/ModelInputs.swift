// The inputs of a run: drawn from a seed, or read from files and matched by name. Input: the text of `--inputs` and
// the face of a model. Output: the bytes of every input in the model's order, or one sentence that says what is wrong.

import Basics
import Emit
import TensorIR

enum InputSource: Equatable {
    case random(seed: UInt64)
    case files(path: String)

    /// Parses `random:SEED`, or takes the text as a path.
    init(parsing text: String) throws(CommandError) {
        guard text.hasPrefix("random:") else {
            guard !text.isEmpty else { throw InputSource.refusal(text) }
            self = .files(path: text)
            return
        }
        guard let seed = UInt64(text.dropFirst("random:".count)) else { throw InputSource.refusal(text) }
        self = .random(seed: seed)
    }

    private static func refusal(_ text: String) -> CommandError {
        .badOption(option: "inputs", value: text, expected: "a folder, an .npz file, or random:SEED")
    }

    /// The bytes of every input.
    /// - Throws: what `TensorFiles.read` throws, and `InputError`.
    func bytes(for model: ModelDescription) throws -> [[UInt8]] {
        switch self {
        case .random(let seed): return seededInputs(model.inputs.map(\.type), seed: seed)
        case .files(let path): return try matched(try TensorFiles.read(path), to: model)
        }
    }
}

/// The bytes of every input of `model`, in its order, from tensors in any order. What NumPy does not know may come as
/// the integers that hold its bits.
func matched(_ tensors: [NamedTensor], to model: ModelDescription) throws(InputError) -> [[UInt8]] {
    let known = model.inputs.map(\.name)
    for tensor in tensors where !known.contains(tensor.name) {
        throw .unknown(model: model.name, name: tensor.name, known: known)
    }
    var found: [[UInt8]] = []
    var missing: [String] = []
    for input in model.inputs {
        guard let tensor = tensors.first(where: { $0.name == input.name }) else {
            missing.append(input.name)
            continue
        }
        let isBits = tensor.type.dtype == input.type.dtype.carrier
        guard tensor.type.dtype == input.type.dtype || isBits else {
            throw .dtype(
                model: model.name, name: input.name, found: tensor.type.dtype, expected: input.type.dtype)
        }
        guard tensor.type.shape == input.type.shape else {
            throw .shape(
                model: model.name, name: input.name, found: tensor.type.shape, expected: input.type.shape)
        }
        guard input.type.dtype.admits(tensor.bytes) else {
            throw .elements(model: model.name, name: input.name, input.type.dtype)
        }
        found.append(tensor.bytes)
    }
    guard missing.isEmpty else { throw .missing(model: model.name, names: missing) }
    return found
}
