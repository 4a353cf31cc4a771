// Operators that take operands whose length on some axis only a run can tell, and what becomes of such axes. An
// operator that stands here with `own` looks at its operands' extents itself; one that does not stand here refuses
// them, so nothing is ever computed from elements that do not count.

import TensorIR

/// Imports the current node by its family and says which axes of the results are bounded.
typealias ExtentRule = @Sendable (inout Emitter, OperatorFamily) throws(NodeProblem) -> [ValueID]

func extentRule(_ operatorName: String, domain: String) -> ExtentRule? {
    domain.isEmpty ? extentTable[operatorName] : nil
}

private let elementwiseOperators = [
    "Abs", "Acos", "Acosh", "Add", "And", "Asin", "Asinh", "Atan", "Atanh", "BitShift", "BitwiseAnd", "BitwiseNot",
    "BitwiseOr", "BitwiseXor", "Cast", "CastLike", "Ceil", "Celu", "Clip", "Cos", "Cosh", "DequantizeLinear", "Div",
    "Elu", "Equal", "Erf", "Exp", "Floor", "Gelu", "Greater", "GreaterOrEqual", "HardSigmoid", "HardSwish", "Identity",
    "IsInf", "IsNaN", "LeakyRelu", "Less", "LessOrEqual", "Log", "Max", "Mean", "Min", "Mish", "Mod", "Mul", "Neg",
    "Not", "Or", "Pow", "Reciprocal", "Relu", "Round", "Selu", "Sigmoid", "Sign", "Sin", "Sinh", "Softplus",
    "Softsign", "Sqrt", "Sub", "Sum", "Swish", "Tan", "Tanh", "ThresholdedRelu", "Where", "Xor",
]

/// Operators on images, each of the batch by itself.
private let batchOperators = [
    "AveragePool", "Conv", "ConvInteger", "ConvTranspose", "DepthToSpace", "GlobalAveragePool", "GlobalMaxPool",
    "GroupNormalization", "InstanceNormalization", "LRN", "LpPool", "MaxPool", "PRelu", "QLinearConv", "SpaceToDepth",
]

private let extentTable: [String: ExtentRule] = {
    var table: [String: ExtentRule] = [
        "Transpose": transposeExtents,
        "Squeeze": squeezeExtents,
        "Unsqueeze": unsqueezeExtents,
        "Reshape": reshapeExtents,
        "Flatten": reshapeExtents,
        "Gather": gatherExtents,
        "GatherND": gatherNDExtents,
        "GatherElements": gatherElementsExtents,
        "Slice": sliceExtents,
        "Split": splitExtents,
        "Concat": concatExtents,
        "Expand": broadcastExtents,
        "MatMul": productExtents,
        "Gemm": generalProductExtents,
        "ReduceMean": meanExtents,
        "ArgMax": extremeExtents(.max),
        "ArgMin": extremeExtents(.min),
        "CumSum": cumulatedExtents,
        "ReduceSum": reduceExtents { zeroLiteral($0) },
        "ReduceSumSquare": reduceExtents { zeroLiteral($0) },
        "ReduceL1": reduceExtents { zeroLiteral($0) },
        "ReduceL2": reduceExtents { zeroLiteral($0) },
        "ReduceProd": reduceExtents { Reducer.product.identity($0) },
        "ReduceMax": reduceExtents { Reducer.max.identity($0) },
        "ReduceMin": reduceExtents { Reducer.min.identity($0) },
        "Softmax": normalisedExtents(filler: { Reducer.max.identity($0) }),
        "LogSoftmax": normalisedExtents(filler: { Reducer.max.identity($0) }),
        "LayerNormalization": normalisedExtents(filler: nil),
        "RoiAlign": regionExtents,
        "Shape": shapeExtents,
        "Size": sizeExtents,
        "TopK": ownExtents, "NonZero": ownExtents, "Compress": ownExtents, "ScatterND": ownExtents,
        "SequenceConstruct": ownExtents, "SequenceInsert": ownExtents, "SequenceErase": ownExtents,
        "SequenceAt": ownExtents, "SequenceLength": ownExtents,
    ]
    for name in elementwiseOperators { table[name] = broadcastExtents }
    for name in batchOperators { table[name] = batchExtents }
    return table
}()

private func zeroLiteral(_ dtype: DType) -> Literal { Reducer.sum.identity(dtype) }
