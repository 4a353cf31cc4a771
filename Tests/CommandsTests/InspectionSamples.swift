// What tests of the inspecting commands share: a small graph without constants, its assembly for the simulated device,
// and a catalog that a simulated farm filled.

import Basics
import Catalog
@testable import Commands
import FarmCore
import FarmSimulation
import Pipeline
import TensorIR
import Testing
import Tuning

enum InspectionSamples {
    /// `y = max(a, b)`, exact in every precision.
    static func greater() -> Graph {
        var builder = GraphBuilder()
        let type = TensorType(.f32, [4, 8])
        let a = builder.input(name: "a", type: type)
        let b = builder.input(name: "b", type: type)
        let body = Expr.binary(
            .maximum, .read(slot: 0, [.axis(0), .axis(1)]), .read(slot: 1, [.axis(0), .axis(1)]))
        let y = builder.define([a, b], Definition(type: type, body: .map(body)))
        return builder.finish(outputs: [(name: "y", value: y)])
    }

    static func assembly() throws -> Assembly {
        try assemble(
            greater(), ConstantStore(), SimulatedJob.device, MeasurementTable(), PlanLimits(candidatesPerWorkload: 4))
    }

    static let job = SimulatedJob.job(SimulatedJob.models, candidates: 4)

    /// A catalog with the facts of an undisturbed farm over `job`, and its first model. Nobody writes to it.
    static func catalog() throws -> Catalog { try filled.get() }

    private static let filled = Result { try filledCatalog() }

    private static func filledCatalog() throws -> Catalog {
        let run = try Swarm(job: job, workers: 2).undisturbed()
        let catalog = try Catalog.inMemory(rule: winnerRule)
        let rows = run.report.durableFacts.compactMap { CatalogRow(parsing: $0.body) }
        _ = try catalog.append(FactTable.allCases.flatMap { table in rows.filter { $0.table == table } })
        let model = job.models[0]
        var own: [CatalogRow] = [
            .model(ModelRow(digest: model.graph.digest, name: model.name, graphText: model.graph.text))
        ]
        for call in try workloadCalls(model.graph, job.device, PlanLimits(candidatesPerWorkload: 4)) {
            own.append(
                .modelWorkload(
                    ModelWorkloadRow(
                        model: model.graph.digest, workload: call.digest,
                        weldIndexes: call.welds.map(String.init).joined(separator: " "), calls: call.welds.count)))
        }
        _ = try catalog.append(own)
        return catalog
    }

    /// A digest whose hex digits are all `digit`.
    static func digest(_ digit: Character) throws -> Digest {
        try #require(Digest(hex: String(repeating: digit, count: 64)))
    }
}
