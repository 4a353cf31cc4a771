// The planner decides what to do; the coordinator decides who does it. A planner is a value: its state is a function
// of the jobs it accepted and the set of facts it absorbed, in any order and with any repetition, so a new epoch
// rebuilds it from the records alone.
//
// A unit is *out* from the moment `next` returned it or `adopt` took it, until exactly one of `finished`, `returned`
// or `park` ends that. While it is out, `next` never returns it again. After `finished` the planner returns it only
// if the facts it absorbed are not all it needs; after a new epoch only the facts count.

import Basics

package protocol WorkPlanner: Sendable {
    /// Takes a job. The same job again is the same ID and changes nothing; after `cancel` it is wanted anew.
    mutating func accept(_ job: JobText) -> Result<JobID, JobRejection>

    /// Forgets a job's wishes. Returns units that are out and wanted by nobody else; they count as returned.
    mutating func cancel(_ job: JobID) -> [Digest]

    /// Whether a fact that came from `unit` belongs to anything known; a fact that does not is dropped.
    func admits(_ fact: Fact, of unit: Digest) -> Bool

    /// Takes a committed fact: any order, duplicates harmless.
    mutating func absorb(_ fact: Fact)

    /// The best units for a worker with this room and these (sorted) capabilities; at most as many as fit.
    mutating func next(room: Room, capabilities: [String], now: Tick) -> [WorkUnit]

    /// Takes over a unit that a worker already runs for an earlier epoch; `false` if it is not wanted.
    mutating func adopt(_ unit: WorkUnit) -> Bool

    /// The unit is not out any more and nobody runs it; ignored if it was not out.
    mutating func returned(_ unit: Digest)

    /// The unit ran to its end, and all its facts were absorbed before.
    mutating func finished(_ unit: Digest)

    /// Gives up a unit, or a part of one that a worker named, for good.
    mutating func park(_ subject: Digest, reason: String)

    /// What every worker should know now (incumbents); at most `FarmLimits.hintBytesMax`.
    func hints() -> String

    func standing() -> Standing

    /// No job wants anything more.
    var isFinished: Bool { get }
}

extension WorkPlanner {
    package var isFinished: Bool { standing().finished }
}

/// How far the farm is.
package struct Standing: Hashable, Sendable {
    package var totalUnits: Int
    package var doneUnits: Int
    /// Units that a worker has said it runs; filled in by the coordinator.
    package var running: Int
    package var parked: Int
    /// Connected workers; filled in by the coordinator.
    package var workers: Int
    package var finished: Bool
    /// For people, one line each.
    package var lines: [String]

    package init(
        totalUnits: Int, doneUnits: Int, running: Int = 0, parked: Int = 0, workers: Int = 0, finished: Bool,
        lines: [String] = []
    ) {
        self.totalUnits = totalUnits
        self.doneUnits = doneUnits
        self.running = running
        self.parked = parked
        self.workers = workers
        self.finished = finished
        self.lines = lines
    }
}

/// Why a job was not taken.
package struct JobRejection: Explained, Equatable {
    package var reason: String
    package init(_ reason: String) { self.reason = reason }
    package var sentence: String { "the job was not accepted: \(reason)" }
}
