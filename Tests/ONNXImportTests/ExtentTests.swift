// Axes whose length the data decide: which outputs are bounded by what, what rules make of them, and what is refused.
// In: models made here.  Out: graphs, interpreted at their greatest lengths, and sentences.
// Values against ONNX Runtime are Tests/EndToEnd/extents.sh.

import TensorIR
import Testing

@testable import ONNXImport

/// `x: f32[4]` and the places of its elements that are not 0, as `at`.
private func places(_ build: (inout ModelMaker) -> Void) -> ModelMaker {
    var maker = ModelMaker()
    maker.input("x", .f32, ["4"])
    maker.node("NonZero", ["x"], ["at"])
    build(&maker)
    return maker
}

private let x = floats([4], [0, 3, 0, -1])

/// Every output cut to what counts of it.
private func cut(_ maker: ModelMaker, _ inputs: [TensorValue] = [x]) throws -> [[Double]] {
    let graph = try importModel(try maker.file()).graph
    try graph.verify()
    let all = try run(maker, inputs)
    let counts = Set(graph.extents.map(\.count))
    return all.indices.filter { !counts.contains($0) }.map { n in
        let shape = all[n].type.shape
        let extents = graph.extents.filter { $0.result == n }
        return all[n].literals.enumerated().filter { at, _ in
            extents.allSatisfy { extent in
                let below = shape[(extent.axis + 1)...].reduce(1, *)
                return at / below % shape[extent.axis] < Int(all[extent.count].literals[0].integer)
            }
        }.map { all[n].type.dtype.isFloat ? $1.float : Double($1.integer) }
    }
}

@Test func anOutputNamesItsLength() throws {
    let maker = places { $0.output("at") }
    let graph = try importModel(try maker.file()).graph
    #expect(graph.outputNames == ["at", "at_extent_1"])
    #expect(graph.extents == [ResultExtent(result: 0, axis: 1, count: 1)])
    #expect(graph.type(graph.body.results[0]) == TensorType(.i64, [1, 4]))
    #expect(try cut(maker) == [[1, 3]])
    #expect(try cut(maker, [floats([4], [0, 0, 0, 0])]) == [[]])
}

@Test func knownValuesHaveKnownLengths() throws {
    var maker = ModelMaker()
    maker.initializer("x", x)
    maker.node("NonZero", ["x"], ["at"])
    maker.output("at")
    let graph = try importModel(try maker.file()).graph
    #expect(graph.extents.isEmpty && graph.type(graph.body.results[0]).shape == [1, 2])
}

@Test func lengthsGoFromNodeToNode() throws {
    let maker = places { maker in
        maker.initializer("row", vector(0))
        maker.initializer("two", vector(2))
        maker.initializer("end", vector(Int64.max))
        maker.node("Transpose", ["at"], ["tuples"])
        maker.node("Squeeze", ["tuples", "last"], ["flat"])
        maker.initializer("last", vector(1))
        maker.node("Gather", ["x", "flat"], ["picked"])
        maker.node("ReduceSum", ["picked", "row"], ["sum"], [attribute("keepdims", Int64(0))])
        maker.node("Concat", ["flat", "two", "flat"], ["joined"], [attribute("axis", Int64(0))])
        maker.node("Slice", ["joined", "two", "end", "row"], ["tail"])
        maker.node("Shape", ["joined"], ["length"])
        for name in ["picked", "sum", "joined", "tail", "length"] { maker.output(name) }
    }
    #expect(try cut(maker) == [[3, -1], [2], [1, 3, 2, 1, 3], [2, 1, 3], [5]])
}

@Test func whatDoesNotCountMeetsNothing() throws {
    // the elements behind the length are 0 and would win, or add exp(0)
    let maker = places { maker in
        maker.initializer("axes", vector(1))
        maker.initializer("minus", floats([], [-5]))
        maker.node("Cast", ["at"], ["numbers"], [attribute("to", Int64(1))])
        maker.node("Mul", ["numbers", "minus"], ["negative"])
        maker.node("ReduceMax", ["negative", "axes"], ["greatest"])
        maker.node("ReduceProd", ["negative", "axes"], ["product"])
        maker.node("Softmax", ["negative"], ["soft"], [attribute("axis", Int64(1))])
        maker.node("ReduceSum", ["soft", "axes"], ["one"])
        for name in ["greatest", "product", "one"] { maker.output(name) }
    }
    let found = try cut(maker)
    #expect(found[0] == [-5] && found[1] == [75] && abs(found[2][0] - 1) < 1e-6)
}

@Test func operatorsWithoutARuleRefuse() throws {
    let unknown = places { maker in
        maker.node("Trilu", ["at"], ["y"], name: "n")
        maker.output("y")
    }
    #expect(
        sentence { _ = try importModel(try unknown.file()) }
            == "Trilu node \"n\" of m.onnx uses its input 0, whose size is known only when the model runs, "
            + "which is not supported")
    let backwards = places { maker in
        maker.initializer("first", vector(-1))
        maker.initializer("end", vector(Int64.max))
        maker.initializer("axis", vector(1))
        maker.node("Slice", ["at", "first", "end", "axis"], ["y"], name: "n")
        maker.output("y")
    }
    #expect(
        sentence { _ = try importModel(try backwards.file()) }.contains("count from the end of an axis whose length"))
    let shaped = places { maker in
        maker.node("Shape", ["at"], ["shape"])
        maker.node("ConstantOfShape", ["shape"], ["y"], name: "n")
        maker.output("y")
    }
    #expect(sentence { _ = try importModel(try shaped.file()) }.contains("at compile time"))
}

@Test func aLoopCarriesWholeTensors() throws {
    let body = graph(["i", "c", "s"], ["c", "t"]) { $0.node("Add", ["s", "s"], ["t"]) }
    let maker = places { maker in
        maker.input("n", .i64, [])
        maker.node("Loop", ["n", "", "at"], ["y"], name: "n", [attribute("body", body)])
        maker.output("y")
    }
    #expect(sentence { _ = try importModel(try maker.file()) }.contains("whose size is known only when the model runs"))
}
