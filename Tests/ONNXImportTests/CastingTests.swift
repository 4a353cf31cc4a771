// Cast and CastLike into every storage type: ONNX's tables of special numbers, with and without saturation, the
// rounding of powers of two, and tensors of these types in files. Values are those of ml_dtypes.

import Foundation
import SwiftProtobuf
import TensorIR
import Testing

@testable import ONNXImport

private func cast(
    _ values: [Double], _ dtype: DType, from: DType = .f32, _ attributes: [Ironworks_Onnx_AttributeProto] = []
) throws -> TensorValue.Elements {
    let attributes = attributes + [attribute("to", Int64(onnxNumber(dtype)))]
    return try evaluate("Cast", version: 25, [floats([values.count], values, from)], attributes)[0].elements
}

/// Equal, with NaN in the same places.
private func same(_ found: TensorValue.Elements, _ expected: [Double]) -> Bool {
    guard case .floats(let values) = found, values.count == expected.count else { return false }
    return zip(values, expected).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) }
}

private let special: [Double] = [0, 0.48, 1e6, -1e6, .infinity, -.infinity, .nan]

@Test func floatsOfEightBitsSaturate() throws {
    for (dtype, greatest) in [(DType.f8e4m3fn, 448.0), (.f8e4m3fnuz, 240), (.f8e5m2, 57344), (.f8e5m2fnuz, 57344)] {
        let step = dtype == .f8e5m2 || dtype == .f8e5m2fnuz ? 0.5 : 0.46875
        let expected = [0, step, greatest, -greatest, greatest, -greatest, .nan]
        #expect(try same(cast(special, dtype), expected), "\(dtype)")
        #expect(try same(cast(special, dtype, from: .f64), expected), "\(dtype)")
    }
}

@Test func withoutSaturationTheyOverflow() throws {
    let off = [attribute("saturate", Int64(0))]
    let cases: [(DType, [Double], [Double])] = [
        (.f8e4m3fn, [448, 464, 465, -465], [448, 448, .nan, .nan]),
        (.f8e4m3fnuz, [240, 247, 248, -248], [240, 240, .nan, .nan]),
        (.f8e5m2, [57344, 61439, 61440, -61440], [57344, 57344, .infinity, -.infinity]),
        (.f8e5m2fnuz, [57344, 61439, 61440, -61440], [57344, 57344, .nan, .nan]),
    ]
    for (dtype, from, to) in cases {
        #expect(try same(cast(from, dtype, off), to), "\(dtype)")
        #expect(try same(cast(from.map { $0 == 61439 ? 61408 : $0 }, dtype, from: .f16, off), to), "\(dtype) of f16")
        #expect(try same(cast([.nan], dtype, off), [.nan]))
    }
    #expect(try same(cast(special, .f4e2m1), [0, 0.5, 6, -6, 6, -6, 0]))
}

@Test func powersOfTwoRoundAsTheAttributeSays() throws {
    let values = [0.24, 0.375, 0.37, 1, 6, 1e-45]
    func modes(_ name: String) -> [Ironworks_Onnx_AttributeProto] { [attribute("round_mode", name)] }
    #expect(try same(cast(values, .f8e8m0), [0.25, 0.5, 0.5, 1, 8, 0x1p-127]))
    #expect(try same(cast(values, .f8e8m0, modes("down")), [0.125, 0.25, 0.25, 1, 4, 0x1p-127]))
    #expect(try same(cast(values, .f8e8m0, modes("nearest")), [0.25, 0.5, 0.25, 1, 8, 0x1p-127]))
    let strict = modes("nearest") + [attribute("saturate", Int64(0))]
    #expect(try same(cast([0, 3e38, .infinity, 1.6], .f8e8m0, strict), [.nan, .nan, .nan, 2]))
    #expect(
        sentence { _ = try cast([1], .f8e8m0, modes("odd")) }.contains("round_mode that has the unknown value \"odd\""))
}

@Test func smallIntegersWrapAndWiden() throws {
    let values = [-9.0, -8, 7, 8, 15.5]
    #expect(try cast(values, .i4) == .integers([7, -8, 7, -8, -1]))
    #expect(try cast(values, .u4) == .integers([7, 8, 7, 8, 15]))
    #expect(try cast(values, .i2) == .integers([-1, 0, -1, 0, -1]))
    #expect(try cast(values, .u2, from: .f16) == .integers([3, 0, 3, 0, 3]))
    let like = integers([0], [], .i4)
    let found = try evaluate("CastLike", version: 25, [floats([2], [3, -3]), like], known: [1])
    #expect(found[0] == integers([2], [3, -3], .i4))
    let wide = try evaluate("Cast", version: 25, [integers([3], [-8, 7, 0], .i4)], [attribute("to", Int64(1))])
    #expect(wide[0] == floats([3], [-8, 7, 0]))
    let stored = try evaluate("Cast", version: 25, [floats([2], [1.5, -6], .f4e2m1)], [attribute("to", Int64(3))])
    #expect(stored[0] == integers([2], [1, -6], .i8))
}

@Test func filesPackSmallElements() throws {
    for value in [
        integers([5], [-8, 7, 0, -1, 3], .i4), integers([3], [15, 0, 9], .u4),
        integers([2, 3], [1, -2, 0, -1, 1, 1], .i2),
        integers([4], [3, 0, 2, 1], .u2), floats([3], [0.5, -6, 3], .f4e2m1), floats([2], [-448, 0.015625], .f8e4m3fn),
        floats([2], [0x1p-127, 0x1p127], .f8e8m0),
    ] {
        let raw = message(value)
        #expect(raw.rawData.count == (value.type.elements * value.type.dtype.bits + 7) / 8)
        #expect(try readTensorFile(try raw.serializedBytes(), name: "t").value == value)
        var typed = raw
        typed.int32Data = packed(value).map { Int32($0) }
        typed.clearBytes()
        #expect(try readTensorFile(try typed.serializedBytes(), name: "t").value == value)
    }
    var short = message(integers([5], [1, 2, 3, 4, 5], .i4))
    short.dims = [9]
    #expect(
        sentence { _ = try readTensorFile(try short.serializedBytes(), name: "t") }
            == "tensor 0 of t cannot be used: it has 3 bytes where its shape needs 5")
}

@Test func operatorsThatComputeRefuseStorageTypes() {
    let x = floats([1], [1], .f8e5m2)
    let refused = "cannot take f8e5m2 for its input 0; it takes numbers"
    #expect(sentence { _ = try evaluate("Add", [x, x]) }.contains(refused))
    #expect(sentence { _ = try evaluate("Equal", version: 19, [x, x]) }.contains(refused + " or bool"))
    for name in ["ScatterElements", "ScatterND"] {
        let indices = integers(name == "ScatterND" ? [1, 1] : [1], [0], .i64)
        for reduction in ["add", "mul", "max", "min"] {
            let said = sentence {
                _ = try evaluate(name, version: 18, [x, indices, x], [attribute("reduction", reduction)])
            }
            #expect(said.contains(refused))
        }
    }
}
