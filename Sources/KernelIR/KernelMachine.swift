// Runs the tasks of one phase over its slots: floats in Double and rounded by casts only, integers exact and wrapped
// when stored. The first access that has no meaning ends the run with a KernelTrap.

import TensorIR

struct KernelMachine {
    private let code: KernelCode
    private let phase: Int
    private let operands: Int
    private var variables: [Int64]
    private(set) var slots: [SlotMemory]
    private var task: Int32 = 0
    private var vector: VectorScope?
    private var stamp = 0

    /// `operands` are the kernel's buffers; scratch is added here.
    init(_ code: KernelCode, phase: Int, operands: [SlotMemory]) {
        self.code = code
        self.phase = phase
        self.operands = operands.count
        variables = [Int64](repeating: 0, count: code.variables)
        slots = operands
        for index in slots.indices { slots[index].beginPhase() }
        for scratch in code.slots.dropFirst(operands.count) {
            slots.append(SlotMemory(dtype: scratch.dtype, elements: scratch.elements, shared: false))
        }
    }

    mutating func run(task: Int) throws(KernelTrap) {
        self.task = Int32(task)
        variables[0] = Int64(task)
        for index in slots.indices.dropFirst(operands) { slots[index].forget() }
        try run(code.body)
    }

    private func trap(_ kind: KernelTrap.Kind, slot: Int, index: Int) -> KernelTrap {
        KernelTrap(kind, phase: phase, task: Int(task), slot: slot, index: index, operands: operands)
    }

    private mutating func run(_ body: [KernelCode.Instruction]) throws(KernelTrap) {
        for instruction in body {
            switch instruction {
            case .bind(let variable, let value): variables[variable] = try integer(value)
            case .loop(let variable, let from, let to, let step, let isVector, let inner):
                try loop(variable, try integer(from), try integer(to), step, isVector, inner)
            case .alloc(let slot): slots[slot].forget()
            case .map(let slot, let index, let value):
                let at = Int(try integer(index))
                if slots[slot].dtype.isFloat {
                    let value = try float(value)
                    try noteWrite(slot, at)
                    slots[slot].floats[at] = value
                } else {
                    let value = try integer(value)
                    try noteWrite(slot, at)
                    slots[slot].integers[at] = ScalarRules.wrapped(value, slots[slot].dtype)
                }
            case .reduce(let reduction): try reduce(reduction)
            case .contract(let contraction): try contract(contraction)
            case .tile(let code): try tile(code)
            case .when(let condition, let inner): if try integer(condition) != 0 { try run(inner) }
            }
        }
    }

    private mutating func loop(
        _ variable: Int, _ from: Int64, _ to: Int64, _ step: Int64, _ isVector: Bool, _ inner: [KernelCode.Instruction]
    ) throws(KernelTrap) {
        let outer = vector
        if isVector { vector = VectorScope(variable: variable, first: stamp + 1, iteration: stamp) }
        var at = from
        while at < to {
            if isVector {
                stamp += 1
                vector?.iteration = stamp
            }
            variables[variable] = at
            try run(inner)
            let (next, overflow) = at.addingReportingOverflow(step)
            if overflow { break }
            at = next
        }
        vector = outer
    }

    private mutating func reduce(_ reduction: KernelCode.Reduction) throws(KernelTrap) {
        let at = Int(try integer(reduction.index))
        let identity = reduction.reducer.identity(reduction.dtype)
        if reduction.dtype.isFloat {
            var total = identity.float
            try eachPoint(reduction, axis: 0) { machine throws(KernelTrap) in
                let value = try machine.float(reduction.value)
                switch reduction.reducer {
                case .sum: total += value
                case .product: total *= value
                case .max: total = ScalarRules.apply(.maximum, total, value)
                case .min: total = ScalarRules.apply(.minimum, total, value)
                }
            }
            try noteWrite(reduction.slot, at)
            slots[reduction.slot].floats[at] = total
        } else {
            var total = identity.integer
            try eachPoint(reduction, axis: 0) { machine throws(KernelTrap) in
                let value = try machine.integer(reduction.value)
                switch reduction.reducer {
                case .sum: total &+= value
                case .product: total &*= value
                case .max, .min:
                    let op = reduction.reducer == .max ? BinaryOperator.maximum : .minimum
                    let element = ScalarRules.wrapped(value, reduction.dtype)
                    total = ScalarRules.apply(op, total, element, reduction.dtype)
                }
            }
            try noteWrite(reduction.slot, at)
            slots[reduction.slot].integers[at] = ScalarRules.wrapped(total, reduction.dtype)
        }
    }

