// Fault points: named places where a test may ask the process to die as if the power had gone. They are compiled
// into production code and do nothing until `arm` was called once, before any thread started (the shell reads
// IRONWORKS_FAULT=point:n). A point that is reached for the n-th time kills its own process with SIGKILL.

import Glibc
import Synchronization

package enum FaultPoint: String, CaseIterable, Sendable {
    /// A worker has received a unit and has not started it.
    case received
    /// The coordinator holds facts that are not committed.
    case beforeCommit
    /// The coordinator has committed facts and has told nobody.
    case afterCommit
    /// The coordinator is about to acknowledge committed facts.
    case beforeAck
    /// A worker is inside a quiet burst, between two candidates.
    case duringBurst

    /// Arms the point named in `text` (`point:n`, n counted from 1).
    package static func arm(_ text: String) throws(FaultPointError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let point = FaultPoint(rawValue: String(parts[0])), let count = Int(parts[1]), count > 0
        else { throw FaultPointError(text: text) }
        armed.withLock { $0 = Armed(point: point, remaining: count) }
    }

    /// Marks the place; kills the process when this is the armed visit.
    package func reached() {
        let due = FaultPoint.armed.withLock { armed -> Bool in
            guard var state = armed, state.point == self else { return false }
            state.remaining -= 1
            armed = state
            return state.remaining == 0
        }
        if due { kill(getpid(), SIGKILL) }
    }

    private struct Armed {
        var point: FaultPoint
        var remaining: Int
    }
    private static let armed = Mutex<Armed?>(nil)
}

package struct FaultPointError: Explained, Equatable {
    package var text: String
    package var sentence: String {
        "IRONWORKS_FAULT=\(escaped(text)) names no fault point; use POINT:N with one of "
            + FaultPoint.allCases.map(\.rawValue).joined(separator: ", ")
    }
}
