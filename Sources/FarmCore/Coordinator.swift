// The coordinator of a farm as a pure state machine: events in, effects out, no clock, no socket, no disk.
//
// Contract with the shell that runs it:
// - Effects are carried out in order, all of them, before the next event is handled.
// - An effect never fails back except as an event: a write answers `persisted` or `persistFailed`, a send that finds
//   no peer answers `peerLost`. Sends may be lost, repeated and reordered; writes may not.
// - A send that depends on a record is emitted only after `persisted` came for it: `accepted` after the job, acks
//   after the facts, a new lease after the suspicion about the old one, `cancelled` after the cancellation.
// - `handle` is total: an unknown, late or wrong message is ignored or noted; only our own bugs trap.
// - The shell calls `handle(.tick, at:)` when `nextDeadline` has passed; any other event does as well.
//
// Recovery is `init(epoch:planner:records:)` with an epoch that was made durable before the first event. Queues,
// leases, credits and sessions are volatile and restated by the workers; records are the only memory.

import Basics

package struct CoordinatorOptions: Hashable, Sendable {
    /// Stop by itself when the planner wants nothing more.
    package var stopWhenFinished: Bool
    /// Hand out nothing for this long after the start, so that claims of an earlier epoch can arrive first.
    package var settle: Tick.Span

    package init(stopWhenFinished: Bool, settle: Tick.Span = .seconds(0)) {
        self.stopWhenFinished = stopWhenFinished
        self.settle = settle
    }
}

/// A connection as the transport names it.
package struct PeerID: Hashable, Sendable, Comparable {
    package var bytes: [UInt8]
    package init(bytes: [UInt8]) { self.bytes = bytes }
    package static func < (a: PeerID, b: PeerID) -> Bool { a.bytes.lexicographicallyPrecedes(b.bytes) }
}

/// A write in progress; grows within an epoch.
package struct WriteID: Hashable, Sendable, Comparable {
    package var number: Int
    package init(_ number: Int) { self.number = number }
    package static func < (a: WriteID, b: WriteID) -> Bool { a.number < b.number }
}

package enum CoordinatorEvent: Sendable {
    case message(Message, from: PeerID)
    case unreadable(MessageError, from: PeerID)
    /// The transport knows of no such peer any more.
    case peerLost(PeerID)
    /// A job from this process; answered by a note.
    case submitted(JobText)
    case persisted(WriteID)
    case persistFailed(WriteID, reason: String)
    /// Finish what runs, then stop.
    case drain
    case tick
}

package enum CoordinatorEffect: Equatable, Sendable {
    /// Make the records durable, in one transaction.
    case persist(WriteID, [Record])
    case send(Message, to: PeerID)
    case note(FarmNote)
    case stop(FarmOutcome)
}

package enum FarmOutcome: Hashable, Sendable {
    /// The planner wants nothing more.
    case finished
    /// The job that this process submitted was not accepted.
    case rejected(String)
    /// Asked to drain, and drained or out of time for it.
    case drained
    /// Asked to stop at once (said by the shell).
    case stopped
}

