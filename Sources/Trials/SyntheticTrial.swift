// What a unit finds out on a made-up device: expansions are constructed as ever, candidates are lowered and emitted,
// their times are a seeded function of the prediction. The facts depend on the unit and the seed alone, so a simulated
// farm may run a unit any number of times, anywhere. The same code as a worker with `--measure-with synthetic:SEED`.

import Basics
import Catalog
import FarmCore
import Tuning

/// The facts of one unit, in the order in which a worker would tell them; none for a body that is no unit.
package func syntheticFacts(of unit: WorkUnit, seed: UInt64) -> [Fact] {
    guard let parsed = try? TuningUnit(parsing: unit.body) else { return [] }
    var facts: [Fact] = []
    let tell = { (row: CatalogRow) in facts.append(Fact(key: row.key, body: row.canonicalText)) }
    let options = TrialOptions(
        measureWith: .synthetic(seed: seed), workerName: "simulated", searchPath: "", cacheFolder: "",
        runningFile: nil)
    var attempts = 0
    let report = UnitReport(
        options: options, tell: tell, isCancelled: { false },
        attempt: {
            attempts += 1
            return "\(unit.digest.short)-\(attempts)"
        })
    var bench: TrialBench?
    switch parsed {
    case .expand(let expand): runExpansion(expand, unit: unit.digest, tell)
    case .trial(let trial): _ = TrialRun(trial, report).execute(&bench)
    case .final(let final): _ = FinalRun(final, seed: unit.digest.seed, report).execute(&bench)
    }
    return facts
}
