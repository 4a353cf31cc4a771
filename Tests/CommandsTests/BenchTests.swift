// The figures of `bench`: the limit of a model on a device, samples of several bursts, the ratio over rounds, and the
// line that other programs read.

import Basics
import DeviceModel
import Runtime
import TensorIR
import Testing

@testable import Commands

/// 100 flops per ns; L2 of 1,000 bytes (570 usable) at 10 bytes per ns, L3 of 5,000 at 4, memory at 1.
private let device = Device(
    kind: DeviceClass(
        isa: .avx2, processor: "made-up", vectorRegisters: 16, l1Bytes: 100, l2Bytes: 1_000, l3Bytes: 5_000,
        lineBytes: 64, lanes: 1),
    calibration: Calibration(
        fmaFlopsPerNs: 100, l2BytesPerNs: 10, l3BytesPerNs: 4, memoryBytesPerNs: 1, mapOperatorsPerNs: 1,
        packElementsPerNs: 1, callNs: 1, phaseNs: 1, referenceNs: 1))

private func limit(_ flops: Double, _ bytes: Double) -> Double {
    ModelLimit(contractionFlops: flops, constantBytes: bytes).ns(device)
}

@Test func theLimitIsTheSlowerOfMultiplyingAndReading() {
    #expect(limit(1_000, 0) == 10)
    #expect(limit(1_000, 100) == 10)
    #expect(limit(1_000, 500) == 50)
    #expect(limit(0, 0) == 0)
}

@Test func constantsAreReadFromTheLevelThatHoldsThem() {
    #expect(limit(0, 570) == 57)
    #expect(limit(0, 571) == 142.75)
    #expect(limit(0, 5_000) == 1_250)
    #expect(limit(0, 5_001) == 5_001)
}

@Test func lanesShareTheWorkAndBringTheirOwnCaches() {
    func limit(_ flops: Double, _ bytes: Double, lanes: Int) -> Double {
        ModelLimit(contractionFlops: flops, constantBytes: bytes).ns(device, lanes: lanes)
    }
    #expect(limit(1_000, 0, lanes: 2) == 5)
    #expect(limit(0, 570, lanes: 2) == 28.5)
    // 571 bytes are too many for one L2 and few enough for two
    #expect(limit(0, 571, lanes: 2) == 28.55)
    #expect(limit(0, 1_141, lanes: 2) == 142.625)
}

@Test func contractionsAndTheConstantsTheyReadAreCounted() throws {
    let graph = try Graph(
        parsing: """
            graph(%0: f32[4,8] "a", %1: i64[4] "ids") {
              %2: f32[8,16] = const data 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
              %3: f32[1000,8] = const data 19f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a0
              %4: f32[50] = const data 29f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a0
              %5: f32[i0:4,i1:16] = sum(r0:8) %0[i0,r0] * %2[r0,i1]
              %6: f32[i0:4,i1:8] = %3[%1[i0],i1]
              %7: f32[i0:4] = sum(r0:8) %0[i0,r0] * %0[i0,r0]
              %8: f32[i0:4] = sum(r0:8) %6[i0,r0]
            } -> (%5 "y", %7 "squares", %8 "sums")
            """)
    let found = ModelLimit(graph)
    #expect(found.contractionFlops == 2 * 4 * 16 * 8)
    // the whole matrix, four rows of the table, nothing of what nobody reads
    #expect(found.constantBytes == 8 * 16 * 4 + 4 * 8 * 4)
}

@Test func latencyPoolsTheSamplesOfAllBursts() {
    var latency = Latency()
    latency.add(Reading(samplesNs: [4e6, 2e6], calls: 10))
    latency.add(Reading(samplesNs: [3e6, 9e6, 5e6], calls: 7))
    #expect(latency.leastNs == 2e6 && latency.medianNs == 4e6 && latency.runs == 17)
    #expect(Latency.samples(callNs: 1_000) == 64)
    #expect(Latency.samples(callNs: 1e8) == 10)
    #expect(Latency.samples(callNs: 1e10) == 3)
    #expect(Latency.samples(callNs: 0) == 64)
}

@Test func theRatioIsTheMedianOverRounds() {
    var rounds = PeerRounds()
    for (ours, theirs) in [(2.0, 1.0), (3, 1), (30, 1), (1, 1), (5, 2)] { rounds.add(oursMs: ours, theirsMs: theirs) }
    #expect(rounds.ratio == 2.5)
    #expect(rounds.theirsLeastMs == 1)
    #expect(median([4, 1]) == 2.5)
    #expect(median([]).isNaN)
}

@Test func reportsAreOneSentenceOrOneLineOfJSON() {
    var latency = Latency()
    latency.add(Reading(samplesNs: [1_500_000, 2_500_000], calls: 12))
    var report = BenchReport(model: "m", threads: 1, latency: latency, limitNs: 250_000)
    #expect(report.text == "m: min 1.5000 ms, median 2.0000 ms over 12 runs, limit 0.2500 ms")
    #expect(
        report.json.text
            == "{\"schema\":\"ironworks.bench/1\",\"model\":\"m\",\"threads\":1,\"runs\":12,\"min_ms\":1.5,"
            + "\"median_ms\":2.0,\"limit_ms\":0.25}")
    var rounds = PeerRounds()
    rounds.add(oursMs: 1.5, theirsMs: 1)
    report.rounds = rounds
    #expect(report.text.hasSuffix("\nratio 1.50 (ironworks / ONNX Runtime)"))
    #expect(report.json.text.hasSuffix("\"rounds\":1,\"onnx_runtime_min_ms\":1.0,\"ratio\":1.5}"))
}
