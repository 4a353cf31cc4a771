// Winners are a cache. The rule that decides lives elsewhere and comes in as a pure function of the evidence for one
// key; here it is applied to the keys that a batch touched, in the transaction of the batch. A stamp says which
// facts the cache was computed from (a count and a sum of keys per table, and the name of the rule): whoever deletes
// a row by hand breaks it, and the next open recomputes. Input: facts. Output: the winners table and its stamp.

import Basics
import GRDB
import Synchronization

/// What a winner is decided for.
package struct WinnerKey: Hashable, Sendable, Comparable {
    package var workload: Digest
    package var deviceClass: Digest
    package var recipe: String
    package var interface: String

    package init(workload: Digest, deviceClass: Digest, recipe: String, interface: String) {
        self.workload = workload
        self.deviceClass = deviceClass
        self.recipe = recipe
        self.interface = interface
    }

    package static func < (a: WinnerKey, b: WinnerKey) -> Bool {
        (a.workload, a.deviceClass, a.recipe, a.interface) < (b.workload, b.deviceClass, b.recipe, b.interface)
    }
}

/// All facts that may decide one key. Rows that were voided are left out.
package struct WinnerEvidence: Hashable, Sendable {
    package var key: WinnerKey
    /// Every candidate of the workload with this interface, measured or not; one row per digest, in digest order.
    package var candidates: [CandidateRow]
    /// Of those candidates, in this class with this recipe; in key order, like the rest.
    package var readings: [ReadingRow]
    /// Of those candidates in this class.
    package var verdicts: [VerdictRow]
    /// Of those candidates in this class.
    package var failures: [FailureRow]
    /// Of exactly this key.
    package var finals: [FinalRow]

    package init(
        key: WinnerKey, candidates: [CandidateRow], readings: [ReadingRow], verdicts: [VerdictRow],
        failures: [FailureRow], finals: [FinalRow]
    ) {
        self.key = key
        self.candidates = candidates
        self.readings = readings
        self.verdicts = verdicts
        self.failures = failures
        self.finals = finals
    }
}

/// The pure function that decides.
package struct WinnerRule: Sendable {
    /// Names the rule and its version; a cache that another rule computed is recomputed.
    package var name: String
    /// Returns the winner, whose key must be the evidence's, or `nil` when nothing is eligible.
    package var decide: @Sendable (WinnerEvidence) -> WinnerRow?

    package init(name: String, decide: @escaping @Sendable (WinnerEvidence) -> WinnerRow?) {
        precondition(!name.isEmpty && !name.contains("\n"), "a rule's name is one line")
        self.name = name
        self.decide = decide
    }
}

extension WinnerRow {
    package var winnerKey: WinnerKey {
        WinnerKey(workload: workload, deviceClass: deviceClass, recipe: recipe, interface: interface)
    }
}

/// The workload and interface that a new fact bears on.
struct WinnerScope: Hashable, Comparable {
    var workload: String
    var interface: String
    static func < (a: WinnerScope, b: WinnerScope) -> Bool { (a.workload, a.interface) < (b.workload, b.interface) }
}

private let notVoided = "NOT EXISTS (SELECT 1 FROM voids v WHERE v.target = t.key)"
private let ofScope = "t.candidate IN (SELECT digest FROM candidates WHERE workload = ? AND interface = ?)"

extension Catalog {
    /// The decision for every key, in key order; computed from the facts when the cache is not of these facts.
    package func winners() throws(CatalogError) -> [WinnerRow] {
        try reading { db in try currentWinners(db) }
    }

    /// All facts that bear on one key.
    package func evidence(_ key: WinnerKey) throws(CatalogError) -> WinnerEvidence {
        try reading { db in try evidence(key, db) }
    }

    /// Every key for which there is a reading or a final.
    package func winnerKeys() throws(CatalogError) -> [WinnerKey] {
        try reading { db in try keys(db, in: nil) }
    }

