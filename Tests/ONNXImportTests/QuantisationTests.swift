// Quantisation in all its grains, integer products, and the quantised operators of com.microsoft: small values by hand,
// or from the ONNX reference and ONNX Runtime.

import TensorIR
import Testing

@testable import ONNXImport

private func scalar(_ value: Double, _ dtype: DType = .f32) -> TensorValue {
    dtype.isFloat ? floats([], [value], dtype) : integers([], [Int64(value)], dtype)
}

/// Interprets one node of a family that stands in no table of the ONNX domain.
private func run(
    _ family: OperatorFamily, _ operands: [TensorValue?], known: Set<Int> = [],
    _ attributes: [Ironworks_Onnx_AttributeProto] = []
) throws -> TensorValue {
    var emitter = Emitter()
    var inputs: [ValueID?] = []
    var given: [TensorValue] = []
    for (index, operand) in operands.enumerated() {
        guard let operand else {
            inputs.append(nil)
            continue
        }
        if known.contains(index) {
            inputs.append(emitter.constant(operand))
        } else {
            inputs.append(emitter.input(name: "x\(index)", type: operand.type))
            given.append(operand)
        }
    }
    var node = Ironworks_Onnx_NodeProto()
    node.attribute = attributes
    node.output = ["y"]
    emitter.enter(node, version: 1, inputs: inputs, tensors: [:])
    let results = try family(&emitter)
    let model = emitter.finish(outputs: [("y", results[0])])
    try model.graph.verify()
    return try interpret(model.graph, inputs: given, constants: model.constants)[0]
}

@Test func quantisationSaturatesAndRoundsHalfEven() throws {
    let x = floats([8], [0, 1, 2, 3, 1000, -254, -1000, 5])
    let y = try evaluate("QuantizeLinear", version: 13, [x, scalar(2), scalar(128, .u8)])
    #expect(y[0] == integers([8], [128, 128, 129, 130, 255, 1, 0, 130], .u8))
    let plain = try evaluate("QuantizeLinear", version: 13, [x, scalar(2), nil], known: [1])
    #expect(plain[0] == integers([8], [0, 0, 1, 2, 255, 0, 0, 2], .u8))
    let back = try evaluate("DequantizeLinear", version: 13, [y[0], scalar(2), scalar(128, .u8)])
    #expect(back[0] == floats([8], [0, 0, 2, 4, 254, -254, -256, 4]))
}

@Test func scalesMayGoAlongAnAxisOrByBlocks() throws {
    let x = floats([2, 3], [1, 2, 3, 4, 5, 6])
    let axis = try evaluate(
        "QuantizeLinear", version: 21, [x, floats([2], [1, 2]), integers([2], [0, 1], .i4)],
        [attribute("axis", Int64(0))])
    #expect(axis[0] == integers([2, 3], [1, 2, 3, 3, 3, 4], .i4))
    let scales = floats([2, 2], [1, 2, 0.5, 4])
    let blocks = [attribute("axis", Int64(-1)), attribute("block_size", Int64(2))]
    let blocked = try evaluate(
        "QuantizeLinear", version: 21, [x, scales, nil], blocks + [attribute("output_dtype", Int64(5))])
    #expect(blocked[0] == integers([2, 3], [1, 2, 2, 8, 10, 2], .i16))
    let back = try evaluate("DequantizeLinear", version: 21, [blocked[0], scales, nil], blocks)
    #expect(back[0] == floats([2, 3], [1, 2, 4, 4, 5, 8]))
    #expect(
        sentence {
            _ = try evaluate("QuantizeLinear", version: 21, [x, floats([3, 2], [1, 1, 1, 1, 1, 1]), nil], blocks)
        }
        .contains("scales of 3x2 for blocks of 2 along axis 1 of 2x3"))
}

@Test func floatsOfEightBitsAreQuantised() throws {
    let x = floats([4], [0, 1, 2000, -3])
    let found = try evaluate("QuantizeLinear", version: 19, [x, scalar(2), scalar(0, .f8e4m3fn)], known: [2])
    #expect(found[0] == floats([4], [0, 0.5, 448, -1.5], .f8e4m3fn))
    let open = try evaluate(
        "QuantizeLinear", version: 19, [x, scalar(2), scalar(0, .f8e5m2)], [attribute("saturate", Int64(0))])
    #expect(open[0] == floats([4], [0, 0.5, 1024, -1.5], .f8e5m2))
    let half = try evaluate("DequantizeLinear", version: 19, [found[0], scalar(2, .f16)])
    #expect(half[0] == floats([4], [0, 1, 896, -3], .f16))
    let four = try evaluate(
        "QuantizeLinear", version: 23, [x, scalar(1), nil], [attribute("output_dtype", Int64(23))])
    #expect(four[0] == floats([4], [0, 1, 6, -3], .f4e2m1))
}

