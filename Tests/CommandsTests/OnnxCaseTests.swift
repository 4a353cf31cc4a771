// ONNX test cases: how folders are found, the rule by which outputs are compared, and what is made of the words and
// the end of a child process.

import Basics
import Runtime
import TensorIR
import Testing

@testable import Commands

private func tensor(_ values: [Float], _ shape: [Int]? = nil) -> NamedTensor {
    let bytes = values.flatMap { withUnsafeBytes(of: $0) { Array($0) } }
    return NamedTensor(name: "y", type: TensorType(.f32, shape ?? [values.count]), bytes: bytes)
}

private func integers(_ values: [Int64]) -> NamedTensor {
    let bytes = values.flatMap { withUnsafeBytes(of: $0) { Array($0) } }
    return NamedTensor(name: "y", type: TensorType(.i64, [values.count]), bytes: bytes)
}

@Test func outputsAreComparedAsTheONNXSuiteDoes() {
    #expect(mismatch(tensor([1, 2]), tensor([1.0009, 2])) == nil)
    #expect(mismatch(tensor([1, 2.1]), tensor([1, 2])) == "element 1 is 2.0999999046325684 instead of 2.0")
    #expect(mismatch(tensor([5e-8]), tensor([0])) == nil)
    #expect(mismatch(tensor([2e-7]), tensor([0])) != nil)
    #expect(mismatch(tensor([.nan, .infinity, -.infinity]), tensor([.nan, .infinity, -.infinity])) == nil)
    #expect(mismatch(tensor([1]), tensor([.nan])) != nil)
    #expect(mismatch(tensor([.nan]), tensor([1])) != nil)
    #expect(mismatch(tensor([1]), tensor([.infinity])) != nil)
    #expect(mismatch(tensor([.infinity]), tensor([1])) != nil)
    #expect(mismatch(tensor([1, 2]), tensor([1, 2], [2, 1])) == "it is f32[2] instead of f32[2,1]")
    #expect(mismatch(integers([1]), tensor([1])) == "it is i64[1] instead of f32[1]")
    #expect(mismatch(integers([3, .max]), integers([3, .max])) == nil)
    #expect(mismatch(integers([3, 4]), integers([3, 5])) == "element 1 is 4 instead of 5")
}

@Test func casesAreFoundInAFolderOfFolders() throws {
    let root = try Folder.makeTemporary(in: "/tmp")
    defer { Folder.removeTree(root) }
    for name in ["b", "a", "empty"] { try Folder.make(root + "/" + name) }
    for name in ["a", "b"] { try Folder.write([], to: root + "/\(name)/model.onnx") }
    #expect(try TestCase.all(in: root).map(\.name) == ["a", "b"])
    #expect(try TestCase.all(in: root + "/a").map(\.folder) == [root + "/a"])
    let error = #expect(throws: ModelError.self) { try TestCase.all(in: root + "/empty") }
    #expect(
        error?.sentence
            == "\(root)/empty is no ONNX test case and holds none; name a folder with model.onnx, or folders of those")
}

@Test func aChildsWordsAndEndAreItsVerdict() {
    func verdict(_ end: ChildProcess.End?, _ output: String) -> Verdict {
        TestTally.verdict(ofChild: end, output: output, name: "t")
    }
    #expect(verdict(.exited(0), "1 passed, 0 failed, 0 skipped\n") == .passed)
    #expect(verdict(.exited(0), "skip t: no data\n0 passed, 0 failed, 1 skipped\n") == .skipped("no data"))
    #expect(verdict(.exited(1), "FAIL t: wrong\n0 passed, 1 failed, 0 skipped\n") == .failed("wrong"))
    #expect(verdict(.exited(1), "error: no compiler\n") == .failed("error: no compiler"))
    #expect(verdict(.exited(1), "") == .failed("it said nothing"))
    #expect(verdict(.signalled(4), "") == .failed("this program crashed with signal 4; please report it"))
    #expect(verdict(nil, "") == .failed("it did not end in time"))
}

@Test func theTallyCountsAndNames() {
    var tally = TestTally()
    tally.add("a", .passed)
    tally.add("b\n", .failed("m.onnx uses an operator that is not supported"))
    tally.add("c", .skipped("no data"))
    #expect(tally.line == "1 passed, 1 failed, 1 skipped")
    #expect(TestTally.line("a", .passed) == nil)
    #expect(TestTally.line("b\n", .failed("why")) == "FAIL b\\n: why")
    #expect(
        tally.json.text
            == "{\"schema\":\"ironworks.test/1\",\"cases\":[{\"name\":\"a\",\"outcome\":\"passed\"},"
            + "{\"name\":\"b\\n\",\"outcome\":\"failed\",\"reason\":\"m.onnx uses an operator that is not supported\"},"
            + "{\"name\":\"c\",\"outcome\":\"skipped\",\"reason\":\"no data\"}],\"passed\":1,\"failed\":1,"
            + "\"skipped\":1}")
}
