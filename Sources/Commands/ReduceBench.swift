// The folder in which candidates of a reduction lie: one model file at a time, and the original's weights under names
// of their own, as hard links where the file system allows it. Input: the original, then messages. Output: paths, what
// became of a candidate, what an import finds out about one.

import Basics
import Glibc
import ONNXImport
import Runtime

typealias ModelMessage = Ironworks_Onnx_ModelProto

struct ReduceBench {
    let probe: ReduceProbe
    /// As the person gave them; a candidate gets those that name something it has.
    let bind: [String]
    let work: String
    /// Candidates are called like the original, so that sentences about them are alike.
    let name: String

    /// Weights have a folder of their own: a candidate must never be written through a link to the original.
    private static let weights = "weights"

    private var candidate: String { work + "/" + (name.isEmpty ? "model.onnx" : name) }

    var names: [String] { ReduceFailure.names(of: candidate) }

    /// The original as a message whose weights lie in this folder.
    func detached(_ file: ModelFile) throws -> ModelMessage {
        try Folder.make(work + "/" + ReduceBench.weights)
        var locations: [String: String] = [:]
        for location in file.externalLocations {
            guard let path = file.path(ofExternal: location) else { continue }
            let own = "\(ReduceBench.weights)/\(locations.count + 1)"
            try place(path, own)
            locations[location] = own
        }
        try place(file.path, ReduceBench.weights + "/0")
        return file.detached(modelLocation: ReduceBench.weights + "/0") { locations[$0] }
    }

    /// The file at `path` under another name in this folder.
    private func place(_ path: String, _ name: String) throws {
        let target = work + "/" + name
        if link(Folder.absolute(path), target) == 0 { return }
        let source = open(path, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else { throw RuntimeError.file(action: "read", path: path, code: errno) }
        defer { close(source) }
        let copy = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard copy >= 0 else { throw RuntimeError.file(action: "write", path: target, code: errno) }
        defer { close(copy) }
        while true {
            let moved = sendfile(copy, source, nil, 1 << 30)
            if moved < 0, errno == EINTR { continue }
            guard moved >= 0 else { throw RuntimeError.file(action: "write", path: target, code: errno) }
            if moved == 0 { return }
        }
    }

    /// Writes a candidate; the path.
    func write(_ model: ModelMessage) throws -> String {
        guard let bytes = model.encoded else {
            throw RuntimeError.file(action: "write", path: candidate, code: EFBIG)
        }
        try Folder.write(bytes, to: candidate)
        return candidate
    }

    func outcome(_ model: ModelMessage, _ stage: ReduceStage) throws -> ReduceOutcome {
        try probe.outcome(try write(model), stage, bind: model.applicable(bind))
    }

    /// What an import of the model finds out; `nil` when it crashes or hangs.
    func knownValues(_ model: ModelMessage) throws -> KnownValues? {
        let output = work + "/known-values"
        let outcome = try probe.outcome(try write(model), .known, bind: model.applicable(bind), output: output)
        guard outcome == .fine else { return nil }
        return KnownValues(decoding: try Folder.read(output))
    }
}
