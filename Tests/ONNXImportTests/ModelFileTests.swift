// Files that are no models, damaged models, and weights in other files. Sentences stand here as literal text, because
// they are what a person gets to read.
// Files that are written lie in a folder of their own, which is removed again.

import Glibc
import SwiftProtobuf
import TensorIR
import Testing

@testable import ONNXImport

/// A fresh folder that is removed again.
private func withFolder(_ body: (String) throws -> Void) throws {
    var template = Array("/tmp/ironworks-onnx-XXXXXX".utf8CString)
    let made = template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap { mkdtemp($0) } }
    let folder = String(cString: try #require(made))
    defer {
        for name in ["m.onnx", "w.bin", "link.bin", "pipe.bin", "sub/w.bin"] { unlink(folder + "/" + name) }
        rmdir(folder + "/sub")
        rmdir(folder)
    }
    try body(folder)
}

private func write(_ bytes: [UInt8], _ path: String) throws {
    let file = try #require(fopen(path, "w"))
    defer { fclose(file) }
    #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
}

private func sentence(ofFile bytes: [UInt8]) -> String {
    sentence { _ = try ModelFile(bytes: bytes, name: "m.onnx") }
}

/// y = x + w, where w has 2,000 floats, far above what is lifted out.
private func largeModel() -> ModelMaker {
    var maker = ModelMaker()
    maker.input("x", .f32, ["2000"])
    maker.initializer("w", counting([2000]))
    maker.node("Add", ["x", "w"], ["y"])
    maker.output("y")
    return maker
}

@Test func filesOfOtherKindsAreNamed() {
    let advice = "; name a .onnx file as an exporter writes it"
    #expect(sentence(ofFile: []) == "m.onnx is not an ONNX file: it is empty" + advice)
    #expect(
        sentence(ofFile: Array("<html>".utf8))
            == "m.onnx is not an ONNX file: byte 0 starts no field of a model" + advice)
    #expect(
        sentence(ofFile: Array("version https://git-lfs.github.com/spec/v1\noid sha256:1".utf8))
            == "m.onnx is not an ONNX file: it is a Git LFS pointer; fetch the file behind it")
    #expect(
        sentence { _ = try ModelFile(path: "/nowhere/m.onnx") }
            == "/nowhere/m.onnx cannot be read: No such file or directory; check the path and its permissions")
    #expect(
        sentence { _ = try ModelFile(path: "/tmp") } == "/tmp is not a regular file; name an .onnx file")
}

@Test func truncatedModelsAreNamed() throws {
    let bytes = try largeModel().bytes()
    #expect(
        sentence(ofFile: Array(bytes[..<5000]))
            == "m.onnx is truncated: it ends after 5000 bytes in the middle of the model; fetch it again")
    #expect(
        sentence(ofFile: Array(bytes[..<2]))
            == "m.onnx is truncated: it ends after 2 bytes in the middle of the model; fetch it again")
}

@Test func damageInsideIsNamed() throws {
    var maker = ModelMaker()
    maker.node("Relu", ["x"], ["y"])
    var bytes = try maker.bytes()
    let at = try #require(bytes.firstRange(of: Array("Relu".utf8)))
    bytes[at.lowerBound] = 0xff
    #expect(
        sentence(ofFile: bytes) == "m.onnx is damaged: a name in it is not UTF-8; fetch or export it again")
    bytes[at.lowerBound - 1] = 0x7f
    #expect(sentence(ofFile: bytes).hasPrefix("m.onnx is damaged: the message at byte "))
}

@Test func formatVersionsAreLimited() throws {
    var maker = largeModel()
    maker.model.irVersion = 99
    #expect(
        sentence { _ = try maker.file() }
            == "m.onnx has ONNX format version 99, and versions 3 to 14 are read; convert the model")
}

@Test func largeTensorsStayInTheMapping() throws {
    try withFolder { folder in
        try write(try largeModel().bytes(), folder + "/m.onnx")
        let file = try ModelFile(path: folder + "/m.onnx")
        #expect(file.name == "m.onnx")
        #expect(file.payloads.map(\.range.count) == [8000])
        #expect(file.model.graph.initializer[0].rawData.isEmpty)
        let tensor = try file.load(file.model.graph.initializer[0], name: "w")
        let inside = tensor.bytes.withBytes { bytes in
            (bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)).map { address in
                file.mapping.bytes.baseAddress.map { address >= $0 && address < $0 + file.mapping.bytes.count }
            }
        }
        #expect(inside == true)
        let imported = try importModel(file)
        let result = try interpret(imported.graph, inputs: [counting([2000])], constants: imported.constants)
        #expect(result[0] == floats([2000], (0..<2000).map { Double($0 * 2) }))
    }
}

@Test func packedFloatsAreLiftedToo() throws {
    var maker = largeModel()
    maker.model.graph.initializer[0].clearBytes()
    maker.model.graph.initializer[0].floatData = (0..<2000).map { Float($0) }
    let file = try maker.file()
    #expect(file.payloads.map(\.encoding) == [.floats])
    let imported = try importModel(file)
    let result = try interpret(imported.graph, inputs: [counting([2000])], constants: imported.constants)
    #expect(result[0] == floats([2000], (0..<2000).map { Double($0 * 2) }))
}

