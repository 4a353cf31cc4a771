// The messages of the farm. Workers and coordinator exchange one pair: a worker says what it is and what it has
// (`Sync`), the coordinator says what it should be doing and when to speak next (`Orders`). Both restate state rather
// than report changes, so a lost, repeated or late message costs time and nothing else. Clients ask and are answered.
// The text form is described in docs/formats/protocol.md; writer and parser stand in the two files beside this one.

import Basics

package enum Message: Hashable, Sendable {
    case sync(Sync)
    case orders(Orders)
    /// Go away and say why to your user. Readable by every version.
    case refused(String)
    case request(Request)
    case reply(Reply)
}

/// Everything that a worker has to say, as of now.
package struct Sync: Hashable, Sendable {
    /// Which program this is; shown to people.
    package var build: String
    /// Stable over restarts of the worker's process.
    package var worker: String
    /// One process; random.
    package var incarnation: Int
    /// Grows with every message of an incarnation.
    package var turn: Int
    /// How many units it takes, waiting ones included.
    package var capacity: Room
    package var capabilities: [String]
    /// The last message: it holds nothing and keeps nothing.
    package var leaving: Bool
    /// What an earlier process was running when it died, until recorded.
    package var died: [Digest]
    package var holds: [Hold]
    package var facts: [ReportedFact]
    package var ends: [LeaseEnd]

    package init(
        build: String, worker: String, incarnation: Int, turn: Int, capacity: Room, capabilities: [String],
        leaving: Bool = false, died: [Digest] = [], holds: [Hold] = [], facts: [ReportedFact] = [],
        ends: [LeaseEnd] = []
    ) {
        self.build = build
        self.worker = worker
        self.incarnation = incarnation
        self.turn = turn
        self.capacity = capacity
        self.capabilities = capabilities
        self.leaving = leaving
        self.died = died
        self.holds = holds
        self.facts = facts
        self.ends = ends
    }
}

/// A unit in a worker's hands that has not ended.
package struct Hold: Hashable, Sendable {
    package var lease: Lease
    package var slot: SlotKind
    package var running: Bool
    /// The whole unit, when the coordinator is of a later epoch than the lease and cannot know it.
    package var unit: WorkUnit?

    package init(lease: Lease, slot: SlotKind, running: Bool, unit: WorkUnit? = nil) {
        self.lease = lease
        self.slot = slot
        self.running = running
        self.unit = unit
    }
}

/// A fact and the lease it was found under.
package struct ReportedFact: Hashable, Sendable {
    package var lease: Lease
    package var fact: Fact
    package init(lease: Lease, fact: Fact) {
        self.lease = lease
        self.fact = fact
    }
}

/// How a lease ended. All facts of the unit are in this message or were acknowledged before.
package struct LeaseEnd: Hashable, Sendable {
    package enum Manner: Hashable, Sendable {
        case finished
        case failed(String)
        /// Handed back, whole or half done, without anybody's fault.
        case returned
    }
    package var lease: Lease
    package var manner: Manner
    package init(lease: Lease, manner: Manner) {
        self.lease = lease
        self.manner = manner
    }
}

/// Everything that a worker should know, as of now.
package struct Orders: Hashable, Sendable {
    package var epoch: Int
    /// Grows with every message of an epoch; grants and drops of an older turn are void.
    package var turn: Int
    /// Speak again after this long, or sooner if there is news.
    package var nextSync: Tick.Span
    /// Finish what runs, hand back the rest, leave.
    package var draining: Bool
    package var ackedFacts: [Digest]
    package var ackedEnds: [Lease]
    package var recordedDeaths: [Digest]
    /// Leases that are not live any more: stop.
    package var drops: [Lease]
    package var grants: [Grant]
    package var hints: String

    package init(
        epoch: Int, turn: Int, nextSync: Tick.Span = FarmTiming.heartbeat, draining: Bool = false,
        ackedFacts: [Digest] = [], ackedEnds: [Lease] = [], recordedDeaths: [Digest] = [], drops: [Lease] = [],
        grants: [Grant] = [], hints: String = ""
    ) {
        self.epoch = epoch
        self.turn = turn
        self.nextSync = nextSync
        self.draining = draining
        self.ackedFacts = ackedFacts
        self.ackedEnds = ackedEnds
        self.recordedDeaths = recordedDeaths
        self.drops = drops
        self.grants = grants
        self.hints = hints
    }

    package var acknowledges: Bool { !ackedFacts.isEmpty || !ackedEnds.isEmpty || !recordedDeaths.isEmpty }
}

/// A unit handed out; `lease.unit` is `unit.digest`.
package struct Grant: Hashable, Sendable {
    package var lease: Lease
    package var unit: WorkUnit
    package init(lease: Lease, unit: WorkUnit) {
        self.lease = lease
        self.unit = unit
    }
}

/// A client's question. Asking twice is harmless.
package struct Request: Hashable, Sendable {
    package enum Ask: Hashable, Sendable {
        case submit(JobText)
        case watch
        case cancel(JobID)
        case drain
    }
    package var build: String
    /// Comes back in the reply.
    package var number: Int
    package var ask: Ask
    package init(build: String, number: Int, ask: Ask) {
        self.build = build
        self.number = number
        self.ask = ask
    }
}

package struct Reply: Hashable, Sendable {
    package enum Answer: Hashable, Sendable {
        case accepted(JobID)
        case rejected(String)
        case standing(Standing)
        case cancelled(JobID)
        case draining
    }
    package var number: Int
    package var answer: Answer
    package init(number: Int, answer: Answer) {
        self.number = number
        self.answer = answer
    }
}
