// Graphs as a whole: order, names, operators that are not supported, and types that do not fit. Sentences stand here
// as literal text.
// The last test damages a good model in 500 seeded ways: each is refused in a sentence or gives a valid graph.

import Basics
import TensorIR
import Testing

@testable import ONNXImport

private func fails(_ maker: ModelMaker) -> String { sentence { _ = try importModel(try maker.file()) } }

@Test func unsupportedOperatorsAreListedAtOnce() {
    var maker = ModelMaker(version: 17)
    var other = Ironworks_Onnx_OperatorSetIdProto()
    (other.domain, other.version) = ("com.example", 3)
    maker.model.opsetImport.append(other)
    maker.input("x", .f32, ["2"])
    maker.node("StringSplit", ["x"], ["a"], name: "body")
    maker.node("Relu", ["a"], ["b"])
    maker.node("Gelu", ["b"], ["c"])
    maker.node("Frobnicate", ["c"], ["d"], name: "f\"\u{1b}")
    maker.model.graph.node[3].domain = "com.example"
    maker.output("d")
    #expect(
        fails(maker)
            == "m.onnx uses operators that are not supported: "
            + "StringSplit (domain ai.onnx version 17) at node \"body\"; "
            + "Gelu (domain ai.onnx version 17) at node number 2; "
            + "Frobnicate (domain com.example version 3) at node \"f\\\"\\u{1b}\"")
    // A node that no output needs is no obstacle.
    maker.model.graph.output[0].name = "x"
    #expect(fails(maker) == "no error")
}

@Test func cyclesAreNamed() {
    var maker = ModelMaker()
    maker.input("x", .f32, ["2"])
    maker.node("Add", ["x", "c"], ["a"], name: "first")
    maker.node("Relu", ["a"], ["c"], name: "second")
    maker.node("Relu", ["c"], ["y"], name: "third")
    maker.output("y")
    #expect(
        fails(maker)
            == "m.onnx has a cycle through Add node \"first\", Relu node \"second\"; "
            + "a graph must have none, export it again")
}

@Test func nodesInAnyOrderAreSorted() throws {
    var maker = ModelMaker()
    maker.input("x", .f32, ["2"])
    maker.node("Neg", ["a"], ["y"])
    maker.node("Relu", ["x"], ["a"])
    maker.output("y")
    let imported = try importModel(try maker.file())
    let result = try interpret(imported.graph, inputs: [floats([2], [-1, 2])], constants: imported.constants)
    #expect(result == [floats([2], [0, -2])])
}

@Test func namesThatDoNotMeetAreNamed() {
    var maker = ModelMaker()
    maker.input("x", .f32, ["2"])
    maker.node("Add", ["x", "ghost"], ["y"], name: "n")
    maker.output("y")
    #expect(
        fails(maker)
            == "Add node \"n\" of m.onnx reads \"ghost\", which nothing in the model defines; export it again")
    maker.model.graph.node[0].input[1] = "x"
    maker.output("z")
    #expect(fails(maker) == "output \"z\" of m.onnx is defined by nothing in the model; export it again")
    maker.model.graph.output = []
    #expect(fails(maker) == "m.onnx has no output; export it again")
    maker.output("y")
    maker.node("Relu", ["x"], ["y"])
    #expect(fails(maker) == "m.onnx defines \"y\" more than once; export it again")
}

@Test func operatorSetsAreChecked() {
    var maker = ModelMaker(version: 99)
    maker.input("x", .f32, ["2"])
    maker.node("Relu", ["x"], ["y"], name: "n")
    maker.output("y")
    #expect(
        fails(maker)
            == "m.onnx uses version 99 of operator set ai.onnx, and versions 1 to 28 are supported; "
            + "convert the model to one of them")
    maker.model.opsetImport = []
    #expect(fails(maker) == "m.onnx imports no operator set; it is cut short or damaged, export it again")
    maker = ModelMaker()
    maker.input("x", .f32, ["2"])
    maker.node("Relu", ["x"], ["y"], name: "n")
    maker.model.graph.node[0].domain = "com.example"
    maker.output("y")
    #expect(
        fails(maker)
            == "Relu node \"n\" of m.onnx belongs to operator set com.example, which the model does not import; "
            + "export it again")
}

@Test func outputsHaveValuesOfTheirOwn() throws {
    var maker = ModelMaker()
    maker.input("x", .f32, ["2"])
    maker.node("Identity", ["x"], ["a"])
    maker.node("Relu", ["x"], ["b"])
    maker.node("Identity", ["b"], ["c"])
    for name in ["a", "b", "c"] { maker.output(name) }
    let graph = try importModel(try maker.file()).graph
    #expect(graph.outputNames == ["a", "b", "c"])
    #expect(Set(graph.body.results).count == 3)
    #expect(Set(graph.body.results).isDisjoint(with: graph.body.parameters))
}

