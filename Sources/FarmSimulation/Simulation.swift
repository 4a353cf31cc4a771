// A farm in one process and one thread: the production `Coordinator` and `Worker`, with time, network, disk, crashes
// and executions drawn from one seed. A seed reproduces a run exactly. Every message passes through its text form.
//
// Checked after every event: the coordinator's invariants; a fact leaves a worker's spool only if it is durable; no
// fact is made durable twice; no lease is granted to two workers. Checked at the end: once faults have stopped the
// planner's work finishes within the recovery limit, and executions are bounded.

import Basics
import FarmCore

/// Runs one farm to its end.
/// - Parameters:
///   - planner: makes a fresh planner; called once per life of the coordinator.
///   - execute: the facts that running a unit finds out; a function of the unit alone.
///   - poison: units that kill their worker as soon as they run.
package func simulate<P: WorkPlanner>(
    seed: UInt64, workers: Int, jobs: [JobText], options: SwarmOptions, poison: Set<Digest> = [],
    planner: @escaping () -> P, execute: @escaping (WorkUnit) -> [Fact]
) -> SimulationReport {
    var world = World(
        seed: seed, workers: workers, jobs: jobs, options: options, poison: poison, planner: planner, execute: execute)
    return world.run()
}

struct World<P: WorkPlanner> {
    let options: SwarmOptions
    let jobs: [JobText]
    let poison: Set<Digest>
    let makePlanner: () -> P
    let execute: (WorkUnit) -> [Fact]

    var random: SeededRandom
    var now = Tick.zero
    var agenda = Agenda<Happening>()
    var report: SimulationReport
    var isOver = false

    var coordinator: Coordinator<P>?
    var epoch = 0
    var coordinatorTick: Tick?
    var disk: [Record] = []
    var durable: Set<Digest> = []
    var diskFailsUntil = Tick.zero

    var workers: [SimulatedWorker] = []
    var byPeer: [PeerID: Int] = [:]
    var connections = 0

    var executions: [Digest: Int] = [:]
    var granted: [Lease: Int] = [:]
    /// What the faults so far may have cost a unit in trust; keeps chance from parking the innocent.
    var harm: [Digest: Int] = [:]

    enum Happening: Sendable {
        case toCoordinator([UInt8], from: PeerID, epoch: Int)
        case toWorker([UInt8], PeerID)
        case coordinatorTick(epoch: Int)
        case workerTick(Int, incarnation: Int)
        case commit(epoch: Int, WriteID, [Record])
        case committed(epoch: Int, WriteID)
        case commitFailed(epoch: Int, WriteID)
        case fact(Int, incarnation: Int, WorkUnit, [Fact])
        case die(Int, incarnation: Int, died: [Digest])
        case fault(Fault)
        case startCoordinator
        case startWorker(Int, died: [Digest])
    }

    init(
        seed: UInt64, workers count: Int, jobs: [JobText], options: SwarmOptions, poison: Set<Digest>,
        planner: @escaping () -> P, execute: @escaping (WorkUnit) -> [Fact]
    ) {
        precondition(count > 0, "a farm has workers")
        self.options = options
        self.jobs = jobs
        self.poison = poison
        self.makePlanner = planner
        self.execute = execute
        random = SeededRandom(seed: seed)
        report = SimulationReport(seed: seed)
        for (at, fault) in options.faults(workers: count, random: &random) { agenda.add(.fault(fault), at: at) }
        agenda.add(.startCoordinator, at: Tick(nanoseconds: 1))
        for index in 0..<count {
            workers.append(SimulatedWorker(name: "w\(index + 1)"))
            agenda.add(.startWorker(index, died: []), at: Tick(nanoseconds: 2 + Int64(random.below(1_000_000_000))))
        }
    }

    mutating func run() -> SimulationReport {
        let limit = Tick.zero + options.faultsUntil + options.recoveryLimit
        while !isOver, let (at, event) = agenda.next() {
            now = at
            report.events += 1
            handle(event)
            coordinator?.checkInvariants()
            if now > limit {
                violate("not finished \(Int(options.recoveryLimit.seconds)) s after the last fault")
                break
            }
            if report.violations.count > 20 { break }
        }
        finish()
        return report
    }

    mutating func violate(_ what: String) { report.violations.append("at \(now.nanoseconds) ns: \(what)") }

