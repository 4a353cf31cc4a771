// A whole farm in one command: coordinator on this thread, workers as children, one catalog. Signals are read from a
// descriptor in the same loop: the first INT or TERM finishes what runs and commits, the second kills; HUP goes on.

import Basics
import CSystem
import Catalog
import FarmCore
import FarmTransport
import Glibc
import Runtime
import Tuning

struct EmbeddedFarm {
    enum Ending {
        case finished
        case interrupted
    }

    /// How long a drain after the first signal may take.
    static let drainLimit = Tick.Span.seconds(25)

    let catalog: Catalog
    let job: TuningJob
    let jobText: String
    let workers: Int
    let measureWith: String
    /// Ends the run with a drain when it has passed.
    let deadline: Tick.Span?
    let onStanding: (Standing) -> Void
    let onNote: (FarmNote) -> Void

    func run() throws -> Ending {
        // before any thread starts, so that all of them leave the signals to the descriptor
        let signals = SignalWatch()
        let folder = try Folder.makeTemporary(in: environment("XDG_RUNTIME_DIR") ?? "/tmp")
        defer { Folder.removeTree(folder) }
        let endpoint = try Endpoint("ipc://\(folder)/c")
        let coordinator = Coordinator(
            epoch: try catalog.nextEpoch(), options: CoordinatorOptions(stopWhenFinished: true),
            planner: TuningPlanner(measuredWith: measureWith), records: try recoveredRecords(catalog))
        let store = CatalogStore(catalog: catalog, jobName: job.name, jobText: jobText)
        let local = LocalWorkers(
            .init(
                endpoint: endpoint, arguments: ["--measure-with", measureWith], count: workers,
                statePrefix: cacheFolder() + "/running-" + Digest(of: Folder.absolute(catalog.path)).short))
        var lastDone = 0
        let loop = try CoordinatorLoop(
            options: CoordinatorLoopOptions(endpoint: endpoint, jobs: [JobText(job.text)]), coordinator: coordinator,
            store: store,
            onStanding: { standing in
                if standing.doneUnits > lastDone { local.noteResult() }
                lastDone = standing.doneUnits
                onStanding(standing)
            }, onNote: onNote)
        var interrupted = false
        loop.watch(signals.descriptor) { [unowned loop] in
            while let number = signals.take() {
                if number == SIGHUP { continue }
                if interrupted { _exit(130) }
                interrupted = true
                writeError("stopping: finishing what runs (again to kill)")
                loop.control.stop(.drain)
                loop.schedule(after: EmbeddedFarm.drainLimit) { loop.control.stop(.now) }
            }
        }
        if let deadline { loop.schedule(after: deadline) { [unowned loop] in loop.control.stop(.drain) } }
        try local.start(in: loop)
        let outcome = loop.run()
        local.stop()
        signals.restore()
        if local.gaveUp { throw CommandError.workersDied(lines: local.lastLines) }
        switch outcome {
        case .rejected(let reason): throw CommandError.farmRejected(reason)
        case .finished, .drained, .stopped: return interrupted ? .interrupted : .finished
        }
    }
}

/// INT, TERM and HUP as a descriptor, as long as it lives.
final class SignalWatch {
    let descriptor: Int32
    private static let numbers = [SIGINT, SIGTERM, SIGHUP]

    init() { descriptor = iw_signalfd(SignalWatch.numbers, SignalWatch.numbers.count) }

    func take() -> Int32? {
        let number = iw_signalfd_take(descriptor)
        return number > 0 ? number : nil
    }

    /// Gives the signals their usual effect back.
    func restore() {
        close(descriptor)
        var set = sigset_t()
        sigemptyset(&set)
        for number in SignalWatch.numbers { sigaddset(&set, number) }
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }
}
