// Interpreting texts on seeded inputs, and what is said about the results. Inputs are drawn as trials draw them, so an
// index stays inside what it indexes; constants that a graph names by digest only are made up from the seed too. A
// program is run with the texts of its kernels; the dtype of a buffer is that of the operands that it is handed to.

import Basics
import KernelIR
import ProgramIR
import TensorIR
import Trials

/// One result in numbers.
struct ResultSummary: Hashable {
    var name: String
    var type: TensorType
    /// Of the bytes.
    var digest: Digest
    var least: Double
    var greatest: Double
    var mean: Double
    /// Elements that are infinite or no number.
    var notFinite: Int
    var first: [Double]

    /// Elements that are shown.
    static let shown = 6

    init(name: String, _ value: TensorValue) {
        self.name = name
        type = value.type
        digest = Digest(of: value.bytes)
        let numbers: [Double]
        switch value.elements {
        case .floats(let floats): numbers = floats
        case .integers(let integers): numbers = integers.map { Double($0) }
        }
        let finite = numbers.filter(\.isFinite)
        least = finite.min() ?? 0
        greatest = finite.max() ?? 0
        mean = finite.isEmpty ? 0 : finite.reduce(0, +) / Double(finite.count)
        notFinite = numbers.count - finite.count
        first = Array(numbers.prefix(ResultSummary.shown))
    }

    var json: JSON {
        .object([
            ("name", .string(name)), ("dtype", .string(type.dtype.rawValue)),
            ("shape", .array(type.shape.map(JSON.integer))), ("digest", .string(digest.hex)),
            ("least", .number(least)), ("greatest", .number(greatest)), ("mean", .number(mean)),
            ("not_finite", .integer(notFinite)), ("first", .array(first.map(JSON.number))),
        ])
    }
}

func summaryText(_ results: [ResultSummary]) -> String {
    var rows = [["result", "type", "least", "greatest", "mean", "not finite", "digest", "first"]]
    for result in results {
        let isFloat = result.type.dtype.isFloat
        rows.append([
            escaped(result.name), "\(result.type)", shown(result.least, isFloat), shown(result.greatest, isFloat),
            shown(result.mean, true), "\(result.notFinite)", result.digest.short,
            result.first.map { shown($0, isFloat) }.joined(separator: " "),
        ])
    }
    return leftAligned(rows, from: 7)
}

/// Five decimals where they say something.
private func shown(_ value: Double, _ isFloat: Bool) -> String {
    guard abs(value) < 1e9, abs(value) >= 1e-4 || value == 0 else { return "\(value)" }
    return fixed(value, isFloat ? 5 : 0)
}

/// What `ir run` runs of a file: its program if it holds one, else its only text.
func runnable(_ file: IRFile) throws(InspectionError) -> IRText {
    let programs = file.parts.filter { $0.kind == .program }
    if programs.count == 1 { return programs[0] }
    guard file.parts.count == 1 else {
        throw .nothingRuns(path: file.path, reason: "it holds \(file.parts.count) texts, not one")
    }
    return file.parts[0]
}

/// Interprets a verified text.
/// - Parameter kernels: the file with the kernels of a program.
func interpret(
    _ text: IRText, path: String, seed: UInt64, kernels: IRFile? = nil
) throws(InspectionError) -> [ResultSummary] {
    do {
        switch text {
        case .workload(let workload):
            let results = TensorIR.interpret(
                workload, parameters: trialInputs(workload, .uniform, seed: seed))
            return zip(workload.results, results).map { ResultSummary(name: "t\($0)", $1) }
        case .graph(let graph):
            let (seeded, constants) = graph.withSeededConstants(seed: seed)
            let inputs = seededValues(graph.body.parameters.map { graph.type($0) }, seed: seed)
            let results = try TensorIR.interpret(seeded, inputs: inputs, constants: constants)
            return zip(graph.outputNames, results).map { ResultSummary(name: $0, $1) }
        case .kernel(let kernel): return try run(kernel, seed: seed)
        case .program(let program):
            guard let kernels, !kernels.kernels.isEmpty || program.kernels.isEmpty else {
                throw InspectionError.kernelsMissing(path: path)
            }
            return try run(program, kernels.kernels, path: kernels.path, seed: seed)
        case .schedule, .device, .calibration:
            throw InspectionError.notRunnable(path: path, kind: text.kind.rawValue)
        }
    } catch let error as InspectionError {
        throw error
    } catch {
        throw .nothingRuns(path: path, reason: sentence(of: error))
    }
}

/// Values for these types, drawn as `run` and `bench` draw a model's inputs.
private func seededValues(_ types: [TensorType], seed: UInt64) -> [TensorValue] {
    zip(types, seededInputs(types, seed: seed)).map { type, bytes in
        bytes.withUnsafeBytes { TensorValue(type, bytes: $0) }
    }
}

