// Checks a program without running it: sizes and places, numbers that exist, dtypes, one publisher per counter,
// waits that something published can satisfy, calls that fit the frames, and addresses and task ranges that can
// never be right. What depends on the run (a race, a deadlock, an offset that is wrong in one iteration) is found by
// `execute` and `checkInterleavings`.

import TensorIR

extension Program {
    /// Throws the first broken rule in the order of the text; rules over several lanes come last.
    package func verify() throws(ProgramError) {
        try verifyTables()
        for (index, steps) in routines.enumerated() { try verify(steps, .routine(index)) }
        for (index, steps) in lanes.enumerated() { try verify(steps, .lane(index)) }
        try verifyCalls()
        try verifyCounters()
    }

    private func verify(_ steps: [Step], _ body: ProgramError.Body) throws(ProgramError) {
        var checker = StepChecker(self, body, scalars: ScalarBounds(self).ranges(of: body))
        try checker.check(steps, loops: [])
    }

    private func verifyTables() throws(ProgramError) {
        func fail(_ fault: ProgramError.Fault) -> ProgramError { ProgramError(fault, at: nil) }
        guard !lanes.isEmpty else { throw fail(.noLane) }
        guard scalars >= 1, scalars <= Program.scalarsMax else { throw fail(.scalarCount(scalars)) }
        let sizes = [
            ("the number of counters", counters), ("the number of frames", frames), ("the arena's size", arenaBytes),
            ("the scratch size", scratchBytes),
        ]
        for (what, value) in sizes where value < 0 { throw fail(.negativeSize(what, value)) }
        var names: Set<String> = []
        for (index, kernel) in kernels.enumerated() {
            guard Program.isIdentifier(kernel.name) else { throw fail(.kernelName(kernel.name)) }
            guard names.insert(kernel.name).inserted else { throw fail(.kernelNameTwice(kernel.name)) }
            guard !kernel.phases.isEmpty, kernel.phases.allSatisfy({ $0 > 0 }) else {
                throw fail(.kernelPhases(kernel: index))
            }
            for (operand, bytes) in kernel.operandBytes.enumerated() where bytes < 1 {
                throw fail(.kernelOperand(kernel: index, operand: operand, bytes: bytes))
            }
        }
        var digests: [Int: ProgramBuffer.Place] = [:]
        for (index, buffer) in buffers.enumerated() {
            guard buffer.bytes > 0 || (buffer.bytes == 0 && buffer.place.isBorder) else {
                throw fail(.bufferBytes(buffer: index, buffer.bytes))
            }
            let place: Int
            switch buffer.place {
            case .input(let n), .output(let n): place = n
            case .constant(let n, _):
                place = n
                if let other = digests.updateValue(buffer.place, forKey: n), other != buffer.place {
                    throw fail(.constantDiffers(constant: n))
                }
            case .arena(let offset):
                place = offset
                let (end, overflow) = offset.addingReportingOverflow(buffer.bytes)
                if overflow || end > arenaBytes {
                    throw fail(.bufferOutsideArena(buffer: index, end: end, arenaBytes: arenaBytes))
                }
            }
            guard place >= 0 else { throw fail(.bufferPlace(buffer: index, place)) }
        }
    }

    /// `[a-z][a-z0-9_]{0,62}`
    private static func isIdentifier(_ name: String) -> Bool {
        guard let first = name.utf8.first, (0x61...0x7a).contains(first), name.utf8.count <= 63 else { return false }
        return name.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5f }
    }
}

/// One lane or routine.
private struct StepChecker {
    private let program: Program
    private let body: ProgramError.Body
    private var scalars: [Bounds?]
    private var step = 0

    init(_ program: Program, _ body: ProgramError.Body, scalars: [Bounds?]) {
        self.program = program
        self.body = body
        self.scalars = scalars
    }

    private func error(_ fault: ProgramError.Fault) -> ProgramError {
        ProgramError(fault, at: ProgramError.Place(body: body, step: step))
    }

    /// `loops` are the scalars that the loops around `steps` count with.
    mutating func check(_ steps: [Step], loops: [Int], depth: Int = 1) throws(ProgramError) {
        guard depth <= Program.nestingMax else { throw error(.blocks(depth)) }
        for item in steps {
            step += 1
            switch item {
            case .run(let kernel, let phase, let from, let to, let operands):
                try checkRun(kernel, phase, from, to, operands)
            case .publish(let counter, let value), .wait(let counter, let value):
                try exists(.counter, counter, program.counters)
                try expect(.i64, value, .counter)
            case .load(let scalar, let address, let dtype):
                try changes(scalar, loops)
                guard dtype.isExact else { throw error(.loadFloat(dtype)) }
                try check(address, bytes: dtype.bytes)
            case .set(let scalar, let value):
                try changes(scalar, loops)
                try expect(.i64, value, .scalar)
            case .loop(let scalar, let from, let to, let inner):
                try changes(scalar, loops)
                try expect(.i64, from, .bound)
                try expect(.i64, to, .bound)
                let outside = scalars
                scalars[scalar] = ScalarBounds.inside(from, to, scalars)
                try check(inner, loops: loops + [scalar], depth: depth + 1)
                scalars = outside
            case .branch(let condition, let then, let otherwise):
                try expect(.bool, condition, .condition)
                try check(then, loops: loops, depth: depth + 1)
                try check(otherwise, loops: loops, depth: depth + 1)
            case .call(let routine, let keep):
                try exists(.routine, routine, program.routines.count)
                for (position, scalar) in keep.enumerated() {
                    try exists(.scalar, scalar, program.scalars)
                    guard scalar != 0 else { throw error(.depthChanged) }
                    if keep[..<position].contains(scalar) { throw error(.keptTwice(scalar: scalar)) }
                }
                let changed = program.scalarsChanged(byRoutine: routine)
                for scalar in loops where changed.contains(scalar) && !keep.contains(scalar) {
                    throw error(.loopScalarChanged(scalar: scalar))
                }
            case .stopIf(let condition):
                guard !loops.isEmpty else { throw error(.stopOutsideLoop) }
                try expect(.bool, condition, .condition)
            }
        }
    }

