// Operators as the first versions of the operator set had them, up to version 6: shapes, axes and types in attributes,
// and switches between training and inference. Values are worked out by hand.

import TensorIR
import Testing

@testable import ONNXImport

@Test func theFirstVersionHasItsOwnForms() throws {
    let flags = integers([2], [1, 0], .bool)
    #expect(try evaluate("Not", version: 1, [flags])[0] == integers([2], [0, 1], .bool))
    let pairs = counting([2, 2])
    #expect(try evaluate("Concat", version: 1, [pairs, pairs])[0] == floats([2, 4], [0, 1, 0, 1, 2, 3, 2, 3]))
    let shape = attribute("shape", [0, 1, -1])
    #expect(try evaluate("Reshape", version: 1, [pairs], [shape])[0] == floats([2, 1, 2], [0, 1, 2, 3]))
    let copies = try evaluate(
        "Tile", version: 1, [pairs, floats([1], [2]), floats([1], [0])], known: [1, 2])
    #expect(copies[0] == floats([4, 2], [0, 1, 2, 3, 0, 1, 2, 3]))
    let cast = try evaluate("Cast", version: 1, [floats([2], [-1.7, 2.9])], [attribute("to", "INT32")])
    #expect(cast[0] == integers([2], [-1, 2], .i32))
    let refused = sentence {
        _ = try importModel(try oneNode("Cast", version: 1, [pairs], [attribute("to", "STRING")]).file())
    }
    #expect(refused == "Cast node \"n\" of m.onnx uses a conversion to \"STRING\", which is not supported")
}

@Test func theFirstSplitTakesItsSizesFromEitherSide() throws {
    let x = counting([3])
    let byInput = try evaluate("Split", version: 1, [x, floats([2], [1, 2])], known: [1], outputs: 2)
    let byAttribute = try evaluate("Split", version: 1, [x], outputs: 2, [attribute("split", [1, 2])])
    #expect(byInput == [floats([1], [0]), floats([2], [1, 2])])
    #expect(byAttribute == byInput)
}

@Test func theFirstNormsAndActivationsHaveOtherNumbers() throws {
    let window = [attribute("kernel_shape", [2]), attribute("p", Float(1))]
    #expect(try evaluate("LpPool", version: 1, [floats([1, 1, 2], [3, -4])], window)[0] == floats([1, 1, 1], [7]))
    let all = try evaluate("GlobalLpPool", version: 1, [floats([1, 1, 2], [3, -4])])
    #expect(all[0] == floats([1, 1, 1], [5]))
    let two = floats([1], [2])
    let (first, later) = (try evaluate("Selu", version: 1, [two])[0], try evaluate("Selu", version: 6, [two])[0])
    #expect(agree(first, floats([1], [2.1014]), tolerance: 5e-7))
    #expect(agree(later, floats([1], [2.10140197]), tolerance: 5e-7) && !agree(first, later, tolerance: 1e-6))
    let slopes = try evaluate(
        "PRelu", version: 1, [floats([1, 2, 1], [-2, -3]), floats([2], [0.5, 2])], [attribute("consumed_inputs", [0])])
    #expect(slopes[0] == floats([1, 2, 1], [-1, -6]))
}

@Test func whatWasNeverDefinedIsRefused() throws {
    // the text and the example of the first Pad contradict each other
    let text = sentence {
        _ = try importModel(
            try oneNode("Pad", version: 1, [counting([2])], [attribute("paddings", [0, 1])]).file())
    }
    #expect(text.contains("an operator that is not supported: Pad (domain ai.onnx version 1)"))
}

@Test func recurrentOperatorsAreTheSameEverSince() throws {
    let x = floats([2, 1, 1], [1, -0.5])
    let (w, r) = (floats([1, 2, 1], [0.5, -1]), floats([1, 2, 2], [0.1, 0.2, 0.3, 0.4]))
    let size = attribute("hidden_size", Int64(2))
    let old = try evaluate("RNN", version: 1, [x, w, r], outputs: 2, [size, attribute("output_sequence", Int64(1))])
    #expect(old == (try evaluate("RNN", version: 14, [x, w, r], outputs: 2, [size])))
}

