// Appending facts. Input: rows in any order, duplicates included. Output: how many were new; all of them, with the
// winners that they change, are on the disk when this returns, or none is. A row that names another row must find it
// in the file or in its own batch. Where a digest names one content, the content that came first stays.

import Basics
import GRDB

extension Catalog {
    /// Stores facts in one transaction and returns how many rows were new.
    /// - Throws: `malformed`, `dangling`, `diskFull`, `locked`, `cannotWrite`, `corrupt`, `sqlite`.
    ///   Nothing changed then.
    package func append(_ rows: [CatalogRow]) throws(CatalogError) -> Int {
        for row in rows {
            if let flaw = row.row.flaw { throw .malformed(table: row.table, flaw: flaw) }
        }
        return try transact(marked: true) { db in
            var added: [CatalogRow] = []
            for row in rows where try insert(row.row, db) { added.append(row) }
            var known = KnownParents()
            for row in added {
                if let missing = try known.firstMissing(of: row, db) { throw missing }
            }
            try rewriteWinners(try scopes(of: added, db), added: added, db)
            return added.count
        }
    }

    /// Stores one row; `false` when it, or another content of its digest, is there already.
    func insert(_ row: some StoredRow, _ db: Database) throws -> Bool {
        let columns = type(of: row).columns
        let marks = String(repeating: ", ?", count: columns.count)
        let statement = try db.cachedStatement(
            sql: "INSERT INTO \(type(of: row).tableName) (\(type(of: row).selection())) VALUES (?\(marks)) "
                + "ON CONFLICT DO NOTHING")
        try statement.execute(arguments: StatementArguments([row.key.hex.databaseValue] + row.databaseValues))
        return db.changesCount == 1
    }

    /// The winner scopes that new rows bear on.
    private func scopes(of rows: [CatalogRow], _ db: Database) throws -> Set<WinnerScope> {
        var touched: Set<WinnerScope> = []
        var candidates: Set<Digest> = []
        for row in rows {
            switch row {
            case .candidate(let row):
                touched.insert(WinnerScope(workload: row.workload.hex, interface: row.interface))
            case .reading(let row): candidates.insert(row.candidate)
            case .verdict(let row): candidates.insert(row.candidate)
            case .failure(let row): candidates.insert(row.candidate)
            case .final(let row):
                touched.insert(WinnerScope(workload: row.workload.hex, interface: row.interface))
            case .void(let row): touched.formUnion(try scopes(ofTarget: row.target, db))
            case .job, .model, .workload, .modelWorkload, .deviceClass, .device, .calibration, .toolchain,
                .expansion, .drift, .objectCheck, .program, .suspicion, .tag:
                continue
            }
        }
        for candidate in candidates {
            touched.formUnion(
                try scopes(
                    db, sql: "SELECT DISTINCT workload, interface FROM candidates WHERE digest = ?", [candidate.hex]))
        }
        return touched
    }

    /// The winner scopes of a row that was voided.
    private func scopes(ofTarget target: Digest, _ db: Database) throws -> Set<WinnerScope> {
        let direct = ["candidates", "finals"].map { "SELECT workload, interface FROM \($0) WHERE key = ?" }
        let measured = ["readings", "verdicts", "failures"].map {
            "SELECT c.workload, c.interface FROM \($0) t JOIN candidates c ON c.digest = t.candidate WHERE t.key = ?"
        }
        let all = direct + measured
        return try scopes(
            db, sql: all.joined(separator: " UNION "), Array(repeating: target.hex, count: all.count))
    }

    private func scopes(_ db: Database, sql: String, _ arguments: [String]) throws -> Set<WinnerScope> {
        let statement = try db.cachedStatement(sql: sql)
        let cursor = try Row.fetchCursor(statement, arguments: StatementArguments(arguments))
        var scopes: Set<WinnerScope> = []
        while let row = try cursor.next() {
            scopes.insert(
                WinnerScope(
                    workload: String.fromDatabaseValue(row[0]) ?? "",
                    interface: String.fromDatabaseValue(row[1]) ?? ""))
        }
        return scopes
    }
}

/// Looks up what rows refer to, each digest once.
struct KnownParents {
    private struct Parent: Hashable {
        var table: FactTable
        var digest: String
    }
    private var found: Set<Parent> = []

    /// The first reference of `row` that leads nowhere.
    mutating func firstMissing(of row: CatalogRow, _ db: Database) throws -> CatalogError? {
        for reference in Reference.all where reference.table == row.table {
            guard let index = row.table.columns.firstIndex(where: { $0.name == reference.column }),
                case .digest(let digest) = row.row.fields[index]
            else { preconditionFailure("a reference is a digest column of its table") }
            let parent = Parent(table: reference.parent, digest: digest.hex)
            if found.contains(parent) { continue }
            let statement = try db.cachedStatement(
                sql: "SELECT 1 FROM \(reference.parent.rawValue) WHERE digest = ? LIMIT 1")
            guard try Int.fetchOne(statement, arguments: [parent.digest]) != nil else {
                return .dangling(
                    table: row.table, key: row.key, column: reference.column, parent: reference.parent,
                    missing: parent.digest)
            }
            found.insert(parent)
        }
        return nil
    }
}
