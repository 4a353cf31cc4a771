// The sentences of FarmCore: its errors, and the notes that tell a person what the farm went through.

import Basics

extension MessageError: Explained {
    package var sentence: String {
        switch self {
        case .tooLarge(let bytes, let limit):
            return "a message of \(bytes) bytes was refused; the limit is \(limit)"
        case .version(let theirs, let ours):
            return "the peer speaks farm protocol \(theirs) and this program speaks \(ours); "
                + "run the same version of ironworks on both sides"
        case .malformed(let error):
            return "a message could not be read: \(error.sentence)"
        case .unexpected(let kind):
            return "a \(kind) message came from the wrong side"
        }
    }
}

extension FarmNote: Explained {
    package var sentence: String {
        switch self {
        case .workerJoined(let worker, let build): return "worker \(escaped(worker)) joined, build \(escaped(build))"
        case .workerLeft(let worker): return "worker \(escaped(worker)) left"
        case .workerSuspect(let worker): return "worker \(escaped(worker)) has been silent for 6 s"
        case .workerLost(let worker, let units):
            return "worker \(escaped(worker)) is lost, \(units) units go to others"
        case .workerRestarted(let worker, let units):
            return "worker \(escaped(worker)) came back as a new process, \(units) units go out again"
        case .workerReplaced(let worker):
            return "a second worker named \(escaped(worker)) took over; the first was sent away"
        case .leaseExpired(let unit, let worker):
            return "unit \(unit.short) was never taken up by worker \(escaped(worker)) and goes out again"
        case .leaseAdopted(let unit, let worker):
            return "unit \(unit.short) goes on at worker \(escaped(worker)), which had it from an earlier run"
        case .onProbation(let unit): return "unit \(unit.short) was lost with several workers and will run alone"
        case .parked(let subject, let reason): return "\(subject.short) is parked: \(escaped(reason))"
        case .factDropped(let key, let worker):
            return "a fact \(key.short) of worker \(escaped(worker)) belongs to no known work and was dropped"
        case .persistFailing(let reason, let waiting):
            return "the catalog cannot be written (\(escaped(reason))); \(waiting) records wait, "
                + "nothing is handed out, next attempt in 5 s"
        case .persistRecovered: return "the catalog can be written again"
        case .unreadable(let error): return error.sentence
        case .jobAccepted(let job): return "job \(job) accepted"
        case .jobRejected(let reason): return "the job was not accepted: \(escaped(reason))"
        case .jobCancelled(let job): return "job \(job) cancelled"
        case .draining: return "draining: running work is being finished"
        case .stoodStill(let seconds): return "the coordinator stood still for \(seconds) s; no worker is blamed for it"
        case .stoppedUnsaved(let records): return "stopped with \(records) records that could not be written"
        }
    }
}
