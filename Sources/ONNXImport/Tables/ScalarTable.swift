// Scalar functions, bit operators, losses, older normalisations, and tensors made from numbers and places.

import TensorIR

let scalarTable: [String: [OperatorRow]] = [
    // functions of one operand
    "Acos": rows(7, unaryFloat { x, _ in .unary(.acos, x) }),
    "Asin": rows(7, unaryFloat { x, _ in .unary(.asin, x) }),
    "Atan": rows(7, unaryFloat { x, _ in .unary(.atan, x) }),
    "Shrink": rows(9, emitShrink),
    "SwiGLU": rows(28, emitSwiGLU),

    // bits
    "BitShift": rows(11, emitBitShift),
    "BitwiseAnd": rows(18, bitwise(.bitAnd)),
    "BitwiseOr": rows(18, bitwise(.bitOr)),
    "BitwiseXor": rows(18, bitwise(.bitXor)),
    "BitwiseNot": rows(18, emitBitwiseNot),
    "BitCast": rows(26, emitBitCast),

    // normalisation and choice
    "Hardmax": rows(1, emitHardmax),
    "LRN": rows(1, emitLRN),
    "LpNormalization": rows(1, emitLpNormalization),
    "MeanVarianceNormalization": rows(9, emitMeanVarianceNormalization),
    "GroupNormalization": rows(18, emitGroupNormalization),

    // losses
    "SoftmaxCrossEntropyLoss": rows(12, emitSoftmaxCrossEntropyLoss),
    "NegativeLogLikelihoodLoss": rows(12, emitNegativeLogLikelihoodLoss),

    // places
    "EyeLike": rows(9, emitEyeLike),
    "OneHot": rows(9, emitOneHot),
    "GatherND": rows(11, emitGatherND),
    "ReverseSequence": rows(10, emitReverseSequence),
    "CenterCropPad": rows(18, emitCenterCropPad),

    // counts of n-grams
    "TfIdfVectorizer": rows(9, emitTfIdfVectorizer),

    // along an axis, and of matrices
    "CumProd": rows(26, emitCumProd),
    "Det": rows(11, emitDet),

    // random numbers
    "Bernoulli": rows(15, emitBernoulli),
    "Multinomial": rows(7, emitMultinomial),
    "RandomNormal": rows(1, random(normal: true, isLike: false)),
    "RandomNormalLike": rows(1, random(normal: true, isLike: true)),
    "RandomUniform": rows(1, random(normal: false, isLike: false)),
    "RandomUniformLike": rows(1, random(normal: false, isLike: true)),
]
