// The one place where a loop thread waits: zmq_poll over its socket, its inbox and any descriptors that the process
// wants watched (signals, children, pipes), plus timers. Handlers run on the loop thread, one after the other.

import Basics
import CZeroMQ
import Glibc

/// Descriptors and timers of a loop. Belongs to the loop's thread.
struct Poller {
    private var watched: [(descriptor: Int32, handler: () -> Void)] = []
    private var timers: [(at: Tick, handler: () -> Void)] = []

    /// Calls `handler` whenever `descriptor` is readable or hung up; replaces an earlier handler.
    mutating func watch(_ descriptor: Int32, _ handler: @escaping () -> Void) {
        unwatch(descriptor)
        watched.append((descriptor, handler))
    }

    mutating func unwatch(_ descriptor: Int32) { watched.removeAll { $0.descriptor == descriptor } }

    mutating func schedule(at moment: Tick, _ handler: @escaping () -> Void) { timers.append((moment, handler)) }

    /// Removes and returns the handlers of timers that are due, earliest first.
    mutating func takeDue(_ now: Tick) -> [() -> Void] {
        let due = timers.filter { !(now < $0.at) }.sorted { $0.at < $1.at }
        timers.removeAll { !(now < $0.at) }
        return due.map(\.handler)
    }

    var nextTimer: Tick? { timers.map(\.at).min() }

    func isWatched(_ descriptor: Int32) -> Bool { watched.contains { $0.descriptor == descriptor } }

    /// What a wait found.
    struct Ready {
        var socket = false
        var inbox = false
        var descriptors: [(descriptor: Int32, handler: () -> Void)] = []
    }

    /// Waits until something is readable, `deadline` has come, or a signal interrupted.
    func wait(socket: UnsafeMutableRawPointer, inbox: Int32, until deadline: Tick) -> Ready {
        var items = [
            zmq_pollitem_t(socket: socket, fd: 0, events: Int16(ZMQ_POLLIN), revents: 0),
            zmq_pollitem_t(socket: nil, fd: inbox, events: Int16(ZMQ_POLLIN), revents: 0),
        ]
        for (descriptor, _) in watched {
            items.append(zmq_pollitem_t(socket: nil, fd: descriptor, events: Int16(ZMQ_POLLIN), revents: 0))
        }
        let left = deadline - monotonicNow()
        let milliseconds = max(0, min(60_000, (left.nanoseconds + 999_999) / 1_000_000))
        guard zmq_poll(&items, Int32(items.count), Int(milliseconds)) > 0 else { return Ready() }
        var ready = Ready(socket: items[0].revents != 0, inbox: items[1].revents != 0)
        for (at, entry) in watched.enumerated() where items[at + 2].revents != 0 { ready.descriptors.append(entry) }
        return ready
    }
}

/// Signals as a descriptor to watch. Make it on the loop thread before any other thread starts.
package struct SignalSource: ~Copyable {
    package let descriptor: Int32

    /// Blocks `signals` for this thread and all it starts.
    package init(_ signals: [Int32]) throws(TransportError) {
        descriptor = iw_signalfd(signals, Int32(signals.count))
        if descriptor < 0 { throw .system(call: "signalfd", code: iw_errno()) }
    }

    deinit { close(descriptor) }

    /// Signals that came since the last call, in order.
    package func take() -> [Int32] { SignalSource.take(from: descriptor) }

    package static func take(from descriptor: Int32) -> [Int32] {
        var signals: [Int32] = []
        while true {
            let signal = iw_signalfd_next(descriptor)
            if signal == 0 { return signals }
            signals.append(signal)
        }
    }
}

/// A descriptor that becomes readable when process `pid` has ended; the caller closes it.
package func processDescriptor(of pid: Int32) throws(TransportError) -> Int32 {
    let descriptor = iw_pidfd(pid)
    if descriptor < 0 { throw .system(call: "pidfd_open", code: iw_errno()) }
    return descriptor
}
