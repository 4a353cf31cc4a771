// What can be wrong with a file of tensors, and with tensors that are given to a model. Facts only up here; every case
// renders into one sentence below. Names come from files and are escaped.

import Basics
import TensorIR

enum TensorFileError: Explained, Equatable {
    /// `place` is a path, or a path and the entry in it.
    case array(place: String, ArrayFlaw)
    case archive(path: String, ArchiveFlaw)
    /// The archive holds what is no array.
    case stranger(path: String, entry: String)
    case noTensor(path: String)
    case nameTwice(path: String, name: String)
    /// Together over what a zip file without extensions can hold.
    case tooLarge(path: String)

    var sentence: String {
        switch self {
        case .array(let place, let flaw): "\(escaped(place)) \(flaw.phrase)"
        case .archive(let path, let flaw): "\(escaped(path)) \(flaw.phrase)"
        case .stranger(let path, let entry):
            "\(escaped(path)) holds \"\(escaped(entry))\", which is no .npy array; write the file with numpy.savez"
        case .noTensor(let path):
            "\(escaped(path)) holds no tensor; it needs a NAME.npy for each input, or .pb files of ONNX tensors"
        case .nameTwice(let path, let name): "\(escaped(path)) holds a tensor \(escaped(name)) more than once"
        case .tooLarge(let path): "\(escaped(path)) would be over 4 GiB; give a folder instead of an .npz file"
        }
    }
}

/// Why bytes are no array that we read.
enum ArrayFlaw: Error, Equatable {
    case notNPY
    case version(major: Int)
    case header(String)
    case dtype(String)
    case bigEndian(String)
    case fortranOrder
    case shape([Int])
    case length(bytes: Int, needed: Int)

    var phrase: String {
        switch self {
        case .notNPY: "is no .npy array; write it with numpy.save"
        case .version(let major): "has .npy format version \(major), and versions 1 to 3 are read; save it again"
        case .header(let what): "has a damaged .npy header (\(what)); save it again"
        case .dtype(let text):
            "has elements of type '\(escaped(text, limit: 40))', and only numbers and bool are read; convert it with "
                + "astype"
        case .bigEndian(let text):
            "has big-endian elements ('\(escaped(text, limit: 40))'); convert it with astype to a little-endian type"
        case .fortranOrder: "is stored column by column; save numpy.ascontiguousarray of it"
        case .shape(let shape): "has the shape \(shape), which is not possible"
        case .length(let bytes, let needed):
            "has \(bytes) bytes of data where its shape needs \(needed); save it again"
        }
    }
}

/// Why bytes are no archive that we read.
enum ArchiveFlaw: Error, Equatable {
    case notZip
    case truncated
    case damaged(entry: String)
    case compressed(entry: String)
    case encrypted(entry: String)
    case extended

    var phrase: String {
        switch self {
        case .notZip: "is no .npz file; write it with numpy.savez"
        case .truncated: "is a cut-off .npz file; write it again"
        case .damaged(let entry): "is damaged at \"\(escaped(entry))\"; write it again"
        case .compressed(let entry):
            "holds \"\(escaped(entry))\" compressed; write it with numpy.savez, not with savez_compressed"
        case .encrypted(let entry): "holds \"\(escaped(entry))\" encrypted; write it with numpy.savez"
        case .extended: "is over 2 GiB or has over 65,534 entries; use a folder of .npy files"
        }
    }
}

/// Tensors that do not fit the inputs of a model.
enum InputError: Explained, Equatable {
    case missing(model: String, names: [String])
    case unknown(model: String, name: String, known: [String])
    case dtype(model: String, name: String, found: DType, expected: DType)
    case shape(model: String, name: String, found: [Int], expected: [Int])
    /// Elements that need more bits than the dtype has.
    case elements(model: String, name: String, DType)

    var sentence: String {
        switch self {
        case .missing(let model, let names):
            names.count == 1
                ? "input \(escaped(names[0])) of \(escaped(model)) is missing; give a tensor of this name"
                : "inputs \(list(names)) of \(escaped(model)) are missing; give a tensor for each"
        case .unknown(let model, let name, let known):
            "\(escaped(model)) has no input \(escaped(name)); "
                + (known.isEmpty ? "it has none" : "its inputs are \(list(known))")
        case .dtype(let model, let name, let found, let expected):
            "input \(escaped(name)) of \(escaped(model)) is \(expected.rawValue) and the tensor is "
                + "\(found.rawValue); convert it"
        case .elements(let model, let name, let dtype):
            "input \(escaped(name)) of \(escaped(model)) is \(dtype.rawValue) and the tensor has elements beyond "
                + "\(dtype.bits) bits; give one element per byte, in its low bits"
        case .shape(let model, let name, let found, let expected):
            "input \(escaped(name)) of \(escaped(model)) has the shape \(shapeText(expected)) and the tensor has "
                + "\(shapeText(found)); give that shape, or bind another with --bind"
        }
    }

    private func list(_ names: [String]) -> String { names.map { escaped($0) }.joined(separator: ", ") }
}

/// `1x3x48x192` as bindings are written; `scalar` without axes.
func shapeText(_ shape: [Int]) -> String {
    shape.isEmpty ? "scalar" : shape.map(String.init).joined(separator: "x")
}
