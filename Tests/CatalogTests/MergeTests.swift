// Merge is a union, copies are whole, queries select what they say, events forget.

import Basics
import GRDB
import Testing

@testable import Catalog

private let left: [CatalogRow] =
    Sample.inputs + [
        .candidate(Sample.fast), .reading(Sample.reading(of: Sample.fast, ns: 10)),
        .verdict(Sample.verdict(of: Sample.fast)),
    ]
private let right: [CatalogRow] =
    Sample.inputs + [
        .candidate(Sample.slow), .reading(Sample.reading(of: Sample.slow, ns: 4)),
        .verdict(Sample.verdict(of: Sample.slow)),
    ]

@Test func mergingIsCommutativeAssociativeAndIdempotent() throws {
    func merged(_ parts: [[CatalogRow]]) throws -> Catalog {
        let catalog = try Catalog.inMemory(rule: Sample.rule)
        for part in parts { _ = try catalog.merge(from: try filled(part)) }
        return catalog
    }
    let expected = try filled(left + right + Sample.world).dump()
    for parts in [
        [left, right, Sample.world], [Sample.world, right, left], [right, left, right, Sample.world, left],
    ] {
        let catalog = try merged(parts)
        #expect(try catalog.dump() == expected)
        #expect(try catalog.verify() == [])
    }
    let nested = try merged([left])
    _ = try nested.merge(from: try merged([right, Sample.world]))
    #expect(try nested.dump() == expected)
    var report = MergeReport()
    report.known = left.count
    #expect(try nested.merge(from: try filled(left)) == report)
    #expect(try nested.merge(from: nested) == MergeReport())
    #expect(try nested.dump() == expected)
}

@Test func mergingTrustsNothing() throws {
    let other = try filled(right + [.toolchain(ToolchainRow(digest: digest("other"), text: "t"))])
    try other.queue.writeWithoutTransaction { db in
        try db.execute(
            sql: """
                PRAGMA foreign_keys = OFF;
                UPDATE readings SET lower_quartile_ns = 0.001;
                UPDATE toolchains SET text = 'forged' WHERE digest = '\(digest("other").hex)';
                CREATE TABLE future (a);
                """)
    }
    let forged = ModelWorkloadRow(
        model: digest("no model"), workload: Sample.workload.digest, weldIndexes: "", calls: 1)
    try other.transact { db in _ = try other.insert(forged, db) }
    let clash = ToolchainRow(digest: Sample.toolchain.digest, text: "another content")
    let catalog = try filled(left.filter { $0 != .toolchain(Sample.toolchain) } + [.toolchain(clash)])
    let report = try catalog.merge(from: other)
    var expected = MergeReport()
    expected.added = 2  // the candidate and its verdict
    expected.known = Sample.inputs.count - 1
    expected.damaged = 2
    expected.dangling = 1
    expected.clashing = 1
    expected.unknownTables = 1
    #expect(report == expected)
    #expect(try catalog.toolchain(Sample.toolchain.digest) == clash)
    #expect(try catalog.verify() == [])
}

@Test func aBackupIsACompleteCatalog() throws {
    try inFolder { folder in
        let catalog = try Catalog.open(folder + "/a.db", mode: .readWrite, rule: Sample.rule)
        _ = try catalog.append(Sample.world)
        let target = folder + "/copy.db"
        try catalog.backup(to: target)
        let again = sentence { try catalog.backup(to: target) }
        #expect(again == "\(target) exists already: remove it, or name another file")
        let copy = try Catalog.open(target, mode: .readWrite, rule: Sample.rule)
        #expect(try copy.dump() == catalog.dump())
        #expect(try copy.verify() == [])
        #expect(fileKind(target + ".partial") == .absent)
        let reader = try Catalog.open(folder + "/a.db", mode: .readOnly, rule: Sample.rule)
        try reader.backup(to: folder + "/copy2.db")
        #expect(try Catalog.open(folder + "/copy2.db", mode: .readOnly, rule: Sample.rule).dump() == catalog.dump())
        let nowhere = folder + "/none/copy.db"
        #expect(
            sentence { try catalog.backup(to: nowhere) }
                == "\(nowhere) cannot be written (no such file or directory): make it writable, "
                + "or name another file with --catalog")
        try catalog.vacuum()
        #expect(try catalog.dump() == copy.dump())
    }
}

