// What the coordinator tells people. Notes are for reading only: no code depends on them.

import Basics

package enum FarmNote: Equatable, Sendable {
    case workerJoined(worker: String, build: String)
    case workerLeft(worker: String)
    case workerSuspect(worker: String)
    case workerLost(worker: String, units: Int)
    case workerRestarted(worker: String, units: Int)
    case workerReplaced(worker: String)
    case leaseExpired(unit: Digest, worker: String)
    case leaseAdopted(unit: Digest, worker: String)
    case onProbation(unit: Digest)
    case parked(subject: Digest, reason: String)
    case factDropped(key: Digest, worker: String)
    case persistFailing(reason: String, waiting: Int)
    case persistRecovered
    case unreadable(MessageError)
    case jobAccepted(JobID)
    case jobRejected(reason: String)
    case jobCancelled(JobID)
    case draining
    /// This process did not run for a while.
    case stoodStill(seconds: Int)
    case stoppedUnsaved(records: Int)
}
