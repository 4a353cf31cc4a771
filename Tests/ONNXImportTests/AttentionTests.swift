// Attention and what belongs to it: limits, masks, caches and the stages that can be asked for; linear attention,
// causal convolution, rotary embeddings and the cache update. Values are by hand or from the plain definition.

import TensorIR
import Testing

@testable import ONNXImport

private let query = floats([1, 1, 2, 2], [0, 0.25, 0.5, 0.75])
private let key = floats([1, 1, 3, 2], [0, 0.25, 0.5, 0.75, 1, 1.25])
private let value = counting([1, 1, 3, 2])
/// Equal scores: probabilities are those of the mask alone.
private let even = floats([1, 1, 2, 2], [0, 0, 0, 0])

@Test func attentionMayBeCausal() throws {
    let y = try evaluate("Attention", version: 23, [query, key, value], [attribute("is_causal", Int64(1))])
    #expect(agree(y[0], floats([1, 1, 2, 2], [0, 1, 1.2174432, 2.2174432]), tolerance: 1e-5))
}

@Test func attentionGivesItsStages() throws {
    let attributes = [attribute("softcap", Float(0.5)), attribute("qk_matmul_output_mode", Int64(1))]
    let y = try evaluate("Attention", version: 24, [query, key, value], outputs: 4, attributes)
    let expected = [0.0440794, 0.1295601, 0.2076263, 0.1295601, 0.4087193, 0.4831409]
    #expect(agree(y[3], floats([1, 1, 2, 3], expected), tolerance: 1e-5))
    #expect(y[1] == key && y[2] == value)
}

@Test func aRowWithoutKeysIsZero() throws {
    let mask = integers([2, 3], [0, 0, 0, 1, 0, 1], .bool)
    let y = try evaluate("Attention", version: 23, [even, key, value, mask])
    #expect(agree(y[0], floats([1, 1, 2, 2], [0, 0, 2, 3])))
    let numbers = floats([2, 3], [-.infinity, -.infinity, -.infinity, 0, -.infinity, 0])
    #expect(agree(try evaluate("Attention", version: 23, [even, key, value, numbers])[0], y[0]))
}

@Test func masksMayBeShortAndCachesPadded() throws {
    // only two keys are covered since version 24
    let short = try evaluate("Attention", version: 24, [even, key, value, integers([2], [1, 1], .bool)])
    #expect(agree(short[0], floats([1, 1, 2, 2], [1, 2, 1, 2])))
    let padded = try evaluate("Attention", version: 24, [even, key, value, nil, nil, nil, vector(1)])
    #expect(agree(padded[0], floats([1, 1, 2, 2], [0, 1, 0, 1])))
    let window = try evaluate(
        "Attention", version: 25, [even, key, value],
        [attribute("left_window_size", Int64(0)), attribute("right_window_size", Int64(1))])
    #expect(agree(window[0], floats([1, 1, 2, 2], [1, 2, 3, 4])))
}

@Test func headsArePackedAndShared() throws {
    // two query heads on one head of keys; three axes
    let q = floats([1, 1, 2], [0, 0])
    let k = floats([1, 1, 1], [1])
    let y = try evaluate(
        "Attention", version: 23,
        [q, k, floats([1, 1, 1], [5]), nil, floats([1, 1, 1, 1], [2]), floats([1, 1, 1, 1], [7])], outputs: 3,
        [attribute("q_num_heads", Int64(2)), attribute("kv_num_heads", Int64(1))])
    #expect(agree(y[0], floats([1, 1, 2], [6, 6])))
    #expect(y[1] == floats([1, 1, 2, 1], [2, 1]) && y[2] == floats([1, 1, 2, 1], [7, 5]))
}

@Test func linearAttentionKeepsAState() throws {
    let half = counting([1, 2, 2])
    func scaled(_ factor: Double) -> TensorValue { floats([1, 2, 2], half.literals.map { $0.float * factor }) }
    let operands: [TensorValue?] = [
        scaled(0.25), scaled(0.5), floats([1, 2, 1], [1, 2]), nil, floats([1, 2, 1], [0, -1]),
        floats([1, 2, 1], [0.5, 0.5]),
    ]
    let y = try evaluate(
        "LinearAttention", version: 27, operands, outputs: 2,
        [attribute("q_num_heads", Int64(1)), attribute("kv_num_heads", Int64(1)), attribute("scale", Float(1))])
    #expect(agree(y[0], floats([1, 2, 1], [0.0625, 1.5818892]), tolerance: 1e-5))
    #expect(agree(y[1], floats([1, 1, 2, 1], [0.9310226, 1.4885037]), tolerance: 1e-5))
}

@Test func causalConvolutionsSeeWhatCameBefore() throws {
    let x = floats([1, 1, 3], [1, 2, 3])
    let w = floats([1, 1, 2], [10, 1])
    let fresh = try evaluate("CausalConvWithState", version: 27, [x, w], outputs: 2)
    #expect(fresh[0] == floats([1, 1, 3], [1, 12, 23]) && fresh[1] == floats([1, 1, 1], [3]))
    let later = try evaluate("CausalConvWithState", version: 27, [x, w, floats([1], [0.5]), floats([1, 1, 1], [4])])
    #expect(later[0] == floats([1, 1, 3], [41.5, 12.5, 23.5]))
}

@Test func rotationsTurnPairs() throws {
    let operands = [
        counting([1, 1, 1, 6]), floats([1, 2], [0, 0.5]), floats([1, 2], [1, 2]), integers([1, 1], [0]),
    ]
    let partly = [attribute("rotary_embedding_dim", Int64(4))]
    let halves = try evaluate("RotaryEmbedding", version: 23, operands, partly)
    #expect(halves[0] == floats([1, 1, 1, 6], [-2, -5.5, 0, 3.5, 4, 5]))
    let pairs = try evaluate("RotaryEmbedding", version: 23, operands, partly + [attribute("interleaved", Int64(1))])
    #expect(pairs[0] == floats([1, 1, 1, 6], [-1, 0, -5, 5.5, 4, 5]))
}

@Test func cachesAreUpdatedPerBatch() throws {
    let cache = floats([2, 3, 1], [1, 2, 3, 4, 5, 6])
    let new = floats([2, 2, 1], [10, 20, 30, 40])
    let linear = try evaluate("TensorScatter", version: 24, [cache, new, vector(1, 0)])
    #expect(linear[0] == floats([2, 3, 1], [1, 10, 20, 30, 40, 6]))
    let around = try evaluate(
        "TensorScatter", version: 24, [cache, new, vector(2, 1)], [attribute("mode", "circular")])
    #expect(around[0] == floats([2, 3, 1], [20, 2, 10, 4, 30, 40]))
    #expect(try evaluate("TensorScatter", version: 24, [cache, new])[0] == floats([2, 3, 1], [10, 20, 3, 30, 40, 6]))
}
