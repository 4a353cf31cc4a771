// The writer thread: it collects writes for 20 ms or up to 256 records, hands them to the store as one transaction, and
// reports each write back to the loop. The loop never waits for a disk.

import Basics
import FarmCore

/// Where records become durable.
package protocol FactStore: Sendable {
    /// Makes all records durable in one transaction, or none. Called on one writer thread, never twice at a time.
    /// A record that is there already is no error and changes nothing.
    func persist(_ records: [Record]) throws(PersistFailure)
}

/// What other threads tell a coordinator's loop.
enum CoordinatorMail: Sendable {
    case persisted(WriteID)
    case persistFailed(WriteID, reason: String)
    case submit(JobText)
    case stop(FarmStop)
}

struct FactWriter {
    static let groupMilliseconds: Int64 = 20
    static let groupRecordsMax = 256

    private enum Item: Sendable {
        case write(WriteID, [Record])
        case stop
    }

    private let queue: WorkQueue<Item>
    private let thread: OwnThread

    init(_ store: some FactStore, reportingTo inbox: Inbox<CoordinatorMail>) throws(TransportError) {
        let queue = try WorkQueue<Item>()
        self.queue = queue
        thread = try OwnThread { FactWriter.work(queue, store, inbox) }
    }

    func write(_ id: WriteID, _ records: [Record]) { queue.put(.write(id, records)) }

    /// Finishes what was handed over and ends the thread.
    func stop() {
        queue.put(.stop)
        thread.join()
    }

    private static func work(_ queue: WorkQueue<Item>, _ store: some FactStore, _ inbox: Inbox<CoordinatorMail>) {
        while true {
            guard case .write(let id, let records) = queue.take() else { return }
            var ids = [id]
            var group = records
            let deadline = monotonicNow() + .milliseconds(groupMilliseconds)
            var isLast = false
            collecting: while group.count < groupRecordsMax {
                let left = (deadline - monotonicNow()).nanoseconds / 1_000_000
                guard left > 0, let item = queue.take(withinMilliseconds: Int32(left)) else { break }
                switch item {
                case .write(let id, let records):
                    ids.append(id)
                    group += records
                case .stop:
                    isLast = true
                    break collecting
                }
            }
            do {
                try store.persist(group)
                for id in ids { inbox.put(.persisted(id)) }
            } catch {
                for id in ids { inbox.put(.persistFailed(id, reason: error.reason)) }
            }
            if isLast { return }
        }
    }
}
