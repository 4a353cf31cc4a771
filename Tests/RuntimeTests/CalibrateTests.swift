// Calibration's arithmetic and course with a measurer that says fixed times, what the probe kernels compute, and one
// real run within wide bounds. Sizes of data follow the class; nothing here depends on how fast this machine is.

import Basics
import DeviceModel
import Testing

@testable import Runtime

private let plainClass = DeviceClass(
    isa: .plain, processor: "test-1-1", vectorRegisters: 16, l1Bytes: 32 << 10, l2Bytes: 1 << 20, l3Bytes: 8 << 20,
    lineBytes: 64, lanes: 1)

/// Answers with times that the test chose, and remembers what it was asked.
private final class FixedMeasurer: Measurer {
    let plan: CalibrationPlan
    /// Per probe the least times of its first, second, … reading; the last one repeats.
    var times: [CalibrationProbe: [Double]]
    var failing: (probe: CalibrationProbe, failure: MeasureFailure)?
    private(set) var asked: [CalibrationProbe] = []

    init(_ kind: DeviceClass, _ times: [CalibrationProbe: [Double]]) {
        plan = CalibrationPlan(kind)
        self.times = times
    }

    func measure(_ request: MeasureRequest) -> MeasureOutcome {
        let bytes = request.operands.first?.bytes
        let probe = CalibrationProbe.allCases.first {
            $0.symbol == request.kernels[0].symbol
                && ($0.symbol != CalibrationProbe.l2.symbol || plan.amount($0) == bytes)
        }
        guard let probe else { return .failed(.noRecord) }
        let before = asked.filter { $0 == probe }.count
        asked.append(probe)
        if let failing, failing.probe == probe { return .failed(failing.failure) }
        let all = times[probe] ?? [1]
        let least = all[min(before, all.count - 1)]
        return .reading(Reading(samplesNs: [least * 1.5, least, least * 2], calls: 3))
    }

    func measureProgram(_ request: ProgramRequest) -> MeasureOutcome { .failed(.noRecord) }
    func measureRounds(_ request: RoundsRequest) -> RoundsOutcome { .failed(.noRecord) }
}

private func freeGate(_ folder: TestFolder) throws -> Gate {
    let files = ["turnstile", "gate"].map { folder.path + "/" + $0 }
    for file in files { try Folder.write([], to: file) }
    return Gate(turnstile: files[0], gate: files[1])
}

private let times: [CalibrationProbe: [Double]] = [
    .multiplyAdd: [9000, 4423.68, 5000], .l2: [6266.88], .l3: [134_184.96], .memory: [3_355_443.2],
    .map: [8192], .pack: [8192], .call: [2560, 1280], .phase: [1.5], .reference: [2000, 1999.6],
]

@Test func ratesAreAmountsOverTheLeastOfAllReadings() throws {
    let measurer = FixedMeasurer(plainClass, times)
    let made = try calibrate(
        plainClass, measurer: measurer, compiler: try sharedCompiler(), gate: try freeGate(try TestFolder()))
    #expect(
        made
            == Calibration(
                fmaFlopsPerNs: 100,  // 2 x 6 x 8 x 288 deep x 16 passes in 4423.68 ns
                l2BytesPerNs: 100,  // 626,688 bytes
                l3BytesPerNs: 25,  // 3,354,624 bytes
                memoryBytesPerNs: 10,  // 32 MiB
                mapOperatorsPerNs: 32,  // 2048 elements x 8 operators x 16 passes
                packElementsPerNs: 8,  // 256 x 256 elements
                callNs: 5, phaseNs: 1.5, referenceNs: 2000))
    #expect(try Calibration(parsing: made.text) == made)
    #expect(measurer.asked.filter { $0 == .memory }.count == 1)
    for probe in CalibrationProbe.allCases where probe != .memory {
        #expect(measurer.asked.filter { $0 == probe }.count == CalibrationPlan.rounds, "\(probe)")
    }
}

@Test func withoutL3ItsRateIsThatOfMemory() throws {
    var kind = plainClass
    kind.l3Bytes = 0
    let measurer = FixedMeasurer(kind, [.memory: [6_710_886.4], .l3: [1]])
    let made = try calibrate(
        kind, measurer: measurer, compiler: try sharedCompiler(), gate: try freeGate(try TestFolder()))
    #expect(made.memoryBytesPerNs == 10 && made.l3BytesPerNs == 10)
    #expect(!measurer.asked.contains(.l3))
}

@Test func figuresHaveFourDigitsAndStayPositive() {
    let plan = CalibrationPlan(plainClass)
    let slow = plan.calibration { _ in 1e18 }
    #expect(slow.fmaFlopsPerNs > 0 && slow.packElementsPerNs > 0 && slow.memoryBytesPerNs > 0)
    #expect(slow.referenceNs == 1e18)
    let odd = plan.calibration { $0 == .reference ? 2345.678 : $0 == .phase ? 0.0123456 : 700 }
    #expect(odd.referenceNs == 2346 && odd.phaseNs == 0.01235)
    #expect(odd.l2BytesPerNs == 895.3 && odd.callNs == 2.734)
}

