// Convolution, pooling, MatMul and Gemm against values computed by hand: padding in all its forms, strides,
// dilations, groups, ceil_mode, and numpy's broadcasting.
// Windows that cannot be are refused in a sentence.

import TensorIR
import Testing

@testable import ONNXImport

private let image = counting([1, 1, 4, 4])
private let ones3 = floats([1, 1, 3, 3], [Double](repeating: 1, count: 9))

@Test func convolutionSumsItsWindow() throws {
    let y = try evaluate("Conv", [image, ones3, floats([1], [0.5])], known: [1, 2])
    #expect(agree(y[0], floats([1, 1, 2, 2], [45.5, 54.5, 81.5, 90.5])))
}

@Test func convolutionReadsPaddingAsZero() throws {
    let y = try evaluate("Conv", [image, ones3], known: [1], [attribute("pads", [1, 1, 1, 1])])
    #expect(y[0].type.shape == [1, 1, 4, 4])
    #expect(
        agree(y[0], floats([1, 1, 4, 4], [10, 18, 24, 18, 27, 45, 54, 39, 51, 81, 90, 63, 42, 66, 72, 50])))
    for mode in ["SAME_UPPER", "SAME_LOWER"] {
        #expect(try evaluate("Conv", [image, ones3], known: [1], [attribute("auto_pad", mode)]) == y)
    }
}

@Test func convolutionHasStridesAndDilations() throws {
    let ones2 = floats([1, 1, 2, 2], [1, 1, 1, 1])
    let strided = try evaluate("Conv", [image, ones2], known: [1], [attribute("strides", [2, 2])])
    #expect(agree(strided[0], floats([1, 1, 2, 2], [10, 18, 42, 50])))
    let dilated = try evaluate("Conv", [image, ones2], known: [1], [attribute("dilations", [2, 2])])
    #expect(agree(dilated[0], floats([1, 1, 2, 2], [20, 24, 36, 40])))
    let upper = try evaluate(
        "Conv", [image, ones2], known: [1], [attribute("auto_pad", "SAME_UPPER")])
    #expect(agree(upper[0], floats([1, 1, 4, 4], [10, 14, 18, 10, 26, 30, 34, 18, 42, 46, 50, 26, 25, 27, 29, 15])))
}

@Test func convolutionGroupsChannels() throws {
    // two groups of two channels, three results each, kernel 1: the sum of the group's channels times a weight
    let x = floats([1, 4, 1], [1, 2, 3, 4])
    let w = floats([6, 2, 1], [1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 3, 3])
    let y = try evaluate("Conv", [x, w], known: [1], [attribute("group", Int64(2))])
    #expect(agree(y[0], floats([1, 6, 1], [3, 6, 9, 7, 14, 21])))
    let depthwise = try evaluate(
        "Conv", [x, floats([4, 1, 1], [1, 10, 100, 1000])], known: [1], [attribute("group", Int64(4))])
    #expect(agree(depthwise[0], floats([1, 4, 1], [1, 20, 300, 4000])))
}

@Test func convolutionHasThreeDimensions() throws {
    let y = try evaluate(
        "Conv", [counting([1, 1, 2, 2, 2]), floats([1, 1, 2, 2, 2], [Double](repeating: 1, count: 8))], known: [1])
    #expect(agree(y[0], floats([1, 1, 1, 1, 1], [28])))
}

@Test func halfFloatsAreSummedWide() throws {
    let x = floats([1, 1, 4096], [Double](repeating: 1, count: 4096), .f16)
    let w = floats([1, 1, 4096], [Double](repeating: 1, count: 4096), .f16)
    let imported = try importModel(try oneNode("Conv", [x, w]).file())
    guard case .define(_, _, let definition) = imported.graph.body.operations[0] else {
        Issue.record("the first operation is no definition")
        return
    }
    #expect(definition.type.dtype == .f32)
    #expect(try evaluate("Conv", [x, w])[0] == floats([1, 1, 1], [4096], .f16))
}

@Test func impossibleWindowsAreNamed() {
    #expect(
        sentence { _ = try importModel(try oneNode("Conv", [counting([1, 1, 2, 2]), ones3]).file()) }
            == "Conv node \"n\" of m.onnx does not fit its operands: "
            + "a window of 3 on axis 0, which has 2 elements and 0 of padding")
    #expect(
        sentence { _ = try importModel(try oneNode("Conv", [counting([1, 2, 4, 4]), ones3]).file()) }
            == "Conv node \"n\" of m.onnx does not fit its operands: "
            + "2 channels in 1 groups and weights of 1x1x3x3")
}

@Test func maxPoolTakesTheGreatest() throws {
    let attributes = [attribute("kernel_shape", [2, 2]), attribute("strides", [2, 2])]
    let y = try evaluate("MaxPool", [image], outputs: 2, attributes)
    #expect(y[0] == floats([1, 1, 2, 2], [5, 7, 13, 15]))
    #expect(y[1] == integers([1, 1, 2, 2], [5, 7, 13, 15]))
    let columns = try evaluate("MaxPool", [image], outputs: 2, attributes + [attribute("storage_order", Int64(1))])
    #expect(columns[1] == integers([1, 1, 2, 2], [5, 13, 7, 15]))
}

