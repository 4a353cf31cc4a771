// What `catalog` shows and refuses: digits that name nothing, contests that agree with the rule of winners, rows whose
// digest or source is not what their text says.

import Basics
import Catalog
@testable import Commands
import Pipeline
import Schedules
import TensorIR
import Testing
import Tuning

@Test func digitsThatNameNothingOrSeveralThingsAreRefusedWithASentence() throws {
    let catalog = try InspectionSamples.catalog()
    func sentence(_ prefix: String) -> String {
        do {
            _ = try resolve(prefix, in: catalog)
            return ""
        } catch {
            return Commands.sentence(of: error)
        }
    }
    #expect(sentence("12") == "'12' is no digest: give 4 to 64 hex digits of one, in lower case")
    #expect(sentence("XYZ1") == "'XYZ1' is no digest: give 4 to 64 hex digits of one, in lower case")
    let nowhere = String(repeating: "0", count: 64)
    #expect(
        sentence(nowhere)
            == "no row of :memory: has a digest that starts with \(nowhere): "
            + "'ironworks catalog list' shows what there is")
    let (a, b) = (try InspectionSamples.digest("a"), try InspectionSamples.digest("b"))
    let ambiguous = InspectionError.ambiguousDigest(
        prefix: "ab", found: [.init(table: .workloads, digest: a), .init(table: .candidates, digest: b)])
    #expect(
        ambiguous.sentence
            == "several digests start with ab, give more digits: aaaaaaaaaaaa (workloads), bbbbbbbbbbbb (candidates)")
}

@Test func aDigestFindsItsRowsAndWhatRefersToThem() throws {
    let catalog = try InspectionSamples.catalog()
    let winner = try #require(try catalog.winners().first)
    let (digest, tables) = try resolve(String(winner.candidate.hex.prefix(16)), in: catalog)
    #expect(digest == winner.candidate)
    #expect(tables == [.candidates])
    let shown = try ShownRows(catalog, digest, tables)
    #expect(shown.rows.count == 1)
    #expect(shown.related.map(\.title) == ["verdicts", "readings"])
    #expect(shown.text.contains("\n  schedule:\n    schedule for cpu.avx2 {\n"))
    #expect(shown.text.contains("  workload: \(winner.workload.hex)\n"))
    #expect(shown.json.text.hasPrefix("{\"schema\":\"ironworks.catalog_show/1\",\"digest\":\"\(digest.hex)\""))
    let called = try subjectWorkloads("perceptron", in: catalog)
    #expect(called.count == 3)
    #expect(try subjectWorkloads(winner.candidate.hex, in: catalog) == [winner.workload])
    #expect(throws: InspectionError.unknownModelOrWorkload("nobody", catalog: ":memory:")) {
        try subjectWorkloads("nobody", in: catalog)
    }
}

@Test func aListingCountsWhatIsKnownAboutAModel() throws {
    let listing = try CatalogListing(InspectionSamples.catalog())
    let model = try #require(listing.models.first)
    #expect(listing.models.count == 1)
    #expect((model.summary.name, model.summary.calls, model.winners) == ("perceptron", 3, 3))
    #expect(model.summary.readings > 3)
    #expect(listing.text.hasPrefix(":memory:: version "))
    #expect(listing.text.contains("\nperceptron  "))
    #expect(listing.json.text.contains("\"winners\":3,") || listing.json.text.contains("\"winners\":3}"))
}

@Test func everyContestIsWonByTheCandidateThatTheRuleChooses() throws {
    let catalog = try InspectionSamples.catalog()
    let keys = try catalog.winnerKeys()
    #expect(keys.count > 4)
    for key in keys {
        let evidence = try catalog.evidence(key)
        let contest = Contest(evidence)
        #expect(contest.entries.first?.candidate == winner(of: evidence)?.candidate)
        #expect(contest.entries.first?.screenNs == winner(of: evidence)?.screenNs)
        #expect(contest.sentence.contains("wins with"))
    }
}

