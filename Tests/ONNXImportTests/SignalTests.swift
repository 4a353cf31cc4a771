// Fourier transforms against plain sums over complex numbers, windows and mel weights against values worked out by
// hand. A long transform, whose roots are a table and no matrix, must agree with the sums too.

import Glibc
import TensorIR
import Testing

@testable import ONNXImport

/// The transform of `signal`, real and imaginary parts in turn.
private func transform(_ signal: [(Double, Double)], inverse: Bool = false) -> [Double] {
    let count = signal.count
    return (0..<count).flatMap { k -> [Double] in
        var sum = (0.0, 0.0)
        for (n, x) in signal.enumerated() {
            let angle = (inverse ? 2 : -2) * Double.pi * Double(n * k % count) / Double(count)
            sum.0 += x.0 * cos(angle) - x.1 * sin(angle)
            sum.1 += x.0 * sin(angle) + x.1 * cos(angle)
        }
        let scale = inverse ? 1 / Double(count) : 1
        return [sum.0 * scale, sum.1 * scale]
    }
}

private let samples: [(Double, Double)] = [(1, 0.5), (-2, 1), (3, 0), (0.25, -1), (4, 2)]
private let flat = samples.flatMap { [$0.0, $0.1] }

@Test func transformsOfRealAndComplexSignals() throws {
    let real = floats([1, 5, 1], samples.map { $0.0 })
    let spectrum = transform(samples.map { ($0.0, 0) })
    #expect(agree(try evaluate("DFT", version: 17, [real])[0], floats([1, 5, 2], spectrum), tolerance: 1e-5))
    let half = try evaluate("DFT", version: 20, [real], [attribute("onesided", Int64(1))])
    #expect(agree(half[0], floats([1, 3, 2], Array(spectrum[..<6])), tolerance: 1e-5))
    let complex = floats([1, 5, 2], flat)
    #expect(
        agree(try evaluate("DFT", version: 20, [complex])[0], floats([1, 5, 2], transform(samples)), tolerance: 1e-5))
    let back = try evaluate("DFT", version: 20, [complex], [attribute("inverse", Int64(1))])
    #expect(agree(back[0], floats([1, 5, 2], transform(samples, inverse: true)), tolerance: 1e-5))
}

@Test func halfASpectrumGivesItsSignalBack() throws {
    for count in [5, 6] {
        let signal = (0..<count).map { Double($0 * $0 % 7) - 2 }
        let half = Array(transform(signal.map { ($0, 0) })[..<(2 * (count / 2 + 1))])
        let attributes = [attribute("inverse", Int64(1)), attribute("onesided", Int64(1))]
        let found = try evaluate(
            "DFT", version: 20, [floats([1, count / 2 + 1, 2], half), integers([], [Int64(count)])], known: [1],
            attributes)
        #expect(agree(found[0], floats([1, count, 1], signal), tolerance: 1e-5))
    }
}

@Test func lengthsCutAndPad() throws {
    let x = floats([1, 5, 1], samples.map { $0.0 })
    for count in [3, 7] {
        let padded = (0..<count).map { $0 < 5 ? (samples[$0].0, 0.0) : (0, 0) }
        let found = try evaluate("DFT", version: 17, [x, integers([], [Int64(count)])], known: [1])
        #expect(agree(found[0], floats([1, count, 2], transform(padded)), tolerance: 1e-5))
    }
}

@Test func longTransformsReadATable() throws {
    let count = 1024
    let signal = (0..<count).map { (Double($0 % 17) - 8, Double($0 % 5)) }
    let x = floats([1, count, 2], signal.flatMap { [$0.0, $0.1] })
    let found = try evaluate("DFT", version: 20, [x], [attribute("inverse", Int64(1))])
    #expect(agree(found[0], floats([1, count, 2], transform(signal, inverse: true)), tolerance: 1e-4))
}

@Test func framesUnderAWindow() throws {
    let signal = (0..<7).map { Double($0 * $0 % 5) }
    let window = [0.5, 1, 1, 0.5]
    let expected = [0, 3].flatMap { start in
        transform((0..<4).map { (signal[start + $0] * window[$0], 0) })[..<6]
    }
    let found = try evaluate("STFT", [floats([1, 7, 1], signal), integers([], [3]), floats([4], window)], known: [1])
    #expect(agree(found[0], floats([1, 2, 3, 2], expected), tolerance: 1e-5))
}

@Test func windowsByHand() throws {
    func window(_ name: String, _ attributes: [Ironworks_Onnx_AttributeProto] = []) throws -> TensorValue {
        try evaluate(name, [integers([], [4])], known: [0], attributes)[0]
    }
    let symmetric = [attribute("periodic", Int64(0))]
    #expect(agree(try window("HannWindow"), floats([4], [0, 0.5, 1, 0.5])))
    #expect(agree(try window("HannWindow", symmetric), floats([4], [0, 0.75, 0.75, 0])))
    #expect(agree(try window("HammingWindow"), floats([4], [4.0 / 46, 25.0 / 46, 1, 25.0 / 46])))
    #expect(agree(try window("BlackmanWindow"), floats([4], [0, 0.34, 1, 0.34])))
}

@Test func melWeightsAreTriangles() throws {
    let numbers: [TensorValue?] = [
        integers([], [2], .i32), integers([], [16], .i32), integers([], [8192], .i32), floats([], [0]),
        floats([], [4096]),
    ]
    // the edges fall on the bins 0, 0, 2 and 4
    let weights = try evaluate("MelWeightMatrix", numbers, known: [0, 1, 2, 3, 4])[0]
    #expect(weights.type == TensorType(.f32, [9, 2]))
    let columns = (0..<2).map { band in
        weights.literals.enumerated().filter { $0.offset % 2 == band }.map(\.element.float)
    }
    #expect(columns == [[1, 0.5, 0, 0, 0, 0, 0, 0, 0], [0, 0.5, 1, 0.5, 0, 0, 0, 0, 0]])
}
