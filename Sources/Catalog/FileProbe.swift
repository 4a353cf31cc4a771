// What stands at a path, asked before SQLite touches it: SQLite would answer some of these questions with a code
// that says too little, and would create a file where a folder was misspelt. Input: a path. Output: small facts. No
// policy here.

import Glibc

/// What `stat` says of a path.
enum FileKind: Hashable, Sendable {
    case absent
    case folder
    case special
    case regular(bytes: Int)
}

func fileKind(_ path: String) -> FileKind {
    var info = stat()
    guard stat(path, &info) == 0 else { return .absent }
    switch info.st_mode & S_IFMT {
    case S_IFDIR: return .folder
    case S_IFREG: return .regular(bytes: Int(info.st_size))
    default: return .special
    }
}

/// The folder that holds `path`.
func parentFolder(_ path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// Why the caller may not do `mode` (`R_OK`, `W_OK`) to a path, in the words of the C library; `nil` when it may.
func refusal(_ path: String, _ mode: Int32) -> String? {
    access(path, mode) == 0 ? nil : String(cString: strerror(errno)).lowercased()
}

/// Whether a file starts as every SQLite file does; an empty file may become one.
func startsAsSQLite(_ path: String) -> Bool {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { Glibc.close(descriptor) }
    var head = [UInt8](repeating: 0, count: 16)
    let count = pread(descriptor, &head, head.count, 0)
    return count == 0 || (count == 16 && head == Array("SQLite format 3\0".utf8))
}

/// The type of the file system that holds `path` in the kernel's words (`ext4`, `nfs4`, `fuse.sshfs`), or nothing.
/// The mount is found by device number, so links and bind mounts do not matter.
@Sendable func filesystemType(_ path: String) -> String {
    var info = stat()
    guard stat(path, &info) == 0 else { return "" }
    let device = UInt64(info.st_dev)
    let major = (device >> 8) & 0xfff | (device >> 32) & 0xffff_f000
    let minor = device & 0xff | (device >> 12) & 0xffff_ff00
    return mountType(of: "\(major):\(minor)", in: fileText("/proc/self/mountinfo"))
}

/// Finds a device in the text of proc(5) `mountinfo`: `id parent major:minor root mount … - type source options`.
func mountType(of device: String, in mounts: String) -> String {
    for line in mounts.split(separator: "\n") {
        let words = line.split(separator: " ")
        guard words.count > 4, words[2] == device, let dash = words.firstIndex(of: "-"), dash + 1 < words.count
        else { continue }
        return String(words[dash + 1])
    }
    return ""
}

/// File systems whose locks or shared memory other hosts do not see.
private let networkFilesystems: Set<String> = [
    "9p", "afs", "beegfs", "ceph", "cifs", "coda", "fuse.cephfs", "fuse.ceph-fuse", "fuse.glusterfs", "fuse.s3fs",
    "fuse.sshfs", "gfs2", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "smb3", "smbfs",
]

func isNetworkFilesystem(_ type: String) -> Bool { networkFilesystems.contains(type) }

private func fileText(_ path: String) -> String {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return "" }
    defer { Glibc.close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = Glibc.read(descriptor, &chunk, chunk.count)
        guard count > 0 else { break }
        bytes += chunk[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
}

/// Makes a file and its name durable.
func syncFile(_ path: String) -> Bool {
    for target in [path, parentFolder(path)] {
        let descriptor = Glibc.open(target, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { Glibc.close(descriptor) }
        guard fsync(descriptor) == 0 else { return false }
    }
    return true
}
