// The winner, exactly: a pure function of the rows that bear on one key, so any order, duplication or grouping of the
// same facts gives the same answer. Eligible: verified right at least once, never wrong, never failed. The screen of
// a candidate is the least lower quartile over its valid readings, corrected by the burst's reference. Without a
// final the least screen wins, provisionally; equal screens are decided by the digest.

import Basics
import Catalog

package let winnerRuleName = "screen/1"

package func winner(of evidence: WinnerEvidence) -> WinnerRow? {
    let known = Set(evidence.candidates.map(\.digest))
    let wrong = Set(evidence.verdicts.filter { !$0.right }.map(\.candidate))
    let failed = Set(
        evidence.failures.filter { failure in
            madeUpRecipe(ofFailure: failure.kind).map { $0 == evidence.key.recipe } ?? true
        }.map(\.candidate))
    let right = Set(evidence.verdicts.filter(\.right).map(\.candidate))
    var screens: [Digest: Double] = [:]
    for reading in evidence.readings where reading.valid && known.contains(reading.candidate) {
        guard right.contains(reading.candidate), !wrong.contains(reading.candidate),
            !failed.contains(reading.candidate)
        else { continue }
        let screen = reading.lowerQuartileNs * reading.correction
        screens[reading.candidate] = min(screens[reading.candidate] ?? .infinity, screen)
    }
    guard let best = screens.min(by: { ($0.value, $0.key) < ($1.value, $1.key) }) else { return nil }
    return WinnerRow(
        workload: evidence.key.workload, deviceClass: evidence.key.deviceClass, recipe: evidence.key.recipe,
        interface: evidence.key.interface, candidate: best.key, screenNs: best.value, provisional: true)
}

package var winnerRule: WinnerRule { WinnerRule(name: winnerRuleName, decide: winner) }

/// Lanes, state, precision and method version of today's measurements; part of a winner's key.
package let recipeText = "lanes 1 resident f32 method 1"
