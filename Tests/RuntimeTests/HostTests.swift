// The gate between measuring and work, lock files, shared memory, and the facts about this host.
// The gate is tested over files of the test's own, so that tests neither wait for nor disturb a farm on this machine.
// Nothing here depends on how fast anything is.

import Basics
import CSystem
import Glibc
import Synchronization
import Testing

@testable import Runtime

private func gate(_ folder: TestFolder) throws -> Gate {
    let files = [folder.path + "/turnstile", folder.path + "/gate"]
    for file in files { try Folder.write([], to: file) }
    return Gate(turnstile: files[0], gate: files[1])
}

@Test func aBurstThatCannotHaveTheHostRunsBeside() throws {
    let folder = try TestFolder()
    let gate = try gate(folder)
    let inside = gate.withCPUWork { gate.withQuietBurst(waitMs: 30) { $0 } }
    #expect(inside == .beside)
    #expect(gate.withQuietBurst(waitMs: 30) { $0 } == .alone, "the gate is free again")
}

@Test func readingsTakenBesideOtherWorkAreMarked() throws {
    let folder = try TestFolder()
    let gate = try gate(folder)
    let request = twoPhaseRequest(folder.path, Digest(of: "x"), x: [])
    let result = gate.withCPUWork {
        measureBurst([request], reference: nil, with: SyntheticMeasurer(seed: 1), through: gate, waitMs: 20)
    }
    #expect(result.quiet == .beside && result.drift == nil)
    guard case .reading(let reading) = result.outcomes[0] else {
        Issue.record("no reading")
        return
    }
    #expect(reading.beside && !reading.undisturbed)
}

@Test func workSharesTheGateWithWork() throws {
    let folder = try TestFolder()
    let gate = try gate(folder)
    #expect(gate.withCPUWork { gate.withCPUWork { 5 } } == 5)
}

private final class Witness: Sendable {
    let gate: Gate
    let events = Mutex<[String]>([])
    init(_ gate: Gate) { self.gate = gate }
    func note(_ event: String) { events.withLock { $0.append(event) } }
}

@Test func workWaitsUntilABurstIsOver() throws {
    let folder = try TestFolder()
    let witness = Witness(try gate(folder))
    var thread = pthread_t()
    witness.gate.withQuietBurst(waitMs: 5_000) { quiet in
        #expect(quiet == .alone)
        let argument = Unmanaged.passRetained(witness).toOpaque()
        pthread_create(
            &thread, nil,
            { argument in
                let witness = Unmanaged<Witness>.fromOpaque(argument!).takeRetainedValue()
                witness.gate.withCPUWork { witness.note("work") }
                return nil
            }, argument)
        usleep(50_000)
        witness.note("burst")
    }
    pthread_join(thread, nil)
    #expect(witness.events.withLock { $0 } == ["burst", "work"])
}

@Test func aGateWithoutFilesStillRunsEverything() {
    let gate = Gate(turnstile: "/no/such/file", gate: "/no/such/file")
    #expect(gate.withCPUWork { 1 } == 1)
    #expect(gate.withQuietBurst(waitMs: 10) { $0 } == .beside)
}

@Test func aBurstStartsWhenItIsWorthIt() {
    #expect(!BurstPolicy.startsBurst(ready: 0, oldestWaitMs: 9_999, otherWork: false, sinceBurstMs: nil))
    #expect(BurstPolicy.startsBurst(ready: 1, oldestWaitMs: 0, otherWork: false, sinceBurstMs: 0))
    #expect(!BurstPolicy.startsBurst(ready: 15, oldestWaitMs: 999, otherWork: true, sinceBurstMs: nil))
    #expect(BurstPolicy.startsBurst(ready: 16, oldestWaitMs: 0, otherWork: true, sinceBurstMs: 500))
    #expect(!BurstPolicy.startsBurst(ready: 16, oldestWaitMs: 2_000, otherWork: true, sinceBurstMs: 499))
    #expect(BurstPolicy.startsBurst(ready: 1, oldestWaitMs: 1_000, otherWork: true, sinceBurstMs: 600))
    #expect(BurstPolicy.continuesBurst(runningMs: 1_999, ready: 1))
    #expect(!BurstPolicy.continuesBurst(runningMs: 2_000, ready: 1))
}

