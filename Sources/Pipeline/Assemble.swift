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
    package enum Origin: Hashable, Sendable {
        case weld(Workload, Digest, Schedule)
        /// An operator that is no tensor expression, over operands of these types.
        case extern(Extern, [TensorType], isConstant: [Bool])
    }
    /// Identifier in generated code: `k0`, `k1`, …
    package var name: String
    package var origin: Origin
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

extension AssembledKernel {
    /// What it computes: a workload's digest, or that of the extern with its operands.
    package var workDigest: Digest {
        switch origin {
        case .weld(_, let digest, _): digest
        case .extern(let extern, let types, _):
            Digest(of: "\(extern.name)[\(extern.attributes.joined(separator: ","))](\(types))")
        }
    }

    package var schedule: Schedule? {
        switch origin {
        case .weld(_, _, let schedule): schedule
        case .extern: nil
        }
    }

    fileprivate var key: KernelKey {
        switch origin {
        case .weld(_, let digest, let schedule): .weld(digest, schedule)
        case .extern(let extern, let types, let isConstant): .extern(extern, types, isConstant)
        }
    }
}

private enum KernelKey: Hashable {
    case weld(Digest, Schedule)
    case extern(Extern, [TensorType], [Bool])

    init(_ weld: CoveredWeld) { self = .weld(weld.digest, weld.choice.schedule) }
    init(_ extern: Extern, _ operands: [ValueID], _ parts: RegionParts) {
        self = .extern(
            extern, operands.map { parts.values[$0.index] }, operands.map { parts.sources[$0] != nil })
    }
}

func lowerCover(_ cover: Cover, _ parts: RegionParts) -> [AssembledKernel] {
    var out: [AssembledKernel] = []
    var seen: Set<KernelKey> = []
    func visit(_ order: [CoverPart]) {
        for part in order {
            switch part {
            case .welds(let range):
                for weld in cover.welds[range] where seen.insert(KernelKey(weld)).inserted {
                    let schedule = weld.choice.schedule
                    out.append(
                        AssembledKernel(
                            name: "k\(out.count)", origin: .weld(weld.workload, weld.digest, schedule),
                            kernel: lower(weld.workload, schedule), toolchain: weld.choice.toolchain))
                }
            case .extern(_, let extern, let operands):
                let key = KernelKey(extern, operands, parts)
                guard seen.insert(key).inserted, case .extern(_, let types, let isConstant) = key else { continue }
                out.append(
                    AssembledKernel(
                        name: "k\(out.count)", origin: .extern(extern, types, isConstant: isConstant),
                        kernel: lower(extern, types, isConstant: isConstant), toolchain: nil))
            case .loop(_, _, let body): visit(body)
            case .branch(_, let then, let otherwise):
                visit(then)
                visit(otherwise)
            }
        }
    }
    visit(cover.order)
    return out
}

