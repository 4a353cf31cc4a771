// Quantised operators of the domain com.microsoft.

let microsoftQuantisationTable: [String: [OperatorRow]] = [
    "QuantizeLinear": rows(1, emitQuantizeLinear),
    "DequantizeLinear": rows(1, emitDequantizeLinear),
    "QLinearAdd": rows(1, emitQLinearAdd),
    "QLinearMul": rows(1, emitQLinearMul),
    "QLinearSigmoid": rows(1, emitQLinearSigmoid),
    "QLinearLeakyRelu": rows(1, emitQLinearLeakyRelu),
    "QLinearConcat": rows(1, emitQLinearConcat),
    "QLinearGlobalAveragePool": rows(1, emitQLinearGlobalAveragePool),
    "QLinearAveragePool": rows(1, emitQLinearAveragePool),
    "MatMulIntegerToFloat": rows(1, emitMatMulIntegerToFloat),
    "DynamicQuantizeMatMul": rows(1, emitDynamicQuantizeMatMul),
    "MatMulNBits": rows(1, emitMatMulNBits),
]
