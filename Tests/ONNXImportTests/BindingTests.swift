// Open dimensions: what binds them, and the sentences when nothing or something wrong does. Sentences stand here as
// literal text.
// A whole value may be bound too; its input then disappears from the graph.

import TensorIR
import Testing

@testable import ONNXImport

private func bindings(_ texts: String...) throws -> Bindings {
    var out = Bindings()
    for text in texts { try out.add(text) }
    return out
}

private func relu(_ inputs: [(name: String, dimensions: [String])], name: String = "cls.onnx") throws -> ModelFile {
    var maker = ModelMaker()
    for (index, input) in inputs.enumerated() {
        maker.input(input.name, .f32, input.dimensions)
        maker.node("Relu", [input.name], ["y\(index)"])
        maker.output("y\(index)")
    }
    return try maker.file(name: name)
}

private func shapes(_ file: ModelFile, _ bindings: Bindings) throws -> [[Int]] {
    let graph = try importModel(file, bindings: bindings).graph
    return graph.body.parameters.map { graph.type($0).shape }
}

@Test func unnamedDimensionsAskForAWholeShape() throws {
    let file = try relu([("x", ["-1", "3", "?", "?"])])
    #expect(
        sentence { _ = try importModel(file) }
            == "input x of cls.onnx has unbound dimensions (0: -1, 2: ?, 3: ?): "
            + "bind the shape with --bind x=1x3xHxW or 'bindings:' in the job")
    #expect(try shapes(file, try bindings("x=1x3x48x192")) == [[1, 3, 48, 192]])
}

@Test func symbolsAreBoundByName() throws {
    let file = try relu([("ids", ["batch", "sequence"]), ("mask", ["batch", "sequence"])], name: "m.onnx")
    #expect(
        sentence { _ = try importModel(file) }
            == "inputs of m.onnx have unbound dimensions, ids (0: batch, 1: sequence), "
            + "mask (0: batch, 1: sequence): bind them with --bind batch=N --bind sequence=N "
            + "or 'bindings:' in the job")
    #expect(try shapes(file, try bindings("batch=2", "sequence=128")) == [[2, 128], [2, 128]])
    #expect(try shapes(file, try bindings("ids=2x64")) == [[2, 64], [2, 64]])
    #expect(
        sentence { _ = try importModel(file, bindings: try bindings("batch=2")) }
            == "inputs of m.onnx have unbound dimensions, ids (1: sequence), mask (1: sequence): "
            + "bind them with --bind sequence=N or 'bindings:' in the job")
}

@Test func aVectorIsBoundByOneNumber() throws {
    #expect(try shapes(try relu([("x", ["?"])]), try bindings("x=7")) == [[7]])
}

@Test func bindingsThatDoNotFitAreNamed() throws {
    let file = try relu([("x", ["n", "3"]), ("z", ["n"])])
    func sentenceFor(_ texts: String...) -> String {
        sentence {
            var bound = Bindings()
            for text in texts { try bound.add(text) }
            _ = try importModel(file, bindings: bound)
        }
    }
    #expect(sentenceFor("m=2") == "m is no input and no symbolic dimension of cls.onnx; it has n, x, z")
    #expect(sentenceFor("w=2x2") == "w is no input and no symbolic dimension of cls.onnx; it has n, x, z")
    #expect(
        sentenceFor("x=2x4") == "dimension 1 of input x of cls.onnx is 3 and is bound to 4; correct the binding")
    #expect(
        sentenceFor("x=2x3", "n=5")
            == "dimension 0 of input x of cls.onnx is 5 and is bound to 2; correct the binding")
    #expect(
        sentenceFor("x=2x3x1")
            == "input x of cls.onnx has 2 dimensions and is bound to a shape of 3; correct the binding")
    #expect(
        sentenceFor("n=")
            == "\"n=\" is not a binding; write NAME=N for a symbol or NAME=NxNxN for the shape of an input")
    for text in ["n", "=3", "n=0", "n=-1", "n=3x", "n=99999999999", "n=+3"] {
        #expect(sentenceFor(text).contains("is not a binding"), "\(text)")
    }
}

@Test func aBoundValueTakesItsInputAway() throws {
    let maker = oneNode("Reshape", [counting([2, 3]), vector(3, 2)])
    let file = try maker.file()
    #expect(
        sentence { _ = try importModel(file) }
            == "Reshape node \"n\" of m.onnx needs its input 1 (shape) at compile time, "
            + "and the model computes it at run time")
    let imported = try importModel(file, bindings: Bindings(values: ["x1": vector(3, 2)]))
    #expect(imported.graph.inputNames == ["x0"])
    let wrong = Bindings(values: ["x1": integers([2], [3, 2], .i32)])
    #expect(
        sentence { _ = try importModel(file, bindings: wrong) }
            == "input x1 of m.onnx is i64 and is bound to a value of i32; correct the binding")
}

@Test func inputsOfOtherTypesAreNamed() throws {
    var maker = ModelMaker()
    maker.input("s", .f32, ["1"])
    maker.output("s")
    maker.model.graph.input[0].type.tensorType.elemType = 8
    #expect(
        sentence { _ = try importModel(try maker.file()) }
            == "input s of m.onnx is a tensor of string, and only tensors of numbers are supported")
    maker.model.graph.input[0].type.sequenceType = .init()
    #expect(
        sentence { _ = try importModel(try maker.file()) }
            == "input s of m.onnx is a sequence, and only tensors of numbers are supported")
    maker.model.graph.input[0].type.tensorType.elemType = 1
    maker.model.graph.input[0].type.tensorType.clearShape()
    #expect(
        sentence { _ = try importModel(try maker.file()) }
            == "input s of m.onnx has unbound dimensions (of unknown number): "
            + "bind the shape with --bind s=NxN or 'bindings:' in the job")
}