@Test func aProbeThatCannotBeTimedIsNamed() throws {
    let folder = try TestFolder()
    let measurer = FixedMeasurer(plainClass, times)
    func error() throws -> CalibrationError? {
        do {
            _ = try calibrate(
                plainClass, measurer: measurer, compiler: try sharedCompiler(), gate: try freeGate(folder))
            return nil
        } catch let error as CalibrationError { return error }
    }
    measurer.failing = (.l3, .crashed(signal: 11))
    #expect(try error() == .notMeasured(probe: "l3", .crashed(signal: 11)))
    #expect(
        try error()?.sentence == """
            the calibration's probe kernel 'l3' gave no reading: crashed with signal 11; `ironworks doctor` says what \
            keeps code from being measured here
            """)
    measurer.failing = nil
    measurer.times[.phase] = [0]
    #expect(try error() == .noTime(probe: "phase", ns: 0))
    #expect(
        try error()?.sentence
            == "the calibration's probe kernel 'phase' took 0.0 ns, which no clock should say; run this again")
}

@Test func aCompilerThatRefusesTheProbesIsQuoted() {
    let refused = CalibrationError.notCompiled(CompileFailure(reason: .rejected(exitCode: 1), log: "no \"vectors\""))
    #expect(
        refused.sentence == """
            the compiler makes no object of the calibration's probe kernels (exit code 1); try another compiler, \
            `ironworks doctor` lists them. It said: no \\"vectors\\"
            """)
    let environment = CompileFailure(reason: .environment(.file(action: "write", path: "/x", code: 28)), log: "")
    #expect(CalibrationError.notCompiled(environment).sentence == "cannot write /x: No space left on device")
}

@Test func aMadeUpDeviceIsCalibratedAlikeEveryTime() throws {
    let folder = try TestFolder()
    let gate = try freeGate(folder)
    let compiler = try sharedCompiler()
    func made(_ seed: UInt64) throws -> Calibration {
        try calibrate(plainClass, measurer: SyntheticMeasurer(seed: seed), compiler: compiler, gate: gate)
    }
    let first = try made(3)
    #expect(try made(3) == first)
    #expect(try made(4) != first)
    #expect(first.l2BytesPerNs > first.l3BytesPerNs && first.l3BytesPerNs > first.memoryBytesPerNs)
    #expect((10...40).contains(first.fmaFlopsPerNs))
}

@Test func dataFitsTheLevelItAsksAbout() {
    let cachesKiB: [(Int, Int, Int)] = [
        (32, 256, 8192), (48, 1024, 32_768), (48, 2048, 307_200), (64, 4096, 6144), (32, 512, 0), (128, 12_288, 0),
    ]
    for isa in ISA.allCases {
        for (l1, l2, l3) in cachesKiB.map({ ($0 * 1024, $1 * 1024, $2 * 1024) }) {
            var kind = plainClass
            (kind.isa, kind.l1Bytes, kind.l2Bytes, kind.l3Bytes) = (isa, l1, l2, l3)
            let plan = CalibrationPlan(kind)
            let note = Comment(rawValue: "\(isa) \(l1) \(l2) \(l3)")
            #expect(4 * plan.depth * (plan.rows + plan.columns) <= l1 / 2 && plan.depth >= 64, note)
            #expect(8 * plan.mapElements <= l1 / 2, note)
            #expect(plan.l2Bytes > l1 && plan.l2Bytes <= l2 * 3 / 5, note)
            #expect(2 * 4 * plan.amount(.pack) <= l2 * 57 / 100 && plan.packColumns >= plan.columns, note)
            #expect(l3 == 0 ? plan.l3Bytes == 0 : plan.l3Bytes > l2 && plan.l3Bytes <= max(4 * l2, l3), note)
            #expect(plan.l3Bytes <= l3, note)
            #expect(plan.memoryBytes >= 32 << 20 || plan.memoryBytes > 3 * l3, note)
            #expect(plan.memoryBytes <= 256 << 20, note)
            #expect(plan.rows * 2 + 3 <= isa.vectorRegisters, note)
        }
    }
}

@Test func probeTextIsAFunctionOfTheInstructionSet() {
    let texts = ISA.allCases.map { CalibrationSource.text(for: $0) }
    #expect(Set(texts).count == texts.count)
    for (isa, text) in zip(ISA.allCases, texts) {
        #expect(text == CalibrationSource.text(for: isa))
        #expect(text.contains("vector_size(\(isa.vectorWidth * 4))"))
        for probe in CalibrationProbe.allCases where probe != .reference {
            #expect(text.contains("void \(probe.symbol)_0(void *const *operands, int64_t first, int64_t last, "))
        }
    }
}

@Test func thisMachineIsCalibratedWithinWideBounds() throws {
    let folder = try TestFolder()
    let kind = localDeviceClass(HostFacts.gather(searchPath: environmentPath()))
    let made = try calibrate(
        kind, measurer: try childMeasurer(folder), compiler: try testCompiler(folder, target: CompileTarget(kind.isa)),
        gate: try freeGate(folder))
    #expect((0.5...2_000).contains(made.fmaFlopsPerNs))
    #expect((0.5...2_000).contains(made.l2BytesPerNs))
    #expect((0.1...2_000).contains(made.l3BytesPerNs))
    #expect((0.1...1_000).contains(made.memoryBytesPerNs))
    #expect((0.1...2_000).contains(made.mapOperatorsPerNs))
    #expect((0.1...500).contains(made.packElementsPerNs))
    #expect((0.5...2_000).contains(made.callNs))
    #expect((0.1...500).contains(made.phaseNs))
    #expect((200...200_000).contains(made.referenceNs))
    #expect(try Calibration(parsing: made.text) == made)
}
