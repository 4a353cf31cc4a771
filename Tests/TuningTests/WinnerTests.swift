// The winner is a pure function of the evidence: who is eligible, what counts as its time, and how ties end.

import Basics
import Catalog
import Testing

@testable import Tuning

@Suite struct WinnerTests {
    private let a = Digest(of: "a"), b = Digest(of: "b"), c = Digest(of: "c")

    private func evidence(_ candidates: [Digest]) -> WinnerEvidence {
        WinnerEvidence(
            key: WinnerKey(workload: Digest(of: "w"), deviceClass: Digest(of: "d"), recipe: "r", interface: "i"),
            candidates: candidates.map { digest in
                CandidateRow(
                    digest: digest, workload: Digest(of: "w"), interface: "i", schedule: "s", sourceDigest: digest,
                    toolchain: Digest(of: "t"), scratchBytes: 0, predictedNs: 1, lowerBoundNs: 1)
            }, readings: [], verdicts: candidates.map { verdict($0, right: true) }, failures: [], finals: [])
    }

    private func verdict(_ candidate: Digest, right: Bool) -> VerdictRow {
        VerdictRow(
            candidate: candidate, deviceClass: Digest(of: "d"), inputClass: "uniform", seed: right ? 0 : 1,
            right: right, maxError: 0, tolerance: 0)
    }

    private func reading(
        _ candidate: Digest, _ ns: Double, correction: Double = 1, valid: Bool = true, attempt: String = "1"
    ) -> ReadingRow {
        ReadingRow(
            candidate: candidate, deviceClass: Digest(of: "d"), recipe: "r", worker: "w", samplesNs: [ns],
            lowerQuartileNs: ns, medianNs: ns * 9, calls: 1, correction: correction, valid: valid, flags: "",
            executions: 1, attempt: attempt)
    }

    private func failure(_ candidate: Digest) -> FailureRow {
        FailureRow(candidate: candidate, deviceClass: Digest(of: "d"), kind: "crashed", reason: "", attempt: "1")
    }

    @Test func theLeastScreenWins() {
        var evidence = evidence([a, b, c])
        evidence.readings = [reading(a, 12), reading(b, 10), reading(c, 11.5)]
        let row = winner(of: evidence)
        #expect(row?.candidate == b)
        #expect(row?.screenNs == 10)
        #expect(row?.provisional == false, "nothing else is near: screening decides")
        #expect(row?.winnerKey == evidence.key)
        evidence.readings = [reading(a, 12), reading(b, 10), reading(c, 11)]
        #expect(winner(of: evidence)?.candidate == b)
        #expect(winner(of: evidence)?.provisional == true, "a final could still decide otherwise")
    }

    @Test func theScreenIsTheLeastOfAllReadingsAfterCorrection() {
        var evidence = evidence([a, b])
        evidence.readings = [
            reading(a, 20, attempt: "1"), reading(a, 16, correction: 0.5, attempt: "2"), reading(a, 9, correction: 2),
            reading(b, 8.5),
        ]
        #expect(winner(of: evidence)?.candidate == a)
        #expect(winner(of: evidence)?.screenNs == 8)
    }

    @Test func invalidReadingsSayNothing() {
        var evidence = evidence([a, b])
        evidence.readings = [reading(a, 1, valid: false), reading(a, 12, attempt: "2"), reading(b, 10)]
        #expect(winner(of: evidence)?.candidate == b)
        evidence.readings = [reading(a, 1, valid: false)]
        #expect(winner(of: evidence) == nil)
    }

    @Test func oneWrongVerdictIsEnoughToLose() {
        var evidence = evidence([a, b])
        evidence.readings = [reading(a, 1), reading(b, 10)]
        evidence.verdicts.append(verdict(a, right: false))
        #expect(winner(of: evidence)?.candidate == b)
    }

    @Test func whatWasNeverVerifiedIsNotEligible() {
        var evidence = evidence([a, b])
        evidence.readings = [reading(a, 1), reading(b, 10)]
        evidence.verdicts.removeAll { $0.candidate == a }
        #expect(winner(of: evidence)?.candidate == b)
        evidence.verdicts = []
        #expect(winner(of: evidence) == nil)
    }

    @Test func whatEverFailedIsNotEligible() {
        var evidence = evidence([a, b])
        evidence.readings = [reading(a, 1), reading(b, 10)]
        evidence.failures = [failure(a)]
        #expect(winner(of: evidence)?.candidate == b)
        evidence.failures.append(failure(b))
        #expect(winner(of: evidence) == nil)
    }

    @Test func readingsOfStrangersSayNothing() {
        var evidence = evidence([a])
        evidence.readings = [reading(a, 10), reading(b, 1)]
        evidence.verdicts.append(verdict(b, right: true))
        #expect(winner(of: evidence)?.candidate == a)
    }

    @Test func equalScreensAreDecidedByTheDigest() {
        var evidence = evidence([a, b, c])
        evidence.readings = [a, b, c].map { reading($0, 10) }
        #expect(winner(of: evidence)?.candidate == [a, b, c].min())
    }

    @Test func orderAndRepetitionDoNotMatter() {
        let candidates = (0..<12).map { Digest(of: "\($0)") }
        var evidence = evidence(candidates)
        var random = SeededRandom(seed: 2)
        evidence.readings = candidates.flatMap { one in
            (0..<3).map { reading(one, Double(10 + random.below(4)), valid: random.below(3) > 0, attempt: "\($0)") }
        }
        evidence.verdicts += [verdict(candidates[3], right: false)]
        evidence.failures = [failure(candidates[5])]
        let expected = winner(of: evidence)
        #expect(expected != nil)
        for seed in UInt64(0)..<50 {
            var other = evidence
            other.candidates = shuffled(evidence.candidates, seed: seed)
            other.readings = shuffled(evidence.readings + evidence.readings.prefix(7), seed: seed)
            other.verdicts = shuffled(evidence.verdicts + evidence.verdicts, seed: seed)
            other.failures = shuffled(evidence.failures + evidence.failures, seed: seed)
            #expect(winner(of: other) == expected)
        }
    }

    @Test func nothingMeasuredMeansNoWinner() {
        #expect(winner(of: evidence([])) == nil)
        #expect(winner(of: evidence([a, b])) == nil)
        #expect(winnerRule.name == "final/1")
        #expect(winnerRule.decide(evidence([a])) == nil)
    }
}
