// One gate per host, so that measuring and heavy work do not disturb each other even across processes that know
// nothing of one another. Two advisory locks on files that every Linux machine has: a turnstile and a gate. Work takes
// both shared and lets go of the turnstile at once; a quiet burst takes both exclusive, so it waits only for batches
// that have already started. Locks die with their holder. Every call opens the files afresh: a lock belongs to an open
// file, and threads of one process must exclude each other too.

import Basics
import CSystem
import Glibc

package struct Gate: Sendable {
    package static let burstWaitMsMax = 3_000

    /// Whether a burst had the host to itself.
    package enum Quiet: Sendable, Equatable {
        case alone
        /// The gate was not free in time (or cannot be locked): measured anyway, and the readings are not valid.
        case beside
    }

    private let turnstilePath: String
    private let gatePath: String

    /// The gate of this host.
    package init() {
        self.init(turnstile: "/sys/devices/system/cpu/possible", gate: "/sys/devices/system/cpu/online")
    }

    /// A gate over other files, which must exist.
    package init(turnstile: String, gate: String) {
        turnstilePath = turnstile
        gatePath = gate
    }

    /// Runs one batch of processor-heavy work (at most a second or so), waiting while a quiet burst runs or is due.
    package func withCPUWork<R, E: Error>(_ batch: () throws(E) -> R) throws(E) -> R {
        let turnstile = LockedFile(turnstilePath, exclusive: false, timeoutMs: -1)
        let gate = LockedFile(gatePath, exclusive: false, timeoutMs: -1)
        turnstile?.release()
        defer { gate?.release() }
        return try batch()
    }

    /// Runs a burst with the host to itself if the gate is free within `waitMs`, and says whether it was.
    package func withQuietBurst<R, E: Error>(
        waitMs: Int = Gate.burstWaitMsMax, _ burst: (Quiet) throws(E) -> R
    ) throws(E) -> R {
        let deadline = iw_clock_ns() + Int64(waitMs) * 1_000_000
        let turnstile = LockedFile(turnstilePath, exclusive: true, timeoutMs: waitMs)
        defer { turnstile?.release() }
        let leftMs = max(0, Int((deadline - iw_clock_ns()) / 1_000_000))
        let gate = turnstile == nil ? nil : LockedFile(gatePath, exclusive: true, timeoutMs: leftMs)
        defer { gate?.release() }
        return try burst(gate == nil ? .beside : .alone)
    }
}

/// An open file under flock, or nothing when that did not work in time.
private struct LockedFile {
    private let descriptor: Int32

    init?(_ path: String, exclusive: Bool, timeoutMs: Int) {
        descriptor = iw_open_readable(path)
        guard descriptor >= 0 else { return nil }
        guard iw_flock(descriptor, exclusive ? 1 : 0, Int64(timeoutMs)) == 0 else {
            close(descriptor)
            return nil
        }
    }

    func release() { close(descriptor) }
}

/// When a worker with one device starts and ends bursts. A value: the worker hands in what it sees.
package enum BurstPolicy {
    package static let readyCandidatesMax = 16
    package static let oldestWaitMsMax = 1_000
    package static let burstMsMax = 2_000
    package static let workMsMinAfterBurst = 500

    /// - Parameters:
    ///   - ready: candidates that are compiled and wait for the device.
    ///   - oldestWaitMs: how long the oldest of them has waited.
    ///   - otherWork: whether anything but measuring could run now.
    ///   - sinceBurstMs: time since the last burst ended; `nil` before the first.
    package static func startsBurst(ready: Int, oldestWaitMs: Int, otherWork: Bool, sinceBurstMs: Int?) -> Bool {
        guard ready > 0 else { return false }
        if !otherWork { return true }
        if let since = sinceBurstMs, since < workMsMinAfterBurst { return false }
        return ready >= readyCandidatesMax || oldestWaitMs >= oldestWaitMsMax
    }

    /// Whether a burst that has run for `runningMs` takes another candidate.
    package static func continuesBurst(runningMs: Int, ready: Int) -> Bool { ready > 0 && runningMs < burstMsMax }
}
