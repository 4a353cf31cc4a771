// The catalog: one SQLite file with everything that was asked for, tried and measured. Facts are rows keyed by the
// digest of their content and never edited; what follows from them (winners) is a cache beside them. Input: rows and
// texts of the other modules, of which it understands none. Output: the same rows, durable before `append` returns.
// One connection writes and checkpoints; the process that has it holds the lock on CATALOG.lock (its shell takes
// it). docs/formats/catalog.md.

import Basics
import GRDB
import Synchronization

/// An open catalog. One serial queue inside; calls from several threads wait for each other.
package final class Catalog: Sendable {
    package enum Mode: Hashable, Sendable {
        case readWrite
        /// One short transaction per query, beside a process that writes.
        case readOnly
    }

    /// `:memory:` for one without a file.
    package let path: String
    package let mode: Mode
    /// Whether the last process that wrote died without closing; the file was checked and is sound.
    package let recovered: Bool
    let queue: DatabaseQueue
    let rule: WinnerRule
    let schema: Schema
    /// What a reader last found out about the cache of winners.
    let trust = Mutex<Trust?>(nil)

    struct Trust {
        var dataVersion: Int
        var winnersAreCurrent: Bool
    }

    init(path: String, mode: Mode, recovered: Bool, queue: DatabaseQueue, rule: WinnerRule, schema: Schema) {
        self.path = path
        self.mode = mode
        self.recovered = recovered
        self.queue = queue
        self.rule = rule
        self.schema = schema
    }

    /// Opens a catalog; `readWrite` creates the file or brings an older one up to date (with a backup beside it).
    /// - Parameters:
    ///   - rule: decides winners; a changed `rule.name` recomputes them all.
    /// - Throws: every case of `CatalogError` that names a path, but `inUse`.
    package static func open(
        _ path: String, mode: Mode, allowNetworkFilesystem: Bool = false, rule: WinnerRule
    ) throws(CatalogError) -> Catalog {
        try open(
            path, mode: mode, rule: rule, schema: .current,
            filesystemType: allowNetworkFilesystem ? { _ in "" } : filesystemType)
    }

    /// A catalog that lives as long as the value; for tests and dry runs.
    package static func inMemory(rule: WinnerRule) throws(CatalogError) -> Catalog {
        try openInMemory(rule: rule, schema: .current)
    }

    /// Flushes and closes the file; nothing may be called afterwards.
    package func close() throws(CatalogError) {
        do { try queue.close() } catch { throw catalogError(error, path: path) }
    }

    /// Version of the SQLite library in use, such as `3.40.1`.
    package var sqliteVersion: String {
        get throws(CatalogError) {
            try reading { db in try String.fetchOne(db, sql: "SELECT sqlite_version()") ?? "" }
        }
    }
}

extension Catalog {
    /// Runs `body` on one snapshot.
    func reading<T>(_ body: (Database) throws -> T) throws(CatalogError) -> T {
        do { return try queue.read(body) } catch { throw catalogError(error, path: path) }
    }

    /// Runs `body` in one immediate transaction that is on the disk when this returns; after an error nothing changed.
    /// - Parameter marked: whether the fault points around the commit are reached.
    func transact<T>(marked: Bool = false, _ body: (Database) throws -> T) throws(CatalogError) -> T {
        precondition(mode == .readWrite, "a catalog that was opened read-only is never written")
        do {
            return try queue.writeWithoutTransaction { db in
                var result: T?
                try db.inTransaction(.immediate) {
                    result = try body(db)
                    if marked { FaultPoint.beforeCommit.reached() }
                    return .commit
                }
                if marked { FaultPoint.afterCommit.reached() }
                guard let result else { preconditionFailure("a committed transaction has a result") }
                return result
            }
        } catch {
            throw catalogError(error, path: path)
        }
    }

    /// Reads a row that was selected with `R.selection()`.
    func decode<R: StoredRow>(_ row: Row, as type: R.Type) throws(CatalogError) -> R {
        var reader = RowReader(row, R.columns)
        do {
            return try R(&reader)
        } catch {
            let detail = "a row of table \(R.tableName): \(error.phrase)"
            throw .corrupt(path: path, detail: detail)
        }
    }

    /// Rows of one table that meet `condition`.
    func select<R: StoredRow>(
        _ type: R.Type, _ db: Database, _ condition: String = "ORDER BY key", _ arguments: [String] = []
    ) throws -> [R] {
        let statement = try db.cachedStatement(
            sql: "SELECT \(R.selection("t.")) FROM \(R.tableName) t \(condition)")
        let cursor = try Row.fetchCursor(statement, arguments: StatementArguments(arguments))
        var rows: [R] = []
        while let row = try cursor.next() { rows.append(try decode(row, as: R.self)) }
        return rows
    }
}
