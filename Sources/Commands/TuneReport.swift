// The table at the end of `tune`: per model its workloads, candidates, failures by reason, latency with first choices
// and with what was measured, both verified against each other, and ONNX Runtime beside them when it is installed.

import Basics
import Catalog
import DeviceModel
import Emit
import Pipeline
import ProgramIR
import Runtime
import TensorIR
import Tuning

struct ModelReport {
    var name: String
    var workloads: Int
    var uniqueWorkloads: Int
    var knownWorkloads: Int
    var candidates: Int
    var failures: [(kind: String, count: Int)]
    var beforeMs: Double?
    var afterMs: Double?
    var onnxRuntimeMs: Double?
    /// Both programs agree on seeded inputs.
    var isVerified: Bool
}

struct TuneResult {
    var models: [ModelReport]

    var hasUnverified: Bool { models.contains { !$0.isVerified } }

    var text: String {
        var rows = [
            [
                "model", "workloads", "unique", "known", "candidates", "failed", "first ms", "tuned ms", "gain",
                "ORT ms", "ratio",
            ]
        ]
        for model in models {
            rows.append([
                model.name, "\(model.workloads)", "\(model.uniqueWorkloads)", "\(model.knownWorkloads)",
                "\(model.candidates)", "\(model.failures.reduce(0) { $0 + $1.count })",
                model.beforeMs.map { fixed($0, 3) } ?? "-", model.afterMs.map { fixed($0, 3) } ?? "-",
                ratio(model.beforeMs, model.afterMs).map { fixed($0, 2) + "x" } ?? "-",
                model.onnxRuntimeMs.map { fixed($0, 3) } ?? "-",
                ratio(model.afterMs, model.onnxRuntimeMs).map { fixed($0, 2) } ?? "-",
            ])
        }
        var out = table(rows)
        for model in models where !model.failures.isEmpty {
            let reasons = model.failures.map { "\($0.count) \($0.kind)" }.joined(separator: ", ")
            out += "\n\(model.name): failures: \(reasons)"
        }
        for model in models where !model.isVerified {
            out += "\n\(model.name): the tuned program disagrees with the first one; do not use it, and report this"
        }
        return out
    }

    private func ratio(_ a: Double?, _ b: Double?) -> Double? {
        guard let a, let b, b > 0 else { return nil }
        return a / b
    }

    func json(nothingLeft: Bool) -> JSON {
        .object([
            ("schema", .string("ironworks.tune/1")),
            (
                "models",
                .array(
                    models.map { model in
                        .object([
                            ("name", .string(model.name)), ("workloads", .integer(model.workloads)),
                            ("unique_workloads", .integer(model.uniqueWorkloads)),
                            ("known_workloads", .integer(model.knownWorkloads)),
                            ("candidates", .integer(model.candidates)),
                            ("failures", .object(model.failures.map { ($0.kind, .integer($0.count)) })),
                            ("first_ms", model.beforeMs.map(JSON.number)), ("tuned_ms", model.afterMs.map(JSON.number)),
                            ("onnx_runtime_ms", model.onnxRuntimeMs.map(JSON.number)),
                            ("verified", .boolean(model.isVerified)),
                        ])
                    })
            ), ("type", .string("end")), ("outcome", .string(nothingLeft ? "nothing_left" : "done")),
        ])
    }
}

struct TuneReport {
    let catalog: Catalog
    let models: [LoadedModel]
    /// What the job says of each model.
    let asked: [JobModel]
    let device: Device
    let local: LocalCompiler
    let limits: PlanLimits
    /// Made-up measurements build no program.
    let isReal: Bool
    let progress: Progress

    func make(knownCandidates: Int) throws -> TuneResult {
        let table = try measurementTable(
            catalog, toolchains: local.toolchains, calibration: device.calibration.digest)
        let bench = isReal ? try ProgramBench() : nil
        return TuneResult(models: try zip(models, asked).map { try report($0, $1, table, bench) })
    }

    private func report(
        _ model: LoadedModel, _ asked: JobModel, _ table: MeasurementTable, _ bench: ProgramBench?
    ) throws -> ModelReport {
        let calls = try workloadCalls(model.graph, device, limits)
        let digest = model.graph.digest
        var failures: [String: Int] = [:]
        var candidates = 0
        var shared = 0
        for call in calls {
            candidates += try catalog.candidates(workload: call.digest).count
            for failure in try catalog.failures(workload: call.digest) { failures[failure.kind, default: 0] += 1 }
            if try catalog.calls(workload: call.digest).contains(where: { $0.model != digest }) { shared += 1 }
        }
        var out = ModelReport(
            name: model.name, workloads: calls.reduce(0) { $0 + $1.welds.count }, uniqueWorkloads: calls.count,
            knownWorkloads: shared, candidates: candidates,
            failures: failures.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, isVerified: true)
        guard let bench else { return out }
        progress.note("building and timing \(model.name)")
        let lanes = asked.settings.threads.first ?? 1
        let first = try build(
            assemble(model.graph, model.constants, device, MeasurementTable(), limits, lanes: lanes),
            model.description, local)
        let tuned = try build(
            assemble(model.graph, model.constants, device, table, limits, lanes: lanes), model.description, local)
        let inputs = seededInputs(model.description.inputs.map(\.type), seed: asked.inputSeed)
        out.isVerified = agrees(
            try bench.run(tuned, inputs), try bench.run(first, inputs), model.description.outputs.map(\.type),
            rtol: asked.settings.tolerance.rtol, atol: asked.settings.tolerance.atol)
        let before = try bench.time(first, inputs)
        let after = try bench.time(tuned, inputs)
        out.beforeMs = before.leastNs / 1e6
        out.afterMs = after.leastNs / 1e6
        out.onnxRuntimeMs = OnnxRuntimePeer.latencyMs(model, threads: lanes, seconds: 1.5)
        _ = try catalog.append([
            .program(
                ProgramRow(
                    model: digest, digest: tuned.assembly.program.digest, text: tuned.assembly.program.text,
                    deviceClass: device.kind.digest, recipe: recipe(lanes: lanes), worker: "tune",
                    latencyNs: after.leastNs,
                    readingsNs: after.samplesNs, attempt: "tune"))
        ])
        return out
    }
}

/// The recipe of a program's reading: kernels are measured on one lane, programs on theirs.
private func recipe(lanes: Int) -> String {
    let oneLane = "lanes 1 "
    precondition(recipeText.hasPrefix(oneLane), "recipes of kernels begin with their lane")
    return "lanes \(lanes) " + recipeText.dropFirst(oneLane.count)
}

/// Agreement of a model's outputs with a reference: |a−b| ≤ rtol·|b| + atol·max|b| per output, NaN and infinities in
/// the same places, integers exact.
func agrees(_ a: [[UInt8]], _ b: [[UInt8]], _ types: [TensorType], rtol: Double = 1e-3, atol: Double = 1e-4) -> Bool {
    for (n, type) in types.enumerated() {
        let x = a[n].withUnsafeBytes { TensorValue(type, bytes: $0) }
        let y = b[n].withUnsafeBytes { TensorValue(type, bytes: $0) }
        switch (x.elements, y.elements) {
        case (.integers(let p), .integers(let q)): if p != q { return false }
        case (.floats(let p), .floats(let q)):
            let scale = q.reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 }
            for (u, v) in zip(p, q) where !(u == v || (u.isNaN && v.isNaN)) {
                guard abs(u - v) <= rtol * abs(v) + atol * scale else { return false }
            }
        case (.integers, .floats), (.floats, .integers): return false
        }
    }
    return true
}
