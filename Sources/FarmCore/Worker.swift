// A worker of a farm as a pure state machine: it takes units as far as its room goes, runs them on slots, keeps every
// fact until the coordinator has it on disk, and says everything it has in each message.
//
// Contract with the shell: as for the coordinator (effects in order, all of them, before the next event). Further:
// - `.start` is emitted only while a slot of that kind is free; the shell answers each start with any number of
//   `produced` and exactly one `ended`. `.cancel` asks a running unit to stop soon; it still answers `ended`.
// - A message may be lost without an event; if the transport knows, it answers `sendFailed`.
// - Facts of a unit that was dropped are kept and sent all the same: they are evidence.

import Basics

package struct WorkerOptions: Hashable, Sendable {
    /// Stable over restarts; one worker of a farm has it.
    package var worker: String
    /// Names this process and grows from one process of this worker to the next: the time at which it started, then
    /// random bits.
    package var incarnation: Int
    package var build: String
    /// Threads by kind; a worker takes twice the CPU units and one more device unit than it has threads.
    package var threads: Room
    package var capabilities: [String]
    /// What an earlier process was running when it died.
    package var died: [Digest]
    /// How long to go on without a word from a coordinator.
    package var coordinatorLossLimit: Tick.Span
    package var seed: UInt64

    package init(
        worker: String, incarnation: Int, build: String, threads: Room, capabilities: [String], died: [Digest] = [],
        coordinatorLossLimit: Tick.Span = .seconds(1800), seed: UInt64
    ) {
        self.worker = worker
        self.incarnation = incarnation
        self.build = build
        self.threads = threads
        self.capabilities = capabilities.sorted()
        self.died = died
        self.coordinatorLossLimit = coordinatorLossLimit
        self.seed = seed
    }

    package var capacity: Room {
        Room(cpu: 2 * threads.cpu, device: threads.device > 0 ? threads.device + 1 : 0)
    }
}

package enum WorkerEvent: Sendable {
    case received(Message)
    case sendFailed
    case produced(unit: Digest, Fact)
    case ended(unit: Digest, ExecutionOutcome)
    /// Finish what runs, hand back the rest, leave.
    case drain
    case tick
}

/// How the execution of a unit ended.
package enum ExecutionOutcome: Hashable, Sendable {
    /// Every fact of the unit was produced.
    case finished
    /// The unit cannot be run here.
    case failed(String)
    /// Stopped early because it was cancelled; facts produced so far count.
    case cancelled
}

package enum WorkerEffect: Equatable, Sendable {
    case send(Message)
    case start(WorkUnit)
    case cancel(Digest)
    /// Open a fresh connection under a fresh identity.
    case reconnect
    /// What the planner wants every worker to know now.
    case hints(String)
    /// The deaths of earlier processes are on record and may be forgotten.
    case deathsRecorded([Digest])
    case stop(WorkerOutcome)
}

package enum WorkerOutcome: Hashable, Sendable {
    /// Everything was handed over.
    case drained
    /// Asked to drain, and out of time for it.
    case drainTimedOut
    case coordinatorLost
    case refused(String)
    /// The supervising process is gone (said by the shell).
    case lifelineCut
}

