// Facts go in once, come out equal, and are refused as a whole batch or not at all.

import Basics
import GRDB
import Testing

@testable import Catalog

@Test func everyKindOfRowComesBackEqualAfterReopening() throws {
    #expect(Set(Sample.world.map(\.table)) == Set(FactTable.allCases))
    try inFolder { folder in
        let path = folder + "/all.db"
        let catalog = try Catalog.open(path, mode: .readWrite, rule: Sample.rule)
        #expect(try catalog.append(Sample.world) == Sample.world.count)
        try catalog.close()
        let reader = try Catalog.open(path, mode: .readOnly, rule: Sample.rule)
        var rows: [CatalogRow] = []
        try reader.forEachRow { rows.append($0) }
        #expect(rows.count == Sample.world.count)
        #expect(Set(rows) == Set(Sample.world))
        for table in FactTable.allCases {
            let keys = rows.filter { $0.table == table }.map(\.key)
            #expect(keys == keys.sorted())
        }
    }
}

@Test func aRowSentTwiceIsOneRow() throws {
    let catalog = try filled()
    #expect(try catalog.append(Sample.world) == 0)
    #expect(try catalog.append(Sample.world + Sample.world) == 0)
    let another = Sample.reading(of: Sample.fast, ns: 10, attempt: "2")
    #expect(try catalog.append([.reading(another), .reading(another)]) == 1)
    #expect(try catalog.count(.readings) == 3)
}

@Test func keysDependOnEveryColumn() {
    let row = Sample.reading(of: Sample.fast, ns: 10)
    var keys: Set<Digest> = [row.key]
    var changed = row
    changed.flags = "x"
    keys.insert(changed.key)
    changed = row
    changed.attempt = "x"
    keys.insert(changed.key)
    changed = row
    changed.executions = 2
    keys.insert(changed.key)
    changed = row
    changed.samplesNs = [10, 10.25]
    keys.insert(changed.key)
    changed = row
    changed.valid = false
    keys.insert(changed.key)
    #expect(keys.count == 6)
    // A text cannot pretend to be two columns.
    let a = SuspicionRow(unit: digest("u"), worker: "w\nreason (1) r", reason: "", attempt: "")
    let b = SuspicionRow(unit: digest("u"), worker: "w", reason: "r\nreason (0) ", attempt: "")
    #expect(a.key != b.key)
}

@Test func theKeyOfARowIsTheDigestOfItsText() {
    let row = ToolchainRow(digest: digest("toolchain"), text: "clang 19")
    let text = "toolchains\ndigest \(digest("toolchain").hex)\ntext (8) clang 19\n"
    #expect(row.canonicalText == text)
    #expect(row.key == Digest(of: text))
}

@Test func aRowThatNamesAnUnknownRowIsRefusedWithItsWholeBatch() throws {
    let catalog = try filled(Sample.inputs)
    let orphan = Sample.reading(of: Sample.fast, ns: 10)
    let told = sentence { _ = try catalog.append([.candidate(Sample.slow), .reading(orphan)]) }
    #expect(
        told == "row \(orphan.key.short) of table readings names candidate "
            + "\(Sample.fast.digest.short)… that table candidates does not hold: "
            + "store that row first, or in the same batch")
    #expect(try catalog.count(.candidates) == 0)
    #expect(try catalog.append([.reading(orphan), .candidate(Sample.fast)]) == 2)
}

@Test func rowsThatCannotBeStoredAreNamed() throws {
    let catalog = try filled(Sample.inputs)
    var reading = Sample.reading(of: Sample.fast, ns: 10)
    reading.medianNs = .nan
    #expect(
        sentence { _ = try catalog.append([.candidate(Sample.fast), .reading(reading)]) }
            == "a row for table readings cannot be stored: column median_ns is not a number")
    let long = JobRow(digest: digest("j"), name: "n", text: String(repeating: "x", count: 1 << 20 | 1))
    #expect(
        sentence { _ = try catalog.append([.job(long)]) }
            == "a row for table jobs cannot be stored: column text has 1048577 bytes, the limit is 1048576")
    #expect(
        sentence { _ = try catalog.append([.tag(TagRow(name: "a\0b", target: digest("t"), note: ""))]) }
            == "a row for table tags cannot be stored: column name holds a zero byte")
    #expect(try catalog.count(.candidates) == 0)
}

@Test func numbersThatSQLiteTreatsSpeciallySurvive() throws {
    let catalog = try filled(Sample.inputs + [.candidate(Sample.fast)])
    let wrong = Sample.verdict(of: Sample.fast, right: false, maxError: .nan)
    #expect(wrong.maxError == .infinity)
    var reading = Sample.reading(of: Sample.fast, ns: 1)
    reading.samplesNs = [0.1, 1e300, .leastNonzeroMagnitude, .infinity, 3]
    reading.correction = -0.0
    #expect(try catalog.append([.verdict(wrong), .reading(reading)]) == 2)
    #expect(try catalog.rows(VerdictRow.self) == [wrong])
    #expect(try catalog.rows(ReadingRow.self) == [reading])
    #expect(try catalog.verify() == [])
}

@Test func theFirstContentOfADigestStays() throws {
    let catalog = try filled(Sample.inputs)
    #expect(try catalog.append([.toolchain(ToolchainRow(digest: digest("toolchain"), text: "a forgery"))]) == 0)
    #expect(try catalog.toolchain(digest("toolchain")) == Sample.toolchain)
}

@Test func oneCandidateMayHaveTwoPredictions() throws {
    let catalog = try filled()
    #expect(try catalog.append([.candidate(Sample.candidate("fast", scratch: 64, predictedNs: 99))]) == 1)
    #expect(try catalog.candidates(workload: Sample.workload.digest).count == 3)
    let digests = [Sample.fast.digest, Sample.slow.digest].sorted()
    #expect(try catalog.evidence(Sample.key).candidates.map(\.digest) == digests)
}

@Test func tenThousandRowsGoInAtOnce() throws {
    try inFolder { folder in
        let catalog = try Catalog.open(folder + "/many.db", mode: .readWrite, rule: Sample.rule)
        _ = try catalog.append(Sample.world)
        let rows = (0..<10_000).map { index in
            let candidate = index % 2 == 0 ? Sample.fast : Sample.slow
            return CatalogRow.reading(Sample.reading(of: candidate, ns: 30, attempt: "a\(index)"))
        }
        #expect(try catalog.append(rows) == 10_000)
        #expect(try catalog.count(.readings) == 10_002)
        #expect(try catalog.winners().map(\.candidate) == [Sample.fast.digest])
    }
}

@Test func aFullDiskLosesNothingThatWasCommitted() throws {
    try inFolder { folder in
        let path = folder + "/full.db"
        let catalog = try Catalog.open(path, mode: .readWrite, rule: Sample.rule)
        _ = try catalog.append(Sample.world)
        try catalog.queue.writeWithoutTransaction { db in
            let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            try db.execute(sql: "PRAGMA max_page_count = \(pages + 2)")
        }
        let job = JobRow(digest: digest("j"), name: "large", text: String(repeating: "x", count: 1 << 19))
        #expect(
            sentence { _ = try catalog.append([.job(job)]) }
                == "the disk that holds \(path) is full; what was committed is safe: free some space "
                + "and run the same command again")
        #expect(try catalog.count(.jobs) == 1)
        try catalog.queue.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA max_page_count = 1000000") }
        #expect(try catalog.append([.job(job)]) == 1)
    }
}
