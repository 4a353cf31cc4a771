// One final: the finalists of a key, each built alone from the text that its digest covers, as exports build it,
// checked once more in that form, and timed against each other in one process: every finalist once a round, in an order
// of the round. A finalist that cannot take part is reported, and the planner asks for another final without it. The
// object that wins is looked at, so that `explain` can say what the compiler made of it.

import Basics
import Catalog
import DeviceModel
import FarmCore
import FarmTransport
import KernelIR
import Lowering
import Pipeline
import Runtime
import Schedules
import TensorIR
import Tuning

struct FinalRun {
    let final: FinalUnit
    let report: UnitReport
    /// Of the unit's digest: the order of the rounds follows from it.
    let seed: UInt64

    private let digest: Digest
    private let deviceClass: Digest

    init(_ final: FinalUnit, seed: UInt64, _ report: UnitReport) {
        self.final = final
        self.seed = seed
        self.report = report
        digest = final.workload.digest
        deviceClass = final.device.kind.digest
    }

    private struct Finalist {
        var candidate: BuiltCandidate
        var toolchain: Digest
        var source: String
    }

    func execute(_ bench: inout TrialBench?) -> ExecutionOutcome {
        reportSubjects()
        let finalists = lowered()
        switch report.options.measureWith {
        case .real: break
        case .recorded(let table): return madeUp(finalists, RecordedMeasurer(table))
        case .synthetic(let seed): return madeUp(finalists, SyntheticMeasurer(seed: seed))
        }
        let ready: TrialBench
        do { ready = try benchFor(final.device, &bench, report.options) } catch { return .failed(error.sentence) }
        if let absent = finalists.first(where: { ready.compilers[$0.toolchain] == nil }) {
            return .failed(ready.missing(absent.toolchain))
        }
        let built = ready.gate.withCPUWork { compiled(finalists, ready) }
        if report.isCancelled() { return .cancelled }
        report.options.rememberRunning(built.map(\.digest))
        defer { report.options.forgetRunning() }
        let check = CandidateCheck(
            workload: final.workload, digest: digest, deviceClass: deviceClass, tell: report.tell, fail: fail)
        guard let right = ready.gate.withCPUWork({ check.right(built, .uniform, ready) }) else {
            return .failed("the reference of workload \(digest.short) does not run")
        }
        if report.isCancelled() { return .cancelled }
        // those that fell out are on record: another final is asked for if there is anything left to compare
        guard right.count == finalists.count else { return .finished }
        return measured(right, ready)
    }

    private func reportSubjects() {
        report.tell(.workload(WorkloadRow(digest: digest, text: final.workload.text)))
        report.tell(.deviceClass(DeviceClassRow(digest: deviceClass, text: final.device.kind.text)))
    }

    private func lowered() -> [Finalist] {
        final.finalists.map { finalist in
            let kernel = lower(final.workload, finalist.schedule)
            let source = kernelSource(kernel, finalist.schedule.isa)
            let candidate = candidateDigest(
                workload: digest, schedule: finalist.schedule.digest, source: Digest(of: source),
                toolchain: finalist.toolchain)
            return Finalist(
                candidate: BuiltCandidate(
                    digest: candidate, schedule: finalist.schedule, kernel: kernel, expectedNs: finalist.screenNs,
                    symbol: kernelSourceName),
                toolchain: finalist.toolchain, source: source)
        }
    }

    /// An object per finalist, as it would be exported.
    private func compiled(_ finalists: [Finalist], _ bench: TrialBench) -> [BuiltCandidate] {
        let compilers = bench.compilers
        let outcomes = concurrently(finalists.count) { n in
            compilers[finalists[n].toolchain]?.compile(source: finalists[n].source, name: kernelSourceName)
        }
        return zip(finalists, outcomes).compactMap { finalist, outcome in
            switch outcome {
            case .compiled(let object)?:
                var built = finalist.candidate
                built.objectPath = object.path
                return built
            case .failed(let failure)?:
                fail(finalist.candidate.digest, "compile", failure.text)
                return nil
            case nil: return nil
            }
        }
    }

    // MARK: measure

    private func measured(_ candidates: [BuiltCandidate], _ bench: TrialBench) -> ExecutionOutcome {
        let parameters = trialInputs(final.workload, .uniform, seed: digest.seed)
        let request = rounds(candidates, parameters)
        let (outcome, quiet) = bench.gate.withQuietBurst { quiet in (bench.measurer.measureRounds(request), quiet) }
        switch outcome {
        case .failed(let failure): return .failed("a final of workload \(digest.short): \(failure.sentence)")
        case .rounds(let rounds):
            let row = row(candidates, rounds, valid: quiet == .alone)
            report.tell(.final(row))
            let scratch = candidates.map { ($0.digest, $0.kernel.scratchBytes) }
            let first = row.best(scratchBytes: Dictionary(scratch, uniquingKeysWith: { first, _ in first }))
            if let object = candidates.first(where: { $0.digest == first }) { look(at: object, bench) }
            return .finished
        }
    }

