// One trial, in the order in which it can fail: source, compiler, verdict, reading. Every step turns a failure into a
// row that names the candidate and the reason; nothing is retried silently.

import Basics
import Catalog
import DeviceModel
import Emit
import FarmCore
import FarmTransport
import Glibc
import KernelIR
import Lowering
import Pipeline
import Runtime
import Schedules
import TensorIR
import Tuning

/// What the device thread keeps between trials.
final class TrialBench {
    let compiler: Compiler
    let measurer: ChildMeasurer
    let reference: MeasureRequest?
    let gate = Gate()

    init(compiler: Compiler, measurer: ChildMeasurer, reference: MeasureRequest?) {
        self.compiler = compiler
        self.measurer = measurer
        self.reference = reference
    }
}

/// A reading is cut short once it is this much slower than the incumbent.
private let cutoffRatio = 1.5

struct TrialRun {
    let trial: TrialUnit
    let options: TrialOptions
    let tell: (CatalogRow) -> Void
    let isCancelled: () -> Bool
    /// What the planner last told all workers.
    let hints: () -> String
    let attempt: () -> String

    private let digest: Digest
    private let interface: String
    private let deviceClass: Digest

    init(
        _ trial: TrialUnit, options: TrialOptions, tell: @escaping (CatalogRow) -> Void,
        isCancelled: @escaping () -> Bool, hints: @escaping () -> String = { "" },
        attempt: @escaping () -> String
    ) {
        self.trial = trial
        self.options = options
        self.tell = tell
        self.isCancelled = isCancelled
        self.hints = hints
        self.attempt = attempt
        digest = trial.workload.digest
        interface = Interface.rowMajor(trial.workload).text
        deviceClass = trial.device.kind.digest
    }

    private struct Candidate {
        var digest: Digest
        var entry: TrialUnit.Entry
        var kernel: Kernel
        var objectPath = ""
        var symbol = ""
    }

    func execute(_ bench: inout TrialBench?) -> ExecutionOutcome {
        reportSubjects()
        let candidates = lowered()
        switch options.measureWith {
        case .real: break
        case .recorded(let table): return madeUp(candidates, RecordedMeasurer(table))
        case .synthetic(let seed): return madeUp(candidates, SyntheticMeasurer(seed: seed))
        }
        if bench == nil {
            switch makeBench() {
            case .success(let made): bench = made
            case .failure(let error): return .failed(error.sentence)
            }
        }
        guard let bench else { return .failed("no bench") }
        guard bench.compiler.digest == trial.toolchain else {
            return .failed(
                "this worker's compiler is \(bench.compiler.digest.short), the job asks for \(trial.toolchain.short); "
                    + "install the compiler that the job names or submit the job anew")
        }
        let built = bench.gate.withCPUWork { compiled(candidates, bench) }
        if isCancelled() { return .cancelled }
        rememberRunning(built)
        defer { if let file = options.runningFile { unlink(file) } }
        guard let verified = bench.gate.withCPUWork({ verified(built, bench) }) else {
            return .failed("the reference of workload \(digest.short) does not run")
        }
        if isCancelled() { return .cancelled }
        return measured(verified, bench)
    }

    /// Rows that later rows refer to; known ones are ignored by the catalog.
    private func reportSubjects() {
        tell(.workload(WorkloadRow(digest: digest, text: trial.workload.text)))
        tell(.deviceClass(DeviceClassRow(digest: deviceClass, text: trial.device.kind.text)))
        tell(.toolchain(ToolchainRow(digest: trial.toolchain, text: trial.toolchainText)))
    }

    private func lowered() -> [Candidate] {
        trial.entries.map { entry in
            let kernel = lower(trial.workload, entry.schedule)
            let source = emit(kernel, name: "kernel", dialect: .c(entry.schedule.isa))
            let sourceDigest = Digest(of: source)
            let candidate = candidateDigest(
                workload: digest, schedule: entry.schedule.digest, source: sourceDigest, toolchain: trial.toolchain)
            tell(
                .candidate(
                    CandidateRow(
                        digest: candidate, workload: digest, interface: interface, schedule: entry.schedule.text,
                        sourceDigest: sourceDigest, toolchain: trial.toolchain, scratchBytes: kernel.scratchBytes,
                        predictedNs: entry.predictedNs, lowerBoundNs: entry.lowerBoundNs)))
            return Candidate(digest: candidate, entry: entry, kernel: kernel)
        }
    }