@Test func aForgedRangeIsDropped() throws {
    var maker = largeModel()
    maker.model.graph.initializer[0].lifted = 1
    maker.model.graph.initializer[0].clearBytes()
    #expect(
        sentence { _ = try importModel(try maker.file()) }
            == "tensor w of m.onnx cannot be used: it has 0 bytes where its shape needs 8000")
}

@Test func tensorsThatAreNoneAreNamed() throws {
    var maker = largeModel()
    maker.model.graph.initializer[0].dims = [1999]
    #expect(
        sentence { _ = try importModel(try maker.file()) }
            == "tensor w of m.onnx cannot be used: it has 8000 bytes where its shape needs 7996")
    maker.model.graph.initializer[0].dataType = 8
    #expect(
        sentence { _ = try importModel(try maker.file()) }
            == "tensor w of m.onnx cannot be used: its elements are string, which is not supported")
    maker.model.graph.initializer[0].dataType = 1
    maker.model.graph.initializer[0].dims = [1 << 40, 1 << 40]
    #expect(sentence { _ = try importModel(try maker.file()) }.hasSuffix("is not possible"))
}

/// `w` in another file, at `location`.
private func externalModel(_ location: String, offset: Int = 0) -> ModelMaker {
    var maker = largeModel()
    maker.model.graph.initializer[0].clearBytes()
    maker.model.graph.initializer[0].dataLocation = .external
    maker.model.graph.initializer[0].externalData = [("location", location), ("offset", String(offset))].map {
        var entry = Ironworks_Onnx_StringStringEntryProto()
        (entry.key, entry.value) = $0
        return entry
    }
    return maker
}

@Test func externalDataIsReadBesideTheModel() throws {
    try withFolder { folder in
        mkdir(folder + "/sub", 0o700)
        try write([0, 0, 0, 0] + counting([2000]).bytes, folder + "/sub/w.bin")
        try write(try externalModel("sub/w.bin", offset: 4).bytes(), folder + "/m.onnx")
        let imported = try importModel(try ModelFile(path: folder + "/m.onnx"))
        let result = try interpret(imported.graph, inputs: [counting([2000])], constants: imported.constants)
        #expect(result[0] == floats([2000], (0..<2000).map { Double($0 * 2) }))
    }
}

@Test func externalDataElsewhereIsRefused() throws {
    try withFolder { folder in
        let path = folder + "/m.onnx"
        func sentenceFor(_ location: String, offset: Int = 0) throws -> String {
            try write(try externalModel(location, offset: offset).bytes(), path)
            return sentence { _ = try importModel(try ModelFile(path: path)) }
        }
        #expect(
            try sentenceFor("w.bin")
                == "tensor w of m.onnx has its data in \(folder)/w.bin, which cannot be read; "
                + "put that file beside the model")
        let outside = "which is not inside of the model's folder; move the data there and save the model again"
        for location in ["../w.bin", "/etc/passwd", "sub/../../w.bin", ""] {
            #expect(try sentenceFor(location) == "tensor w of m.onnx has its data in \"\(location)\", \(outside)")
        }
        symlink("/etc/passwd", folder + "/link.bin")
        #expect(try sentenceFor("link.bin") == "tensor w of m.onnx has its data in \"link.bin\", \(outside)")
        mkfifo(folder + "/pipe.bin", 0o600)
        #expect(
            try sentenceFor("pipe.bin")
                == "tensor w of m.onnx has its data in \"pipe.bin\", which is not a regular file; "
                + "put the file itself beside the model")
        try write([1, 2, 3], folder + "/w.bin")
        #expect(
            try sentenceFor("w.bin", offset: 8)
                == "tensor w of m.onnx needs 8008 bytes of \"w.bin\", which has 3; fetch that file again")
        #expect(
            sentence { _ = try importModel(try externalModel("w.bin").file()) }
                == "tensor w of m.onnx has its data in \"w.bin\", \(outside)")
    }
}

@Test func theReducedMessageIsTheMessage() throws {
    var maker = ModelMaker()
    maker.input("x", .f32, ["3"])
    maker.initializer("w", counting([3]))
    maker.node("Constant", [], ["c"], name: "n", [attribute("value", counting([3]))])
    maker.node("Add", ["x", "w"], ["y"])
    let reduced = try maker.bytes().withUnsafeBytes { try liftTensors(in: $0) }
    #expect(reduced.payloads.isEmpty)
    #expect(try Ironworks_Onnx_ModelProto(serializedBytes: reduced.bytes) == maker.model)
}

@Test func payloadsAreFoundInAttributesAndSubgraphs() throws {
    var inner = Ironworks_Onnx_GraphProto()
    inner.initializer = [message(counting([1500]))]
    var branch = attribute("then_branch", Int64(0))
    branch.type = .graph
    branch.g = inner
    var maker = ModelMaker()
    maker.node("If", ["c"], ["y"], [branch, attribute("value", counting([1200]))])
    maker.initializer("w", counting([2000]))
    let bytes = try maker.bytes()
    let reduced = try bytes.withUnsafeBytes { try liftTensors(in: $0) }
    #expect(reduced.payloads.map(\.range.count).sorted() == [4800, 6000, 8000])
    #expect(reduced.bytes.count < 500)
    for payload in reduced.payloads {
        #expect(Array(bytes[payload.range]) == counting([payload.range.count / 4]).bytes)
    }
}
