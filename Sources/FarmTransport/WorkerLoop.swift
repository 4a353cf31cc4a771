// The worker's shell: one loop thread for messages and the state machine, fixed slot threads for units. It ends when it
// has drained, when no coordinator was heard for the set time, when it was refused, or when its lifeline is cut: a pipe
// whose other end the supervising process holds, so that its death, of whatever kind, is seen at once.

import Basics
import FarmCore
import Glibc

package struct WorkerLoopOptions: Hashable, Sendable {
    package var endpoint: Endpoint
    package var worker: WorkerOptions
    /// A descriptor whose end of file means that the supervisor is gone.
    package var lifeline: Int32?

    package init(endpoint: Endpoint, worker: WorkerOptions, lifeline: Int32? = nil) {
        self.endpoint = endpoint
        self.worker = worker
        self.lifeline = lifeline
    }
}

/// Speaks to a running worker from any thread.
package struct WorkerControl: Sendable {
    let inbox: Inbox<WorkerMail>
    /// Finish what runs, hand back the rest, leave.
    package func drain() { inbox.put(.drain) }
}

package final class WorkerLoop {
    private let options: WorkerLoopOptions
    private var worker: Worker
    private let onDeathsRecorded: ([Digest]) -> Void

    private let context: QueueContext
    private let inbox: Inbox<WorkerMail>
    private let hints = HintBoard()
    private var slots: SlotThreads
    private var socket: Socket
    private var poller = Poller()
    private var random: SeededRandom
    private var outcome: WorkerOutcome?

    /// Connects and starts the slot threads. The thread that makes a loop runs it.
    /// - Parameter onDeathsRecorded: called on the loop thread when what `died` named is on record.
    package init(
        options: WorkerLoopOptions, executor: some UnitExecutor,
        onDeathsRecorded: @escaping ([Digest]) -> Void = { _ in }
    ) throws(TransportError) {
        self.options = options
        self.onDeathsRecorded = onDeathsRecorded
        worker = Worker(options: options.worker)
        random = SeededRandom(seed: options.worker.seed ^ UInt64(bitPattern: Int64(options.worker.incarnation)))
        context = try QueueContext()
        inbox = try Inbox()
        socket = try Socket(.worker(identity: freshIdentity(&random)), at: options.endpoint, in: context)
        slots = try SlotThreads(options.worker.threads, executor, hints: hints, reportingTo: inbox)
    }

    package var control: WorkerControl { WorkerControl(inbox: inbox) }

    /// Calls `handler` on the loop thread whenever `descriptor` is readable or hung up.
    package func watch(_ descriptor: Int32, _ handler: @escaping () -> Void) { poller.watch(descriptor, handler) }
    package func unwatch(_ descriptor: Int32) { poller.unwatch(descriptor) }

    /// Calls `handler` once on the loop thread, this long from now.
    package func schedule(after span: Tick.Span, _ handler: @escaping () -> Void) {
        poller.schedule(at: monotonicNow() + span, handler)
    }

    /// Runs until the worker's part is over. Slot threads that still run a unit are told to stop and left behind: the
    /// process is expected to end.
    package func run() -> WorkerOutcome {
        if let lifeline = options.lifeline { watchLifeline(lifeline) }
        deliver(.tick)
        while outcome == nil {
            let due = min(worker.nextDeadline, poller.nextTimer ?? worker.nextDeadline)
            let ready = poller.wait(socket: socket.raw, inbox: inbox.descriptor, until: due)
            if ready.inbox {
                for mail in inbox.takeAll() { open(mail) }
            }
            if ready.socket { receiveAll() }
            for (descriptor, handler) in ready.descriptors where poller.isWatched(descriptor) { handler() }
            for handler in poller.takeDue(monotonicNow()) { handler() }
            if outcome == nil, !(monotonicNow() < worker.nextDeadline) { deliver(.tick) }
        }
        slots.stop()
        return outcome ?? .drained
    }

    private func watchLifeline(_ descriptor: Int32) {
        poller.watch(descriptor) { [unowned self] in
            var byte: UInt8 = 0
            if read(descriptor, &byte, 1) == 0 { outcome = outcome ?? .lifelineCut }
        }
    }

    private func open(_ mail: WorkerMail) {
        switch mail {
        case .produced(let unit, let fact): deliver(.produced(unit: unit, fact))
        case .ended(let unit, let how):
            slots.ended(unit)
            deliver(.ended(unit: unit, how))
        case .drain: deliver(.drain)
        }
    }

    private func receiveAll() {
        for _ in 0..<256 {
            guard outcome == nil, let frames = socket.receive() else { return }
            guard frames.count == 1, let body = frames.first else { continue }
            do {
                deliver(.received(try Message(parsing: body)))
            } catch {
                switch error {
                case .version: outcome = .refused(error.sentence)
                case .malformed, .tooLarge, .unexpected: break  // restated soon
                }
            }
        }
    }

    private func deliver(_ event: WorkerEvent) {
        guard outcome == nil else { return }
        var failed = false
        for effect in worker.handle(event, at: monotonicNow()) {
            switch effect {
            case .send(let message): failed = socket.send(message) != .sent || failed
            case .start(let unit):
                FaultPoint.received.reached()
                slots.start(unit)
            case .cancel(let unit): slots.cancel(unit)
            case .reconnect: reconnect()
            case .hints(let text): hints.post(text)
            case .deathsRecorded(let subjects): onDeathsRecorded(subjects)
            case .stop(let how): outcome = outcome ?? how
            }
        }
        if failed { deliver(.sendFailed) }
    }

    /// A fresh connection; if none can be made the old one stays, and the state machine asks again.
    private func reconnect() {
        do {
            socket = try Socket(.worker(identity: freshIdentity(&random)), at: options.endpoint, in: context)
        } catch {
            return
        }
    }
}

/// A connection's name: never the same twice, because a router drops a second peer of the same name in silence.
func freshIdentity(_ random: inout SeededRandom) -> [UInt8] {
    [0x69, 0x77] + (0..<14).map { _ in UInt8(truncatingIfNeeded: random.next() >> 32) }
}
