// Inputs of `run`: where they come from, how they are matched with a model, what is said when they do not fit, and
// what is printed of outputs. Options that no program can serve are refused before anything is imported.

import ArgumentParser
import Basics
import Emit
import TensorIR
import Testing

@testable import Commands

private let model = ModelDescription(
    name: "m",
    inputs: [
        .init(name: "ids", type: TensorType(.i64, [1, 4])), .init(name: "x", type: TensorType(.f32, [2])),
        .init(name: "half", type: TensorType(.bf16, [])),
    ],
    outputs: [.init(name: "y", type: TensorType(.f32, [2]))])

private func tensor(_ name: String, _ dtype: DType, _ shape: [Int], fill: UInt8 = 1) -> NamedTensor {
    let type = TensorType(dtype, shape)
    return NamedTensor(name: name, type: type, bytes: [UInt8](repeating: fill, count: type.bytes))
}

private func complaint(_ tensors: [NamedTensor]) -> String {
    do throws(InputError) {
        return "\(try matched(tensors, to: model).count) inputs"
    } catch { return error.sentence }
}

private func sentence(_ body: () throws -> Void) -> String {
    do {
        try body()
        return "no error"
    } catch { return (error as? any Explained)?.sentence ?? "another error: \(error)" }
}

@Test func inputsAreMatchedByNameInAnyOrder() throws {
    let given = [
        tensor("x", .f32, [2], fill: 5), tensor("half", .u16, [], fill: 6), tensor("ids", .i64, [1, 4], fill: 7),
    ]
    let bytes = try matched(given, to: model)
    #expect(bytes.map(\.first) == [7, 5, 6])
    #expect(bytes.map(\.count) == [32, 8, 2])
}

@Test func inputsThatDoNotFitAreNamed() {
    let (ids, x, half) = (tensor("ids", .i64, [1, 4]), tensor("x", .f32, [2]), tensor("half", .bf16, []))
    #expect(complaint([ids, x, half]) == "3 inputs")
    #expect(complaint([ids, half]) == "input x of m is missing; give a tensor of this name")
    #expect(complaint([ids]) == "inputs x, half of m are missing; give a tensor for each")
    #expect(complaint([ids, x, half, tensor("z\n", .f32, [])]) == "m has no input z\\n; its inputs are ids, x, half")
    #expect(complaint([ids, tensor("x", .f64, [2]), half]) == "input x of m is f32 and the tensor is f64; convert it")
    #expect(
        complaint([ids, x, tensor("half", .f16, [])]) == "input half of m is bf16 and the tensor is f16; convert it")
    #expect(
        complaint([tensor("ids", .i64, [4]), x, half])
            == "input ids of m has the shape 1x4 and the tensor has 4; give that shape, or bind another with --bind")
    #expect(
        complaint([ids, x, tensor("half", .bf16, [1])])
            == "input half of m has the shape scalar and the tensor has 1; give that shape, or bind another with --bind"
    )
}

@Test func typesThatNumPyLacksComeAsIntegers() throws {
    func given(_ dtype: DType, _ bytes: [UInt8], as carrier: DType) -> String {
        let type = TensorType(dtype, [bytes.count])
        let model = ModelDescription(name: "m", inputs: [.init(name: "x", type: type)], outputs: [])
        do throws(InputError) {
            let tensor = NamedTensor(name: "x", type: TensorType(carrier, [bytes.count]), bytes: bytes)
            return try matched([tensor], to: model) == [bytes] ? "the same bytes" : "other bytes"
        } catch { return error.sentence }
    }
    #expect(given(.f8e5m2, [0, 255], as: .u8) == "the same bytes")
    #expect(given(.f8e5m2, [0, 255], as: .i8) == "input x of m is f8e5m2 and the tensor is i8; convert it")
    #expect(given(.i4, [7, 0xf8], as: .i8) == "the same bytes")
    #expect(given(.u2, [0, 3], as: .u8) == "the same bytes")
    let beyond = "and the tensor has elements beyond"
    let advice = "give one element per byte, in its low bits"
    #expect(given(.i4, [8], as: .i8) == "input x of m is int4 \(beyond) 4 bits; \(advice)")
    #expect(given(.i2, [0xfd], as: .i2) == "input x of m is int2 \(beyond) 2 bits; \(advice)")
    #expect(given(.f4e2m1, [16], as: .u8) == "input x of m is f4e2m1 \(beyond) 4 bits; \(advice)")
}

