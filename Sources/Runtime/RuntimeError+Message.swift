// Renders every RuntimeError into its one sentence: what happened, where, what to do next.
// Input: the facts of a case. Output: text without a trailing newline; foreign bytes are escaped.
// The only file of Runtime that holds prose for people about errors.

import Basics
import Glibc

extension RuntimeError: Explained {
    package var sentence: String {
        switch self {
        case .compilerNotFound:
            return "no C compiler on the PATH: install clang or gcc (Debian: apt-get install clang), "
                + "then run this again"
        case .compilerBroken(let path, let log):
            return "\(escaped(path)) cannot compile and link a ten-line C file; reinstall it or put another compiler "
                + "first on the PATH. It said: \(escaped(log, limit: 400))"
        case .notStarted(let path, let code):
            return "cannot start \(escaped(path)): \(RuntimeError.reason(code))"
        case .file(let action, let path, let code):
            return "cannot \(action) \(escaped(path)): \(RuntimeError.reason(code))"
        case .locked(let path, let holder):
            return "\(escaped(path)) is held by "
                + (holder.isEmpty ? "another process" : "process \(escaped(holder))")
        case .recordedTable(let error):
            return "the table of recorded measurements does not parse: \(error.sentence)"
        }
    }

    /// The C library's words for an errno value.
    private static func reason(_ code: Int32) -> String {
        var text = [CChar](repeating: 0, count: 128)
        guard strerror_r(code, &text, text.count) == 0 else { return "error \(code)" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
