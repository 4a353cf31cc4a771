// `catalog verify`: everything that must hold of a catalog and that SQLite alone does not enforce. Input: the
// catalog and questions that only other modules can answer (does this candidate still come out the same, is this
// digest that of its text). Output: findings; none means sound. Nothing is repaired here.

import Basics
import GRDB

/// Something that does not hold.
package enum Finding: Hashable, Sendable {
    case damaged(detail: String)
    case unreadable(table: String, key: String, flaw: RowFlaw)
    case altered(table: String, key: String, content: Digest)
    case dangling(table: String, key: String, column: String, parent: FactTable, missing: String)
    case staleWinner(key: WinnerKey, stored: Digest?, computed: Digest?)
    case executions(candidate: Digest, executions: Int, rows: Int)
    case misnamed(table: String, key: Digest, reason: String)
    case notRegenerable(candidate: Digest, reason: String)
}

/// What only other modules can check; `nil` skips the question.
package struct VerifyChecks: Sendable {
    /// Why today's program would not generate this candidate, `nil` when it would.
    package var regenerable: (@Sendable (CandidateRow, WorkloadRow) -> String?)?
    /// Why a row's digest is not that of its text, `nil` when it is.
    package var identity: (@Sendable (CatalogRow) -> String?)?

    package init(
        regenerable: (@Sendable (CandidateRow, WorkloadRow) -> String?)? = nil,
        identity: (@Sendable (CatalogRow) -> String?)? = nil
    ) {
        self.regenerable = regenerable
        self.identity = identity
    }
}

/// Problems of the file format that are listed.
private let integrityFindingsMax = 100

extension Catalog {
    /// Checks the whole file; linear in its size. Findings come in a fixed order.
    package func verify(_ checks: VerifyChecks = VerifyChecks()) throws(CatalogError) -> [Finding] {
        var findings = try reading { db in
            var findings = try integrity(db)
            guard findings.isEmpty else { return findings }
            let contents = try self.contents(db, checks)
            findings += contents
            findings += try references(db)
            findings += try executions(db)
            // Winners follow from rows: they say nothing while a row cannot be read.
            if !contents.contains(where: \.isUnreadable) { findings += try staleWinners(db) }
            return findings
        }
        if let regenerable = checks.regenerable, findings.isEmpty {
            findings += try regeneration(regenerable)
        }
        return findings
    }

    private func integrity(_ db: Database) throws -> [Finding] {
        try String.fetchAll(db, sql: "PRAGMA integrity_check(\(integrityFindingsMax))")
            .filter { $0 != "ok" }.map { .damaged(detail: $0) }
    }

    /// Recomputes the key of every row.
    private func contents(_ db: Database, _ checks: VerifyChecks) throws -> [Finding] {
        var findings: [Finding] = []
        for table in FactTable.allCases {
            try stream(table, db) { key, content in
                switch content {
                case .failure(let flaw):
                    findings.append(.unreadable(table: table.rawValue, key: key, flaw: flaw))
                case .success(let row):
                    let digest = row.key
                    if digest.hex != key {
                        findings.append(.altered(table: table.rawValue, key: key, content: digest))
                    } else if let reason = checks.identity?(row) {
                        findings.append(.misnamed(table: table.rawValue, key: digest, reason: reason))
                    }
                }
            }
        }
        return findings
    }

    /// Follows every reference; SQLite's own check must not know more.
    private func references(_ db: Database) throws -> [Finding] {
        var findings: [Finding] = []
        for reference in Reference.all {
            let (child, column, parent) = (reference.table.rawValue, reference.column, reference.parent.rawValue)
            let cursor = try Row.fetchCursor(
                db,
                sql: "SELECT key, \(column) FROM \(child) WHERE \(column) NOT IN (SELECT digest FROM \(parent)) "
                    + "ORDER BY key")
            while let row = try cursor.next() {
                findings.append(
                    .dangling(
                        table: child, key: String.fromDatabaseValue(row[0]) ?? "", column: column,
                        parent: reference.parent, missing: String.fromDatabaseValue(row[1]) ?? ""))
            }
        }
        if findings.isEmpty, let row = try Row.fetchOne(db, sql: "PRAGMA foreign_key_check") {
            findings.append(.damaged(detail: "foreign_key_check: \(String.fromDatabaseValue(row[0]) ?? "")"))
        }
        return findings
    }

    /// Every reading is one execution that was paid for once.
    private func executions(_ db: Database) throws -> [Finding] {
        let cursor = try Row.fetchCursor(
            db,
            sql: """
                SELECT candidate, sum(executions), count(*) FROM readings
                GROUP BY candidate HAVING sum(executions) <> count(*) ORDER BY candidate
                """)
        var findings: [Finding] = []
        while let row = try cursor.next() {
            guard let candidate = Digest(hex: String.fromDatabaseValue(row[0]) ?? "") else { continue }
            findings.append(
                .executions(
                    candidate: candidate, executions: Int.fromDatabaseValue(row[1]) ?? 0,
                    rows: Int.fromDatabaseValue(row[2]) ?? 0))
        }
        return findings
    }

    private func staleWinners(_ db: Database) throws -> [Finding] {
        let stored = try select(WinnerRow.self, db)
        let computed = try computeWinners(db)
        var pairs: [WinnerKey: (stored: WinnerRow?, computed: WinnerRow?)] = [:]
        for row in stored { pairs[row.winnerKey, default: (nil, nil)].stored = row }
        for row in computed { pairs[row.winnerKey, default: (nil, nil)].computed = row }
        return pairs.filter { $0.value.stored != $0.value.computed }.sorted { $0.key < $1.key }.map { key, pair in
            .staleWinner(key: key, stored: pair.stored?.candidate, computed: pair.computed?.candidate)
        }
    }

    private func regeneration(
        _ regenerable: @Sendable (CandidateRow, WorkloadRow) -> String?
    ) throws(CatalogError) -> [Finding] {
        let (candidates, workloads) = try reading { db in
            (
                try select(CandidateRow.self, db, "ORDER BY digest, key"),
                try select(WorkloadRow.self, db)
            )
        }
        let byDigest = Dictionary(workloads.map { ($0.digest, $0) }, uniquingKeysWith: { first, _ in first })
        var findings: [Finding] = []
        var last: Digest?
        for candidate in candidates where candidate.digest != last {
            last = candidate.digest
            guard let workload = byDigest[candidate.workload] else { continue }
            if let reason = regenerable(candidate, workload) {
                findings.append(.notRegenerable(candidate: candidate.digest, reason: reason))
            }
        }
        return findings
    }
}

extension Finding {
    fileprivate var isUnreadable: Bool {
        switch self {
        case .unreadable: true
        case .damaged, .altered, .dangling, .staleWinner, .executions, .misnamed, .notRegenerable: false
        }
    }
}