@Test func thePrecisionOfTheDivisionIsThatOfTheScale() throws {
    // 2049 is no f16; rounded to 2048 first
    let x = floats([1], [2049])
    let wide = try evaluate("QuantizeLinear", version: 23, [x, scalar(1), scalar(0, .i16)])
    #expect(wide[0] == integers([1], [2049], .i16))
    let narrow = try evaluate(
        "QuantizeLinear", version: 23, [x, scalar(1), scalar(0, .i16)], [attribute("precision", Int64(10))])
    #expect(narrow[0] == integers([1], [2048], .i16))
}

@Test func dynamicQuantisationFollowsTheRange() throws {
    let found = try evaluate(
        "DynamicQuantizeLinear", version: 11, [floats([6], [0, 2, -3, -2.5, 1.34, 0.5])], outputs: 3)
    #expect(found[0] == integers([6], [153, 255, 0, 26, 221, 179], .u8))
    #expect(agree(found[1], floats([], [0.0196078438]), tolerance: 1e-9))
    #expect(found[2] == integers([], [153], .u8))
    let nothing = try evaluate("DynamicQuantizeLinear", version: 11, [floats([2], [0, 0])], outputs: 3)
    #expect(nothing == [integers([2], [0, 0], .u8), floats([], [1]), integers([], [0], .u8)])
}

@Test func integerProductsTakeZeroPointsPerRowAndColumn() throws {
    let a = integers([2, 3], [11, 7, 3, 10, 6, 2], .u8)
    let b = integers([3, 2], [1, 4, 2, 5, 3, 6], .u8)
    let one = try evaluate(
        "MatMulInteger", version: 10, [a, b, integers([1], [12], .u8), scalar(0, .u8)], known: [2, 3])
    #expect(one[0] == integers([2, 2], [-38, -83, -44, -98], .i32))
    let many = try evaluate(
        "MatMulInteger", version: 10, [a, b, integers([2], [1, 2], .u8), integers([2], [0, 4], .u8)])
    // rows 10 6 2 and 8 4 0; columns 1 2 3 and 0 1 2
    #expect(many[0] == integers([2, 2], [28, 10, 16, 4], .i32))
}

@Test func integerConvolutionPadsWithTheZeroPoint() throws {
    let x = integers([1, 1, 3, 3], [2, 3, 4, 5, 6, 7, 8, 9, 10], .u8)
    let w = integers([2, 1, 2, 2], [1, 1, 1, 1, 2, 2, 2, 2], .u8)
    let found = try evaluate(
        "ConvInteger", version: 10, [x, w, scalar(1, .u8), integers([2], [0, 1], .u8)], known: [3],
        [attribute("pads", [1, 1, 0, 0])])
    let sums: [Int64] = [1, 3, 5, 5, 12, 16, 11, 24, 28]
    #expect(found[0] == integers([1, 2, 3, 3], sums + sums, .i32))
}

@Test func quantisedProductsComeBackInTheirType() throws {
    let x = integers([1, 1, 2, 2], [10, 20, 30, 40], .u8)
    let w = integers([2, 1, 1, 1], [1, -2], .i8)
    let conv = try evaluate(
        "QLinearConv", version: 10,
        [
            x, scalar(0.5), scalar(10, .u8), w, floats([2], [1, 2]), integers([2], [0, 0], .i8), scalar(0.25),
            scalar(100, .u8), integers([2], [1, 2], .i32),
        ], known: [1, 2, 4, 5, 6, 7])
    // (x - 10) * w + bias times 2 and 4, plus 100
    #expect(conv[0] == integers([1, 2, 2, 2], [102, 122, 142, 162, 108, 28, 0, 0], .u8))
    let a = integers([1, 2], [3, 4], .i8)
    let b = integers([2, 2], [1, 2, 3, 4], .i8)
    let zero = scalar(0, .i8)
    let product = try evaluate(
        "QLinearMatMul", version: 21,
        [a, scalar(0.5, .f16), zero, b, scalar(1, .f16), zero, scalar(2, .f16), scalar(-5, .i8)])
    // 15 and 22, a quarter of them, minus 5
    #expect(product[0] == integers([1, 2], [-1, 1], .i8))
}

@Test func elementsOfMicrosoftAreDequantisedFirst() throws {
    let a = integers([3], [0, 10, 20], .u8)
    let b = integers([1], [4], .u8)
    let operands = [a, scalar(0.5), scalar(10, .u8), b, scalar(2), scalar(1, .u8), scalar(0.25), scalar(3, .u8)]
    // -5 0 5 and 6
    #expect(try run(emitQLinearAdd, operands) == integers([3], [7, 27, 47], .u8))
    #expect(try run(emitQLinearMul, operands, known: [1, 2, 4, 5, 6, 7]) == integers([3], [0, 3, 123], .u8))
    let unary = [a, scalar(0.5), scalar(10, .u8), scalar(0.5), nil] as [TensorValue?]
    #expect(try run(emitQLinearLeakyRelu, unary, [attribute("alpha", Float(0.5))]) == integers([3], [0, 0, 10], .u8))
    let sigmoid = [a, scalar(0.5), scalar(10, .u8), scalar(1.0 / 256), nil] as [TensorValue?]
    #expect(try run(emitQLinearSigmoid, sigmoid) == integers([3], [2, 128, 254], .u8))
    let parts = [scalar(0.5), scalar(1, .u8), a, scalar(0.5), scalar(1, .u8), b, scalar(2), scalar(0, .u8)]
    let joined = try run(emitQLinearConcat, parts, known: [0, 1, 3, 4], [attribute("axis", Int64(0))])
    #expect(joined == integers([4], [0, 10, 20, 17], .u8))
}