@Test func seedsGiveTheInputsOfTheFarm() throws {
    let source = try InputSource(parsing: "random:7")
    #expect(source == .random(seed: 7))
    #expect(try source.bytes(for: model) == seededInputs(model.inputs.map(\.type), seed: 7))
    #expect(try InputSource(parsing: "random:8").bytes(for: model) != source.bytes(for: model))
    #expect(try InputSource(parsing: "folder/random:7") == .files(path: "folder/random:7"))
    for text in ["", "random:", "random:x", "random:-1"] {
        #expect(
            sentence { _ = try InputSource(parsing: text) }
                == "--inputs \(text) is not understood; use a folder, an .npz file, or random:SEED")
    }
}

@Test func summariesCountWhatIsNoNumber() {
    func floats(_ values: [Float]) -> NamedTensor {
        let bytes = values.flatMap { withUnsafeBytes(of: $0) { Array($0) } }
        return NamedTensor(name: "y", type: TensorType(.f32, [values.count]), bytes: bytes)
    }
    let mixed = OutputSummary(floats([1, -2, .nan, .infinity, 4]))
    #expect(mixed.least == -2 && mixed.greatest == 4 && mixed.mean == 1 && mixed.notFinite == 2)
    #expect(mixed.cells.prefix(6) == ["y", "f32[5]", "-2", "4", "1", "2"])
    let nothing = OutputSummary(floats([.nan]))
    #expect(nothing.least == nil && nothing.mean == nil)
    #expect(nothing.cells.prefix(6) == ["y", "f32[1]", "-", "-", "-", "1"])
    #expect(
        nothing.json.text
            == "{\"name\":\"y\",\"dtype\":\"f32\",\"shape\":[1],\"not_finite\":1,\"digest\":\"\(nothing.digest.hex)\"}")
    let large = OutputSummary(
        NamedTensor(name: "u", type: TensorType(.u64, [1]), bytes: [UInt8](repeating: 255, count: 8)))
    #expect(large.greatest == 0x1p64)
}

@Test func optionsThatNoProgramServesAreRefusedFirst() throws {
    func complaint(_ command: any ParsableCommand) -> String {
        var command = command
        return sentence { try command.run() }
    }
    let threads = "--threads 0 is not understood; use a number of processors, 1 or more"
    #expect(complaint(try RunCommand.parse(["absent.onnx", "--threads", "0"])) == threads)
    #expect(complaint(try BenchCommand.parse(["absent.onnx", "--threads", "0"])) == threads)
    #expect(complaint(try ExportCommand.parse(["absent.onnx", "--out", "b", "--threads", "0"])) == threads)
    let many = "100000 threads are asked for and this process may use "
    #expect(complaint(try RunCommand.parse(["absent.onnx", "--threads", "100000"])).hasPrefix(many))
    #expect(complaint(try BenchCommand.parse(["absent.onnx", "--threads", "100000"])).hasPrefix(many))
    #expect(
        sentence { try checkThreads(3, usable: 2) }
            == "3 threads are asked for and this process may use 2 processors, one for each; use 1 to 2, or let it run "
            + "on more (taskset, cgroup)")
    #expect(
        sentence { try checkThreads(2, usable: 1) }
            == "2 threads are asked for and this process may use 1 processor, one for each; use 1, or let it run on "
            + "more (taskset, cgroup)")
    #expect(sentence { try checkThreads(2, usable: 2) } == "no error")
    #expect(
        complaint(try BenchCommand.parse(["absent.onnx", "--seconds", "0"]))
            == "--seconds 0.0 is not understood; use a number up to 3600")
    let missing = "absent.onnx cannot be read: No such file or directory; check the path and its permissions"
    #expect(complaint(try RunCommand.parse(["absent.onnx", "--quiet"])) == missing)
    #expect(complaint(try BenchCommand.parse(["absent.onnx", "--quiet"])) == missing)
    #expect(
        complaint(try RunCommand.parse(["m.onnx", "--bind", "batch=1,8"]))
            == "m.onnx stands for 2 models and this command takes one; give one file and one value per binding")
    #expect(
        complaint(try ExportCommand.parse(["m.onnx", "--out", "o", "--device", "cuda"]))
            == "--device cuda is not understood; use avx512, avx2 or plain")
    #expect(throws: (any Error).self) { try ExportCommand.parse(["m.onnx"]) }
    #expect(throws: (any Error).self) { try RunCommand.parse([]) }
}
