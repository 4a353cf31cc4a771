// One graph per rule that breaks it, with the sentence a person reads.

import Basics
import Testing

@testable import TensorIR

private func sentence(_ graph: Graph) -> String {
    do {
        try graph.verify()
        return "verified"
    } catch {
        return error.sentence
    }
}

/// The lines see %0: f32[4], %1: i64[], %2: bool[]; functions stand before them.
private func sentence(_ lines: String, functions: String = "") throws -> String {
    let text = """
        graph(%0: f32[4] "x", %1: i64[] "n", %2: bool[] "go") {
        \(functions)
        \(lines)
        } -> (%0 "y")
        """
    return sentence(try Graph(parsing: text))
}

@Test func constantsAndDefinitionsMustFitTheirValues() throws {
    #expect(
        try sentence("%3: f32[2] = const [1.0]") == "%3: the constant lists 1 values and its type has 2 elements")
    let many = (0..<65).map { "\($0)" }.joined(separator: ", ")
    #expect(
        try sentence("%3: i64[65] = const [\(many)]")
            == "%3: a constant of 65 elements stands in the text; above 64 it is named by its digest")
    #expect(try sentence("%3: u8[1] = const [256]") == "%3: the literal 256 does not fit u8")
    // a tensor may be empty where nothing computes it
    #expect(try sentence("%3: f32[0] = const []") == "verified")
    #expect(
        try sentence("%3: f32[i0:4] = %0[i0] + f32(%1[i0])") == "%3: t1 has 0 axes and is read with 1 indices")
    var graph = try Graph(parsing: "graph(%0: f32[4] \"x\") {\n %1: f32[1] = const [1.0]\n} -> (%1 \"y\")")
    graph.body.operations[0] = .constant(ValueID(1), .inline([.integer(1)]))
    #expect(sentence(graph) == "%1: the constant holds a i64 value and its type is f32")
    graph.body.operations[0] = .define(
        ValueID(1), operands: [], Definition(type: TensorType(.f32, [2]), body: .map(.float(1))))
    #expect(sentence(graph) == "%1: the definition gives f32[2] and the value is f32[1]")
}

@Test func valuesAreDefinedOnceBeforeTheirUse() throws {
    #expect(
        try sentence("%3: i64[] = call @0(%4)\n%4: i64[] = const [1]", functions: "function @0(%5: i64[]) {\n} -> (%5)")
            == "%3: %4 is used and is not defined before or captured here")
    var graph = try Graph(parsing: "graph(%0: f32[1] \"x\") {\n %1: f32[1] = const [1.0]\n} -> (%1 \"y\")")
    let constant = graph.body.operations[0]
    graph.body.operations.append(constant)
    #expect(sentence(graph) == "%1: %1 is defined a second time")
    graph.body.operations = []
    graph.body.results = [ValueID(0)]
    #expect(sentence(graph) == "%1 is in the table of values and nothing defines it")
    graph.body.results = [ValueID(9)]
    #expect(sentence(graph) == "the results: %9 is used and the table has 2 values")
    graph.body.results = []
    graph.outputNames = []
    #expect(sentence(graph) == "the results: there is no result; name at least one")
    graph.inputNames = []
    #expect(sentence(graph) == "the inputs: 0 input names, expected 1")
}

@Test func capturesAreExplicit() throws {
    let loop = """
        %3: f32[4] = loop trip %1 carry(%0) capture(CAPTURES) do(%4: i64[], %5: f32[4]) {
          %6: f32[i0:4] = %5[i0] + %0[i0]
        } -> (%2, %6)
        """
    func with(_ captures: String) throws -> String {
        let parts = loop.split(separator: "CAPTURES", omittingEmptySubsequences: false)
        return try sentence(parts.joined(separator: captures))
    }
    #expect(try with("%0, %2") == "verified")
    #expect(try with("%2") == "%3, the loop body, %6: %0 is used and is not defined before or captured here")
    #expect(
        try with("%0") == "%3, the loop body, the results: %2 is used and is not defined before or captured here")
    #expect(try with("%0, %2, %0") == "%3: %0 is captured twice")
    #expect(
        try sentence("", functions: "function @0() {\n} -> (%0)")
            == "function @0, the results: %0 is used and is not defined before or captured here")
}

@Test func loopSignaturesMatch() throws {
    func loop(_ head: String, _ parameters: String, _ tail: String) throws -> String {
        try sentence("%3: f32[4] = loop \(head) capture(%0, %2) do(\(parameters)) {\n} -> (\(tail))")
    }
    let good = "%4: i64[], %5: f32[4]"
    #expect(try loop("trip %1 while %2 carry(%0)", good, "%2, %5") == "verified")
    #expect(try loop("carry(%0)", good, "%2, %5") == "%3: the loop has neither a trip count nor a condition")
    #expect(try loop("trip %2 carry(%0)", good, "%2, %5") == "%3: trip count 0 is bool[], expected i64[]")
    #expect(try loop("while %1 carry(%0)", good, "%2, %5") == "%3: condition 0 is i64[], expected bool[]")
    #expect(try loop("trip %1 carry()", good, "%2, %5") == "%3: 0 initial values, expected 1")
    #expect(
        try loop("trip %1 carry(%0)", "%4: i64[], %5: f32[3]", "%2, %5")
            == "%3: body parameter 1 is f32[3], expected f32[4]")
    #expect(try loop("trip %1 carry(%0)", good, "%5, %2") == "%3: region result 0 is f32[4], expected bool[]")
    #expect(try loop("trip %1 carry(%0)", good, "%2") == "%3: 1 region result, expected 2")
}

