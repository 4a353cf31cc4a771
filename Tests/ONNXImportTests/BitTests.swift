// Operators on bits, and tensors made of numbers and places, against values worked out by hand.
// Shifts by too much, indices that count back or lie outside, and the bits of special floats are tried.

import TensorIR
import Testing

@testable import ONNXImport

@Test func bitOperatorsByHand() throws {
    let (a, b) = (integers([3], [12, 255, 7], .u8), integers([1], [10], .u8))
    #expect(try evaluate("BitwiseAnd", version: 18, [a, b])[0] == integers([3], [8, 10, 2], .u8))
    #expect(try evaluate("BitwiseOr", version: 18, [a, b])[0] == integers([3], [14, 255, 15], .u8))
    #expect(try evaluate("BitwiseXor", version: 18, [a, b])[0] == integers([3], [6, 245, 13], .u8))
    #expect(try evaluate("BitwiseNot", version: 18, [a])[0] == integers([3], [243, 0, 248], .u8))
    #expect(try evaluate("BitwiseNot", version: 18, [vector(0, -1)])[0] == vector(-1, 0))
    let refused = sentence { _ = try importModel(try oneNode("BitwiseNot", version: 18, [floats([1], [1])]).file()) }
    #expect(refused.contains("integers"))
}

@Test func shiftsBeyondTheWidthLeaveZerosOrTheSign() throws {
    let (left, right) = (attribute("direction", "LEFT"), attribute("direction", "RIGHT"))
    let bytes = integers([3], [255, 255, 3], .u8)
    let by = integers([3], [4, 8, 1], .u8)
    #expect(try evaluate("BitShift", [bytes, by], [left])[0] == integers([3], [240, 0, 6], .u8))
    #expect(try evaluate("BitShift", [bytes, by], [right])[0] == integers([3], [15, 0, 1], .u8))
    let signed = integers([4], [-8, -8, -8, 8], .i32)
    let amounts = integers([4], [1, 32, -1, 40], .i32)
    #expect(
        try evaluate("BitShift", version: 28, [signed, amounts], [right])[0] == integers([4], [-4, -1, -1, 0], .i32))
    #expect(
        try evaluate("BitShift", version: 28, [signed, amounts], [left])[0] == integers([4], [-16, 0, 0, 0], .i32))
}

@Test func bitCastKeepsTheBitsOfFloats() throws {
    let special: [Double] = [
        0, -0.0, 1, -1, 1.5, 0.1, .infinity, -.infinity, .nan, 3.4e38, 1.1754943508222875e-38, 1e-40, -1e-45, 65504,
    ]
    func check(_ dtype: DType, _ bits: DType, _ number: Int64, _ pattern: (Double) -> Int64) throws {
        let values = special.map { ScalarRules.rounded($0, dtype) }
        let found = try evaluate(
            "BitCast", version: 26, [floats([values.count], values, dtype)], [attribute("to", number)])
        let expected = integers([values.count], values.map(pattern), bits)
        #expect(found[0] == expected, "\(dtype)")
        let back = try evaluate(
            "BitCast", version: 26, [expected], [attribute("to", Int64(onnxNumber(dtype)))])
        guard case .floats(let again) = back[0].elements else { return }
        #expect(zip(again, values).allSatisfy { ($0 == $1 && $0.sign == $1.sign) || ($0.isNaN && $1.isNaN) })
    }
    try check(.f32, .i32, 6) { Int64(Int32(bitPattern: Float($0).bitPattern)) }
    try check(.f32, .u32, 12) { Int64(Float($0).bitPattern) }
    try check(.f64, .i64, 7) { Int64(bitPattern: $0.bitPattern) }
    try check(.f16, .i16, 5) { Int64(Int16(bitPattern: Float16($0).bitPattern)) }
    try check(.bf16, .u16, 4) { Int64(Float($0).bitPattern >> 16) }
}

@Test func bitCastOfIntegersWraps() throws {
    let bytes = integers([2], [-1, 5], .i8)
    #expect(
        try evaluate("BitCast", version: 26, [bytes], [attribute("to", Int64(2))])[0] == integers([2], [255, 5], .u8))
    let refused = sentence {
        _ = try importModel(try oneNode("BitCast", version: 26, [bytes], [attribute("to", Int64(6))]).file())
    }
    #expect(refused.contains("the bits of i8 are no i32"))
}

@Test func eyesAndHotPlaces() throws {
    let eye = try evaluate("EyeLike", version: 9, [counting([2, 3])], [attribute("k", Int64(1))])
    #expect(eye[0] == floats([2, 3], [0, 1, 0, 0, 0, 1]))
    let (depth, values) = (vector(3), floats([2], [-1, 5]))
    let hot = try evaluate("OneHot", version: 11, [vector(1, -1, 7), depth, values], known: [1])
    #expect(hot[0] == floats([3, 3], [-1, 5, -1, -1, -1, 5, -1, -1, -1]))
    let old = try evaluate(
        "OneHot", version: 9, [vector(1, -1), depth, values], known: [1], [attribute("axis", Int64(0))])
    #expect(old[0] == floats([3, 2], [-1, -1, 5, -1, -1, -1]))
}

@Test func tuplesOfIndicesGather() throws {
    let x = counting([2, 2, 2])
    let pairs = integers([2, 2], [0, 1, -1, 0])
    #expect(try evaluate("GatherND", version: 13, [x, pairs])[0] == floats([2, 2], [2, 3, 4, 5]))
    #expect(try evaluate("GatherND", version: 13, [x, pairs], known: [1])[0] == floats([2, 2], [2, 3, 4, 5]))
    let batch = [attribute("batch_dims", Int64(1))]
    let found = try evaluate("GatherND", version: 13, [x, integers([2, 1], [1, 0])], batch)
    #expect(found[0] == floats([2, 2], [2, 3, 4, 5]))
    #expect(
        sentence {
            _ = try importModel(try oneNode("GatherND", version: 13, [x, integers([1, 1], [2])], known: [1]).file())
        }.contains("index 2 into an axis of 2"))
}

@Test func sequencesReverseUpToTheirLengths() throws {
    let x = counting([3, 2])
    let found = try evaluate("ReverseSequence", version: 10, [x, vector(3, 2)])
    #expect(found[0] == floats([3, 2], [4, 3, 2, 1, 0, 5]))
    // longer than the axis is all of it
    #expect(try evaluate("ReverseSequence", version: 10, [x, vector(9, 0)])[0] == floats([3, 2], [4, 1, 2, 3, 0, 5]))
}

@Test func centredWindowsCropAndPad() throws {
    let x = counting([5])
    func window(_ extent: Int64) throws -> TensorValue {
        try evaluate("CenterCropPad", version: 18, [x, vector(extent)], known: [1])[0]
    }
    #expect(try window(2) == floats([2], [1, 2]))
    #expect(try window(8) == floats([8], [0, 0, 1, 2, 3, 4, 0, 0]))
    #expect(try window(5) == x)
}
