// One trial, in the order in which it can fail: source, compiler, verdict, reading. Every step turns a failure into a
// row that names the candidate and the reason; nothing is retried silently.

import Basics
import Catalog
import DeviceModel
import Emit
import FarmCore
import FarmTransport
import KernelIR
import Lowering
import Pipeline
import Runtime
import Schedules
import TensorIR
import Tuning

/// A reading is cut short once it is this much slower than the incumbent.
private let cutoffRatio = 1.5

/// What every unit of the device thread reports through and is told by.
struct UnitReport {
    let options: TrialOptions
    let tell: (CatalogRow) -> Void
    let isCancelled: () -> Bool
    /// What the planner last told all workers.
    var hints: () -> String = { "" }
    let attempt: () -> String
}

struct TrialRun {
    let trial: TrialUnit
    let report: UnitReport

    private let digest: Digest
    private let interface: Interface
    private let deviceClass: Digest

    init(_ trial: TrialUnit, _ report: UnitReport) {
        self.trial = trial
        self.report = report
        digest = trial.workload.digest
        interface = trial.interface
        deviceClass = trial.device.kind.digest
    }

    func execute(_ bench: inout TrialBench?) -> ExecutionOutcome {
        reportSubjects()
        let candidates = lowered()
        switch report.options.measureWith {
        case .real: break
        case .recorded(let table): return madeUp(candidates, RecordedMeasurer(table))
        case .synthetic(let seed): return madeUp(candidates, SyntheticMeasurer(seed: seed))
        }
        let ready: TrialBench
        do { ready = try benchFor(trial.device, &bench, report.options) } catch { return .failed(error.sentence) }
        guard let compiler = ready.compilers[trial.toolchain] else { return .failed(ready.missing(trial.toolchain)) }
        let built = ready.gate.withCPUWork { compiled(candidates, compiler) }
        if report.isCancelled() { return .cancelled }
        report.options.rememberRunning(built.map(\.digest))
        defer { report.options.forgetRunning() }
        guard let verified = ready.gate.withCPUWork({ verified(built, ready) }) else {
            return .failed("the reference of workload \(digest.short) does not run")
        }
        if report.isCancelled() { return .cancelled }
        return measured(verified, ready)
    }

    /// Rows that later rows refer to; known ones are ignored by the catalog.
    private func reportSubjects() {
        report.tell(.workload(WorkloadRow(digest: digest, text: trial.workload.text)))
        report.tell(.deviceClass(DeviceClassRow(digest: deviceClass, text: trial.device.kind.text)))
        report.tell(.toolchain(ToolchainRow(digest: trial.toolchain, text: trial.toolchainText)))
    }

    private func lowered() -> [BuiltCandidate] {
        trial.entries.map { entry in
            let kernel = lower(trial.workload, entry.schedule)
            let sourceDigest = Digest(of: kernelSource(kernel, entry.schedule.isa))
            let candidate = candidateDigest(
                workload: digest, schedule: entry.schedule.digest, source: sourceDigest, toolchain: trial.toolchain)
            report.tell(
                .candidate(
                    CandidateRow(
                        digest: candidate, workload: digest, interface: interface.text, schedule: entry.schedule.text,
                        sourceDigest: sourceDigest, toolchain: trial.toolchain, scratchBytes: kernel.scratchBytes,
                        predictedNs: entry.predictedNs, lowerBoundNs: entry.lowerBoundNs)))
            return BuiltCandidate(
                digest: candidate, schedule: entry.schedule, kernel: kernel, expectedNs: entry.predictedNs)
        }
    }

    /// A translation unit per processor, candidates with the same register tile in the same one, so that they share
    /// its functions. When a unit does not compile, each candidate of it alone, so the reason finds its candidate.
    private func compiled(_ candidates: [BuiltCandidate], _ compiler: Compiler) -> [BuiltCandidate] {
        let isa = trial.device.kind.isa
        let units = unitsOfFamilies(candidates.map(\.schedule.family), units: trial.device.kind.lanes)
        let sources = units.map { unit in
            let named = unit.map { (name: "c\($0)", kernel: candidates[$0].kernel) }
            let effort: Toolchain.Effort = named.allSatisfy(\.kernel.isLoopsAroundTiles) ? .screening : .full
            return (text: emit(kernels: named, dialect: .c(isa)), effort: effort)
        }
        let outcomes = concurrently(sources.count) { n in
            compiler.compile(source: sources[n].text, name: "trial", effort: sources[n].effort)
        }
        var built: [BuiltCandidate] = []
        for (unit, outcome) in zip(units, outcomes) {
            switch outcome {
            case .compiled(let object):
                built += unit.map { n in
                    var one = candidates[n]
                    (one.objectPath, one.symbol) = (object.path, "c\(n)")
                    return one
                }
            case .failed(let failure) where unit.count == 1: fail(candidates[unit[0]].digest, "compile", failure.text)
            case .failed: built += unit.flatMap { compiled([candidates[$0]], compiler) }
            }
        }
        return built
    }

