// A made-up device: its time for a candidate is a seeded function of the candidate's digest and of what the model
// predicted, so a farm can run at full speed without code, and two runs with one seed agree exactly. Some candidates
// may be made to fail, to exercise what follows a failure.

import Basics

package final class SyntheticMeasurer: Measurer {
    /// The made-up device is between this and `slowest` times as slow as predicted.
    static let fastest = 0.8
    static let slowest = 1.6
    /// Samples of one reading spread by this share.
    static let noise = 0.01

    let seed: UInt64
    private let failuresPerThousand: Int

    /// - Parameters:
    ///   - seed: another seed is another device.
    ///   - failuresPerThousand: how many candidates in a thousand crash or hang.
    package init(seed: UInt64, failuresPerThousand: Int = 0) {
        self.seed = seed
        self.failuresPerThousand = failuresPerThousand
    }

    package func measure(_ request: MeasureRequest) -> MeasureOutcome {
        answer(request.candidate, request.predictedNs, request.settings)
    }

    package func measureProgram(_ request: ProgramRequest) -> MeasureOutcome {
        answer(request.program, request.predictedNs, request.settings)
    }

    private func answer(_ digest: Digest, _ predictedNs: Double, _ settings: MeasureSettings) -> MeasureOutcome {
        var random = SeededRandom(seed: digest.seed ^ (seed &* 0x9e37_79b9_7f4a_7c15))
        if random.below(1000) < failuresPerThousand {
            return .failed(random.below(2) == 0 ? .crashed(signal: 11) : .timedOut(ms: settings.timeoutMs))
        }
        let span = SyntheticMeasurer.slowest - SyntheticMeasurer.fastest
        let ns = max(predictedNs, 1) * (SyntheticMeasurer.fastest + span * random.unit())
        let samples = (0..<max(1, settings.samples)).map { _ in ns * (1 + SyntheticMeasurer.noise * random.unit()) }
        return .reading(Reading(samplesNs: samples, calls: samples.count))
    }
}
