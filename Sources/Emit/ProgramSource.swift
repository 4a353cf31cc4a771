// Prints a program as one C file: the interface, the tensors of the model, the steps of each lane, and what loads
// weights, holds memory and, for several lanes, threads. Input: a program, the face of its model, the prefix of all
// symbols, the instruction set of its kernels. The file includes only headers of the C library, of the system and of
// the compiler; it has no mutable globals.

import Basics
import ProgramIR
import TensorIR

/// A printed program, and what belongs to it.
package struct ProgramSource: Hashable, Sendable {
    package var text: String
    /// What the weights file carries: the digest of `text` with zeros where `text` itself holds this digest.
    package var digest: Digest
    package var weights: WeightsLayout

    /// - Throws: when the program is not valid, cannot be printed, or does not fit the model.
    package init(
        _ program: Program, model: ModelDescription, prefix: String, isa: InstructionSet = .plain
    ) throws(ProgramEmissionError) {
        do { try program.verify() } catch { throw .invalid(error) }
        try checkLanes(program)
        guard isExportName(prefix) else { throw .prefix(prefix) }
        let functions = program.kernels.flatMap { kernel in kernel.phases.indices.map { "\(kernel.name)_\($0)" } }
        guard !functions.contains(prefix) else { throw .prefixTaken(prefix) }
        try checkTensors(program, model)
        weights = try WeightsLayout(program)
        var printer = ProgramPrinter(program: program, model: model, prefix: prefix, isa: isa, weights: weights)
        let zero = [UInt8](repeating: 0, count: 32)
        digest = Digest(of: printer.text(weightsDigest: zero))
        text = printer.text(weightsDigest: digestBytes(digest))
    }
}

/// The C of a program; see `ProgramSource`, which also has what its weights file must carry.
package func emitProgram(
    _ program: Program, model: ModelDescription, prefix: String, isa: InstructionSet = .plain
) throws(ProgramEmissionError) -> String {
    try ProgramSource(program, model: model, prefix: prefix, isa: isa).text
}

/// Whether `name` matches `[a-z][a-z0-9_]{0,62}`.
package func isExportName(_ name: String) -> Bool {
    guard let first = name.utf8.first, (0x61...0x7a).contains(first), name.utf8.count <= 63 else { return false }
    return name.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5f }
}

private func checkLanes(_ program: Program) throws(ProgramEmissionError) {
    guard program.lanes.count <= ProgramLanes.lanesMax else { throw .lanes(program.lanes.count) }
    guard program.lanes.count > 1 || program.counters == 0 else { throw .counters(program.counters) }
    var misfit: ProgramEmissionError?
    for body in program.lanes + program.routines {
        Step.visit(body) { step in
            guard misfit == nil, case .publish(let counter, .literal(let value)) = step else { return }
            if value.integer < 0 || value.integer > ProgramLanes.counterValueMax {
                misfit = .counterValue(counter: counter, value.integer)
            }
        }
    }
    if let misfit { throw misfit }
}

private func checkTensors(_ program: Program, _ model: ModelDescription) throws(ProgramEmissionError) {
    var written: Set<Int> = []
    for (index, buffer) in program.buffers.enumerated() {
        let side: ProgramEmissionError.Side
        let number: Int
        switch buffer.place {
        case .input(let n): (side, number) = (.input, n)
        case .output(let n):
            (side, number) = (.output, n)
            written.insert(n)
        case .constant, .arena: continue
        }
        let tensors = side == .input ? model.inputs : model.outputs
        guard tensors.indices.contains(number) else {
            throw .unknownTensor(side, index: number, count: tensors.count, buffer: index)
        }
        let tensor = tensors[number]
        guard tensor.type.bytes >= buffer.bytes else {
            throw .tensorTooSmall(
                side, index: number, name: tensor.name, bytes: tensor.type.bytes, bufferBytes: buffer.bytes)
        }
    }
    for (n, tensor) in model.outputs.enumerated() where !written.contains(n) {
        throw .outputNeverWritten(index: n, name: tensor.name)
    }
}
