// What placement makes of calls, branches and loops, and what it leaves alone; the results never change.

import Basics
import TensorIR
import Testing

@testable import Grinder

private func scalar(_ value: Int64, _ dtype: DType = .i64) -> TensorValue {
    TensorValue(TensorType(dtype, []), integers: [value])
}

private func floats(_ values: [Double]) -> TensorValue {
    TensorValue(TensorType(.f32, [values.count]), floats: values)
}

/// The placed graph, verified, after checking that it computes the same for all `inputs`.
private func placed(_ text: String, _ inputs: [[TensorValue]]) throws -> Graph {
    let graph = try Graph(parsing: text)
    try graph.verify()
    let out = placeControlFlow(graph)
    try out.verify()
    #expect(try Graph(parsing: out.text) == out)
    #expect(out.inputNames == graph.inputNames && out.outputNames == graph.outputNames)
    for input in inputs {
        let expected = try interpret(graph, inputs: input, constants: .init())
        #expect(try interpret(out, inputs: input, constants: .init()) == expected, "\(text)\n\(out)")
    }
    #expect(placeControlFlow(out) == out)
    return out
}

extension Graph {
    /// Kinds of operations in the body, sorted, each once; nested regions included.
    fileprivate var kinds: [String] {
        var found: Set<String> = []
        func walk(_ region: Region) {
            for operation in region.operations {
                switch operation {
                case .constant: found.insert("constant")
                case .define: found.insert("define")
                case .extern: found.insert("extern")
                case .call: found.insert("call")
                case .loop(let loop):
                    found.insert("loop")
                    walk(loop.body)
                case .branch(let branch):
                    found.insert("branch")
                    walk(branch.then)
                    walk(branch.otherwise)
                }
            }
        }
        walk(body)
        return found.sorted()
    }

    fileprivate var definitions: Int {
        body.operations.reduce(0) { count, operation in
            if case .define = operation { return count + 1 }
            return count
        }
    }
}

private func loop(trips: Int, condition: String = "", goesOn: String = "const [true]") -> String {
    """
    graph(%0: f32[2] "x") {
      %1: i64[] = const [\(trips)]
      %2: bool[] = const [true]
      %3: f32[2] = loop trip %1\(condition) carry(%0) capture() do(%4: i64[], %5: f32[2]) {
        %6: bool[] = \(goesOn)
        %7: f32[i0:2] = %5[i0] * 2.0 + f32(%4[])
      } -> (%6, %7)
    } -> (%3 "y")
    """
}

@Suite struct PlaceControlFlowTests {
    private let inputs = [[floats([1, -3])], [floats([0, 0.5])]]

    @Test func shortLoopsAreUnrolled() throws {
        for trips in [-1, 0, 1, 2, 7, unrolledTripsMax] {
            let out = try placed(loop(trips: trips), inputs)
            #expect(!out.kinds.contains("loop"))
            #expect(out.definitions == max(0, trips), "\(trips) trips")
        }
        #expect(try placed(loop(trips: unrolledTripsMax + 1), inputs).kinds.contains("loop"))
    }

    @Test func aConditionThatAlwaysHoldsIsNone() throws {
        #expect(try placed(loop(trips: 3, condition: " while %2"), inputs).definitions == 3)
        let never = loop(trips: 3, condition: " while %2").replacing("const [true]", with: "const [false]")
        #expect(!(try placed(never, inputs).kinds.contains("loop")))
    }

    @Test func whatTheBodySaysCountsOnlyUnderACondition() throws {
        let stops = "%4[] < 1"
        let ignored = try placed(loop(trips: 3, goesOn: "%4[] < 1"), inputs)
        #expect(!ignored.kinds.contains("loop"))
        let kept = try placed(loop(trips: 3, condition: " while %2", goesOn: stops), inputs)
        #expect(kept.kinds.contains("loop"))
    }

    @Test func aTripCountFromDataStays() throws {
        let out = try placed(
            """
            graph(%0: i64[] "n", %1: f32[2] "x") {
              %2: f32[2] = loop trip %0 carry(%1) capture() do(%3: i64[], %4: f32[2]) {
                %5: bool[] = const [true]
                %6: f32[i0:2] = %4[i0] + 1.0
              } -> (%5, %6)
            } -> (%2 "y")
            """, [0, 1, 2, 9].map { [scalar($0), floats([1, 2])] })
        #expect(out.kinds.contains("loop"))
    }

    @Test func aKnownBranchIsTheSideItTakes() throws {
        for (value, definitions) in [("true", 1), ("false", 0)] {
            let out = try placed(
                """
                graph(%0: f32[2] "x") {
                  %1: bool[] = const [\(value)]
                  %2: f32[2] = branch %1 capture(%0) {
                    then {
                      %3: f32[i0:2] = exp(%0[i0])
                    } -> (%3)
                    else {
                    } -> (%0)
                  }
                } -> (%2 "y")
                """, inputs)
            #expect(out.kinds.contains("branch") == false)
            #expect(out.definitions == definitions)
        }
    }

