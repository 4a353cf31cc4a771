// What commands themselves can refuse; each case renders into one sentence that says what to do.

import Basics

enum CommandError: Explained, Equatable {
    case buildFailed(log: String)
    case programFailed(model: String, reason: String)
    case workersDied(lines: [String])
    case farmRejected(String)
    /// More lanes than processors: they would wait for each other.
    case tooManyThreads(threads: Int, usable: Int)
    case badOption(option: String, value: String, expected: String)

    var sentence: String {
        switch self {
        case .buildFailed(let log): "the generated program does not compile; this is a bug, please report it:\n\(log)"
        case .programFailed(let model, let reason): "the program of \(escaped(model)) failed: \(reason)"
        case .workersDied(let lines):
            "workers died five times in a minute without a result; the last lines they wrote:\n"
                + lines.map { "  " + escaped($0) }.joined(separator: "\n")
        case .farmRejected(let reason): reason
        case .tooManyThreads(let threads, let usable):
            "\(threads) threads are asked for and this process may use \(usable) processor\(usable == 1 ? "" : "s"), "
                + "one for each; use \(usable == 1 ? "1" : "1 to \(usable)"), or let it run on more (taskset, cgroup)"
        case .badOption(let option, let value, let expected):
            "--\(option) \(escaped(value)) is not understood; use \(expected)"
        }
    }
}