private let trainees = [floats([1], [1]), floats([1], [0]), floats([1], [10]), floats([1], [20])]
private let halfway = [attribute("momentum", Float(0.5)), attribute("epsilon", Float(0))]

@Test func oldBatchNormalizationTrainsUnlessToldNotTo() throws {
    let x = floats([2, 1], [1, 3])
    let expected = [
        floats([2, 1], [-1, 1]), floats([1], [6]), floats([1], [10.5]), floats([1], [2]), floats([1], [1]),
    ]
    for version: Int64 in [1, 6, 7, 9] {
        let found = try evaluate("BatchNormalization", version: version, [x] + trainees, outputs: 5, halfway)
        #expect(zip(found, expected).allSatisfy { agree($0, $1) }, "version \(version)")
    }
    let given = [floats([1], [1]), floats([1], [0]), floats([1], [1]), floats([1], [4])]
    let tested = try evaluate(
        "BatchNormalization", version: 6, [x] + given, halfway + [attribute("is_test", Int64(1))])
    #expect(agree(tested[0], floats([2, 1], [0, 1])))
    #expect(agree(try evaluate("BatchNormalization", version: 9, [x] + given, halfway)[0], floats([2, 1], [0, 1])))
}

@Test func statisticsMayCoverOnePlaceOrAVector() throws {
    let vectors = [[1.0, 2], [0, 1], [1, 1], [1, 4]].map { floats([1, 2], $0) }
    let places = [attribute("spatial", Int64(0)), attribute("epsilon", Float(0))]
    let found = try evaluate("BatchNormalization", version: 7, [floats([1, 1, 2], [3, 5])] + vectors, places)
    #expect(agree(found[0], floats([1, 1, 2], [2, 5])))
    let trained = try evaluate(
        "BatchNormalization", version: 7, [floats([2, 1, 2], [1, 0, 3, 4])] + vectors, outputs: 2, places)
    #expect(agree(trained[0], floats([2, 1, 2], [-1, -1, 1, 3])))
    let numbers = [[2.0], [1], [1], [4]].map { floats([1], $0) }
    let plain = try evaluate(
        "BatchNormalization", version: 15, [floats([2], [1, 3])] + numbers, [attribute("epsilon", Float(0))])
    #expect(agree(plain[0], floats([2], [1, 3])))
}

@Test func theTypeOfStatisticsMustBeOneOfFloats() throws {
    let x = floats([1, 2], [1, 3])
    let stash = attribute("stash_type", Int64(17))
    for (name, version) in [("LayerNormalization", Int64(17)), ("RMSNormalization", 23)] {
        let text = sentence {
            _ = try importModel(try oneNode(name, version: version, [x, floats([2], [1, 1])], [stash]).file())
        }
        #expect(text.contains("is 17, which names no float type"), "\(name)")
    }
    let half = floats([1, 2], [1, 3], .f16)
    let found = try evaluate(
        "LayerNormalization", version: 17, [half, floats([2], [1, 1], .f16)], outputs: 3,
        [attribute("epsilon", Float(0))])
    #expect(found.map(\.type.dtype) == [.f16, .f32, .f32] && found[1] == floats([1, 1], [2]))
}

@Test func oldDropoutDropsUnlessToldNotTo() throws {
    let x = floats([1000], [Double](repeating: 1, count: 1000))
    let kept = try evaluate("Dropout", version: 6, [x], [attribute("is_test", Int64(1))])
    #expect(kept[0] == x)
    let dropped = try evaluate("Dropout", version: 6, [x], outputs: 2, [attribute("ratio", Float(0.75))])
    let (values, mask) = (dropped[0].literals.map(\.float), dropped[1].literals.map(\.float))
    #expect(dropped[1].type.dtype == .f32)
    #expect(zip(values, mask).allSatisfy { $0 == 4 * $1 } && abs(mask.reduce(0, +) - 250) < 60)
}
