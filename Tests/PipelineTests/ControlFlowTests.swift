// Programs of graphs whose course depends on data: loops, branches and externs, nested, on one lane and on several,
// against the interpreter of graphs. Every graph here keeps its control flow: no trip count or condition is known.

import DeviceModel
import Rammer
import TensorIR
import Testing

@testable import Pipeline

private let device = sketchDevice(.avx2, l2: 1 << 20)

/// What the program of `text` gives on `lanes` lanes beside what the graph means.
private func outputs(
    _ text: String, _ inputs: [TensorValue], lanes: Int = 1
) throws -> (found: [TensorValue], expected: [TensorValue]) {
    let graph = try Graph(parsing: text)
    try graph.verify()
    let model = Model(graph: graph, inputs: inputs)
    let assembly = try assemble(graph, model.constants, device, MeasurementTable(), PlanLimits(), lanes: lanes)
    return (try model.run(assembly), try model.expected())
}

private func scalar(_ value: Int64) -> TensorValue { TensorValue(TensorType(.i64, []), integers: [value]) }
private func flag(_ value: Bool) -> TensorValue { TensorValue(TensorType(.bool, []), integers: [value ? 1 : 0]) }
private func vector(_ values: [Double]) -> TensorValue { TensorValue(TensorType(.f32, [values.count]), floats: values) }

@Suite struct ControlFlowTests {
    /// Two carried values change places in each round; the counter counts.
    private let swapping = """
        graph(%0: i64[] "n", %1: f32[3] "a", %2: f32[3] "b") {
          %3: f32[3], %4: f32[3] = loop trip %0 carry(%1, %2) capture() do(%5: i64[], %6: f32[3], %7: f32[3]) {
            %8: bool[] = const [true]
            %9: f32[i0:3] = %6[i0] + f32(%5[])
          } -> (%8, %7, %9)
        } -> (%3 "x", %4 "y")
        """

    @Test func loopsRunAsOftenAsTheirInputSays() throws {
        for trips in [Int64(0), 1, 2, 5] {
            for lanes in [1, 2] {
                let run = try outputs(
                    swapping, [scalar(trips), vector([1, 2, 3]), vector([10, 20, 30])], lanes: lanes)
                #expect(distance(run.found, run.expected) == 0, "\(trips) trips, \(lanes) lanes")
            }
        }
        let two = try outputs(swapping, [scalar(2), vector([1, 2, 3]), vector([10, 20, 30])])
        #expect(two.found[0].floats == [1, 2, 3] && two.found[1].floats == [11, 21, 31])
    }

    @Test func conditionsEndLoops() throws {
        let doubling = """
            graph(%0: f32[1] "x", %1: bool[] "starts") {
              %2: f32[1] = loop while %1 carry(%0) capture() do(%3: i64[], %4: f32[1]) {
                %5: f32[i0:1] = %4[i0] * 2.0
                %6: bool[] = %5[0] < 100.0
              } -> (%6, %5)
            } -> (%2 "y")
            """
        let run = try outputs(doubling, [vector([3]), flag(true)])
        #expect(run.found[0].floats == [192] && distance(run.found, run.expected) == 0)
        let never = try outputs(doubling, [vector([3]), flag(false)])
        #expect(never.found[0].floats == [3])
    }

    @Test func branchesTakeOneSide() throws {
        let text = """
            graph(%0: f32[2] "x", %1: bool[] "c") {
              %2: f32[2] = branch %1 capture(%0) {
                then {
                  %3: f32[i0:2] = %0[i0] * 3.0
                } -> (%3)
                else {
                } -> (%0)
              }
              %4: f32[i0:2] = %2[i0] + 1.0
            } -> (%4 "y")
            """
        #expect(try outputs(text, [vector([1, 2]), flag(true)]).found[0].floats == [4, 7])
        #expect(try outputs(text, [vector([1, 2]), flag(false)], lanes: 2).found[0].floats == [2, 3])
    }

    /// A loop in a loop around a branch and an extern, reading what lies outside of all of them.
    @Test func nestsComputeWhatTheyMean() throws {
        let text = """
            graph(%0: i64[] "n", %1: f32[1,4,1] "x", %2: f32[4] "w") {
              %3: f32[i0:4] = %2[i0] + 0.5
              %4: f32[1,4,1] = loop trip %0 carry(%1) capture(%0, %3) do(%5: i64[], %6: f32[1,4,1]) {
                %7: bool[] = const [true]
                %8: i64[1,4] = extern "order"["descending=1"](%6)
                %9: f32[i0:1,i1:4,i2:1] = %6[0, %8[0,i1], 0] + %3[i1]
                %10: f32[1,4,1] = loop trip %0 carry(%9) capture(%5) do(%11: i64[], %12: f32[1,4,1]) {
                  %13: bool[] = const [true]
                  %14: bool[] = %5[] < %11[]
                  %15: f32[1,4,1] = branch %14 capture(%12) {
                    then {
                      %16: f32[i0:1,i1:4,i2:1] = %12[i0,i1,i2] * 0.5
                    } -> (%16)
                    else {
                      %17: f32[i0:1,i1:4,i2:1] = 2.0 - %12[i0,i1,i2]
                    } -> (%17)
                  }
                } -> (%13, %15)
              } -> (%7, %10)
              %18: f32[i0:4] = %4[0,i0,0] * %2[i0]
            } -> (%18 "y")
            """
        let inputs = [
            scalar(3), TensorValue(TensorType(.f32, [1, 4, 1]), floats: [3, -1, 7, 2]), vector([1, 2, -1, 4]),
        ]
        for lanes in [1, 2] {
            let run = try outputs(text, inputs, lanes: lanes)
            #expect(distance(run.found, run.expected) < 1e-6)
        }
    }
}
