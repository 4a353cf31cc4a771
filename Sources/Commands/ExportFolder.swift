// The folder of a bundle on disk: whether it may be written to, what an earlier bundle in it owns, and how a new one
// takes its place. A bundle is put together in a folder beside its place and moved there file by file when it is
// complete, so a failure leaves the old one as it was. Files that no bundle owns are never touched.

import Basics
import Export
import Glibc
import Runtime

struct ExportFolder: Equatable {
    let path: String
    /// Files of an earlier bundle, relative to the folder.
    private(set) var stale: [String] = []

    static let manifestName = "manifest.json"
    private static let manifestBytesMax = 64 << 20

    /// - Throws: `exportFolder` when something else lies there.
    init(_ path: String) throws {
        self.path = path
        var facts = stat()
        guard stat(path, &facts) == 0 else { return }
        guard facts.st_mode & S_IFMT == S_IFDIR else { throw ModelError.exportFolder(path: path, .notFolder) }
        if Folder.names(in: path).isEmpty { return }
        let manifest = path + "/" + ExportFolder.manifestName
        guard access(manifest, R_OK) == 0 else { throw ModelError.exportFolder(path: path, .notEmpty) }
        let text = String(
            decoding: try Folder.read(manifest, limit: ExportFolder.manifestBytesMax), as: UTF8.self)
        switch BundleManifest(text) {
        case .notBundle: throw ModelError.exportFolder(path: path, .notEmpty)
        case .damaged: throw ModelError.exportFolder(path: path, .damagedManifest)
        case .bundle(let files): stale = files
        }
    }

    /// Moves every file of the finished bundle at `source` here, after removing what the earlier bundle owned.
    func install(_ source: String) throws {
        try Folder.make(path)
        // first the mark of a bundle: what is half removed must not look whole
        unlink(path + "/" + ExportFolder.manifestName)
        for file in stale { unlink(path + "/" + file) }
        let folders = Set(stale.flatMap(ExportFolder.parents)).sorted { $0.utf8.count > $1.utf8.count }
        for folder in folders { rmdir(path + "/" + folder) }
        try ExportFolder.move(source, path, except: ExportFolder.manifestName)
        try ExportFolder.rename(source + "/" + ExportFolder.manifestName, path + "/" + ExportFolder.manifestName)
        Folder.removeTree(source)
    }

    private static func move(_ source: String, _ target: String, except skipped: String? = nil) throws {
        for name in Folder.names(in: source) where name != skipped {
            let (from, to) = (source + "/" + name, target + "/" + name)
            var facts = stat()
            guard lstat(from, &facts) == 0 else { continue }
            if facts.st_mode & S_IFMT == S_IFDIR {
                try Folder.make(to)
                try move(from, to)
            } else {
                try rename(from, to)
            }
        }
    }

    private static func rename(_ from: String, _ to: String) throws {
        guard Glibc.rename(from, to) == 0 else {
            throw RuntimeError.file(action: "write", path: to, code: errno)
        }
    }

    /// `a/b/c` lies in `a/b` and `a`.
    private static func parents(_ file: String) -> [String] {
        let parts = file.split(separator: "/")
        return (1..<max(parts.count, 1)).map { parts.prefix($0).joined(separator: "/") }
    }
}

/// What the manifest of a folder says, as far as replacing the bundle needs it. The text has the one form in which
/// manifests are written: a member per line.
enum BundleManifest: Equatable {
    case bundle(files: [String])
    case notBundle
    case damaged

    init(_ text: String) {
        let lines = text.split(separator: "\n").map { $0.drop { $0 == " " } }
        guard lines.first == "{", lines.dropFirst().first == "\"schema\": \"ironworks.bundle/1\"," else {
            self = .notBundle
            return
        }
        func values(_ key: String) -> [String] {
            let head = "\"\(key)\": \""
            return lines.filter { $0.hasPrefix(head) }.map { line in
                String(line.dropFirst(head.count).prefix { $0 != "\"" })
            }
        }
        let listed = values("path")
        guard let name = values("name").first, (try? checkExportName(name)) != nil, !listed.isEmpty,
            listed.allSatisfy(BundleManifest.isInside)
        else {
            self = .damaged
            return
        }
        let built = [BuildPlan.sharedLibrary(name), BuildPlan.archive(name), BuildPlan.selfTest(name)]
        self = .bundle(files: Set(listed + built).sorted())
    }

    /// A relative path of plain names.
    private static func isInside(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return parts.allSatisfy { part in
            !part.isEmpty && part != "." && part != ".."
                && part.utf8.allSatisfy { byte in
                    switch byte {
                    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
                    default: "_-.".utf8.contains(byte)
                    }
                }
        }
    }
}
