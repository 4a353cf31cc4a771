// The winner, exactly: a pure function of the rows that bear on one key, so any order, duplication or grouping of the
// same facts gives the same answer.
//
// 1 eligible: verified right at least once, never wrong, never failed
// 2 screen: the least lower quartile over valid readings, corrected by the burst's reference
// 3 finalists: screen at most 1.10 x the least, the 8 least by (screen, digest) that rounds have time for
// 4 final: the finalists in turn in one process; value = median over rounds of time / median of the round
// 5 of several finals the one that covers most finalists decides, then most rounds, then the least digest
// 6 values within 1 % of the least tie; the least (scratch bytes, digest) wins
//
// One finalist needs no final: its screen decides. Finalists that no final has covered leave the winner provisional.

import Basics
import Catalog

package let winnerRuleName = "final/1"

package var winnerRule: WinnerRule { WinnerRule(name: winnerRuleName, decide: winner) }

/// Lanes, state, precision and method version of today's measurements; part of a winner's key.
package let recipeText = "lanes 1 constants by size f32 method 3"

/// A screen above this many times the least has no chance in a final.
package let finalistRatio = 1.10
package let finalistsMax = 8
/// So many are compared even when their calls are long.
private let finalistsMin = 3
/// Values of a final within this share of the least are equal.
private let tieShare = 0.01
package let finalRounds = 21
/// Least time of one contestant in one round: many times what reading the clock costs.
package let roundSampleNs = 100_000.0
/// What a final may take; fewer finalists when their calls are long.
private let finalNsMax = 0.3e9

/// An eligible candidate of one key.
struct Contestant: Hashable, Sendable {
    var candidate: Digest
    var screenNs: Double
    var scratchBytes: Int
}

/// What one final measured.
struct FinalResult: Hashable, Sendable {
    /// Of its row.
    var key: Digest
    var contestants: [Digest]
    /// By round, then by contestant.
    var rounds: [[Double]]
}

/// Who wins a key.
struct Decision: Hashable, Sendable {
    var candidate: Digest
    var screenNs: Double
    /// Not every finalist was in a final together with the others.
    var isProvisional: Bool
}

/// Rule 3; least screen first.
func finalists(_ contestants: [Contestant]) -> [Contestant] {
    let ranked = contestants.sorted { ($0.screenNs, $0.candidate) < ($1.screenNs, $1.candidate) }
    guard let least = ranked.first?.screenNs else { return [] }
    let close = ranked.prefix { $0.screenNs <= finalistRatio * least }
    let roundNs = max(roundSampleNs, least) * Double(finalRounds)
    let affordable = max(finalistsMin, Int(min(finalNsMax / roundNs, Double(finalistsMax))))
    return Array(close.prefix(min(affordable, finalistsMax)))
}

/// Calls of each finalist in a round, the same for all.
func finalCalls(_ finalists: [Contestant]) -> Int {
    guard let least = finalists.first?.screenNs else { return 1 }
    return max(1, Int((roundSampleNs / max(least, 1)).rounded(.up)))
}

/// Rules 3 to 6.
func decide(_ contestants: [Contestant], _ finals: [FinalResult]) -> Decision? {
    let finalists = finalists(contestants)
    guard let first = finalists.first else { return nil }
    if finalists.count == 1 {
        return Decision(candidate: first.candidate, screenNs: first.screenNs, isProvisional: false)
    }
    let wanted = Set(finalists.map(\.candidate))
    func covered(_ final: FinalResult) -> Int { wanted.count { final.contestants.contains($0) } }
    let deciding = finals.filter { covered($0) > 1 }.min { a, b in
        (-covered(a), -a.rounds.count, a.key) < (-covered(b), -b.rounds.count, b.key)
    }
    guard let deciding else {
        return Decision(candidate: first.candidate, screenNs: first.screenNs, isProvisional: true)
    }
    let values = zip(deciding.contestants, deciding.values).filter { wanted.contains($0.0) }
    let scratch = Dictionary(uniqueKeysWithValues: finalists.map { ($0.candidate, $0.scratchBytes) })
    let ahead = best(values.map { ($0, $1) }, scratchBytes: scratch)
    let winner = finalists.first { $0.candidate == ahead } ?? first
    return Decision(
        candidate: winner.candidate, screenNs: winner.screenNs, isProvisional: covered(deciding) < finalists.count)
}

