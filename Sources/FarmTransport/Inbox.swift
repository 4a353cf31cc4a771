// How other threads speak to a loop, and how a loop hands work to threads: an array under a mutex and a descriptor
// that a poll can watch. Nothing else is shared between threads in this module.

import Basics
import CZeroMQ
import Glibc
import Synchronization

/// Values from any thread, in order, with a descriptor that is readable while some wait.
final class Inbox<Item: Sendable>: Sendable {
    private let items = Mutex<[Item]>([])
    let descriptor: Int32

    init() throws(TransportError) {
        descriptor = iw_eventfd(0)
        if descriptor < 0 { throw .system(call: "eventfd", code: iw_errno()) }
    }

    deinit { close(descriptor) }

    func put(_ item: Item) {
        items.withLock { $0.append(item) }
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
    }

    /// Everything that waits.
    func takeAll() -> [Item] {
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
        return items.withLock { items in
            defer { items = [] }
            return items
        }
    }
}

/// Work for a fixed set of threads: each item goes to one of them.
final class WorkQueue<Item: Sendable>: Sendable {
    private let items = Mutex<[Item]>([])
    private let descriptor: Int32

    init() throws(TransportError) {
        descriptor = iw_eventfd(1)
        if descriptor < 0 { throw .system(call: "eventfd", code: iw_errno()) }
    }

    deinit { close(descriptor) }

    func put(_ item: Item) {
        items.withLock { $0.append(item) }
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
    }

    /// Waits for an item.
    func take() -> Item {
        while true {
            var count: UInt64 = 0
            let got = read(descriptor, &count, 8)
            if got != 8 { continue }  // interrupted
            if let item = items.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { return item }
        }
    }

    /// Waits for an item at most so long; `nil` when none came.
    func take(withinMilliseconds limit: Int32) -> Item? {
        var item = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&item, 1, limit) > 0 else { return nil }
        return take()
    }
}

/// A thread of our own, with every signal blocked.
struct OwnThread {
    private let id: pthread_t

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    init(_ run: @escaping @Sendable () -> Void) throws(TransportError) {
        var id = pthread_t()
        let body = Unmanaged.passRetained(Body(run))
        let code = pthread_create(
            &id, nil,
            { argument in
                iw_block_signals()
                if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }, body.toOpaque())
        guard code == 0 else {
            body.release()
            throw .system(call: "pthread_create", code: code)
        }
        self.id = id
    }

    func join() { pthread_join(id, nil) }
    func detach() { pthread_detach(id) }
}

/// A monotonic clock that goes on while the machine sleeps or steps its calendar.
func monotonicNow() -> Tick {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Tick(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
}