    /// All finalists over shared inputs and results; what is prepared alike is there once.
    private func rounds(_ candidates: [BuiltCandidate], _ parameters: [TensorValue]) -> RoundsRequest {
        var pool = OperandPool(workload: final.workload, parameters: parameters)
        let contestants = candidates.map { candidate in
            RoundsRequest.Contestant(
                candidate: candidate.digest, objectPath: candidate.objectPath,
                kernel: KernelCall(
                    symbol: candidate.symbol, phases: candidate.kernel.phases.map(\.tasks),
                    operands: pool.operands(of: candidate), scratchBytes: candidate.kernel.scratchBytes),
                expectedNs: candidate.expectedNs)
        }
        return RoundsRequest(
            contestants: contestants, operands: pool.operands, order: final.order(seed: seed), calls: final.calls,
            constantCopies: constantCopies(pool.operands, final.device))
    }

    private func look(at candidate: BuiltCandidate, _ bench: TrialBench) {
        let counts = bench.gate.withCPUWork {
            ObjectCounts(
                objectPath: candidate.objectPath, target: bench.target, searchPath: report.options.searchPath)
        }
        guard let counts else { return }
        report.tell(
            .objectCheck(
                ObjectCheckRow(
                    candidate: candidate.digest, fullWidthFmas: counts.fullWidthFmas, narrowFmas: counts.narrowFmas,
                    blockSpills: counts.blockSpills)))
    }

    private func row(_ candidates: [BuiltCandidate], _ rounds: Rounds, valid: Bool) -> FinalRow {
        FinalRow(
            key: WinnerKey(
                workload: digest, deviceClass: deviceClass, recipe: final.recipe, interface: final.interface.text),
            worker: report.options.workerName, contestants: candidates.map(\.digest), times: rounds.times,
            valid: valid, attempt: report.attempt())
    }

    private func fail(_ candidate: Digest, _ kind: String, _ reason: String) {
        report.tell(
            .failure(
                FailureRow(
                    candidate: candidate, deviceClass: deviceClass, kind: kind, reason: reason,
                    attempt: report.attempt())))
    }

    /// Recorded and synthetic measurers: nothing is compiled or run; the recipe says so.
    private func madeUp(_ finalists: [Finalist], _ measurer: any Measurer) -> ExecutionOutcome {
        let candidates = finalists.map(\.candidate)
        let request = RoundsRequest(
            contestants: candidates.map {
                .init(
                    candidate: $0.digest, objectPath: "",
                    kernel: KernelCall(symbol: "none", phases: [1], operands: []), expectedNs: $0.expectedNs)
            }, operands: [], order: final.order(seed: seed), calls: final.calls)
        FaultPoint.duringBurst.reached()
        switch measurer.measureRounds(request) {
        case .failed(let failure): return .failed("a made-up final: \(failure.sentence)")
        case .rounds(let rounds):
            report.tell(.final(row(candidates, rounds, valid: true)))
            return .finished
        }
    }
}

/// The buffers of one final: inputs and results are shared, so are constants that are prepared alike.
private struct OperandPool {
    private struct Prepared: Hashable {
        var slot: Int
        var prepare: Prepare?
    }
    private let source: CandidateOperands
    private let parameters: [TensorValue]
    private(set) var operands: [Operand] = []
    private var prepared: [Prepared: Int] = [:]
    private var results: [Int: Int] = [:]

    init(workload: Workload, parameters: [TensorValue]) {
        source = CandidateOperands(workload: workload)
        self.parameters = parameters
    }

    /// Indices into `operands` in the order of the kernel's buffers.
    mutating func operands(of candidate: BuiltCandidate) -> [Int] {
        candidate.kernel.buffers.enumerated().map { n, buffer in
            switch buffer.role {
            case .constant, .input:
                let key = Prepared(slot: n, prepare: candidate.schedule.prepares.first { $0.slot == n })
                if let known = prepared[key] { return known }
                let bytes = source.contents(n, candidate.schedule, parameters[n])
                prepared[key] = add(
                    Operand(buffer.role == .constant ? .constant : .input, bytes: bytes.count, contents: .bytes(bytes)))
                return operands.count - 1
            case .output:
                if let known = results[n] { return known }
                results[n] = add(Operand(.result, bytes: buffer.bytes))
                return operands.count - 1
            case .temporary: return add(Operand(.temporary, bytes: buffer.bytes))
            }
        }
    }

    private mutating func add(_ operand: Operand) -> Int {
        operands.append(operand)
        return operands.count - 1
    }
}
