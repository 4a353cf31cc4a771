// If, Loop, Scan, functions and sequences: models with graphs inside of nodes, imported and interpreted.
// In: models made here.  Out: values computed by hand, and sentences for what cannot be placed.

import TensorIR
import Testing

@testable import ONNXImport

/// y = c ? x + x : -x, both sides captured from outside.
private func branching() -> ModelMaker {
    var maker = ModelMaker()
    maker.input("x", .f32, ["2"])
    let then = graph([], ["a"]) { $0.node("Add", ["x", "x"], ["a"]) }
    let otherwise = graph([], ["b"]) { $0.node("Neg", ["x"], ["b"]) }
    maker.node("If", ["c"], ["y"], name: "n", [attribute("then_branch", then), attribute("else_branch", otherwise)])
    maker.output("y")
    return maker
}

@Test func aKnownConditionLeavesOneSide() throws {
    for value in [true, false] {
        var maker = branching()
        maker.initializer("c", truth(value))
        let imported = try importModel(try maker.file())
        #expect(imported.graph.body.operations.count == 1)
        #expect(try run(maker, [floats([2], [1, -3])])[0] == floats([2], value ? [2, -6] : [-1, 3]))
    }
}

@Test func aConditionOfTheRunSelects() throws {
    var maker = branching()
    maker.input("c", .bool, [])
    for value in [true, false] {
        let y = try run(maker, [floats([2], [1, -3]), truth(value)])[0]
        #expect(y == floats([2], value ? [2, -6] : [-1, 3]))
    }
}

@Test func sidesOfDifferentShapesAreRefused() throws {
    var maker = ModelMaker()
    maker.input("x", .f32, ["2"])
    maker.input("c", .bool, [])
    let then = graph([], ["a"]) { $0.node("Add", ["x", "x"], ["a"]) }
    let otherwise = graph([], ["b"]) { $0.node("Concat", ["x", "x"], ["b"], [attribute("axis", Int64(0))]) }
    maker.node("If", ["c"], ["y"], name: "n", [attribute("then_branch", then), attribute("else_branch", otherwise)])
    maker.output("y")
    #expect(
        sentence { _ = try importModel(try maker.file()) }
            == "If node \"n\" of m.onnx uses results of f32 2 or f32 4 by a condition that is known only when it runs, "
            + "which is not supported")
}

/// Doubles `s` at most `trips` times while it stays below `limit`, and collects it.
private func looping(trips: Int64?, limit: Bool, collects: Bool) -> ModelMaker {
    var maker = ModelMaker()
    maker.input("s", .f32, [])
    if limit { maker.input("limit", .f32, []) }
    if let trips { maker.initializer("M", integers([], [trips])) }
    let body = graph(["i", "going", "v"], collects ? ["more", "w", "w"] : ["more", "w"]) {
        $0.node("Add", ["v", "v"], ["w"])
        if limit { $0.node("Less", ["w", "limit"], ["more"]) } else { $0.node("Identity", ["going"], ["more"]) }
    }
    let results = collects ? ["y", "all"] : ["y"]
    maker.node("Loop", [trips == nil ? "" : "M", "", "s"], results, name: "n", [attribute("body", body)])
    for result in results { maker.output(result) }
    return maker
}

@Test func tripsAreSpelledOutAndCollected() throws {
    let y = try run(looping(trips: 3, limit: false, collects: true), [floats([], [1])])
    #expect(y == [floats([], [8]), floats([3], [2, 4, 8])])
    let none = try run(looping(trips: 0, limit: false, collects: true), [floats([], [5])])
    #expect(none[0] == floats([], [5]))
    #expect(none[1].type == TensorType(.f32, [0]))
}

@Test func aLoopEndsWhereItsConditionSays() throws {
    let maker = looping(trips: 10, limit: true, collects: false)
    // the trip that reaches the limit still counts
    #expect(try run(maker, [floats([], [1]), floats([], [6])])[0] == floats([], [8]))
    #expect(try run(maker, [floats([], [1]), floats([], [1])])[0] == floats([], [2]))
    #expect(try run(maker, [floats([], [1]), floats([], [1e9])])[0] == floats([], [1024]))
}

@Test func aLoopWithoutABoundRunsUntilItsConditionFails() throws {
    let maker = looping(trips: nil, limit: true, collects: false)
    let graph = try importModel(try maker.file()).graph
    try graph.verify()
    #expect(graph.body.operations.contains { if case .loop = $0 { true } else { false } })
    #expect(try run(maker, [floats([], [1]), floats([], [6])])[0] == floats([], [8]))
    #expect(try run(maker, [floats([], [1]), floats([], [1e9])])[0] == floats([], [1_073_741_824]))
}

