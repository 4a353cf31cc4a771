// Operators that move elements, and shape arithmetic, against values computed by hand. Every case goes the whole way:
// a serialised model is imported, its graph is verified, printed, parsed again and interpreted.
// Old forms with attributes stand beside the new ones with inputs.

import TensorIR
import Testing

@testable import ONNXImport

private let x = counting([2, 3])

@Test func reshapeUnderstandsZeroAndMinusOne() throws {
    func reshaped(_ shape: TensorValue, _ attributes: [Ironworks_Onnx_AttributeProto] = []) throws -> [Int] {
        let y = try evaluate("Reshape", [counting([2, 3, 4]), shape], known: [1], attributes)[0]
        #expect(y == counting(y.type.shape))
        return y.type.shape
    }
    #expect(try reshaped(vector(4, 6)) == [4, 6])
    #expect(try reshaped(vector(0, -1)) == [2, 12])
    #expect(try reshaped(vector(3, 2, 2, 2)) == [3, 2, 2, 2])
    #expect(try reshaped(vector(1, 24, 1)) == [1, 24, 1])
    #expect(try reshaped(vector(-1)) == [24])
    #expect(
        sentence { _ = try reshaped(vector(5, -1)) }
            == "Reshape node \"n\" of m.onnx does not fit its operands: 2x3x4 cannot become 5x-1")
    #expect(
        sentence { _ = try reshaped(vector(0, 12), [attribute("allowzero", Int64(1))]) }
            == "Reshape node \"n\" of m.onnx does not fit its operands: 2x3x4 cannot become 0x12")
}

