// Tensors in files of their own, as ONNX test cases have them; whatever is no tensor is an error, not a trap.

import Basics
import Foundation
import SwiftProtobuf
import TensorIR
import Testing

@testable import ONNXImport

@Test func tensorFilesReadBackWithTheirNames() throws {
    for count in [3, 5_000] {
        var sent = message(counting([count]))
        sent.name = "x\(count)"
        let (name, value) = try readTensorFile(try sent.serializedBytes(), name: "input_0.pb")
        #expect(name == "x\(count)")
        #expect(value == counting([count]))
    }
    var typed = Ironworks_Onnx_TensorProto()
    (typed.dims, typed.dataType, typed.int64Data) = ([2], 7, [-1, 1 << 40])
    #expect(try readTensorFile(try typed.serializedBytes(), name: "t").value == vector(-1, 1 << 40))
}

@Test func whatIsNoTensorIsRefused() throws {
    func refused(_ bytes: [UInt8]) -> String { sentence { _ = try readTensorFile(bytes, name: "input_0.pb") } }
    #expect(
        refused([]) == "tensor 0 of input_0.pb cannot be used: its elements are undefined, which is not supported")
    #expect(refused(Array("plain text".utf8)).contains("input_0.pb"))
    var external = message(counting([2]))
    external.clearBytes()
    external.dataLocation = .external
    external.externalData = [.with { ($0.key, $0.value) = ("location", "/etc/passwd") }]
    #expect(refused(try external.serializedBytes()).contains("is not inside of the model's folder"))
    var lifted = message(counting([2]))
    lifted.clearBytes()
    lifted.lifted = 1
    #expect(
        refused(try lifted.serializedBytes())
            == "tensor 0 of input_0.pb cannot be used: it has 0 bytes where its shape needs 8")
    let whole: [UInt8] = try message(counting([4])).serializedBytes()
    for count in 0..<whole.count {
        let text = refused(Array(whole.prefix(count)))
        #expect(text != "no error" && !text.hasPrefix("another error"))
    }
}

@Test func inputNamesLeaveConstantsOut() throws {
    var maker = ModelMaker()
    maker.input("w", .f32, ["1"])
    maker.input("x", .f32, ["1"])
    maker.initializer("w", counting([1]))
    maker.node("Add", ["x", "w"], ["y"])
    maker.output("y")
    #expect(try maker.file().inputNames == ["x"])
}
