// Reductions, ArgMax and ArgMin, normalisations and softmax against values computed by hand. Axes come as attributes
// in old versions of the operator set and as inputs in new ones; both are tried.
// Large and infinite operands show that nothing overflows on the way.

import Glibc
import TensorIR
import Testing

@testable import ONNXImport

private let x = floats([2, 3], [1, 2, 3, 4, 5, 6])

/// log(1 + exp(-1) + exp(-2))
private let tail = 0.40760596444438

private let handMade: [(name: String, values: [Double])] = [
    ("ReduceSum", [6, 15]),
    ("ReduceMean", [2, 5]),
    ("ReduceMax", [3, 6]),
    ("ReduceMin", [1, 4]),
    ("ReduceProd", [6, 120]),
    ("ReduceSumSquare", [14, 77]),
    ("ReduceL1", [6, 15]),
    ("ReduceL2", [sqrt(14), sqrt(77)]),
    ("ReduceLogSum", [log(6), log(15)]),
    ("ReduceLogSumExp", [3 + tail, 6 + tail]),
]

@Test func reductionsByHand() throws {
    for (name, expected) in handMade {
        let input = try evaluate(name, version: 18, [x, vector(-1)], known: [1], [attribute("keepdims", Int64(0))])
        #expect(agree(input[0], floats([2], expected)), "\(name)")
        let attributes = [attribute("axes", [1])]
        let old = try evaluate(name, version: 11, [x], attributes)
        #expect(agree(old[0], floats([2, 1], expected)), "\(name)")
    }
}

@Test func axesMayBeEmpty() throws {
    #expect(try evaluate("ReduceSum", [x])[0] == floats([1, 1], [21]))
    #expect(try evaluate("ReduceSum", [x], [attribute("noop_with_empty_axes", Int64(1))])[0] == x)
    #expect(try evaluate("ReduceSum", [x], [attribute("keepdims", Int64(0))])[0] == floats([], [21]))
    #expect(
        sentence { _ = try importModel(try oneNode("ReduceSum", [x, vector(2)], known: [1]).file()) }
            == "ReduceSum node \"n\" of m.onnx does not fit its operands: axis 2 of 2 axes")
}

@Test func integerReductionsAreExact() throws {
    let y = try evaluate("ReduceMean", version: 13, [vector(1, 2, 4)], [attribute("axes", [0])])
    #expect(y[0] == vector(2))
    #expect(try evaluate("ReduceMax", version: 20, [integers([2], [0, 1], .bool)])[0] == integers([1], [1], .bool))
}

@Test func logSumExpDoesNotOverflow() throws {
    let y = try evaluate("ReduceLogSumExp", [floats([2], [1000, 1000])], [attribute("keepdims", Int64(0))])
    #expect(agree(y[0], floats([], [1000 + log(2.0)])))
    let none = try evaluate("ReduceLogSumExp", [floats([2], [-.infinity, -.infinity])])
    #expect(none[0] == floats([1], [-.infinity]))
}

@Test func argMaxTakesTheFirst() throws {
    let ties = floats([2, 3], [3, 1, 3, 2, .nan, 5])
    let axis = attribute("axis", Int64(1))
    #expect(try evaluate("ArgMax", [ties], [axis])[0] == integers([2, 1], [0, 1]))
    let last = [axis, attribute("select_last_index", Int64(1)), attribute("keepdims", Int64(0))]
    #expect(try evaluate("ArgMax", [floats([1, 3], [3, 1, 3])], last)[0] == integers([1], [2]))
    #expect(try evaluate("ArgMin", [x], [attribute("axis", Int64(0))])[0] == integers([1, 3], [0, 0, 0]))
}

@Test func cumulativeSumsGoBothWays() throws {
    let v = floats([3], [1, 2, 3])
    func sums(_ attributes: [Ironworks_Onnx_AttributeProto]) throws -> TensorValue {
        try evaluate("CumSum", [v, integers([], [0])], known: [1], attributes)[0]
    }
    #expect(try sums([]) == floats([3], [1, 3, 6]))
    #expect(try sums([attribute("exclusive", Int64(1))]) == floats([3], [0, 1, 3]))
    #expect(try sums([attribute("reverse", Int64(1))]) == floats([3], [6, 5, 3]))
}

@Test func batchNormalizationFoldsItsConstants() throws {
    let operands = [
        counting([1, 2, 2]), floats([2], [2, 1]), floats([2], [0, 1]), floats([2], [0.5, 2.5]), floats([2], [4, 1]),
    ]
    let attributes = [attribute("epsilon", Float(0))]
    let y = try evaluate("BatchNormalization", operands, known: [1, 2, 3, 4], attributes)
    #expect(agree(y[0], floats([1, 2, 2], [-0.5, 0.5, 0.5, 1.5])))
    let maker = oneNode("BatchNormalization", operands, known: [1, 2, 3, 4], attributes)
    let definitions = try importModel(try maker.file()).graph.body.operations.filter { operation in
        if case .define = operation { return true }
        return false
    }
    #expect(definitions.count == 1)
}

@Test func layerNormalizationHasThreeResults() throws {
    let y = try evaluate(
        "LayerNormalization", [x, floats([3], [1, 2, 1]), floats([3], [0, 0, 1])], outputs: 3,
        [attribute("epsilon", Float(0))])
    let r = sqrt(1.5)
    #expect(agree(y[0], floats([2, 3], [-r, 0, r + 1, -r, 0, r + 1])))
    #expect(agree(y[1], floats([2, 1], [2, 5])))
    #expect(agree(y[2], floats([2, 1], [r, r])))
}

@Test func instanceNormalizationIsPerChannel() throws {
    let y = try evaluate(
        "InstanceNormalization", [floats([1, 2, 2], [1, 3, 10, 30]), floats([2], [1, 2]), floats([2], [0, 5])],
        [attribute("epsilon", Float(0))])
    #expect(agree(y[0], floats([1, 2, 2], [-1, 1, 3, 7])))
}

@Test func rootMeanSquareHasNoMean() throws {
    let y = try evaluate(
        "RMSNormalization", version: 23, [floats([2], [3, 4]), floats([2], [1, 10])], [attribute("epsilon", Float(0))])
    let r = sqrt(12.5)
    #expect(agree(y[0], floats([2], [3 / r, 40 / r])))
}

@Test func softmaxFlattensBeforeVersionThirteen() throws {
    let two = floats([2, 1, 2], [0, log(3.0), 0, log(3.0)])
    let quarter = floats([2, 1, 2], [0.25, 0.75, 0.25, 0.75])
    #expect(agree(try evaluate("Softmax", [two])[0], quarter))
    #expect(agree(try evaluate("Softmax", version: 11, [two])[0], quarter))
    let all = try evaluate("Softmax", version: 11, [two], [attribute("axis", Int64(0))])
    #expect(agree(all[0], floats([2, 1, 2], [0.125, 0.375, 0.125, 0.375])))
    let first = try evaluate("Softmax", [two], [attribute("axis", Int64(0))])
    #expect(agree(first[0], floats([2, 1, 2], [0.5, 0.5, 0.5, 0.5])))
    let logarithm = try evaluate("LogSoftmax", [two])
    #expect(agree(logarithm[0], floats([2, 1, 2], [log(0.25), log(0.75), log(0.25), log(0.75)])))
    #expect(agree(try evaluate("Softmax", [floats([2], [1000, 1000])])[0], floats([2], [0.5, 0.5])))
}
