// What can go wrong in Runtime before anything is measured: no compiler, a folder that cannot be written, a program
// that cannot be started, a lock that is taken. A candidate that fails is not an error: it is a `CompileFailure` or a
// `MeasureFailure`, a value that the search goes on with.

import Basics

package enum RuntimeError: Error, Equatable {
    /// No clang and no gcc on the search path.
    case compilerNotFound
    /// A compiler was found but does not turn a ten-line file into a loadable object.
    case compilerBroken(path: String, log: String)
    /// A program could not be started; `code` is an errno value.
    case notStarted(path: String, code: Int32)
    /// A file operation failed; `action` is a verb ("read", "write", "lock").
    case file(action: String, path: String, code: Int32)
    /// Somebody else holds a lock; `holder` is "PID HOST", or empty.
    case locked(path: String, holder: String)
    /// A table of recorded measurements does not parse.
    case recordedTable(SyntaxError)
}
