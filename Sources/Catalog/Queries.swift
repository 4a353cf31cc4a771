// Reading facts back: all of a table in key order, all tables in dependency order, and the few selections that
// planners, reports and exports ask for. Input: digests or names. Output: rows; facts that were voided are among
// them (see `voided`). Every call is one short transaction on one snapshot.

import Basics
import GRDB

extension Catalog {
    /// Every row of one table, in key order.
    package func rows<R: FactRow>(_ type: R.Type) throws(CatalogError) -> [R] {
        try reading { db in try select(R.self, db) }
    }

    /// Calls `body` with every fact: tables in dependency order, rows in key order, one snapshot.
    /// Recovery absorbs these. `body` must not call the catalog.
    package func forEachRow(_ body: (CatalogRow) -> Void) throws(CatalogError) {
        try reading { db in try forEachRow(db, body) }
    }

    /// Rows in a table.
    package func count(_ table: FactTable) throws(CatalogError) -> Int {
        try reading { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM \(table.rawValue)") ?? 0 }
    }

    /// Keys of rows that no longer count.
    package func voided() throws(CatalogError) -> Set<Digest> {
        Set(try rows(VoidRow.self).map(\.target))
    }

    // MARK: by digest or name; of several rows the one with the least key

    package func job(_ digest: Digest) throws(CatalogError) -> JobRow? { try first("digest", digest.hex) }
    package func model(_ digest: Digest) throws(CatalogError) -> ModelRow? { try first("digest", digest.hex) }
    package func workload(_ digest: Digest) throws(CatalogError) -> WorkloadRow? { try first("digest", digest.hex) }
    package func deviceClass(_ digest: Digest) throws(CatalogError) -> DeviceClassRow? {
        try first("digest", digest.hex)
    }
    package func calibration(_ digest: Digest) throws(CatalogError) -> CalibrationRow? {
        try first("digest", digest.hex)
    }
    package func toolchain(_ digest: Digest) throws(CatalogError) -> ToolchainRow? { try first("digest", digest.hex) }
    package func candidate(_ digest: Digest) throws(CatalogError) -> CandidateRow? { try first("digest", digest.hex) }

    package func models(named name: String) throws(CatalogError) -> [ModelRow] { try matching("name", name) }
    package func calibrations(deviceClass: Digest) throws(CatalogError) -> [CalibrationRow] {
        try matching("device_class", deviceClass.hex)
    }

    /// Tags of a name, without those that were voided.
    package func tags(named name: String) throws(CatalogError) -> [TagRow] {
        try reading { db in
            try select(
                TagRow.self, db,
                "WHERE name = ? AND NOT EXISTS (SELECT 1 FROM voids v WHERE v.target = t.key) ORDER BY key", [name])
        }
    }

    // MARK: by model

    /// Where a model calls which workload how often.
    package func calls(model: Digest) throws(CatalogError) -> [ModelWorkloadRow] { try matching("model", model.hex) }
    package func programs(model: Digest) throws(CatalogError) -> [ProgramRow] { try matching("model", model.hex) }
    /// The workloads that a model calls, each once.
    package func workloads(model: Digest) throws(CatalogError) -> [WorkloadRow] {
        try reading { db in
            try select(
                WorkloadRow.self, db,
                "WHERE digest IN (SELECT workload FROM model_workloads WHERE model = ?) ORDER BY key", [model.hex])
        }
    }

    // MARK: by workload

    /// Which models call a workload how often.
    package func calls(workload: Digest) throws(CatalogError) -> [ModelWorkloadRow] {
        try matching("workload", workload.hex)
    }
    package func expansions(workload: Digest) throws(CatalogError) -> [ExpansionRow] {
        try matching("workload", workload.hex)
    }
    package func candidates(workload: Digest) throws(CatalogError) -> [CandidateRow] {
        try matching("workload", workload.hex)
    }
    package func finals(workload: Digest) throws(CatalogError) -> [FinalRow] { try matching("workload", workload.hex) }
    package func readings(workload: Digest) throws(CatalogError) -> [ReadingRow] { try measured(workload) }
    package func verdicts(workload: Digest) throws(CatalogError) -> [VerdictRow] { try measured(workload) }
    package func failures(workload: Digest) throws(CatalogError) -> [FailureRow] { try measured(workload) }
    package func objectChecks(workload: Digest) throws(CatalogError) -> [ObjectCheckRow] { try measured(workload) }
    package func winners(workload: Digest) throws(CatalogError) -> [WinnerRow] {
        try winners().filter { $0.workload == workload }
    }

    // MARK: by candidate and unit

    package func readings(candidate: Digest) throws(CatalogError) -> [ReadingRow] {
        try matching("candidate", candidate.hex)
    }
    package func verdicts(candidate: Digest) throws(CatalogError) -> [VerdictRow] {
        try matching("candidate", candidate.hex)
    }
    package func failures(candidate: Digest) throws(CatalogError) -> [FailureRow] {
        try matching("candidate", candidate.hex)
    }
    package func objectChecks(candidate: Digest) throws(CatalogError) -> [ObjectCheckRow] {
        try matching("candidate", candidate.hex)
    }
    package func suspicions(unit: Digest) throws(CatalogError) -> [SuspicionRow] { try matching("unit", unit.hex) }

    /// What a person may mean by the first digits of a digest: things that carry it, then rows with that key.
    /// - Parameter prefix: at least 4 hex digits; fewer find nothing.
    package func find(prefix: String) throws(CatalogError) -> [(table: FactTable, digest: Digest)] {
        guard (4...64).contains(prefix.utf8.count), prefix.utf8.allSatisfy(isHexDigit) else { return [] }
        let end = prefix + "g"  // the first text after every hex continuation
        return try reading { db in
            var found: [(table: FactTable, digest: Digest)] = []
            for column in ["digest", "key"] {
                for table in FactTable.allCases
                where column == "key" || table.columns.contains(where: { $0.name == column }) {
                    let texts = try String.fetchAll(
                        db,
                        sql: "SELECT DISTINCT \(column) FROM \(table.rawValue) WHERE \(column) >= ? AND \(column) < ? "
                            + "ORDER BY 1", arguments: [prefix, end])
                    found += texts.compactMap { text in Digest(hex: text).map { (table, $0) } }
                }
            }
            return found
        }
    }
}

extension Catalog {
    /// Reads a table in key order, each row with the key it is stored under; damaged rows are handed over as such.
    func stream(
        _ table: FactTable, _ db: Database, _ body: (String, Result<CatalogRow, RowFlaw>) throws -> Void
    ) throws {
        let cursor = try Row.fetchCursor(
            db, sql: "SELECT \(table.rowType.selection()) FROM \(table.rawValue) ORDER BY key")
        while let row = try cursor.next() {
            var reader = RowReader(row, table.columns)
            let key = String.fromDatabaseValue(row[0]) ?? ""
            let content: Result<CatalogRow, RowFlaw>
            do throws(RowFlaw) { content = .success(try table.read(&reader)) } catch { content = .failure(error) }
            try body(key, content)
        }
    }

    func forEachRow(_ db: Database, _ body: (CatalogRow) -> Void) throws {
        for table in FactTable.allCases {
            try stream(table, db) { _, row in
                switch row {
                case .success(let row): body(row)
                case .failure(let flaw):
                    let detail = "a row of table \(table.rawValue): \(flaw.phrase)"
                    throw CatalogError.corrupt(path: path, detail: detail)
                }
            }
        }
    }

    private func matching<R: FactRow>(_ column: String, _ value: String) throws(CatalogError) -> [R] {
        try reading { db in try select(R.self, db, "WHERE \(column) = ? ORDER BY key", [value]) }
    }

    private func first<R: FactRow>(_ column: String, _ value: String) throws(CatalogError) -> R? {
        try reading { db in try select(R.self, db, "WHERE \(column) = ? ORDER BY key LIMIT 1", [value]).first }
    }

    private func measured<R: FactRow>(_ workload: Digest) throws(CatalogError) -> [R] {
        try reading { db in
            try select(
                R.self, db, "WHERE candidate IN (SELECT digest FROM candidates WHERE workload = ?) ORDER BY key",
                [workload.hex])
        }
    }
}

private func isHexDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) }
