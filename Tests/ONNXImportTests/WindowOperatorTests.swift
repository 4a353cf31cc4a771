// Transposed convolution, blocks to images, pooling by norms and unpooling against values computed by hand: strides,
// dilations, groups, and every way to say the padding. A transposed convolution gathers, so strides with and without
// dilation take different paths.

import TensorIR
import Testing

@testable import ONNXImport

private let ramp = floats([1, 1, 2, 2], [1, 2, 3, 4])
private let ones3 = floats([1, 1, 3, 3], [Double](repeating: 1, count: 9))

@Test func transposedConvolutionSpreadsItsKernel() throws {
    let strided = [
        attribute("strides", [2, 2]), attribute("pads", [1, 1, 1, 1]), attribute("output_padding", [1, 1]),
    ]
    let expected = floats([1, 1, 4, 4], [1, 3, 2, 2, 4, 10, 6, 6, 3, 7, 4, 4, 3, 7, 4, 4])
    #expect(try evaluate("ConvTranspose", [ramp, ones3], known: [1], strided)[0] == expected)
    let bias = try evaluate("ConvTranspose", [ramp, ones3, floats([1], [1])], known: [1, 2], strided)
    #expect(bias[0] == floats([1, 1, 4, 4], [2, 4, 3, 3, 5, 11, 7, 7, 4, 8, 5, 5, 4, 8, 5, 5]))
}

@Test func transposedConvolutionHasDilationsAndGroups() throws {
    let dilated = try evaluate(
        "ConvTranspose", [floats([1, 1, 3], [1, 2, 3]), floats([1, 1, 2], [1, 10])],
        [attribute("dilations", [2]), attribute("strides", [2])])
    #expect(dilated[0] == floats([1, 1, 7], [1, 0, 12, 0, 23, 0, 30]))
    let grouped = try evaluate(
        "ConvTranspose", [floats([1, 2, 2], [1, 2, 3, 4]), floats([2, 1, 2], [1, 2, 3, 4])],
        [attribute("group", Int64(2))])
    #expect(grouped[0] == floats([1, 2, 3], [1, 4, 4, 9, 24, 16]))
}

@Test func transposedConvolutionTakesTheResultsShape() throws {
    let x = floats([1, 1, 2], [1, 2])
    let w = floats([1, 1, 3], [1, 10, 100])
    // full: 1 10 102 20 200
    let all = try evaluate("ConvTranspose", [x, w], [attribute("strides", [2])])
    #expect(all[0] == floats([1, 1, 5], [1, 10, 102, 20, 200]))
    let lower = [attribute("strides", [2]), attribute("output_shape", [4])]
    #expect(try evaluate("ConvTranspose", [x, w], lower)[0] == floats([1, 1, 4], [10, 102, 20, 200]))
    let upper = [attribute("strides", [2]), attribute("auto_pad", "SAME_UPPER")]
    #expect(try evaluate("ConvTranspose", [x, w], upper)[0] == floats([1, 1, 4], [1, 10, 102, 20]))
}

@Test func transposedConvolutionNamesWhatDoesNotFit() {
    #expect(
        sentence { _ = try importModel(try oneNode("ConvTranspose", [ramp, counting([2, 1, 3, 3])]).file()) }
            == "ConvTranspose node \"n\" of m.onnx does not fit its operands: "
            + "an image of 1x1x2x2 and weights of 2x1x3x3")
}

@Test func blocksAddUpToAnImage() throws {
    // two blocks of 2 at the places 0 and 1 of three elements
    let columns = floats([1, 2, 2], [1, 2, 10, 20])
    let y = try evaluate("Col2Im", version: 18, [columns, vector(3), vector(2)], known: [1, 2])
    #expect(y[0] == floats([1, 1, 3], [1, 12, 20]))
    let whole = integers([1, 2, 2], [1, 2, 10, 20], .i32)
    let strided = try evaluate(
        "Col2Im", version: 18, [whole, vector(4), vector(2)], known: [1, 2], [attribute("strides", [2])])
    #expect(strided[0] == integers([1, 1, 4], [1, 10, 2, 20], .i32))
}

@Test func normPoolsTakeTheRoot() throws {
    let x = floats([1, 1, 4], [3, -4, 0, 12])
    let window = [attribute("kernel_shape", [2])]
    #expect(agree(try evaluate("LpPool", [x], window)[0], floats([1, 1, 3], [5, 4, 12])))
    let sum = window + [attribute("p", Int64(1)), attribute("pads", [1, 0])]
    #expect(agree(try evaluate("LpPool", [x], sum)[0], floats([1, 1, 4], [3, 7, 4, 12])))
    #expect(agree(try evaluate("GlobalLpPool", [x])[0], floats([1, 1, 1], [13])))
    let cubes = try evaluate("GlobalLpPool", [floats([1, 1, 2], [2, -2])], [attribute("p", Int64(3))])
    #expect(agree(cubes[0], floats([1, 1, 1], [2.5198421]), tolerance: 1e-5))
}

@Test func unpoolingPutsElementsBack() throws {
    let window = [attribute("kernel_shape", [2, 2]), attribute("strides", [2, 2])]
    let places = integers([1, 1, 2, 2], [5, 7, 13, 15])
    let plain = try evaluate("MaxUnpool", [ramp, places], window)
    #expect(plain[0] == floats([1, 1, 4, 4], [0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 3, 0, 4]))
    let larger = try evaluate("MaxUnpool", [ramp, places, vector(1, 1, 4, 5)], known: [2], window)
    #expect(larger[0] == floats([1, 1, 4, 5], [0, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 4, 0]))
}

@Test func unpoolingInvertsPooling() throws {
    let x = floats([1, 2, 4], [1, 5, 2, 3, 7, 0, 1, 4])
    let window = [attribute("kernel_shape", [2]), attribute("strides", [2])]
    let pooled = try evaluate("MaxPool", [x], outputs: 2, window)
    let y = try evaluate("MaxUnpool", pooled.map { $0 }, window)
    #expect(y[0] == floats([1, 2, 4], [0, 5, 0, 3, 7, 0, 0, 4]))
}
