// Copies, compaction, and the events that people read. Input: an open catalog. Output: a second file, a smaller
// file, a list of lines. Events are bounded and no code decides by them; they are the one table that forgets.
// Nothing here changes a fact.

import Basics
import GRDB
import Glibc

/// Something that happened, for people.
package struct EventRow: Hashable, Sendable {
    /// When, as the shell writes it; not interpreted.
    package var at: String
    package var kind: String
    package var text: String
    package init(at: String, kind: String, text: String) {
        self.at = at
        self.kind = kind
        self.text = text
    }
}

/// Events that are kept; older ones go first.
package let eventsMax = 10_000

extension Catalog {
    /// Writes a complete copy to `target`, which must not exist; a reader sees no copy or a whole one.
    /// The copy is durable when this returns.
    package func backup(to target: String) throws(CatalogError) {
        guard fileKind(target) == .absent else { throw .targetExists(path: target) }
        let partial = target + ".partial"
        unlink(partial)
        do {
            try queue.writeWithoutTransaction { db in
                try db.execute(sql: "VACUUM INTO ?", arguments: [partial.hasPrefix("/") ? partial : "./" + partial])
            }
        } catch {
            unlink(partial)
            let failure = catalogError(error, path: target)
            guard case .sqlite(_, let code, let message) = failure, code & 0xff == 14 else { throw failure }
            throw .cannotWrite(path: target, reason: refusal(parentFolder(target), W_OK) ?? message)
        }
        guard syncFile(partial), rename(partial, target) == 0, syncFile(target) else {
            let reason = String(cString: strerror(errno)).lowercased()
            unlink(partial)
            throw .cannotWrite(path: target, reason: reason)
        }
    }

    /// Gives unused pages back to the disk.
    package func vacuum() throws(CatalogError) {
        precondition(mode == .readWrite, "a catalog that was opened read-only is never written")
        do {
            try queue.writeWithoutTransaction { db in
                try db.execute(sql: "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")
            }
        } catch {
            throw catalogError(error, path: path)
        }
    }

    /// Appends events and forgets the oldest beyond `eventsMax`.
    package func note(_ events: [EventRow]) throws(CatalogError) {
        try transact { db in
            let statement = try db.cachedStatement(sql: "INSERT INTO events (at, kind, text) VALUES (?, ?, ?)")
            for event in events {
                try statement.execute(arguments: [event.at, event.kind, event.text])
            }
            try db.execute(
                sql: "DELETE FROM events WHERE sequence <= (SELECT max(sequence) FROM events) - ?",
                arguments: [eventsMax])
        }
    }

    /// The last events, oldest first.
    package func events(last count: Int) throws(CatalogError) -> [EventRow] {
        try reading { db in
            let rows = try Row.fetchAll(
                db, sql: "SELECT at, kind, text FROM events ORDER BY sequence DESC LIMIT ?", arguments: [max(count, 0)])
            return rows.reversed().map { row in
                EventRow(
                    at: String.fromDatabaseValue(row[0]) ?? "", kind: String.fromDatabaseValue(row[1]) ?? "",
                    text: String.fromDatabaseValue(row[2]) ?? "")
            }
        }
    }
}

extension Catalog {
    /// Counts the lives of coordinators on this catalog: one more than any epoch before, durable on return.
    package func nextEpoch() throws(CatalogError) -> Int {
        try transact { db in
            let last =
                try String.fetchOne(db, sql: "SELECT value FROM meta WHERE name = 'epoch'").flatMap(Int.init) ?? 0
            try db.execute(
                sql: "INSERT INTO meta (name, value) VALUES ('epoch', ?) "
                    + "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                arguments: [String(last + 1)])
            return last + 1
        }
    }
}
