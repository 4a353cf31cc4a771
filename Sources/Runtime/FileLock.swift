// A lock file held for life: `CATALOG.lock` beside a catalog. The lock is an open-file-description lock, so it ends
// with the process however that ends; the file's text says who holds it, for the sentence that a second user reads.
// Beside it: whether a path is on a network file system, where such locks cannot be trusted, and the clock for shells.

import Basics
import CSystem
import Glibc

package struct FileLock: ~Copyable {
    package let path: String
    private let descriptor: Int32

    /// Takes the lock without waiting.
    /// - Throws: `locked` with the holder's "PID HOST", or a file error.
    package init(_ path: String) throws(RuntimeError) {
        let taken = iw_lock_file(path)
        if taken == -EAGAIN { throw RuntimeError.locked(path: path, holder: FileLock.holder(of: path)) }
        guard taken >= 0 else { throw RuntimeError.file(action: "lock", path: path, code: -taken) }
        self.path = path
        descriptor = taken
    }

    deinit { close(descriptor) }

    /// What the lock file says; empty when it says nothing.
    package static func holder(of path: String) -> String {
        var text = [CChar](repeating: 0, count: 256)
        guard iw_lock_holder(path, &text, text.count) == 0 else { return "" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Whether a path, or the folder that would hold it, is on a network file system.
package func isOnNetworkFileSystem(_ path: String) throws(RuntimeError) -> Bool {
    let answer = iw_on_network_filesystem(path)
    guard answer >= 0 else { throw RuntimeError.file(action: "examine", path: path, code: -answer) }
    return answer == 1
}

/// The monotonic clock of this process, for shells that turn time into `Tick`.
package func monotonicNow() -> Tick { Tick(nanoseconds: iw_clock_ns()) }
