// Explanations: shares add up, a workload's candidates stand in Roller's order with what was measured, rejections carry
// their numbers.

import Basics
import Catalog
@testable import Commands
import Pipeline
import Schedules
import TensorIR
import Testing
import Tuning

@Test func aModelIsExplainedWeldByWeldWithSharesOfTheTotal() throws {
    let graph = InspectionSamples.job.models[0].graph
    let device = SimulatedJob.device
    let cover = try coverModel(graph, device, MeasurementTable(), PlanLimits(candidatesPerWorkload: 4)).cover
    let explanation = ModelExplanation(name: "perceptron", device: device, cover: cover)
    #expect(
        explanation.rows.map(\.structure) == [
            "contraction 32x128x96", "contraction 32x64x128", "contraction 32x10x64",
        ])
    #expect(abs(explanation.totalNs - cover.ns) < 1e-6)
    #expect(explanation.rows.allSatisfy { !$0.isMeasured && $0.nest.hasPrefix("contraction task(") })
    #expect(explanation.text.hasSuffix("0 welds measured, 3 predicted"))
    let two = ModelExplanation(
        name: "m", device: "d",
        rows: [300.0, 100].map {
            .init(
                workload: Digest(of: "\($0)"), structure: "map 4", nest: "map task(1)", ns: $0, isMeasured: true,
                operations: 1)
        })
    #expect(two.text.contains("75.0 %") && two.text.contains("25.0 %"))
    #expect(two.json.text.contains("\"share_ratio\":0.75"))
}

@Test func aWorkloadIsExplainedWithPredictionsMeasurementsAndRejections() throws {
    let catalog = try InspectionSamples.catalog()
    let row = try #require(
        try catalog.rows(WorkloadRow.self).first { row in
            try catalog.candidates(workload: row.digest).count >= 3
        })
    let explanation = try WorkloadExplanation(catalog, Workload(parsing: row.text), row.digest)
    let ranking = try #require(explanation.rankings.first)
    #expect(explanation.rankings.count == 1)
    #expect(ranking.recipe == "lanes 1 constants by size f32 method 3 measured synthetic:7")
    let predicted = ranking.candidates.map(\.predictedNs)
    #expect(predicted == predicted.sorted())
    let winner = try #require(try catalog.winners(workload: row.digest).first)
    let wins = ranking.candidates.filter(\.wins)
    #expect(wins.count == 1)
    #expect((wins.first?.measuredNs ?? .infinity) <= winner.screenNs, "the least over its compilers")
    #expect(wins.first?.compiler?.hasPrefix("the ") == true)
    #expect(try Interface(parsing: ranking.interface).fits(Workload(parsing: row.text)))
    #expect(ranking.candidates.count { $0.measuredNs != nil } == min(4, ranking.candidates.count))
    #expect(ranking.candidates.allSatisfy { $0.lowerBoundNs <= $0.predictedNs })
    #expect(ranking.rejections.contains { $0.contains("vector registers, the device has 16") })
    #expect(explanation.text.hasPrefix("workload \(row.digest.hex)\ncontraction "))
    #expect(explanation.json.text.contains("\"wins\":true"))
}

@Test func optionsThatAreNotUnderstoodSayWhatIs() {
    #expect(
        CommandError.badOption(option: "isa", value: "sse", expected: "avx2 or plain").sentence
            == "--isa sse is not understood; use avx2 or plain")
    do {
        _ = try instructionSetOption("sse")
        Issue.record("sse is no instruction set")
    } catch {
        #expect(error.sentence.hasPrefix("--isa sse is not understood; use what this machine executes: "))
        #expect(error.sentence.hasSuffix("plain"))
    }
}
