// What one simulated farm went through and how it ended.

import Basics
import FarmCore

package struct SimulationReport: Hashable, Sendable {
    package var seed: UInt64
    package var outcome: FarmOutcome?
    package var virtualTime = Tick.Span.seconds(0)
    package var events = 0
    package var messages = 0
    package var dropped = 0
    package var duplicated = 0
    package var workerCrashes = 0
    package var coordinatorCrashes = 0
    package var diskFailures = 0
    /// Units that were started, again ones included, and the most starts of one unit.
    package var executions = 0
    package var executionsMax = 0
    /// Grants that a worker had no room for.
    package var refusedGrants = 0
    /// Durable facts, and a digest over their sorted keys: equal sets, equal digests.
    package var facts = 0
    package var factSet = Digest(of: "")
    /// The durable facts themselves, by key.
    package var durableFacts: [Fact] = []
    package var parked: [Digest] = []
    /// Broken promises; empty in a farm that works.
    package var violations: [String] = []

    package init(seed: UInt64) { self.seed = seed }

    package var line: String {
        let ended: String
        switch outcome {
        case .finished: ended = "finished"
        case .drained: ended = "drained"
        case .stopped: ended = "stopped"
        case .rejected(let reason): ended = "rejected (\(escaped(reason)))"
        case nil: ended = "unfinished"
        }
        return "seed \(seed): \(ended) after \(Int(virtualTime.seconds)) s, \(facts) facts \(factSet.short), "
            + "\(executions) executions (at most \(executionsMax) of one unit), \(messages) messages (\(dropped) lost, "
            + "\(duplicated) doubled), crashes \(workerCrashes)+\(coordinatorCrashes), disk failures \(diskFailures), "
            + "\(parked.count) parked, \(violations.count) violations"
    }
}