    @Test func aBranchOnDataStaysAndItsSidesArePlaced() throws {
        let out = try placed(
            """
            graph(%0: bool[] "c", %1: f32[2] "x") {
              function @0(%2: f32[2]) {
                %3: f32[i0:2] = %2[i0] * %2[i0]
              } -> (%3)
              %4: f32[2] = branch %0 capture(%1) {
                then {
                  %5: f32[2] = call @0(%1)
                  %6: f32[2] = call @0(%5)
                } -> (%6)
                else {
                } -> (%1)
              }
            } -> (%4 "y")
            """, [[scalar(0, .bool), floats([2, 3])], [scalar(1, .bool), floats([2, 3])]])
        #expect(out.kinds == ["branch", "define"])
        #expect(out.functions.isEmpty)
    }

    @Test func callsAreInlinedThroughSeveralFunctions() throws {
        let out = try placed(
            """
            graph(%0: f32[2] "x") {
              function @0(%1: f32[2], %2: f32[2]) {
                %3: f32[i0:2] = %1[i0] - %2[i0]
              } -> (%3, %1)
              function @1(%4: f32[2]) {
                %5: f32[i0:2] = exp(%4[i0])
                %6: f32[2], %7: f32[2] = call @0(%5, %4)
                %8: f32[2], %9: f32[2] = call @0(%6, %7)
              } -> (%8)
              %10: f32[2] = call @1(%0)
              %11: f32[2] = call @1(%10)
            } -> (%11 "y", %0 "same")
            """, inputs)
        #expect(out.kinds == ["define"])
        #expect(out.definitions == 6 && out.functions.isEmpty)
    }

    private let fibonacci = """
        graph(%0: i64[] "n") {
          function @0(%1: i64[]) {
            %2: bool[] = %1[] < 2
            %3: i64[] = branch %2 capture(%1) {
              then {
              } -> (%1)
              else {
                %4: i64[] = %1[] - 1
                %5: i64[] = %1[] - 2
                %6: i64[] = call @0(%4)
                %7: i64[] = call @0(%5)
                %8: i64[] = %6[] + %7[]
              } -> (%8)
            }
          } -> (%3)
          function @1(%9: i64[]) {
            %10: i64[] = call @0(%9)
            %11: i64[] = %10[] * 10
          } -> (%11)
          %12: i64[] = call @1(%0)
        } -> (%12 "fib")
        """

    @Test func recursionStaysAndItsCallersAreInlined() throws {
        let out = try placed(fibonacci, (0...8).map { [scalar($0)] })
        #expect(out.kinds == ["call", "define"])
        #expect(out.definitions == 1)
    }

    @Test func nestedLoopsWithCapturesUnrollFromOutside() throws {
        func text(_ outer: Int, _ inner: Int) -> String {
            """
            graph(%0: f32[2] "x", %1: f32[2] "w") {
              %2: i64[] = const [\(outer)]
              %3: i64[] = const [\(inner)]
              %4: f32[2] = loop trip %2 carry(%0) capture(%1, %3) do(%5: i64[], %6: f32[2]) {
                %7: bool[] = const [true]
                %8: f32[2], %9: f32[2] = loop trip %3 carry(%6, %1) capture(%1, %5) \
            do(%10: i64[], %11: f32[2], %12: f32[2]) {
                  %13: bool[] = const [true]
                  %14: f32[i0:2] = %11[i0] + %1[i0] * f32(%10[] + %5[])
                  %15: f32[i0:2] = %12[i0] - %14[i0]
                } -> (%13, %14, %15)
                %16: f32[i0:2] = %8[i0] - %9[i0]
              } -> (%7, %16)
            } -> (%4 "y")
            """
        }
        let inputs = [[floats([1, 2]), floats([0.5, -1])]]
        for (outer, inner) in [(0, 3), (1, 0), (2, 3), (3, 1)] {
            let out = try placed(text(outer, inner), inputs)
            #expect(!out.kinds.contains("loop"))
            #expect(out.definitions == outer * (2 * inner + 1))
        }
        // the outer one is too long: only the inner one goes
        let kept = try placed(text(20, 2), inputs)
        #expect(kept.kinds.contains("loop") && kept.definitions == 0)
        let inside = kept.body.operations.compactMap { operation -> Region? in
            if case .loop(let loop) = operation { return loop.body }
            return nil
        }
        #expect(inside.count == 1)
        #expect(
            inside.flatMap(\.operations).allSatisfy { operation in
                if case .loop = operation { return false }
                return true
            })
    }

    @Test func aBranchInALoopOnItsCounterIsDecidedByUnrolling() throws {
        let out = try placed(
            """
            graph(%0: f32[2] "x") {
              %1: i64[] = const [3]
              %2: f32[2] = loop trip %1 carry(%0) capture() do(%3: i64[], %4: f32[2]) {
                %5: bool[] = const [true]
                %6: bool[] = %3[] == 1
                %7: f32[2] = branch %6 capture(%4) {
                  then {
                    %8: f32[i0:2] = exp(%4[i0])
                  } -> (%8)
                  else {
                    %9: f32[i0:2] = %4[i0] * 0.5
                  } -> (%9)
                }
              } -> (%5, %7)
            } -> (%2 "y")
            """, inputs)
        #expect(out.kinds == ["constant", "define"])
        #expect(out.definitions == 3)
    }

    @Test func externsAndStraightLinesStay() throws {
        let text = """
            graph(%0: f32[2] "x") {
              %1: f32[i0:2] = %0[i0] + 1.0
              %2: f32[2] = extern "TopK"["k=1"](%1)
            } -> (%2 "y")

            """
        let graph = try Graph(parsing: text)
        #expect(placeControlFlow(graph) == graph)
    }
}
