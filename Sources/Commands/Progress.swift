// Progress for people, on stderr: a bar that redraws itself on a terminal, plain lines at a slower pace elsewhere.

import Basics
import FarmCore
import Glibc
import Runtime

final class Progress {
    private let isQuiet: Bool
    private let isVerbose: Bool
    private let isTerminal: Bool
    private var started: Tick?
    private var startedDone = 0
    private var lastLine = Tick.zero
    private var hasBar = false
    private var last: Standing?

    /// Plain lines at most this often.
    private static let lineEvery = Tick.Span.seconds(5)
    private static let barCells = 24

    init(_ global: GlobalOptions) {
        isQuiet = global.quiet
        isVerbose = global.verbose
        isTerminal = isatty(STDERR_FILENO) == 1 && !global.noColor
    }

    func note(_ text: String) {
        guard !isQuiet else { return }
        clear()
        writeError(text)
    }

    func detail(_ text: String) {
        if isVerbose { note(text) }
    }

    func show(_ standing: Standing) {
        guard !isQuiet, standing.totalUnits > 0 else { return }
        let now = monotonicNow()
        if started == nil {
            started = now
            startedDone = standing.doneUnits
        }
        let finished = standing.finished
        if !isTerminal {
            guard last != standing, finished || Progress.lineEvery < now - lastLine else { return }
        }
        last = standing
        lastLine = now
        let line = text(standing, now)
        if isTerminal {
            writeAll(STDERR_FILENO, "\r\u{1b}[K" + line)
            hasBar = true
        } else {
            writeError(line)
        }
    }

    /// Leaves the bar's line.
    func clear() {
        if hasBar { writeAll(STDERR_FILENO, "\r\u{1b}[K") }
        hasBar = false
    }

    private func text(_ standing: Standing, _ now: Tick) -> String {
        let share = Double(standing.doneUnits) / Double(max(standing.totalUnits, 1))
        let filled = Int(share * Double(Progress.barCells))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: Progress.barCells - filled)
        var out = "\(bar) \(standing.doneUnits)/\(standing.totalUnits) units, \(standing.running) running"
        if standing.parked > 0 { out += ", \(standing.parked) parked" }
        let since = (now - (started ?? now)).seconds
        let made = standing.doneUnits - startedDone
        if made >= 5, !standing.finished {
            // rates drift by a factor of two on shared machines, so the estimate is a range
            let left = since / Double(made) * Double(standing.totalUnits - standing.doneUnits)
            out += ", \(duration(left * 0.7)) to \(duration(left * 1.5)) left"
        }
        return out
    }
}

/// `45s`, `3m10s`, `2h05m`.
func duration(_ seconds: Double) -> String {
    let whole = Int(max(0, seconds).rounded())
    if whole < 60 { return "\(whole)s" }
    if whole < 3600 { return "\(whole / 60)m" + (whole % 60 < 10 ? "0" : "") + "\(whole % 60)s" }
    return "\(whole / 3600)h" + (whole / 60 % 60 < 10 ? "0" : "") + "\(whole / 60 % 60)m"
}