@Test func branchSignaturesMatch() throws {
    func branch(_ condition: String, _ then: String) throws -> String {
        try sentence(
            "%3: f32[4] = branch \(condition) capture(%0, %1) {\n then {\n} -> (\(then))\nelse {\n} -> (%0)\n}")
    }
    #expect(try branch("%2", "%0") == "verified")
    #expect(try branch("%1", "%0") == "%3: condition 0 is i64[], expected bool[]")
    #expect(try branch("%2", "%1") == "%3, the then side: region result 0 is i64[], expected f32[4]")
    #expect(try branch("%2", "") == "%3, the then side: 0 region results, expected 1")
    var graph = try Graph(
        parsing: """
            graph(%0: bool[] "c") {
              none = branch %0 capture() {
                then {
                } -> ()
                else {
                } -> ()
              }
            } -> (%0 "y")
            """)
    guard case .branch(var side) = graph.body.operations[0] else { preconditionFailure("the text holds a branch") }
    side.otherwise.parameters = [ValueID(0)]
    graph.body.operations[0] = .branch(side)
    #expect(sentence(graph) == "operation 0, the else side: 1 region parameter, expected 0")
}

@Test func callsAndExternsAreChecked() throws {
    let function = "function @0(%3: f32[4]) {\n} -> (%3)"
    #expect(try sentence("%4: f32[4] = call @0(%0)", functions: function) == "verified")
    #expect(
        try sentence("%4: f32[4] = call @1(%0)", functions: function) == "%4: @1 is called and there are 1 functions")
    #expect(
        try sentence("%4: f32[4] = call @0(%1)", functions: function)
            == "%4: argument 0 is i64[], expected f32[4]")
    #expect(try sentence("%4: f32[4] = call @0()", functions: function) == "%4: 0 arguments, expected 1")
    #expect(
        try sentence("%4: f32[5] = call @0(%0)", functions: function) == "%4: result 0 is f32[5], expected f32[4]")
    #expect(try sentence("%3: f32[1] = extern \"\"[](%0)") == "%3: an extern operation has no name")
    #expect(
        try sentence("%3: f32[1] = extern \"TopK\"[\"axis\"](%0)")
            == "%3: the attribute \"axis\" is not of the form name=value")
    #expect(
        try sentence("%3: f32[1] = extern \"TopK\"[\"k=1\", \"axis=0\"](%0)")
            == "%3: the attribute \"axis=0\" stands after \"k=1\"; attributes are sorted")
}

@Test func regionsMayNotNestWithoutEnd() {
    var body = Region(parameters: [], operations: [], results: [])
    for _ in 0..<70 {
        let branch = Branch(results: [], condition: ValueID(0), captures: [ValueID(0)], then: body, otherwise: body)
        body = Region(parameters: [], operations: [.branch(branch)], results: [])
    }
    body.parameters = [ValueID(0)]
    body.results = [ValueID(0)]
    let graph = Graph(
        values: [TensorType(.bool, [])], functions: [], body: body, inputNames: ["c"], outputNames: ["y"])
    #expect(sentence(graph).hasSuffix("regions nest deeper than 64"))
}

/// A length names an axis of a result, each once and in order, and a result that is one number.
@Test func extentsNameAnAxisAndACount() throws {
    func graph(_ extents: String) throws -> Graph {
        try Graph(
            parsing: """
                graph(%0: f32[4,2] "x", %1: i64[] "n") {
                  %2: f32[i0:4,i1:2] = -%0[i0,i1]
                  %3: i64[] = %1[] + 1
                } -> (%2 "y"\(extents), %3 "count")

                """)
    }
    func verdict(_ extents: String) throws -> String { sentence(try graph(extents)) }
    try graph("").verify()
    try graph(" extent 0 in 1 extent 1 in 1").verify()
    let problem = { (axis: Int, result: Int) in
        "the results: the extent of axis \(axis) of result \(result) names an axis twice or out of order, "
            + "or no i64[] result"
    }
    #expect(try verdict(" extent 2 in 1") == problem(2, 0))
    #expect(try verdict(" extent 0 in 0") == problem(0, 0))
    #expect(try verdict(" extent 0 in 9") == problem(0, 0))
    #expect(try verdict(" extent 1 in 1 extent 0 in 1") == problem(0, 0))
    #expect(try verdict(" extent 1 in 1 extent 1 in 1") == problem(1, 0))
}
