// Tensors on disk, by name: an .npz file, or a folder with a NAME.npy per tensor. A folder may also hold ONNX tensors
// as .pb files, which carry their names themselves. Names of tensors are any text; as file names they are spelled with
// %XX for every byte but letters, digits, `_`, `-` and inner dots. Input: a path. Output: tensors, or files.

import Basics
import Glibc
import ONNXImport
import Runtime
import TensorIR

enum TensorFiles {
    /// Reads an .npz file, or all .npy and .pb files of a folder (`output_N.pb` of ONNX test cases left out).
    /// - Throws: `TensorFileError`, `RuntimeError`, `ImportError`.
    static func read(_ path: String) throws -> [NamedTensor] {
        let tensors = isFolder(path) ? try readFolder(path) : try readArchive(path)
        guard !tensors.isEmpty else { throw TensorFileError.noTensor(path: path) }
        var names: Set<String> = []
        for tensor in tensors where !names.insert(tensor.name).inserted {
            throw TensorFileError.nameTwice(path: path, name: tensor.name)
        }
        return tensors
    }

    /// Writes an .npz file when the path ends so, else a folder with a NAME.npy per tensor.
    /// - Throws: `TensorFileError`, `RuntimeError`.
    static func write(_ tensors: [NamedTensor], to path: String) throws {
        if path.hasSuffix(".npz") {
            try Folder.write(try archive(tensors, path), to: path)
            return
        }
        try Folder.make(path)
        for tensor in tensors {
            let file = path + "/" + fileName(tensor.name) + ".npy"
            try Folder.write(ArrayFile.write(tensor.type, tensor.bytes), to: file)
        }
    }

    // MARK: archives

    /// The bytes of an .npz file.
    static func archive(_ tensors: [NamedTensor], _ path: String) throws(TensorFileError) -> [UInt8] {
        let entries = tensors.map {
            ArchiveFile.Entry(name: $0.name + ".npy", bytes: ArrayFile.write($0.type, $0.bytes))
        }
        guard let bytes = ArchiveFile.write(entries) else { throw .tooLarge(path: path) }
        return bytes
    }

    /// The tensors in the bytes of an .npz file; `path` is for sentences.
    static func tensors(inArchive bytes: [UInt8], _ path: String) throws(TensorFileError) -> [NamedTensor] {
        let entries: [ArchiveFile.Entry]
        do { entries = try ArchiveFile.read(bytes) } catch { throw .archive(path: path, error) }
        var out: [NamedTensor] = []
        for entry in entries {
            guard entry.name.hasSuffix(".npy") else { throw .stranger(path: path, entry: entry.name) }
            out.append(try tensor(entry.bytes, String(entry.name.dropLast(4)), place: "\(entry.name) in \(path)"))
        }
        return out
    }

    private static func readArchive(_ path: String) throws -> [NamedTensor] {
        try tensors(inArchive: try Folder.read(path, limit: 1 << 31), path)
    }

    private static func tensor(
        _ bytes: [UInt8], _ name: String, place: String
    ) throws(TensorFileError) -> NamedTensor {
        do {
            let (type, data) = try ArrayFile.read(bytes)
            return NamedTensor(name: name, type: type, bytes: data)
        } catch {
            throw .array(place: place, error)
        }
    }

    // MARK: folders

    private static func readFolder(_ path: String) throws -> [NamedTensor] {
        var out: [NamedTensor] = []
        for file in Folder.names(in: path) where !file.hasPrefix(".") {
            let place = path + "/" + file
            if file.hasSuffix(".npy") {
                out.append(try tensor(try Folder.read(place), tensorName(String(file.dropLast(4))), place: place))
            } else if file.hasSuffix(".pb"), !file.hasPrefix("output_") {
                out.append(try readTensor(place))
            }
        }
        return out
    }

    /// Reads one ONNX tensor; without a name of its own it has that of its file.
    /// - Throws: `RuntimeError`, `ImportError`.
    static func readTensor(_ path: String) throws -> NamedTensor {
        let file = String(path.split(separator: "/").last ?? "")
        let (name, value) = try readTensorFile(try Folder.read(path), name: path)
        return NamedTensor(
            name: name.isEmpty ? tensorName(String(file.dropLast(3))) : name, type: value.type, bytes: value.bytes)
    }

    private static func isFolder(_ path: String) -> Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
    }

    // MARK: names

    /// A tensor's name as the name of a file, without suffix.
    static func fileName(_ name: String) -> String {
        var out = ""
        for (at, byte) in name.utf8.enumerated() {
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "_"), UInt8(ascii: "-"):
                out.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: ".") where at > 0: out += "."
            default: out += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
        }
        return out
    }

    /// The tensor's name that `fileName` spelled; a `%` without two hex digits stands for itself.
    static func tensorName(_ file: String) -> String {
        var out: [UInt8] = []
        var rest = Array(file.utf8)[...]
        while let byte = rest.popFirst() {
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            if byte == UInt8(ascii: "%"), digits.utf8.count == 2, digits.allSatisfy(\.isHexDigit),
                let value = UInt8(digits, radix: 16)
            {
                out.append(value)
                rest = rest.dropFirst(2)
            } else {
                out.append(byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
