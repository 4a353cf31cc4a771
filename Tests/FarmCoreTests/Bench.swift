// A coordinator on a bench: tests say what workers and the disk do, and look at what comes out.

import Basics
import FarmCore
import FarmSimulation
import Testing

struct Bench {
    var coordinator: Coordinator<MadeUpWork>
    var now = Tick(nanoseconds: 1_000_000_000)
    /// Writes that no one has answered.
    var unanswered: [(id: WriteID, records: [Record])] = []
    var sent: [(message: Message, peer: PeerID)] = []
    var notes: [FarmNote] = []
    var outcome: FarmOutcome?
    var turns: [String: Int] = [:]
    /// Answer writes at once.
    var diskWorks = true
    var durable: [Record] = []

    init(
        job: String? = "grid a units 4 waves 1 facts 2 slot cpu cost 1000", epoch: Int = 1, records: [Record] = [],
        stopWhenFinished: Bool = false
    ) {
        coordinator = Coordinator(
            epoch: epoch, options: CoordinatorOptions(stopWhenFinished: stopWhenFinished), planner: MadeUpWork(),
            records: records)
        durable = records
        if let job { tell(.submitted(JobText(job))) }
    }

    mutating func tell(_ event: CoordinatorEvent) {
        for effect in coordinator.handle(event, at: now) {
            switch effect {
            case .persist(let id, let records): unanswered.append((id, records))
            case .send(let message, let peer): sent.append((message, peer))
            case .note(let note): notes.append(note)
            case .stop(let how): outcome = how
            }
        }
        coordinator.checkInvariants()
        if diskWorks { answerWrites() }
    }

    mutating func answerWrites() {
        while let write = unanswered.first {
            unanswered.removeFirst()
            durable += write.records
            tell(.persisted(write.id))
        }
    }

    mutating func wait(_ span: Tick.Span) {
        let end = now + span
        while coordinator.nextDeadline < end, outcome == nil {
            now = max(now, coordinator.nextDeadline)
            tell(.tick)
        }
        now = end
        tell(.tick)
    }

    static func peer(_ worker: String) -> PeerID { PeerID(bytes: Array("peer of \(worker)".utf8)) }

    /// Sends a worker's message and returns the orders that came back to it, newest last.
    @discardableResult
    mutating func sync(
        _ worker: String, incarnation: Int = 1, cpu: Int = 2, leaving: Bool = false, died: [Digest] = [],
        running: [Grant] = [], waiting: [Grant] = [], restating: Bool = false, facts: [ReportedFact] = [],
        ends: [LeaseEnd] = []
    ) -> [Orders] {
        let turn = turns[worker, default: 0] + 1
        turns[worker] = turn
        func hold(_ grant: Grant, _ isRunning: Bool) -> Hold {
            Hold(lease: grant.lease, slot: grant.unit.slot, running: isRunning, unit: restating ? grant.unit : nil)
        }
        let message = Sync(
            build: "test", worker: worker, incarnation: incarnation, turn: turn,
            capacity: Room(cpu: cpu, device: 0), capabilities: [], leaving: leaving, died: died,
            holds: running.map { hold($0, true) } + waiting.map { hold($0, false) }, facts: facts, ends: ends)
        let before = sent.count
        tell(.message(.sync(message), from: Bench.peer(worker)))
        return orders(to: worker, since: before)
    }

    func orders(to worker: String, since: Int) -> [Orders] {
        sent[since...].compactMap { message, peer in
            guard peer == Bench.peer(worker), case .orders(let orders) = message else { return nil }
            return orders
        }
    }

    /// All facts of a unit, as its worker reports them.
    static func results(_ grant: Grant) -> [ReportedFact] {
        MadeUpWork.facts(of: grant.unit).map { ReportedFact(lease: grant.lease, fact: $0) }
    }

    static func finished(_ grant: Grant) -> LeaseEnd { LeaseEnd(lease: grant.lease, manner: .finished) }

    var live: [Lease] { coordinator.liveLeases.map(\.lease) }
}

extension [Orders] {
    var grants: [Grant] { flatMap(\.grants) }
    var ackedFacts: [Digest] { flatMap(\.ackedFacts) }
    var ackedEnds: [Lease] { flatMap(\.ackedEnds) }
    var drops: [Lease] { flatMap(\.drops) }
}
