// Small file operations on paths, with RuntimeError: whole-file read and write, folders, temporary work folders, and
// durable replacement. Paths are plain strings; nothing here follows a policy.
// Written on the C library alone, so that a worker does not load Foundation to copy a file.

import Basics
import CSystem
import Glibc

package enum Folder {
    /// Makes a folder and its parents; an existing one is fine.
    package static func make(_ path: String) throws(RuntimeError) {
        var made = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            made += (made.isEmpty || made.hasSuffix("/") ? "" : "/") + part
            if mkdir(made, 0o755) != 0, errno != EEXIST {
                throw RuntimeError.file(action: "make the folder", path: made, code: errno)
            }
        }
    }

    /// Makes a fresh 0700 folder inside `parent` and returns its path.
    package static func makeTemporary(in parent: String) throws(RuntimeError) -> String {
        var template = Array((parent + "/work-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else {
            throw RuntimeError.file(action: "make a folder in", path: parent, code: errno)
        }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Removes a folder with everything in it. Symbolic links are removed, not followed. Failures are ignored: what
    /// stays behind is a temporary file.
    package static func removeTree(_ path: String) {
        for name in names(in: path) {
            let child = path + "/" + name
            var facts = stat()
            guard lstat(child, &facts) == 0 else { continue }
            if facts.st_mode & S_IFMT == S_IFDIR {
                removeTree(child)
            } else {
                unlink(child)
            }
        }
        rmdir(path)
    }

    /// The names in a folder, sorted; empty when it cannot be read.
    package static func names(in path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Reads a whole regular file of at most `limit` bytes.
    package static func read(_ path: String, limit: Int = 1 << 30) throws(RuntimeError) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw RuntimeError.file(action: "read", path: path, code: errno) }
        defer { close(file) }
        var facts = stat()
        guard fstat(file, &facts) == 0 else { throw RuntimeError.file(action: "read", path: path, code: errno) }
        guard facts.st_mode & S_IFMT == S_IFREG else {
            throw RuntimeError.file(action: "read", path: path, code: EISDIR)
        }
        guard Int(facts.st_size) <= limit else { throw RuntimeError.file(action: "read", path: path, code: EFBIG) }
        var bytes = [UInt8](repeating: 0, count: Int(facts.st_size))
        var filled = 0
        while filled < bytes.count {
            let got = bytes.withUnsafeMutableBytes { pread(file, $0.baseAddress! + filled, $0.count - filled, filled) }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { throw RuntimeError.file(action: "read", path: path, code: got == 0 ? EIO : errno) }
            filled += got
        }
        return bytes
    }

    /// Writes a whole file, replacing what was there. Not durable; see `replace`.
    package static func write(_ bytes: [UInt8], to path: String) throws(RuntimeError) {
        let file = try FileWriter(path: path)
        bytes.withUnsafeBytes { file.write($0) }
        try file.close()
    }

    /// Makes `temporary` durable under the name `final`, atomically (fsync, rename, fsync of the folder).
    package static func replace(_ temporary: String, final: String) throws(RuntimeError) {
        let code = iw_replace_file(temporary, final)
        guard code == 0 else { throw RuntimeError.file(action: "replace", path: final, code: code) }
    }

    /// The absolute path without symbolic links; a path that does not exist stays as it is.
    package static func absolute(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    /// Whether a path names something that may be executed.
    static func isExecutable(_ path: String) -> Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }
}
