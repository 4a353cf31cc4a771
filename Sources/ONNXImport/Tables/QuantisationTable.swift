// Quantisation: linear conversion and integer products.

let quantisationTable: [String: [OperatorRow]] = [
    "QuantizeLinear": rows(10, emitQuantizeLinear),
    "DequantizeLinear": rows(10, emitDequantizeLinear),
    "DynamicQuantizeLinear": rows(11, emitDynamicQuantizeLinear),
    "MatMulInteger": rows(10, emitMatMulInteger),
    "ConvInteger": rows(10, emitConvInteger),
    "QLinearMatMul": rows(10, emitQLinearMatMul),
    "QLinearConv": rows(10, emitQLinearConv),
]
