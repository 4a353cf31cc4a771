// Evaluates lowered expressions at one point. Two mutually recursive evaluators, one for floats in Double and one
// for integers and bool in Int64; a node's step says which of them it belongs to. Owns the axis values.

/// Where the elements of one slot are; the pointers live as long as the machine's caller keeps the tensors pinned.
struct PinnedTensor {
    var type: TensorType
    var floats: UnsafePointer<Double>?
    var integers: UnsafePointer<Int64>?
}

/// Owns scratch memory for the axis values, hence a class.
final class ExprMachine {
    private let nodes: UnsafeMutableBufferPointer<ExprCode.Node>
    private let linears: UnsafeMutableBufferPointer<ExprCode.Linear>
    private let terms: UnsafeMutableBufferPointer<ExprCode.Term>
    private let code: ExprCode
    private let tensors: [PinnedTensor]
    /// One value per axis; the caller moves them.
    let axes: UnsafeMutablePointer<Int>
    private let axisCount: Int

    init(code: ExprCode, tensors: [PinnedTensor], axisCount: Int) {
        self.code = code
        self.tensors = tensors
        self.axisCount = axisCount
        nodes = ExprMachine.copy(code.nodes)
        linears = ExprMachine.copy(code.linears)
        terms = ExprMachine.copy(code.terms)
        axes = .allocate(capacity: max(1, axisCount))
        axes.initialize(repeating: 0, count: max(1, axisCount))
    }

    deinit {
        nodes.deallocate()
        linears.deallocate()
        terms.deallocate()
        axes.deallocate()
    }

    private static func copy<T>(_ values: [T]) -> UnsafeMutableBufferPointer<T> {
        let out = UnsafeMutableBufferPointer<T>.allocate(capacity: max(1, values.count))
        _ = out.initialize(from: values)
        return out
    }

    func float(_ at: Int32) -> Double {
        let node = nodes[Int(at)]
        switch node.step {
        case .floatLiteral: return code.floats[Int(node.a)]
        case .floatRead: return floats(node.a)[linear(node.b)]
        case .floatReadAt: return floats(node.a)[checkedOffset(node)]
        case .floatUnary: return ScalarRules.apply(node.unary, float(node.a))
        case .floatAdd: return float(node.a) + float(node.b)
        case .floatSubtract: return float(node.a) - float(node.b)
        case .floatMultiply: return float(node.a) * float(node.b)
        case .floatBinary: return ScalarRules.apply(node.binary, float(node.a), float(node.b))
        case .floatSelect: return integer(node.a) != 0 ? float(node.b) : float(node.c)
        case .floatRound: return ScalarRules.rounded(float(node.a), node.dtype)
        case .floatFromInteger: return ScalarRules.float(integer(node.a), from: .i64, node.dtype)
        case .floatFromUnsigned: return ScalarRules.float(integer(node.a), from: .u64, node.dtype)
        case .integerLiteral, .linear, .integerRead, .integerReadAt, .integerUnary, .integerBinary, .integerSelect,
            .integerWrap, .integerFromFloat, .compareFloats, .isNaN:
            preconditionFailure("an integer expression where a float is needed")
        }
    }

    func integer(_ at: Int32) -> Int64 {
        let node = nodes[Int(at)]
        switch node.step {
        case .integerLiteral: return code.integers[Int(node.a)]
        case .linear: return Int64(linear(node.a))
        case .integerRead: return integers(node.a)[linear(node.b)]
        case .integerReadAt: return integers(node.a)[checkedOffset(node)]
        case .integerUnary: return ScalarRules.apply(node.unary, integer(node.a), node.dtype)
        case .integerBinary: return ScalarRules.apply(node.binary, integer(node.a), integer(node.b), node.dtype)
        case .integerSelect: return integer(node.a) != 0 ? integer(node.b) : integer(node.c)
        case .integerWrap: return ScalarRules.wrapped(integer(node.a), node.dtype)
        case .integerFromFloat: return ScalarRules.integer(float(node.a), node.dtype)
        case .compareFloats: return ScalarRules.holds(node.binary, float(node.a), float(node.b)) ? 1 : 0
        case .isNaN: return float(node.a).isNaN ? 1 : 0
        case .floatLiteral, .floatRead, .floatReadAt, .floatUnary, .floatAdd, .floatSubtract, .floatMultiply,
            .floatBinary, .floatSelect, .floatRound, .floatFromInteger, .floatFromUnsigned:
            preconditionFailure("a float expression where an integer is needed")
        }
    }

    @inline(__always)
    private func linear(_ at: Int32) -> Int {
        let form = linears[Int(at)]
        var sum = form.constant
        for i in form.first..<form.first + form.count { sum &+= terms[i].factor &* axes[terms[i].axis] }
        return sum
    }

    @inline(__always)
    private func floats(_ slot: Int32) -> UnsafePointer<Double> {
        guard let base = tensors[Int(slot)].floats else { preconditionFailure("slot \(slot) holds no floats") }
        return base
    }

    @inline(__always)
    private func integers(_ slot: Int32) -> UnsafePointer<Int64> {
        guard let base = tensors[Int(slot)].integers else { preconditionFailure("slot \(slot) holds no integers") }
        return base
    }

    private func checkedOffset(_ node: ExprCode.Node) -> Int {
        var offset = 0
        for axis in 0..<Int(node.c) {
            let dimension = code.dimensions[Int(node.b) + axis]
            let index = integer(dimension.index)
            guard index >= 0, index < dimension.extent else {
                preconditionFailure(
                    "slot \(node.a) is read at index \(index) of axis \(axis), whose extent is \(dimension.extent)")
            }
            offset += Int(index) * dimension.stride
        }
        return offset
    }
}