@Test func averagesOfMicrosoftCountWhatTheWindowCovers() throws {
    let x = integers([1, 1, 1, 4], [4, 8, 12, 16], .u8)
    let operands = [x, scalar(0.5), scalar(4, .u8), scalar(1), scalar(1, .u8)]
    // 0 2 4 6
    #expect(try run(emitQLinearGlobalAveragePool, operands) == integers([1, 1, 1, 1], [4], .u8))
    let window = [attribute("kernel_shape", [1, 3]), attribute("pads", [0, 1, 0, 1])]
    #expect(try run(emitQLinearAveragePool, operands, window) == integers([1, 1, 1, 4], [2, 3, 5, 6], .u8))
    let padded = window + [attribute("count_include_pad", Int64(1))]
    #expect(try run(emitQLinearAveragePool, operands, padded) == integers([1, 1, 1, 4], [2, 3, 5, 4], .u8))
    let last = [integers([1, 1, 4, 1], [4, 8, 12, 16], .u8)] + operands[1...].map { $0 }
    let channelsLast = window + [attribute("channels_last", Int64(1))]
    #expect(try run(emitQLinearAveragePool, last, channelsLast) == integers([1, 1, 4, 1], [2, 3, 5, 6], .u8))
    #expect(
        try run(emitQLinearGlobalAveragePool, last, [attribute("channels_last", Int64(1))])
            == integers([1, 1, 1, 1], [4], .u8))
}

@Test func integerProductsOfMicrosoftEndInFloats() throws {
    let a = integers([1, 2], [3, 4], .u8)
    let b = integers([2, 2], [1, 2, 3, 4], .i8)
    let found = try run(
        emitMatMulIntegerToFloat,
        [a, b, scalar(0.5), floats([2], [1, 2]), scalar(1, .u8), nil, floats([2], [10, 20])])
    // rows 2 3: 11 and 16
    #expect(found == floats([1, 2], [15.5, 36]))
    // the range -1 … 4 becomes 51 + 51 x
    let dynamic = try run(emitDynamicQuantizeMatMul, [floats([1, 2], [-1, 4]), b, scalar(1), nil, nil])
    #expect(agree(dynamic, floats([1, 2], [11, 14]), tolerance: 1e-5))
}

private func packing(depth: Int64, columns: Int64, bits: Int64, block: Int64) -> [Ironworks_Onnx_AttributeProto] {
    [attribute("K", depth), attribute("N", columns), attribute("bits", bits), attribute("block_size", block)]
}

@Test func weightsOfFewBitsAreUnpacked() throws {
    func sizes(bits: Int64) -> [Ironworks_Onnx_AttributeProto] {
        packing(depth: 4, columns: 2, bits: bits, block: 2)
    }
    let a = floats([1, 4], [1, 10, 100, 1000])
    let scales = floats([2, 2], [1, 2, 1, 1])
    // row 0: 9 10, 7 8 with scales 1 and 2; row 1: 8 8, 8 15
    let four = integers([2, 2, 1], [0xa9, 0x87, 0x88, 0xf8], .u8)
    #expect(try run(emitMatMulNBits, [a, four, scales], sizes(bits: 4)) == floats([1, 2], [21 - 200, 7000]))
    // zero points 9 8 and 8 8
    let zeros = integers([2], [0x89, 0x88], .u8)
    #expect(
        try run(emitMatMulNBits, [a, four, scales, zeros], known: [1, 2, 3], sizes(bits: 4))
            == floats([1, 2], [10 - 200, 7000]))
    let bias = floats([2], [0.5, -7000])
    let open = floats([2, 2], [9, 8, 8, 8])
    #expect(
        try run(emitMatMulNBits, [a, four, scales, open, nil, bias], sizes(bits: 4)) == floats([1, 2], [-189.5, 0]))
    let eight = integers([2, 2, 2], [129, 128, 128, 127, 128, 128, 128, 130], .u8)
    #expect(try run(emitMatMulNBits, [a, eight, scales], sizes(bits: 8)) == floats([1, 2], [1 - 2000, 2000]))
    let two = packing(depth: 4, columns: 1, bits: 2, block: 4)
    // 3 2 1 0 minus 2
    #expect(
        try run(emitMatMulNBits, [a, integers([1, 1, 1], [0b0001_1011], .u8), floats([1], [1])], two)
            == floats([1, 1], [1 - 100 - 2000]))
    #expect(throws: NodeProblem.self) { try run(emitMatMulNBits, [a, four, scales], sizes(bits: 3)) }
}