    /// Candidates that agree with the reference on every input class; `nil` when the reference itself fails.
    private func verified(_ candidates: [BuiltCandidate], _ bench: TrialBench) -> [BuiltCandidate]? {
        let check = CandidateCheck(
            workload: trial.workload, digest: digest, deviceClass: deviceClass, tell: report.tell, fail: fail)
        var standing = candidates
        for inputClass in InputClass.allCases {
            guard let right = check.right(standing, inputClass, bench) else { return nil }
            standing = right
        }
        return standing
    }

    // MARK: measure

    private func measured(_ candidates: [BuiltCandidate], _ bench: TrialBench) -> ExecutionOutcome {
        let parameters = trialInputs(trial.workload, .uniform, seed: digest.seed)
        let key = SearchKey(workload: digest, interface: interface).digest
        let operands = CandidateOperands(workload: trial.workload)
        var rest = candidates
        var incumbent = incumbentNs(in: report.hints(), of: key)
        while !rest.isEmpty {
            if report.isCancelled() { return .cancelled }
            let requests = rest.map { candidate -> MeasureRequest in
                var request = operands.request(candidate, parameters)
                request.settings.cutoffNs = (incumbent ?? 0) * cutoffRatio
                request.settings.constantCopies = constantCopies(request.operands, trial.device)
                return request
            }
            let burst = measureBurst(requests, reference: bench.drift, with: bench.measurer, through: bench.gate)
            tellDrift(burst, bench)
            for (candidate, outcome) in zip(rest, burst.outcomes) { tell(candidate.digest, outcome, burst) }
            for case .reading(let reading) in burst.outcomes {
                incumbent = min(incumbent ?? .infinity, reading.lowerQuartileNs)
            }
            rest.removeFirst(min(rest.count, max(burst.outcomes.count, 1)))
        }
        return .finished
    }

    private func tellDrift(_ burst: BurstResult, _ bench: TrialBench) {
        guard let drift = burst.drift else { return }
        report.tell(
            .drift(
                DriftRow(
                    deviceClass: deviceClass, worker: report.options.workerName, sequence: bench.nextBurst(),
                    beforeNs: drift.before.lowerQuartileNs, afterNs: drift.after.lowerQuartileNs,
                    valid: burst.quiet == .alone)))
    }

    private func tell(_ candidate: Digest, _ outcome: MeasureOutcome, _ burst: BurstResult?) {
        switch outcome {
        case .failed(let failure):
            let isReal = report.options.measureWith == .real
            let kind = isReal ? failure.kind : madeUpFailureKind(failure.kind, recipe: trial.recipe)
            fail(candidate, kind, failure.sentence)
        case .reading(let reading):
            let baseline = trial.device.calibration.referenceNs
            // a correction says how the device stood; beyond twice either way the reference itself was disturbed
            let correction = min(2, max(0.5, burst?.drift?.correction(baselineNs: baseline) ?? 1))
            var flags: [String] = []
            if reading.beside { flags.append("beside") }
            if reading.cut { flags.append("cut") }
            if reading.dropped > 0 { flags.append("dropped:\(reading.dropped)") }
            report.tell(
                .reading(
                    ReadingRow(
                        candidate: candidate, deviceClass: deviceClass, recipe: trial.recipe,
                        worker: report.options.workerName, samplesNs: reading.samplesNs,
                        lowerQuartileNs: reading.lowerQuartileNs, medianNs: reading.medianNs, calls: reading.calls,
                        correction: correction, valid: !reading.beside && !reading.samplesNs.isEmpty,
                        flags: flags.joined(separator: " "), executions: 1, attempt: report.attempt())))
        }
    }

    private func fail(_ candidate: Digest, _ kind: String, _ reason: String) {
        report.tell(
            .failure(
                FailureRow(
                    candidate: candidate, deviceClass: deviceClass, kind: kind, reason: reason,
                    attempt: report.attempt())))
    }

    /// Recorded and synthetic measurers: nothing is compiled or run; the recipe says so.
    private func madeUp(_ candidates: [BuiltCandidate], _ measurer: any Measurer) -> ExecutionOutcome {
        for candidate in candidates {
            report.tell(
                .verdict(
                    VerdictRow(
                        candidate: candidate.digest, deviceClass: deviceClass,
                        inputClass: report.options.measureWith.name, seed: 0, right: true, maxError: 0, tolerance: 0)))
            let request = MeasureRequest(
                candidate: candidate.digest, objectPath: "", symbol: "none",
                phases: candidate.kernel.phases.map(\.tasks), operands: [], scratchBytes: 0,
                predictedNs: candidate.expectedNs)
            FaultPoint.duringBurst.reached()
            tell(candidate.digest, measurer.measure(request), nil)
        }
        return .finished
    }
}

extension CompileFailure {
    /// Reason and the start of what the compiler said.
    var text: String { "\(reason): \(log.prefix(2000))" }
}
