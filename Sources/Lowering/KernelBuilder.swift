// What every CPU template shares: fresh variables with known ranges, scratch slots, flat addresses, and inlining of
// map definitions into the expression that is stored. All variables are non-negative; `extents[v]` bounds v from above.

import KernelIR
import Schedules
import TensorIR

struct KernelBuilder {
    let workload: Workload
    let interface: Interface
    /// Prepared constants whose axis of this number is stored last.
    private let innermost: [Int: Int]
    /// Elements of each buffer; differs from the tensor's for prepared constants.
    private(set) var buffers: [Buffer]
    /// Exclusive upper bound of each variable; variable 0 is the task.
    private(set) var extents: [Int]
    private var scratchCount = 0
    private(set) var allocs: [Statement] = []

    init(
        _ workload: Workload, _ interface: Interface, tasks: Int, preparedElements: [Int: Int] = [:],
        prepares: [Prepare] = []
    ) {
        self.workload = workload
        self.interface = interface
        var innermost: [Int: Int] = [:]
        for prepare in prepares {
            if case .innermost(let axis) = prepare.form { innermost[prepare.slot] = axis }
        }
        self.innermost = innermost
        extents = [tasks]
        buffers = workload.parameters.enumerated().map { slot, parameter in
            Buffer(
                role: parameter.isConstant ? .constant : .input, dtype: parameter.type.dtype,
                elements: preparedElements[slot] ?? interface.layout(ofSlot: slot).elements(parameter.type))
        }
        for result in workload.results {
            let type = workload.type(ofSlot: result)
            let elements = interface.layout(ofSlot: result).elements(type)
            buffers.append(Buffer(role: .output, dtype: type.dtype, elements: elements))
        }
    }

    mutating func variable(below extent: Int) -> Int {
        extents.append(max(extent, 1))
        return extents.count - 1
    }

    /// A scratch buffer of the task; returns its slot.
    mutating func scratch(_ dtype: DType, _ elements: Int) -> Int {
        let slot = buffers.count + scratchCount
        scratchCount += 1
        allocs.append(.alloc(slot: slot, dtype, elements: elements))
        return slot
    }

    func kernel(tasks: Int, _ body: [Statement]) -> Kernel {
        Kernel(buffers: buffers, phases: [Phase(tasks: tasks, body: allocs + body)])
    }

    func simplified(_ e: Expr) -> Expr { IndexSimplifier(extents: extents).simplify(e) }

    /// The buffer that holds result number `r`.
    func resultBuffer(_ r: Int) -> Int { workload.parameters.count + r }

    /// Address in `slot`'s tensor as it lies.
    func address(ofSlot slot: Int, _ indices: [Expr]) -> Expr {
        var shape = workload.type(ofSlot: slot).shape
        if let axis = innermost[slot] {
            var moved = indices
            moved.append(moved.remove(at: axis))
            shape.append(shape.remove(at: axis))
            return flat(moved, shape)
        }
        return simplified(interface.layout(ofSlot: slot).address(indices, shape: shape))
    }

    /// Address in result number `r` as it lies; its shape is that of the workload's definition.
    func resultAddress(_ r: Int, _ indices: [Expr]) -> Expr { address(ofSlot: workload.results[r], indices) }

    func flat(_ indices: [Expr], _ shape: [Int]) -> Expr {
        let strides = TensorType(.i64, shape).strides
        let sum = zip(indices, strides).reduce(Expr.integer(0)) { $0 + $1.0 * .integer($1.1) }
        return simplified(sum)
    }

    /// `linear` taken apart into one index per extent, row-major.
    func delinearised(_ linear: Expr, _ shape: [Int]) -> [Expr] {
        let strides = TensorType(.i64, shape).strides
        return shape.indices.map { d in
            if shape[d] == 1 { return .integer(0) }
            let over = strides[d] == 1 ? linear : Expr.binary(.floorDivide, linear, .integer(strides[d]))
            return simplified(d == 0 ? over : .binary(.floorModulo, over, .integer(shape[d])))
        }
    }

    /// The expression over buffers for `e`, an expression of a definition whose axes have the values `axes`.
    /// Reads of definitions go through `definition`; `nil` inlines the map that stands there.
    func flattened(
        _ e: Expr, axes: [Expr], definition: (_ index: Int, _ indices: [Expr]) -> Expr?
    ) -> Expr {
        func walk(_ e: Expr, _ axes: [Expr]) -> Expr {
            switch e {
            case .literal: return e
            case .axis(let i): return axes[i]
            case .read(let slot, let indices):
                let at = indices.map { walk($0, axes) }
                guard slot >= workload.parameters.count else {
                    return .read(slot: slot, [address(ofSlot: slot, at)])
                }
                let index = slot - workload.parameters.count
                if let value = definition(index, at) { return value }
                guard case .map(let inner) = workload.definitions[index].body else {
                    preconditionFailure("only maps can be inlined")
                }
                return walk(inner, at)
            case .unary(let op, let a): return .unary(op, walk(a, axes))
            case .cast(let dtype, let a): return .cast(dtype, walk(a, axes))
            case .binary(let op, let a, let b): return .binary(op, walk(a, axes), walk(b, axes))
            case .select(let c, let a, let b): return .select(walk(c, axes), walk(a, axes), walk(b, axes))
            }
        }
        return simplified(walk(e, axes))
    }

    /// `for v in 0 ..< extent`, elided when there is a single step.
    mutating func loop(_ extent: Int, vector: Bool = false, _ body: (inout KernelBuilder, Expr) -> [Statement])
        -> [Statement]
    {
        if extent == 1 { return body(&self, .integer(0)) }
        let v = variable(below: extent)
        let inner = body(&self, .axis(v))
        return [.loop(variable: v, from: .integer(0), to: .integer(extent), step: 1, vector: vector, inner)]
    }

    /// Nested loops over `shape`, the innermost one vectorised.
    mutating func loops(_ shape: [Int], _ body: (inout KernelBuilder, [Expr]) -> [Statement]) -> [Statement] {
        func nest(_ builder: inout KernelBuilder, _ d: Int, _ indices: [Expr]) -> [Statement] {
            guard d < shape.count else { return body(&builder, indices) }
            return builder.loop(shape[d], vector: d == shape.count - 1) { builder, v in
                nest(&builder, d + 1, indices + [v])
            }
        }
        return nest(&self, 0, [])
    }

    /// The steps `first ..< min(first + perTask, total)` of the running task; `body` gets the absolute step.
    mutating func taskSteps(
        total: Int, perTask: Int, _ body: (inout KernelBuilder, Expr) -> [Statement]
    ) -> [Statement] {
        if perTask == 1 { return body(&self, .axis(0)) }
        let v = variable(below: total)
        let inner = body(&self, .axis(v))
        let first = Expr.axis(0) * .integer(perTask)
        let end =
            total % perTask == 0
            ? first + .integer(perTask) : Expr.binary(.minimum, first + .integer(perTask), .integer(total))
        return [.loop(variable: v, from: simplified(first), to: simplified(end), step: 1, vector: false, inner)]
    }
}
