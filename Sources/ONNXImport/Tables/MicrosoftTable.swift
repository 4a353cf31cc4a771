// Operators of the domain com.microsoft, as ONNX Runtime's optimizers and exporters write them. The domain has had
// one version ever since, so a row holds from version 1 on.

let microsoftTable: [String: [OperatorRow]] = [
    // fusions
    "FusedConv": rows(1, emitFusedConvolution),
    "FusedMatMul": rows(1, emitFusedMatMul),
    "Gelu": rows(1, unaryFloat(Formula.gelu)),
    "BiasGelu": rows(1, fusedGelu(needsBias: true, Formula.gelu)),
    "FastGelu": rows(1, fusedGelu(needsBias: false, Formula.geluTanh)),
    "QuickGelu": rows(1, unaryFloat([("alpha", 1.702)]) { x, v, dtype in Formula.swish(x, alpha: v[0], dtype) }),

    // normalisation
    "LayerNormalization": rows(1, emitLayerNormalization),
    "SimplifiedLayerNormalization": rows(1, emitSimplifiedNormalization),
    "SkipLayerNormalization": rows(1, emitSkipNormalization),
    "SkipSimplifiedLayerNormalization": rows(1, emitSkipSimplifiedNormalization),
    "EmbedLayerNormalization": rows(1, emitEmbeddingNormalization),

    // attention
    "Attention": rows(1, emitFusedAttention),
    "RotaryEmbedding": rows(1, emitMicrosoftRotaryEmbedding),
]
