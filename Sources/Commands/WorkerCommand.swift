// `ironworks worker`: joins a farm and runs its units until it is drained, refused, or its supervisor is gone. What it
// is about to run for the first time stands in a file, so that the next life can name what killed this one.

import ArgumentParser
import Basics
import CSystem
import DeviceModel
import FarmCore
import FarmTransport
import Glibc
import Runtime
import Trials

struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Joins a farm and measures candidates on this machine.")

    @Option(name: .long, help: "The coordinator's endpoint, ipc:///path.")
    var connect: String
    @Option(name: .long, help: "The worker's name; unique in its farm.")
    var name: String = "worker"
    @Option(name: .long, help: "A descriptor whose end of file ends this worker.")
    var lifeline: Int32?
    @Option(name: .long, help: "The file that says what runs for the first time, for the worker's next life.")
    var state: String?
    @Option(name: .long, help: "real, recorded:FILE or synthetic:SEED.")
    var measureWith: String = "real"

    func run() throws {
        // before any thread starts, so that all of them leave the signals to the descriptor
        let signals = SignalWatch()
        if let lifeline { _ = iw_lifeline_start(dup(lifeline)) }
        var random = SeededRandom(seed: try processSeed())
        let incarnation = processStartMs() << 20 | random.below(1 << 20)
        let running = state ?? cacheFolder() + "/running-" + name + "-" + Digest(of: connect).short
        let died = readRunning(running)
        let options = WorkerOptions(
            worker: name, incarnation: incarnation, build: buildID, threads: Room(cpu: 1, device: 1),
            capabilities: capabilities(), died: died, seed: random.next())
        let executor = TrialExecutor(
            TrialOptions(
                measureWith: try parseMeasureWith(measureWith), workerName: "\(name)-\(String(incarnation, radix: 36))",
                searchPath: searchPath(), cacheFolder: try objectFolder(), runningFile: running))
        let loop = try WorkerLoop(
            options: WorkerLoopOptions(endpoint: try Endpoint(connect), worker: options), executor: executor,
            onDeathsRecorded: { _ in unlink(running) })
        loop.watch(signals.descriptor) { [unowned loop] in
            while let number = signals.take() {
                if number != SIGHUP { loop.control.drain() }
            }
        }
        let outcome = loop.run()
        switch outcome {
        case .drained, .lifelineCut: Glibc.exit(0)
        case .refused(let reason):
            writeError("error: the coordinator refused this worker: \(escaped(reason))")
            Glibc.exit(1)
        case .coordinatorLost, .drainTimedOut:
            writeError("error: no word from the coordinator at \(connect); start it, then this worker again")
            Glibc.exit(5)
        }
    }

    private func capabilities() -> [String] {
        CompileTarget.allCases.filter(\.runsHere).map { "cpu.\($0.rawValue)" }
    }

    private func readRunning(_ path: String) -> [Digest] {
        guard let bytes = try? Folder.read(path, limit: 4096) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { Digest(hex: $0) }
    }
}

/// Milliseconds on the host's clock: a later process of the same worker has a greater number.
private func processStartMs() -> Int {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return now.tv_sec * 1000 + now.tv_nsec / 1_000_000
}

/// A seed no other process has, from the kernel.
private func processSeed() throws -> UInt64 {
    var seed: UInt64 = 0
    guard getentropy(&seed, MemoryLayout<UInt64>.size) == 0 else {
        throw RuntimeError.file(action: "read", path: "/dev/urandom", code: errno)
    }
    return seed
}

/// `real`, `recorded:FILE` or `synthetic:SEED`.
func parseMeasureWith(_ text: String) throws -> MeasureWith {
    if text == "real" { return .real }
    if text.hasPrefix("recorded:") {
        let bytes = try Folder.read(String(text.dropFirst("recorded:".count)))
        return .recorded(try RecordedTable(text: String(decoding: bytes, as: UTF8.self)))
    }
    if text.hasPrefix("synthetic:"), let seed = UInt64(text.dropFirst("synthetic:".count)) {
        return .synthetic(seed: seed)
    }
    throw CommandError.badOption(
        option: "measure-with", value: text, expected: "real, recorded:FILE or synthetic:SEED")
}
