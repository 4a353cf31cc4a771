// A regular file, mapped read-only into memory for as long as this object lives. Weights are never copied: tensors
// are ranges of such a mapping. Input: a path. Output: the bytes, bounds known.
// A file that another process truncates while it is mapped ends this process with SIGBUS, as every mapped file does;
// model files are written once and renamed into place.

import Glibc
import TensorIR

/// Read-only bytes with an owner: a mapped file, or an array for models that never were a file.
///
/// `@unchecked Sendable`: every stored property is constant and the bytes are never written after `init`, so no lock
/// is needed.
package final class MappedFile: MappingOwner, @unchecked Sendable {
    package let bytes: UnsafeRawBufferPointer
    private let isMapped: Bool

    enum Failure: Error, Equatable {
        case unreadable(errno: Int32)
        case notRegular
    }

    /// Maps the file at `path`. With `followsLink` false a symbolic link in the last place is not followed.
    init(path: String, followsLink: Bool = true) throws(Failure) {
        // Without O_NONBLOCK opening a named pipe would wait for ever.
        let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | (followsLink ? 0 : O_NOFOLLOW)
        let descriptor = open(path, flags)
        guard descriptor >= 0 else { throw errno == ELOOP ? .notRegular : .unreadable(errno: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(errno: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegular }
        let count = Int(status.st_size)
        guard count > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            isMapped = false
            return
        }
        guard let base = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED
        else { throw .unreadable(errno: errno) }
        bytes = UnsafeRawBufferPointer(start: base, count: count)
        isMapped = true
    }

    /// Owns a copy of `array`.
    init(copying array: [UInt8]) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(array.count, 1), alignment: 16)
        copy.copyBytes(from: array)
        bytes = UnsafeRawBufferPointer(rebasing: copy[..<array.count])
        isMapped = false
    }

    /// Pages of a mapped file come back from the file; those of a copy stay.
    package func releasePages(address: UInt, count: Int) {
        guard isMapped else { return }
        let page = UInt(sysconf(Int32(_SC_PAGESIZE)))
        let first = (address + page - 1) / page * page
        let end = (address + UInt(count)) / page * page
        guard first < end, let start = UnsafeMutableRawPointer(bitPattern: first) else { return }
        madvise(start, Int(end - first), MADV_DONTNEED)
    }

    deinit {
        guard let base = bytes.baseAddress else { return }
        if isMapped {
            munmap(UnsafeMutableRawPointer(mutating: base), bytes.count)
        } else {
            UnsafeMutableRawPointer(mutating: base).deallocate()
        }
    }
}
