// One suite for every Measurer: what the farm may rely on, whoever answers.
// A new conformer joins by becoming one more contestant.
// Below it: what is particular to the recorded and to the made-up device.

import Basics
import Testing

@testable import Runtime

/// A measurer that can answer for `candidate` and for the program `program`, and the requests to give it.
struct Contestant {
    var name: String
    var measurer: any Measurer
    var request: MeasureRequest
    var program: ProgramRequest
    /// Kept alive while the requests name files in it.
    var folder: TestFolder
}

let bundleSource = """
    #include <stdint.h>
    #include <stdlib.h>
    typedef struct { int copies; float factor; } unit_model;
    #include <fcntl.h>
    #include <unistd.h>
    int unit_create(const char *weights, unit_model **model) {
      int fd = open(weights, O_RDONLY);
      if (fd < 0) return 7;
      unit_model *made = malloc(sizeof *made);
      long got = read(fd, &made->factor, 4);
      close(fd);
      if (got != 4) { free(made); return 8; }
      *model = made;
      return 0;
    }
    int unit_run(unit_model *model, const void *const *inputs, void *const *outputs) {
      const float *x = inputs[0];
      float *y = outputs[0];
      if (x[0] < 0) return 3;
      for (int i = 0; i < 64; i++) y[i] = x[i] * model->factor;
      return 0;
    }
    void unit_destroy(unit_model *model) { free(model); }

    """

func bundleRequest(_ folder: TestFolder, first: Float = 1, weights: String = "weights.bin") throws -> ProgramRequest {
    let built = try object(try testCompiler(folder).compile(source: bundleSource, name: "unit"))
    try Folder.write(floats([3]), to: folder.path + "/weights.bin")
    var x = [Float](repeating: 2, count: 64)
    x[0] = first
    return ProgramRequest(
        program: Digest(of: "program"), libraryPath: built.path, prefix: "unit",
        weightsPath: folder.path + "/" + weights,
        inputs: [Operand(.input, bytes: 256, contents: .bytes(floats(x)))], outputBytes: [256], predictedNs: 500,
        settings: quickSettings())
}

func contestants() throws -> [Contestant] {
    let folder = try TestFolder()
    let built = try object(try testCompiler(folder).compile(source: twoPhaseSource, name: "twice"))
    let request = twoPhaseRequest(built.path, Digest(of: "candidate"), x: (0..<64).map(Float.init))
    let program = try bundleRequest(folder)
    let row = MeasureOutcome.reading(Reading(samplesNs: [10, 11, 12], calls: 300))
    let recorded = RecordedMeasurer(RecordedTable([request.candidate: row, program.program: row]))
    let measurers: [(String, any Measurer)] = [
        ("child", try childMeasurer(folder)), ("recorded", recorded), ("synthetic", SyntheticMeasurer(seed: 7)),
    ]
    return measurers.map {
        Contestant(name: $0.0, measurer: $0.1, request: request, program: program, folder: folder)
    }
}

@Test func everyMeasurerReadsPositiveTimesForAGoodCandidate() throws {
    for contestant in try contestants() {
        for outcome in [
            contestant.measurer.measure(contestant.request), contestant.measurer.measureProgram(contestant.program),
        ] {
            guard case .reading(let reading) = outcome else {
                Issue.record("\(contestant.name): \(outcome)")
                continue
            }
            #expect(reading.samplesNs.count == 3, "\(contestant.name)")
            #expect(reading.samplesNs.allSatisfy { $0 > 0 }, "\(contestant.name)")
            #expect(reading.calls >= 3)
            #expect(reading.leastNs <= reading.lowerQuartileNs && reading.lowerQuartileNs <= reading.medianNs)
            #expect(!reading.beside)
        }
    }
}

