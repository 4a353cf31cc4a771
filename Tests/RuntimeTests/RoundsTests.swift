// Rounds: every measurer returns every time of every round, and the real child runs several objects in one process,
// each from its own file.

import Basics
import CSystem
import Testing

@testable import Runtime

/// Adds `amount` to 64 floats, `passes` times over.
private func adder(_ amount: Int, passes: Int) -> String {
    """
    #include <stdint.h>
    void add_0(void *const *operands, int64_t first, int64_t last, void *scratch) {
      const float *x = operands[0];
      volatile float *y = operands[1];
      for (int pass = 0; pass < \(passes); pass++)
        for (int64_t i = first; i < last; i++) y[i] = x[i] + \(amount).0f;
      (void)scratch;
    }

    """
}

private func request(_ paths: [String], rounds: Int, calls: Int = 2) -> RoundsRequest {
    let x = [Float](repeating: 1, count: 64)
    let contestants = paths.enumerated().map { n, path in
        RoundsRequest.Contestant(
            candidate: Digest(of: "contestant \(n)"), objectPath: path,
            kernel: KernelCall(symbol: "add", phases: [64], operands: [0, 1]), expectedNs: 100 * Double(n + 1))
    }
    let order = (0..<rounds).map { round in
        contestants.indices.map { ($0 + round) % contestants.count }
    }
    return RoundsRequest(
        contestants: contestants,
        operands: [
            Operand(.input, bytes: 256, contents: .bytes(floats(x))), Operand(.result, bytes: 256),
        ], order: order, calls: calls)
}

@Test func everyMeasurerReturnsEveryRound() throws {
    let folder = try TestFolder()
    let compiler = try testCompiler(folder)
    // the second does ten thousand times the work
    let paths = try [1, 10_000].map { try object(compiler.compile(source: adder(1, passes: $0), name: "add")).path }
    let table = RecordedTable([
        Digest(of: "contestant 0"): .reading(Reading(samplesNs: [5], calls: 1)),
        Digest(of: "contestant 1"): .reading(Reading(samplesNs: [50, 60], calls: 1)),
    ])
    let measurers: [(String, any Measurer)] = [
        ("child", try childMeasurer(folder)), ("recorded", RecordedMeasurer(table)),
        ("synthetic", SyntheticMeasurer(seed: 1)),
    ]
    for (name, measurer) in measurers {
        guard case .rounds(let rounds) = measurer.measureRounds(request(paths, rounds: 7)) else {
            Issue.record("\(name) has no rounds")
            continue
        }
        #expect(rounds.times.count == 7 && rounds.times.allSatisfy { $0.count == 2 }, "\(name)")
        #expect(rounds.times.joined().allSatisfy { $0 > 0 }, "\(name)")
        #expect(rounds.times.allSatisfy { $0[0] < $0[1] }, "\(name): each column is one contestant")
        #expect(rounds.calls >= 7 * 2 * 2, "\(name)")
    }
}

@Test func madeUpRoundsRepeat() {
    let asked = request(["", ""], rounds: 5)
    #expect(SyntheticMeasurer(seed: 3).measureRounds(asked) == SyntheticMeasurer(seed: 3).measureRounds(asked))
    #expect(SyntheticMeasurer(seed: 3).measureRounds(asked) != SyntheticMeasurer(seed: 4).measureRounds(asked))
    #expect(RecordedMeasurer(RecordedTable()).measureRounds(asked) == .failed(.noRecord))
}

@Test func theChildRefusesAFinalThatIsTooLarge() throws {
    let folder = try TestFolder()
    let path = try object(try testCompiler(folder).compile(source: adder(1, passes: 1), name: "add")).path
    let measurer = try childMeasurer(folder)
    let tooMany = request(Array(repeating: path, count: 9), rounds: 31)
    #expect(
        measurer.measureRounds(tooMany) == .failed(.refused(reason: "more than \(IW_SAMPLES_MAX) samples in a final")))
    let most = request(Array(repeating: path, count: 8), rounds: 31, calls: 1)
    guard case .rounds(let rounds) = measurer.measureRounds(most) else {
        Issue.record("eight finalists fit")
        return
    }
    #expect(rounds.times.count == 31)
    #expect(measurer.childrenStarted == 1)
}

@Test func aFinalWithACrashIsAFailureAndTheNextOneRuns() throws {
    let folder = try TestFolder()
    let compiler = try testCompiler(folder)
    let good = try object(compiler.compile(source: adder(1, passes: 1), name: "add")).path
    let crash = "#include <stdint.h>\nvoid add_0(void *const *o, int64_t f, int64_t l, void *s) { __builtin_trap(); }\n"
    let bad = try object(compiler.compile(source: crash, name: "add")).path
    let measurer = try childMeasurer(folder)
    guard case .failed(.crashed) = measurer.measureRounds(request([good, bad], rounds: 3)) else {
        Issue.record("a crash went unseen")
        return
    }
    guard case .rounds = measurer.measureRounds(request([good, good], rounds: 3)) else {
        Issue.record("the measurer does not go on")
        return
    }
}