private func run(_ kernel: Kernel, seed: UInt64) throws(KernelTrap) -> [ResultSummary] {
    var operands = seededValues(kernel.buffers.map { TensorType($0.dtype, [$0.elements]) }, seed: seed)
    try kernel.execute(&operands)
    return kernel.buffers.indices.filter { kernel.buffers[$0].role == .output }
        .map { ResultSummary(name: "b\($0)", operands[$0]) }
}

// MARK: graphs

extension Graph {
    /// The graph with constants that are named by digest only replaced by made-up ones, and their bytes.
    fileprivate func withSeededConstants(seed: UInt64) -> (Graph, ConstantStore) {
        var store = ConstantStore()
        var out = self
        out.body = seeded(body, seed, &store)
        out.functions = functions.map { Function(body: seeded($0.body, seed, &store)) }
        return (out, store)
    }

    private func seeded(_ region: Region, _ seed: UInt64, _ store: inout ConstantStore) -> Region {
        var out = region
        for (n, operation) in region.operations.enumerated() {
            switch operation {
            case .constant(let id, .data(let digest)):
                let bytes = seededInputs([type(id)], seed: seed ^ digest.seed)[0]
                out.operations[n] = .constant(id, .data(store.add(ConstantBytes(bytes))))
            case .loop(var loop):
                loop.body = seeded(loop.body, seed, &store)
                out.operations[n] = .loop(loop)
            case .branch(var branch):
                branch.then = seeded(branch.then, seed, &store)
                branch.otherwise = seeded(branch.otherwise, seed, &store)
                out.operations[n] = .branch(branch)
            case .constant(_, .inline), .define, .extern, .call: break
            }
        }
        return out
    }
}

// MARK: programs

private func run(
    _ program: Program, _ kernels: [Kernel], path: String, seed: UInt64
) throws -> [ResultSummary] {
    try checkKernels(program, kernels, path: path)
    let types = bufferTypes(program, kernels)
    var inputs: [Int: TensorType] = [:]
    var constants: [Int: TensorType] = [:]
    var outputs: [Int: TensorType] = [:]
    func widen(_ table: inout [Int: TensorType], _ n: Int, _ type: TensorType) {
        if table[n].map({ $0.bytes < type.bytes }) ?? true { table[n] = type }
    }
    for (buffer, type) in zip(program.buffers, types) {
        switch buffer.place {
        case .input(let n): widen(&inputs, n, type)
        case .constant(let n, _): widen(&constants, n, type)
        case .output(let n): widen(&outputs, n, type)
        case .arena: break
        }
    }
    /// Bytes of every tensor up to the last; numbers that no buffer has are empty.
    func contents(_ table: [Int: TensorType], seed: UInt64) -> [[UInt8]] {
        (0..<(table.keys.max().map { $0 + 1 } ?? 0)).map { n in
            table[n].map { seededInputs([$0], seed: seed &+ UInt64(n) &* 7919)[0] } ?? []
        }
    }
    var memory = ProgramMemory(
        program, inputs: contents(inputs, seed: seed), constants: contents(constants, seed: ~seed))
    try program.execute(&memory) { (call, operands) throws(KernelTrap) in
        try kernels[call.kernel].execute(phase: call.phase, tasks: call.tasks, on: operands)
    }
    return outputs.sorted { $0.key < $1.key }.map { n, type in
        let bytes = memory.output(n)
        return ResultSummary(name: "output \(n)", bytes.withUnsafeBytes { TensorValue(type, bytes: $0) })
    }
}

/// The texts must be those of the program's kernels, in its order.
func checkKernels(_ program: Program, _ kernels: [Kernel], path: String) throws(InspectionError) {
    for (n, use) in program.kernels.enumerated() {
        guard n < kernels.count else {
            throw .kernelMismatch(path: path, kernel: n, reason: "it holds \(kernels.count) kernels")
        }
        let tasks = kernels[n].phases.map(\.tasks)
        guard tasks == use.phases else {
            throw .kernelMismatch(path: path, kernel: n, reason: "its phases have \(tasks) tasks, not \(use.phases)")
        }
        let bytes = kernels[n].buffers.map(\.bytes)
        guard bytes == use.operandBytes else {
            throw .kernelMismatch(
                path: path, kernel: n, reason: "its operands have \(bytes) bytes, not \(use.operandBytes)")
        }
    }
}

/// Flat types of a program's buffers: the dtype of the first operand that each is handed to, else bytes.
func bufferTypes(_ program: Program, _ kernels: [Kernel]) -> [TensorType] {
    var dtypes = [DType?](repeating: nil, count: program.buffers.count)
    for steps in program.lanes + program.routines {
        Step.visit(steps) { step in
            guard case .run(let kernel, _, _, _, let operands) = step else { return }
            for (operand, buffer) in zip(operands, kernels[kernel].buffers) where dtypes[operand.buffer] == nil {
                dtypes[operand.buffer] = buffer.dtype
            }
        }
    }
    return zip(program.buffers, dtypes).map { buffer, known in
        let dtype = known ?? .u8
        return buffer.bytes % dtype.bytes == 0
            ? TensorType(dtype, [buffer.bytes / dtype.bytes]) : TensorType(.u8, [buffer.bytes])
    }
}
