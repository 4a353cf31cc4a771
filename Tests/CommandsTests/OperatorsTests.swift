// What `operators` prints of one operator, of all, and of a name that is none.

import ArgumentParser
import Testing

@testable import Commands

@Test func oneOperatorIsShownInEachOfItsDomains() throws {
    let report = try OperatorsReport(name: "Gelu")
    let lines = report.text.split(separator: "\n")
    #expect(lines.count == 3 && lines[0].hasPrefix("operator"))
    #expect(lines[1].contains("ai.onnx") && lines[1].contains("20-28"))
    #expect(lines[2].contains("com.microsoft"))
    let json = report.json.text
    #expect(json.hasPrefix(#"{"schema":"ironworks.operators/1","operators":[{"name":"Gelu","domain":"ai.onnx""#))
    #expect(json.contains(#""imported":true,"versions":[[20,28]],"definitions":[20]}"#))
}

@Test func anOperatorThatIsNotImportedSaysWhy() throws {
    let report = try OperatorsReport(name: "StringSplit")
    let reason = "works on strings or tokens; only tensors of numbers are imported"
    #expect(report.text.hasSuffix("\nStringSplit of ai.onnx is not imported: \(reason)"))
    #expect(report.json.text.contains(#""imported":false,"versions":[],"definitions":[],"reason":"\#(reason)"}"#))
}

@Test func allOperatorsAreThoseThatAreImported() throws {
    let lines = try OperatorsReport(name: nil).text.split(separator: "\n")
    #expect(lines.count > 190)
    #expect(lines.contains { $0.hasPrefix("Conv ") } && lines.contains { $0.hasPrefix("Loop ") })
    #expect(!lines.contains { $0.hasPrefix("StringSplit") })
}

@Test func aNameThatIsNoneIsAnsweredWithNearOnes() {
    #expect(throws: OperatorsError.unknown(name: "zzzz", alike: [])) { try OperatorsReport(name: "zzzz") }
    do throws(OperatorsError) {
        _ = try OperatorsReport(name: "Atention\n")
        Issue.record("there is no such operator")
    } catch {
        #expect(
            error.sentence.hasPrefix(
                #"'Atention\n' is no operator of ONNX or com.microsoft: did you mean Attention, "#))
        #expect(error.sentence.hasSuffix("?") && error.sentence.contains(" or "))
    }
    let none = OperatorsError.unknown(name: "zzzz", alike: []).sentence
    #expect(none.hasSuffix("'ironworks operators' lists those that are imported"))
}

@Test func thePageIsPrintedWhole() throws {
    for arguments in [["--markdown", "Conv"], ["--markdown", "--json"]] {
        let command = try OperatorsCommand.parse(arguments)
        #expect(throws: OperatorsError.pageIsWhole) { try command.run() }
    }
}
