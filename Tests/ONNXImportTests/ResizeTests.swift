// Resize and Upsample: coordinates, roundings and filters against values computed by hand, extents from scales, sizes
// and policies, and that an index that follows a rule reads no table.

import TensorIR
import Testing

@testable import ONNXImport

private func scales(_ values: Double...) -> TensorValue { floats([values.count], values) }

private func resize(
    _ x: TensorValue, _ scales: TensorValue, version: Int64 = 13, _ attributes: [Ironworks_Onnx_AttributeProto] = []
) throws -> TensorValue {
    try evaluate("Resize", version: version, [x, nil, scales], known: [2], attributes)[0]
}

private let line = counting([1, 4])

@Test func nearestElementsFollowTheRounding() throws {
    let doubled = floats([1, 8], [0, 0, 1, 1, 2, 2, 3, 3])
    #expect(try resize(line, scales(1, 2)) == doubled)
    let corners = attribute("coordinate_transformation_mode", "asymmetric")
    #expect(try resize(line, scales(1, 2), [corners, attribute("nearest_mode", "floor")]) == doubled)
    // places 0, 0.5, 1, …: halves go down or up
    let up = try resize(line, scales(1, 2), [corners, attribute("nearest_mode", "round_prefer_ceil")])
    #expect(up == floats([1, 8], [0, 1, 1, 2, 2, 3, 3, 3]))
    let down = try resize(line, scales(1, 2), [corners])
    #expect(down == floats([1, 8], [0, 0, 1, 1, 2, 2, 3, 3]))
    #expect(try resize(line, scales(1, 0.5), [corners]) == floats([1, 2], [0, 2]))
    let bytes = integers([1, 2], [7, 200], .u8)
    #expect(try resize(bytes, scales(1, 2)) == integers([1, 4], [7, 7, 200, 200], .u8))
}

@Test func aRuleNeedsNoTable() throws {
    let maker = oneNode("Resize", version: 13, [counting([1, 1, 4, 4]), nil, scales(1, 1, 2, 2)], known: [2])
    let graph = try importModel(try maker.file()).graph
    #expect(!graph.text.contains("constant"))
    #expect(graph.text.contains("= %0[0,0,i2/2,i3/2]"))
}

@Test func linearTapsAreWeighted() throws {
    let linear = attribute("mode", "linear")
    let half = try resize(line, scales(1, 2), [linear])
    #expect(agree(half, floats([1, 8], [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3])))
    let aligned = [linear, attribute("coordinate_transformation_mode", "align_corners")]
    #expect(agree(try resize(counting([1, 3]), scales(1, 5.0 / 3), aligned), floats([1, 5], [0, 0.5, 1, 1.5, 2])))
    let antialiased = [linear, attribute("antialias", Int64(1))]
    #expect(agree(try resize(line, scales(1, 0.5), version: 18, antialiased), floats([1, 2], [0.625, 2.375])))
    // integers are rounded
    let whole = try resize(integers([1, 2], [0, 10], .i32), scales(1, 2), [linear])
    #expect(whole == integers([1, 4], [0, 2, 8, 10], .i32))
}

@Test func cubicTapsAreWeighted() throws {
    let y = try resize(line, scales(1, 2), [attribute("mode", "cubic")])
    let expected = [-0.1054688, 0.1914062, 0.6679688, 1.296875, 1.703125, 2.3320312, 2.8085938, 3.1054688]
    #expect(agree(y, floats([1, 8], expected)))
    // what is left of a filter at the border is scaled up to one
    let excluding = [attribute("mode", "cubic"), attribute("exclude_outside", Int64(1))]
    #expect(agree(try resize(floats([1, 1], [3]), scales(1, 3), excluding), floats([1, 3], [3, 3, 3])))
}

@Test func sizesKeepTheAspectWhenAsked() throws {
    let x = counting([1, 1, 2, 4])
    func shape(_ policy: String) throws -> [Int] {
        try evaluate(
            "Resize", version: 18, [x, nil, nil, vector(6, 6)], known: [3],
            [attribute("axes", [2, 3]), attribute("keep_aspect_ratio_policy", policy)])[0].type.shape
    }
    #expect(try shape("stretch") == [1, 1, 6, 6])
    #expect(try shape("not_larger") == [1, 1, 3, 6])
    #expect(try shape("not_smaller") == [1, 1, 6, 12])
}

@Test func cropsFillWhatIsOutside() throws {
    let crop = [
        attribute("mode", "linear"), attribute("coordinate_transformation_mode", "tf_crop_and_resize"),
        attribute("extrapolation_value", Float(9)),
    ]
    // places -1.5, 0, 1.5, 3, 4.5
    let y = try evaluate(
        "Resize", version: 13, [line, floats([4], [0, -0.5, 1, 1.5]), nil, vector(1, 5)], known: [1, 3], crop)
    #expect(agree(y[0], floats([1, 5], [9, 0, 1.5, 3, 9])))
}

@Test func upsampleHasThreeForms() throws {
    let x = counting([1, 1, 1, 2])
    let expected = floats([1, 1, 2, 4], [0, 0, 1, 1, 0, 0, 1, 1])
    var list = attribute("scales", [])
    list.type = .floats
    list.floats = [1, 1, 2, 2]
    #expect(try evaluate("Upsample", version: 7, [x], [list])[0] == expected)
    #expect(try evaluate("Upsample", version: 9, [x, scales(1, 1, 2, 2)], known: [1])[0] == expected)
    let linear = try evaluate(
        "Upsample", version: 9, [x, scales(1, 1, 1, 2)], known: [1], [attribute("mode", "linear")])
    #expect(agree(linear[0], floats([1, 1, 1, 4], [0, 0.5, 1, 1])))
}

@Test func scalesMustBeKnown() {
    #expect(
        sentence { _ = try importModel(try oneNode("Resize", version: 13, [line, nil, scales(1, 2)]).file()) }
            .contains("scales"))
    #expect(
        sentence { _ = try importModel(try oneNode("Resize", version: 13, [line, nil, scales(1)], known: [2]).file()) }
            == "Resize node \"n\" of m.onnx does not fit its operands: 1 scales for 2 axes")
}
