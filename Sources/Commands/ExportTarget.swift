// Where exported models go and what they are called, and what is said about them afterwards. One model is a bundle in
// the folder that was named; of several each has a folder of its name in there. Pure.

import Basics
import Export

struct ExportTarget: Equatable {
    /// Prefix of symbols and files.
    var name: String
    var path: String

    /// The folder that holds `path`.
    static func parent(of path: String) -> String {
        let trimmed = path.hasSuffix("/") && path.utf8.count > 1 ? String(path.dropLast()) : path
        guard let slash = trimmed.lastIndex(of: "/") else { return "." }
        return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
    }
}

/// Name and folder for each model.
/// - Parameter name: what a person chose; only one model can have it.
/// - Throws: `ExportError`, `ModelError`.
func exportTargets(_ models: [String], name: String?, out: String) throws -> [ExportTarget] {
    if let name {
        guard models.count == 1 else { throw ModelError.nameForSeveral(name: name, count: models.count) }
        try checkExportName(name)
        return [ExportTarget(name: name, path: out)]
    }
    var targets: [ExportTarget] = []
    for model in models {
        let name = try exportName(from: model)
        if let other = targets.firstIndex(where: { $0.name == name }) {
            throw ModelError.sameExportName(name: name, first: models[other], second: model)
        }
        targets.append(ExportTarget(name: name, path: models.count == 1 ? out : out + "/" + name))
    }
    return targets
}

/// A bundle that was built and passed its self-test.
struct ExportedBundle {
    var model: String
    var name: String
    var path: String
    var program: Digest
    var share: TunedShare
    var vectors: Int

    private var places: [(key: String, path: String)] {
        [
            ("header", "include/\(name).h"), ("shared_library", BuildPlan.sharedLibrary(name)),
            ("static_library", BuildPlan.archive(name)), ("weights", "weights.bin"),
            ("python", "python/\(name).py"), ("self_test", BuildPlan.selfTest(name)),
            ("manifest", ExportFolder.manifestName),
        ].map { ($0, path + "/" + $1) }
    }

    var text: String {
        let head =
            "\(model): bundle \(name), \(share.tuned) of \(share.workloads) workloads measured, self-test passed on "
            + "\(vectors) vectors"
        return ([head] + places.map { "  " + $0.key.replacing("_", with: " ") + ": " + escaped($0.path, limit: 4096) })
            .joined(separator: "\n")
    }

    var json: JSON {
        .object(
            [
                ("model", .string(model)), ("name", .string(name)), ("path", .string(path)),
                ("program", .string(program.hex)), ("workloads", .integer(share.workloads)),
                ("tuned_workloads", .integer(share.tuned)), ("self_test", .string("passed")),
                ("self_test_vectors", .integer(vectors)),
            ] + places.map { ($0.key + "_path", .string($0.path)) })
    }
}
