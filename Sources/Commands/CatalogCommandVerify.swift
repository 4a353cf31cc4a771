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
            return nil
        case .job, .modelWorkload, .device, .toolchain, .reading, .verdict, .failure, .final, .suspicion, .void, .tag:
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
        if let misfit = misfit(workload, schedule) { return misfit }
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

/// Largest register tile and longest spelled-out reduction that are lowered for a check.
private let microRowsMax = 64
private let microColumnsMax = 1024
private let spelledTermsMax = 4096

/// Why a schedule cannot be lowered for a workload; `nil` when it can.
func misfit(_ workload: Workload, _ schedule: Schedule) -> String? {
    guard case .success(let structure) = workload.structure() else { return "its workload has no structure" }
    switch (schedule.nest, structure) {
    case (.contraction(let nest), .contraction(let c)): return misfit(workload, c, nest)
    case (.rows, .rows), (.reduceInner, .reduction), (.map, .maps): return nil
    case (.reduceOuter(_, let unrolled), .reduction(let reduction)):
        let terms = workload.definitions[reduction.anchor].reductionExtents.reduce(1, *)
        return unrolled && terms > spelledTermsMax ? "its nest spells out \(terms) terms" : nil
    case (.contraction, _), (.rows, _), (.reduceInner, _), (.reduceOuter, _), (.map, _):
        return "its nest (\(nestText(schedule))) does not fit its workload (\(structureText(workload)))"
    }
}

private func misfit(_ workload: Workload, _ c: Schedules.Contraction, _ nest: ContractionNest) -> String? {
    guard nest.microRows <= microRowsMax, nest.microColumns <= microColumnsMax, nest.microColumns % 4 == 0 else {
        return "its register tile of \(nest.microRows) x \(nest.microColumns) is out of range"
    }
    let line = c.columns.dropFirst().reduce(1) { $0 * workload.definitions[c.anchor].axisExtents[$1] }
    guard nest.taskColumns % line == 0 else { return "its tasks cut lines of \(line) columns" }
    for (name, source, operand) in [("a", nest.a, c.a), ("b", nest.b, c.b)] where source != .packed {
        guard case .read(let slot, _) = operand, slot < workload.parameters.count else {
            return "its operand \(name) is \(source.rawValue), but no plain read of a parameter"
        }
        if source == .prepared, !workload.parameters[slot].isConstant {
            return "its operand \(name) is prepared, but no constant"
        }
    }
    return nil
}
