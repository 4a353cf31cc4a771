// A candidate between its text and its facts: the operands that its kernel takes, laid out as its schedule says, and
// the comparison of what it computes with the reference. Shared by trials and finals, which must not disagree about
// either.

import Basics
import Catalog
import KernelIR
import Lowering
import Pipeline
import Runtime
import Schedules
import TensorIR
import Tuning

struct BuiltCandidate {
    var digest: Digest
    var schedule: Schedule
    var kernel: Kernel
    /// What the model or screening says of one call.
    var expectedNs: Double
    var objectPath = ""
    var symbol = ""
}

/// What candidates of one workload are given.
struct CandidateOperands {
    let workload: Workload

    /// All buffers of the kernel in its order: parameters in their layouts and prepared, results and temporaries
    /// unwritten.
    func operands(_ candidate: BuiltCandidate, _ parameters: [TensorValue]) -> [Operand] {
        candidate.kernel.buffers.enumerated().map { n, buffer in
            switch buffer.role {
            case .constant, .input:
                let bytes = contents(n, candidate.schedule, parameters[n])
                precondition(bytes.count == buffer.bytes, "a kernel's buffer holds what its schedule lays out")
                return Operand(
                    buffer.role == .constant ? .constant : .input, bytes: bytes.count, contents: .bytes(bytes))
            case .output: return Operand(.result, bytes: buffer.bytes)
            case .temporary: return Operand(.temporary, bytes: buffer.bytes)
            }
        }
    }

    /// Parameter `slot` as the kernel reads it.
    func contents(_ slot: Int, _ schedule: Schedule, _ value: TensorValue) -> [UInt8] {
        if let prepare = schedule.prepares.first(where: { $0.slot == slot }), case .floats(let doubles) = value.elements
        {
            let floats = doubles.map { Float($0) }
            let packed = floats.withUnsafeBufferPointer { prepareConstant(workload, schedule, prepare, values: $0) }
            return packed.withUnsafeBytes { Array($0) }
        }
        return schedule.interface.layout(ofSlot: slot).arranged(value.bytes, value.type)
    }

    /// The results' values in row-major order, or which result is wrong without a look at its values.
    func results(_ schedule: Schedule, _ outputs: [[UInt8]]) -> Result<[TensorValue], HaloDamage> {
        var values: [TensorValue] = []
        for (n, (slot, bytes)) in zip(workload.results, outputs).enumerated() {
            let type = workload.type(ofSlot: slot)
            let (plain, haloIsZero) = schedule.interface.layout(ofSlot: slot).collected(bytes, type)
            guard haloIsZero else { return .failure(HaloDamage(result: n)) }
            values.append(plain.withUnsafeBytes { TensorValue(type, bytes: $0) })
        }
        return .success(values)
    }

    /// The kernel on these parameters.
    func request(_ candidate: BuiltCandidate, _ parameters: [TensorValue]) -> MeasureRequest {
        MeasureRequest(
            candidate: candidate.digest, objectPath: candidate.objectPath, symbol: candidate.symbol,
            phases: candidate.kernel.phases.map(\.tasks), operands: operands(candidate, parameters),
            scratchBytes: candidate.kernel.scratchBytes, predictedNs: candidate.expectedNs)
    }
}

/// The halo of a result is not zero after the run, as every consumer of the layout expects.
struct HaloDamage: Error { var result: Int }

/// Runs candidates once and tells what their results are worth.
struct CandidateCheck {
    let workload: Workload
    let digest: Digest
    let deviceClass: Digest
    let tell: (CatalogRow) -> Void
    let fail: (_ candidate: Digest, _ kind: String, _ reason: String) -> Void

    /// The candidates that agree with the reference on `inputClass`; `nil` when the reference itself fails.
    func right(_ candidates: [BuiltCandidate], _ inputClass: InputClass, _ bench: TrialBench) -> [BuiltCandidate]? {
        guard !candidates.isEmpty else { return [] }
        let parameters = trialInputs(workload, inputClass, seed: digest.seed)
        guard case .results(let expected) = bench.expected(workload, digest, inputClass, parameters) else { return nil }
        return candidates.filter { isRight($0, parameters, expected, inputClass, bench.measurer) }
    }

    private func isRight(
        _ candidate: BuiltCandidate, _ parameters: [TensorValue], _ expected: ReferenceResults,
        _ inputClass: InputClass, _ measurer: ChildMeasurer
    ) -> Bool {
        let operands = CandidateOperands(workload: workload)
        switch measurer.execute(ExecuteRequest(operands.request(candidate, parameters))) {
        case .failed(let failure):
            fail(candidate.digest, failure.kind, failure.sentence)
            return false
        case .outputs(let outputs):
            let agreement: Agreement
            switch operands.results(candidate.schedule, outputs) {
            case .success(let values):
                agreement = compare(
                    kernel: values, reference: expected.double, naive: expected.naive,
                    errorShare: candidate.schedule.algorithm.errorShare)
            case .failure(let damage):
                agreement = Agreement(
                    right: false, maxError: .infinity, tolerance: 0,
                    disagreement: "wrote into the halo of result \(damage.result), or left it unwritten")
            }
            tell(
                .verdict(
                    VerdictRow(
                        candidate: candidate.digest, deviceClass: deviceClass, inputClass: inputClass.rawValue, seed: 0,
                        right: agreement.right, maxError: agreement.maxError, tolerance: agreement.tolerance)))
            if let disagreement = agreement.disagreement {
                fail(candidate.digest, "wrong", "\(inputClass.rawValue) inputs: \(disagreement)")
            }
            return agreement.right
        }
    }
}
