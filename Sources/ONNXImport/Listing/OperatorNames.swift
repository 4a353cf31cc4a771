// The operators that exist, as facts: the names of ONNX's own domains with the versions in which each was defined
// anew, as onnx 1.23.2 has them. Whether an operator is imported does not stand here; the tables of families say that.
// The listing joins the two, so that it can also name what is not imported, and a test finds an operator of the tables
// that stands in no list. A version that only withdraws an operator is in `withdrawnSince`.

/// Operators of one area: per name the versions of the operator set that defined it anew, ascending.
struct OperatorGroup {
    var area: OperatorArea
    var operators: [(name: String, definitions: [Int])]

    init(_ area: OperatorArea, _ operators: KeyValuePairs<String, [Int]>) {
        self.area = area
        self.operators = operators.map { (name: $0.key, definitions: $0.value) }
    }

    /// Operators with the one definition of version `since`.
    init(_ area: OperatorArea, since: Int, _ names: [String]) {
        self.area = area
        operators = names.map { (name: $0, definitions: [since]) }
    }
}

extension OperatorDomain {
    /// Every operator that the domain is known to have.
    var groups: [OperatorGroup] {
        switch self {
        case .onnx: onnxGroups
        case .preview: [OperatorGroup(.attention, ["FlexAttention": [1]])]
        case .training: [OperatorGroup(.training, since: 1, ["Adagrad", "Adam", "Gradient", "Momentum"])]
        case .microsoft: microsoftGroups
        }
    }

    /// Operators that a later version of the operator set took out, with that version.
    var withdrawnSince: [String: Int] {
        switch self {
        case .onnx: ["Scatter": 11, "Upsample": 10]
        case .preview, .training, .microsoft: [:]
        }
    }
}

