// What `catalog list` shows: the file as a whole, and one line per model. Input: the catalog. Output: numbers,
// computed in SQL so that no text is read. Voided readings and failures are left out of the counts of a model.
// Nothing here is stored.

import Basics
import GRDB

/// The file as a whole.
package struct CatalogSummary: Hashable, Sendable {
    package var path: String
    package var version: Int
    package var bytes: Int
    /// Rows per fact table, in table order.
    package var rows: [TableCount]
    package var winners: Int
    package var provisionalWinners: Int

    package struct TableCount: Hashable, Sendable {
        package var table: FactTable
        package var rows: Int
    }
}

/// One model and what is known about it.
package struct ModelSummary: Hashable, Sendable {
    package var digest: Digest
    package var name: String
    /// Distinct workloads.
    package var workloads: Int
    /// Calls of workloads in one run.
    package var calls: Int
    /// Workloads with at least one reading.
    package var measuredWorkloads: Int
    package var candidates: Int
    package var readings: Int
    package var failures: Int
    /// Fastest program, `nil` before one was measured.
    package var bestLatencyNs: Double?
}

extension Catalog {
    package func summary() throws(CatalogError) -> CatalogSummary {
        try reading { db in
            let decided = try currentWinners(db)
            let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            let pageBytes = try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 0
            return CatalogSummary(
                path: path, version: schema.version, bytes: pages * pageBytes,
                rows: try FactTable.allCases.map { table in
                    CatalogSummary.TableCount(
                        table: table,
                        rows: try Int.fetchOne(db, sql: "SELECT count(*) FROM \(table.rawValue)") ?? 0)
                },
                winners: decided.count, provisionalWinners: decided.filter(\.provisional).count)
        }
    }

    /// One line per model and name, by name, then digest.
    package func modelSummaries() throws(CatalogError) -> [ModelSummary] {
        try reading { db in
            try select(ModelRow.self, db, "ORDER BY name, digest").map { model in
                let arguments: StatementArguments = [model.digest.hex]
                func number(_ sql: String) throws -> Int {
                    try Int.fetchOne(db.cachedStatement(sql: sql), arguments: arguments) ?? 0
                }
                let live = "NOT EXISTS (SELECT 1 FROM voids v WHERE v.target = t.key)"
                let mine = "(SELECT workload FROM model_workloads WHERE model = ?)"
                let candidates = "(SELECT digest FROM candidates WHERE workload IN \(mine))"
                return ModelSummary(
                    digest: model.digest, name: model.name,
                    workloads: try number("SELECT count(DISTINCT workload) FROM model_workloads WHERE model = ?"),
                    calls: try number("SELECT coalesce(sum(calls), 0) FROM model_workloads WHERE model = ?"),
                    measuredWorkloads: try number(
                        "SELECT count(DISTINCT c.workload) FROM readings t JOIN candidates c ON c.digest = t.candidate "
                            + "WHERE c.workload IN \(mine) AND \(live)"),
                    candidates: try number(
                        "SELECT count(DISTINCT digest) FROM candidates WHERE workload IN \(mine)"),
                    readings: try number(
                        "SELECT count(*) FROM readings t WHERE candidate IN \(candidates) AND \(live)"),
                    failures: try number(
                        "SELECT count(*) FROM failures t WHERE candidate IN \(candidates) AND \(live)"),
                    bestLatencyNs: try Double.fetchOne(
                        db, sql: "SELECT min(latency_ns) FROM programs t WHERE model = ? AND \(live)",
                        arguments: arguments))
            }
        }
    }
}
