// The Double interpreter: what a definition and a workload mean. Floats are evaluated in Double and rounded only at
// a cast; integers are exact in Int64 and wrap to their dtype at a cast and when an element is stored. An index out
// of range is a bug of whoever built the definition and traps with the slot, the index and the extent.
// Input: a definition and the tensors in its slots. Output: the tensor it defines.

/// Evaluates `definition`, whose slot i is `operands[i]`; time is nodes x points, memory the result.
package func interpret(_ definition: Definition, _ operands: [TensorValue]) -> TensorValue {
    let slots = Set(definition.slotsRead)
    precondition(slots.allSatisfy(operands.indices.contains), "a definition reads a slot that has no operand")
    return withPinned(operands, slots: slots) { pinned in evaluate(definition, pinned) }
}

/// The values of `workload.results`, given one value per parameter.
package func interpret(_ workload: Workload, parameters: [TensorValue]) -> [TensorValue] {
    precondition(
        parameters.map(\.type) == workload.parameters.map(\.type), "parameter values of another type than declared")
    var values = parameters
    for definition in workload.definitions { values.append(interpret(definition, values)) }
    return workload.results.map { values[$0] }
}

/// Runs `body` while the elements of the slots in `slots` stay where they are.
private func withPinned(
    _ operands: [TensorValue], slots: Set<Int>, _ body: ([PinnedTensor]) -> TensorValue
) -> TensorValue {
    var pinned: [PinnedTensor] = []
    pinned.reserveCapacity(operands.count)
    func pin(_ slot: Int) -> TensorValue {
        guard slot < operands.count else { return body(pinned) }
        let operand = operands[slot]
        guard slots.contains(slot) else {
            pinned.append(PinnedTensor(type: operand.type))
            return pin(slot + 1)
        }
        switch operand.elements {
        case .floats(let values):
            return values.withUnsafeBufferPointer { buffer in
                pinned.append(PinnedTensor(type: operand.type, floats: buffer.baseAddress))
                return pin(slot + 1)
            }
        case .integers(let values):
            return values.withUnsafeBufferPointer { buffer in
                pinned.append(PinnedTensor(type: operand.type, integers: buffer.baseAddress))
                return pin(slot + 1)
            }
        }
    }
    return pin(0)
}

private func evaluate(_ definition: Definition, _ tensors: [PinnedTensor]) -> TensorValue {
    let isFloat = definition.type.dtype.isFloat
    var floats = [Double](repeating: 0, count: isFloat ? definition.type.elements : 0)
    var integers = [Int64](repeating: 0, count: isFloat ? 0 : definition.type.elements)
    let whole = definition.type.shape.map { 0..<$0 }
    func run(_ value: Expr, _ reduction: Evaluation.Reduction?, box: [Range<Int>]) {
        let evaluation = Evaluation(definition.type, value, reduction, box: box, tensors)
        if isFloat {
            evaluation.fill(&floats)
        } else {
            evaluation.fill(&integers)
        }
    }
    switch definition.body {
    case .map(let value): run(value, nil, box: whole)
    case .reduce(let reducer, let extents, let condition, let value):
        run(value, Evaluation.Reduction(reducer: reducer, extents: extents, condition: condition), box: whole)
    case .pieces(let pieces):
        for piece in pieces { run(piece.value, nil, box: piece.box) }
    }
    return isFloat
        ? TensorValue(definition.type, floats: floats) : TensorValue(definition.type, integers: integers)
}

/// One expression over one box of the result.
private struct Evaluation {
    struct Reduction {
        var reducer: Reducer
        var extents: [Int]
        var condition: Expr?
    }

    private let type: TensorType
    private let box: [Range<Int>]
    private let reduction: Reduction?
    private let machine: ExprMachine
    private let root: Int32
    private let condition: Int32?

    init(
        _ type: TensorType, _ value: Expr, _ reduction: Reduction?, box: [Range<Int>], _ tensors: [PinnedTensor]
    ) {
        let axes = box + (reduction?.extents ?? []).map { 0..<$0 }
        var code = ExprCode(slots: tensors.map(\.type), axes: axes)
        precondition(code.dtype(value).isFloat == type.dtype.isFloat, "the expression's dtype is not its definition's")
        root = code.lower(value)
        condition = reduction?.condition.map { code.lower($0) }
        machine = ExprMachine(code: code, tensors: tensors, axisCount: axes.count)
        self.type = type
        self.box = box
        self.reduction = reduction
    }

    func fill(_ out: inout [Double]) {
        let identity = reduction?.reducer.identity(type.dtype).float ?? 0
        eachPoint { offset in
            guard let reduction else {
                out[offset] = machine.float(root)
                return
            }
            var total = identity
            switch reduction.reducer {
            case .sum: eachReductionPoint { total += machine.float(root) }
            case .product: eachReductionPoint { total *= machine.float(root) }
            case .max: eachReductionPoint { total = ScalarRules.apply(.maximum, total, machine.float(root)) }
            case .min: eachReductionPoint { total = ScalarRules.apply(.minimum, total, machine.float(root)) }
            }
            out[offset] = total
        }
    }

    func fill(_ out: inout [Int64]) {
        let identity = reduction?.reducer.identity(type.dtype).integer ?? 0
        eachPoint { offset in
            guard let reduction else {
                out[offset] = ScalarRules.wrapped(machine.integer(root), type.dtype)
                return
            }
            var total = identity
            switch reduction.reducer {
            case .sum: eachReductionPoint { total &+= machine.integer(root) }
            case .product: eachReductionPoint { total &*= machine.integer(root) }
            case .max: eachReductionPoint { total = extreme(.maximum, total) }
            case .min: eachReductionPoint { total = extreme(.minimum, total) }
            }
            out[offset] = ScalarRules.wrapped(total, type.dtype)
        }
    }

    /// The greater or lesser of `total` and the value at this point.
    @inline(__always)
    private func extreme(_ op: BinaryOperator, _ total: Int64) -> Int64 {
        ScalarRules.apply(op, total, ScalarRules.wrapped(machine.integer(root), type.dtype), type.dtype)
    }

    /// Moves the space axes through the box, row-major; `body` gets the element's offset in the result.
    @inline(__always)
    private func eachPoint(_ body: (Int) -> Void) {
        guard box.allSatisfy({ !$0.isEmpty }) else { return }
        let strides = type.strides
        var offset = 0
        for (axis, range) in box.enumerated() {
            machine.axes[axis] = range.lowerBound
            offset += range.lowerBound * strides[axis]
        }
        while true {
            body(offset)
            var axis = box.count - 1
            while axis >= 0 {
                machine.axes[axis] += 1
                offset += strides[axis]
                if machine.axes[axis] < box[axis].upperBound { break }
                offset -= box[axis].count * strides[axis]
                machine.axes[axis] = box[axis].lowerBound
                axis -= 1
            }
            if axis < 0 { return }
        }
    }

    /// Moves the reduction axes through their extents; `body` runs where the condition holds.
    @inline(__always)
    private func eachReductionPoint(_ body: () -> Void) {
        guard let extents = reduction?.extents, extents.allSatisfy({ $0 > 0 }) else { return }
        let first = box.count
        for axis in extents.indices { machine.axes[first + axis] = 0 }
        while true {
            if let condition {
                if machine.integer(condition) != 0 { body() }
            } else {
                body()
            }
            var axis = extents.count - 1
            while axis >= 0 {
                machine.axes[first + axis] += 1
                if machine.axes[first + axis] < extents[axis] { break }
                machine.axes[first + axis] = 0
                axis -= 1
            }
            if axis < 0 { return }
        }
    }
}
