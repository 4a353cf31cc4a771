// Inputs of a trial: repeatable, of both signs, exact where they say so, and indexes inside what they index.

import Basics
import TensorIR
import Testing

@testable import Trials

@Suite struct TrialInputTests {
    private let matrices = Workload(
        parameters: [
            .init(type: TensorType(.f32, [20, 30]), isConstant: false),
            .init(type: TensorType(.f32, [600]), isConstant: true),
        ],
        definitions: [
            Definition(
                type: TensorType(.f32, [20, 30]),
                body: .map(.read(slot: 0, [.axis(0), .axis(1)]) + .read(slot: 1, [.axis(1)])))
        ], results: [2])

    /// Rows of a table of `extent` rows, chosen by integers through `index`.
    private func gather(_ extent: Int, _ index: Expr, dtype: DType = .i64) -> Workload {
        Workload(
            parameters: [
                .init(type: TensorType(.f32, [extent, 3]), isConstant: true),
                .init(type: TensorType(dtype, [200]), isConstant: false),
            ],
            definitions: [
                Definition(type: TensorType(.f32, [200, 3]), body: .map(.read(slot: 0, [index, .axis(1)])))
            ], results: [2])
    }

    private func floats(_ value: TensorValue) -> [Double] {
        if case .floats(let values) = value.elements { return values }
        return []
    }
    private func integers(_ value: TensorValue) -> [Int64] {
        if case .integers(let values) = value.elements { return values }
        return []
    }

    @Test(arguments: InputClass.allCases)
    func equalSeedsGiveEqualInputs(_ inputClass: InputClass) {
        let inputs = trialInputs(matrices, inputClass, seed: 7)
        #expect(inputs == trialInputs(matrices, inputClass, seed: 7))
        #expect(inputs != trialInputs(matrices, inputClass, seed: 8))
        #expect(inputs.map(\.type) == matrices.parameters.map(\.type))
        #expect(floats(inputs[0]) != floats(inputs[1]), "operands differ from each other")
        // digests give seeds of any size
        #expect(trialInputs(matrices, inputClass, seed: .max) != inputs)
    }

    @Test func uniformFloatsHaveBothSignsAndFitSinglePrecision() {
        for value in trialInputs(matrices, .uniform, seed: 3) {
            let all = floats(value)
            #expect(all.allSatisfy { (-1...1).contains($0) && Double(Float($0)) == $0 })
            #expect(all.contains { $0 < -0.5 } && all.contains { $0 > 0.5 })
            #expect(Set(all).count > all.count / 2)
        }
    }

    @Test func integerFloatsAreSmall() {
        for value in trialInputs(matrices, .integers, seed: 3) {
            #expect(Set(floats(value)) == Set((-4...4).map(Double.init)))
        }
    }

    @Test(arguments: InputClass.allCases)
    func indexesStayInsideWhatTheyIndex(_ inputClass: InputClass) {
        let index = Expr.read(slot: 1, [.axis(0)])
        for extent in [1, 2, 11] {
            let values = integers(trialInputs(gather(extent, index), inputClass, seed: 1)[1])
            #expect(Set(values) == Set((0..<extent).map(Int64.init)))
        }
        let wide = integers(trialInputs(gather(100_000, index, dtype: .i32), inputClass, seed: 1)[1])
        #expect(wide.allSatisfy { (0..<100_000).contains($0) } && wide.contains { $0 > 50_000 })
    }

    @Test func theNarrowestTensorDecides() {
        var workload = gather(50, .read(slot: 1, [.axis(0)]))
        workload.parameters.append(.init(type: TensorType(.f32, [4]), isConstant: true))
        // t3 reads the table of 50 rows, then the one of 4 by the same index
        workload.definitions = [
            Definition(
                type: TensorType(.f32, [200, 3]),
                body: .map(
                    .read(slot: 0, [.read(slot: 1, [.axis(0)]), .axis(1)])
                        + .read(slot: 2, [.read(slot: 1, [.axis(0)])])))
        ]
        workload.results = [3]
        let values = integers(trialInputs(workload, .uniform, seed: 1)[1])
        #expect(Set(values) == [0, 1, 2, 3])
    }

    @Test func integersThatIndexNothingAreSmall() {
        let sum = Workload(
            parameters: [
                .init(type: TensorType(.i64, [500]), isConstant: false),
                .init(type: TensorType(.bool, [500]), isConstant: false),
            ],
            definitions: [
                Definition(
                    type: TensorType(.i64, [500]),
                    body: .map(
                        .select(.read(slot: 1, [.axis(0)]), .read(slot: 0, [.axis(0)]), .integer(0))))
            ], results: [2])
        let inputs = trialInputs(sum, .uniform, seed: 4)
        #expect(Set(integers(inputs[0])) == [0, 1, 2, 3, 4])
        #expect(Set(integers(inputs[1])) == [0, 1])
    }
}
