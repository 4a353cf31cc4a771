// `verify` finds what was changed behind the catalog's back, and its sentences say what.

import Basics
import GRDB
import Testing

@testable import Catalog

/// Findings after `sql` was run by hand on the sample world; the catalog is not reopened, so no cache is refreshed.
private func findings(
    after sql: String, rows: [CatalogRow] = Sample.world, _ checks: VerifyChecks = VerifyChecks()
) throws -> [String] {
    let catalog = try filled(rows)
    try catalog.queue.writeWithoutTransaction { db in
        try db.execute(sql: "PRAGMA foreign_keys = OFF; " + sql)
        try db.execute(sql: "PRAGMA foreign_keys = ON")
    }
    return try catalog.verify(checks).map(\.sentence)
}

@Test func aSoundCatalogHasNoFindings() throws {
    #expect(try findings(after: "") == [])
}

@Test func anAlteredRowIsFound() throws {
    let original = Sample.reading(of: Sample.fast, ns: 10)
    var altered = original
    altered.medianNs = 1
    let told = try findings(after: "UPDATE readings SET median_ns = 1 WHERE key = '\(original.key.hex)'")
    #expect(
        told == [
            "row \(original.key.short)… of table readings was altered: its content has digest \(altered.key.short)"
        ])
}

@Test func anUnreadableRowIsFound() throws {
    let key = Sample.reading(of: Sample.fast, ns: 10).key
    #expect(
        try findings(after: "UPDATE readings SET samples_ns = 'ten' WHERE key = '\(key.hex)'")
            == ["row \(key.short)… of table readings cannot be read: column samples_ns is not a number"])
    #expect(
        try findings(after: "UPDATE readings SET valid = 7 WHERE key = '\(key.hex)'")
            == ["row \(key.short)… of table readings cannot be read: column valid has the wrong type"])
}

@Test func rowsWithoutTheirParentsAreFound() throws {
    let told = try findings(after: "DELETE FROM candidates WHERE digest = '\(Sample.slow.digest.hex)'")
    let reading = Sample.reading(of: Sample.slow, ns: 20)
    #expect(
        told.contains(
            "row \(reading.key.short)… of table readings names candidate \(Sample.slow.digest.short)… "
                + "that table candidates does not hold"))
    #expect(told.count == 3)
    #expect(try findings(after: "DELETE FROM toolchains").count == 2)
}

@Test func aWinnerThatTheFactsDoNotSupportIsFound() throws {
    let (fast, slow) = (Sample.fast.digest, Sample.slow.digest)
    let head = "the stored winner of workload \(Sample.workload.digest.short) (lanes 1) is"
    #expect(
        try findings(after: "UPDATE winners SET candidate = '\(slow.hex)'")
            == ["\(head) \(slow.short), the facts say \(fast.short)"])
    #expect(try findings(after: "DELETE FROM winners") == ["\(head) missing, the facts say \(fast.short)"])
    #expect(
        try findings(after: "DELETE FROM readings; DELETE FROM finals")
            == ["\(head) \(fast.short), the facts say none"])
}

@Test func executionsWithoutRowsAreFound() throws {
    let twice = Sample.reading(of: Sample.fast, ns: 11, attempt: "2", executions: 2)
    #expect(
        try findings(after: "", rows: Sample.world + [.reading(twice)])
            == ["candidate \(Sample.fast.digest.short) was executed 3 times for 2 readings"])
}

@Test func otherModulesMayAskTheirOwnQuestions() throws {
    let checks = VerifyChecks(
        regenerable: { candidate, workload in
            guard candidate.schedule == "schedule slow", workload == Sample.workload else { return nil }
            return "the emitter prints other bytes"
        },
        identity: nil)
    #expect(
        try findings(after: "", checks)
            == [
                "candidate \(Sample.slow.digest.short) cannot be generated again: the emitter prints other bytes"
            ])
    let naming = VerifyChecks(identity: { row in
        guard case .job = row else { return nil }
        return "expected another"
    })
    let job = try #require(Sample.world.first { $0.table == .jobs })
    #expect(
        try findings(after: "", naming)
            == ["row \(job.key.short) of table jobs does not have the digest of its text: expected another"])
}

@Test func aDamagedFileIsOneFinding() {
    #expect(Finding.damaged(detail: "page 7").sentence == "the file is damaged: page 7")
}
