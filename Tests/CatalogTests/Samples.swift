// A small made-up world for the tests: one row of every table, readings of two candidates, a rule that picks the least
// valid lower quartile among verified candidates, and files in a folder that goes away.

import Basics
import GRDB
import Glibc

@testable import Catalog

func digest(_ text: String) -> Digest { Digest(of: text) }

enum Sample {
    static let deviceClass = DeviceClassRow(digest: digest("class"), text: "device class cpu.avx512 \"é\"\n")
    static let workload = WorkloadRow(digest: digest("workload"), text: "workload(A: f32[4]) {\n} -> A\n")
    static let toolchain = ToolchainRow(digest: digest("toolchain"), text: "clang 19")
    static let calibration = CalibrationRow(
        digest: digest("calibration"), deviceClass: deviceClass.digest, text: "bandwidth L2 60")
    static let model = ModelRow(digest: digest("model"), name: "minilm", graphText: "graph { }")
    static let fast = candidate("fast", scratch: 64)
    static let slow = candidate("slow", scratch: 0)

    static func candidate(_ name: String, scratch: Int = 0, predictedNs: Double = 12.5) -> CandidateRow {
        CandidateRow(
            digest: digest("candidate " + name), workload: workload.digest, interface: "A [k]",
            schedule: "schedule \(name)", sourceDigest: digest("source " + name), toolchain: toolchain.digest,
            scratchBytes: scratch, predictedNs: predictedNs, lowerBoundNs: 8)
    }

    static func reading(
        of candidate: CandidateRow, ns: Double, attempt: String = "1", valid: Bool = true, executions: Int = 1,
        recipe: String = "lanes 1"
    ) -> ReadingRow {
        ReadingRow(
            candidate: candidate.digest, deviceClass: deviceClass.digest, recipe: recipe, worker: "host/1",
            samplesNs: [ns, ns + 0.25, ns * 2], lowerQuartileNs: ns, medianNs: ns + 0.25, calls: 1000, correction: 1.01,
            valid: valid, flags: valid ? "" : "beside", executions: executions, attempt: attempt)
    }

    static func verdict(of candidate: CandidateRow, right: Bool = true, maxError: Double = 1e-7) -> VerdictRow {
        VerdictRow(
            candidate: candidate.digest, deviceClass: deviceClass.digest, inputClass: "signed uniform", seed: 7,
            right: right, maxError: maxError, tolerance: 1e-5)
    }

    static let final = FinalRow(
        workload: workload.digest, deviceClass: deviceClass.digest, recipe: "lanes 1", interface: "A [k]",
        worker: "host/1", contestants: fast.digest.hex + "\n" + slow.digest.hex, rounds: "10 20\n11 21", valid: true,
        attempt: "f1")

    static let inputs: [CatalogRow] = [
        .workload(workload), .deviceClass(deviceClass), .toolchain(toolchain), .calibration(calibration), .model(model),
    ]

    /// One row of every table at least; the two candidates are verified and measured.
    static let world: [CatalogRow] =
        inputs + [
            .job(JobRow(digest: digest("job"), name: "quickstart", text: "version: 1\n")),
            .modelWorkload(
                ModelWorkloadRow(model: model.digest, workload: workload.digest, weldIndexes: "0 3", calls: 2)),
            .device(DeviceRow(digest: digest("device"), deviceClass: deviceClass.digest, text: "host 1")),
            .expansion(
                ExpansionRow(
                    unit: digest("unit"), workload: workload.digest, calibration: calibration.digest,
                    interface: "A [k]", root: "direct 6x64", schedules: "schedule fast\nschedule slow",
                    predictedNs: [12.5, .infinity], lowerBoundNs: [8, 9], rejects: "registers 3")),
            .candidate(fast), .candidate(slow),
            .reading(reading(of: fast, ns: 10)), .reading(reading(of: slow, ns: 20)),
            .verdict(verdict(of: fast)), .verdict(verdict(of: slow)),
            .failure(
                FailureRow(
                    candidate: slow.digest, deviceClass: deviceClass.digest, kind: "timeout", reason: "over 4 s",
                    attempt: "9")),
            .final(final),
            .drift(
                DriftRow(
                    deviceClass: deviceClass.digest, worker: "host/1", sequence: 1, beforeNs: 100, afterNs: 101.5,
                    valid: true)),
            .objectCheck(
                ObjectCheckRow(candidate: fast.digest, fullWidthFmas: 96, narrowFmas: 2, blockSpills: 0)),
            .program(
                ProgramRow(
                    model: model.digest, digest: digest("program"), text: "program { }",
                    deviceClass: deviceClass.digest, recipe: "lanes 1", worker: "host/1", latencyNs: 5e6,
                    readingsNs: [5e6, 5.1e6], attempt: "p1")),
            .suspicion(SuspicionRow(unit: digest("unit"), worker: "host/1", reason: "died", attempt: "3")),
            .void(VoidRow(target: digest("nothing"), reason: "a device that drifts")),
            .tag(TagRow(name: "release", target: model.digest, note: "")),
        ]

    static let key = WinnerKey(
        workload: workload.digest, deviceClass: deviceClass.digest, recipe: "lanes 1", interface: "A [k]")

    /// Least valid lower quartile of a candidate that is verified and never wrong.
    static let rule = WinnerRule(name: "least 1") { evidence in
        let eligible = evidence.candidates.map(\.digest).filter { candidate in
            let verdicts = evidence.verdicts.filter { $0.candidate == candidate }
            return !verdicts.isEmpty && verdicts.allSatisfy(\.right)
        }
        let best = evidence.readings.filter { $0.valid && eligible.contains($0.candidate) }
            .min { ($0.lowerQuartileNs, $0.candidate) < ($1.lowerQuartileNs, $1.candidate) }
        guard let best else { return nil }
        let key = evidence.key
        return WinnerRow(
            workload: key.workload, deviceClass: key.deviceClass, recipe: key.recipe, interface: key.interface,
            candidate: best.candidate, screenNs: best.lowerQuartileNs, provisional: evidence.finals.isEmpty)
    }

    static let noWinner = WinnerRule(name: "none 1") { _ in nil }
}

/// An in-memory catalog with these rows.
func filled(_ rows: [CatalogRow] = Sample.world) throws -> Catalog {
    let catalog = try Catalog.inMemory(rule: Sample.rule)
    _ = try catalog.append(rows)
    return catalog
}

/// Runs SQL behind the catalog's back, as a person with the sqlite3 shell would.
func byHand(_ path: String, _ sql: String) throws {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = false
    let queue = try DatabaseQueue(path: path, configuration: configuration)
    try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
    try queue.close()
}

/// A folder of its own, removed with everything in it at the end of `body`.
func inFolder(_ body: (String) throws -> Void) throws {
    var template = Array("/tmp/ironworks-catalog-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw CatalogError.cannotWrite(path: "/tmp", reason: "mkdtemp") }
    let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer {
        if let entries = opendir(folder) {
            while let entry = readdir(entries) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name != ".", name != ".." { remove(folder + "/" + name) }
            }
            closedir(entries)
        }
        rmdir(folder)
    }
    try body(folder)
}

func writeFile(_ path: String, _ text: String) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    _ = text.utf8CString.withUnsafeBufferPointer { write(descriptor, $0.baseAddress, $0.count - 1) }
    close(descriptor)
}

/// The sentence of the error that `body` throws.
func sentence(_ body: () throws -> Void) -> String {
    do {
        try body()
        return "no error"
    } catch {
        return (error as? any Explained)?.sentence ?? "\(error)"
    }
}
