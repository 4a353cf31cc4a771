// Texts on the command line: their kinds, several in one file with positions of the file, sentences about what is
// wrong, and results of interpreting them: a program gives what its graph gives.

import Basics
@testable import Commands
import DeviceModel
import Emit
import KernelIR
import Pipeline
import ProgramIR
import Schedules
import TensorIR
import Testing

private let addition = """
    workload(x: f32[2], y: f32[2]) {
      z: f32[i:2] = x[i] + y[i]
    } -> z
    """

private func sentenceOf(_ text: String) -> String {
    do {
        try IRFile(text, path: "a.txt").verify()
        return ""
    } catch {
        return error.sentence
    }
}

@Test func aTextIsKnownByItsFirstWordAndPrintsItsCanonicalForm() throws {
    let file = try IRFile("// a comment\n" + addition, path: "a.txt")
    #expect(file.parts.map(\.kind) == [.workload])
    #expect(
        file.canonical == "workload(t0: f32[2], t1: f32[2]) {\n  t2: f32[i0:2] = t0[i0] + t1[i0]\n} -> t2\n")
    #expect(okLine(file) == "a.txt: ok, workload \(file.parts[0].digest.short)")
    let device = SimulatedJob.device
    for text in [device.kind.text, device.calibration.text] {
        #expect(try IRFile(text, path: "d").canonical == text)
    }
}

@Test func severalTextsOfAFileKeepTheirPositions() throws {
    let file = try IRFile(addition + "\n\n// next\n" + addition + "\n", path: "a.txt")
    #expect(file.parts.count == 2)
    #expect(okLine(file) == "a.txt: ok, 2 texts")
    #expect(try IRFile(file.canonical, path: "b").canonical == file.canonical)
    #expect(
        sentenceOf(addition + "\nworkload(x: f32[2]) {\n  z: f32[i:2] = w[i]\n} -> z\n")
            == "a.txt: line 5, column 17: tensor 'w' is not defined before")
}

@Test func whatIsNoTextIsRefusedWithASentence() {
    #expect(
        sentenceOf("foo bar")
            == "a.txt starts with 'foo', which no text does: a text starts with workload, graph, schedule, kernel, "
            + "program, device or calibration")
    #expect(
        sentenceOf("")
            == "a.txt starts with the end of the text, which no text does: a text starts with workload, graph, "
            + "schedule, kernel, program, device or calibration")
    #expect(
        sentenceOf("workload(x: f32[2]) {\n  z: f32[i:3] = x[i]\n} -> z")
            == "a.txt: t1: index 0 of the read of t0 runs from 0 to 2 and the extent is 2; "
            + "guard the read with a select")
}

@Test func aWorkloadRunsOnSeededInputs() throws {
    let text = try IRFile(addition, path: "a.txt").parts[0]
    let result = try interpret(text, path: "a.txt", seed: 1)
    #expect(result.map(\.name) == ["t2"])
    #expect(result[0].type == TensorType(.f32, [2]))
    #expect(try interpret(text, path: "a.txt", seed: 1) == result)
    #expect(try interpret(text, path: "a.txt", seed: 2) != result)
    #expect(summaryText(result).hasPrefix("result "))
}

@Test func aProgramComputesWhatItsGraphComputes() throws {
    let assembly = try InspectionSamples.assembly()
    let graph = try interpret(.graph(InspectionSamples.greater()), path: "g", seed: 3)
    let kernels = try IRFile(assembly.kernels.map(\.kernel.text).joined(separator: "\n"), path: "k")
    let program = try interpret(.program(assembly.program), path: "p", seed: 3, kernels: kernels)
    #expect(graph.count == 1 && program.count == 1)
    #expect(program[0].digest == graph[0].digest)
    let kernel = try interpret(.kernel(assembly.kernels[0].kernel), path: "k", seed: 3)
    #expect(kernel[0].digest == graph[0].digest)
    let both = try IRFile(kernels.canonical + "\n" + assembly.program.text, path: "b")
    #expect(try runnable(both).kind == .program)
}

@Test func whatCannotBeRunSaysWhatWouldBe() throws {
    let assembly = try InspectionSamples.assembly()
    func sentence(_ text: IRText, _ kernels: IRFile?) -> String {
        do {
            _ = try interpret(text, path: "a.txt", seed: 0, kernels: kernels)
            return ""
        } catch {
            return error.sentence
        }
    }
    #expect(
        sentence(.program(assembly.program), nil)
            == "a.txt is a program, which names its kernels only: give their texts with --kernels FILE, as "
            + "'ironworks dump MODEL.onnx --after kernels' prints them")
    #expect(
        sentence(.schedule(try #require(assembly.kernels[0].schedule)), nil)
            == "a.txt is a schedule, which does not compute anything: run a workload, graph, kernel or program")
    let other = try IRFile("kernel(b0: f32[2], b1: out f32[2]) {\n  phase tasks 9 {\n  }\n}\n", path: "k.txt")
    #expect(
        sentence(.program(assembly.program), other)
            == "k.txt does not hold the program's kernel k0: its phases have [9] tasks, not "
            + "\(assembly.program.kernels[0].phases)")
    #expect(throws: InspectionError.nothingRuns(path: "a.txt", reason: "it holds 2 texts, not one")) {
        _ = try runnable(IRFile(addition + "\n" + addition, path: "a.txt"))
    }
}

@Test func everyStageOfADumpIsTextThatParses() throws {
    let assembly = try InspectionSamples.assembly()
    let model = InspectionSamples.greater()
    let description = ModelDescription(
        name: "m", inputs: zip(model.inputNames, model.body.parameters).map { .init(name: $0, type: model.type($1)) },
        outputs: zip(model.outputNames, model.body.results).map { .init(name: $0, type: model.type($1)) })
    for stage in DumpStage.allCases {
        let pieces = try dumpPieces(stage, assembly, description, .avx2)
        #expect(!pieces.isEmpty)
        if stage == .source { continue }
        let file = try IRFile(dumpText(pieces), path: "d")
        try file.verify()
        #expect(file.parts.map(\.canonical) == pieces.map(\.text))
    }
    #expect(try dumpPieces(.welds, assembly, description, .avx2)[0].name.hasSuffix("t0 = %0, t1 = %1 -> t2 = %2"))
    #expect(try dumpPieces(.source, assembly, description, .avx2).map(\.name) == ["k0.c", "program.c"])
    #expect(
        dumpJSON("m", .program, []).text
            == #"{"schema":"ironworks.dump/1","model":"m","after":"program","texts":[]}"#)
    do {
        _ = try dumpStage("nothing")
        Issue.record("'nothing' is no stage")
    } catch {
        #expect(
            error.sentence
                == "--after nothing is not understood; use imported, placed, welds, schedules, kernels, "
                + "source or program")
    }
}
