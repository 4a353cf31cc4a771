// Sampling at computed places: grids and their modes, deformed convolutions, and pooling of regions of interest,
// against values computed by hand or from the formulas' plain definition.

import TensorIR
import Testing

@testable import ONNXImport

private let image = counting([1, 1, 3, 3])

private func sample(
    _ grid: [Double], mode: String = "linear", padding: String = "zeros", aligns: Bool = true
) throws -> TensorValue {
    try evaluate(
        "GridSample", version: 20, [image, floats([1, 1, grid.count / 2, 2], grid)],
        [
            attribute("mode", mode), attribute("padding_mode", padding),
            attribute("align_corners", Int64(aligns ? 1 : 0)),
        ]
    )[0]
}

@Test func gridsNameTheLastAxisFirst() throws {
    #expect(agree(try sample([-1, -1, 1, -1, 0, 0, 0.5, 0]), floats([1, 1, 1, 4], [0, 2, 4, 4.5])))
    #expect(agree(try sample([0.4, 0, 0, 0.6], mode: "nearest"), floats([1, 1, 1, 2], [4, 7])))
    let cubic = try sample([0.2, -0.3, 1.2, 0.1], mode: "cubic", aligns: false)
    #expect(agree(cubic, floats([1, 1, 1, 2], [3.0343392, 1.034875]), tolerance: 1e-5))
}

@Test func gridsArePaddedInThreeWays() throws {
    // one and a half elements past the right end of the middle row
    let far = [2.5, 0]
    #expect(agree(try sample(far), floats([1, 1, 1, 1], [0])))
    #expect(agree(try sample(far, padding: "border"), floats([1, 1, 1, 1], [5])))
    #expect(agree(try sample(far, padding: "reflection"), floats([1, 1, 1, 1], [3.5])))
    // half an element past it
    #expect(agree(try sample([1.5, 0]), floats([1, 1, 1, 1], [2.5])))
}

@Test func gridsHaveThreeDimensions() throws {
    let y = try evaluate(
        "GridSample", version: 20, [counting([1, 1, 2, 2, 2]), floats([1, 1, 1, 1, 3], [0, 0, 1])],
        [attribute("align_corners", Int64(1))])
    #expect(agree(y[0], floats([1, 1, 1, 1, 1], [5.5])))
}

@Test func affineGridsAreEvenlySpaced() throws {
    let theta = floats([1, 2, 3], [1, 0, 0.5, 0, 2, 0])
    let y = try evaluate("AffineGrid", version: 20, [theta, vector(1, 1, 1, 2)], known: [1])
    #expect(agree(y[0], floats([1, 1, 2, 2], [0, 0, 1, 0])))
    let aligned = try evaluate(
        "AffineGrid", version: 20, [theta, vector(1, 1, 2, 2)], known: [1], [attribute("align_corners", Int64(1))])
    #expect(agree(aligned[0], floats([1, 2, 2, 2], [-0.5, -2, 1.5, -2, -0.5, 2, 1.5, 2])))
}

@Test func offsetsMoveTheKernel() throws {
    let ones = floats([1, 1, 2, 2], [1, 1, 1, 1])
    let strides = [attribute("strides", [2, 2])]
    let still = try evaluate(
        "DeformConv", version: 19, [image, ones, floats([1, 8, 1, 1], .init(repeating: 0, count: 8))], strides)
    #expect(agree(still[0], floats([1, 1, 1, 1], [8])))
    let halves = floats([1, 8, 1, 1], .init(repeating: 0.5, count: 8))
    #expect(
        agree(try evaluate("DeformConv", version: 19, [image, ones, halves], strides)[0], floats([1, 1, 1, 1], [16])))
    let mask = floats([1, 4, 1, 1], [1, 0, 0, 0])
    let masked = try evaluate("DeformConv", version: 19, [image, ones, halves, floats([1], [1]), mask], strides)
    #expect(agree(masked[0], floats([1, 1, 1, 1], [3])))
}

@Test(arguments: [(0, "avg"), (0, "max"), (2, "avg"), (2, "max")])
func alignedRegionsAreSampled(_ ratio: Int64, _ mode: String) throws {
    let expected: [Double] =
        switch (ratio, mode) {
        case (0, "avg"): [2.25, 8, 8.5, 0]
        case (0, _): [3.75, 8.75, 13, 0]
        case (_, "avg"): [2.25, 8, 5.25, 0]
        default: [2.8125, 6.5625, 4.21875, 0]
        }
    let y = try evaluate(
        "RoiAlign", version: 16, [counting([1, 1, 4, 4]), floats([2, 4], [0, 0, 3, 3, 1, 2, 2, 9]), vector(0, 0)],
        [attribute("output_height", Int64(2)), attribute("sampling_ratio", ratio), attribute("mode", mode)])
    #expect(agree(y[0], floats([2, 1, 2, 1], expected)))
}

@Test func roundedRegionsTakeTheirMaximum() throws {
    // rows 0 to 2 and columns 1 to 3 in two by one bins, and a region outside of the image
    let rois = floats([2, 5], [0, 1, 0, 3, 2, 0, 9, 9, 9, 9])
    let y = try evaluate("MaxRoiPool", [counting([1, 1, 4, 4]), rois], [attribute("pooled_shape", [2, 1])])
    #expect(y[0] == floats([2, 1, 2, 1], [7, 11, 0, 0]))
}
