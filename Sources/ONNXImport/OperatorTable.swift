// Every operator that is supported: name, versions of the operator set in which this row holds, family. A version is
// the one that the model imports, so a row ends where the next form of the operator begins. Rows here belong to the
// ONNX domain; com.microsoft has a table of its own, other domains have none.

import TensorIR

/// One form of one operator.
struct OperatorRow {
    var versions: ClosedRange<Int>
    var family: OperatorFamily
}

/// The family of an operator; `nil` when it is not supported in this domain and version.
func operatorFamily(_ name: String, domain: String, version: Int64) -> OperatorFamily? {
    guard let version = Int(exactly: version) else { return nil }
    let rows: [OperatorRow]?
    switch domain {
    case "": rows = operatorTable[name]
    case "com.microsoft": rows = microsoftTable[name] ?? microsoftQuantisationTable[name]
    default: return nil
    }
    return rows?.first { $0.versions.contains(version) }?.family
}

/// Names of all operators in the table, sorted.
package var supportedOperators: [String] { operatorTable.keys.sorted() }

func rows(_ from: Int, _ family: @escaping OperatorFamily) -> [OperatorRow] {
    [OperatorRow(versions: from...operatorSetVersions.upperBound, family: family)]
}

/// Two forms: one up to the version before `changed`, one from there on.
func rows(
    _ from: Int, _ old: @escaping OperatorFamily, changed: Int, _ new: @escaping OperatorFamily
) -> [OperatorRow] {
    [OperatorRow(versions: from...(changed - 1), family: old)] + rows(changed, new)
}

private func reduction(_ reduction: Reduction, axesInput: Int = 18) -> [OperatorRow] {
    rows(1, reduction.family(axesInput: axesInput))
}

/// With these defaults for alpha and gamma.
private func selu(_ alpha: Double, _ gamma: Double) -> OperatorFamily {
    unaryFloat([("alpha", alpha), ("gamma", gamma)]) { x, v, dtype in
        Formula.selu(x, alpha: v[0], gamma: v[1], dtype)
    }
}

private let operatorTable: [String: [OperatorRow]] = [
    scalarTable, signalTable, windowTable, attentionTable, quantisationTable, selectionTable, scatterTable,
    sequenceTable,
    recurrentTable,
].reduce(into: basicTable) { all, part in
    all.merge(part) { _, _ in preconditionFailure("an operator stands in two tables") }
}