    private func makeBench() -> Result<TrialBench, RuntimeError> {
        do {
            let toolchains = try Toolchain.find(searchPath: options.searchPath)
            guard let target = CompileTarget(rawValue: trial.device.kind.isa.rawValue) else {
                preconditionFailure("every ISA is a compile target")
            }
            var chosen: Compiler?
            for toolchain in toolchains {
                let compiler = try Compiler(
                    toolchain, target: target, searchPath: options.searchPath, cacheFolder: options.cacheFolder)
                if chosen == nil || compiler.digest == trial.toolchain { chosen = compiler }
                if compiler.digest == trial.toolchain { break }
            }
            guard let compiler = chosen else { return .failure(.compilerNotFound) }
            let measurer = ChildMeasurer(.init(readableFolders: [options.cacheFolder]))
            var reference: MeasureRequest?
            switch compiler.compile(source: ReferenceKernel.source(for: target), name: "drift") {
            case .compiled(let object): reference = ReferenceKernel.request(object, target: target)
            case .failed: reference = nil
            }
            return .success(TrialBench(compiler: compiler, measurer: measurer, reference: reference))
        } catch {
            return .failure(error)
        }
    }

    // MARK: compile

    /// One translation unit for all; when it does not compile, each alone, so the reason finds its candidate.
    private func compiled(_ candidates: [Candidate], _ bench: TrialBench) -> [Candidate] {
        let isa = trial.device.kind.isa
        let named = candidates.enumerated().map { (name: "c\($0.offset)", kernel: $0.element.kernel) }
        switch bench.compiler.compile(source: emit(kernels: named, dialect: .c(isa)), name: "trial") {
        case .compiled(let object):
            return candidates.enumerated().map { n, candidate in
                var built = candidate
                (built.objectPath, built.symbol) = (object.path, "c\(n)")
                return built
            }
        case .failed(let failure) where candidates.count == 1:
            fail(candidates[0], kind: "compile", reason: "\(failure.reason): \(failure.log.prefix(2000))")
            return []
        case .failed: return candidates.flatMap { compiled([$0], bench) }
        }
    }

    /// Durable before the first run: if this process dies now, its next life says what it was running.
    private func rememberRunning(_ candidates: [Candidate]) {
        guard let file = options.runningFile else { return }
        let text = candidates.map(\.digest.hex).joined(separator: "\n")
        // without the file a death is only less well explained
        try? Folder.write(Array(text.utf8), to: file)
    }

    // MARK: verify

    /// Candidates that agree with the reference on both input classes; `nil` when the reference itself fails.
    private func verified(_ candidates: [Candidate], _ bench: TrialBench) -> [Candidate]? {
        guard !candidates.isEmpty else { return [] }
        guard case .ready(let reference) = ReferenceRun.build(trial.workload, bench.compiler) else { return nil }
        var standing = candidates
        for inputClass in InputClass.allCases {
            let seed = digest.seed
            let parameters = trialInputs(trial.workload, inputClass, seed: seed)
            guard case .results(let expected) = reference.results(parameters, bench.measurer) else { return nil }
            standing = standing.filter { candidate in
                verify(candidate, parameters, expected, inputClass, bench)
            }
        }
        return standing
    }

    private func verify(
        _ candidate: Candidate, _ parameters: [TensorValue], _ expected: ReferenceResults, _ inputClass: InputClass,
        _ bench: TrialBench
    ) -> Bool {
        switch bench.measurer.execute(ExecuteRequest(request(candidate, parameters))) {
        case .failed(let failure):
            fail(candidate, kind: failure.kind, reason: failure.sentence)
            return false
        case .outputs(let outputs):
            let results = zip(trial.workload.results, outputs).map { slot, bytes in
                bytes.withUnsafeBytes { TensorValue(trial.workload.type(ofSlot: slot), bytes: $0) }
            }
            let agreement = compare(kernel: results, reference: expected.double, naive: expected.naive)
            tell(
                .verdict(
                    VerdictRow(
                        candidate: candidate.digest, deviceClass: deviceClass, inputClass: inputClass.rawValue, seed: 0,
                        right: agreement.right, maxError: agreement.maxError, tolerance: agreement.tolerance)))
            if let disagreement = agreement.disagreement {
                fail(candidate, kind: "wrong", reason: "\(inputClass.rawValue) inputs: \(disagreement)")
            }
            return agreement.right
        }
    }

