// The nouns of the farm: units of work, the leases that hand them out, and the facts that come back.
//
// To the farm a unit is opaque: a digest, the kind of slot it occupies, what the worker must be able to do, an
// estimate of its cost, and a body that only the planner and the executor read. A fact is a body under a key. The
// farm moves both and understands neither, so it is tested with made-up work and the compilers without a farm.

import Basics

/// What a unit occupies on a worker. The two device kinds share the worker's device slots.
package enum SlotKind: String, CaseIterable, Hashable, Sendable {
    case cpu
    case device
    /// A device with nothing else running on the host.
    case quietDevice
}

/// Counts of slots, by what they hold; the unit of credit.
package struct Room: Hashable, Sendable {
    package var cpu: Int
    package var device: Int

    package init(cpu: Int, device: Int) {
        self.cpu = cpu
        self.device = device
    }

    package static let none = Room(cpu: 0, device: 0)

    package var isEmpty: Bool { cpu <= 0 && device <= 0 }

    package subscript(slot: SlotKind) -> Int {
        get {
            switch slot {
            case .cpu: return cpu
            case .device, .quietDevice: return device
            }
        }
        set {
            switch slot {
            case .cpu: cpu = newValue
            case .device, .quietDevice: device = newValue
            }
        }
    }
}

/// One piece of work that a worker runs as a whole.
package struct WorkUnit: Hashable, Sendable {
    /// Names the unit for ever: the same work has the same digest in every epoch.
    package var digest: Digest
    package var slot: SlotKind
    /// What the worker must offer, sorted.
    package var capabilities: [String]
    /// The expected time on a slot.
    package var cost: Tick.Span
    /// Read by planner and executor only; at most `FarmLimits.unitBytesMax`.
    package var body: String

    package init(digest: Digest, slot: SlotKind, capabilities: [String], cost: Tick.Span, body: String) {
        self.digest = digest
        self.slot = slot
        self.capabilities = capabilities.sorted()
        self.cost = cost
        self.body = body
    }
}

/// Something that a worker found out. Never edited; two facts with one key are the same fact.
package struct Fact: Hashable, Sendable {
    /// The digest of the content of `body`, given by the producer.
    package var key: Digest
    /// At most `FarmLimits.factBytesMax`.
    package var body: String

    package init(key: Digest, body: String) {
        self.key = key
        self.body = body
    }
}

/// One handing-out of one unit. Only the live lease of a unit may close it.
package struct Lease: Hashable, Sendable {
    package var unit: Digest
    /// The life of the coordinator that granted it, counted from 1.
    package var epoch: Int
    /// Counted from 1 within an epoch.
    package var attempt: Int

    package init(unit: Digest, epoch: Int, attempt: Int) {
        self.unit = unit
        self.epoch = epoch
        self.attempt = attempt
    }
}

/// What a client asks for, as a text that only the planner reads.
package struct JobText: Hashable, Sendable {
    package var text: String
    package init(_ text: String) { self.text = text }
}

/// Names a job; the planner decides which texts are the same job.
package struct JobID: Hashable, Sendable, Comparable, CustomStringConvertible {
    package var digest: Digest
    package init(_ digest: Digest) { self.digest = digest }
    package var description: String { digest.short }
    package static func < (a: JobID, b: JobID) -> Bool { a.digest < b.digest }
}

/// What the coordinator makes durable. The set of all records is its whole memory: order never matters.
package enum Record: Hashable, Sendable {
    /// A job that was accepted; `revision` counts its submissions from 1.
    case job(JobID, revision: Int, JobText)
    /// A cancelled submission. A job lives while its last revision is above its last cancelled one.
    case cancelled(JobID, revision: Int)
    case suspicion(Suspicion)
    case fact(Fact)
}