package struct Coordinator<P: WorkPlanner>: Sendable {
    package typealias Event = CoordinatorEvent
    package typealias Effect = CoordinatorEffect

    package let epoch: Int
    package let options: CoordinatorOptions
    package internal(set) var planner: P

    var phase = Phase.working
    var opened: Tick?
    var now = Tick.zero
    /// A lower bound of all deadlines.
    var wake = Tick.zero
    var outbox: [Effect] = []

    var sessions: [String: Session] = [:]
    var peers: [PeerID: String] = [:]
    /// The processes of each worker in order of appearance; all but the last are replaced.
    var history: [String: [Int]] = [:]
    var leases: [Digest: LiveLease] = [:]
    /// Units whose worker said `finished` while facts were still being written.
    var closing: Set<Digest> = []
    var attempts: [Digest: Int] = [:]
    /// Hand-outs that brought nothing: never taken up, or finished without what the planner needs.
    var futile: [Digest: Int] = [:]
    var turn = 0

    /// Keys of durable facts and suspicions.
    var known: Set<Digest> = []
    var blame: [Digest: Blame] = [:]
    var parked: Set<Digest> = []
    /// Units that wait for a worker of their own, and the worker that is being emptied for them.
    var probation: [WorkUnit] = []
    var probationer: String?

    var jobs: [JobID: JobRevision] = [:]
    var writes: [WriteID: Write] = [:]
    /// Keys that a write in progress will make durable.
    var writing: [Digest: WriteID] = [:]
    var writingBytes = 0
    var lastWrite = 0
    var disk = Disk.healthy
    /// Writes that failed, or came after one that failed.
    var unsaved: Set<WriteID> = []

    /// Workers that have something to be told, and whether there may be new work for all.
    var news: Set<String> = []
    var workMayHaveAppeared = false

    enum Phase: Hashable {
        case working
        case draining(FarmOutcome, until: Tick)
        case stopped
    }

    enum Disk: Hashable {
        case healthy
        case failing(retryAt: Tick, noteAt: Tick, reason: String)
    }

    struct JobRevision: Hashable {
        var submitted: Int
        var cancelled: Int
        var isLive: Bool { submitted > cancelled }
    }

    /// - Parameters:
    ///   - epoch: one more than any epoch before, durable already.
    ///   - planner: a fresh planner.
    ///   - records: everything ever persisted, in any order.
    package init(epoch: Int, options: CoordinatorOptions, planner: P, records: [Record] = []) {
        precondition(epoch > 0, "an epoch counts from 1")
        self.epoch = epoch
        self.options = options
        self.planner = planner
        recover(records)
    }

    /// When `handle(.tick, at:)` is due at the latest.
    package var nextDeadline: Tick { wake }

    package var isStopped: Bool { phase == .stopped }

    /// Takes one event and returns what the shell has to do, in order.
    package mutating func handle(_ event: Event, at moment: Tick) -> [Effect] {
        guard phase != .stopped else { return [] }
        now = max(now, moment)
        if opened == nil {
            opened = now
        } else {
            forgiveOwnSilence()
        }
        switch event {
        case .message(let message, let peer): receive(message, from: peer)
        case .unreadable(let error, let peer): receiveUnreadable(error, from: peer)
        case .peerLost(let peer): forget(peer)
        case .submitted(let job): submit(job, replyTo: nil)
        case .persisted(let id): finishWrite(id)
        case .persistFailed(let id, let reason): failWrite(id, reason: reason)
        case .drain: beginDrain(.drained, within: FarmTiming.drain)
        case .tick: break
        }
        if now >= wake { passDeadlines() }
        tellNews()
        stopIfDone()
        defer { outbox.removeAll() }
        return outbox
    }

    /// How far the farm is, for people.
    package func standing() -> Standing {
        var standing = planner.standing()
        standing.running = leases.values.count { $0.started && $0.closing == nil }
        standing.workers = sessions.count
        standing.parked = parked.count
        return standing
    }

    private mutating func receive(_ message: Message, from peer: PeerID) {
        switch message {
        case .sync(let sync): receive(sync, from: peer)
        case .request(let request): receive(request, from: peer)
        case .orders: receiveUnreadable(.unexpected(kind: "orders"), from: peer)
        case .refused: receiveUnreadable(.unexpected(kind: "refused"), from: peer)
        case .reply: receiveUnreadable(.unexpected(kind: "reply"), from: peer)
        }
    }

    private mutating func receiveUnreadable(_ error: MessageError, from peer: PeerID) {
        note(.unreadable(error))
        switch error {
        case .version: send(.refused(error.sentence), to: peer)
        case .tooLarge, .malformed, .unexpected: break
        }
    }

    /// A shell that calls late (stopped, swapped out, asleep) must not blame the workers: their messages wait unread.
    private mutating func forgiveOwnSilence() {
        guard now > wake + FarmTiming.heartbeat else { return }
        note(.stoodStill(seconds: Int((now - wake).seconds)))
        for worker in sessions.keys {
            sessions[worker]?.heard = now
            sessions[worker]?.suspect = false
        }
        for unit in leases.keys { leases[unit]?.deadline = now + FarmTiming.lease }
    }

    mutating func note(_ note: FarmNote) { outbox.append(.note(note)) }
    mutating func send(_ message: Message, to peer: PeerID) { outbox.append(.send(message, to: peer)) }
}