    /// The writer checked its cache when it opened and keeps it right; a reader asks again whenever the file changed.
    func currentWinners(_ db: Database) throws -> [WinnerRow] {
        if mode == .readOnly {
            let version = try Int.fetchOne(db, sql: "PRAGMA data_version") ?? 0
            var current = trust.withLock { $0?.dataVersion == version ? $0?.winnersAreCurrent : nil }
            if current == nil { current = try winnersAreCurrent(db) }
            trust.withLock { $0 = Trust(dataVersion: version, winnersAreCurrent: current == true) }
            if current == false { return try computeWinners(db) }
        }
        return try select(WinnerRow.self, db).sorted { $0.winnerKey < $1.winnerKey }
    }

    /// Whether the cache was computed by this rule from exactly these facts.
    func winnersAreCurrent(_ db: Database) throws -> Bool {
        try WinnerStamp.stored(db) == WinnerStamp.counted(db, rule: rule.name)
    }

    /// Decides every key from the facts.
    func computeWinners(_ db: Database) throws -> [WinnerRow] {
        try keys(db, in: nil).compactMap { key in try decide(key, db) }
    }

    /// Rewrites the whole cache and its stamp.
    func recomputeWinners(_ db: Database) throws {
        try db.execute(sql: "DELETE FROM winners")
        for winner in try computeWinners(db) { _ = try insert(winner, db) }
        try WinnerStamp.counted(db, rule: rule.name).store(db)
    }

    /// Rewrites the winners that `scopes` may have changed; `added` are the new rows of the same transaction.
    func rewriteWinners(_ scopes: Set<WinnerScope>, added: [CatalogRow], _ db: Database) throws {
        guard var stamp = try WinnerStamp.stored(db) else { return try recomputeWinners(db) }
        for row in added { stamp.add(row.table.rawValue, row.key) }
        for scope in scopes.sorted() {
            for key in try keys(db, in: scope) {
                let old = try stored(key, db)
                let new = try decide(key, db)
                if old == new { continue }
                if let old {
                    try db.execute(sql: "DELETE FROM winners WHERE key = ?", arguments: [old.key.hex])
                    stamp.remove(WinnerRow.tableName, old.key)
                }
                if let new {
                    _ = try insert(new, db)
                    stamp.add(WinnerRow.tableName, new.key)
                }
            }
        }
        try stamp.store(db)
    }

    private func stored(_ key: WinnerKey, _ db: Database) throws -> WinnerRow? {
        try select(
            WinnerRow.self, db, "WHERE workload = ? AND device_class = ? AND recipe = ? AND interface = ?",
            [key.workload.hex, key.deviceClass.hex, key.recipe, key.interface]
        ).first
    }

    private func decide(_ key: WinnerKey, _ db: Database) throws -> WinnerRow? {
        let winner = rule.decide(try evidence(key, db))
        precondition(winner == nil || winner?.winnerKey == key, "the rule answers for the key it was asked")
        return winner
    }

    private func keys(_ db: Database, in scope: WinnerScope?) throws -> [WinnerKey] {
        let inScope = scope == nil ? "" : "WHERE workload = ? AND interface = ?"
        let arguments = scope.map { [$0.workload, $0.interface] } ?? []
        let statement = try db.cachedStatement(
            sql: """
                SELECT c.workload, r.device_class, r.recipe, c.interface
                FROM candidates c JOIN readings r ON r.candidate = c.digest \(inScope)
                UNION SELECT workload, device_class, recipe, interface FROM finals \(inScope)
                """)
        let cursor = try Row.fetchCursor(statement, arguments: StatementArguments(arguments + arguments))
        var keys: [WinnerKey] = []
        while let row = try cursor.next() {
            let texts = (0..<4).map { String.fromDatabaseValue(row[$0]) ?? "" }
            guard let workload = Digest(hex: texts[0]), let deviceClass = Digest(hex: texts[1]) else {
                throw CatalogError.corrupt(path: path, detail: "a candidate or reading without digests")
            }
            keys.append(
                WinnerKey(workload: workload, deviceClass: deviceClass, recipe: texts[2], interface: texts[3]))
        }
        return keys.sorted()
    }

