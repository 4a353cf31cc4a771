// `catalog verify`: everything that must hold of a catalog, with the questions that only the compilers can answer: is a
// digest that of its text, and does today's program print the source that a candidate was measured with. Texts in a
// catalog are foreign: a schedule is checked against its workload before anything is lowered.

import ArgumentParser
import Basics
import Catalog
import DeviceModel
import Pipeline
import ProgramIR
import Schedules
import TensorIR
import Tuning

struct CatalogVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Checks a catalog; exit code 1 when something does not hold.")

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let catalog = try openForReading(global.catalogPath)
        let findings = try catalog.verify(verifyChecks).map(\.sentence)
        let rows = try catalog.summary().rows.reduce(0) { $0 + $1.rows }
        try catalog.close()
        standardOutput(
            global.json
                ? verifyJSON(path: catalog.path, rows: rows, findings).text
                : verifyText(path: catalog.path, rows: rows, findings))
        if !findings.isEmpty { throw ExitCode(1) }
    }
}

func verifyText(path: String, rows: Int, _ findings: [String]) -> String {
    let head = "\(escaped(path, limit: 1024)): \(rows) rows, "
    if findings.isEmpty { return head + "sound" }
    return head + "\(findings.count) finding\(findings.count == 1 ? "" : "s")\n" + findings.joined(separator: "\n")
}

func verifyJSON(path: String, rows: Int, _ findings: [String]) -> JSON {
    .object([
        ("schema", .string("ironworks.catalog_verify/1")), ("path", .string(path)), ("rows", .integer(rows)),
        ("findings", .array(findings.map(JSON.string))),
    ])
}

/// What the compilers know about rows.
var verifyChecks: VerifyChecks {
    VerifyChecks(regenerable: regenerationObjection, identity: identityObjection)
}

/// Why a row's digest is not that of its text; `nil` when it is, or when no text decides it.
@Sendable func identityObjection(_ row: CatalogRow) -> String? {
    do {
        switch row {
        case .workload(let row):
            let workload = try Workload(parsing: row.text)
            try workload.verify()
            return objection(workload.digest, row.digest, isCanonical: workload.text == row.text)
        case .model(let row): return objection(Digest(of: row.graphText), row.digest)
        case .deviceClass(let row):
            let kind = try DeviceClass(parsing: row.text)
            return objection(kind.digest, row.digest, isCanonical: kind.text == row.text)
        case .calibration(let row):
            let calibration = try Calibration(parsing: row.text)
            return objection(calibration.digest, row.digest, isCanonical: calibration.text == row.text)
        case .candidate(let row):
            let schedule = try Schedule(parsing: row.schedule)
            let digest = candidateDigest(
                workload: row.workload, schedule: schedule.digest, source: row.sourceDigest, toolchain: row.toolchain)
            return objection(digest, row.digest, isCanonical: schedule.text == row.schedule)
        case .program(let row):
            let program = try Program(parsing: row.text)
            return objection(program.digest, row.digest, isCanonical: program.text == row.text)
        case .expansion(let row):
            _ = try expansionEntries(row)
            _ = try Interface(parsing: row.interface)
            return nil
        case .final(let row): return row.values.isEmpty ? "its contestants and rounds do not fit each other" : nil
        case .job, .modelWorkload, .device, .toolchain, .reading, .verdict, .failure, .drift, .objectCheck, .suspicion,
            .void, .tag:
            return nil
        }
    } catch {
        return "its text does not parse: \(sentence(of: error))"
    }
}

private func objection(_ computed: Digest, _ stored: Digest, isCanonical: Bool = true) -> String? {
    if computed != stored { return "the text has digest \(computed.short), the row says \(stored.short)" }
    return isCanonical ? nil : "the text is not in its canonical form"
}

/// Why today's program would not generate this candidate; `nil` when it would.
@Sendable func regenerationObjection(_ row: CandidateRow, _ workload: WorkloadRow) -> String? {
    do {
        let schedule = try Schedule(parsing: row.schedule)
        let workload = try Workload(parsing: workload.text)
        try workload.verify()
        try schedule.verify(for: workload)
        let source = sourceDigest(workload, schedule)
        guard source == row.sourceDigest else {
            return "its source has digest \(source.short) today, it was measured with \(row.sourceDigest.short)"
        }
        return nil
    } catch {
        return sentence(of: error)
    }
}

/// One sentence about any error.
func sentence(of error: any Error) -> String { (error as? any Explained)?.sentence ?? "\(error)" }
