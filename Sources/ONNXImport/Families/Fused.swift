// Operators of the com.microsoft domain that ONNX Runtime writes when it fuses: a convolution with what follows it,
// the variants of Gelu, and a product of matrices with transpositions and a factor. Each becomes the definitions of
// its parts, so a fused and a plain model meet in one workload.

import TensorIR

/// Conv, then + Z, then an activation.
func emitFusedConvolution(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    var y = try emitConvolution(&e)[0]
    let dtype = e.dtype(y)
    let parameters = e.attribute("activation_params").map { $0.floats.map { Double($0) } } ?? []
    let activation = try Activation(try e.text("activation", default: ""), parameters)
    if let addend = e.optional(3) {
        guard e.dtype(addend) == dtype, e.shape(addend) == e.shape(y) else {
            throw .misfit("\(shapeText(e.shape(addend))) added to \(shapeText(e.shape(y)))")
        }
        y = try e.elementwise([y, addend], dtype) { $0[0] + $0[1] }
    }
    return [try e.elementwise([y], dtype) { activation.applied($0[0], dtype) }]
}

private enum Activation {
    case none, relu, sigmoid, tanh
    case leakyRelu(alpha: Double)
    case clip(low: Double, high: Double)
    case hardSigmoid(alpha: Double, beta: Double)

    init(_ name: String, _ parameters: [Double]) throws(NodeProblem) {
        func need(_ count: Int) throws(NodeProblem) {
            guard parameters.count == count else {
                throw .attribute("activation_params", reason: "has \(parameters.count) numbers for \(name)")
            }
        }
        switch name {
        case "": self = .none
        case "Relu": self = .relu
        case "Sigmoid": self = .sigmoid
        case "Tanh": self = .tanh
        case "LeakyRelu":
            try need(1)
            self = .leakyRelu(alpha: parameters[0])
        case "Clip":
            try need(2)
            self = .clip(low: parameters[0], high: parameters[1])
        case "HardSigmoid":
            try need(2)
            self = .hardSigmoid(alpha: parameters[0], beta: parameters[1])
        default: throw .attribute("activation", reason: "has the unknown value \"\(name)\"")
        }
    }

    func applied(_ x: Expr, _ dtype: DType) -> Expr {
        switch self {
        case .none: x
        case .relu: Formula.relu(x, dtype)
        case .sigmoid: Formula.sigmoid(x, dtype)
        case .tanh: .unary(.tanh, x)
        case .leakyRelu(let alpha): Formula.leakyRelu(x, alpha: alpha, dtype)
        case .clip(let low, let high):
            Formula.minimum(Formula.maximum(x, number(low, dtype)), number(high, dtype))
        case .hardSigmoid(let alpha, let beta): Formula.hardSigmoid(x, alpha: alpha, beta: beta, dtype)
        }
    }
}

/// Gelu of x, or of x plus a bias along the last axis where there is one.
func fusedGelu(needsBias: Bool, _ formula: @escaping @Sendable (Expr, DType) -> Expr) -> OperatorFamily {
    { (e: inout Emitter) throws(NodeProblem) in
        let x = try e.floatOperand(0)
        let dtype = e.dtype(x)
        guard needsBias || e.optional(1) != nil else {
            return [try e.elementwise([x], dtype) { formula($0[0], dtype) }]
        }
        let bias = try e.floatOperand(1)
        _ = try e.sameType([x, bias])
        guard broadcast(e.shape(x), e.shape(bias)) == e.shape(x) else {
            throw .misfit("\(shapeText(e.shape(bias))) added to \(shapeText(e.shape(x)))")
        }
        let sum = try e.elementwise([x, bias], dtype) { $0[0] + $0[1] }
        return [try e.elementwise([sum], dtype) { formula($0[0], dtype) }]
    }
}

/// MatMul of operands with their axes exchanged, times a factor.
func emitFusedMatMul(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    for (index, name) in ["A", "B"].enumerated() {
        let value = try e.floatOperand(index)
        let shape = e.shape(value)
        guard shape.count >= 2 else { continue }
        var order = Array(shape.indices)
        // the first axis goes before the last one, then the last two change places
        if try e.flag("transBatch\(name)") { order = Array(order[1..<(order.count - 1)]) + [0, order.count - 1] }
        if try e.flag("trans\(name)") { order.swapAt(order.count - 1, order.count - 2) }
        guard order != Array(shape.indices) else { continue }
        let transposed = try e.moved(value, shape: order.map { shape[$0] }) { out in
            var indices = out
            for (axis, source) in order.enumerated() { indices[source] = out[axis] }
            return indices
        }
        e.replaceInput(index, by: transposed)
    }
    let product = try emitMatMul(&e)[0]
    let alpha = try e.float("alpha", default: 1)
    let dtype = e.dtype(product)
    return [alpha == 1 ? product : try e.elementwise([product], dtype) { $0[0] * number(alpha, dtype) }]
}
