// What goes wrong in a simulated farm. A seed draws a mixture, so every seed is another kind of bad night; the numbers
// are rates and counts, and all faults end at `faultsUntil` so that liveness can be judged afterwards.

import Basics
import FarmCore

package struct SwarmOptions: Hashable, Sendable {
    /// Of a thousand messages.
    package var droppedPerMille = 0
    package var duplicatedPerMille = 0
    /// Of a thousand messages, delayed by up to `delayMax` instead of `delayTypical`.
    package var latePerMille = 0
    package var delayTypical = Tick.Span.milliseconds(1)
    package var delayMax = Tick.Span.seconds(10)
    package var workerCrashes = 0
    package var coordinatorCrashes = 0
    /// Spans in which every write fails.
    package var diskFailures = 0
    /// Spans in which a worker stands still, and in which none of its messages pass.
    package var workerPauses = 0
    package var workerCuts = 0
    /// The longest of those spans, and of the time until a dead process is back.
    package var spanMax = Tick.Span.seconds(25)
    package var faultsUntil = Tick.Span.seconds(120)
    /// After the faults, everything must be done within this time.
    package var recoveryLimit = Tick.Span.seconds(1800)
    package var threads = Room(cpu: 2, device: 1)
    /// What every worker says it can do.
    package var capabilities: [String] = []
    /// How long a coordinator that came back listens before it hands out anything.
    package var settle = Tick.Span.seconds(4)

    private init() {}

    /// A farm in which nothing goes wrong.
    package static let calm = SwarmOptions()

    /// A mixture drawn from the seed.
    package init(seed: UInt64) {
        var random = SeededRandom(seed: seed ^ 0x5eed_0f5a_a12e_7c3b)
        func often(_ value: Int) -> Int { random.below(3) == 0 ? 0 : value }
        droppedPerMille = often([5, 20, 100, 250][random.below(4)])
        duplicatedPerMille = often([5, 50, 300][random.below(3)])
        latePerMille = often([5, 50, 200][random.below(3)])
        delayTypical = .milliseconds(Int64([1, 5, 50, 300][random.below(4)]))
        workerCrashes = often(1 + random.below(12))
        coordinatorCrashes = often(1 + random.below(5))
        diskFailures = often(1 + random.below(3))
        workerPauses = often(1 + random.below(4))
        workerCuts = often(1 + random.below(4))
    }
}

/// One misfortune at one time.
enum Fault: Hashable, Sendable {
    case crashWorker(Int, down: Tick.Span)
    case crashCoordinator(down: Tick.Span)
    case failDisk(for: Tick.Span)
    case pauseWorker(Int, for: Tick.Span)
    case cutWorker(Int, for: Tick.Span)
}

extension SwarmOptions {
    /// The misfortunes of one run.
    func faults(workers: Int, random: inout SeededRandom) -> [(at: Tick, fault: Fault)] {
        var faults: [(at: Tick, fault: Fault)] = []
        func moment(_ random: inout SeededRandom) -> Tick {
            Tick(nanoseconds: Int64(random.unit() * Double(faultsUntil.nanoseconds)))
        }
        func span(_ random: inout SeededRandom) -> Tick.Span {
            Tick.Span(nanoseconds: 1_000_000 + Int64(random.unit() * Double(spanMax.nanoseconds)))
        }
        for _ in 0..<workerCrashes {
            let worker = random.below(workers)
            faults.append((moment(&random), .crashWorker(worker, down: span(&random))))
        }
        for _ in 0..<coordinatorCrashes { faults.append((moment(&random), .crashCoordinator(down: span(&random)))) }
        for _ in 0..<diskFailures { faults.append((moment(&random), .failDisk(for: span(&random)))) }
        for _ in 0..<workerPauses {
            let worker = random.below(workers)
            faults.append((moment(&random), .pauseWorker(worker, for: span(&random))))
        }
        for _ in 0..<workerCuts {
            let worker = random.below(workers)
            faults.append((moment(&random), .cutWorker(worker, for: span(&random))))
        }
        return faults
    }
}
