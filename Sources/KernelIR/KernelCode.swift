// A phase flattened for the interpreter: expressions become nodes in one array, statements keep their structure and
// point at roots. Input: a phase of a verified kernel. Output: what KernelMachine walks, so that evaluating a point
// touches no expression tree and decides no dtype.

import TensorIR

struct KernelCode {
    enum Step: UInt8 {
        case floatLiteral, floatRead, floatUnary, floatBinary, floatSelect, floatRound, floatFromInteger
        case floatFromUnsigned
        case integerLiteral, variable, integerRead, integerUnary, integerBinary, integerSelect, integerWrap
        case integerFromFloat, compareFloats, isNaN
    }

    /// `a`, `b`, `c` are children, a slot, a variable or a position in a table, as `step` needs.
    struct Node {
        var step: Step
        var unary = UnaryOperator.negate
        var binary = BinaryOperator.add
        var dtype = DType.i64
        var a: Int32 = 0
        var b: Int32 = 0
        var c: Int32 = 0
    }

    typealias Root = Int32

    struct Reduction {
        var slot: Int
        var index: Root
        var reducer: Reducer
        var dtype: DType
        var axes: [(variable: Int, from: Root, to: Root)]
        var condition: Root?
        var value: Root
    }

    struct Contraction {
        var shape: Contract
        var accIndex: Root
        var aIndex: Root
        var bIndex: Root
        var depth: Root
    }

    struct TileCode {
        var shape: Tile
        var aIndex: Root
        var bIndex: Root
        var depth: Root
        /// Indices of `shape.walks`, in order.
        var walks: [Root]
    }

    indirect enum Instruction {
        case bind(variable: Int, Root)
        case loop(variable: Int, from: Root, to: Root, step: Int64, vector: Bool, [Instruction])
        case alloc(slot: Int)
        case map(slot: Int, index: Root, value: Root)
        case reduce(Reduction)
        case contract(Contraction)
        case tile(TileCode)
        case when(Root, [Instruction])
    }

    private(set) var nodes: [Node] = []
    private(set) var floats: [Double] = []
    private(set) var integers: [Int64] = []
    private(set) var body: [Instruction] = []
    /// One more than the greatest variable.
    private(set) var variables = 1
    /// Operands, then scratch.
    private(set) var slots: [(dtype: DType, elements: Int)]

    init(_ phase: Phase, buffers: [Buffer]) {
        slots = buffers.map { ($0.dtype, $0.elements) }
        body = lower(phase.body)
    }

    private mutating func lower(_ statements: [Statement]) -> [Instruction] {
        var out: [Instruction] = []
        for statement in statements { out.append(lower(statement)) }
        return out
    }

    private mutating func lower(_ statement: Statement) -> Instruction {
        switch statement {
        case .bind(let variable, let value):
            introduce(variable)
            return .bind(variable: variable, lower(value))
        case .loop(let variable, let from, let to, let step, let vector, let inner):
            introduce(variable)
            let (low, high) = (lower(from), lower(to))
            return .loop(variable: variable, from: low, to: high, step: Int64(step), vector: vector, lower(inner))
        case .alloc(let slot, let dtype, let elements):
            precondition(slot == slots.count, "the kernel is not verified: scratch out of order")
            slots.append((dtype, elements))
            return .alloc(slot: slot)
        case .map(let slot, let index, let value): return .map(slot: slot, index: lower(index), value: lower(value))
        case .reduce(let r):
            var axes: [(variable: Int, from: Root, to: Root)] = []
            for axis in r.axes {
                introduce(axis.variable)
                axes.append((axis.variable, lower(axis.from), lower(axis.to)))
            }
            var condition: Root?
            if let expr = r.condition { condition = lower(expr) }
            return .reduce(
                Reduction(
                    slot: r.slot, index: lower(r.index), reducer: r.reducer, dtype: r.dtype, axes: axes,
                    condition: condition, value: lower(r.value)))
        case .contract(let c):
            return .contract(
                Contraction(
                    shape: c, accIndex: lower(c.accIndex), aIndex: lower(c.aIndex), bIndex: lower(c.bIndex),
                    depth: lower(c.depth)))
        case .tile(let t):
            var walks: [Root] = []
            for walk in t.walks { walks.append(lower(walk.index)) }
            return .tile(
                TileCode(
                    shape: t, aIndex: lower(t.aIndex), bIndex: lower(t.bIndex), depth: lower(t.depth), walks: walks))
        case .when(let condition, let inner): return .when(lower(condition), lower(inner))
        }
    }

    private mutating func introduce(_ variable: Int) { variables = max(variables, variable + 1) }

    private func dtype(_ expr: Expr) -> DType { expr.dtype { slots[$0].dtype } }

    private mutating func lower(_ expr: Expr) -> Root {
        switch expr {
        case .literal(let literal):
            if literal.dtype.isFloat {
                floats.append(literal.float)
                return add(Node(step: .floatLiteral, a: Int32(floats.count - 1)))
            }
            integers.append(literal.integer)
            return add(Node(step: .integerLiteral, a: Int32(integers.count - 1)))
        case .axis(let variable): return add(Node(step: .variable, a: Int32(variable)))
        case .read(let slot, let indices):
            precondition(indices.count == 1, "the kernel is not verified: a read without its one index")
            let step: Step = slots[slot].dtype.isFloat ? .floatRead : .integerRead
            return add(Node(step: step, a: Int32(slot), b: lower(indices[0])))
        case .unary(let op, let a):
            let step: Step = op == .isNaN ? .isNaN : (dtype(a).isFloat ? .floatUnary : .integerUnary)
            return add(Node(step: step, unary: op, dtype: dtype(a), a: lower(a)))
        case .binary(let op, let a, let b):
            let step: Step = !dtype(a).isFloat ? .integerBinary : (op.isComparison ? .compareFloats : .floatBinary)
            return add(Node(step: step, binary: op, dtype: dtype(a), a: lower(a), b: lower(b)))
        case .select(let condition, let a, let b):
            let step: Step = dtype(a).isFloat ? .floatSelect : .integerSelect
            return add(Node(step: step, a: lower(condition), b: lower(a), c: lower(b)))
        case .cast(let to, let a):
            let from = dtype(a)
            if from == to, to.isStorage { return lower(a) }
            let step: Step
            switch (from.isFloat, to.isFloat) {
            case (true, true): step = .floatRound
            case (true, false): step = .integerFromFloat
            case (false, true): step = from == .u64 ? .floatFromUnsigned : .floatFromInteger
            case (false, false): step = .integerWrap
            }
            return add(Node(step: step, dtype: to, a: lower(a)))
        }
    }

    private mutating func add(_ node: Node) -> Root {
        nodes.append(node)
        return Root(nodes.count - 1)
    }
}
