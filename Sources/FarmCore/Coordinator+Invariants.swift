// What must hold after every event, whatever the network, the disk and the workers did. Traps: a violation is our bug.

import Basics

extension Coordinator {
    /// Linear in sessions, leases and writes; the simulator calls it after every event.
    package func checkInvariants() {
        var held = 0
        for (worker, session) in sessions {
            precondition(session.worker == worker, "a session stands under its worker's name")
            if let peer = session.peer { precondition(peers[peer] == worker, "a session's peer leads back to it") }
            held += session.units.count
            for unit in session.units {
                precondition(leases[unit]?.worker == worker, "a worker's units are leased to it")
            }
        }
        for (peer, worker) in peers { precondition(sessions[worker]?.peer == peer, "a peer leads to its session") }
        for (unit, live) in leases {
            precondition(live.lease.unit == unit && live.unit.digest == unit, "a lease stands under its unit")
            precondition(!parked.contains(unit), "no parked unit is leased")
            precondition(!probation.contains { $0.digest == unit }, "no waiting unit is leased")
            precondition((live.closing != nil) == closing.contains(unit), "closing leases are listed")
            if live.closing == nil {
                precondition(sessions[live.worker]?.units.contains(unit) == true, "a live lease has a worker")
            }
        }
        precondition(held <= leases.count, "a unit is leased to one worker at most")
        checkWrites()
    }

    private func checkWrites() {
        for (key, id) in writing {
            precondition(!known.contains(key), "a key is durable or being written, not both")
            precondition(writes[id] != nil, "a key is being written by a write")
        }
        for id in unsaved { precondition(writes[id] != nil, "an unsaved write exists") }
        precondition(disk != .healthy || unsaved.isEmpty, "a healthy disk has nothing unsaved")
        precondition(writingBytes == writes.values.reduce(0) { $0 + $1.bytes }, "bytes being written are counted")
    }

    /// Whether a fact is durable, as far as this coordinator knows.
    package func isDurable(_ key: Digest) -> Bool { known.contains(key) }

    /// Live leases by unit, for tests and tables.
    package var liveLeases: [(lease: Lease, worker: String)] {
        leases.values.map { ($0.lease, $0.worker) }.sorted { $0.lease.unit < $1.lease.unit }
    }

    package var parkedSubjects: [Digest] { parked.sorted() }
}