/// Binds every call's operands to values and collects the constants.
func bind(
    _ cover: Cover, _ kernels: [AssembledKernel], _ graph: Graph, _ parts: RegionParts, _ store: ConstantStore
) -> (graph: TaskGraph, constants: [ConstantBytes]) {
    var binder = Binder(graph, parts, store)
    let number = Dictionary(uniqueKeysWithValues: kernels.enumerated().map { ($1.key, $0) })
    func kernel(_ key: KernelKey) -> Int {
        guard let kernel = number[key] else { preconditionFailure("every kernel of the cover was lowered") }
        return kernel
    }
    func calls(_ order: [CoverPart]) -> [TaskGraph.Call] {
        order.flatMap { part -> [TaskGraph.Call] in
            switch part {
            case .welds(let range):
                return cover.welds[range].map { weld in
                    let at = kernel(KernelKey(weld))
                    let operands = weld.binding.parameters.enumerated().map { slot, value in
                        binder.operand(value, slot: slot, weld.choice.schedule, weld.workload)
                    }
                    let results = zip(weld.workload.results, weld.binding.results).map { slot, value in
                        binder.result(value, weld.interface.layout(ofSlot: slot))
                    }
                    return TaskGraph.Call(kernel: at, operands: operands + results, ns: weld.choice.ns)
                }
            case .extern(let results, let extern, let operands):
                let at = kernel(KernelKey(extern, operands, parts))
                let bound = operands.map { binder.plain($0) } + results.map { binder.result($0, .row) }
                return [TaskGraph.Call(kernel: at, operands: bound)]
            case .loop(let tripCount, let goesOn, let body):
                let bounds = (tripCount.map { binder.plain($0) }, goesOn.map { binder.plain($0) })
                return [TaskGraph.Call(loop: calls(body), tripCount: bounds.0, goesOn: bounds.1)]
            case .branch(let condition, let then, let otherwise):
                return [
                    TaskGraph.Call(
                        branch: binder.plain(condition), then: calls(then), otherwise: calls(otherwise))
                ]
            }
        }
    }
    let made = calls(cover.order)
    let types = kernels.map { assembled -> TaskGraph.KernelType in
        let kernel = assembled.kernel
        let schedule = assembled.schedule?.digest.hex ?? ""
        return TaskGraph.KernelType(
            use: KernelUse(
                name: assembled.name, digest: Digest(of: assembled.workDigest.hex + schedule),
                phases: kernel.phases.map(\.tasks), operandBytes: kernel.buffers.map(\.bytes)),
            scratchBytes: kernel.scratchBytes,
            writes: kernel.buffers.map { $0.role == .output || $0.role == .temporary })
    }
    return (TaskGraph(kernels: types, values: binder.values, calls: made), binder.constants)
}

private struct Binder {
    let graph: Graph
    let store: ConstantStore
    private(set) var values: [TaskGraph.Value] = []
    private(set) var constants: [ConstantBytes] = []
    /// A tensor lies in one buffer per layout that it has in the program.
    private var position: [Place: Int] = [:]
    private var constantPosition: [Digest: Int] = [:]
    private let parts: RegionParts

    init(_ graph: Graph, _ parts: RegionParts, _ store: ConstantStore) {
        self.graph = graph
        self.parts = parts
        self.store = store
        for (n, value) in graph.body.parameters.enumerated() { add(value, .row, .input(n)) }
        for (n, value) in graph.body.results.enumerated() { add(value, .row, .output(n)) }
    }

    private struct Place: Hashable {
        var value: ValueID
        var layout: Layout
    }

    private mutating func add(_ value: ValueID, _ layout: Layout, _ place: ProgramBuffer.Place?) {
        position[Place(value: value, layout: layout)] = values.count
        values.append(TaskGraph.Value(bytes: layout.bytes(parts.values[value.index]), place: place))
    }

    /// A value that a kernel writes, or reads where it was written.
    mutating func result(_ value: ValueID, _ layout: Layout) -> Int {
        var place = value
        while let other = parts.places[place] { place = other }
        if let known = position[Place(value: place, layout: layout)] { return known }
        add(place, layout, nil)
        return values.count - 1
    }

    /// A value that is read row-major and not prepared.
    mutating func plain(_ value: ValueID) -> Int {
        guard let source = parts.sources[value] else { return result(value, .row) }
        return constant(raw(source, parts.values[value.index]))
    }

    mutating func operand(_ value: ValueID, slot: Int, _ schedule: Schedule, _ workload: Workload) -> Int {
        guard let source = parts.sources[value] else { return result(value, schedule.interface.layout(ofSlot: slot)) }
        let bytes = raw(source, parts.values[value.index])
        guard let prepare = schedule.prepares.first(where: { $0.slot == slot }) else { return constant(bytes) }
        let prepared = bytes.withBytes { raw -> [Float] in
            let count = raw.count / MemoryLayout<Float>.stride
            if let base = raw.baseAddress, UInt(bitPattern: base) % UInt(MemoryLayout<Float>.alignment) == 0 {
                let floats = UnsafeBufferPointer(start: base.assumingMemoryBound(to: Float.self), count: count)
                return prepareConstant(workload, schedule, prepare, values: floats)
            }
            // mapped bytes may stand at any address
            var copy = [Float](repeating: 0, count: count)
            copy.withUnsafeMutableBytes { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: raw[..<($0.count)])) }
            return copy.withUnsafeBufferPointer {
                prepareConstant(workload, schedule, prepare, values: $0)
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
