// Joining two catalogs and comparing them. Facts are keyed by content, so a merge is a union: any order, any
// grouping and any repetition gives the same facts, and the winners follow. Nothing in the other file is trusted:
// keys are recomputed, rows that cannot be read or were altered stay behind and are counted, and so are tables that
// this version does not know. `dump` prints a catalog so that two with equal facts print equal bytes.

import Basics
import GRDB

/// What became of the rows of the other catalog.
package struct MergeReport: Hashable, Sendable {
    package var added = 0
    package var known = 0
    /// Unreadable or altered rows.
    package var damaged = 0
    /// Rows that refer to something neither catalog holds.
    package var dangling = 0
    /// Rows whose digest already names another content here.
    package var clashing = 0
    package var unknownTables = 0
    package init() {}
}

extension Catalog {
    /// Takes over the facts of another catalog in one transaction.
    package func merge(from other: Catalog) throws(CatalogError) -> MergeReport {
        var report = MergeReport()
        if other === self { return report }
        do {
            try other.queue.read { source in
                let found = try self.transact { db in
                    var report = MergeReport()
                    for table in FactTable.allCases { try self.take(table, from: other, source, db, &report) }
                    report.unknownTables = try unknownTables(source)
                    if report.added > 0 { try self.recomputeWinners(db) }
                    return report
                }
                report = found
            }
        } catch {
            throw catalogError(error, path: other.path)
        }
        return report
    }

    private func take(
        _ table: FactTable, from other: Catalog, _ source: Database, _ db: Database, _ report: inout MergeReport
    ) throws {
        var counts = report
        var parents = KnownParents()
        try other.stream(table, source) { key, content in
            guard case .success(let row) = content, row.key.hex == key, row.row.flaw == nil else {
                counts.damaged += 1
                return
            }
            if try parents.firstMissing(of: row, db) != nil {
                counts.dangling += 1
            } else if try insert(row.row, db) {
                counts.added += 1
            } else {
                let statement = try db.cachedStatement(sql: "SELECT 1 FROM \(table.rawValue) WHERE key = ?")
                if try Int.fetchOne(statement, arguments: [key]) == nil {
                    counts.clashing += 1
                } else {
                    counts.known += 1
                }
            }
        }
        report = counts
    }

    private func unknownTables(_ source: Database) throws -> Int {
        let known = Set(FactTable.allCases.map(\.rawValue) + ["meta", "events", WinnerRow.tableName])
        return try String.fetchAll(
            source, sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        ).filter { !known.contains($0) }.count
    }

    /// Prints facts and winners: tables in a fixed order, rows in key order. Events and bookkeeping are left out.
    package func dump(_ write: (String) -> Void) throws(CatalogError) {
        try reading { db in
            write("ironworks catalog \(schema.version)\n")
            try forEachRow(db) { row in write("\n\(row.key.hex) \(row.canonicalText)") }
            for winner in try currentWinners(db) { write("\n\(winner.key.hex) \(winner.canonicalText)") }
        }
    }

    package func dump() throws(CatalogError) -> String {
        var text = ""
        try dump { text += $0 }
        return text
    }
}