    private func request(_ candidate: Candidate, _ parameters: [TensorValue]) -> MeasureRequest {
        let workload = trial.workload
        var operands = parameters.enumerated().map { slot, value -> Operand in
            let role: Operand.Role = workload.parameters[slot].isConstant ? .constant : .input
            let bytes = prepared(candidate, slot, value)
            return Operand(role, bytes: bytes.count, contents: .bytes(bytes))
        }
        for slot in workload.results { operands.append(Operand(.result, bytes: workload.type(ofSlot: slot).bytes)) }
        return MeasureRequest(
            candidate: candidate.digest, objectPath: candidate.objectPath, symbol: candidate.symbol,
            phases: candidate.kernel.phases.map(\.tasks), operands: operands,
            scratchBytes: candidate.kernel.scratchBytes, predictedNs: candidate.entry.predictedNs)
    }

    private func prepared(_ candidate: Candidate, _ slot: Int, _ value: TensorValue) -> [UInt8] {
        guard let prepare = candidate.entry.schedule.prepares.first(where: { $0.slot == slot }),
            case .floats(let doubles) = value.elements
        else { return value.bytes }
        let floats = doubles.map { Float($0) }
        let packed = floats.withUnsafeBufferPointer {
            prepareConstant(trial.workload, candidate.entry.schedule, prepare, values: $0)
        }
        return packed.withUnsafeBytes { Array($0) }
    }

    // MARK: measure

    private func measured(_ candidates: [Candidate], _ bench: TrialBench) -> ExecutionOutcome {
        let parameters = trialInputs(trial.workload, .uniform, seed: digest.seed)
        var rest = candidates
        var incumbent = incumbentNs(in: hints(), of: digest)
        while !rest.isEmpty {
            if isCancelled() { return .cancelled }
            let requests = rest.map { candidate -> MeasureRequest in
                var request = request(candidate, parameters)
                request.settings.cutoffNs = (incumbent ?? 0) * cutoffRatio
                return request
            }
            let burst = measureBurst(requests, reference: bench.reference, with: bench.measurer, through: bench.gate)
            for (candidate, outcome) in zip(rest, burst.outcomes) { tell(candidate, outcome, burst) }
            for case .reading(let reading) in burst.outcomes {
                incumbent = min(incumbent ?? .infinity, reading.lowerQuartileNs)
            }
            rest.removeFirst(min(rest.count, max(burst.outcomes.count, 1)))
        }
        return .finished
    }

    private func tell(_ candidate: Candidate, _ outcome: MeasureOutcome, _ burst: BurstResult?) {
        switch outcome {
        case .failed(let failure):
            let kind =
                options.measureWith == .real ? failure.kind : madeUpFailureKind(failure.kind, recipe: trial.recipe)
            fail(candidate, kind: kind, reason: failure.sentence)
        case .reading(let reading):
            let baseline = trial.device.calibration.referenceNs
            // a correction says how the device stood; beyond twice either way the reference itself was disturbed
            let correction = min(2, max(0.5, burst?.drift?.correction(baselineNs: baseline) ?? 1))
            var flags: [String] = []
            if reading.beside { flags.append("beside") }
            if reading.cut { flags.append("cut") }
            if reading.dropped > 0 { flags.append("dropped:\(reading.dropped)") }
            tell(
                .reading(
                    ReadingRow(
                        candidate: candidate.digest, deviceClass: deviceClass, recipe: trial.recipe,
                        worker: options.workerName, samplesNs: reading.samplesNs,
                        lowerQuartileNs: reading.lowerQuartileNs, medianNs: reading.medianNs, calls: reading.calls,
                        correction: correction, valid: !reading.beside && !reading.samplesNs.isEmpty,
                        flags: flags.joined(separator: " "), executions: 1, attempt: attempt())))
        }
    }

    private func fail(_ candidate: Candidate, kind: String, reason: String) {
        tell(
            .failure(
                FailureRow(
                    candidate: candidate.digest, deviceClass: deviceClass, kind: kind, reason: reason,
                    attempt: attempt())))
    }

    /// Recorded and synthetic measurers: nothing is compiled or run; the recipe says so.
    private func madeUp(_ candidates: [Candidate], _ measurer: any Measurer) -> ExecutionOutcome {
        for candidate in candidates {
            tell(
                .verdict(
                    VerdictRow(
                        candidate: candidate.digest, deviceClass: deviceClass, inputClass: options.measureWith.name,
                        seed: 0, right: true, maxError: 0, tolerance: 0)))
            let request = MeasureRequest(
                candidate: candidate.digest, objectPath: "", symbol: "none",
                phases: candidate.kernel.phases.map(\.tasks), operands: [], scratchBytes: 0,
                predictedNs: candidate.entry.predictedNs)
            FaultPoint.duringBurst.reached()
            tell(candidate, measurer.measure(request), nil)
        }
        return .finished
    }
}