/// Rule 6.
private func best(_ values: [(candidate: Digest, value: Double)], scratchBytes: [Digest: Int]) -> Digest? {
    let least = values.map(\.value).min() ?? 0
    return values.filter { $0.value <= least * (1 + tieShare) }.map(\.candidate)
        .min { (scratchBytes[$0] ?? 0, $0) < (scratchBytes[$1] ?? 0, $1) }
}

extension FinalResult {
    /// One per contestant: the median over rounds of its time / the median of the round.
    var values: [Double] {
        let shares = rounds.map { round in
            let middle = median(round)
            return round.map { $0 / middle }
        }
        return contestants.indices.map { at in median(shares.map { $0[at] }) }
    }

    /// Reads what `FinalRow.init(_:…)` wrote; `nil` for a row without several contestants and complete rounds.
    init?(_ row: FinalRow) {
        let contestants = row.contestants.split(separator: "\n").map { Digest(hex: String($0)) }
        let rounds = row.rounds.split(separator: "\n").map { line in
            line.split(separator: " ").compactMap { Double($0) }.filter { $0.isFinite && $0 > 0 }
        }
        guard contestants.count > 1, !contestants.contains(nil), Set(contestants).count == contestants.count,
            !rounds.isEmpty, rounds.allSatisfy({ $0.count == contestants.count })
        else { return nil }
        self.init(key: row.key, contestants: contestants.compactMap { $0 }, rounds: rounds)
    }
}

extension FinalRow {
    /// A final's row: contestants in the order of the columns of `times`, which holds a line per round.
    package init(
        key: WinnerKey, worker: String, contestants: [Digest], times: [[Double]], valid: Bool, attempt: String
    ) {
        self.init(
            workload: key.workload, deviceClass: key.deviceClass, recipe: key.recipe, interface: key.interface,
            worker: worker, contestants: contestants.map(\.hex).joined(separator: "\n"),
            rounds: times.map { $0.map { numberText($0) }.joined(separator: " ") }.joined(separator: "\n"),
            valid: valid, attempt: attempt)
    }

    /// What the rule makes of this final: each contestant's median share of the round, in row order; empty when the
    /// row is damaged.
    package var values: [(candidate: Digest, value: Double)] {
        guard let result = FinalResult(self) else { return [] }
        return zip(result.contestants, result.values).map { ($0, $1) }
    }

    /// Who wins by this final alone.
    /// - Parameter scratchBytes: of each contestant.
    package func best(scratchBytes: [Digest: Int]) -> Digest? { Tuning.best(values, scratchBytes: scratchBytes) }
}

/// Rules 1 and 2, then the rest.
package func winner(of evidence: WinnerEvidence) -> WinnerRow? {
    let wrong = Set(evidence.verdicts.filter { !$0.right }.map(\.candidate))
    let failed = Set(
        evidence.failures.filter { failure in
            madeUpRecipe(ofFailure: failure.kind).map { $0 == evidence.key.recipe } ?? true
        }.map(\.candidate))
    let right = Set(evidence.verdicts.filter(\.right).map(\.candidate))
    var screens: [Digest: Double] = [:]
    for reading in evidence.readings where reading.valid {
        let screen = reading.lowerQuartileNs * reading.correction
        screens[reading.candidate] = min(screens[reading.candidate] ?? .infinity, screen)
    }
    var contestants: [Digest: Contestant] = [:]
    for row in evidence.candidates {
        guard let screen = screens[row.digest], right.contains(row.digest), !wrong.contains(row.digest),
            !failed.contains(row.digest)
        else { continue }
        contestants[row.digest] = Contestant(
            candidate: row.digest, screenNs: screen, scratchBytes: row.scratchBytes)
    }
    let finals = evidence.finals.filter(\.valid).compactMap { FinalResult($0) }
    guard let decision = decide(Array(contestants.values), finals) else { return nil }
    return WinnerRow(
        workload: evidence.key.workload, deviceClass: evidence.key.deviceClass, recipe: evidence.key.recipe,
        interface: evidence.key.interface, candidate: decision.candidate, screenNs: decision.screenNs,
        provisional: decision.isProvisional)
}

/// The middle value, or the mean of the two in the middle.
private func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let half = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}