    private mutating func eachPoint(
        _ reduction: KernelCode.Reduction, axis: Int, _ body: (inout KernelMachine) throws(KernelTrap) -> Void
    ) throws(KernelTrap) {
        guard axis < reduction.axes.count else {
            if let condition = reduction.condition, try integer(condition) == 0 { return }
            return try body(&self)
        }
        let (variable, from, to) = reduction.axes[axis]
        var at = try integer(from)
        let end = try integer(to)
        while at < end {
            variables[variable] = at
            try eachPoint(reduction, axis: axis + 1, body)
            at += 1
        }
    }

    private mutating func contract(_ contraction: KernelCode.Contraction) throws(KernelTrap) {
        let c = contraction.shape
        let accAt = Int(try integer(contraction.accIndex))
        let aAt = Int(try integer(contraction.aIndex))
        let bAt = Int(try integer(contraction.bIndex))
        let depth = max(0, Int(try integer(contraction.depth)))
        for k in 0..<depth {
            for i in 0..<c.rows { try noteRead(c.a, aAt &+ i &* c.aRow &+ k &* c.aStep) }
            for j in 0..<c.columns { try noteRead(c.b, bAt &+ k &* c.bStride &+ j) }
        }
        for i in 0..<c.rows {
            var sums = [Double](repeating: 0, count: c.columns)
            for k in 0..<depth {
                let left = slots[c.a].floats[aAt + i * c.aRow + k * c.aStep]
                let row = bAt + k * c.bStride
                for j in 0..<c.columns { sums[j] += left * slots[c.b].floats[row + j] }
            }
            for j in 0..<c.columns {
                let at = accAt &+ i &* c.accStride &+ j
                if c.accumulate {
                    try noteRead(c.acc, at)
                    sums[j] += slots[c.acc].floats[at]
                }
                try noteWrite(c.acc, at)
                slots[c.acc].floats[at] = sums[j]
            }
        }
    }

    private mutating func tile(_ code: KernelCode.TileCode) throws(KernelTrap) {
        let tile = code.shape
        let (aAt, bAt) = (Int(try integer(code.aIndex)), Int(try integer(code.bIndex)))
        let depth = max(0, Int(try integer(code.depth)))
        var starts: [Int] = []
        for walk in code.walks { starts.append(Int(try integer(walk))) }
        // displacements of a over one step of the depth, in the order of b
        var steps = [0]
        for run in tile.inner { steps = steps.flatMap { base in (0..<run.extent).map { base + $0 * run.aStep } } }
        let firstWalk = tile.from == nil ? 0 : 1
        var sums = [Double](repeating: 0, count: tile.rows * tile.columns)
        if let from = tile.from {
            for i in 0..<tile.rows {
                for j in 0..<tile.columns {
                    let at = starts[0] + from.offset(i, j)
                    try noteRead(from.slot, at)
                    sums[i * tile.columns + j] = slots[from.slot].floats[at]
                }
            }
        }
        var row = bAt
        for outer in 0..<depth {
            for step in steps {
                for j in 0..<tile.columns { try noteRead(tile.b, row + j) }
                for i in 0..<tile.rows {
                    let at = aAt + tile.aRows[i] + outer * tile.aStep + step
                    try noteRead(tile.a, at)
                    let left = slots[tile.a].floats[at]
                    for j in 0..<tile.columns { sums[i * tile.columns + j] += left * slots[tile.b].floats[row + j] }
                }
                row += tile.bStride
            }
        }
        for i in 0..<tile.rows {
            for j in 0..<tile.stored {
                var leaves = [sums[i * tile.columns + j]]
                for (n, operand) in tile.operands.enumerated() {
                    let at = starts[firstWalk + 1 + n] + operand.offset(i, j)
                    try noteRead(operand.slot, at)
                    leaves.append(slots[operand.slot].floats[at])
                }
                let at = starts[firstWalk] + tile.into.offset(i, j)
                try noteWrite(tile.into.slot, at)
                slots[tile.into.slot].floats[at] = Tile.evaluate(tile.value, leaves)
            }
        }
    }