    private mutating func handle(_ event: Happening) {
        switch event {
        case .toCoordinator(let bytes, let peer, let sentIn):
            guard sentIn == epoch, coordinator != nil else { return }
            do {
                tell(.message(try Message(parsing: bytes), from: peer))
            } catch {
                violate("a message did not parse: \(error.sentence)")
            }
        case .toWorker(let bytes, let peer): deliver(bytes, to: peer)
        case .coordinatorTick(let of):
            guard of == epoch, coordinatorTick == now else { return }  // a sooner one has replaced it
            coordinatorTick = nil
            tell(.tick)
        case .workerTick(let index, let incarnation):
            guard workers[index].incarnation == incarnation, workers[index].tickAt == now else { return }
            workers[index].tickAt = nil
            tell(index, .tick)
        case .commit(let of, let id, let records): commit(records, id, epoch: of)
        case .committed(let of, let id):
            if of == epoch { tell(.persisted(id)) }
        case .commitFailed(let of, let id):
            if of == epoch { tell(.persistFailed(id, reason: "no space left on device")) }
        case .fact(let index, let incarnation, let unit, let left): produce(index, incarnation, unit, left)
        case .die(let index, let incarnation, let died):
            if workers[index].incarnation == incarnation { crash(index, down: .seconds(1), died: died) }
        case .fault(let fault): strike(fault)
        case .startCoordinator: startCoordinator()
        case .startWorker(let index, let died): startWorker(index, died: died)
        }
    }

    /// Carries a message, or not.
    mutating func transmit(_ event: Happening) {
        report.messages += 1
        let faulty = now < Tick.zero + options.faultsUntil
        if faulty, random.below(1000) < options.droppedPerMille {
            report.dropped += 1
            return
        }
        var copies = 1
        if faulty, random.below(1000) < options.duplicatedPerMille {
            report.duplicated += 1
            copies = 2
        }
        for _ in 0..<copies {
            let late = faulty && random.below(1000) < options.latePerMille
            let longest = late ? options.delayMax : options.delayTypical
            agenda.add(event, at: now + chance(of: longest))
        }
    }

    /// A span between nothing and `longest`.
    mutating func chance(of longest: Tick.Span) -> Tick.Span {
        Tick.Span(nanoseconds: 1 + Int64(random.unit() * Double(longest.nanoseconds)))
    }

    private mutating func strike(_ fault: Fault) {
        switch fault {
        case .crashWorker(let index, let down):
            guard workers[index].machine != nil, mayHarm(index, by: 2) else { return }
            crash(index, down: down, died: [])
        case .crashCoordinator(let down):
            guard coordinator != nil else { return }
            report.coordinatorCrashes += 1
            coordinator = nil
            epoch += 1  // messages and writes under way are lost with the process
            agenda.add(.startCoordinator, at: now + down)
        case .failDisk(let span):
            report.diskFailures += 1
            diskFailsUntil = max(diskFailsUntil, now + span)
        case .pauseWorker(let index, let span):
            guard mayHarm(index, by: 1) else { return }
            workers[index].pausedUntil = max(workers[index].pausedUntil, now + span)
        case .cutWorker(let index, let span):
            guard mayHarm(index, by: 1) else { return }
            workers[index].cutUntil = max(workers[index].cutUntil, now + span)
        }
    }

    /// Chance must not look like guilt: a unit that lost three workers to chance is spared a fourth.
    private mutating func mayHarm(_ index: Int, by amount: Int) -> Bool {
        let units = workers[index].held
        guard units.allSatisfy({ harm[$0, default: 0] + amount < FarmLimits.parkScore }) else { return false }
        for unit in units { harm[unit, default: 0] += amount }
        return true
    }

    private mutating func finish() {
        if !isOver, report.violations.isEmpty { violate("nothing left to happen, and not finished") }
        let keys = durable.sorted()
        report.virtualTime = now - Tick.zero
        report.facts = keys.count
        let facts = disk.compactMap { record -> Fact? in
            switch record {
            case .fact(let fact): fact
            case .job, .cancelled, .suspicion: nil
            }
        }
        report.durableFacts = facts.sorted { $0.key < $1.key }
        report.factSet = Digest(of: keys.map(\.hex).joined(separator: "\n"))
        report.executionsMax = executions.values.max() ?? 0
        report.parked = coordinator?.parkedSubjects ?? []
        report.refusedGrants = workers.reduce(0) { $0 + $1.refusedGrants }
        let mishaps = report.workerCrashes + report.coordinatorCrashes + options.workerPauses + options.workerCuts
        let bound = 1 + mishaps + report.dropped / 4
        if report.executionsMax > bound {
            violate("a unit ran \(report.executionsMax) times; \(bound) at most were to be expected")
        }
    }
}
