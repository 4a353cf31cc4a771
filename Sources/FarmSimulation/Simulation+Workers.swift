// Workers in a simulation: the production state machine, with executions that take virtual time and processes that
// die, stand still or are cut off.

import Basics
import FarmCore

/// One worker's process, or the place where the next one will start.
struct SimulatedWorker: Sendable {
    var name: String
    var machine: Worker?
    var incarnation = 0
    var peer: PeerID?
    var tickAt: Tick?
    var pausedUntil = Tick.zero
    var cutUntil = Tick.zero
    var refusedGrants = 0
    /// Units running in the process, and whether they were asked to stop.
    var running: [Digest: Bool] = [:]

    var held: [Digest] { running.keys.sorted() }
}

extension World {
    mutating func startWorker(_ index: Int, died: [Digest]) {
        guard workers[index].machine == nil else { return }
        let incarnation = Int(now.nanoseconds) << 8 | random.below(256)
        workers[index].incarnation = incarnation
        workers[index].machine = Worker(
            options: WorkerOptions(
                worker: workers[index].name, incarnation: incarnation, build: "simulated", threads: options.threads,
                capabilities: options.capabilities, died: died, coordinatorLossLimit: .seconds(3600),
                seed: random.next()))
        connect(index)
        tell(index, .tick)
    }

    private mutating func connect(_ index: Int) {
        if let old = workers[index].peer { byPeer[old] = nil }
        connections += 1
        let peer = PeerID(bytes: Array("peer \(connections)".utf8))
        workers[index].peer = peer
        byPeer[peer] = index
    }

    mutating func crash(_ index: Int, down: Tick.Span, died: [Digest]) {
        guard workers[index].machine != nil else { return }
        report.workerCrashes += 1
        endProcess(index, down: down, died: died)
    }

    private mutating func endProcess(_ index: Int, down: Tick.Span, died: [Digest]) {
        guard workers[index].machine != nil else { return }
        workers[index].refusedGrants += workers[index].machine?.refusedGrants ?? 0
        workers[index].machine = nil
        workers[index].incarnation = 0
        workers[index].running = [:]
        workers[index].tickAt = nil
        if let peer = workers[index].peer { byPeer[peer] = nil }
        workers[index].peer = nil
        agenda.add(.startWorker(index, died: died), at: now + down)
    }

    /// Hands a worker an event and carries out what it answers. A paused worker hears it when it wakes.
    mutating func tell(_ index: Int, _ event: WorkerEvent) {
        guard let effects = workers[index].machine?.handle(event, at: now) else { return }
        for effect in effects { carryOut(effect, of: index) }
        guard let machine = workers[index].machine, !machine.isStopped else { return }
        let due = max(machine.nextDeadline, now + .milliseconds(1), workers[index].pausedUntil)
        if workers[index].tickAt.map({ due < $0 }) ?? true {
            workers[index].tickAt = due
            agenda.add(.workerTick(index, incarnation: workers[index].incarnation), at: due)
        }
    }

    mutating func deliver(_ bytes: [UInt8], to peer: PeerID) {
        guard let index = byPeer[peer], workers[index].machine != nil, now >= workers[index].cutUntil else { return }
        if now < workers[index].pausedUntil {
            agenda.add(.toWorker(bytes, peer), at: workers[index].pausedUntil)
            return
        }
        do {
            let message = try Message(parsing: bytes)
            let before = workers[index].machine?.spooledKeys ?? []
            tell(index, .received(message))
            guard case .orders(let orders) = message, !orders.ackedFacts.isEmpty else { return }
            let after = Set(workers[index].machine?.spooledKeys ?? [])
            for key in before where !after.contains(key) && !durable.contains(key) {
                violate("fact \(key.short) left its worker and is not durable")
            }
        } catch {
            violate("a message did not parse: \(error.sentence)")
        }
    }

    private mutating func carryOut(_ effect: WorkerEffect, of index: Int) {
        switch effect {
        case .send(let message):
            guard let peer = workers[index].peer else { return }
            guard coordinator != nil else { return tell(index, .sendFailed) }
            if now < workers[index].cutUntil { return }
            transmit(.toCoordinator(message.bytes, from: peer, epoch: epoch))
        case .start(let unit): begin(unit, at: index)
        case .cancel(let unit): workers[index].running[unit] = true
        case .reconnect: connect(index)
        case .hints, .deathsRecorded: break
        case .stop(let outcome):
            switch outcome {
            case .refused(let reason): violate("worker \(workers[index].name) was refused: \(reason)")
            case .drained, .drainTimedOut, .coordinatorLost, .lifelineCut: break
            }
            endProcess(index, down: .seconds(1), died: [])
        }
    }

    private mutating func begin(_ unit: WorkUnit, at index: Int) {
        executions[unit.digest, default: 0] += 1
        report.executions += 1
        workers[index].running[unit.digest] = false
        let incarnation = workers[index].incarnation
        if poison.contains(unit.digest) {
            let names = random.below(2) == 0
            let delay = Tick.Span.milliseconds(50)
            agenda.add(.die(index, incarnation: incarnation, died: names ? [unit.digest] : []), at: now + delay)
        } else {
            step(index, incarnation, unit, execute(unit))
        }
    }

    /// Schedules the next fact of a unit, or its end.
    private mutating func step(_ index: Int, _ incarnation: Int, _ unit: WorkUnit, _ left: [Fact]) {
        let pace = Double(unit.cost.nanoseconds) / Double(max(1, left.count)) * (0.5 + 1.5 * random.unit())
        let due = now + Tick.Span(nanoseconds: 1 + Int64(pace))
        agenda.add(.fact(index, incarnation: incarnation, unit, left), at: due)
    }

    mutating func produce(_ index: Int, _ incarnation: Int, _ unit: WorkUnit, _ left: [Fact]) {
        guard workers[index].incarnation == incarnation, let isCancelled = workers[index].running[unit.digest] else {
            return
        }
        if now < workers[index].pausedUntil {
            agenda.add(.fact(index, incarnation: incarnation, unit, left), at: workers[index].pausedUntil)
        } else if let fact = left.first, !isCancelled {
            tell(index, .produced(unit: unit.digest, fact))
            step(index, incarnation, unit, Array(left.dropFirst()))
        } else {
            workers[index].running[unit.digest] = nil
            tell(index, .ended(unit: unit.digest, isCancelled ? .cancelled : .finished))
        }
    }
}
