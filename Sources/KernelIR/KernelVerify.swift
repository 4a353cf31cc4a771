// Checks every invariant of Kernel.swift without running the kernel: numbering and scope of variables and slots,
// dtypes, roles, phase order of temporaries, literal extents of contractions. A kernel that passes can be printed
// by any emitter; whether its indices stay inside its buffers and its tasks are independent, only a run can tell
// (`Kernel.execute`).

import TensorIR

extension Kernel {
    /// Most tasks of a phase.
    package static let tasksMax = Int(Int32.max)

    /// Throws the first broken invariant in the order of the text.
    package func verify() throws(KernelError) {
        let count = buffers.count
        guard !phases.isEmpty else { throw KernelError(.noPhase, at: nil, operands: count) }
        for (slot, buffer) in buffers.enumerated() where buffer.elements < 1 {
            throw KernelError(.emptyBuffer(slot: slot, elements: buffer.elements), at: nil, operands: count)
        }
        var written = [Bool](repeating: false, count: count)
        for (index, phase) in phases.enumerated() {
            var checker = PhaseChecker(self, phase: index, writtenBefore: written)
            try checker.check(phase)
            for slot in written.indices where checker.written[slot] { written[slot] = true }
        }
        for (slot, buffer) in buffers.enumerated() where buffer.role == .output && !written[slot] {
            throw KernelError(.outputNeverWritten(slot: slot), at: nil, operands: count)
        }
    }
}

struct PhaseChecker {
    private let operands: [Buffer]
    private let phase: Int
    private let writtenBefore: [Bool]
    private var statement = 0
    private var dtypes: [DType]
    private var nextVariable = 1
    private var visible: Set<Int> = [0]
    private var insideVector = false
    /// Operands written by this phase.
    private(set) var written: [Bool]

    init(_ kernel: Kernel, phase: Int, writtenBefore: [Bool]) {
        operands = kernel.buffers
        self.phase = phase
        self.writtenBefore = writtenBefore
        dtypes = kernel.buffers.map(\.dtype)
        written = [Bool](repeating: false, count: kernel.buffers.count)
    }

    mutating func check(_ phase: Phase) throws(KernelError) {
        guard phase.tasks > 0, phase.tasks <= Kernel.tasksMax else { throw error(.noTasks(phase.tasks)) }
        try check(phase.body, depth: 0)
    }

    func error(_ fault: KernelError.Fault) -> KernelError {
        KernelError(fault, at: KernelError.Place(phase: phase, statement: statement), operands: operands.count)
    }

    private mutating func check(_ body: [Statement], depth: Int) throws(KernelError) {
        guard depth < Kernel.nestingMax else { throw error(.blocks(depth + 1)) }
        let outside = visible
        for item in body {
            statement += 1
            switch item {
            case .bind(let variable, let value):
                try expect(.i64, value, .binding)
                try introduce(variable)
            case .loop(let variable, let from, let to, let step, let vector, let inner):
                try check(variable, from, to, step, vector, inner, depth: depth)
            case .alloc(let slot, let dtype, let elements):
                guard depth == 0 else { throw error(.nestedAlloc(slot: slot)) }
                guard slot == dtypes.count else { throw error(.scratchOrder(found: slot, expected: dtypes.count)) }
                guard elements > 0 else { throw error(.emptyAlloc(slot: slot, elements: elements)) }
                dtypes.append(dtype)
            case .map(let slot, let index, let value):
                let stored = try write(slot)
                try expect(.i64, index, .index)
                try expect(stored, value, .value)
            case .reduce(let reduce): try check(reduce)
            case .contract(let contract): try check(contract)
            case .tile(let tile): try check(tile)
            case .when(let condition, let inner):
                try expect(.bool, condition, .condition)
                try check(inner, depth: depth + 1)
            }
        }
        visible = outside
    }

    private mutating func check(
        _ variable: Int, _ from: Expr, _ to: Expr, _ step: Int, _ vector: Bool, _ inner: [Statement], depth: Int
    ) throws(KernelError) {
        try expect(.i64, from, .bound)
        try expect(.i64, to, .bound)
        guard step > 0 else { throw error(.step(step)) }
        if vector, insideVector { throw error(.nestedVector(variable: variable)) }
        let (outside, wasInside) = (visible, insideVector)
        try introduce(variable)
        insideVector = insideVector || vector
        try check(inner, depth: depth + 1)
        (visible, insideVector) = (outside, wasInside)
    }

    private mutating func check(_ reduce: Reduce) throws(KernelError) {
        let stored = try write(reduce.slot)
        try expect(.i64, reduce.index, .index)
        guard reduce.dtype == stored else {
            throw error(.reduceIntoOther(slot: reduce.slot, found: reduce.dtype, expected: stored))
        }
        switch reduce.reducer {
        case .sum, .product: if stored == .bool || stored.isStorage { throw error(.reducer(reduce.reducer, stored)) }
        case .max, .min: if stored.isStorage { throw error(.reducer(reduce.reducer, stored)) }
        }
        guard !reduce.axes.isEmpty else { throw error(.noReductionAxis) }
        let outside = visible
        for axis in reduce.axes {
            try expect(.i64, axis.from, .bound)
            try expect(.i64, axis.to, .bound)
            try introduce(axis.variable)
        }
        if let condition = reduce.condition { try expect(.bool, condition, .condition) }
        try expect(reduce.dtype, reduce.value, .value)
        visible = outside
    }

