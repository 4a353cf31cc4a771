// The worker's side of the farm: one unit in, facts out. Expansion is pure; trials and finals lower, emit, compile,
// verify and measure, and report every fact as soon as it is known, so that a death loses at most what was running.
// The device thread owns compilers and measuring child; everything a unit needs comes with the unit.

import Basics
import Catalog
import DeviceModel
import FarmCore
import FarmTransport
import Glibc
import Roller
import Runtime
import Schedules
import Synchronization
import TensorIR
import Tuning

/// How readings are taken.
package enum MeasureWith: Hashable, Sendable {
    case real
    /// From a table of recorded outcomes.
    case recorded(RecordedTable)
    /// Made up from a seed and the prediction.
    case synthetic(seed: UInt64)

    package static func == (a: MeasureWith, b: MeasureWith) -> Bool { a.name == b.name }
    package func hash(into hasher: inout Hasher) { hasher.combine(name) }

    /// Part of the recipe: made-up readings never meet real ones.
    package var name: String {
        switch self {
        case .real: "real"
        case .recorded(let table): "recorded:" + Digest(of: table.text).short
        case .synthetic(let seed): "synthetic:\(seed)"
        }
    }
}

package struct TrialOptions: Sendable {
    package var measureWith: MeasureWith
    /// Names this worker in rows; unique per process.
    package var workerName: String
    package var searchPath: String
    package var cacheFolder: String
    /// Holds the digests of candidates that are about to run for the first time; `nil` keeps no such file.
    package var runningFile: String?
    package init(
        measureWith: MeasureWith, workerName: String, searchPath: String, cacheFolder: String, runningFile: String?
    ) {
        self.measureWith = measureWith
        self.workerName = workerName
        self.searchPath = searchPath
        self.cacheFolder = cacheFolder
        self.runningFile = runningFile
    }
}

extension TrialOptions {
    /// Durable before the first run: if this process dies now, its next life says what it was running.
    func rememberRunning(_ candidates: [Digest]) {
        guard let runningFile else { return }
        let text = candidates.map(\.hex).joined(separator: "\n")
        // without the file a death is only less well explained
        try? Folder.write(Array(text.utf8), to: runningFile)
    }

    func forgetRunning() {
        if let runningFile { unlink(runningFile) }
    }
}

/// The bench for a device, made when there is none yet or the present one compiles for another instruction set.
func benchFor(_ device: Device, _ bench: inout TrialBench?, _ options: TrialOptions) throws(RuntimeError) -> TrialBench
{
    let target = CompileTarget(device.kind.isa)
    if let bench, bench.target == target { return bench }
    let made = try TrialBench(target, options)
    bench = made
    return made
}

package final class TrialExecutor: UnitExecutor {
    let options: TrialOptions
    private let benchLock = Mutex<Void>(())
    /// Guarded by `benchLock`; made and used on the device thread, which owns the compilers and the child.
    nonisolated(unsafe) private var bench: TrialBench?
    private let attempts = Atomic<Int>(0)

    package init(_ options: TrialOptions) { self.options = options }

    package func execute(
        _ unit: WorkUnit, hints: @escaping @Sendable () -> String, report: @escaping @Sendable (Fact) -> Void,
        isCancelled: @escaping @Sendable () -> Bool
    ) -> ExecutionOutcome {
        let parsed: TuningUnit
        do { parsed = try TuningUnit(parsing: unit.body) } catch { return .failed(error.sentence) }
        let tell: @Sendable (CatalogRow) -> Void = { report(Fact(key: $0.key, body: $0.canonicalText)) }
        let report = UnitReport(
            options: options, tell: tell, isCancelled: isCancelled, hints: hints,
            attempt: { "\(self.options.workerName)-\(self.attempts.add(1, ordering: .relaxed).newValue)" })
        switch parsed {
        case .expand(let expand):
            runExpansion(expand, unit: unit.digest, tell)
            return .finished
        case .trial(let trial):
            let run = TrialRun(trial, report)
            return benchLock.withLock { _ in run.execute(&bench) }
        case .final(let final):
            let run = FinalRun(final, seed: unit.digest.seed, report)
            return benchLock.withLock { _ in run.execute(&bench) }
        }
    }
}

/// Constructs the candidates of each root and reports one expansion per root.
func runExpansion(_ expand: ExpandUnit, unit: Digest, _ tell: (CatalogRow) -> Void) {
    let workload = expand.workload
    let digest = workload.digest
    let calibration = expand.device.calibration
    tell(.workload(WorkloadRow(digest: digest, text: workload.text)))
    tell(.deviceClass(DeviceClassRow(digest: expand.device.kind.digest, text: expand.device.kind.text)))
    tell(
        .calibration(
            CalibrationRow(digest: calibration.digest, deviceClass: expand.device.kind.digest, text: calibration.text)))
    for root in expand.roots {
        let ranked = construct(workload, expand.interface, expand.device, ConstructLimits(), roots: [root])
        let rejects = ranked.rejections.map { "\($0.count) \($0.kind): \($0.example.sentence)" }.joined(separator: "\n")
        tell(
            .expansion(
                ExpansionRow(
                    unit: unit, workload: digest, calibration: calibration.digest,
                    interface: expand.interface.text, root: root.text,
                    schedules: expansionText(ranked.entries), predictedNs: ranked.entries.map(\.prediction.ns),
                    lowerBoundNs: ranked.entries.map(\.prediction.lowerBoundNs), rejects: rejects)))
    }
}
