// Winners follow from facts, whatever the order, and a cache that does not match the facts is never believed.

import Basics
import GRDB
import Testing

@testable import Catalog

@Test func winnersAreRewrittenInTheTransactionOfTheirFacts() throws {
    let catalog = try filled()
    let first = try catalog.winners()
    #expect(
        first == [
            WinnerRow(
                workload: Sample.key.workload, deviceClass: Sample.key.deviceClass, recipe: "lanes 1",
                interface: "A [k]", candidate: Sample.fast.digest, screenNs: 10, provisional: false)
        ])
    #expect(try catalog.append([.reading(Sample.reading(of: Sample.slow, ns: 5, attempt: "2"))]) == 1)
    #expect(try catalog.winners().map(\.candidate) == [Sample.slow.digest])
    // The table itself holds it, and the stamp says that it is of these facts.
    #expect(try catalog.reading { try catalog.select(WinnerRow.self, $0) } == catalog.winners())
    #expect(try catalog.reading { try catalog.winnersAreCurrent($0) })
}

@Test func aBatchThatFailsLeavesTheWinners() throws {
    let catalog = try filled()
    let before = try catalog.dump()
    let better = Sample.reading(of: Sample.slow, ns: 1, attempt: "2")
    let orphan = Sample.reading(of: Sample.candidate("unknown"), ns: 1)
    #expect(throws: CatalogError.self) { try catalog.append([.reading(better), .reading(orphan)]) }
    #expect(try catalog.dump() == before)
}

@Test func aWrongVerdictAndAVoidChangeTheWinner() throws {
    let catalog = try filled()
    _ = try catalog.append([.verdict(Sample.verdict(of: Sample.fast, right: false))])
    #expect(try catalog.winners().map(\.candidate) == [Sample.slow.digest])
    let reading = Sample.reading(of: Sample.slow, ns: 20)
    _ = try catalog.append([.void(VoidRow(target: reading.key, reason: "the device drifted"))])
    #expect(try catalog.winners() == [])
    #expect(try catalog.voided().contains(reading.key))
    #expect(try catalog.verify() == [])
}

@Test func aVoidMayComeBeforeItsTarget() throws {
    let late = Sample.reading(of: Sample.slow, ns: 1, attempt: "late")
    let void = CatalogRow.void(VoidRow(target: late.key, reason: "r"))
    let one = try filled(Sample.world + [void])
    _ = try one.append([.reading(late)])
    let other = try filled(Sample.world + [.reading(late)])
    #expect(try other.winners().map(\.candidate) == [Sample.slow.digest])
    _ = try other.append([void])
    #expect(try one.dump() == other.dump())
    #expect(try one.winners().map(\.candidate) == [Sample.fast.digest])
}

@Test func everyRecipeHasItsOwnWinner() throws {
    let catalog = try filled()
    _ = try catalog.append([.reading(Sample.reading(of: Sample.slow, ns: 50, recipe: "lanes 2"))])
    let winners = try catalog.winners()
    #expect(winners.map(\.recipe) == ["lanes 1", "lanes 2"])
    #expect(winners.map(\.candidate) == [Sample.fast.digest, Sample.slow.digest])
    #expect(winners.map(\.provisional) == [false, true])
    #expect(try catalog.winnerKeys() == winners.map(\.winnerKey))
}

@Test func aReadingDeletedByHandIsUnmeasuredAgain() throws {
    try inFolder { folder in
        let path = folder + "/hand.db"
        let catalog = try Catalog.open(path, mode: .readWrite, rule: Sample.rule)
        _ = try catalog.append(Sample.world)
        #expect(try catalog.winners().map(\.candidate) == [Sample.fast.digest])
        try catalog.close()
        try byHand(path, "DELETE FROM readings WHERE candidate = '\(Sample.fast.digest.hex)'")
        let reader = try Catalog.open(path, mode: .readOnly, rule: Sample.rule)
        #expect(try reader.winners().map(\.candidate) == [Sample.slow.digest])
        #expect(try reader.readings(candidate: Sample.fast.digest) == [])
        try reader.close()
        let again = try Catalog.open(path, mode: .readWrite, rule: Sample.rule)
        #expect(try again.reading { try again.select(WinnerRow.self, $0) }.map(\.candidate) == [Sample.slow.digest])
        #expect(try again.verify() == [])
        #expect(try again.append([.reading(Sample.reading(of: Sample.fast, ns: 10))]) == 1)
        #expect(try again.winners().map(\.candidate) == [Sample.fast.digest])
    }
}

