// Recurrent operators against recurrences written out here in Double, and operators that scatter, rank and select.
// In: one node.  Out: values by hand.
// Everything goes the whole way: a serialised model is imported, verified, printed, parsed again and interpreted.

import Glibc
import TensorIR
import Testing

@testable import ONNXImport

private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

@Test func anRNNCarriesItsState() throws {
    // one input, one hidden unit: h' = tanh(x + 2h + 0.5)
    let x = floats([3, 1, 1], [0.1, -0.2, 0.3])
    let (w, r, b) = (floats([1, 1, 1], [1]), floats([1, 1, 1], [2]), floats([1, 2], [0.25, 0.25]))
    var (h, all) = (0.0, [Double]())
    for value in [0.1, -0.2, 0.3] {
        h = tanh(value + 2 * h + 0.5)
        all.append(h)
    }
    let y = try evaluate("RNN", [x, w, r, b], known: [1, 2, 3], outputs: 2, [attribute("hidden_size", Int64(1))])
    #expect(agree(y[0], floats([3, 1, 1, 1], all)))
    #expect(agree(y[1], floats([1, 1, 1], [h])))
}

@Test func lengthsEndSequencesAndReversedOnesStartThere() throws {
    let x = floats([3, 2, 1], [1, 10, 2, 20, 3, 30])
    let (w, r) = (floats([1, 1, 1], [1]), floats([1, 1, 1], [1]))
    let lengths = integers([2], [3, 1], .i32)
    func run(_ direction: String) throws -> [TensorValue] {
        let affine = attribute("activations", texts: ["Affine"])
        return try evaluate(
            "RNN", [x, w, r, nil, lengths], known: [1, 2], outputs: 2,
            [attribute("hidden_size", Int64(1)), attribute("direction", direction), affine])
    }
    let forward = try run("forward")
    #expect(agree(forward[0], floats([3, 1, 2, 1], [1, 10, 3, 0, 6, 0])))
    #expect(agree(forward[1], floats([1, 2, 1], [6, 10])))
    let reverse = try run("reverse")
    #expect(agree(reverse[0], floats([3, 1, 2, 1], [6, 10, 5, 0, 3, 0])))
    #expect(agree(reverse[1], floats([1, 2, 1], [6, 10])))
}

@Test func anLSTMHasFourGates() throws {
    let (wx, rh) = ([0.5, -0.3, 0.8, 1.1], [0.2, 0.4, -0.6, 0.7])
    var (h, c) = (0.0, 0.0)
    for value in [0.5, -1.0] {
        let gate = (0..<4).map { wx[$0] * value + rh[$0] * h }
        c = sigmoid(gate[2]) * c + sigmoid(gate[0]) * tanh(gate[3])
        h = sigmoid(gate[1]) * tanh(c)
    }
    let y = try evaluate(
        "LSTM", [floats([2, 1, 1], [0.5, -1]), floats([1, 4, 1], wx), floats([1, 4, 1], rh)], known: [1, 2], outputs: 3,
        [attribute("hidden_size", Int64(1))])
    #expect(agree(y[1], floats([1, 1, 1], [h])))
    #expect(agree(y[2], floats([1, 1, 1], [c])))
}

@Test func aGRUResetsBeforeOrAfterItsProduct() throws {
    let (wx, rh) = ([0.5, -0.3, 0.8], [0.2, 0.4, -0.6])
    for after in [false, true] {
        var h = 0.9
        for value in [0.5, -1.0] {
            let (z, r) = (sigmoid(wx[0] * value + rh[0] * h), sigmoid(wx[1] * value + rh[1] * h))
            let bias = 0.1
            let n = after ? tanh(wx[2] * value + r * (rh[2] * h + bias)) : tanh(wx[2] * value + rh[2] * (r * h) + bias)
            h = (1 - z) * n + z * h
        }
        let y = try evaluate(
            "GRU",
            [
                floats([2, 1, 1], [0.5, -1]), floats([1, 3, 1], wx), floats([1, 3, 1], rh),
                floats([1, 6], [0, 0, 0, 0, 0, 0.1]), nil, floats([1, 1, 1], [0.9]),
            ], known: [1, 2, 3], outputs: 2,
            [attribute("hidden_size", Int64(1)), attribute("linear_before_reset", Int64(after ? 1 : 0))])
        #expect(agree(y[1], floats([1, 1, 1], [h])))
    }
}

@Test func updatesLandWhereTheirIndicesPoint() throws {
    let x = floats([3, 3], [0, 0, 0, 0, 0, 0, 0, 0, 0])
    let indices = integers([2, 3], [1, 0, -1, 0, 2, 1])
    let updates = floats([2, 3], [1, 2, 3, 4, 5, 6])
    #expect(
        try evaluate("ScatterElements", version: 18, [x, indices, updates])[0]
            == floats([3, 3], [4, 2, 0, 1, 0, 6, 0, 5, 3]))
    #expect(
        try evaluate(
            "ScatterElements", version: 18, [counting([1, 3]), integers([1, 2], [1, 1]), floats([1, 2], [5, 6])],
            [attribute("axis", Int64(1)), attribute("reduction", "add")])[0] == floats([1, 3], [0, 12, 2]))
    #expect(
        try evaluate(
            "ScatterND", version: 18,
            [counting([3, 2]), integers([2, 1], [2, 0]), floats([2, 2], [9, 8, 7, 6])])[0]
            == floats([3, 2], [7, 6, 2, 3, 9, 8]))
    #expect(
        try evaluate(
            "ScatterND", version: 18, [counting([2, 2]), integers([2, 2], [0, 1, 0, 1]), floats([2], [3, 4])],
            [attribute("reduction", "mul")])[0] == floats([2, 2], [0, 12, 2, 3]))
}

@Test func theFirstElementsAreRanked() throws {
    let x = floats([2, 4], [3, 1, 3, .nan, -1, 5, 2, 5])
    let y = try evaluate("TopK", [x, vector(3)], known: [1], outputs: 2)
    #expect(agree(y[0], floats([2, 3], [.nan, 3, 3, 5, 5, 2])))
    #expect(y[1] == integers([2, 3], [3, 0, 2, 1, 3, 2]))
    let least = try evaluate("TopK", [x, vector(2)], known: [1], outputs: 2, [attribute("largest", Int64(0))])
    #expect(least[1] == integers([2, 2], [1, 0, 0, 2]))
}

@Test func knownValuesSelect() throws {
    let condition = integers([3], [1, 0, 1], .bool)
    let y = try evaluate("Compress", [counting([2, 3]), condition], known: [1], [attribute("axis", Int64(1))])
    #expect(y[0] == floats([2, 2], [0, 2, 3, 5]))
    #expect(
        try evaluate("NonZero", [floats([2, 2], [1, 0, 2, 3])], known: [0])[0] == integers([2, 3], [0, 1, 1, 0, 0, 1]))
}