private let basicTable: [String: [OperatorRow]] = [
    // convolution and pooling
    "Conv": rows(1, emitConvolution),
    "MaxPool": rows(1, emitMaxPool),
    "AveragePool": rows(1, emitAveragePool),
    "GlobalAveragePool": rows(1, emitGlobalAveragePool),
    "GlobalMaxPool": rows(1, emitGlobalMaxPool),

    // contraction
    "MatMul": rows(1, emitMatMul),
    "Gemm": rows(1, emitGemm),

    // arithmetic with broadcasting
    "Add": rows(1, aligned(binaryNumber { a, b, _ in a + b })),
    "Sub": rows(1, aligned(binaryNumber { a, b, _ in a - b })),
    "Mul": rows(1, aligned(binaryNumber { a, b, _ in a * b })),
    "Div": rows(1, aligned(emitDiv)),
    "Pow": rows(1, aligned(emitPow)),
    "Mod": rows(10, emitMod),
    "Max": rows(1, variadic(.maximum)),
    "Min": rows(1, variadic(.minimum)),
    "Sum": rows(1, variadic(.add)),
    "Mean": rows(1, variadic(.add, mean: true)),

    // comparison, logic and choice
    "Equal": rows(1, aligned(comparison(.equal, takesBool: true))),
    "Less": rows(1, aligned(comparison(.less))),
    "LessOrEqual": rows(12, comparison(.lessOrEqual)),
    "Greater": rows(1, aligned(comparison(.greater))),
    "GreaterOrEqual": rows(12, comparison(.greaterOrEqual)),
    "And": rows(1, aligned(logical(.and))),
    "Or": rows(1, aligned(logical(.or))),
    "Xor": rows(1, aligned(logical(.notEqual))),
    "Not": rows(1, emitNot),
    "Where": rows(9, emitWhere),
    "IsNaN": rows(9, emitIsNaN),
    "IsInf": rows(10, emitIsInf),

    // functions of one operand
    "Abs": rows(1, unaryNumber { x, _ in .unary(.absolute, x) }),
    "Neg": rows(1, unaryNumber { x, _ in .unary(.negate, x) }),
    "Sign": rows(9, unaryNumber { x, _ in .unary(.sign, x) }),
    "Floor": rows(1, unaryFloat { x, _ in .unary(.floor, x) }),
    "Ceil": rows(1, unaryFloat { x, _ in .unary(.ceil, x) }),
    "Round": rows(11, unaryFloat { x, _ in .unary(.round, x) }),
    "Sqrt": rows(1, unaryFloat { x, _ in .unary(.sqrt, x) }),
    "Reciprocal": rows(1, unaryFloat { x, dtype in Formula.divide(number(1, dtype), x) }),
    "Exp": rows(1, unaryFloat { x, _ in .unary(.exp, x) }),
    "Log": rows(1, unaryFloat { x, _ in .unary(.log, x) }),
    "Erf": rows(9, unaryFloat { x, _ in .unary(.erf, x) }),
    "Sin": rows(7, unaryFloat { x, _ in .unary(.sin, x) }),
    "Cos": rows(7, unaryFloat { x, _ in .unary(.cos, x) }),
    "Tan": rows(7, unaryFloat { x, _ in Formula.tan(x) }),
    "Sinh": rows(9, unaryFloat(Formula.sinh)),
    "Cosh": rows(9, unaryFloat(Formula.cosh)),
    "Tanh": rows(1, unaryFloat { x, _ in .unary(.tanh, x) }),
    "Asinh": rows(9, unaryFloat(Formula.asinh)),
    "Acosh": rows(9, unaryFloat(Formula.acosh)),
    "Atanh": rows(9, unaryFloat(Formula.atanh)),

    // activations
    "Relu": rows(1, unaryNumber(Formula.relu)),
    "LeakyRelu": rows(1, unaryFloat([("alpha", 0.01)]) { x, v, dtype in Formula.leakyRelu(x, alpha: v[0], dtype) }),
    "PRelu": rows(1, emitPRelu),
    "Elu": rows(1, unaryFloat([("alpha", 1)]) { x, v, dtype in Formula.elu(x, alpha: v[0], dtype) }),
    "Selu": rows(
        1, selu(1.6732, 1.0507), changed: 6, selu(1.67326319217681884765625, 1.05070102214813232421875)),
    "Celu": rows(12, unaryFloat([("alpha", 1)]) { x, v, dtype in Formula.celu(x, alpha: v[0], dtype) }),
    "ThresholdedRelu": rows(
        10, unaryFloat([("alpha", 1)]) { x, v, dtype in Formula.thresholdedRelu(x, alpha: v[0], dtype) }),
    "Sigmoid": rows(1, unaryFloat(Formula.sigmoid)),
    "HardSigmoid": rows(
        1,
        unaryFloat([("alpha", 0.2), ("beta", 0.5)]) { x, v, dtype in
            Formula.hardSigmoid(x, alpha: v[0], beta: v[1], dtype)
        }),
    "HardSwish": rows(14, unaryFloat(Formula.hardSwish)),
    "Softplus": rows(1, unaryFloat(Formula.softplus)),
    "Softsign": rows(1, unaryFloat(Formula.softsign)),
    "Mish": rows(18, unaryFloat(Formula.mish)),
    "Swish": rows(24, unaryFloat([("alpha", 1)]) { x, v, dtype in Formula.swish(x, alpha: v[0], dtype) }),
    "Gelu": rows(20, emitGelu),
    "Clip": rows(1, emitClipByAttributes, changed: 11, emitClip),

    // reductions
    "ReduceSum": reduction(Reduction(reducer: .sum), axesInput: 13),
    "ReduceMean": reduction(Reduction(reducer: .sum, finish: .mean)),
    "ReduceMax": reduction(Reduction(reducer: .max, boolToo: true)),
    "ReduceMin": reduction(Reduction(reducer: .min, boolToo: true)),
    "ReduceProd": reduction(Reduction(reducer: .product)),
    "ReduceSumSquare": reduction(Reduction(reducer: .sum, term: { $0 * $0 })),
    "ReduceL1": reduction(Reduction(reducer: .sum, term: { .unary(.absolute, $0) })),
    "ReduceL2": reduction(Reduction(reducer: .sum, finish: .root, term: { $0 * $0 })),
    "ReduceLogSum": reduction(Reduction(reducer: .sum, finish: .logarithm)),
    "ReduceLogSumExp": reduction(Reduction(reducer: .sum, finish: .logarithmOfExponentials)),
    "CumSum": rows(11, emitCumSum),
    "ArgMax": rows(1, emitArgMax),
    "ArgMin": rows(1, emitArgMin),

    // normalisation
    "BatchNormalization": rows(1, emitBatchNormalization),
    "LayerNormalization": rows(17, emitLayerNormalization),
    "RMSNormalization": rows(23, emitRMSNormalization),
    "InstanceNormalization": rows(1, emitInstanceNormalization),
    "Softmax": rows(1, emitSoftmax),
    "LogSoftmax": rows(1, emitLogSoftmax),

    // movement
    "Identity": rows(1, emitIdentity),
    "Dropout": rows(1, emitDropout),
    "Reshape": rows(1, emitReshapeByAttribute, changed: 5, emitReshape),
    "Flatten": rows(1, emitFlatten),
    "Squeeze": rows(1, emitSqueeze),
    "Unsqueeze": rows(1, emitUnsqueeze),
    "Transpose": rows(1, emitTranspose),
    "Slice": rows(1, emitSliceByAttributes, changed: 10, emitSlice),
    "Concat": rows(1, emitConcat),
    "Split": rows(1, emitSplit),
    "Pad": rows(2, emitPadByAttributes, changed: 11, emitPad),
    "Expand": rows(8, emitExpand),
    "Tile": rows(1, emitTileAlongAxis, changed: 6, emitTile),
    "Gather": rows(1, emitGather),
    "Trilu": rows(14, emitTrilu),
    "GatherElements": rows(11, emitGatherElements),
    "DepthToSpace": rows(1, emitDepthToSpace),
    "SpaceToDepth": rows(1, emitSpaceToDepth),
    "Cast": rows(1, emitCastByName, changed: 6, emitCast),
    "CastLike": rows(15, emitCastLike),

    // shapes and constants
    "Shape": rows(1, emitShape),
    "Size": rows(1, emitSize),
    "Constant": rows(1, emitConstant),
    "ConstantOfShape": rows(9, emitConstantOfShape),
    "Range": rows(11, emitRange),
]
