// What commands themselves can refuse; each case renders into one sentence that says what to do.

import Basics

enum CommandError: Explained, Equatable {
    case buildFailed(log: String)
    case programFailed(model: String, reason: String)
    case workersDied(lines: [String])
    case farmRejected(String)
    case otherCompiler(preferred: String, used: String)
    case badOption(option: String, value: String, expected: String)

    var sentence: String {
        switch self {
        case .buildFailed(let log): "the generated program does not compile; this is a bug, please report it:\n\(log)"
        case .programFailed(let model, let reason): "the program of \(escaped(model)) failed: \(reason)"
        case .workersDied(let lines):
            "workers died five times in a minute without a result; the last lines they wrote:\n"
                + lines.map { "  " + escaped($0) }.joined(separator: "\n")
        case .farmRejected(let reason): reason
        case .otherCompiler(let preferred, let used):
            "search.toolchains prefers \(preferred), but \(used) compiles every candidate where it is installed; "
                + "put \(used) first, or leave the key out"
        case .badOption(let option, let value, let expected):
            "--\(option) \(escaped(value)) is not understood; use \(expected)"
        }
    }
}
