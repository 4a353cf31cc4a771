// Attention in its variants, rotary embeddings, products by Einstein's sum, and the normalisation that ONNX Runtime
// adds to ONNX's own domain.

let attentionTable: [String: [OperatorRow]] = [
    "Attention": rows(23, emitAttention),
    "LinearAttention": rows(27, emitLinearAttention),
    "CausalConvWithState": rows(27, emitCausalConvolution),
    "RotaryEmbedding": rows(23, emitRotaryEmbedding),
    "TensorScatter": rows(24, emitTensorScatter),
    "Einsum": rows(12, emitEinsum),
    "SimplifiedLayerNormalization": rows(1, emitSimplifiedNormalization),
]
