// Operators of the domain com.microsoft: that the domain is looked up, what fused operators compute, and that other
// domains are still refused. Expected values come from the parts that a fused operator is made of.

import TensorIR
import Testing

@testable import ONNXImport

private func maker(
    _ name: String, _ operands: [TensorValue?], domain: String = "com.microsoft", outputs: Int = 1,
    _ attributes: [Ironworks_Onnx_AttributeProto] = []
) -> ModelMaker {
    var maker = oneNode(name, operands, outputs: outputs, attributes)
    var set = Ironworks_Onnx_OperatorSetIdProto()
    (set.domain, set.version) = (domain, 1)
    maker.model.opsetImport.append(set)
    maker.model.graph.node[0].domain = domain
    return maker
}

private func fused(
    _ name: String, _ operands: [TensorValue?], outputs: Int = 1, _ attributes: [Ironworks_Onnx_AttributeProto] = []
) throws -> [TensorValue] {
    let imported = try importModel(try maker(name, operands, outputs: outputs, attributes).file())
    try imported.graph.verify()
    return try interpret(imported.graph, inputs: operands.compactMap { $0 }, constants: imported.constants)
}

private let x = floats([1, 2, 2], [1, -2, 3, 0.5])
private let ones = floats([2], [1, 1])

@Test func otherDomainsAreRefused() {
    let message = sentence { _ = try importModel(try maker("Gelu", [x], domain: "org.example").file()) }
    #expect(message.contains("Gelu (domain org.example version 1)"))
}

@Test func fusedConvolutionsAddAndActivate() throws {
    let image = floats([1, 1, 3], [1, -2, 3])
    let operands: [TensorValue?] = [image, floats([1, 1, 1], [2]), floats([1], [1]), floats([1, 1, 3], [0, 0, -9])]
    #expect(try fused("FusedConv", operands, [attribute("activation", "Relu")])[0] == floats([1, 1, 3], [3, 0, 0]))
    var clip = attribute("activation_params", [])
    clip.type = .floats
    clip.floats = [-1, 2]
    let clipped = try fused("FusedConv", operands, [attribute("activation", "Clip"), clip])
    #expect(clipped[0] == floats([1, 1, 3], [2, -1, -1]))
}

@Test func gelusMeetTheirParts() throws {
    let plain = try evaluate("Gelu", version: 20, [x])[0]
    let tanh = try evaluate("Gelu", version: 20, [x], [attribute("approximate", "tanh")])[0]
    #expect(try fused("Gelu", [x])[0] == plain)
    #expect(try fused("BiasGelu", [x, floats([2], [0, 0])])[0] == plain)
    #expect(try fused("FastGelu", [x])[0] == tanh)
    let shifted = try evaluate("Gelu", version: 20, [floats([1, 2, 2], [2, -1, 4, 1.5])])[0]
    #expect(try fused("BiasGelu", [x, ones])[0] == shifted)
    let swish = try evaluate("Swish", version: 24, [x], [attribute("alpha", Float(2))])[0]
    #expect(try fused("QuickGelu", [x], [attribute("alpha", Float(2))])[0] == swish)
}

@Test func residualsAreNormalised() throws {
    let skip = floats([1, 2, 2], [1, 1, 1, 1])
    let sum = floats([1, 2, 2], [2, -1, 4, 1.5])
    let layer = try evaluate("LayerNormalization", [sum, ones, floats([2], [5, 5])])[0]
    let epsilon = attribute("epsilon", Float(1e-5))
    let y = try fused("SkipLayerNormalization", [x, skip, ones, floats([2], [5, 5])], outputs: 4, [epsilon])
    #expect(agree(y[0], layer) && y[3] == sum)
    let root = try evaluate("RMSNormalization", version: 23, [sum, ones], [epsilon])[0]
    #expect(agree(try fused("SkipSimplifiedLayerNormalization", [x, skip, ones], [epsilon])[0], root))
    #expect(agree(try fused("SimplifiedLayerNormalization", [sum, ones], [epsilon])[0], root))
    #expect(agree(try evaluate("SimplifiedLayerNormalization", [sum, ones], [epsilon])[0], root))
}

@Test func embeddingsAreLookedUpAndCounted() throws {
    let words = integers([1, 2], [1, 0], .i32)
    let tables = [counting([2, 2]), floats([2, 2], [10, 20, 30, 40]), floats([1, 2], [0.5, 0.5])]
    let operands: [TensorValue?] = [
        words, integers([1, 2], [0, 0], .i32), tables[0], tables[1], tables[2], ones, floats([2], [0, 0]),
        integers([1, 2], [1, 0], .i32),
    ]
    let y = try fused("EmbedLayerNormalization", operands, outputs: 3)
    #expect(y[2] == floats([1, 2, 2], [12.5, 23.5, 30.5, 41.5]))
    #expect(y[1] == integers([1], [1], .i32))
    #expect(agree(y[0], floats([1, 2, 2], [-1, 1, -1, 1]), tolerance: 1e-5))
}

@Test func productsAreTransposed() throws {
    let attributes = [attribute("transA", Int64(1)), attribute("transB", Int64(1)), attribute("alpha", Float(2))]
    let y = try fused("FusedMatMul", [counting([3, 2]), counting([2, 3])], attributes)
    #expect(y[0] == floats([2, 2], [20, 56, 26, 80]))
    let batch = try fused(
        "FusedMatMul", [counting([2, 1, 2]), counting([1, 2, 1])], [attribute("transBatchA", Int64(1))])
    #expect(batch[0] == floats([1, 2, 1], [1, 3]))
}

@Test func projectedAttentionIsMasked() throws {
    // no weight but for the values, which are the operand: keys are equal, so results are averages
    let operand = floats([1, 2, 1], [2, 4])
    let weights = floats([1, 3], [0, 0, 1])
    let heads = attribute("num_heads", Int64(1))
    #expect(agree(try fused("Attention", [operand, weights], [heads])[0], floats([1, 2, 1], [3, 3])))
    let lengths = try fused("Attention", [operand, weights, nil, integers([1], [1], .i32)], [heads])
    #expect(agree(lengths[0], floats([1, 2, 1], [2, 2])))
    let causal = try fused("Attention", [operand, weights], [heads, attribute("unidirectional", Int64(1))])
    #expect(agree(causal[0], floats([1, 2, 1], [2, 3])))
    let past = floats([2, 1, 1, 1, 1], [0, 9])
    let cached = try fused("Attention", [operand, weights, nil, nil, past], outputs: 2, [heads])
    #expect(agree(cached[0], floats([1, 2, 1], [5, 5])))
    #expect(cached[1] == floats([2, 1, 1, 3, 1], [0, 0, 0, 9, 2, 4]))
}

@Test func rotationsCountFromAnOffset() throws {
    let tables = [floats([2, 1], [1, 0]), floats([2, 1], [0, 1])]
    let y = try fused("RotaryEmbedding", [floats([1, 1, 2], [3, 4]), vector(1), tables[0], tables[1]])
    #expect(y[0] == floats([1, 1, 2], [-4, 3]))
}
