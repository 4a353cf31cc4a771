// One run of `tune`: catalog locked and opened, models and device on record, the farm until nothing is left, then the
// programs before and after, measured, and the table.

import Basics
import Catalog
import DeviceModel
import FarmCore
import Glibc
import Pipeline
import ProgramIR
import Roller
import Runtime
import TensorIR
import Tuning

final class TuneSession {
    private let request: TuneRequest
    private let models: [LoadedModel]
    private let progress: Progress
    private let global: GlobalOptions
    private let local: LocalCompiler
    private let device: Device
    private let limits: PlanLimits

    init(_ request: TuneRequest, _ models: [LoadedModel], _ progress: Progress, _ global: GlobalOptions) throws {
        self.request = request
        self.models = models
        self.progress = progress
        self.global = global
        local = try LocalCompiler(request.isa, preferring: request.toolchains)
        for error in local.compilers.broken { progress.note("a compiler is left out: \(error.sentence)") }
        device = try localDevice(local) { progress.note($0) }
        limits = PlanLimits(
            candidatesPerWorkload: request.candidates, construct: ConstructLimits(winograd: request.winograd))
    }

    private var job: TuningJob {
        TuningJob(
            name: request.name, device: device,
            toolchains: local.compilers.compilers.map { .init(digest: $0.digest, text: $0.identityText) },
            candidates: request.candidates, winograd: request.winograd,
            models: zip(models, request.models).map { model, asked in
                .init(name: model.name, priority: asked.settings.priority, graph: model.graph)
            })
    }

    /// Workloads per model that a first plan asks for.
    func printPlan() throws {
        for model in models {
            let wanted = try plan(model.graph, device, MeasurementTable(), limits)
            standardOutput("\(model.name): \(wanted.count) unique workloads")
            for want in wanted {
                standardOutput("  \(want.digest.short)  \(want.calls) calls  \(fixed(want.weightNs / 1e6, 4)) ms")
            }
        }
    }

    func run() throws {
        let lock = try lockCatalog(request.catalogPath)
        let catalog = try Catalog.open(
            request.catalogPath, mode: .readWrite, allowNetworkFilesystem: request.allowNetworkFilesystem,
            rule: winnerRule)
        if catalog.recovered {
            progress.note("the last run ended without closing the catalog; it was checked and is sound")
        }
        let known = try catalog.count(.candidates)
        try recordSubjects(catalog)
        let before = try found(catalog)
        let farm = EmbeddedFarm(
            catalog: catalog, job: job, jobText: request.text, workers: request.workers,
            measureWith: request.measureWith, deadline: request.deadline,
            onStanding: { [progress] in progress.show($0) }, onNote: { [progress] in progress.detail("\($0)") })
        let ending = try farm.run()
        progress.clear()
        if case .interrupted = ending {
            try catalog.close()
            writeError("interrupted; everything measured is kept. Go on with:\n  \(request.resumeCommand)")
            Glibc.exit(130)
        }
        let after = try found(catalog)
        let report = try TuneReport(
            catalog: catalog, models: models, asked: request.models, device: device, local: local, limits: limits,
            isReal: request.measureWith == "real", progress: progress
        ).make(knownCandidates: known)
        if global.json {
            standardOutput(report.json(nothingLeft: before == after).text)
        } else {
            standardOutput(report.text)
            if before == after { standardOutput("nothing left: every candidate of this job is on record") }
        }
        try catalog.close()
        withExtendedLifetime(lock) {}
        if report.hasUnverified { Glibc.exit(2) }
    }

    /// Rows that units of work find out.
    private func found(_ catalog: Catalog) throws -> Int {
        try [FactTable.readings, .failures, .expansions, .finals].reduce(0) { try $0 + catalog.count($1) }
    }

    /// Models, workloads and their calls, device class and calibration: what later rows refer to.
    private func recordSubjects(_ catalog: Catalog) throws {
        var rows: [CatalogRow] = [
            .deviceClass(DeviceClassRow(digest: device.kind.digest, text: device.kind.text)),
            .calibration(
                CalibrationRow(
                    digest: device.calibration.digest, deviceClass: device.kind.digest, text: device.calibration.text)),
        ]
        rows += local.compilers.compilers.map {
            .toolchain(ToolchainRow(digest: $0.digest, text: $0.identityText))
        }
        for model in models {
            let graph = model.graph.text
            let digest = Digest(of: graph)
            rows.append(.model(ModelRow(digest: digest, name: model.name, graphText: graph)))
            for call in try workloadCalls(model.graph, device, limits) {
                rows.append(.workload(WorkloadRow(digest: call.digest, text: call.workload.text)))
                rows.append(
                    .modelWorkload(
                        ModelWorkloadRow(
                            model: digest, workload: call.digest,
                            weldIndexes: call.welds.map(String.init).joined(separator: " "), calls: call.welds.count)))
            }
        }
        _ = try catalog.append(rows)
    }
}

/// Takes the catalog's lock for the life of the returned value.
func lockCatalog(_ path: String) throws -> CatalogLock {
    do throws(RuntimeError) {
        return try CatalogLock(path)
    } catch {
        if case .file(_, _, let code) = error {
            throw CatalogError.cannotWrite(path: path, reason: String(cString: strerror(code)))
        }
        guard case .locked(_, let holder) = error else { throw error }
        let words = holder.split(separator: " ").map(String.init)
        let pid = words.first.flatMap { Int($0) } ?? 0
        throw CatalogError.inUse(path: path, holder: .init(pid: pid, host: words.dropFirst().first ?? ""))
    }
}

final class CatalogLock {
    private let lock: FileLock
    init(_ path: String) throws(RuntimeError) { lock = try FileLock(path + ".lock") }
}
