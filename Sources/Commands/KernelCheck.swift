// Whether benched kernels compute their workload: naive C in double and in f32, run once per class of inputs in the
// measuring child, against what each kernel leaves in its results, element by element, halos included.
//
// In:  a workload, compiled kernels.  Out: per kernel nothing, or the first thing that is wrong with it.

import Basics
import Emit
import Runtime
import Schedules
import TensorIR
import Trials

struct KernelCheck {
    /// Longest time a reference may take.
    private static let referenceTimeoutMs = 120_000

    let workload: Workload
    let bench: KernelBench
    private let references: [Reference]

    private struct Reference {
        var inputClass: InputClass
        var operands: KernelOperands
        var double: [TensorValue]
        var naive: [TensorValue]
    }

    /// Compiles and runs the references.
    init(_ problem: KernelProblem, _ bench: KernelBench) throws(KernelBenchError) {
        let workload = problem.workload
        self.workload = workload
        self.bench = bench
        let files = [
            SourceFile(name: "reference.c", text: emitReference(workload, name: "reference")),
            SourceFile(name: "naive.c", text: emitNaiveF32(workload, name: "naive")),
        ]
        let path: String
        switch bench.gate.withCPUWork({ bench.local.compiler.compile(files, links: ["m"]) }) {
        case .compiled(let object): path = object.path
        case .failed(let failure):
            throw .reference(shape: problem.shape.text, reason: "\(failure.reason): \(failure.log)")
        }
        var made: [Reference] = []
        for inputClass in InputClass.allCases {
            let parameters = trialInputs(workload, inputClass, seed: workload.digest.seed)
            var results: [[TensorValue]] = []
            for symbol in ["reference", "naive"] {
                let request = KernelCheck.request(workload, parameters, path, symbol)
                switch bench.gate.withCPUWork({ bench.measurer.execute(request) }) {
                case .failed(let failure): throw .reference(shape: problem.shape.text, reason: failure.sentence)
                case .outputs(let outputs):
                    results.append(zip(workload.results, outputs).map { narrow(workload.type(ofSlot: $0), $1) })
                }
            }
            made.append(
                Reference(
                    inputClass: inputClass, operands: KernelOperands(workload, parameters), double: results[0],
                    naive: results[1]))
        }
        references = made
    }

    /// What is wrong with a kernel; `nil` when it agrees on every class of inputs.
    func fault(_ kernel: BenchKernel) -> String? {
        for reference in references {
            switch bench.run(kernel, reference.operands) {
            case .failed(let failure): return failure.sentence
            case .outputs(let outputs):
                var values: [TensorValue] = []
                for (n, (slot, bytes)) in zip(workload.results, outputs).enumerated() {
                    let type = workload.type(ofSlot: slot)
                    let (plain, haloIsZero) = kernel.schedule.interface.layout(ofSlot: slot).collected(bytes, type)
                    guard haloIsZero else { return "wrote into the halo of result \(n), or left it unwritten" }
                    values.append(plain.withUnsafeBytes { TensorValue(type, bytes: $0) })
                }
                let agreement = compare(
                    kernel: values, reference: reference.double, naive: reference.naive,
                    errorShare: kernel.schedule.algorithm.errorShare)
                if let disagreement = agreement.disagreement {
                    return "\(reference.inputClass.rawValue) inputs: \(disagreement)"
                }
            }
        }
        return nil
    }

    /// The operands of a reference: every tensor that is not a parameter lies behind those, 8 bytes an element.
    private static func request(
        _ workload: Workload, _ parameters: [TensorValue], _ path: String, _ symbol: String
    ) -> ExecuteRequest {
        let operands = referenceOperandSlots(workload).enumerated().map { position, slot -> Operand in
            if position < workload.parameters.count {
                let bytes = wide(parameters[slot])
                return Operand(.input, bytes: bytes.count, contents: .bytes(bytes))
            }
            let isResult = position < workload.parameters.count + workload.results.count
            return Operand(isResult ? .result : .temporary, bytes: workload.type(ofSlot: slot).elements * 8)
        }
        let call = KernelCall(symbol: symbol, phases: [1], operands: Array(operands.indices))
        return ExecuteRequest(objectPath: path, kernels: [call], operands: operands, timeoutMs: referenceTimeoutMs)
    }
}

/// References store floats as double and everything else as int64.
private func wide(_ value: TensorValue) -> [UInt8] {
    switch value.elements {
    case .floats(let floats): floats.withUnsafeBytes { Array($0) }
    case .integers(let integers): integers.withUnsafeBytes { Array($0) }
    }
}

private func narrow(_ type: TensorType, _ bytes: [UInt8]) -> TensorValue {
    bytes.withUnsafeBytes { raw in
        type.dtype.isFloat
            ? TensorValue(
                type, floats: (0..<type.elements).map { raw.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self) })
            : TensorValue(
                type, integers: (0..<type.elements).map { raw.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self) })
    }
}

enum KernelBenchError: Explained, Equatable {
    case reference(shape: String, reason: String)
    case nothingRuns(shape: String, reason: String)
    case probe(reason: String)

    var sentence: String {
        switch self {
        case .reference(let shape, let reason):
            "the reference of \(shape) does not run: \(escaped(reason, limit: 2000))"
        case .nothingRuns(let shape, let reason):
            "no kernel of \(shape) can be timed; the first failed so: \(escaped(reason, limit: 2000))"
        case .probe(let reason): "the multiply-add probe cannot be timed: \(escaped(reason, limit: 2000))"
        }
    }
}
