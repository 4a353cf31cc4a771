// The operators of the domain com.microsoft, as ONNX Runtime 1.32 registers them; all have version 1. Most are written
// by its optimizers and by exporters of language models. LayerNormalization and SimplifiedLayerNormalization are
// registered in ONNX's own domain; models that name them here are meant the same way.

let microsoftGroups: [OperatorGroup] = [
    OperatorGroup(
        .arithmetic, since: 1,
        [
            "BiasAdd", "CDist", "ComplexMul", "ComplexMulConj", "GatedAdd", "MulInteger",
        ]),
    OperatorGroup(
        .activation, since: 1,
        [
            "BiasGelu", "BiasSoftmax", "BiasSplitGelu", "FastGelu", "Gelu", "QuickGelu", "ScaledSiLU", "SwiGLU",
        ]),
    OperatorGroup(
        .logic, since: 1,
        [
            "IsAllFinite"
        ]),
    OperatorGroup(
        .reduction, since: 1,
        [
            "ReduceSumInteger"
        ]),
    OperatorGroup(
        .product, since: 1,
        [
            "FusedGemm", "FusedMatMul", "FusedMatMulActivation", "GemmFastGelu", "GemmFloat8", "Inverse",
            "MatMulPacked", "SparseToDenseMatMul", "TransposeMatMul",
        ]),
    OperatorGroup(
        .window, since: 1,
        [
            "CausalConvWithState", "ConvStateReplay", "ConvTransposeWithDynamicPads", "FusedConv", "MaxpoolWithMask",
            "NhwcConv", "NhwcFusedConv", "NhwcMaxPool", "VarlenCausalConvWithState",
        ]),
    OperatorGroup(
        .sampling, since: 1,
        [
            "CropAndResize", "GridSample", "SampleOp",
        ]),
    OperatorGroup(
        .normalisation, since: 1,
        [
            "BranchwiseRMSNorm", "EmbedLayerNormalization", "GatedRMSNorm", "GroupNorm", "LayerNormalization",
            "SimplifiedLayerNormalization", "SkipGroupNorm", "SkipLayerNormalization",
            "SkipSimplifiedLayerNormalization",
        ]),
    OperatorGroup(
        .attention, since: 1,
        [
            "Attention", "DecoderAttention", "DecoderMaskedMultiHeadAttention", "DecoderMaskedSelfAttention",
            "DynamicSparseAttention", "EngramGate", "GatedDeltaNet", "GatedDeltaNetStateReplay",
            "GatedRelativePositionBias", "GemmaRotaryEmbedding", "GroupQueryAttention", "LinearAttention",
            "LinearAttentionGate", "LongformerAttention", "MRotaryEmbedding", "Mamba2Verify", "MultiHeadAttention",
            "PackedAttention", "PackedMultiHeadAttention", "PackedSparseAttentionIndexer",
            "PackedSparseAttentionIndexerMerge", "PagedAttention", "RMSNormRotary", "RelativePositionBias",
            "RemovePadding", "RestorePadding", "RotaryEmbedding", "SparseAttention", "SparseAttentionIndexer",
            "SparsePagedAttention",
        ]),
    OperatorGroup(
        .expert, since: 1,
        [
            "HyperConnectionLowRankMix", "HyperConnectionPostMix", "HyperConnectionPreMix", "MoE", "MoEGroupRouter",
            "MoEPacked", "QMoE", "RouterGateUpProj",
        ]),
    OperatorGroup(
        .recurrent, since: 1,
        [
            "AttnLSTM", "DynamicQuantizeLSTM",
        ]),
    OperatorGroup(
        .movement, since: 1,
        [
            "BiasDropout", "BitmaskBiasDropout", "BitmaskDropout", "ExpandDims", "Pad", "Trilu", "UnfoldTensor",
        ]),
    OperatorGroup(
        .indexing, since: 1,
        [
            "GatherBlockQuantized", "GatherND", "GatherPacked", "TorchEmbedding",
        ]),
    OperatorGroup(
        .selection, since: 1,
        [
            "BeamSearch", "BifurcationDetector", "DynamicTimeWarping", "GreedySearch", "NGramRepeatBlock",
            "Sampling", "SpeculativePrefixCommit", "Unique", "WhisperBeamSearch",
        ]),
    OperatorGroup(
        .shape, since: 1,
        [
            "Range"
        ]),
    OperatorGroup(
        .conversion, since: 1,
        [
            "DequantizeBFP", "DequantizeLinear", "DequantizeWithOrder", "QuantizeBFP", "QuantizeLinear",
            "QuantizeWithOrder",
        ]),
    OperatorGroup(
        .quantised, since: 1,
        [
            "DynamicQuantizeMatMul", "MatMulBlockQuantizedFp4Weight", "MatMulBlockQuantizedFp8Weight", "MatMulBnb4",
            "MatMulFpQ4", "MatMulInteger16", "MatMulIntegerToFloat", "MatMulNBits", "MatMulNBitsMlp",
            "MatMulNBitsQLoRA", "MatMulNBitsQkv", "QAttention", "QEmbedLayerNormalization", "QGemm", "QLinearAdd",
            "QLinearAveragePool", "QLinearConcat", "QLinearConv", "QLinearGlobalAveragePool", "QLinearLeakyRelu",
            "QLinearMul", "QLinearReduceMean", "QLinearSigmoid", "QLinearSoftmax", "QLinearWhere",
            "QOrderedAttention", "QOrderedGelu", "QOrderedLayerNormalization", "QOrderedLongformerAttention",
            "QOrderedMatMul",
        ]),
    OperatorGroup(
        .signal, since: 1,
        [
            "Irfft", "Rfft",
        ]),
    OperatorGroup(
        .text, since: 1,
        [
            "MurmurHash3", "NGramHashMapping", "Tokenizer", "VarlenNGramHashMapping", "WordConvEmbedding",
        ]),
    OperatorGroup(
        .runtime, since: 1,
        [
            "EPContext", "Snpe",
        ]),
]