package struct Worker: Sendable {
    package typealias Event = WorkerEvent
    package typealias Effect = WorkerEffect

    package let options: WorkerOptions

    var phase = Phase.working
    var now = Tick.zero
    var outbox: [Effect] = []
    var random: SeededRandom

    /// Units in hand, and the order in which they came.
    var held: [Digest: HeldUnit] = [:]
    var order: [Digest] = []
    var free: Room
    /// Units that start once the coordinator was told so.
    var starting: [WorkUnit] = []

    /// Facts that the coordinator has not acknowledged, oldest first.
    var spool: [SpooledFact] = []
    var spooled: Set<Digest> = []
    var spoolBytes = 0

    /// Grants that came without room for them and were handed back.
    package internal(set) var refusedGrants = 0

    var died: [Digest]
    var epoch = 0
    var ordersTurn = 0
    var hints = ""
    var lastOrders: Tick?

    var turn = 0
    var lastSync: Tick?
    var nextSync = Tick.zero
    var urgent = true
    var sendFailures = 0
    var reconnects = 0
    var reconnectAt: Tick?

    enum Phase: Hashable {
        case working
        case draining(until: Tick)
        case stopped
    }

    package init(options: WorkerOptions) {
        self.options = options
        random = SeededRandom(seed: options.seed)
        free = options.threads
        died = options.died
    }

    package var isStopped: Bool { phase == .stopped }

    /// Keys of facts that are not known to be durable, sorted.
    package var spooledKeys: [Digest] { spooled.sorted() }

    /// Takes one event and returns what the shell has to do, in order.
    package mutating func handle(_ event: Event, at moment: Tick) -> [Effect] {
        guard phase != .stopped else { return [] }
        let late = moment - nextDeadline
        now = max(now, moment)
        if lastOrders == nil || late > FarmTiming.heartbeat {
            lastOrders = now  // it was this process that stood still: what the coordinator said waits unread
            reconnectAt = now + FarmTiming.suspectAfter
        }
        switch event {
        case .received(let message): receive(message)
        case .sendFailed: retrySend()
        case .produced(let unit, let fact): keep(fact, of: unit)
        case .ended(let unit, let outcome): end(unit, outcome)
        case .drain: beginDrain()
        case .tick: break
        }
        startWaiting()
        watchCoordinator()
        leaveIfDrained()
        if phase != .stopped, isSyncDue { sendSync(leaving: false) }
        for unit in starting { outbox.append(.start(unit)) }
        starting.removeAll()
        defer { outbox.removeAll() }
        return outbox
    }

    /// When `handle(.tick, at:)` is due at the latest.
    package var nextDeadline: Tick {
        var deadline = urgent && sendFailures == 0 ? now : nextSync
        if let oldest = oldestUnsent { deadline = min(deadline, max(oldest + FarmTiming.factDelayMax, nextAttempt)) }
        if let reconnectAt { deadline = min(deadline, reconnectAt) }
        if let lastOrders { deadline = min(deadline, lastOrders + options.coordinatorLossLimit) }
        if case .draining(let until) = phase { deadline = min(deadline, until) }
        return deadline
    }

    private mutating func receive(_ message: Message) {
        switch message {
        case .orders(let orders): obey(orders)
        case .refused(let reason): stop(.refused(reason))
        case .sync, .request, .reply: break  // never meant for a worker
        }
    }

    /// Looks for the coordinator again when it is silent, and gives up in the end.
    private mutating func watchCoordinator() {
        guard phase != .stopped, let lastOrders, let due = reconnectAt else { return }
        if now >= lastOrders + options.coordinatorLossLimit { return stop(.coordinatorLost) }
        guard now >= due else { return }
        reconnects += 1
        outbox.append(.reconnect)
        let longest = FarmTiming.reconnectMin.nanoseconds << Int64(min(reconnects, 6))
        let delay = Int64(Double(min(longest, FarmTiming.reconnectMax.nanoseconds)) * random.unit())
        reconnectAt = now + Tick.Span(nanoseconds: max(FarmTiming.reconnectMin.nanoseconds, delay))
        forgetSends(since: .zero)
        urgent = true
    }

    private mutating func beginDrain() {
        guard phase == .working else { return }
        phase = .draining(until: now + FarmTiming.drain)
        urgent = true
        for unit in order {
            switch held[unit]?.state {
            case .waiting: held[unit]?.state = .ended(.returned, sentAt: nil)
            case .running: cancel(unit)
            case .cancelled, .ended, nil: break
            }
        }
    }

    private mutating func leaveIfDrained() {
        guard case .draining(let until) = phase else { return }
        if held.isEmpty, spool.isEmpty {
            sendSync(leaving: true)
            stop(.drained)
        } else if now >= until {
            stop(.drainTimedOut)
        }
    }

    mutating func stop(_ outcome: WorkerOutcome) {
        phase = .stopped
        outbox.append(.stop(outcome))
    }

    mutating func drainOnOrders() { beginDrain() }
}