@Test func reshapesMeetDivisionOnlyWhereAxesSplit() throws {
    let maker = oneNode("Reshape", [counting([2, 6, 5]), vector(2, 3, 2, 5)], known: [1])
    guard case .define(_, _, let definition) = try importModel(try maker.file()).graph.body.operations[0] else {
        Issue.record("the first operation is no definition")
        return
    }
    #expect(definition.expressions[0].dtype { _ in .f32 } == .f32)
    definition.expressions[0].visit { node in
        if case .binary(let op, _, _) = node { #expect(op != .floorDivide && op != .floorModulo) }
    }
}

@Test func axesComeAndGo() throws {
    #expect(try evaluate("Flatten", [counting([2, 3, 2])])[0] == counting([2, 6]))
    #expect(try evaluate("Flatten", [counting([2, 3])], [attribute("axis", Int64(0))])[0] == counting([1, 6]))
    #expect(try evaluate("Squeeze", [counting([1, 2, 1]), vector(0)], known: [1])[0] == counting([2, 1]))
    #expect(try evaluate("Squeeze", version: 11, [counting([1, 2, 1])])[0] == counting([2]))
    #expect(try evaluate("Unsqueeze", [x, vector(0, -1)], known: [1])[0] == counting([1, 2, 3, 1]))
    #expect(try evaluate("Unsqueeze", version: 11, [x], [attribute("axes", [1])])[0] == counting([2, 1, 3]))
}

@Test func transposeMovesAxes() throws {
    #expect(try evaluate("Transpose", [x])[0] == floats([3, 2], [0, 3, 1, 4, 2, 5]))
    let y = try evaluate("Transpose", [counting([2, 1, 3])], [attribute("perm", [1, 2, 0])])
    #expect(y[0] == floats([1, 3, 2], [0, 3, 1, 4, 2, 5]))
}

@Test func slicesGoBackwardsToo() throws {
    func sliced(_ s: Int64, _ e: Int64, _ step: Int64) throws -> TensorValue {
        try evaluate(
            "Slice", [counting([5]), vector(s), vector(e), vector(0), vector(step)], known: [1, 2, 3, 4])[0]
    }
    #expect(try sliced(1, 4, 1) == floats([3], [1, 2, 3]))
    #expect(try sliced(-2, Int64.max, 1) == floats([2], [3, 4]))
    #expect(try sliced(4, Int64.min, -2) == floats([3], [4, 2, 0]))
    #expect(try sliced(-1, -6, -1) == floats([5], [4, 3, 2, 1, 0]))
    #expect(try sliced(0, 5, Int64.max) == floats([1], [0]))
    let old = try evaluate(
        "Slice", version: 9, [x], [attribute("starts", [1]), attribute("ends", [99]), attribute("axes", [-1])])
    #expect(old[0] == floats([2, 2], [1, 2, 4, 5]))
    #expect(try sliced(3, 3, 1) == floats([0], []))
}

@Test func partsAreJoinedAndSplit() throws {
    let joined = try evaluate("Concat", [x, floats([2, 1], [8, 9])], [attribute("axis", Int64(-1))])
    #expect(joined[0] == floats([2, 4], [0, 1, 2, 8, 3, 4, 5, 9]))
    let twice = try evaluate("Concat", [x, x], [attribute("axis", Int64(0))])
    #expect(twice[0].type.shape == [4, 3])
    let halves = try evaluate("Split", [counting([4])], outputs: 2)
    #expect(halves == [floats([2], [0, 1]), floats([2], [2, 3])])
    let sized = try evaluate("Split", [counting([4]), vector(1, 3)], known: [1], outputs: 2)
    #expect(sized == [floats([1], [0]), floats([3], [1, 2, 3])])
    let old = try evaluate("Split", version: 11, [counting([4])], outputs: 2, [attribute("split", [3, 1])])
    #expect(old[0] == floats([3], [0, 1, 2]))
    let uneven = try evaluate("Split", version: 18, [counting([5])], outputs: 2, [attribute("num_outputs", Int64(2))])
    #expect(uneven == [floats([3], [0, 1, 2]), floats([2], [3, 4])])
}

@Test func wideConcatenationsAreMadeOfParts() throws {
    let parts = (0..<200).map { floats([1], [Double($0)]) }
    #expect(try evaluate("Concat", parts, [attribute("axis", Int64(0))])[0] == counting([200]))
}

@Test func padsFillRepeatAndMirror() throws {
    func padded(_ mode: String, _ pads: TensorValue, _ value: TensorValue? = nil) throws -> TensorValue {
        let operands = [counting([3]), pads, value]
        return try evaluate("Pad", version: 19, operands, known: [1], [attribute("mode", mode)])[0]
    }
    #expect(try padded("constant", vector(1, 2)) == floats([6], [0, 0, 1, 2, 0, 0]))
    #expect(try padded("constant", vector(1, 1), floats([], [7])) == floats([5], [7, 0, 1, 2, 7]))
    #expect(try padded("constant", vector(-1, 1)) == floats([3], [1, 2, 0]))
    #expect(try padded("edge", vector(2, 1)) == floats([6], [0, 0, 0, 1, 2, 2]))
    #expect(try padded("reflect", vector(2, 2)) == floats([7], [2, 1, 0, 1, 2, 1, 0]))
    #expect(try padded("wrap", vector(1, 2)) == floats([6], [2, 0, 1, 2, 0, 1]))
    let old = [attribute("pads", [0, 1, 0, 0]), attribute("value", Float(9))]
    #expect(try evaluate("Pad", version: 10, [x], old)[0] == floats([2, 4], [9, 0, 1, 2, 9, 3, 4, 5]))
    let axes = try evaluate("Pad", version: 18, [x, vector(1, 0), nil, vector(-1)], known: [1, 3])
    #expect(axes[0] == floats([2, 4], [0, 0, 1, 2, 0, 3, 4, 5]))
}

@Test func elementsAreRepeated() throws {
    #expect(try evaluate("Expand", [floats([2, 1], [1, 2]), vector(3)], known: [1])[0].type.shape == [2, 3])
    #expect(try evaluate("Expand", [floats([1], [4]), vector(2, 2)], known: [1])[0] == floats([2, 2], [4, 4, 4, 4]))
    #expect(try evaluate("Tile", [counting([2]), vector(3)], known: [1])[0] == floats([6], [0, 1, 0, 1, 0, 1]))
}

@Test func trianglesKeepOneSide() throws {
    let square = counting([3, 3])
    #expect(try evaluate("Trilu", [square])[0] == floats([3, 3], [0, 1, 2, 0, 4, 5, 0, 0, 8]))
    let lower = try evaluate("Trilu", [square, integers([], [-1])], known: [1], [attribute("upper", Int64(0))])
    #expect(lower[0] == floats([3, 3], [0, 0, 0, 3, 0, 0, 6, 7, 0]))
}

@Test func gatherCountsFromBothEnds() throws {
    let rows = floats([3, 2], [0, 1, 10, 11, 20, 21])
    let expected = floats([2, 2], [20, 21, 10, 11])
    #expect(try evaluate("Gather", [rows, vector(-1, 1)], known: [1])[0] == expected)
    #expect(try evaluate("Gather", [rows, vector(-1, 1)])[0] == expected)
    #expect(try evaluate("Gather", [rows, integers([2], [-1, 1], .i32)])[0] == expected)
    let column = try evaluate("Gather", [rows, integers([], [1])], known: [1], [attribute("axis", Int64(1))])
    #expect(column[0] == floats([3], [1, 11, 21]))
    #expect(
        sentence { _ = try importModel(try oneNode("Gather", [rows, vector(3)], known: [1]).file()) }
            == "Gather node \"n\" of m.onnx does not fit its operands: index 3 into an axis of 3")
}

