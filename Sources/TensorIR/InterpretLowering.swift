// An expression as a flat array of nodes, so that evaluating a point touches no enum tree and allocates nothing.
// Input: an Expr, the types of the slots, and the range of every axis. Output: nodes whose children are indices.
// Index expressions that are linear in the axes become one node; a read whose linear indices are proven to stay
// inside the tensor becomes one linear offset without checks.

struct ExprCode {
    enum Step: UInt8 {
        case floatLiteral, floatRead, floatReadAt, floatUnary, floatAdd, floatSubtract, floatMultiply, floatBinary
        case floatSelect, floatRound, floatFromInteger, floatFromUnsigned
        case integerLiteral, linear, integerRead, integerReadAt, integerUnary, integerBinary, integerSelect
        case integerWrap, integerFromFloat, compareFloats, isNaN
    }

    /// `a`, `b`, `c` are children, or positions in the tables below, as `step` needs.
    struct Node {
        var step: Step
        var unary = UnaryOperator.negate
        var binary = BinaryOperator.add
        var dtype = DType.i64
        var a: Int32 = 0
        var b: Int32 = 0
        var c: Int32 = 0
    }

    struct Linear {
        var constant: Int
        var first: Int
        var count: Int
    }
    struct Term {
        var axis: Int
        var factor: Int
    }
    /// One index of a checked read.
    struct Dimension {
        var index: Int32
        var extent: Int
        var stride: Int
    }

    private(set) var nodes: [Node] = []
    private(set) var floats: [Double] = []
    private(set) var integers: [Int64] = []
    private(set) var linears: [Linear] = []
    private(set) var terms: [Term] = []
    private(set) var dimensions: [Dimension] = []

    private let slots: [TensorType]
    private let axes: [Range<Int>]

    init(slots: [TensorType], axes: [Range<Int>]) {
        self.slots = slots
        self.axes = axes
    }

    func dtype(_ expr: Expr) -> DType { expr.dtype { slots[$0].dtype } }

