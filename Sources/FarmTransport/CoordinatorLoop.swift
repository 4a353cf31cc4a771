// The coordinator's shell: one thread that waits, moves messages, and does what the state machine says. No policy here.
//
// The thread that makes a loop runs it. `watch` and `schedule` let a process that is coordinator and supervisor in one
// hang its signals, children and respawn timers on the same thread (children must be started from a thread that lives
// as long as they do). `control` is the only part that other threads may touch.

import Basics
import FarmCore

/// How to stop a farm from outside.
package enum FarmStop: Hashable, Sendable {
    /// Finish what runs, commit, then stop.
    case drain
    /// Stop at once; what is not committed will be done again.
    case now
}

/// Speaks to a running coordinator from any thread.
package struct FarmControl: Sendable {
    let inbox: Inbox<CoordinatorMail>
    package func stop(_ how: FarmStop) { inbox.put(.stop(how)) }
    package func submit(_ job: JobText) { inbox.put(.submit(job)) }
}

package struct CoordinatorLoopOptions: Hashable, Sendable {
    package var endpoint: Endpoint
    /// Submitted when the loop starts.
    package var jobs: [JobText]
    /// The least time between two calls of `onStanding`.
    package var standingEvery: Tick.Span

    package init(endpoint: Endpoint, jobs: [JobText] = [], standingEvery: Tick.Span = .milliseconds(200)) {
        self.endpoint = endpoint
        self.jobs = jobs
        self.standingEvery = standingEvery
    }
}

package final class CoordinatorLoop<P: WorkPlanner> {
    private let options: CoordinatorLoopOptions
    private var coordinator: Coordinator<P>
    private let onStanding: (Standing) -> Void
    private let onNote: (FarmNote) -> Void

    private let inbox: Inbox<CoordinatorMail>
    private let writer: FactWriter
    private let socket: Socket
    private var poller = Poller()
    private var outcome: FarmOutcome?
    private var standingAt = Tick.zero

    /// Binds the endpoint and starts the writer thread.
    /// - Parameters:
    ///   - coordinator: fresh, of an epoch that is durable already, so that a peer never hears of one that is lost.
    ///   - onStanding: called on the loop thread at the pace of the options while the loop runs, and once at its end.
    ///   - onNote: called on the loop thread.
    package init(
        options: CoordinatorLoopOptions, coordinator: Coordinator<P>, store: some FactStore,
        onStanding: @escaping (Standing) -> Void = { _ in }, onNote: @escaping (FarmNote) -> Void = { _ in }
    ) throws(TransportError) {
        self.options = options
        self.coordinator = coordinator
        self.onStanding = onStanding
        self.onNote = onNote
        socket = try Socket(.router, at: options.endpoint, in: QueueContext())
        inbox = try Inbox()
        writer = try FactWriter(store, reportingTo: inbox)
    }

    package var control: FarmControl { FarmControl(inbox: inbox) }

    /// Calls `handler` on the loop thread whenever `descriptor` is readable or hung up.
    package func watch(_ descriptor: Int32, _ handler: @escaping () -> Void) { poller.watch(descriptor, handler) }
    package func unwatch(_ descriptor: Int32) { poller.unwatch(descriptor) }

    /// Calls `handler` once on the loop thread, this long from now.
    package func schedule(after span: Tick.Span, _ handler: @escaping () -> Void) {
        poller.schedule(at: monotonicNow() + span, handler)
    }

    package var standing: Standing { coordinator.standing() }

    /// Runs until the farm is finished or stopped. Records that were handed to the store are durable on return.
    package func run() -> FarmOutcome {
        for job in options.jobs { deliver(.submitted(job)) }
        deliver(.tick)
        while outcome == nil {
            let due = [coordinator.nextDeadline, standingAt, poller.nextTimer ?? standingAt].min() ?? standingAt
            let ready = poller.wait(socket: socket.raw, inbox: inbox.descriptor, until: due)
            if ready.inbox {
                for mail in inbox.takeAll() { open(mail) }
            }
            if ready.socket { receiveAll() }
            for (descriptor, handler) in ready.descriptors where poller.isWatched(descriptor) { handler() }
            for handler in poller.takeDue(monotonicNow()) { handler() }
            if !(monotonicNow() < coordinator.nextDeadline) { deliver(.tick) }
            tellStanding()
        }
        writer.stop()
        onStanding(coordinator.standing())
        return outcome ?? .stopped
    }

    private func tellStanding() {
        let now = monotonicNow()
        guard !(now < standingAt) else { return }
        standingAt = now + options.standingEvery
        onStanding(coordinator.standing())
    }

    private func open(_ mail: CoordinatorMail) {
        switch mail {
        case .persisted(let id): deliver(.persisted(id))
        case .persistFailed(let id, let reason): deliver(.persistFailed(id, reason: reason))
        case .submit(let job): deliver(.submitted(job))
        case .stop(.drain): deliver(.drain)
        case .stop(.now): outcome = outcome ?? .stopped
        }
    }

    /// Takes what has arrived; bounded, so that timers and the disk are heard under load.
    private func receiveAll() {
        for _ in 0..<256 {
            guard outcome == nil, let frames = socket.receive() else { return }
            guard frames.count == 2, let identity = frames.first, let body = frames.last else { continue }
            let peer = PeerID(bytes: identity)
            do {
                deliver(.message(try Message(parsing: body), from: peer))
            } catch {
                deliver(.unreadable(error, from: peer))
            }
        }
    }

    private func deliver(_ event: CoordinatorEvent) {
        var lost: [PeerID] = []
        for effect in coordinator.handle(event, at: monotonicNow()) {
            switch effect {
            case .persist(let id, let records): writer.write(id, records)
            case .send(let message, let peer):
                if case .orders(let orders) = message, orders.acknowledges { FaultPoint.beforeAck.reached() }
                switch socket.send(message, to: peer) {
                case .sent, .full: break  // whatever was lost is restated
                case .unreachable: lost.append(peer)
                }
            case .note(let note): onNote(note)
            case .stop(let how): outcome = outcome ?? how
            }
        }
        for peer in lost { deliver(.peerLost(peer)) }
    }
}