private let onnxGroups: [OperatorGroup] = [
    OperatorGroup(
        .arithmetic,
        [
            "Add": [1, 6, 7, 13, 14],
            "Div": [1, 6, 7, 13, 14],
            "Max": [1, 6, 8, 12, 13],
            "Mean": [1, 6, 8, 13],
            "Min": [1, 6, 8, 12, 13],
            "Mod": [10, 13, 28],
            "Mul": [1, 6, 7, 13, 14],
            "Pow": [1, 7, 12, 13, 15],
            "Sub": [1, 6, 7, 13, 14],
            "Sum": [1, 6, 8, 13],
        ]),
    OperatorGroup(
        .logic,
        [
            "And": [1, 7],
            "Equal": [1, 7, 11, 13, 19],
            "Greater": [1, 7, 9, 13],
            "GreaterOrEqual": [12, 16],
            "IsInf": [10, 20],
            "IsNaN": [9, 13, 20],
            "Less": [1, 7, 9, 13],
            "LessOrEqual": [12, 16],
            "Not": [1],
            "Or": [1, 7],
            "Where": [9, 16],
            "Xor": [1, 7],
        ]),
    OperatorGroup(
        .bits,
        [
            "BitCast": [26],
            "BitShift": [11, 28],
            "BitwiseAnd": [18],
            "BitwiseNot": [18],
            "BitwiseOr": [18],
            "BitwiseXor": [18],
        ]),
    OperatorGroup(
        .function,
        [
            "Abs": [1, 6, 13],
            "Acos": [7, 22],
            "Acosh": [9, 22],
            "Asin": [7, 22],
            "Asinh": [9, 22],
            "Atan": [7, 22],
            "Atanh": [9, 22],
            "Ceil": [1, 6, 13],
            "Cos": [7, 22],
            "Cosh": [9, 22],
            "Erf": [9, 13],
            "Exp": [1, 6, 13],
            "Floor": [1, 6, 13],
            "Log": [1, 6, 13],
            "Neg": [1, 6, 13],
            "Reciprocal": [1, 6, 13],
            "Round": [11, 22],
            "Sign": [9, 13],
            "Sin": [7, 22],
            "Sinh": [9, 22],
            "Sqrt": [1, 6, 13],
            "Tan": [7, 22],
            "Tanh": [1, 6, 13],
        ]),
    OperatorGroup(
        .activation,
        [
            "Celu": [12, 28],
            "Clip": [1, 6, 11, 12, 13],
            "Elu": [1, 6, 22],
            "Gelu": [20],
            "HardSigmoid": [1, 6, 22],
            "HardSwish": [14, 22],
            "Hardmax": [1, 11, 13],
            "LeakyRelu": [1, 6, 16],
            "LogSoftmax": [1, 11, 13],
            "Mish": [18, 22],
            "PRelu": [1, 6, 7, 9, 16],
            "Relu": [1, 6, 13, 14],
            "Selu": [1, 6, 22],
            "Shrink": [9],
            "Sigmoid": [1, 6, 13],
            "Softmax": [1, 11, 13],
            "Softplus": [1, 22],
            "Softsign": [1, 22],
            "SwiGLU": [28],
            "Swish": [24],
            "ThresholdedRelu": [10, 22],
        ]),
    OperatorGroup(
        .reduction,
        [
            "ArgMax": [1, 11, 12, 13],
            "ArgMin": [1, 11, 12, 13],
            "CumProd": [26],
            "CumSum": [11, 14],
            "ReduceL1": [1, 11, 13, 18],
            "ReduceL2": [1, 11, 13, 18],
            "ReduceLogSum": [1, 11, 13, 18, 28],
            "ReduceLogSumExp": [1, 11, 13, 18, 28],
            "ReduceMax": [1, 11, 12, 13, 18, 20],
            "ReduceMean": [1, 11, 13, 18],
            "ReduceMin": [1, 11, 12, 13, 18, 20],
            "ReduceProd": [1, 11, 13, 18],
            "ReduceSum": [1, 11, 13],
            "ReduceSumSquare": [1, 11, 13, 18],
        ]),
    OperatorGroup(
        .product,
        [
            "Det": [11, 22],
            "Einsum": [12, 28],
            "Gemm": [1, 6, 7, 9, 11, 13],
            "MatMul": [1, 9, 13],
        ]),
    OperatorGroup(
        .window,
        [
            "AveragePool": [1, 7, 10, 11, 19, 22],
            "CausalConvWithState": [27],
            "Col2Im": [18],
            "Conv": [1, 11, 22],
            "ConvTranspose": [1, 11, 22],
            "DeformConv": [19, 22],
            "GlobalAveragePool": [1, 22],
            "GlobalLpPool": [1, 2, 22],
            "GlobalMaxPool": [1, 22],
            "LpPool": [1, 2, 11, 18, 22],
            "MaxPool": [1, 8, 10, 11, 12, 22],
            "MaxRoiPool": [1, 22],
            "MaxUnpool": [9, 11, 22],
            "RoiAlign": [10, 16, 22],
        ]),
    OperatorGroup(
        .sampling,
        [
            "AffineGrid": [20],
            "CenterCropPad": [18],
            "GridSample": [16, 20, 22],
            "Resize": [10, 11, 13, 18, 19],
            "Upsample": [1, 7, 9],
        ]),
    OperatorGroup(
        .normalisation,
        [
            "BatchNormalization": [1, 6, 7, 9, 14, 15],
            "GroupNormalization": [18, 21],
            "InstanceNormalization": [1, 6, 22],
            "LRN": [1, 13],
            "LayerNormalization": [17],
            "LpNormalization": [1, 22],
            "MeanVarianceNormalization": [9, 13],
            "RMSNormalization": [23],
        ]),
    OperatorGroup(
        .attention,
        [
            "Attention": [23, 24, 25],
            "LinearAttention": [27],
            "RotaryEmbedding": [23],
            "TensorScatter": [24],
        ]),
    OperatorGroup(
        .recurrent,
        [
            "GRU": [1, 3, 7, 14, 22],
            "LSTM": [1, 7, 14, 22],
            "RNN": [1, 7, 14, 22],
        ]),
    OperatorGroup(
        .movement,
        [
            "Concat": [1, 4, 11, 13],
            "DepthToSpace": [1, 11, 13, 28],
            "Dropout": [1, 6, 7, 10, 12, 13, 22],
            "Expand": [8, 13],
            "Flatten": [1, 9, 11, 13, 21, 23, 24, 25],
            "Identity": [1, 13, 14, 16, 19, 21, 23, 24, 25],
            "Pad": [1, 2, 11, 13, 18, 19, 21, 23, 24, 25],
            "Reshape": [1, 5, 13, 14, 19, 21, 23, 24, 25],
            "ReverseSequence": [10, 28],
            "Slice": [1, 10, 11, 13],
            "SpaceToDepth": [1, 13, 28],
            "Split": [1, 2, 11, 13, 18],
            "Squeeze": [1, 11, 13, 21, 23, 24, 25],
            "Tile": [1, 6, 13],
            "Transpose": [1, 13, 21, 23, 24, 25],
            "Trilu": [14],
            "Unsqueeze": [1, 11, 13, 21, 23, 24, 25],
        ]),
    OperatorGroup(
        .indexing,
        [
            "Gather": [1, 11, 13],
            "GatherElements": [11, 13],
            "GatherND": [11, 12, 13],
            "OneHot": [9, 11, 28],
            "Scatter": [9],
            "ScatterElements": [11, 13, 16, 18],
            "ScatterND": [11, 13, 16, 18],
        ]),
    OperatorGroup(
        .selection,
        [
            "Compress": [9, 11, 28],
            "NonMaxSuppression": [10, 11],
            "NonZero": [9, 13],
            "TopK": [1, 10, 11, 24],
            "Unique": [11, 28],
        ]),
    OperatorGroup(
        .shape,
        [
            "Constant": [1, 9, 11, 12, 13, 19, 21, 23, 24, 25],
            "ConstantOfShape": [9, 20, 21, 23, 24, 25],
            "EyeLike": [9, 22],
            "Range": [11, 27],
            "Shape": [1, 13, 15, 19, 21, 23, 24, 25],
            "Size": [1, 13, 19, 21, 23, 24, 25],
        ]),
    OperatorGroup(
        .conversion,
        [
            "Cast": [1, 6, 9, 13, 19, 21, 23, 24, 25, 28],
            "CastLike": [15, 19, 21, 23, 24, 25],
            "DequantizeLinear": [10, 13, 19, 21, 23, 24, 25, 28],
            "DynamicQuantizeLinear": [11],
            "QuantizeLinear": [10, 13, 19, 21, 23, 24, 25, 28],
        ]),
    OperatorGroup(
        .quantised,
        [
            "ConvInteger": [10],
            "MatMulInteger": [10],
            "QLinearConv": [10],
            "QLinearMatMul": [10, 21],
        ]),
    OperatorGroup(
        .signal,
        [
            "BlackmanWindow": [17],
            "DFT": [17, 20],
            "HammingWindow": [17],
            "HannWindow": [17],
            "MelWeightMatrix": [17],
            "STFT": [17],
        ]),
    OperatorGroup(
        .random,
        [
            "Bernoulli": [15, 22],
            "Multinomial": [7, 22],
            "RandomNormal": [1, 22],
            "RandomNormalLike": [1, 22],
            "RandomUniform": [1, 22],
            "RandomUniformLike": [1, 22],
        ]),
    OperatorGroup(
        .loss,
        [
            "NegativeLogLikelihoodLoss": [12, 13, 22],
            "SoftmaxCrossEntropyLoss": [12, 13],
        ]),
    OperatorGroup(
        .sequence,
        [
            "ConcatFromSequence": [11],
            "Optional": [15, 28],
            "OptionalGetElement": [15, 18, 28],
            "OptionalHasElement": [15, 18, 28],
            "SequenceAt": [11],
            "SequenceConstruct": [11],
            "SequenceEmpty": [11],
            "SequenceErase": [11],
            "SequenceInsert": [11],
            "SequenceLength": [11],
            "SequenceMap": [17],
            "SplitToSequence": [11, 24],
        ]),
    OperatorGroup(
        .control,
        [
            "If": [1, 11, 13, 16, 19, 21, 23, 24, 25],
            "Loop": [1, 11, 13, 16, 19, 21, 23, 24, 25],
            "Scan": [8, 9, 11, 16, 19, 21, 23, 24, 25],
        ]),
    OperatorGroup(
        .text,
        [
            "RegexFullMatch": [20],
            "StringConcat": [20],
            "StringNormalizer": [10],
            "StringSplit": [20],
            "TfIdfVectorizer": [9],
        ]),
    OperatorGroup(
        .image,
        [
            "ImageDecoder": [20]
        ]),
    // ONNX Runtime adds this one to ONNX's own domain.
    OperatorGroup(.normalisation, since: 1, ["SimplifiedLayerNormalization"]),
]