    private func checkRun(
        _ kernel: Int, _ phase: Int, _ from: Expr, _ to: Expr, _ operands: [Address]
    ) throws(ProgramError) {
        try exists(.kernel, kernel, program.kernels.count)
        let use = program.kernels[kernel]
        try exists(.phase, phase, use.phases.count)
        try expect(.i64, from, .tasks)
        try expect(.i64, to, .tasks)
        let tasks = use.phases[phase]
        if let low = bounds(from, scalars), let high = bounds(to, scalars),
            low.upperBound < 0 || high.lowerBound > Int64(tasks) || low.lowerBound > high.upperBound
        {
            throw error(
                .tasksOutside(kernel: kernel, phase: phase, from: low.lowerBound, to: high.upperBound, tasks: tasks))
        }
        guard operands.count == use.operandBytes.count else {
            throw error(.operandCount(kernel: kernel, found: operands.count, expected: use.operandBytes.count))
        }
        for (address, bytes) in zip(operands, use.operandBytes) { try check(address, bytes: bytes) }
    }

    /// Flags an address that no value of the scalars makes right; a constant one is checked exactly.
    private func check(_ address: Address, bytes: Int) throws(ProgramError) {
        try exists(.buffer, address.buffer, program.buffers.count)
        try expect(.i64, address.offset, .offset)
        let size = program.buffers[address.buffer].bytes
        let range = bounds(address.offset, scalars) ?? Int64.min...Int64.max
        if range.upperBound < 0 || range.lowerBound > Int64(size - bytes) || bytes > size {
            throw error(
                .addressOutside(buffer: address.buffer, offset: range.lowerBound, bytes: bytes, bufferBytes: size))
        }
    }

    private func exists(_ entity: ProgramError.Entity, _ index: Int, _ count: Int) throws(ProgramError) {
        guard index >= 0, index < count else { throw error(.unknown(entity, index, count: count)) }
    }

    private func changes(_ scalar: Int, _ loops: [Int]) throws(ProgramError) {
        try exists(.scalar, scalar, program.scalars)
        guard scalar != 0 else { throw error(.depthChanged) }
        if loops.contains(scalar) { throw error(.loopScalarChanged(scalar: scalar)) }
    }

    /// Checks a whole expression of a step, its size included, so that its text parses back.
    private func expect(_ dtype: DType, _ expr: Expr, _ purpose: ProgramError.Purpose) throws(ProgramError) {
        guard expr.depth <= ExprLimits.depthMax, expr.nesting <= ExprLimits.nestingMax else {
            throw error(.expressionSize(purpose))
        }
        try require(dtype, expr, purpose)
    }

    private func require(_ dtype: DType, _ expr: Expr, _ purpose: ProgramError.Purpose) throws(ProgramError) {
        let found = try type(of: expr)
        guard found == dtype else { throw error(.expressionDType(purpose, found: found, expected: dtype)) }
    }

    private func type(of expr: Expr) throws(ProgramError) -> DType {
        switch expr {
        case .literal(let literal): return try scalarType(literal.dtype)
        case .axis(let scalar):
            try exists(.scalar, scalar, program.scalars)
            return .i64
        case .read: throw error(.expressionRead)
        case .unary(let op, let a):
            let dtype = try type(of: a)
            guard op.scalarOperand == dtype else { throw error(.unary(op, dtype)) }
            return dtype
        case .binary(let op, let a, let b):
            let (left, right) = (try type(of: a), try type(of: b))
            guard left == right, op.accepts(left) else { throw error(.binary(op, left, right)) }
            return op.isComparison ? .bool : left
        case .select(let condition, let a, let b):
            try require(.bool, condition, .condition)
            let (left, right) = (try type(of: a), try type(of: b))
            guard left == right else { throw error(.select(left, right)) }
            return left
        case .cast(let dtype, let a):
            _ = try type(of: a)
            return try scalarType(dtype)
        }
    }

    private func scalarType(_ dtype: DType) throws(ProgramError) -> DType {
        guard dtype == .i64 || dtype == .bool else { throw error(.literalDType(dtype)) }
        return dtype
    }
}

extension UnaryOperator {
    /// The dtype a program may apply this to; `nil` if none.
    fileprivate var scalarOperand: DType? {
        switch self {
        case .negate, .absolute, .sign: .i64
        case .not: .bool
        case .floor, .ceil, .round, .exp, .log, .sqrt, .sin, .cos, .tanh, .erf, .asin, .acos, .atan, .bitNot, .isNaN:
            nil
        }
    }
}

extension BinaryOperator {
    fileprivate func accepts(_ dtype: DType) -> Bool {
        switch self {
        case .add, .subtract, .multiply, .floorDivide, .floorModulo, .truncDivide, .truncRemainder, .power, .maximum,
            .minimum, .less, .lessOrEqual, .greater, .greaterOrEqual:
            dtype == .i64
        case .equal, .notEqual: true
        case .and, .or: dtype == .bool
        case .divide, .floatRemainder, .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight: false
        }
    }
}
