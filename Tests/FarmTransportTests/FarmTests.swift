// A real farm in one process: a coordinator's loop, workers' loops and a client, each on its own thread, over ipc.

import Basics
import FarmCore
import FarmSimulation
import Glibc
import Synchronization
import Testing

@testable import FarmTransport

/// A folder of its own for one socket, with a name short enough for it.
private func makeFolder() throws -> String {
    var template = Array("/tmp/iwfarmXXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

private func remove(_ folder: String) {
    unlink(folder + "/farm")
    rmdir(folder)
}

/// Keeps records in memory; the first writes may fail.
private final class MemoryStore: FactStore {
    struct Content: Sendable {
        var records: Set<Record> = []
        var failuresLeft = 0
        var groups = 0
    }
    let content: Mutex<Content>

    init(records: Set<Record> = [], failures: Int = 0) {
        content = Mutex(Content(records: records, failuresLeft: failures))
    }

    func persist(_ records: [Record]) throws(PersistFailure) {
        let fails = content.withLock { content -> Bool in
            guard content.failuresLeft == 0 else {
                content.failuresLeft -= 1
                return true
            }
            content.records.formUnion(records)
            content.groups += 1
            return false
        }
        if fails { throw PersistFailure("no space left on device") }
    }

    var records: Set<Record> { content.withLock { $0.records } }

    var facts: Set<Digest> {
        Set(records.compactMap { if case .fact(let fact) = $0 { fact.key } else { nil } })
    }
}

private struct MadeUpExecutor: UnitExecutor {
    func execute(
        _ unit: WorkUnit, hints: @escaping @Sendable () -> String, report: @escaping @Sendable (Fact) -> Void,
        isCancelled: @escaping @Sendable () -> Bool
    ) -> ExecutionOutcome {
        for fact in MadeUpWork.facts(of: unit) {
            if isCancelled() { return .cancelled }
            usleep(UInt32(unit.cost.nanoseconds / 1000))
            report(fact)
        }
        return .finished
    }
}

private final class Box<Value: Sendable>: Sendable {
    private let value: Mutex<Value?> = Mutex(nil)
    func put(_ new: Value) { value.withLock { $0 = new } }
    var got: Value? { value.withLock { $0 } }
}

/// Runs a coordinator on a thread; what it says comes out of the boxes.
private struct CoordinatorThread {
    let thread: OwnThread
    let outcome = Box<FarmOutcome>()
    let standing = Box<Standing>()
    let control = Box<FarmControl>()

    init(
        _ endpoint: Endpoint, jobs: [String], store: MemoryStore, epoch: Int = 1, stopWhenFinished: Bool = true
    ) throws {
        let (outcome, standing, control) = (outcome, standing, control)
        thread = try OwnThread {
            let coordinator = Coordinator(
                epoch: epoch, options: CoordinatorOptions(stopWhenFinished: stopWhenFinished), planner: MadeUpWork(),
                records: Array(store.records))
            let options = CoordinatorLoopOptions(endpoint: endpoint, jobs: jobs.map { JobText($0) })
            do {
                let loop = try CoordinatorLoop(
                    options: options, coordinator: coordinator, store: store, onStanding: { standing.put($0) })
                control.put(loop.control)
                outcome.put(loop.run())
            } catch {
                Issue.record("\(error)")
            }
        }
        while control.got == nil, outcome.got == nil { usleep(1000) }
    }
}

private struct WorkerThread {
    let thread: OwnThread
    let outcome = Box<WorkerOutcome>()
    let control = Box<WorkerControl>()

    init(_ name: String, _ endpoint: Endpoint, lifeline: Int32? = nil, loss: Tick.Span = .seconds(20)) throws {
        let (outcome, control) = (outcome, control)
        thread = try OwnThread {
            let worker = WorkerOptions(
                worker: name, incarnation: Int(Digest(of: name).seed >> 2), build: "test",
                threads: Room(cpu: 2, device: 1), capabilities: [], coordinatorLossLimit: loss,
                seed: Digest(of: name).seed)
            let options = WorkerLoopOptions(endpoint: endpoint, worker: worker, lifeline: lifeline)
            do {
                let loop = try WorkerLoop(options: options, executor: MadeUpExecutor())
                control.put(loop.control)
                outcome.put(loop.run())
            } catch {
                Issue.record("\(error)")
            }
        }
    }
}

private func expectedFacts(_ grid: String, units: Int, waves: Int, facts: Int) -> Set<Digest> {
    var keys: Set<Digest> = []
    for wave in 0..<waves {
        for number in 0..<units {
            let body = "unit \(grid) \(wave) \(number) facts \(facts)"
            let unit = WorkUnit(
                digest: Digest(of: body), slot: .cpu, capabilities: [], cost: .milliseconds(0), body: body)
            keys.formUnion(MadeUpWork.facts(of: unit).map(\.key))
        }
    }
    return keys
}

@Test func twoWorkersFinishAJobAndEveryoneGoesHome() throws {
    let folder = try makeFolder()
    defer { remove(folder) }
    let endpoint = try Endpoint("ipc://\(folder)/farm")
    let store = MemoryStore()
    let grids = [
        "grid a units 60 waves 2 facts 3 slot cpu cost 200", "grid b units 5 waves 1 facts 2 slot device cost 200",
    ]
    let coordinator = try CoordinatorThread(endpoint, jobs: grids, store: store)
    let workers = [try WorkerThread("w1", endpoint), try WorkerThread("w2", endpoint)]
    coordinator.thread.join()
    for worker in workers { worker.thread.join() }
    #expect(coordinator.outcome.got == .finished)
    #expect(workers.map(\.outcome.got) == [.drained, .drained])
    let expected = expectedFacts("a", units: 60, waves: 2, facts: 3).union(
        expectedFacts("b", units: 5, waves: 1, facts: 2))
    #expect(store.facts == expected)
    #expect(coordinator.standing.got?.doneUnits == 125)
    #expect(store.content.withLock { $0.groups } < 250, "writes are grouped")
}

@Test func aCoordinatorThatStopsAtOnceIsSucceededByOneThatFinishes() throws {
    let folder = try makeFolder()
    defer { remove(folder) }
    let endpoint = try Endpoint("ipc://\(folder)/farm")
    let store = MemoryStore()
    let job = "grid a units 40 waves 1 facts 3 slot cpu cost 2000"
    let first = try CoordinatorThread(endpoint, jobs: [job], store: store)
    let worker = try WorkerThread("w1", endpoint)
    while store.facts.count < 20 { usleep(1000) }
    first.control.got?.stop(.now)
    first.thread.join()
    #expect(first.outcome.got == .stopped)
    let before = store.facts.count
    let second = try CoordinatorThread(endpoint, jobs: [job], store: store, epoch: 2)
    second.thread.join()
    worker.thread.join()
    #expect(before < 120)
    #expect(second.outcome.got == .finished)
    #expect(worker.outcome.got == .drained)
    #expect(store.facts == expectedFacts("a", units: 40, waves: 1, facts: 3))
}

@Test func aClientSubmitsWatchesCancelsAndDrains() throws {
    let folder = try makeFolder()
    defer { remove(folder) }
    let endpoint = try Endpoint("ipc://\(folder)/farm")
    let store = MemoryStore()
    let coordinator = try CoordinatorThread(endpoint, jobs: [], store: store, stopWhenFinished: false)
    let client = try FarmClient(endpoint: endpoint, build: "test", seed: 11)
    let text = JobText("grid a units 3 waves 1 facts 1 slot cpu cost 100")
    let job = try client.submit(text)
    #expect(job == JobID(Digest(of: text.text)))
    #expect(store.records.contains(.job(job, revision: 1, text)))
    #expect(try client.watch().totalUnits == 3)
    #expect(throws: ClientError.rejected("line 1, column 1: expected 'grid', found 'nothing'")) {
        _ = try client.submit(JobText("nothing"))
    }
    try client.cancel(job)
    #expect(store.records.contains(.cancelled(job, revision: 1)))
    try client.drain()
    coordinator.thread.join()
    #expect(coordinator.outcome.got == .drained)
}

@Test func aClientWithoutACoordinatorIsToldSo() throws {
    let folder = try makeFolder()
    defer { remove(folder) }
    let endpoint = try Endpoint("ipc://\(folder)/farm")
    let client = try FarmClient(endpoint: endpoint, build: "test", seed: 12)
    let expected = ClientError.noAnswer(endpoint: endpoint.text, seconds: 0)
    #expect(throws: expected) { _ = try client.watch(timeout: .milliseconds(100)) }
}

@Test func aWorkerEndsWhenItsLifelineIsCut() throws {
    let folder = try makeFolder()
    defer { remove(folder) }
    let endpoint = try Endpoint("ipc://\(folder)/farm")
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let worker = try WorkerThread("w1", endpoint, lifeline: ends[0])
    while worker.control.got == nil { usleep(1000) }
    #expect(worker.outcome.got == nil)
    close(ends[1])
    worker.thread.join()
    #expect(worker.outcome.got == .lifelineCut)
    close(ends[0])
}

@Test func aWorkerGivesUpOnACoordinatorThatNeverAnswers() throws {
    let folder = try makeFolder()
    defer { remove(folder) }
    let endpoint = try Endpoint("ipc://\(folder)/farm")
    let worker = try WorkerThread("w1", endpoint, loss: .milliseconds(200))
    worker.thread.join()
    #expect(worker.outcome.got == .coordinatorLost)
}