@Test func collectedResultsNeedAKnownNumberOfTrips() throws {
    let collected = sentence { _ = try importModel(try looping(trips: 3, limit: true, collects: true).file()) }
    #expect(collected.contains("collected results of a loop whose trips are known only when it runs"))
}

@Test func scansGoThroughSlices() throws {
    for reversed in [false, true] {
        var maker = ModelMaker()
        maker.input("s", .f32, ["2"])
        maker.input("x", .f32, ["2", "3"])
        let body = graph(["a", "b"], ["sum", "sum"]) { $0.node("Add", ["a", "b"], ["sum"]) }
        maker.node(
            "Scan", ["s", "x"], ["last", "all"], name: "n",
            [
                attribute("body", body), attribute("num_scan_inputs", Int64(1)), attribute("scan_input_axes", [1]),
                attribute("scan_output_axes", [1]), attribute("scan_input_directions", [reversed ? 1 : 0]),
            ])
        maker.output("last")
        maker.output("all")
        let y = try run(maker, [floats([2], [10, 20]), counting([2, 3])])
        #expect(y[0] == floats([2], [13, 32]))
        #expect(y[1] == floats([2, 3], reversed ? [12, 13, 13, 25, 29, 32] : [10, 11, 13, 23, 27, 32]))
    }
}

@Test func functionsAreInlinedWithTheirAttributes() throws {
    var maker = ModelMaker()
    var set = Ironworks_Onnx_OperatorSetIdProto()
    (set.domain, set.version) = ("own", 1)
    maker.model.opsetImport.append(set)
    var function = Ironworks_Onnx_FunctionProto()
    (function.name, function.domain, function.input, function.output) = ("Steep", "own", ["a"], ["b"])
    function.opsetImport = [maker.model.opsetImport[0]]
    var leaky = Ironworks_Onnx_NodeProto()
    (leaky.opType, leaky.input, leaky.output) = ("LeakyRelu", ["a"], ["b"])
    var alpha = Ironworks_Onnx_AttributeProto()
    (alpha.name, alpha.type, alpha.refAttrName) = ("alpha", .float, "slope")
    leaky.attribute = [alpha]
    function.node = [leaky]
    maker.model.functions = [function]
    maker.input("x", .f32, ["2"])
    maker.node("Steep", ["x"], ["y"], name: "n", [attribute("slope", Float(0.5))])
    maker.model.graph.node[0].domain = "own"
    maker.output("y")
    #expect(try run(maker, [floats([2], [-4, 3])])[0] == floats([2], [-2, 3]))
    // one that calls itself has no end
    maker.model.functions[0].node[0].opType = "Steep"
    maker.model.functions[0].node[0].domain = "own"
    maker.model.functions[0].opsetImport.append(set)
    #expect(sentence { _ = try importModel(try maker.file()) }.contains("a function that calls itself"))
}

@Test func sequencesVanish() throws {
    var maker = ModelMaker()
    maker.input("x", .f32, ["2", "3"])
    maker.initializer("last", integers([], [-1]))
    maker.node("SplitToSequence", ["x"], ["parts"], [attribute("axis", Int64(1)), attribute("keepdims", Int64(0))])
    maker.node("SequenceAt", ["parts", "last"], ["c"])
    maker.node("SequenceErase", ["parts", "last"], ["two"])
    maker.node("SequenceInsert", ["two", "c"], ["three"])
    maker.node("ConcatFromSequence", ["three"], ["y"], [attribute("axis", Int64(0)), attribute("new_axis", Int64(1))])
    maker.output("c")
    maker.output("y")
    let y = try run(maker, [counting([2, 3])])
    #expect(y == [floats([2], [2, 5]), floats([3, 2], [0, 3, 1, 4, 2, 5])])
    maker.output("parts")
    #expect(sentence { _ = try importModel(try maker.file()) }.contains("is a sequence"))
}

/// 3^12 trips are too many, though no loop and no node is large.
@Test func nestedLoopsAreBounded() throws {
    var body = graph(["i", "c"], ["c", "y"]) { $0.node("Add", ["x", "x"], ["y"]) }
    for _ in 0..<11 {
        let inner = body
        body = graph(["i", "c"], ["c", "y"]) {
            $0.node("Loop", ["three", "go"], ["y"], [attribute("body", inner)])
        }
    }
    var maker = ModelMaker()
    maker.input("x", .f32, ["2"])
    maker.initializer("three", integers([], [3]))
    maker.initializer("go", truth(true))
    maker.node("Loop", ["three", "go"], ["y"], name: "n", [attribute("body", body)])
    maker.output("y")
    let found = sentence { _ = try importModel(try maker.file()) }
    #expect(found.contains("tensors once loops and functions are spelled out"))
}