@Test func indicesAtRunTimeStayInside() throws {
    let rows = floats([3], [0, 10, 20])
    #expect(try evaluate("Gather", [rows, vector(99, -99, -1)])[0] == floats([3], [20, 0, 20]))
}

@Test func gatherElementsTakesOneIndexEach() throws {
    let y = try evaluate(
        "GatherElements", [floats([2, 2], [1, 2, 3, 4]), integers([2, 2], [0, 0, -1, 0])],
        [attribute("axis", Int64(1))])
    #expect(y[0] == floats([2, 2], [1, 1, 4, 3]))
}

@Test func depthAndSpaceAreEachOthersInverse() throws {
    let block = attribute("blocksize", Int64(2))
    let x = counting([1, 8, 2, 3])
    let deep = try evaluate("DepthToSpace", version: 13, [x], [block])
    #expect(deep[0].type.shape == [1, 2, 4, 6])
    #expect(try evaluate("SpaceToDepth", version: 13, [deep[0]], [block])[0] == x)
    let columns = try evaluate(
        "DepthToSpace", version: 13, [counting([1, 4, 1, 1])], [block, attribute("mode", "CRD")])
    #expect(columns[0] == counting([1, 1, 2, 2]))
}

@Test func shapesAreConstants() throws {
    #expect(try evaluate("Shape", [counting([2, 3, 4])])[0] == vector(2, 3, 4))
    let part = [attribute("start", Int64(-2)), attribute("end", Int64(-1))]
    #expect(try evaluate("Shape", [counting([2, 3, 4])], part)[0] == vector(3))
    #expect(try evaluate("Size", [counting([2, 3, 4])])[0] == integers([], [24]))
    let filled = try evaluate("ConstantOfShape", [vector(2, 1)], known: [0], [attribute("value", vector(7))])
    #expect(filled[0] == integers([2, 1], [7, 7]))
    #expect(try evaluate("ConstantOfShape", [vector(2)], known: [0])[0] == floats([2], [0, 0]))
    let bounds = [integers([], [10]), integers([], [3]), integers([], [-3])]
    #expect(try evaluate("Range", bounds, known: [0, 1, 2])[0] == vector(10, 7, 4))
    let backwards = [floats([], [0]), floats([], [1e30]), floats([], [-1])]
    #expect(try evaluate("Range", backwards, known: [0, 1, 2])[0] == floats([0], []))
    let halves = [floats([], [0]), floats([], [1.2]), floats([], [0.5])]
    #expect(try evaluate("Range", halves, known: [0, 1, 2])[0] == floats([3], [0, 0.5, 1]))
}

@Test func constantsHaveManyForms() throws {
    #expect(try evaluate("Constant", [], [attribute("value", x)])[0] == x)
    #expect(try evaluate("Constant", [], [attribute("value_float", Float(2.5))])[0] == floats([], [2.5]))
    #expect(try evaluate("Constant", [], [attribute("value_int", Int64(-3))])[0] == integers([], [-3]))
    #expect(try evaluate("Constant", [], [attribute("value_ints", [4, 5])])[0] == vector(4, 5))
}

@Test func dropoutPasses() throws {
    let y = try evaluate("Dropout", [x], outputs: 2)
    #expect(y[0] == x)
    #expect(y[1] == integers([2, 3], [1, 1, 1, 1, 1, 1], .bool))
}
