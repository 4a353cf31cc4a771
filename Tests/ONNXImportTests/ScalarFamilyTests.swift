// Older normalisations, losses, determinants and cumulative products against values worked out by hand, and random
// numbers by what must hold of any: range, mean, and that a seed decides them.

import Glibc
import TensorIR
import Testing

@testable import ONNXImport

private func values(_ tensor: TensorValue) -> [Double] { tensor.literals.map(\.float) }

@Test func arcFunctionsAndShrink() throws {
    let x = floats([3], [-1, 0.5, 1])
    for (name, function) in [("Asin", asin), ("Acos", acos), ("Atan", atan)] as [(String, (Double) -> Double)] {
        #expect(agree(try evaluate(name, [x])[0], floats([3], [-1, 0.5, 1].map(function))), "\(name)")
    }
    let attributes = [attribute("lambd", Float(1.5)), attribute("bias", Float(1.5))]
    #expect(try evaluate("Shrink", [floats([3], [-2, 1, 2])], attributes)[0] == floats([3], [-0.5, 0, 0.5]))
    #expect(
        try evaluate("Shrink", [integers([3], [-3, 1, 3], .i8)], attributes)[0] == integers([3], [-1, 0, 1], .i8))
    let gated = try evaluate("SwiGLU", version: 28, [floats([2], [0, 2]), floats([2], [5, 3])])
    #expect(agree(gated[0], floats([2], [0, 6 / (1 + exp(-2))])))
}

@Test func hardmaxChoosesTheFirst() throws {
    let x = floats([2, 3], [1, 3, 3, 0, -1, -2])
    #expect(try evaluate("Hardmax", version: 13, [x])[0] == floats([2, 3], [0, 1, 0, 1, 0, 0]))
    let along = try evaluate("Hardmax", version: 13, [x], [attribute("axis", Int64(0))])
    #expect(along[0] == floats([2, 3], [1, 1, 1, 0, 0, 0]))
    let old = try evaluate("Hardmax", version: 11, [x], [attribute("axis", Int64(0))])
    #expect(old[0] == floats([2, 3], [0, 1, 0, 0, 0, 0]))
}

@Test func neighboursNormaliseEachOther() throws {
    let x = floats([1, 3, 1], [1, 2, 3])
    let attributes = [
        attribute("size", Int64(3)), attribute("alpha", Float(3)), attribute("beta", Float(1)),
        attribute("bias", Float(1)),
    ]
    #expect(agree(try evaluate("LRN", [x], attributes)[0], floats([1, 3, 1], [1.0 / 6, 2.0 / 15, 3.0 / 14])))
    // of two neighbours the one behind counts
    let even = [attribute("size", Int64(2)), attribute("alpha", Float(2)), attribute("beta", Float(1))]
    #expect(agree(try evaluate("LRN", [x], even)[0], floats([1, 3, 1], [1.0 / 6, 2.0 / 14, 3.0 / 10])))
}

@Test func normsAndGroups() throws {
    let x = floats([2, 2], [3, -4, 0, 0])
    #expect(agree(try evaluate("LpNormalization", [x])[0], floats([2, 2], [0.6, -0.8, 0, 0])))
    let one = try evaluate("LpNormalization", [x], [attribute("p", Int64(1))])
    #expect(agree(one[0], floats([2, 2], [3.0 / 7, -4.0 / 7, 0, 0])))
    let mvn = try evaluate("MeanVarianceNormalization", [floats([1, 1, 1, 2], [1, 3])])
    #expect(agree(mvn[0], floats([1, 1, 1, 2], [-1, 1])))
    let image = floats([1, 4, 1], [0, 2, 10, 30])
    let groups = [attribute("num_groups", Int64(2)), attribute("epsilon", Float(0))]
    let perChannel = try evaluate(
        "GroupNormalization", version: 21, [image, floats([4], [1, 2, 3, 4]), floats([4], [0, 0, 0, 1])], groups)
    #expect(agree(perChannel[0], floats([1, 4, 1], [-1, 2, -3, 5])))
    let perGroup = try evaluate(
        "GroupNormalization", version: 18, [image, floats([2], [1, 2]), floats([2], [0, 1])], groups)
    #expect(agree(perGroup[0], floats([1, 4, 1], [-1, 1, -1, 3])))
}

@Test func batchNormalizationMayTrain() throws {
    let x = floats([2, 1], [1, 3])
    let vectors = [1.0, 0, 10, 20].map { floats([1], [$0]) }
    let attributes = [
        attribute("training_mode", Int64(1)), attribute("momentum", Float(0.5)), attribute("epsilon", Float(0)),
    ]
    let found = try evaluate("BatchNormalization", version: 15, [x] + vectors, outputs: 3, attributes)
    #expect(agree(found[0], floats([2, 1], [-1, 1])))
    #expect(agree(found[1], floats([1], [6])) && agree(found[2], floats([1], [10.5])))
}

