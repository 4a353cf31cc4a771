// A quiet burst: a reference kernel, candidates, the reference kernel again, with the host's gate closed meanwhile.
// The reference readings say how fast the device was just then; dividing by them takes slow drift (clocks, thermal
// limits, neighbours) out of comparisons between bursts.

import Basics
import CSystem

/// The reference kernel's readings around one burst.
package struct BurstDrift: Sendable, Equatable {
    package var before: Reading
    package var after: Reading

    package init(before: Reading, after: Reading) {
        self.before = before
        self.after = after
    }

    package var referenceNs: Double { (before.lowerQuartileNs + after.lowerQuartileNs) / 2 }

    /// How far the device moved during the burst, as a share of its first reading.
    package var drift: Double { abs(after.lowerQuartileNs - before.lowerQuartileNs) / before.lowerQuartileNs }

    /// What a time of this burst is multiplied with to compare it with a device on which the reference takes
    /// `baselineNs`.
    package func correction(baselineNs: Double) -> Double { baselineNs / referenceNs }
}

package struct BurstResult: Sendable, Equatable {
    /// In the order of the requests; shorter when the burst's time was over.
    package var outcomes: [MeasureOutcome]
    /// `nil` when there was no reference request or it failed.
    package var drift: BurstDrift?
    package var quiet: Gate.Quiet
}

/// Measures requests in one quiet burst, in order, until `burstMsMax` has passed; at least the first is measured.
/// Readings taken beside other work are marked so.
package func measureBurst(
    _ requests: [MeasureRequest], reference: MeasureRequest?, with measurer: any Measurer, through gate: Gate,
    waitMs: Int = Gate.burstWaitMsMax, burstMsMax: Int = BurstPolicy.burstMsMax
) -> BurstResult {
    gate.withQuietBurst(waitMs: waitMs) { quiet in
        let start = iw_clock_ns()
        func measured(_ request: MeasureRequest) -> MeasureOutcome {
            switch measurer.measure(request) {
            case .reading(var reading):
                reading.beside = quiet == .beside
                return .reading(reading)
            case .failed(let failure): return .failed(failure)
            }
        }
        let before = reference.map(measured)
        var outcomes: [MeasureOutcome] = []
        for request in requests {
            if !outcomes.isEmpty {
                FaultPoint.duringBurst.reached()
                let runningMs = Int((iw_clock_ns() - start) / 1_000_000)
                guard runningMs < burstMsMax else { break }
            }
            outcomes.append(measured(request))
        }
        let after = reference.map(measured)
        var drift: BurstDrift?
        if case .reading(let first)? = before, case .reading(let last)? = after {
            drift = BurstDrift(before: first, after: last)
        }
        return BurstResult(outcomes: outcomes, drift: drift, quiet: quiet)
    }
}
