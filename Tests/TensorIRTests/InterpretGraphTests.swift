// Control flow in the graph interpreter: loops, branches, calls, constants, and what inputs can get wrong.

import Basics
import Testing

@testable import TensorIR

private func scalar(_ value: Int64, _ dtype: DType = .i64) -> TensorValue {
    TensorValue(TensorType(dtype, []), integers: [value])
}

private func verified(_ text: String) throws -> Graph {
    let graph = try Graph(parsing: text)
    try graph.verify()
    return graph
}

private func sentence(_ graph: Graph, _ inputs: [TensorValue], _ constants: ConstantStore = .init()) -> String {
    do {
        return "\(try interpret(graph, inputs: inputs, constants: constants).count) outputs"
    } catch {
        return error.sentence
    }
}

@Test func aLoopSumsItsIterations() throws {
    let graph = try verified(
        """
        graph(%0: i64[] "n") {
          %1: i64[] = const [0]
          %2: i64[] = loop trip %0 carry(%1) capture() do(%3: i64[], %4: i64[]) {
            %5: bool[] = const [true]
            %6: i64[] = %4[] + %3[] + 1
          } -> (%5, %6)
        } -> (%2 "sum")
        """)
    for (trips, sum) in [(-3, 0), (0, 0), (1, 1), (2, 3), (10, 55)] {
        let out = try interpret(graph, inputs: [scalar(Int64(trips))], constants: .init())
        #expect(out == [scalar(Int64(sum))])
    }
}

@Test func aLoopStopsWhenItsConditionFails() throws {
    func graph(_ head: String) throws -> Graph {
        try verified(
            """
            graph(%0: i64[] "n", %1: bool[] "go") {
              %2: i64[] = const [1]
              %3: i64[] = loop \(head) carry(%2) capture(%0) do(%4: i64[], %5: i64[]) {
                %6: i64[] = %5[] * 2
                %7: bool[] = %6[] < %0[]
              } -> (%7, %6)
            } -> (%3 "power")
            """)
    }
    let whileTrue = try graph("while %1")
    #expect(try interpret(whileTrue, inputs: [scalar(100), scalar(1, .bool)], constants: .init()) == [scalar(128)])
    #expect(try interpret(whileTrue, inputs: [scalar(100), scalar(0, .bool)], constants: .init()) == [scalar(1)])
    let both = try graph("trip %0 while %1")
    #expect(try interpret(both, inputs: [scalar(3), scalar(1, .bool)], constants: .init()) == [scalar(4)])
    let tripOnly = try graph("trip %0")
    #expect(try interpret(tripOnly, inputs: [scalar(3), scalar(0, .bool)], constants: .init()) == [scalar(8)])
}

@Test func aBranchTakesOneSide() throws {
    let graph = try verified(
        """
        graph(%0: bool[] "c", %1: f32[2] "x") {
          %2: f32[2] = branch %0 capture(%1) {
            then {
              %3: f32[i0:2] = %1[i0] * 2.0
            } -> (%3)
            else {
            } -> (%1)
          }
        } -> (%2 "y")
        """)
    let x = TensorValue(TensorType(.f32, [2]), floats: [1, 3])
    let doubled = TensorValue(TensorType(.f32, [2]), floats: [2, 6])
    #expect(try interpret(graph, inputs: [scalar(1, .bool), x], constants: .init()) == [doubled])
    #expect(try interpret(graph, inputs: [scalar(0, .bool), x], constants: .init()) == [x])
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
      %9: i64[] = call @0(%0)
    } -> (%9 "fib")
    """

@Test func aFunctionCallsItself() throws {
    let graph = try verified(fibonacci)
    let values = try (0...12).map { try interpret(graph, inputs: [scalar(Int64($0))], constants: .init())[0] }
    #expect(values == [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144].map { scalar($0) })
}

@Test func callsAreLimitedInDepth() throws {
    #expect(sentence(try verified(fibonacci), [scalar(1000)]) == "calls of function @0 nest deeper than 200")
}

@Test func constantsComeFromTheTextAndFromTheStore() throws {
    var store = ConstantStore()
    let big = TensorValue(TensorType(.f32, [100]), floats: (0..<100).map(Double.init))
    let digest = store.add(ConstantBytes(big.bytes))
    let graph = try verified(
        """
        graph(%0: f32[] "x") {
          %1: f32[100] = const data \(digest.hex)
          %2: f32[2] = const [10.0, 20.0]
          %3: f32[i0:2] = %1[99*i0] + %2[i0] + %0[]
        } -> (%3 "y")
        """)
    let half = TensorValue(TensorType(.f32, []), floats: [0.5])
    let expected = TensorValue(TensorType(.f32, [2]), floats: [10.5, 119.5])
    #expect(try interpret(graph, inputs: [half], constants: store) == [expected])
    #expect(
        sentence(graph, [half])
            == "the bytes \(digest.short) of constant %1 are not in the constant store")
    let short = store.add(ConstantBytes([1, 2, 3]))
    let broken = try verified(
        "graph(%0: f32[] \"x\") {\n %1: f32[100] = const data \(short.hex)\n} -> (%1 \"y\")")
    #expect(sentence(broken, [half], store) == "constant %1 needs 400 bytes and its data holds 3")
}

@Test func wrongInputsAndExternsAreErrors() throws {
    let graph = try verified(
        "graph(%0: f32[2] \"x\") {\n %1: f32[1] = extern \"TopK\"[\"k=1\"](%0)\n} -> (%1 \"y\")")
    let input = TensorValue(TensorType(.f32, [2]), floats: [1, 2])
    #expect(sentence(graph, []) == "the graph takes 1 inputs and was given 0")
    #expect(sentence(graph, [scalar(1)]) == "input 0 \"x\" is i64[], the graph takes f32[2]")
    #expect(sentence(graph, [input]) == "%1: the extern operation \"TopK\" has no interpreter")
}

@Test func builtGraphsPrintParseVerifyAndRun() throws {
    var builder = GraphBuilder()
    let x = builder.input(name: "x", type: TensorType(.f32, [2]))
    let two = builder.constant(TensorValue(TensorType(.f32, []), floats: [2]))
    let four = builder.define(
        [two], Definition(type: TensorType(.f32, []), body: .map(.read(slot: 0, []) + .read(slot: 0, []))))
    let y = builder.define(
        [x, four],
        Definition(type: TensorType(.f32, [2]), body: .map(.read(slot: 0, [.axis(0)]) * .read(slot: 1, []))))
    let graph = builder.finish(outputs: [(name: "y", value: y)])
    #expect(
        graph.text == """
            graph(%0: f32[2] "x") {
              %1: f32[] = const [4.0]
              %2: f32[i0:2] = %0[i0] * %1[]
            } -> (%2 "y")

            """)
    #expect(try verified(graph.text) == graph)
    let input = TensorValue(TensorType(.f32, [2]), floats: [1, 2])
    let output = TensorValue(TensorType(.f32, [2]), floats: [4, 8])
    #expect(try interpret(graph, inputs: [input], constants: builder.constants) == [output])
}