@Test func aLockFileNamesItsHolderAndEndsWithIt() throws {
    let folder = try TestFolder()
    let path = folder.path + "/CATALOG.lock"
    do {
        let lock = try FileLock(path)
        #expect(lock.path == path)
        do {
            _ = try FileLock(path)
            Issue.record("locked twice")
        } catch {
            guard case .locked(_, let holder) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(holder.hasPrefix("\(getpid()) "))
            #expect(error.sentence == "\(path) is held by process \(holder)")
        }
        _ = consume lock
    }
    #expect(try FileLock(path).path == path)
    #expect(throws: RuntimeError.self) { _ = try FileLock(folder.path + "/no/folder") }
}

@Test func eventsSignalsAndSharedMemoryWork() throws {
    let event = iw_eventfd()
    #expect(event >= 0 && iw_wait_readable(event, 0) == ETIMEDOUT)
    #expect(iw_eventfd_signal(event) == 0 && iw_wait_readable(event, 1_000) == 0)
    #expect(iw_eventfd_clear(event) == 0 && iw_wait_readable(event, 0) == ETIMEDOUT)
    close(event)
    let memory = try #require(SharedMemory())
    #expect(memory.grow(to: 8192))
    memory.base?.storeBytes(of: 77, toByteOffset: 8000, as: UInt8.self)
    #expect(memory.grow(to: 1 << 20))
    #expect(memory.base?.load(fromByteOffset: 8000, as: UInt8.self) == 77)
    #expect(ftruncate(memory.descriptor, 0) != 0, "sealed against shrinking")
}

@Test func hostFactsAreWithinReason() throws {
    let facts = HostFacts.gather(searchPath: environmentPath())
    #expect(facts.processor.online >= 1 && facts.processor.usable >= 1)
    #expect(facts.memoryBytes > 1 << 26)
    #expect(facts.target.runsHere && CompileTarget.plain.runsHere)
    #expect(!facts.kernelRelease.isEmpty)
    #expect(facts.compilers.count == testToolchains.count)
    for cache in facts.caches {
        #expect((1...4).contains(cache.level) && cache.bytes >= 4096 && cache.sharedBy >= 1)
    }
    if facts.target == .avx512 { #expect(facts.processor.instructionSets.contains("avx512f")) }
    #expect(try isOnNetworkFileSystem("/proc/self/no-such-entry") == false)
}

@Test func operandsLieApartAlignedWithConstantsFirst() throws {
    let operands = [
        Operand(.result, bytes: 100), Operand(.constant, bytes: 5000), Operand(.input, bytes: 0),
        Operand(.constant, bytes: 64),
    ]
    let arena = try #require(OperandArena(operands, scratchBytes: [10]))
    let regions = arena.operands + arena.scratch
    let sorted = regions.sorted { $0.offset < $1.offset }
    for (a, b) in zip(sorted, sorted.dropFirst()) { #expect(b.offset - a.end >= OperandArena.redZoneBytes) }
    #expect(sorted[0].offset >= OperandArena.redZoneBytes)
    #expect(arena.totalBytes - sorted[sorted.count - 1].end >= OperandArena.redZoneBytes)
    #expect(regions.allSatisfy { $0.offset % ($0.bytes >= 4096 ? 4096 : 64) == 0 })
    #expect(arena.operands[1].end <= arena.constantBytes && arena.operands[3].end <= arena.constantBytes)
    #expect(arena.operands[0].offset >= arena.constantBytes)
    #expect(OperandArena([Operand(.result, bytes: 1 << 50)], scratchBytes: []) == nil)
}
