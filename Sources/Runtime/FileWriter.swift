// A file that is written in pieces. In: bytes.  Out: the file, or the first error of the system, at the end: what comes
// behind it is passed over.

import Glibc

package final class FileWriter {
    private let path: String
    private var file: Int32
    private var failure: Int32?

    /// Makes the file, or empties it.
    package init(path: String) throws(RuntimeError) {
        self.path = path
        file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw RuntimeError.file(action: "write", path: path, code: errno) }
    }

    package func write(_ bytes: UnsafeRawBufferPointer) {
        var done = 0
        while done < bytes.count, failure == nil {
            let put = Glibc.write(file, bytes.baseAddress! + done, bytes.count - done)
            if put < 0, errno == EINTR { continue }
            if put > 0 { done += put } else { failure = errno }
        }
    }

    /// - Throws: `file` when any of the pieces was not written.
    package func close() throws(RuntimeError) {
        Glibc.close(file)
        file = -1
        if let failure { throw RuntimeError.file(action: "write", path: path, code: failure) }
    }

    deinit { if file >= 0 { Glibc.close(file) } }
}
