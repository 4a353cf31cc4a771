// An ONNX file on its way in: the mapping that keeps its weights, the reduced message that swift-protobuf decoded,
// and the external data files it names. Input: a path (or bytes). Output: checked messages and tensor payloads that
// point into mappings. What a model names outside of its own folder is refused.

import Basics
import Glibc
import SwiftProtobuf

/// A decoded model and the mappings that hold its weights.
package final class ModelFile: Sendable {
    /// The path as it was given, for sentences and reports.
    package let path: String
    /// The mapped bytes of the model file itself.
    package let mapping: MappedFile
    let model: Ironworks_Onnx_ModelProto
    let payloads: [LiftedPayload]
    /// The folder of external data; `nil` for a model that is no file.
    private let folder: String?

    /// ONNX file format versions that the importer reads.
    package static let formatVersions = 3...14

    /// Maps, scans and decodes the file at `path`; the work grows with the small part of the file, not its weights.
    /// - Throws: the cases of `FileProblem`.
    package convenience init(path: String) throws(ImportError) {
        let mapping: MappedFile
        do {
            mapping = try MappedFile(path: path)
        } catch {
            switch error {
            case .unreadable(let code): throw .file(path: path, .unreadable(errno: code))
            case .notRegular: throw .file(path: path, .notRegular)
            }
        }
        let resolved = ModelFile.realPath(path) ?? path
        try self.init(path: path, mapping: mapping, folder: ModelFile.folder(of: resolved))
    }

    /// Decodes a model from memory; it may not name external data.
    package convenience init(bytes: [UInt8], name: String) throws(ImportError) {
        try self.init(path: name, mapping: MappedFile(copying: bytes), folder: nil)
    }

    private init(path: String, mapping: MappedFile, folder: String?) throws(ImportError) {
        let reduced: ReducedModel
        do {
            reduced = try liftTensors(in: mapping.bytes)
        } catch {
            throw .file(path: path, error.problem)
        }
        var options = BinaryDecodingOptions()
        options.discardUnknownFields = true
        do {
            model = try Ironworks_Onnx_ModelProto(serializedBytes: reduced.bytes, options: options)
        } catch {
            throw .file(path: path, .malformed(ModelFile.describe(error)))
        }
        guard let version = Int(exactly: model.irVersion), ModelFile.formatVersions.contains(version)
        else { throw .file(path: path, .formatVersion(model.irVersion)) }
        (self.path, self.mapping, self.folder, payloads) = (path, mapping, folder, reduced.payloads)
    }

    /// The last component of the path.
    package var name: String { String(path.split(separator: "/").last ?? "") }

    /// SHA-256 of the model file, linear in its size.
    package var digest: Digest { Digest(of: mapping.bytes) }

    /// Maps the external file that `tensor` names by `location`.
    /// - Throws: `tensor`.
    func external(_ location: String, tensor: String) throws(ImportError) -> MappedFile {
        func fail(_ problem: TensorProblem) -> ImportError { .tensor(model: name, tensor: tensor, problem) }
        guard let folder, !location.isEmpty, !location.hasPrefix("/"), !location.utf8.contains(0),
            !location.split(separator: "/").contains("..")
        else { throw fail(.externalOutside(location: location)) }
        guard let home = ModelFile.realPath(folder), let target = ModelFile.realPath(folder + "/" + location)
        else { throw fail(.externalMissing(path: folder + "/" + location)) }
        guard target.hasPrefix(home == "/" ? "/" : home + "/")
        else { throw fail(.externalOutside(location: location)) }
        do {
            return try MappedFile(path: target, followsLink: false)
        } catch {
            switch error {
            case .unreadable: throw fail(.externalMissing(path: target))
            case .notRegular: throw fail(.externalNotRegular(location: location))
            }
        }
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func describe(_ error: any Error) -> String {
        if let error = error as? BinaryDecodingError {
            switch error {
            case .invalidUTF8: return "a name in it is not UTF-8"
            case .truncated: return "a message in it ends too early"
            case .messageDepthLimit: return "its messages are nested too deep"
            default: return "a message in it is not well formed"
            }
        }
        return "a message in it is not well formed"
    }
}
