// FlexAttention with and without graphs that change scores and probabilities; one query, so that values are worked out
// by hand. A graph that gives something else than it takes is refused.

import Glibc
import TensorIR
import Testing

@testable import ONNXImport

/// A model of one node; queries, keys and values as one head of size 1 unless the shapes say otherwise.
private func flexible(
    _ q: TensorValue, _ k: TensorValue, _ v: TensorValue, _ attributes: [Ironworks_Onnx_AttributeProto] = []
) -> ModelMaker {
    var maker = oneNode("FlexAttention", version: 26, [q, k, v], attributes)
    var set = Ironworks_Onnx_OperatorSetIdProto()
    (set.domain, set.version) = ("ai.onnx.preview", 1)
    maker.model.opsetImport.append(set)
    maker.model.graph.node[0].domain = "ai.onnx.preview"
    return maker
}

private let query = floats([1, 1, 1, 1], [2])
private let keys = floats([1, 1, 2, 1], [1, -1])
private let values = floats([1, 1, 2, 1], [3, 5])

/// Multiplies by a number.
private func times(_ factor: Double, _ dtype: DType = .f32) -> Ironworks_Onnx_GraphProto {
    graph(["a"], ["b"]) {
        $0.initializer("factor", floats([], [factor], dtype))
        $0.node("Mul", ["a", "factor"], ["b"])
    }
}

@Test func plainFlexAttentionIsAttention() throws {
    let first = 1 / (1 + exp(-4.0))
    let found = try run(flexible(query, keys, values), [query, keys, values])[0]
    #expect(agree(found, floats([1, 1, 1, 1], [3 * first + 5 * (1 - first)])))
    let scaled = try run(flexible(query, keys, values, [attribute("scale", Float(0))]), [query, keys, values])[0]
    #expect(agree(scaled, floats([1, 1, 1, 1], [4])))
}

@Test func graphsChangeScoresAndProbabilities() throws {
    let attributes = [attribute("score_mod", times(0)), attribute("prob_mod", times(2))]
    let found = try run(flexible(query, keys, values, attributes), [query, keys, values])[0]
    #expect(agree(found, floats([1, 1, 1, 1], [8])))
}

@Test func groupsShareKeysAndGraphsSeeThePrecision() throws {
    let q = floats([1, 2, 1, 1], [2, -2], .f16)
    let (k, v) = (floats([1, 1, 2, 1], [1, -1], .f16), floats([1, 1, 2, 1], [3, 5], .f16))
    for (number, dtype) in [(nil, DType.f32), (Int64(11), .f64), (10, .f16)] {
        var attributes = [attribute("prob_mod", times(1, dtype))]
        if let number { attributes.append(attribute("softmax_precision", number)) }
        let found = try run(flexible(q, k, v, attributes), [q, k, v])[0]
        let first = 1 / (1 + exp(-4.0))
        let expected = floats([1, 2, 1, 1], [3 * first + 5 * (1 - first), 5 * first + 3 * (1 - first)], .f32)
        #expect(found.type.dtype == .f16)
        #expect(zip(found.literals, expected.literals).allSatisfy { abs($0.float - $1.float) < 5e-3 }, "\(dtype)")
    }
}

@Test func graphsThatChangeTheTypeAreRefused() throws {
    let widening = graph(["a"], ["b"]) { $0.node("Cast", ["a"], ["b"], [attribute("to", Int64(11))]) }
    let text = sentence {
        _ = try importModel(try flexible(query, keys, values, [attribute("score_mod", widening)]).file())
    }
    #expect(text.contains("its score_mod does not give one tensor of f32"))
}
