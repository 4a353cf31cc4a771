// When a kernel counts as right: the tolerance that single precision costs, exact results bit for bit, NaN and
// infinities in the same places, integers exactly.

import TensorIR
import Testing

@testable import Trials

@Suite struct CompareTests {
    private func floats(_ values: [Double]) -> TensorValue {
        TensorValue(TensorType(.f32, [values.count]), floats: values)
    }
    private func integers(_ values: [Int64]) -> TensorValue {
        TensorValue(TensorType(.i64, [values.count]), integers: values)
    }

    private func judge(_ kernel: [Double], _ reference: [Double], naive: [Double]? = nil) -> Agreement {
        compare(kernel: [floats(kernel)], reference: [floats(reference)], naive: [floats(naive ?? reference)])
    }

    @Test func equalResultsAreRight() {
        #expect(
            judge([1, -2, 0.5], [1, -2, 0.5]) == Agreement(right: true, maxError: 0, tolerance: 0, disagreement: nil))
        #expect(judge([0.0], [-0.0]).right, "zeros of both signs are equal")
    }

    @Test func whatIsExactMustBeExact() {
        let next = Double(Float(1).nextUp)
        let agreement = judge([1, next], [1, 1])
        #expect(!agreement.right)
        #expect(agreement.tolerance == 0)
        #expect(agreement.maxError == next - 1)
        #expect(agreement.disagreement == "result 0 element 1: 1.0000001192092896 instead of 1.0, tolerance 0.0")
    }

    @Test func roundingThatNaiveCodePaysTooIsAllowed() {
        // naive is off by 2^-20 on one element of scale 4: 16 · 2^-20 + 32 · 2^-23 · 4
        let reference = [4.0, 1.0], naive = [4.0, 1.0 + 0x1p-20]
        let tolerance = 16 * 0x1p-20 + 32 * 0x1p-23 * 4.0
        #expect(judge([4, 1 + tolerance], reference, naive: naive).right)
        #expect(judge([4 - tolerance, 1], reference, naive: naive).right)
        let over = judge([4, 1 + tolerance * 1.01], reference, naive: naive)
        #expect(!over.right)
        #expect(over.tolerance == tolerance)
        #expect(abs(over.maxError - tolerance * 1.01) < 1e-12)
    }

    @Test func aReferenceThatNoFloatHoldsIsNeverExact() {
        // a third is rounded by any f32 kernel, even where naive code and double agree
        let third = 1.0 / 3
        #expect(judge([Double(Float(third))], [third], naive: [third]).right)
        #expect(judge([third], [third]).tolerance == 32 * 0x1p-23 * third)
        #expect(!judge([0.3334], [third]).right)
    }

    @Test func nanStandsWhereItStood() {
        #expect(judge([.nan, 1], [.nan, 1]).right)
        #expect(!judge([.nan, 1], [1, 1]).right)
        #expect(!judge([1, 1], [.nan, 1]).right)
        #expect(!judge([1, .nan], [.nan, 1]).right)
        #expect(judge([.nan, 1], [2, 1]).disagreement == "result 0 element 0: nan instead of 2.0, tolerance 0.0")
    }

    @Test func infinitiesKeepTheirSign() {
        #expect(judge([.infinity, -.infinity], [.infinity, -.infinity]).right)
        #expect(!judge([-.infinity, 1], [.infinity, 1]).right)
        #expect(!judge([.infinity, 1], [3, 1]).right)
        #expect(!judge([3, 1], [.infinity, 1]).right)
    }

    @Test func overflowOfSinglePrecisionIsRightWhereNaiveCodeOverflowsToo() {
        #expect(judge([.infinity], [1e39], naive: [.infinity]).right)
        #expect(!judge([.infinity], [1e39], naive: [3e38]).right)
        #expect(!judge([-.infinity], [1e39], naive: [.infinity]).right)
        #expect(judge([.nan], [1e39], naive: [.nan]).right)
        #expect(!judge([.nan], [1e39], naive: [.infinity]).right)
    }

    @Test func outliersThatAreNotFiniteDoNotWidenTheTolerance() {
        let agreement = judge([.infinity, 1.5], [.infinity, 1], naive: [.infinity, 1])
        #expect(!agreement.right)
        #expect(agreement.tolerance == 0)
        #expect(agreement.maxError == 0.5)
    }

    @Test func integersAreExact() {
        let right = compare(
            kernel: [integers([1, .max])], reference: [integers([1, .max])], naive: [integers([1, 0])])
        #expect(right == Agreement(right: true, maxError: 0, tolerance: 0, disagreement: nil))
        let wrong = compare(
            kernel: [integers([1, 3, 9])], reference: [integers([1, 4, 8])], naive: [integers([1, 4, 8])])
        #expect(
            wrong
                == Agreement(
                    right: false, maxError: 1, tolerance: 0, disagreement: "result 0 element 1: 3 instead of 4"))
    }

    @Test func integersFromFloatsMayBeWhatTheNaiveCodeHas() {
        func judge(_ kernel: [Int64], naive: [Int64], _ dtype: DType) -> Bool {
            func value(_ v: [Int64]) -> TensorValue { TensorValue(TensorType(dtype, [v.count]), integers: v) }
            return compare(kernel: [value(kernel)], reference: [value([7, 8])], naive: [value(naive)]).right
        }
        #expect(judge([7, 9], naive: [7, 9], .i64))
        #expect(!judge([6, 9], naive: [7, 9], .i64))
        #expect(judge([6, 9], naive: [7, 9], .u8))
        #expect(!judge([5, 9], naive: [7, 9], .u8))
        #expect(!judge([6, 8], naive: [7, 8], .u8))
    }

    @Test func severalResultsAreAllJudged() {
        let third = floats([1.0 / 3])
        let agreement = compare(
            kernel: [third, integers([5]), floats([9])], reference: [third, integers([6]), floats([2])],
            naive: [third, integers([6]), floats([2])])
        #expect(!agreement.right)
        #expect(agreement.disagreement == "result 1 element 0: 5 instead of 6")
        #expect(agreement.maxError == 7)
        #expect(agreement.tolerance == 32 * 0x1p-23 / 3)
    }
}
