// What a worker's process has to offer: running one unit on the calling thread. And the slot threads that call it.

import Basics
import FarmCore
import Synchronization

package protocol UnitExecutor: Sendable {
    /// Runs one unit to its end on the calling thread. Called on several slot threads at once.
    /// - Parameters:
    ///   - hints: what the planner last told all workers; cheap to ask again and again.
    ///   - report: hands over a fact as soon as it is known; kept until it is durable.
    ///   - isCancelled: when true, stop at the next good moment and return `cancelled`.
    func execute(
        _ unit: WorkUnit, hints: @escaping @Sendable () -> String, report: @escaping @Sendable (Fact) -> Void,
        isCancelled: @escaping @Sendable () -> Bool
    ) -> ExecutionOutcome
}

/// A flag that the loop sets and a slot thread reads.
final class CancelFlag: Sendable {
    private let flag = Atomic<Bool>(false)
    func set() { flag.store(true, ordering: .relaxed) }
    var isSet: Bool { flag.load(ordering: .relaxed) }
}

/// The latest hints.
final class HintBoard: Sendable {
    private let text = Mutex<String>("")
    func post(_ hints: String) { text.withLock { $0 = hints } }
    func read() -> String { text.withLock { $0 } }
}

/// What slot threads and other threads tell a worker's loop.
enum WorkerMail: Sendable {
    case produced(unit: Digest, Fact)
    case ended(unit: Digest, ExecutionOutcome)
    case drain
}

/// The fixed threads of a worker: one per CPU slot, one per device slot.
struct SlotThreads {
    private enum Item: Sendable {
        case run(WorkUnit, CancelFlag)
        case stop
    }

    private let cpu: WorkQueue<Item>
    private let device: WorkQueue<Item>
    private let counts: Room
    private let threads: [OwnThread]
    private var flags: [Digest: CancelFlag] = [:]

    init(
        _ counts: Room, _ executor: some UnitExecutor, hints: HintBoard, reportingTo inbox: Inbox<WorkerMail>
    ) throws(TransportError) {
        let cpu = try WorkQueue<Item>()
        let device = try WorkQueue<Item>()
        var threads: [OwnThread] = []
        for _ in 0..<counts.cpu { threads.append(try OwnThread { SlotThreads.work(cpu, executor, hints, inbox) }) }
        for _ in 0..<counts.device {
            threads.append(try OwnThread { SlotThreads.work(device, executor, hints, inbox) })
        }
        self.cpu = cpu
        self.device = device
        self.counts = counts
        self.threads = threads
    }

    mutating func start(_ unit: WorkUnit) {
        let flag = CancelFlag()
        flags[unit.digest] = flag
        switch unit.slot {
        case .cpu: cpu.put(.run(unit, flag))
        case .device, .quietDevice: device.put(.run(unit, flag))
        }
    }

    func cancel(_ unit: Digest) { flags[unit]?.set() }
    mutating func ended(_ unit: Digest) { flags[unit] = nil }

    /// Ends the threads; waits for them only if none is running a unit.
    func stop() {
        for flag in flags.values { flag.set() }
        for _ in 0..<counts.cpu { cpu.put(.stop) }
        for _ in 0..<counts.device { device.put(.stop) }
        for thread in threads {
            if flags.isEmpty { thread.join() } else { thread.detach() }
        }
    }

    private static func work(
        _ queue: WorkQueue<Item>, _ executor: some UnitExecutor, _ hints: HintBoard, _ inbox: Inbox<WorkerMail>
    ) {
        while case .run(let unit, let flag) = queue.take() {
            let digest = unit.digest
            let outcome = executor.execute(
                unit, hints: { hints.read() }, report: { inbox.put(.produced(unit: digest, $0)) },
                isCancelled: { flag.isSet })
            inbox.put(.ended(unit: digest, outcome))
        }
    }
}