@Test func aContestSaysWhyACandidateHasNoScreen() throws {
    let catalog = try InspectionSamples.catalog()
    var evidence = try catalog.evidence(
        try #require(
            try catalog.winnerKeys().first { key in
                try catalog.candidates(workload: key.workload).count >= 2
            }))
    let best = try #require(Contest(evidence).entries.first?.candidate)
    evidence.failures.append(
        FailureRow(
            candidate: best, deviceClass: evidence.key.deviceClass, kind: "crashed", reason: "crashed with signal 11",
            attempt: "1"))
    let failed = try #require(Contest(evidence).entries.last)
    #expect(failed.candidate == best)
    #expect(failed.reason == "crashed: crashed with signal 11")
    #expect(Contest(evidence).entries.first?.candidate == winner(of: evidence)?.candidate)
    evidence.failures = []
    evidence.verdicts = []
    #expect(Contest(evidence).entries.allSatisfy { $0.reason == "never verified" })
    #expect(Contest(evidence).sentence == "no candidate is verified and measured, so there is no winner")
}

@Test func aSoundCatalogHasNoFindingsAndEveryCandidateComesOutTheSame() throws {
    let catalog = try InspectionSamples.catalog()
    #expect(try catalog.verify(verifyChecks) == [])
    #expect(verifyText(path: "a.db", rows: 12, []) == "a.db: 12 rows, sound")
    #expect(verifyText(path: "a.db", rows: 12, ["x"]) == "a.db: 12 rows, 1 finding\nx")
}

@Test func aCandidateOfAnotherSourceOrAnUnfitScheduleIsNotRegenerable() throws {
    let catalog = try InspectionSamples.catalog()
    let candidates = try catalog.rows(CandidateRow.self)
    let contraction = try #require(candidates.first { $0.schedule.contains("nest contraction") })
    let workload = try #require(try catalog.workload(contraction.workload))
    #expect(regenerationObjection(contraction, workload) == nil)
    var changed = contraction
    changed.sourceDigest = Digest(of: "another emitter")
    #expect(
        regenerationObjection(changed, workload)
            == "its source has digest \(contraction.sourceDigest.short) today, it was measured with "
            + "\(changed.sourceDigest.short)")
    changed.schedule = contraction.schedule.replacing(
        /nest contraction.*/, with: "nest map task(1)")
    #expect(
        regenerationObjection(changed, workload)
            == "a map nest does not fit a workload of structure contraction")
    changed.schedule = contraction.schedule.replacing(
        /depth:\d+ micro\([^)]*\)/, with: "depth:8 micro(rows:5000, columns:16)")
    #expect(regenerationObjection(changed, workload) == "the row tile is 5000")
    changed.schedule = "schedule"
    #expect(
        regenerationObjection(changed, workload) == "line 1, column 9: expected 'for', found the end of the text")
}

@Test func aRowWhoseTextHasAnotherDigestIsNamed() throws {
    let catalog = try InspectionSamples.catalog()
    let row = try #require(try catalog.rows(WorkloadRow.self).first)
    #expect(identityObjection(.workload(row)) == nil)
    let wrong = WorkloadRow(digest: Digest(of: "other"), text: row.text)
    #expect(
        identityObjection(.workload(wrong))
            == "the text has digest \(row.digest.short), the row says \(Digest(of: "other").short)")
    let loose = WorkloadRow(digest: row.digest, text: row.text + "\n")
    #expect(identityObjection(.workload(loose)) == "the text is not in its canonical form")
    #expect(
        identityObjection(.workload(WorkloadRow(digest: row.digest, text: "x")))
            == "its text does not parse: line 1, column 1: expected 'workload', found 'x'")
}

@Test func tagNamesAndMergeReportsSpeakPlainly() {
    #expect(isTagName("night-1.best_of"))
    #expect(!isTagName("") && !isTagName("two words") && !isTagName(String(repeating: "a", count: 65)))
    #expect(
        InspectionError.badName("two words").sentence
            == "'two words' cannot be a tag: use 1 to 64 letters, digits, '-', '_' and '.'")
    var report = MergeReport()
    report.added = 3
    report.damaged = 1
    #expect(report.text == "3 rows added, 0 known already; left behind: 1 damaged")
}
