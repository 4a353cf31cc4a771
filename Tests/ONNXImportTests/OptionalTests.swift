// Optional values and maps over sequences, which leave nothing behind: models made here, imported and interpreted.
// Places to insert at count from either end.

import TensorIR
import Testing

@testable import ONNXImport

@Test func whetherThereIsAnElementIsKnown() throws {
    for holds in [true, false] {
        var maker = ModelMaker(version: 18)
        maker.input("x", .f32, ["2"])
        maker.node("Optional", holds ? ["x"] : [], ["o"])
        maker.node("OptionalHasElement", ["o"], ["has"])
        let then = graph([], ["a"]) {
            $0.node("OptionalGetElement", ["o"], ["held"])
            $0.node("Add", ["held", "held"], ["a"])
        }
        let otherwise = graph([], ["b"]) { $0.node("Neg", ["x"], ["b"]) }
        maker.node("If", ["has"], ["y"], [attribute("then_branch", then), attribute("else_branch", otherwise)])
        maker.output("y")
        maker.output("has")
        let found = try run(maker, [floats([2], [1, -3])])
        #expect(found == [floats([2], holds ? [2, -6] : [-1, 3]), truth(holds)])
    }
}

@Test func aTensorIsAnOptionalValueToo() throws {
    let x = floats([2], [1, -3])
    #expect(try evaluate("OptionalGetElement", version: 18, [x])[0] == x)
    #expect(try evaluate("OptionalHasElement", version: 18, [x])[0] == truth(true))
    #expect(try evaluate("OptionalHasElement", version: 18, [])[0] == truth(false))
    #expect(try evaluate("OptionalHasElement", version: 18, [nil])[0] == truth(false))
}

@Test func nothingCannotBeUsed() throws {
    func refusal(_ name: String) -> String {
        var maker = ModelMaker(version: 18)
        maker.node("Optional", [""], ["o"])
        maker.node(name, ["o"], ["y"], name: "n")
        maker.output("y")
        return sentence { _ = try importModel(try maker.file()) }
    }
    #expect(refusal("OptionalGetElement").contains("an optional value that holds nothing"))
    #expect(refusal("Neg").contains("a sequence as its input 0"))
}

@Test func mapsGoThroughAllPlaces() throws {
    var maker = ModelMaker()
    maker.input("x", .f32, ["2", "2"])
    maker.input("k", .f32, [])
    maker.node("SplitToSequence", ["x"], ["rows"], [attribute("keepdims", Int64(0))])
    let body = graph(["row", "by"], ["sum", "row"]) { $0.node("Add", ["row", "by"], ["sum"]) }
    maker.node("SequenceMap", ["rows", "k"], ["sums", "same"], [attribute("body", body)])
    for (name, result) in [("sums", "y"), ("same", "z")] {
        maker.node(
            "ConcatFromSequence", [name], [result], [attribute("axis", Int64(0)), attribute("new_axis", Int64(1))])
        maker.output(result)
    }
    let found = try run(maker, [counting([2, 2]), floats([], [10])])
    #expect(found == [floats([2, 2], [10, 11, 12, 13]), counting([2, 2])])
    maker.node("SequenceConstruct", ["k"], ["one"])
    maker.node("SequenceMap", ["rows", "one"], ["bad", "worse"], name: "m", [attribute("body", body)])
    maker.node("SequenceLength", ["bad"], ["count"])
    maker.output("count")
    #expect(sentence { _ = try importModel(try maker.file()) }.contains("a sequence of 1 beside one of 2"))
}

@Test func insertionCountsFromEitherEnd() throws {
    func order(_ place: Int64) throws -> [Double] {
        var maker = ModelMaker()
        maker.input("x", .f32, ["2"])
        maker.input("new", .f32, [])
        maker.initializer("place", integers([], [place]))
        maker.node("SplitToSequence", ["x"], ["parts"], [attribute("keepdims", Int64(0))])
        maker.node("SequenceInsert", ["parts", "new", "place"], ["three"], name: "n")
        maker.node(
            "ConcatFromSequence", ["three"], ["y"], [attribute("axis", Int64(0)), attribute("new_axis", Int64(1))])
        maker.output("y")
        return try run(maker, [floats([2], [1, 2]), floats([], [9])])[0].literals.map(\.float)
    }
    #expect(try order(-1) == [1, 9, 2])
    #expect(try order(-2) == [9, 1, 2])
    #expect(try order(0) == [9, 1, 2])
    #expect(try order(2) == [1, 2, 9])
    #expect(sentence { _ = try order(-3) }.contains("place [-3] of 2"))
}