    private func evidence(_ key: WinnerKey, _ db: Database) throws -> WinnerEvidence {
        let scope = [key.workload.hex, key.interface]
        let inClass = scope + [key.deviceClass.hex]
        var candidates: [CandidateRow] = []
        for row in try select(
            CandidateRow.self, db, "WHERE workload = ? AND interface = ? AND \(notVoided) ORDER BY digest, key", scope)
        where candidates.last?.digest != row.digest {
            candidates.append(row)
        }
        return WinnerEvidence(
            key: key, candidates: candidates,
            readings: try select(
                ReadingRow.self, db,
                "WHERE \(ofScope) AND device_class = ? AND recipe = ? AND \(notVoided) ORDER BY key",
                inClass + [key.recipe]),
            verdicts: try select(
                VerdictRow.self, db, "WHERE \(ofScope) AND device_class = ? AND \(notVoided) ORDER BY key", inClass),
            failures: try select(
                FailureRow.self, db, "WHERE \(ofScope) AND device_class = ? AND \(notVoided) ORDER BY key", inClass),
            finals: try select(
                FinalRow.self, db,
                "WHERE workload = ? AND interface = ? AND device_class = ? AND recipe = ? AND \(notVoided) "
                    + "ORDER BY key", inClass + [key.recipe]))
    }
}

/// Which facts a cache of winners was computed from.
struct WinnerStamp: Equatable {
    private struct Sum: Equatable {
        var count = 0
        /// Sum of the first 64 bits of every key, wrapping: the same for any order.
        var keys: UInt64 = 0
    }

    private static let name = "winners"
    private static let tables =
        [FactTable.candidates, .readings, .verdicts, .failures, .finals, .voids].map(\.rawValue)
        + [WinnerRow.tableName]
    private var rule: String
    private var sums: [Sum]

    /// Reads every key. Each table has an index that holds them, so no text is read.
    static func counted(_ db: Database, rule: String) throws -> WinnerStamp {
        var sums: [Sum] = []
        for table in tables {
            let cursor = try String.fetchCursor(db, sql: "SELECT key FROM \(table)")
            var sum = Sum()
            while let key = try cursor.next() {
                sum.count += 1
                sum.keys &+= UInt64(key.prefix(16), radix: 16) ?? 1
            }
            sums.append(sum)
        }
        return WinnerStamp(rule: rule, sums: sums)
    }

    /// The stamp in the file, `nil` when there is none that parses.
    static func stored(_ db: Database) throws -> WinnerStamp? {
        let text = try String.fetchOne(db, sql: "SELECT value FROM meta WHERE name = ?", arguments: [name])
        let lines = (text ?? "").split(separator: "\n")
        guard lines.count == tables.count + 1 else { return nil }
        var sums: [Sum] = []
        for (table, line) in zip(tables, lines.dropFirst()) {
            let words = line.split(separator: " ")
            guard words.count == 3, words[0] == table, let count = Int(words[1]),
                let keys = UInt64(words[2], radix: 16)
            else { return nil }
            sums.append(Sum(count: count, keys: keys))
        }
        return WinnerStamp(rule: String(lines[0]), sums: sums)
    }

    func store(_ db: Database) throws {
        var text = rule + "\n"
        for (table, sum) in zip(WinnerStamp.tables, sums) {
            text += "\(table) \(sum.count) \(String(sum.keys, radix: 16))\n"
        }
        try db.execute(
            sql: "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            arguments: [WinnerStamp.name, text])
    }

    mutating func add(_ table: String, _ key: Digest) {
        guard let index = WinnerStamp.tables.firstIndex(of: table) else { return }
        sums[index].count += 1
        sums[index].keys &+= key.seed
    }

    mutating func remove(_ table: String, _ key: Digest) {
        guard let index = WinnerStamp.tables.firstIndex(of: table) else { return }
        sums[index].count -= 1
        sums[index].keys &-= key.seed
    }
}