    /// Appends the nodes of `expr` and returns its root.
    mutating func lower(_ expr: Expr) -> Int32 {
        if case .literal = expr {} else if let form = linearForm(expr) { return add(linear: form) }
        switch expr {
        case .literal(let literal): return lower(literal)
        case .axis: preconditionFailure("an axis outside the definition")
        case .read(let slot, let indices): return lowerRead(slot, indices)
        case .unary(let op, let a):
            if op == .isNaN {
                return dtype(a).isFloat ? add(Node(step: .isNaN, a: lower(a))) : lower(Literal.boolean(false))
            }
            let step: Step = dtype(a).isFloat ? .floatUnary : .integerUnary
            return add(Node(step: step, unary: op, dtype: dtype(a), a: lower(a)))
        case .binary(let op, let a, let b): return lowerBinary(op, a, b)
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

    private mutating func lower(_ literal: Literal) -> Int32 {
        if literal.dtype.isFloat {
            floats.append(literal.float)
            return add(Node(step: .floatLiteral, a: Int32(floats.count - 1)))
        }
        integers.append(literal.integer)
        return add(Node(step: .integerLiteral, a: Int32(integers.count - 1)))
    }

    private mutating func lowerBinary(_ op: BinaryOperator, _ a: Expr, _ b: Expr) -> Int32 {
        let dtype = dtype(a)
        let isFloat = dtype.isFloat
        precondition(isFloat == self.dtype(b).isFloat, "\(op.rawValue) of a float and an integer")
        let step: Step
        switch op {
        case .add: step = isFloat ? .floatAdd : .integerBinary
        case .subtract: step = isFloat ? .floatSubtract : .integerBinary
        case .multiply: step = isFloat ? .floatMultiply : .integerBinary
        case .divide, .floorDivide, .floorModulo, .truncDivide, .truncRemainder, .floatRemainder, .power, .maximum,
            .minimum, .and, .or, .bitAnd, .bitOr, .bitXor, .shiftLeft, .shiftRight:
            step = isFloat ? .floatBinary : .integerBinary
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
            step = isFloat ? .compareFloats : .integerBinary
        }
        return add(Node(step: step, binary: op, dtype: dtype, a: lower(a), b: lower(b)))
    }

    private mutating func lowerRead(_ slot: Int, _ indices: [Expr]) -> Int32 {
        let type = slots[slot]
        precondition(indices.count == type.rank, "slot \(slot) has \(type.rank) axes and is read with \(indices.count)")
        let isFloat = type.dtype.isFloat
        let strides = type.strides
        let forms = indices.map(linearForm)
        let inside = zip(forms, type.shape).allSatisfy { form, extent in
            guard let form, let (low, high) = form.bounds(axes) else { return false }
            return low >= 0 && high < extent
        }
        if inside {
            var offset = LinearForm(axes: axes.count)
            for (form, stride) in zip(forms, strides) {
                guard let form else { preconditionFailure("checked above") }
                offset.add(form, times: stride)
            }
            let at = store(linear: offset)
            return add(Node(step: isFloat ? .floatRead : .integerRead, a: Int32(slot), b: at))
        }
        let roots = indices.map { lower($0) }
        let first = dimensions.count
        for (axis, root) in roots.enumerated() {
            dimensions.append(Dimension(index: root, extent: type.shape[axis], stride: strides[axis]))
        }
        return add(
            Node(
                step: isFloat ? .floatReadAt : .integerReadAt, a: Int32(slot), b: Int32(first),
                c: Int32(roots.count)))
    }

    private mutating func add(linear form: LinearForm) -> Int32 {
        let at = store(linear: form)
        return add(Node(step: .linear, a: at))
    }

    private mutating func store(linear form: LinearForm) -> Int32 {
        let first = terms.count
        for (axis, factor) in form.factors.enumerated() where factor != 0 {
            terms.append(Term(axis: axis, factor: factor))
        }
        linears.append(Linear(constant: form.constant, first: first, count: terms.count - first))
        return Int32(linears.count - 1)
    }

    private mutating func add(_ node: Node) -> Int32 {
        nodes.append(node)
        return Int32(nodes.count - 1)
    }

    /// `expr` as constant + Σ factor · axis, when it is that and no step of the sum leaves 64 bits.
    private func linearForm(_ expr: Expr) -> LinearForm? { LinearForm(expr, axes: axes) }
}

/// constant + Σ factors[i] · axis i over i64 axes.
struct LinearForm {
    var constant = 0
    var factors: [Int]

    /// Numbers beyond this are left to the general nodes, so that no bound below can overflow.
    private static let magnitudeMax = 1 << 40

    init(axes: Int) { factors = [Int](repeating: 0, count: axes) }

    /// `nil` when `expr` is not linear in the axes or holds numbers beyond 2^40.
    init?(_ expr: Expr, axes: [Range<Int>]) {
        self.init(axes: axes.count)
        guard add(expr, times: 1) else { return nil }
    }

    private mutating func add(_ expr: Expr, times factor: Int) -> Bool {
        switch expr {
        case .literal(let literal):
            guard literal.dtype == .i64 else { return false }
            return accumulate(&constant, Int(literal.integer), factor)
        case .axis(let axis):
            return factors.indices.contains(axis) && accumulate(&factors[axis], 1, factor)
        case .unary(.negate, let a): return add(a, times: -factor)
        case .binary(.add, let a, let b): return add(a, times: factor) && add(b, times: factor)
        case .binary(.subtract, let a, let b): return add(a, times: factor) && add(b, times: -factor)
        case .binary(.multiply, .literal(let by), let a), .binary(.multiply, let a, .literal(let by)):
            guard by.dtype == .i64 else { return false }
            let (product, overflow) = factor.multipliedReportingOverflow(by: Int(by.integer))
            return !overflow && product.magnitude <= LinearForm.magnitudeMax && add(a, times: product)
        case .read, .unary, .binary, .select, .cast: return false
        }
    }

    private func accumulate(_ sum: inout Int, _ value: Int, _ factor: Int) -> Bool {
        let (product, overflow) = value.multipliedReportingOverflow(by: factor)
        guard !overflow, product.magnitude <= LinearForm.magnitudeMax else { return false }
        sum += product
        return sum.magnitude <= LinearForm.magnitudeMax
    }

    /// Adds `form` times a stride; both are proven to stay inside a tensor.
    mutating func add(_ form: LinearForm, times stride: Int) {
        constant &+= form.constant &* stride
        for axis in factors.indices { factors[axis] &+= form.factors[axis] &* stride }
    }

    /// Least and greatest value over the ranges; `nil` when a range is empty or the sum leaves 64 bits.
    func bounds(_ axes: [Range<Int>]) -> (low: Int, high: Int)? {
        var (low, high) = (constant, constant)
        for (axis, factor) in factors.enumerated() where factor != 0 {
            guard let first = axes[axis].first, let last = axes[axis].last else { return nil }
            let (atFirst, overflowFirst) = first.multipliedReportingOverflow(by: factor)
            let (atLast, overflowLast) = last.multipliedReportingOverflow(by: factor)
            let (newLow, overflowLow) = low.addingReportingOverflow(min(atFirst, atLast))
            let (newHigh, overflowHigh) = high.addingReportingOverflow(max(atFirst, atLast))
            if overflowFirst || overflowLast || overflowLow || overflowHigh { return nil }
            (low, high) = (newLow, newHigh)
        }
        return (low, high)
    }
}
