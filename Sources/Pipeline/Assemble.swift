// From a cover to a program's parts: kernels lowered once per (workload, schedule), values bound to buffers, constants
// prepared as their kernels read them.

import Basics
import KernelIR
import Lowering
import ProgramIR
import Rammer
import Schedules
import TensorIR
import Welder

package struct AssembledKernel: Hashable, Sendable {
    /// Identifier in generated code: `k0`, `k1`, …
    package var name: String
    package var workload: Workload
    package var workloadDigest: Digest
    package var schedule: Schedule
    package var kernel: Kernel
    /// Whose object won; `nil` when nobody measured it: the first compiler at hand builds it.
    package var toolchain: Digest?
}

package struct Assembly: Sendable {
    package var cover: Cover
    package var kernels: [AssembledKernel]
    package var program: Program
    /// Bytes of the program's n-th constant.
    package var constants: [ConstantBytes]
    /// The graph the program computes, outputs separated.
    package var graph: Graph
}

func lowerCover(_ cover: Cover) -> [AssembledKernel] {
    var out: [AssembledKernel] = []
    var seen: Set<KernelKey> = []
    for weld in cover.welds where seen.insert(KernelKey(weld)).inserted {
        out.append(
            AssembledKernel(
                name: "k\(out.count)", workload: weld.workload, workloadDigest: weld.digest,
                schedule: weld.choice.schedule, kernel: lower(weld.workload, weld.choice.schedule),
                toolchain: weld.choice.toolchain))
    }
    return out
}

private struct KernelKey: Hashable {
    var workload: Digest
    var schedule: Schedule
    init(_ weld: CoveredWeld) {
        workload = weld.digest
        schedule = weld.choice.schedule
    }
    init(_ kernel: AssembledKernel) {
        workload = kernel.workloadDigest
        schedule = kernel.schedule
    }
}

/// Binds every call's operands to values and collects the constants.
func bind(
    _ cover: Cover, _ kernels: [AssembledKernel], _ graph: Graph, _ store: ConstantStore
) -> (graph: TaskGraph, constants: [ConstantBytes]) {
    var binder = Binder(graph, store)
    let number = Dictionary(uniqueKeysWithValues: kernels.enumerated().map { (KernelKey($1), $0) })
    let calls = cover.welds.map { weld -> TaskGraph.KernelCall in
        guard let kernel = number[KernelKey(weld)] else { preconditionFailure("every covered weld was lowered") }
        let operands = weld.binding.parameters.enumerated().map { slot, value in
            binder.operand(value, slot: slot, kernels[kernel])
        }
        let results = zip(weld.workload.results, weld.binding.results).map { slot, value in
            binder.result(value, weld.interface.layout(ofSlot: slot))
        }
        return TaskGraph.KernelCall(kernel: kernel, operands: operands + results, ns: weld.choice.ns)
    }
    let types = kernels.map { assembled -> TaskGraph.KernelType in
        let kernel = assembled.kernel
        return TaskGraph.KernelType(
            use: KernelUse(
                name: assembled.name, digest: Digest(of: assembled.workloadDigest.hex + assembled.schedule.digest.hex),
                phases: kernel.phases.map(\.tasks), operandBytes: kernel.buffers.map(\.bytes)),
            scratchBytes: kernel.scratchBytes,
            writes: kernel.buffers.map { $0.role == .output || $0.role == .temporary })
    }
    return (TaskGraph(kernels: types, values: binder.values, calls: calls), binder.constants)
}

private struct Binder {
    let graph: Graph
    let store: ConstantStore
    private(set) var values: [TaskGraph.Value] = []
    private(set) var constants: [ConstantBytes] = []
    /// A tensor lies in one buffer per layout that it has in the program.
    private var position: [Place: Int] = [:]
    private var constantPosition: [Digest: Int] = [:]
    private var sources: [ValueID: ConstantSource] = [:]

    init(_ graph: Graph, _ store: ConstantStore) {
        self.graph = graph
        self.store = store
        for (n, value) in graph.body.parameters.enumerated() { add(value, .row, .input(n)) }
        for (n, value) in graph.body.results.enumerated() { add(value, .row, .output(n)) }
        for case .constant(let id, let source) in graph.body.operations { sources[id] = source }
    }

    private struct Place: Hashable {
        var value: ValueID
        var layout: Layout
    }

    private mutating func add(_ value: ValueID, _ layout: Layout, _ place: ProgramBuffer.Place?) {
        position[Place(value: value, layout: layout)] = values.count
        values.append(TaskGraph.Value(bytes: layout.bytes(graph.type(value)), place: place))
    }

    mutating func result(_ value: ValueID, _ layout: Layout) -> Int {
        if let known = position[Place(value: value, layout: layout)] { return known }
        add(value, layout, nil)
        return values.count - 1
    }

    mutating func operand(_ value: ValueID, slot: Int, _ kernel: AssembledKernel) -> Int {
        guard let source = sources[value] else {
            return result(value, kernel.schedule.interface.layout(ofSlot: slot))
        }
        let bytes = raw(source, graph.type(value))
        guard let prepare = kernel.schedule.prepares.first(where: { $0.slot == slot }) else { return constant(bytes) }
        let prepared = bytes.withBytes { raw -> [Float] in
            let count = raw.count / MemoryLayout<Float>.stride
            if let base = raw.baseAddress, UInt(bitPattern: base) % UInt(MemoryLayout<Float>.alignment) == 0 {
                let floats = UnsafeBufferPointer(start: base.assumingMemoryBound(to: Float.self), count: count)
                return prepareConstant(kernel.workload, kernel.schedule, prepare, values: floats)
            }
            // mapped bytes may stand at any address
            var copy = [Float](repeating: 0, count: count)
            copy.withUnsafeMutableBytes { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: raw[..<($0.count)])) }
            return copy.withUnsafeBufferPointer {
                prepareConstant(kernel.workload, kernel.schedule, prepare, values: $0)
            }
        }
        return constant(ConstantBytes(floats: prepared))
    }

    private func raw(_ source: ConstantSource, _ type: TensorType) -> ConstantBytes {
        switch source {
        case .inline(let literals): return ConstantBytes(TensorValue(type, literals: literals).bytes)
        case .data(let digest):
            guard let bytes = store[digest] else { preconditionFailure("a constant without its bytes") }
            return bytes
        }
    }

    /// The value of a constant with these bytes; equal bytes are one constant.
    private mutating func constant(_ bytes: ConstantBytes) -> Int {
        let digest = bytes.withBytes { Digest(of: $0) }
        if let known = constantPosition[digest] { return known }
        constantPosition[digest] = values.count
        values.append(TaskGraph.Value(bytes: bytes.count, place: .constant(constants.count, digest)))
        constants.append(bytes)
        return values.count - 1
    }
}