    private mutating func noteRead(_ slot: Int, _ index: Int) throws(KernelTrap) {
        if let kind = slots[slot].noteRead(index, task: task, vector) { throw trap(kind, slot: slot, index: index) }
    }

    private mutating func noteWrite(_ slot: Int, _ index: Int) throws(KernelTrap) {
        if let kind = slots[slot].noteWrite(index, task: task, vector) { throw trap(kind, slot: slot, index: index) }
    }

    private mutating func float(_ at: KernelCode.Root) throws(KernelTrap) -> Double {
        let node = code.nodes[Int(at)]
        switch node.step {
        case .floatLiteral: return code.floats[Int(node.a)]
        case .floatRead:
            let index = Int(try integer(node.b))
            try noteRead(Int(node.a), index)
            return slots[Int(node.a)].floats[index]
        case .floatUnary: return ScalarRules.apply(node.unary, try float(node.a))
        case .floatBinary:
            let left = try float(node.a)
            return ScalarRules.apply(node.binary, left, try float(node.b))
        case .floatSelect: return try integer(node.a) != 0 ? try float(node.b) : try float(node.c)
        case .floatRound: return ScalarRules.rounded(try float(node.a), node.dtype)
        case .floatFromInteger: return ScalarRules.float(try integer(node.a), from: .i64, node.dtype)
        case .floatFromUnsigned: return ScalarRules.float(try integer(node.a), from: .u64, node.dtype)
        case .integerLiteral, .variable, .integerRead, .integerUnary, .integerBinary, .integerSelect, .integerWrap,
            .integerFromFloat, .compareFloats, .isNaN:
            preconditionFailure("an integer expression where a float is needed")
        }
    }

    private mutating func integer(_ at: KernelCode.Root) throws(KernelTrap) -> Int64 {
        let node = code.nodes[Int(at)]
        switch node.step {
        case .integerLiteral: return code.integers[Int(node.a)]
        case .variable: return variables[Int(node.a)]
        case .integerRead:
            let index = Int(try integer(node.b))
            try noteRead(Int(node.a), index)
            return slots[Int(node.a)].integers[index]
        case .integerUnary: return ScalarRules.apply(node.unary, try integer(node.a), node.dtype)
        case .integerBinary:
            let left = try integer(node.a)
            return ScalarRules.apply(node.binary, left, try integer(node.b), node.dtype)
        case .integerSelect: return try integer(node.a) != 0 ? try integer(node.b) : try integer(node.c)
        case .integerWrap: return ScalarRules.wrapped(try integer(node.a), node.dtype)
        case .integerFromFloat: return ScalarRules.integer(try float(node.a), node.dtype)
        case .compareFloats:
            let left = try float(node.a)
            return ScalarRules.holds(node.binary, left, try float(node.b)) ? 1 : 0
        case .isNaN: return try float(node.a).isNaN ? 1 : 0
        case .floatLiteral, .floatRead, .floatUnary, .floatBinary, .floatSelect, .floatRound, .floatFromInteger,
            .floatFromUnsigned:
            preconditionFailure("a float expression where an integer is needed")
        }
    }
}
