// Texts that are wrong: the sentence, the position, and no text that stops the process.

import Basics
import Testing

@testable import TensorIR

private func workloadSentence(_ text: String) -> String {
    do {
        return "parsed: \(try Workload(parsing: text))"
    } catch {
        return error.sentence
    }
}

private func graphSentence(_ text: String) -> String {
    do {
        return "parsed: \(try Graph(parsing: text))"
    } catch {
        return error.sentence
    }
}

@Test func wrongWorkloadsSayWhatAndWhere() {
    func body(_ line: String) -> String { workloadSentence("workload(t0: f32[4]) {\n  \(line)\n} -> t1") }
    #expect(workloadSentence("") == "line 1, column 1: expected 'workload', found the end of the text")
    #expect(workloadSentence("workload(t0: f31[4]) {") == "line 1, column 14: expected a dtype, found 'f31'")
    #expect(body("t1: f32[i0:4] = t9[i0]") == "line 2, column 19: tensor 't9' is not defined before")
    #expect(body("t1: f32[i0:4] = t1[i0]") == "line 2, column 19: tensor 't1' is not defined before")
    #expect(body("t1: f32[i0:4] = t0[k]") == "line 2, column 22: 'k' is no axis here")
    #expect(body("t1: f32[i0:4] = relu(t0[i0])") == "line 2, column 19: there is no function 'relu'")
    #expect(body("t1: f32[i0:4,i0:4] = 0.0") == "line 2, column 16: axis 'i0' is declared twice")
    #expect(body("t1: f32[f32:4] = 0.0") == "line 2, column 11: 'f32' cannot name an axis")
    #expect(body("t0: f32[i0:4] = 0.0") == "line 2, column 3: tensor 't0' is defined twice")
    #expect(body("t1: f32[i0:4] = t0[i0] % 2.0") == "line 2, column 26: '%' is for integers; floats use fmod(a, b)")
    #expect(body("t1: f32[i0:4] = 1e99") == "line 2, column 19: '1e99' is no number")
    #expect(body("t1: f32[i0:4] = 1.5:i32") == "line 2, column 19: '1.5' is no number of dtype i32")
    #expect(body("t1: bool[i0:4] = i0 < 1 < 2") == "line 2, column 27: comparisons do not chain; use parentheses")
    #expect(body("t1: f32[i0:4] = { [4..<0] 0.0 }") == "line 2, column 26: the range 4..<0 runs backwards")
    #expect(body("t1: f32[i0:4] = t0[i0") == "line 3, column 1: expected ']', found '}'")
    #expect(
        workloadSentence("workload(t0: f32[4]) {\n} -> t1") == "line 2, column 6: result 't1' is not defined")
    #expect(
        workloadSentence("workload(t0: f32[4]) {\n} -> t0 t0")
            == "line 2, column 9: expected the end of the text, found 't0'")
}

@Test func wrongGraphsSayWhatAndWhere() {
    func body(_ line: String) -> String { graphSentence("graph(%0: f32[4] \"x\") {\n  \(line)\n} -> (%0 \"y\")") }
    #expect(
        body("%1: f32[4] = relu(%0)")
            == "line 2, column 16: a definition names the axes of its result, as in %1: f32[i0:8]")
    #expect(body("%0: f32[4] = const [1.0]") == "line 2, column 3: %0 is declared twice")
    #expect(
        body("%2: f32[1] = const [1.0]")
            == "line 3, column 14: %1 is not declared; values are numbered without gaps")
    #expect(body("%1: i8[1] = const [1.0]") == "line 2, column 22: expected a number of dtype i8, found '1.0'")
    #expect(
        body("%1: f32[1] = const data 12ab")
            == "line 2, column 27: expected the 64 hex digits of a digest, found '12ab'")
    #expect(body("%1: f32[i0:4] = %7[i0]") == "line 2, column 19: tensor '%7' is not defined before")
    #expect(
        body("%1: f32[1], %2: f32[1] = const [1.0]")
            == "line 2, column 28: a constant or definition has one result")
    #expect(
        body("function @1() {\n} -> ()")
            == "line 2, column 13: functions are numbered from @0 in order; expected @0")
    #expect(
        graphSentence("graph(%0: f32[4] \"100%\") {\n} -> ()")
            == "line 1, column 18: a percent escape in a name is broken")
}

@Test func nestingAndSizeAreLimited() throws {
    func workload(_ value: String) -> String { "workload(t0: bool[]) {\n t1: bool[] = \(value)\n} -> t1" }
    func times(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }
    #expect(try Workload(parsing: workload(times("!", 64) + "true")).definitions.count == 1)
    #expect(workloadSentence(workload(times("(", 65) + "true" + times(")", 65))).hasSuffix("deeper than 64 brackets"))
    #expect(
        workloadSentence(workload(times("!", 300_000) + "true"))
            == "line 2, column 80: the expression nests deeper than 64 brackets")
    #expect(
        workloadSentence(workload(times("true && ", 100_000) + "true"))
            .hasSuffix("the expression is a tree of more than 512 levels"))
    #expect(
        workloadSentence(times(" ", (1 << 20) + 1))
            == "line 1, column 1: the text has 1048577 bytes; at most 1048576 are read")
    let loop = "loop trip %0 carry() capture() do() {\n"
    let regions = times("none = " + loop, 70) + times("} -> ()\n", 70)
    #expect(graphSentence("graph(%0: i64[] \"n\") {\n" + regions + "} -> ()").hasSuffix("regions nest deeper than 64"))
}

@Test func damagedTextsAreRejectedOrParseButNeverTrap() {
    var samples = GraphSamples(seed: 21)
    var random = SeededRandom(seed: 22)
    let spare = Array("%[](){}:;,.<>=-+*/!&|?@\"\\0123456789eixtrf \n".utf8)
    var outcomes = (rejected: 0, parsed: 0)
    for round in 0..<600 {
        var bytes = Array((round % 2 == 0 ? samples.samples.workload().text : samples.graph().text).utf8)
        for _ in 0..<1 + random.below(3) {
            let at = random.below(bytes.count)
            switch random.below(3) {
            case 0: bytes[at] = spare[random.below(spare.count)]
            case 1: bytes.remove(at: at)
            default: bytes.insert(spare[random.below(spare.count)], at: at)
            }
        }
        let text = String(decoding: bytes, as: UTF8.self)
        do {
            if round % 2 == 0 {
                try Workload(parsing: text).verify()
            } else {
                try Graph(parsing: text).verify()
            }
            outcomes.parsed += 1
        } catch {
            outcomes.rejected += 1
        }
    }
    #expect(outcomes.rejected > 300)
    #expect(outcomes.parsed > 20)
}
