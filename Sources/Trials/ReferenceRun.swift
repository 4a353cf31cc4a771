// The reference of a workload, run once per input class and seed: naive C in double and in f32, compiled together and
// executed in the sandboxed child like any other candidate.

import Basics
import DeviceModel
import Emit
import Runtime
import TensorIR

struct ReferenceResults: Sendable {
    var double: [TensorValue]
    var naive: [TensorValue]
}

enum ReferenceOutcome {
    case results(ReferenceResults)
    case failed(String)
}

struct ReferenceRun {
    let workload: Workload
    private let object: CompiledObject

    enum Build {
        case ready(ReferenceRun)
        case failed(String)
    }

    static func build(_ workload: Workload, _ compiler: Compiler) -> Build {
        let files = [
            SourceFile(name: "reference.c", text: emitReference(workload, name: "reference")),
            SourceFile(name: "naive.c", text: emitNaiveF32(workload, name: "naive")),
        ]
        switch compiler.compile(files, links: ["m"]) {
        case .compiled(let object): return .ready(ReferenceRun(workload: workload, object: object))
        case .failed(let failure): return .failed(failure.log)
        }
    }

    /// Results of both references for these parameters.
    func results(_ parameters: [TensorValue], _ executor: any Executor) -> ReferenceOutcome {
        var out: [[TensorValue]] = []
        for symbol in ["reference", "naive"] {
            let operands = referenceOperandSlots(workload).enumerated().map { position, slot -> Operand in
                if position < workload.parameters.count {
                    return Operand(
                        .input, bytes: parameters[slot].type.elements * 8, contents: .bytes(wide(parameters[slot])))
                }
                let isResult = position < workload.parameters.count + workload.results.count
                return Operand(isResult ? .result : .temporary, bytes: workload.type(ofSlot: slot).elements * 8)
            }
            let call = KernelCall(symbol: symbol, phases: [1], operands: Array(operands.indices))
            let request = ExecuteRequest(
                objectPath: object.path, kernels: [call], operands: operands, timeoutMs: referenceTimeoutMs)
            switch executor.execute(request) {
            case .failed(let failure): return .failed(failure.sentence)
            case .outputs(let outputs):
                out.append(zip(workload.results, outputs).map { narrow(workload.type(ofSlot: $0), $1) })
            }
        }
        return .results(ReferenceResults(double: out[0], naive: out[1]))
    }
}

/// Longest time a reference may take.
private let referenceTimeoutMs = 60_000

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