@Test func shapeArithmeticLeavesNoTrace() throws {
    // reshape(x, concat(shape(x)[0:1], [-1])), as exporters write it
    var maker = ModelMaker()
    maker.input("x", .f32, ["batch", "3", "4"])
    maker.initializer("zero", integers([], [0]))
    maker.initializer("axes", vector(0))
    maker.initializer("rest", vector(-1))
    maker.node("Shape", ["x"], ["s"])
    maker.node("Gather", ["s", "zero"], ["b"])
    maker.node("Unsqueeze", ["b", "axes"], ["v"])
    maker.node("Concat", ["v", "rest"], ["t"], [attribute("axis", Int64(0))])
    maker.node("Reshape", ["x", "t"], ["y"])
    maker.output("y")
    let graph = try importModel(try maker.file(), bindings: Bindings(symbols: ["batch": 2])).graph
    #expect(graph.body.operations.count == 1)
    #expect(graph.type(graph.body.results[0]).shape == [2, 12])
}

@Test func withheldOutputsMatterOnlyWhenRead() {
    var maker = oneNode("MaxPool", version: 12, [counting([1, 2, 2, 2])], outputs: 3)
    maker.model.graph.node[0].attribute.append(attribute("kernel_shape", [1, 1]))
    #expect(fails(maker) == "MaxPool node \"n\" of m.onnx uses its output 2, which is not supported")
    maker.model.graph.output.removeLast()
    #expect(fails(maker) == "no error")
}

@Test func wrongTypesNameNodeAndType() {
    #expect(
        fails(oneNode("Exp", [integers([2], [1, 2])]))
            == "Exp node \"n\" of m.onnx cannot take i64 for its input 0; it takes floats")
    #expect(
        fails(oneNode("Add", [counting([2]), integers([2], [1, 2])]))
            == "Add node \"n\" of m.onnx mixes the types f32 and i64; insert a Cast")
    #expect(
        fails(oneNode("Add", [counting([2]), counting([3])]))
            == "Add node \"n\" of m.onnx does not fit its operands: 2 and 3 do not broadcast")
    #expect(
        fails(oneNode("Softmax", [counting([2])], [attribute("axis", Float(1))]))
            == "Softmax node \"n\" of m.onnx has an attribute axis that is not an integer")
    #expect(fails(oneNode("Add", [counting([2])])) == "Add node \"n\" of m.onnx lacks its input 1")
    #expect(
        fails(oneNode("Expand", [counting([1]), vector(1 << 30, 1 << 30)], known: [1]))
            == "Expand node \"n\" of m.onnx asks for 1073741824x1073741824 elements, "
            + "which is over the limit of 2^40 elements and 16 dimensions")
}

/// A model that touches many families, for damage.
private func rich() throws -> [UInt8] {
    var maker = ModelMaker(version: 13)
    maker.input("x", .f32, ["1", "2", "6", "6"])
    maker.initializer("w", counting([4, 1, 3, 3]))
    maker.initializer("pads", vector(0, 0, 1, 1, 0, 0, 1, 1))
    maker.initializer("shape", vector(2, 2, -1))
    maker.initializer("index", vector(1, -1, 0))
    maker.node("Pad", ["x", "pads"], ["a"], [attribute("mode", "reflect")])
    maker.node(
        "Conv", ["a", "w"], ["b"],
        [attribute("group", Int64(2)), attribute("strides", [2, 2]), attribute("pads", [1, 1, 1, 1])])
    maker.node("MaxPool", ["b"], ["c"], [attribute("kernel_shape", [2, 2]), attribute("ceil_mode", Int64(1))])
    maker.node("Reshape", ["c", "shape"], ["d"])
    maker.node("Gather", ["d", "index"], ["e"], [attribute("axis", Int64(2))])
    maker.node("Softmax", ["e"], ["f"], [attribute("axis", Int64(-1))])
    maker.node("Transpose", ["f"], ["g"], [attribute("perm", [2, 0, 1])])
    maker.node("Split", ["g"], ["h", "i", "j"], [attribute("axis", Int64(0))])
    maker.node("Concat", ["h", "j", "i"], ["y"], [attribute("axis", Int64(1))])
    maker.output("y")
    return try maker.bytes()
}

@Test func damagedModelsAreRefusedOrImported() throws {
    let good = try rich()
    #expect(try importModel(try ModelFile(bytes: good, name: "m.onnx")).graph.body.operations.count > 10)
    var random = SeededRandom(seed: 20)
    var refused = 0
    for round in 0..<500 {
        var bytes = good
        if round % 5 == 0 {
            bytes.removeLast(1 + random.below(bytes.count - 1))
        } else {
            for _ in 0...random.below(3) { bytes[random.below(bytes.count)] ^= UInt8(1 << random.below(8)) }
        }
        do {
            let imported = try importModel(try ModelFile(bytes: bytes, name: "m.onnx"))
            try imported.graph.verify()
        } catch let error as ImportError {
            #expect(!error.sentence.isEmpty)
            refused += 1
        }
    }
    #expect(refused > 100)
    #expect(refused < 500)
}

@Test func reasonsQuoteTextsOnOneLine() {
    let maker = oneNode(
        "Pad", version: 11, [floats([2], [1, 2]), TensorValue(TensorType(.i64, [2]), integers: [1, 1])], known: [1],
        [attribute("mode", "a\u{1b}\n")])
    let sentence = fails(maker)
    #expect(sentence.contains("{1b}"))
    #expect(sentence.unicodeScalars.allSatisfy { $0.value >= 0x20 })
}
