// Supervises the worker processes of an embedded farm: each in its own process group, with a parent-death signal and a
// lifeline pipe; respawned after 0.5, 1, 2 … 30 s; five deaths within a minute without a result end the run with the
// last lines that workers wrote.

import Basics
import CSystem
import FarmTransport
import Glibc
import Runtime
import Tuning

final class LocalWorkers {
    struct Settings {
        var endpoint: Endpoint
        var arguments: [String]
        var count: Int
        /// Start of the names of the workers' state files; stable over runs on one catalog.
        var statePrefix: String
    }

    private static let deathsMax = 5
    private static let deathWindow = Tick.Span.seconds(60)
    private static let linesKept = 20

    private struct Slot {
        var child: ChildProcess?
        var output: Int32 = -1
        var lifeline: Int32 = -1
        var failures = 0
    }

    private let settings: Settings
    private var slots: [Slot]
    private var deaths: [Tick] = []
    private(set) var lastLines: [String] = []
    /// Set once the supervision has given up.
    private(set) var gaveUp = false
    private var isStopping = false

    init(_ settings: Settings) {
        self.settings = settings
        slots = Array(repeating: Slot(), count: settings.count)
    }

    /// Starts every worker; `loop` watches them.
    func start<P>(in loop: CoordinatorLoop<P>) throws(RuntimeError) {
        for n in slots.indices { try start(n, in: loop) }
    }

    /// A result arrived: deaths before it do not count.
    func noteResult() { deaths = [] }

    private func start<P>(_ n: Int, in loop: CoordinatorLoop<P>) throws(RuntimeError) {
        var life: [Int32] = [-1, -1]
        var output: [Int32] = [-1, -1]
        guard iw_pipe(&life) == 0, iw_pipe(&output) == 0 else {
            throw .notStarted(path: "worker", code: errno)
        }
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        defer {
            close(life[0])
            close(output[1])
            close(null)
        }
        var options = ChildProcess.Options()
        options.descriptors = [(null, 0), (null, 1), (output[1], 2), (life[0], 3)]
        let arguments =
            [
                "worker", "--connect", settings.endpoint.text, "--name", "local-\(n)", "--lifeline", "3", "--state",
                "\(settings.statePrefix)-\(n)",
            ]
            + settings.arguments
        let child = try ChildProcess.start(
            "/proc/self/exe", arguments: arguments, environment: workerEnvironment(isFirst: slots[n].failures == 0),
            options)
        slots[n].child = child
        slots[n].lifeline = life[1]
        slots[n].output = output[0]
        _ = fcntl(output[0], F_SETFL, O_NONBLOCK)
        loop.watch(output[0]) { [unowned self, unowned loop] in readOutput(n, loop) }
        loop.watch(child.descriptor) { [unowned self, unowned loop] in ended(n, loop) }
    }

    private func readOutput<P>(_ n: Int, _ loop: CoordinatorLoop<P>) {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let got = read(slots[n].output, &buffer, buffer.count)
        guard got > 0 else {
            if got == 0 { loop.unwatch(slots[n].output) }
            return
        }
        lastLines += String(decoding: buffer[..<got], as: UTF8.self).split(separator: "\n").map(String.init)
        lastLines.removeFirst(max(0, lastLines.count - LocalWorkers.linesKept))
    }

    private func ended<P>(_ n: Int, _ loop: CoordinatorLoop<P>) {
        guard let child = slots[n].child else { return }
        readOutput(n, loop)
        loop.unwatch(child.descriptor)
        loop.unwatch(slots[n].output)
        _ = child.wait(timeoutMs: -1)
        close(slots[n].output)
        close(slots[n].lifeline)
        slots[n].child = nil
        guard !isStopping else { return }
        let now = monotonicNow()
        deaths = deaths.filter { now - $0 < LocalWorkers.deathWindow } + [now]
        if deaths.count >= LocalWorkers.deathsMax {
            gaveUp = true
            loop.control.stop(.now)
            return
        }
        let delay = min(30_000, 500 << min(slots[n].failures, 6))
        slots[n].failures += 1
        loop.schedule(after: .milliseconds(Int64(delay))) { [unowned self, unowned loop] in
            guard !isStopping else { return }
            do throws(RuntimeError) {
                try start(n, in: loop)
            } catch {
                lastLines.append(error.sentence)
            }
        }
    }

    /// Cuts every lifeline, waits a moment, kills what is left.
    func stop() {
        isStopping = true
        for slot in slots where slot.child != nil { close(slot.lifeline) }
        for n in slots.indices {
            guard let child = slots[n].child else { continue }
            if child.wait(timeoutMs: 2_000) == nil {
                child.kill()
                _ = child.wait(timeoutMs: -1)
            }
            slots[n].child = nil
            close(slots[n].output)
        }
    }
}

/// What workers may see of the environment: the search path and the caches; an armed fault only in their first life.
private func workerEnvironment(isFirst: Bool) -> [String] {
    var out = ["LC_ALL=C", "SWIFT_BACKTRACE=enable=no"]
    for name in ["PATH", "HOME", "TMPDIR", "IRONWORKS_CACHE"] {
        if let value = environment(name) { out.append("\(name)=\(value)") }
    }
    if isFirst, let fault = environment("IRONWORKS_WORKER_FAULT") { out.append("IRONWORKS_FAULT=\(fault)") }
    return out
}
