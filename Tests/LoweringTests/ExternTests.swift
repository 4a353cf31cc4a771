// Externs: what they mean on values worked out by hand, and that their kernels compute it on random operands.

import Basics
import KernelIR
import TensorIR
import Testing

@testable import Lowering

private func integers(_ shape: [Int], _ values: [Int64], _ dtype: DType = .i64) -> TensorValue {
    TensorValue(TensorType(dtype, shape), integers: values)
}

private func floats(_ shape: [Int], _ values: [Double]) -> TensorValue {
    TensorValue(TensorType(.f32, shape), floats: values)
}

@Suite struct ExternTests {
    @Test func meanings() {
        let keys = floats([2, 3, 1], [3, 1, 2, 5, .nan, 5])
        #expect(Extern.order(descending: false).interpret([keys])[0].integers == [1, 2, 0, 0, 2, 1])
        #expect(Extern.order(descending: true).interpret([keys])[0].integers == [0, 2, 1, 1, 0, 2])
        let rows = integers([1, 4, 2], [2, 1, 1, 9, 2, 0, 1, 9])
        #expect(Extern.order(descending: false).interpret([rows])[0].integers == [1, 3, 2, 0])
        let found = Extern.positions.interpret([integers([5], [0, 1, 1, 0, 1], .bool)])
        #expect(found[0].integers == [1, 2, 4, 0, 0] && found[1].integers == [3])
        let places = Extern.locate(4).interpret([integers([5], [2, -1, 0, 2, 9])])
        #expect(places[0].integers == [2, -1, 3, -1])
        #expect(Extern.accumulate.interpret([integers([3], [4, -1, 2])])[0].integers == [4, 3, 5])
    }

    /// Three boxes of which the first two overlap by a half; the best one wins.
    @Test func suppressionKeepsTheBestOfOverlappingBoxes() {
        let boxes = floats([1, 3, 4], [0, 0, 1, 1, 0, 0.25, 1, 1.25, 5, 5, 6, 6])
        let scores = floats([1, 1, 3], [0.8, 0.9, 0.3])
        func kept(most: Int64, overlap: Double, least: Double) -> [Int64] {
            let out = Extern.suppress(centered: false, limit: 3).interpret([
                boxes, scores, integers([], [most]), floats([], [overlap]), floats([], [least]),
            ])
            return (0..<Int(out[1].integers[0])).map { out[0].integers[$0 * 3 + 2] }
        }
        #expect(kept(most: 3, overlap: 0.5, least: 0) == [1, 2])
        #expect(kept(most: 3, overlap: 0.7, least: 0) == [1, 0, 2])
        #expect(kept(most: 1, overlap: 0.7, least: 0) == [1])
        #expect(kept(most: 3, overlap: 0.5, least: 0.4) == [1])
        #expect(kept(most: 0, overlap: 0.5, least: 0).isEmpty)
    }

    @Test func unknownNamesAndAttributesAreNoExterns() {
        #expect(Extern(name: "TopK", attributes: []) == nil)
        #expect(Extern(name: "positions", attributes: ["n=1"]) == nil)
        for extern in [
            Extern.order(descending: true), .positions, .locate(7), .accumulate, .suppress(centered: true, limit: 9),
        ] {
            #expect(Extern(name: extern.name, attributes: extern.attributes) == extern)
        }
    }

    @Test func kernelsComputeWhatExternsMean() throws {
        var random = SeededRandom(seed: 11)
        for round in 0..<60 {
            for (extern, operands) in samples(&random) {
                guard let results = extern.results(operands.map(\.type)) else {
                    Issue.record("\(extern.name) does not take its sample")
                    continue
                }
                let constant = operands.indices.map { _ in random.below(2) == 0 }
                let kernel = lower(extern, operands.map(\.type), isConstant: constant)
                try kernel.verify()
                #expect(try Kernel(parsing: kernel.text) == kernel)
                let before = results.map { TensorValue($0, integers: [Int64](repeating: -7, count: $0.elements)) }
                var memory = operands + before
                try kernel.execute(&memory, order: .descending)
                let expected = extern.interpret(operands)
                #expect(Array(memory.suffix(results.count)) == expected, "\(extern) round \(round)")
            }
        }
    }

    private func samples(_ random: inout SeededRandom) -> [(Extern, [TensorValue])] {
        let (lines, count, width) = (1 + random.below(3), 1 + random.below(13), 1 + random.below(3))
        let keys = (0..<lines * count * width).map { _ in random.below(4) }
        let dtype = [DType.f32, .f64, .i64][random.below(3)]
        let type = TensorType(dtype, [lines, count, width])
        let ordered =
            dtype == .i64
            ? TensorValue(type, integers: keys.map { Int64($0) })
            : TensorValue(type, floats: keys.map { $0 == 3 ? .nan : Double($0) })
        let flags = (0..<count).map { _ in Int64(random.below(2)) }
        let numbers = (0..<count).map { _ in Int64(random.below(9) - 2) }
        let boxes = (0..<lines * count * 4).map { _ in Double(random.below(8)) }
        let scores = (0..<lines * width * count).map { _ in Double(random.below(5)) / 4 }
        return [
            (.order(descending: random.below(2) == 0), [ordered]),
            (.positions, [integers([count], flags, .bool)]),
            (.locate(1 + random.below(9)), [integers([count], numbers)]),
            (.accumulate, [integers([count], numbers)]),
            (
                .suppress(centered: random.below(2) == 0, limit: 1 + random.below(count)),
                [
                    floats([lines, count, 4], boxes), floats([lines, width, count], scores),
                    integers([], [Int64(random.below(count + 2))]), floats([], [Double(random.below(4)) / 4]),
                    floats([], [0.25]),
                ]
            ),
        ]
    }
}