    private mutating func check(_ c: Contract) throws(KernelError) {
        guard c.rows > 0, c.columns > 0, c.columns % 4 == 0 else {
            throw error(.contractTile(rows: c.rows, columns: c.columns))
        }
        let used = [(c.acc, try write(c.acc)), (c.a, try read(c.a)), (c.b, try read(c.b))]
        for (slot, dtype) in used where dtype != .f32 { throw error(.contractDType(slot: slot, dtype)) }
        for slot in [c.a, c.b] where slot == c.acc { throw error(.contractAliases(slot: slot)) }
        for (slot, stride) in [(c.acc, c.accStride), (c.a, c.aRow), (c.a, c.aStep), (c.b, c.bStride)] where stride < 0 {
            throw error(.contractStride(slot: slot, stride))
        }
        if c.rows > 1, c.accStride < c.columns {
            throw error(.contractRowsOverlap(stride: c.accStride, columns: c.columns))
        }
        for index in [c.accIndex, c.aIndex, c.bIndex] { try expect(.i64, index, .index) }
        try expect(.i64, c.depth, .depth)
    }

    private mutating func introduce(_ variable: Int) throws(KernelError) {
        guard variable == nextVariable else {
            throw error(.variableOrder(found: variable, expected: nextVariable))
        }
        nextVariable += 1
        visible.insert(variable)
    }

    mutating func write(_ slot: Int) throws(KernelError) -> DType {
        guard dtypes.indices.contains(slot) else { throw error(.slotUnknown(slot)) }
        if slot < operands.count {
            switch operands[slot].role {
            case .constant, .input: throw error(.readOnly(slot: slot, operands[slot].role))
            case .output, .temporary: written[slot] = true
            }
        }
        return dtypes[slot]
    }

    func read(_ slot: Int) throws(KernelError) -> DType {
        guard dtypes.indices.contains(slot) else { throw error(.slotUnknown(slot)) }
        if slot < operands.count, operands[slot].role == .temporary, !writtenBefore[slot] {
            throw error(.temporaryTooEarly(slot: slot))
        }
        return dtypes[slot]
    }

    /// Checks a whole expression of a statement, its size included, so that its text parses back.
    func expect(_ dtype: DType, _ expr: Expr, _ purpose: KernelError.Purpose) throws(KernelError) {
        let (depth, nesting) = (expr.depth, expr.nesting)
        guard depth <= ExprLimits.depthMax else { throw error(.depth(purpose, depth)) }
        guard nesting <= ExprLimits.nestingMax else { throw error(.nesting(purpose, nesting)) }
        try require(dtype, expr, purpose)
    }

    private func require(_ dtype: DType, _ expr: Expr, _ purpose: KernelError.Purpose) throws(KernelError) {
        let found = try type(of: expr)
        guard found == dtype else { throw error(.dtype(purpose, found: found, expected: dtype)) }
    }

    private func type(of expr: Expr) throws(KernelError) -> DType {
        switch expr {
        case .literal(let literal):
            if literal.dtype.isExact, ScalarRules.wrapped(literal.integer, literal.dtype) != literal.integer {
                throw error(.literal(literal.integer, literal.dtype))
            }
            return literal.dtype
        case .axis(let variable):
            guard visible.contains(variable) else { throw error(.variableUnknown(variable)) }
            return .i64
        case .read(let slot, let indices):
            let dtype = try read(slot)
            guard indices.count == 1 else { throw error(.indexCount(slot: slot, indices.count)) }
            try require(.i64, indices[0], .index)
            return dtype
        case .unary(let op, let a):
            let dtype = try type(of: a)
            guard !dtype.isStorage, op.accepts(dtype) else { throw error(.unary(op, dtype)) }
            return op == .isNaN ? .bool : dtype
        case .binary(let op, let a, let b):
            let (left, right) = (try type(of: a), try type(of: b))
            guard left == right, !left.isStorage, op.accepts(left) else { throw error(.binary(op, left, right)) }
            return op.isComparison ? .bool : left
        case .select(let condition, let a, let b):
            try require(.bool, condition, .condition)
            let (left, right) = (try type(of: a), try type(of: b))
            guard left == right else { throw error(.select(left, right)) }
            return left
        case .cast(let dtype, let a):
            _ = try type(of: a)
            return dtype
        }
    }
}

extension UnaryOperator {
    fileprivate func accepts(_ dtype: DType) -> Bool {
        switch self {
        case .negate, .absolute, .sign: dtype != .bool
        case .floor, .ceil, .round, .exp, .log, .sqrt, .sin, .cos, .tanh, .erf, .asin, .acos, .atan, .isNaN:
            dtype.isFloat
        case .not: dtype == .bool
        case .bitNot: dtype.isExact && dtype != .bool
        }
    }
}

extension BinaryOperator {
    fileprivate func accepts(_ dtype: DType) -> Bool {
        switch self {
        case .add, .subtract, .multiply, .power, .maximum, .minimum: dtype != .bool
        case .less, .lessOrEqual, .greater, .greaterOrEqual: dtype != .bool
        case .divide, .floatRemainder: dtype.isFloat
        case .floorDivide, .floorModulo, .truncDivide, .truncRemainder, .bitAnd, .bitOr, .bitXor, .shiftLeft,
            .shiftRight:
            dtype.isExact && dtype != .bool
        case .equal, .notEqual: true
        case .and, .or: dtype == .bool
        }
    }
}