@Test func oneReadingExchangedForAnotherIsNoticed() throws {
    try inFolder { folder in
        let path = folder + "/exchange.db"
        let catalog = try Catalog.open(path, mode: .readWrite, rule: Sample.rule)
        _ = try catalog.append(Sample.world)
        try catalog.close()
        let better = Sample.reading(of: Sample.slow, ns: 1, attempt: "x")
        let old = Sample.reading(of: Sample.slow, ns: 20)
        try byHand(
            path,
            """
            UPDATE readings SET key = '\(better.key.hex)', lower_quartile_ns = 1, median_ns = 1.25,
            samples_ns = '1 1.25 2', attempt = 'x' WHERE key = '\(old.key.hex)'
            """)
        let again = try Catalog.open(path, mode: .readWrite, rule: Sample.rule)
        #expect(try again.winners().map(\.candidate) == [Sample.slow.digest])
    }
}

@Test func aWinnerDeletedByHandComesBack() throws {
    try inFolder { folder in
        let path = folder + "/winner.db"
        let catalog = try Catalog.open(path, mode: .readWrite, rule: Sample.rule)
        _ = try catalog.append(Sample.world)
        let before = try catalog.dump()
        try catalog.close()
        for sql in ["DELETE FROM winners", "DELETE FROM meta WHERE name = 'winners'"] {
            try byHand(path, sql)
            let again = try Catalog.open(path, mode: .readWrite, rule: Sample.rule)
            #expect(try again.dump() == before)
            #expect(try again.verify() == [])
            try again.close()
        }
    }
}

@Test func anotherRuleDecidesAnew() throws {
    try inFolder { folder in
        let path = folder + "/rule.db"
        let catalog = try Catalog.open(path, mode: .readWrite, rule: Sample.rule)
        _ = try catalog.append(Sample.world)
        try catalog.close()
        let other = try Catalog.open(path, mode: .readWrite, rule: Sample.noWinner)
        #expect(try other.winners() == [])
        try other.close()
        let back = try Catalog.open(path, mode: .readOnly, rule: Sample.rule)
        #expect(try back.winners().map(\.candidate) == [Sample.fast.digest])
    }
}

@Test func anyOrderAndAnyPartitionGivesTheSameBytes() throws {
    var extra: [CatalogRow] = []
    for index in 0..<40 {
        let candidate = Sample.candidate("c\(index)", scratch: index)
        extra += [
            .candidate(candidate), .verdict(Sample.verdict(of: candidate, right: index % 5 != 0)),
            .reading(Sample.reading(of: candidate, ns: Double(5 + index * 7 % 11), recipe: "lanes \(index % 3)")),
        ]
    }
    let rows = Sample.world + extra
    let expected = try filled(rows).dump()
    #expect(expected.hasPrefix("ironworks catalog 2\n\n"))
    for seed in UInt64(1)...6 {
        var random = SeededRandom(seed: seed)
        // Parents stay before children across batches; within a batch any order goes.
        let catalog = try Catalog.inMemory(rule: Sample.rule)
        _ = try catalog.append(Sample.inputs.shuffled(using: &random))
        var candidates: [CatalogRow] = []
        var rest: [CatalogRow] = []
        for row in rows { if row.table == .candidates { candidates.append(row) } else { rest.append(row) } }
        _ = try catalog.append(candidates.shuffled(using: &random))
        rest = (rest + rest.prefix(20)).shuffled(using: &random)
        while !rest.isEmpty {
            let count = min(rest.count, 1 + random.below(9))
            _ = try catalog.append(Array(rest.prefix(count)))
            rest.removeFirst(count)
        }
        #expect(try catalog.dump() == expected)
        #expect(try catalog.verify() == [])
    }
}