@Test func queriesSelectWhatTheySay() throws {
    let catalog = try filled()
    let other = WorkloadRow(digest: digest("other workload"), text: "w")
    _ = try catalog.append([
        .workload(other), .model(ModelRow(digest: Sample.model.digest, name: "alias", graphText: "graph { }")),
    ])
    let workload = Sample.workload.digest
    #expect(try catalog.workload(workload) == Sample.workload)
    #expect(try catalog.workload(digest("none")) == nil)
    #expect(try catalog.models(named: "minilm") == [Sample.model])
    #expect(try catalog.workloads(model: Sample.model.digest) == [Sample.workload])
    #expect(try catalog.calls(model: Sample.model.digest).map(\.calls) == [2])
    #expect(try catalog.calls(workload: other.digest) == [])
    #expect(try catalog.candidates(workload: workload).count == 2)
    #expect(try catalog.readings(workload: workload).count == 2)
    #expect(try catalog.readings(workload: other.digest) == [])
    #expect(try catalog.verdicts(candidate: Sample.fast.digest) == [Sample.verdict(of: Sample.fast)])
    #expect(try catalog.failures(workload: workload).map(\.kind) == ["timeout"])
    #expect(try catalog.finals(workload: workload) == [Sample.final])
    #expect(try catalog.expansions(workload: workload).map(\.root) == ["direct 6x64"])
    #expect(try catalog.programs(model: Sample.model.digest).map(\.latencyNs) == [5e6])
    #expect(try catalog.winners(workload: workload).count == 1)
    #expect(try catalog.suspicions(unit: digest("unit")).count == 1)
    #expect(try catalog.tags(named: "release").map(\.target) == [Sample.model.digest])
    let found = try catalog.find(prefix: String(Sample.fast.digest.hex.prefix(10)))
    #expect(found.map(\.table) == [.candidates])
    #expect(found.map(\.digest) == [Sample.fast.digest])
    #expect(try catalog.find(prefix: "%").isEmpty)
}

@Test func summariesCount() throws {
    let catalog = try filled()
    let summary = try catalog.summary()
    #expect(summary.rows.map(\.rows).reduce(0, +) == Sample.world.count)
    #expect(summary.rows.first { $0.table == .readings }?.rows == 2)
    #expect((summary.winners, summary.provisionalWinners, summary.version) == (1, 0, 2))
    #expect(
        try catalog.modelSummaries() == [
            ModelSummary(
                digest: Sample.model.digest, name: "minilm", workloads: 1, calls: 2, measuredWorkloads: 1,
                candidates: 2, readings: 2, failures: 1, bestLatencyNs: 5e6)
        ])
    _ = try catalog.append([.void(VoidRow(target: Sample.reading(of: Sample.slow, ns: 20).key, reason: "r"))])
    #expect(try catalog.modelSummaries().map(\.readings) == [1])
}

@Test func eventsAreBoundedAndNeverDumped() throws {
    let catalog = try filled()
    let before = try catalog.dump()
    try catalog.note((0..<eventsMax + 5).map { EventRow(at: "t\($0)", kind: "worker", text: "joined") })
    let kept = try catalog.events(last: eventsMax * 2)
    #expect(kept.count == eventsMax)
    #expect(kept.first?.at == "t5")
    #expect(try catalog.events(last: 1).map(\.at) == ["t\(eventsMax + 4)"])
    #expect(try catalog.dump() == before)
}