@Test func ceilModeDropsWindowsThatStartInThePadding() throws {
    let x = counting([1, 1, 5])
    let shared = [attribute("kernel_shape", [2]), attribute("strides", [2])]
    let floor = try evaluate("MaxPool", [x], shared)
    #expect(floor[0] == floats([1, 1, 2], [1, 3]))
    let ceil = try evaluate("MaxPool", [x], shared + [attribute("ceil_mode", Int64(1))])
    #expect(ceil[0] == floats([1, 1, 3], [1, 3, 4]))
    let padded = try evaluate(
        "MaxPool", [counting([1, 1, 4])], shared + [attribute("ceil_mode", Int64(1)), attribute("pads", [0, 1])])
    #expect(padded[0] == floats([1, 1, 2], [1, 3]))
}

@Test func averagesCountWhatTheyCover() throws {
    let attributes = [attribute("kernel_shape", [3]), attribute("pads", [1, 1])]
    let x = floats([1, 1, 3], [1, 2, 6])
    #expect(agree(try evaluate("AveragePool", [x], attributes)[0], floats([1, 1, 3], [1.5, 3, 4])))
    let all = attributes + [attribute("count_include_pad", Int64(1))]
    #expect(agree(try evaluate("AveragePool", [x], all)[0], floats([1, 1, 3], [1, 3, 8.0 / 3])))
    // the last window reaches one past the padding, which does not count
    let ceil = all + [attribute("strides", [3]), attribute("ceil_mode", Int64(1))]
    #expect(agree(try evaluate("AveragePool", [counting([1, 1, 6])], ceil)[0], floats([1, 1, 3], [1.0 / 3, 3, 2.5])))
}

@Test func globalPoolsCoverAllOfTheImage() throws {
    let x = counting([1, 2, 2, 2])
    #expect(try evaluate("GlobalAveragePool", [x])[0] == floats([1, 2, 1, 1], [1.5, 5.5]))
    #expect(try evaluate("GlobalMaxPool", [x])[0] == floats([1, 2, 1, 1], [3, 7]))
}

@Test func matMulBroadcastsAsNumpyDoes() throws {
    let a = counting([2, 3])
    let b = counting([3, 2])
    #expect(try evaluate("MatMul", [a, b])[0] == floats([2, 2], [10, 13, 28, 40]))
    #expect(try evaluate("MatMul", [floats([3], [1, 2, 3]), b])[0] == floats([2], [16, 22]))
    #expect(try evaluate("MatMul", [a, floats([3], [1, 2, 3])])[0] == floats([2], [8, 26]))
    #expect(try evaluate("MatMul", [floats([2], [1, 2]), floats([2], [3, 4])])[0] == floats([], [11]))
    let stack = try evaluate("MatMul", [counting([2, 1, 1, 2]), counting([3, 2, 1])])
    #expect(stack[0] == floats([2, 3, 1, 1], [1, 3, 5, 3, 13, 23]))
    #expect(try evaluate("MatMul", [vector(1, 2), vector(3, 4)])[0] == integers([], [11]))
    #expect(
        sentence { _ = try importModel(try oneNode("MatMul", [a, a]).file()) }
            == "MatMul node \"n\" of m.onnx does not fit its operands: 2x3 times 2x3")
}

@Test func aTensorMayMeetItself() throws {
    var maker = ModelMaker()
    maker.input("x", .f32, ["2", "2"])
    maker.node("MatMul", ["x", "x"], ["y"])
    maker.node("Mul", ["y", "y"], ["z"])
    maker.output("z")
    let imported = try importModel(try maker.file())
    let result = try interpret(imported.graph, inputs: [counting([2, 2])], constants: imported.constants)
    #expect(result[0] == floats([2, 2], [4, 9, 36, 121]))
}

@Test func gemmScalesAndTransposes() throws {
    let a = counting([2, 3])
    let b = counting([3, 2])
    let c = floats([2], [1, 2])
    #expect(try evaluate("Gemm", [a, b])[0] == floats([2, 2], [10, 13, 28, 40]))
    let scaled = [attribute("alpha", Float(0.5)), attribute("beta", Float(2))]
    #expect(try evaluate("Gemm", [a, b, c], scaled)[0] == floats([2, 2], [7, 10.5, 16, 24]))
    let flips = [attribute("transA", Int64(1)), attribute("transB", Int64(1))]
    #expect(
        try evaluate("Gemm", [counting([3, 2]), counting([2, 3])], flips)[0] == floats([2, 2], [10, 28, 13, 40]))
    #expect(try evaluate("Gemm", [a, a], [attribute("transB", Int64(1))])[0] == floats([2, 2], [5, 14, 14, 50]))
}