@Test func lossesWeighAndIgnoreLabels() throws {
    let logarithms = floats([3, 2], [-1, -2, -3, -4, -5, -6])
    let (labels, weights) = (vector(0, 1, 1), floats([2], [1, 3]))
    func loss(_ reduction: String, _ ignored: Int64? = nil) throws -> TensorValue {
        try evaluate(
            "NegativeLogLikelihoodLoss", version: 13, [logarithms, labels, weights],
            [attribute("reduction", reduction)] + (ignored.map { [attribute("ignore_index", $0)] } ?? []))[0]
    }
    #expect(agree(try loss("none"), floats([3], [1, 12, 18])))
    #expect(agree(try loss("sum"), floats([], [31])))
    #expect(agree(try loss("mean"), floats([], [31.0 / 7])))
    #expect(agree(try loss("mean", 0), floats([], [5])))
    let plain = try evaluate("NegativeLogLikelihoodLoss", version: 13, [logarithms, labels])
    #expect(agree(plain[0], floats([], [11.0 / 3])))
    let scores = floats([1, 2, 2], [0, 1, 0, 1])
    let cross = try evaluate("SoftmaxCrossEntropyLoss", version: 13, [scores, integers([1, 2], [0, 1])], outputs: 2)
    #expect(agree(cross[0], floats([], [log(2)])))
    #expect(agree(cross[1], floats([1, 2, 2], [Double](repeating: -log(2), count: 4))))
    // a label that is ignored may lie outside of the classes
    let outside = try evaluate(
        "SoftmaxCrossEntropyLoss", version: 13, [scores, integers([1, 2], [0, -100])],
        [attribute("ignore_index", Int64(-100))])
    #expect(agree(outside[0], floats([], [log(2)])))
}

@Test func determinantsOfAnyOrder() throws {
    #expect(try evaluate("Det", [floats([1, 1], [7])])[0] == floats([], [7]))
    let two = floats([2, 2, 2], [1, 2, 3, 4, 2, 0, 0, 5])
    #expect(try evaluate("Det", [two])[0] == floats([2], [-2, 10]))
    // rows must change places, and a singular matrix has none to offer
    let four = floats(
        [2, 4, 4],
        [
            0, 2, 0, 0, 3, 0, 0, 0, 0, 0, 0, 5, 0, 0, 7, 1, 1, 2, 3, 4, 2, 4, 6, 8, 1, 0, 1, 0, 0, 1, 0, 1,
        ])
    #expect(agree(try evaluate("Det", [four])[0], floats([2], [210, 0])))
    let dense = floats([3, 3], [2, -1, 3, 4, 0, -2, 1, 5, 6])
    #expect(agree(try evaluate("Det", [dense])[0], floats([], [106]), tolerance: 1e-4))
}

@Test func productsAccumulate() throws {
    let x = integers([3], [1, 2, 3], .i32)
    func product(_ attributes: [Ironworks_Onnx_AttributeProto]) throws -> TensorValue {
        try evaluate("CumProd", version: 26, [x, integers([], [0])], known: [1], attributes)[0]
    }
    let (exclusive, reverse) = (attribute("exclusive", Int64(1)), attribute("reverse", Int64(1)))
    #expect(try product([]) == integers([3], [1, 2, 6], .i32))
    #expect(try product([exclusive]) == integers([3], [1, 1, 2], .i32))
    #expect(try product([reverse]) == integers([3], [6, 6, 3], .i32))
    #expect(try product([exclusive, reverse]) == integers([3], [6, 3, 1], .i32))
}

@Test func randomNumbersFollowTheirSeedAndDistribution() throws {
    let shape = attribute("shape", [4, 1000])
    func uniform(_ seed: Float) throws -> [Double] {
        let attributes = [shape, attribute("seed", seed), attribute("low", Float(2)), attribute("high", Float(4))]
        return values(try evaluate("RandomUniform", [], attributes)[0])
    }
    let first = try uniform(1)
    #expect(try first == uniform(1) && first != uniform(2))
    #expect(first.allSatisfy { $0 > 2 && $0 < 4 } && Set(first).count > 3900)
    #expect(abs(first.reduce(0, +) / 4000 - 3) < 0.05)
    let bins = first.reduce(into: [Int](repeating: 0, count: 8)) { $0[Int(($1 - 2) * 4)] += 1 }
    #expect(bins.allSatisfy { abs($0 - 500) < 90 })
    let normal = values(
        try evaluate("RandomNormal", [], [shape, attribute("mean", Float(5)), attribute("seed", Float(3))])[0])
    let mean = normal.reduce(0, +) / 4000
    #expect(abs(mean - 5) < 0.08)
    #expect(abs(normal.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4000 - 1) < 0.1)
    let like = try evaluate("RandomUniformLike", [counting([2, 3])], [attribute("dtype", Int64(11))])
    #expect(like[0].type == TensorType(.f64, [2, 3]))
}

@Test func chancesDecideDraws() throws {
    let chances = floats([3, 1000], (0..<3000).map { [0, 0.25, 1][$0 / 1000] })
    let drawn = values(try evaluate("Bernoulli", version: 15, [chances], [attribute("seed", Float(7))])[0])
    #expect(drawn[..<1000].allSatisfy { $0 == 0 } && drawn[2000...].allSatisfy { $0 == 1 })
    #expect(abs(drawn[1000..<2000].reduce(0, +) - 250) < 50)
    let weights = floats([1, 3], [log(0.5), log(0.5), -.infinity])
    let classes = try evaluate(
        "Multinomial", [weights], [attribute("sample_size", Int64(500)), attribute("seed", Float(1))])
    #expect(classes[0].type == TensorType(.i32, [1, 500]))
    let ones = classes[0].literals.filter { $0.integer == 1 }.count
    #expect(classes[0].literals.allSatisfy { $0.integer < 2 } && abs(ones - 250) < 50)
    let x = floats([1000], [Double](repeating: 1, count: 1000))
    let trained = try evaluate(
        "Dropout", version: 13, [x, floats([], [0.5]), integers([], [1], .bool)], known: [1, 2], outputs: 2)
    #expect(zip(values(trained[0]), values(trained[1])).allSatisfy { $0 == 2 * $1 })
    #expect(abs(values(trained[1]).reduce(0, +) - 500) < 80)
}
