// The closed set of facts. Adding a table means a row struct, a case here and a migration; every switch then asks
// for it. Input: rows. Output: one enum that a batch, a merge and a dump can carry, each with the key of its
// content.

import Basics
import GRDB

/// A table of facts; the raw value is its name in SQL. In this order a row comes after every row that it refers to.
package enum FactTable: String, CaseIterable, Sendable {
    case jobs
    case models
    case workloads
    case modelWorkloads = "model_workloads"
    case deviceClasses = "device_classes"
    case devices
    case calibrations
    case toolchains
    case expansions
    case candidates
    case readings
    case verdicts
    case failures
    case finals
    case drifts
    case objectChecks = "object_checks"
    case programs
    case suspicions
    case voids
    case tags
}

/// One fact.
package enum CatalogRow: Hashable, Sendable {
    case job(JobRow)
    case model(ModelRow)
    case workload(WorkloadRow)
    case modelWorkload(ModelWorkloadRow)
    case deviceClass(DeviceClassRow)
    case device(DeviceRow)
    case calibration(CalibrationRow)
    case toolchain(ToolchainRow)
    case expansion(ExpansionRow)
    case candidate(CandidateRow)
    case reading(ReadingRow)
    case verdict(VerdictRow)
    case failure(FailureRow)
    case final(FinalRow)
    case drift(DriftRow)
    case objectCheck(ObjectCheckRow)
    case program(ProgramRow)
    case suspicion(SuspicionRow)
    case void(VoidRow)
    case tag(TagRow)

    /// The digest of the row's content: its primary key.
    package var key: Digest { row.key }
    package var table: FactTable { type(of: row).table }
    package var canonicalText: String { row.canonicalText }

    /// The row inside.
    var row: any FactRow {
        switch self {
        case .job(let row): row
        case .model(let row): row
        case .workload(let row): row
        case .modelWorkload(let row): row
        case .deviceClass(let row): row
        case .device(let row): row
        case .calibration(let row): row
        case .toolchain(let row): row
        case .expansion(let row): row
        case .candidate(let row): row
        case .reading(let row): row
        case .verdict(let row): row
        case .failure(let row): row
        case .final(let row): row
        case .drift(let row): row
        case .objectCheck(let row): row
        case .program(let row): row
        case .suspicion(let row): row
        case .void(let row): row
        case .tag(let row): row
        }
    }
}

extension FactTable {
    /// Columns after `key`.
    var columns: [Column] { rowType.columns }

    var rowType: any FactRow.Type {
        switch self {
        case .jobs: JobRow.self
        case .models: ModelRow.self
        case .workloads: WorkloadRow.self
        case .modelWorkloads: ModelWorkloadRow.self
        case .deviceClasses: DeviceClassRow.self
        case .devices: DeviceRow.self
        case .calibrations: CalibrationRow.self
        case .toolchains: ToolchainRow.self
        case .expansions: ExpansionRow.self
        case .candidates: CandidateRow.self
        case .readings: ReadingRow.self
        case .verdicts: VerdictRow.self
        case .failures: FailureRow.self
        case .finals: FinalRow.self
        case .drifts: DriftRow.self
        case .objectChecks: ObjectCheckRow.self
        case .programs: ProgramRow.self
        case .suspicions: SuspicionRow.self
        case .voids: VoidRow.self
        case .tags: TagRow.self
        }
    }

    /// Reads a row that was selected as `key, column, …`.
    func read(_ reader: inout RowReader) throws(RowFlaw) -> CatalogRow {
        switch self {
        case .jobs: .job(try JobRow(&reader))
        case .models: .model(try ModelRow(&reader))
        case .workloads: .workload(try WorkloadRow(&reader))
        case .modelWorkloads: .modelWorkload(try ModelWorkloadRow(&reader))
        case .deviceClasses: .deviceClass(try DeviceClassRow(&reader))
        case .devices: .device(try DeviceRow(&reader))
        case .calibrations: .calibration(try CalibrationRow(&reader))
        case .toolchains: .toolchain(try ToolchainRow(&reader))
        case .expansions: .expansion(try ExpansionRow(&reader))
        case .candidates: .candidate(try CandidateRow(&reader))
        case .readings: .reading(try ReadingRow(&reader))
        case .verdicts: .verdict(try VerdictRow(&reader))
        case .failures: .failure(try FailureRow(&reader))
        case .finals: .final(try FinalRow(&reader))
        case .drifts: .drift(try DriftRow(&reader))
        case .objectChecks: .objectCheck(try ObjectCheckRow(&reader))
        case .programs: .program(try ProgramRow(&reader))
        case .suspicions: .suspicion(try SuspicionRow(&reader))
        case .voids: .void(try VoidRow(&reader))
        case .tags: .tag(try TagRow(&reader))
        }
    }
}