@Test func everyMeasurerAnswersAgainAfterARequestItCannotServe() throws {
    for contestant in try contestants() {
        var bad = contestant.request
        bad.candidate = Digest(of: "nobody")
        bad.objectPath = contestant.folder.path + "/nothing.so"
        switch contestant.measurer.measure(bad) {
        case .reading: #expect(contestant.name == "synthetic", "\(contestant.name) measured a missing object")
        case .failed(let failure):
            #expect(failure.kind == "refused" || failure.kind == "no_record", "\(contestant.name): \(failure)")
        }
        guard case .reading = contestant.measurer.measure(contestant.request) else {
            Issue.record("\(contestant.name) does not answer any more")
            continue
        }
    }
}

@Test func everyMeasurerServesABurstBetweenReferences() throws {
    for contestant in try contestants() {
        let files = [contestant.folder.path + "/turnstile", contestant.folder.path + "/gate"]
        for file in files { try Folder.write([], to: file) }
        let result = measureBurst(
            [contestant.request, contestant.request], reference: contestant.request, with: contestant.measurer,
            through: Gate(turnstile: files[0], gate: files[1]))
        #expect(result.quiet == .alone)
        #expect(result.outcomes.count == 2)
        let drift = try #require(result.drift, "\(contestant.name)")
        #expect(drift.referenceNs > 0)
        #expect(drift.correction(baselineNs: drift.referenceNs) == 1)
    }
}

@Test func theMadeUpDeviceIsAFunctionOfItsSeedAndTheCandidate() throws {
    let folder = try TestFolder()
    let first = twoPhaseRequest(folder.path, Digest(of: "a"), x: [0])
    let second = twoPhaseRequest(folder.path, Digest(of: "b"), x: [0])
    let device = SyntheticMeasurer(seed: 1)
    #expect(device.measure(first) == SyntheticMeasurer(seed: 1).measure(first))
    #expect(device.measure(first) != device.measure(second))
    #expect(device.measure(first) != SyntheticMeasurer(seed: 2).measure(first))
    let broken = SyntheticMeasurer(seed: 1, failuresPerThousand: 300)
    let failures = (0..<1000).filter { index in
        if case .failed = broken.measure(twoPhaseRequest("", Digest(of: "\(index)"), x: [])) { return true }
        return false
    }
    #expect((200...400).contains(failures.count))
}

@Test func aRecordedTablePrintsAndParsesBack() throws {
    let failures: [MeasureFailure] = [
        .crashed(signal: 11), .timedOut(ms: 900), .refused(reason: "a \"quoted\"\nreason \\"),
        .wroteRedZone(operand: 2, offset: -4), .wroteInput(operand: 0), .programFailed(step: .run, status: -3),
        .outOfMemory, .confused, .unavailable(reason: ""), .noRecord,
    ]
    var rows: [Digest: MeasureOutcome] = [:]
    for (index, failure) in failures.enumerated() { rows[Digest(of: "failure \(index)")] = .failed(failure) }
    var random = SeededRandom(seed: 3)
    for index in 0..<200 {
        rows[Digest(of: "\(index)")] = .reading(
            Reading(
                samplesNs: (0..<3).map { _ in random.unit() * 1e-3 + Double(random.below(1_000_000)) }, calls: index,
                involuntarySwitches: random.below(2), dropped: random.below(9), cut: random.below(2) == 0,
                beside: random.below(2) == 0))
    }
    let table = RecordedTable(rows)
    #expect(try RecordedTable(text: table.text) == table)
    #expect(try RecordedTable(text: table.text).text == table.text)
}

@Test func aDamagedRecordedTableSaysWhere() {
    #expect(throws: RuntimeError.self) { try RecordedTable(text: "recorded 1\nreading 12 samples 1 calls 1") }
    do {
        _ = try RecordedTable(text: "recorded 2\n")
        Issue.record("version 2 was accepted")
    } catch {
        #expect(
            error.sentence
                == "the table of recorded measurements does not parse: line 2, column 1: only version 1 is known")
    }
}

@Test func quartilesAreInterpolated() {
    let reading = Reading(samplesNs: [30, 10, 20], calls: 3)
    #expect(reading.leastNs == 10 && reading.lowerQuartileNs == 15 && reading.medianNs == 20)
    #expect(Reading(samplesNs: [5], calls: 1).lowerQuartileNs == 5)
}
