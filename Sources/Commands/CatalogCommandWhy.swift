// `catalog why WORKLOAD|MODEL`: how each winner came to win. Input: the facts that bear on a key. Output: every
// candidate with its screen or with the reason why it has none, in the order in which the rule of winners sees them.

import ArgumentParser
import Basics
import Catalog
import Schedules
import Tuning

struct CatalogWhyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Says why a workload's winners, or a model's, are what they are.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "A model's name, or the first digits of a workload, candidate or model.")
    var subject: String

    func run() throws {
        let catalog = try openForReading(global.catalogPath)
        let workloads = try subjectWorkloads(subject, in: catalog)
        let keys = try catalog.winnerKeys()
        var contests: [Contest] = []
        for workload in workloads {
            for key in keys where key.workload == workload {
                contests.append(Contest(try catalog.evidence(key)))
            }
        }
        let unread = workloads.filter { digest in !contests.contains { $0.key.workload == digest } }
        try catalog.close()
        let report = ContestReport(contests: contests, unread: unread)
        standardOutput(global.json ? report.json.text : report.text)
    }
}

/// The workloads that a name or digits stand for: of a model those it calls, of a candidate its own.
func subjectWorkloads(_ subject: String, in catalog: Catalog) throws -> [Digest] {
    func called(_ model: Digest) throws -> [Digest] {
        var out: [Digest] = []
        // in the order in which the model calls them
        let calls = try catalog.calls(model: model).map { call in
            (first: call.weldIndexes.split(separator: " ").first.flatMap { Int($0) } ?? .max, call.workload)
        }.sorted { ($0.first, $0.1) < ($1.first, $1.1) }
        for (_, workload) in calls where !out.contains(workload) { out.append(workload) }
        return out
    }
    if let model = try catalog.models(named: subject).first { return try called(model.digest) }
    guard isDigestPrefix(subject) else {
        throw InspectionError.unknownModelOrWorkload(subject, catalog: catalog.path)
    }
    let (digest, tables) = try resolve(subject, in: catalog)
    if tables.contains(.workloads) { return [digest] }
    if tables.contains(.models) { return try called(digest) }
    if tables.contains(.candidates), let candidate = try catalog.candidate(digest) { return [candidate.workload] }
    throw InspectionError.notAKind(what: "workload, model or candidate", digest: digest, kind: tables[0])
}

/// One candidate before the rule of winners.
struct ContestEntry: Hashable {
    enum Outcome: Hashable {
        /// Least corrected lower quartile of its valid readings.
        case eligible(screenNs: Double)
        case failed(kind: String, reason: String)
        case wrong(inputClass: String, maxError: Double, tolerance: Double)
        case notVerified
        /// No reading counts; so many were taken.
        case unread(readings: Int)
    }
    var candidate: Digest
    var nest: String
    var predictedNs: Double
    var readings: Int
    /// Its median share of the rounds of the final that decided; `nil` when it was in none.
    var finalRatio: Double?
    var outcome: Outcome

    var reason: String {
        switch outcome {
        case .eligible: ""
        case .failed(let kind, let reason): "\(escaped(kind)): \(escaped(reason, limit: 160))"
        case .wrong(let inputClass, let error, let tolerance):
            "wrong on \(escaped(inputClass)) inputs: off by \(numberText(error)), tolerance \(numberText(tolerance))"
        case .notVerified: "never verified"
        case .unread(0): "never measured"
        case .unread(let readings): "none of its \(readings) readings is valid"
        }
    }

    var screenNs: Double? {
        switch outcome {
        case .eligible(let ns): ns
        case .failed, .wrong, .notVerified, .unread: nil
        }
    }
}

/// The candidates of one key: the winner first, then the eligible by screen, then the others by digest.
struct Contest: Hashable {
    var key: WinnerKey
    var entries: [ContestEntry]
    /// What the rule says of them.
    var winner: WinnerRow?
    /// Rounds of the largest valid final; 0 without one.
    var rounds: Int

    init(key: WinnerKey, entries: [ContestEntry], winner: WinnerRow?, rounds: Int = 0) {
        self.key = key
        self.entries = entries
        self.winner = winner
        self.rounds = rounds
    }

    init(_ evidence: WinnerEvidence) {
        key = evidence.key
        winner = Tuning.winner(of: evidence)
        let final = evidence.finals.filter(\.valid).max {
            ($0.values.count, $1.key) < ($1.values.count, $0.key)
        }
        rounds = final?.rounds.split(separator: "\n").count ?? 0
        let shares = Dictionary(final?.values.map { ($0.candidate, $0.value) } ?? [], uniquingKeysWith: min)
        entries = evidence.candidates.map { candidate in
            let readings = evidence.readings.filter { $0.candidate == candidate.digest }
            let verdicts = evidence.verdicts.filter { $0.candidate == candidate.digest }
            let screens = readings.filter(\.valid).map { $0.lowerQuartileNs * $0.correction }
            let outcome: ContestEntry.Outcome
            if let failure = evidence.failures.first(where: { $0.candidate == candidate.digest }) {
                outcome = .failed(kind: failure.kind, reason: failure.reason)
            } else if let wrong = verdicts.first(where: { !$0.right }) {
                outcome = .wrong(inputClass: wrong.inputClass, maxError: wrong.maxError, tolerance: wrong.tolerance)
            } else if let screen = screens.min() {
                outcome = verdicts.isEmpty ? .notVerified : .eligible(screenNs: screen)
            } else {
                outcome = .unread(readings: readings.count)
            }
            return ContestEntry(
                candidate: candidate.digest, nest: nestText(candidate.schedule), predictedNs: candidate.predictedNs,
                readings: readings.count, finalRatio: shares[candidate.digest], outcome: outcome)
        }.sorted { a, b in
            (a.screenNs ?? .infinity, a.candidate) < (b.screenNs ?? .infinity, b.candidate)
        }
        if let at = entries.firstIndex(where: { $0.candidate == winner?.candidate }) {
            entries.insert(entries.remove(at: at), at: 0)
        }
    }

    /// The verdict of the rule in one sentence.
    var sentence: String {
        guard let winner else { return "no candidate is verified and measured, so there is no winner" }
        var out = "\(winner.candidate.short) wins with \(timeText(winner.screenNs))"
        let rival = entries.filter { $0.candidate != winner.candidate }.compactMap(\.screenNs).min()
        if winner.provisional {
            return out + "; provisional: it stands on screening alone and others are within 10 %"
        }
        if let ratio = entries.first(where: { $0.candidate == winner.candidate })?.finalRatio, rounds > 0 {
            return out + ": \(fixed(ratio, 3)) of the median in a final of \(rounds) rounds"
        }
        if let rival { out += ", \(fixed(rival / winner.screenNs, 3)) times as fast as any other" }
        return out + "; no final was needed"
    }

    var text: String {
        var rows = [["candidate", "predicted", "screen", "final", "readings", "nest", ""]]
        for entry in entries {
            rows.append([
                entry.candidate.short, timeText(entry.predictedNs), entry.screenNs.map(timeText) ?? "-",
                entry.finalRatio.map { fixed($0, 3) } ?? "-", "\(entry.readings)", entry.nest, entry.reason,
            ])
        }
        return "workload \(key.workload.short), device class \(key.deviceClass.short), \(escaped(key.recipe)), "
            + "interface \(escaped(key.interface, limit: 400))\n" + leftAligned(rows, from: 5) + "\n" + sentence
    }

    var json: JSON {
        .object([
            ("workload", .string(key.workload.hex)), ("device_class", .string(key.deviceClass.hex)),
            ("recipe", .string(key.recipe)), ("interface", .string(key.interface)),
            (
                "candidates",
                .array(
                    entries.map { entry in
                        .object([
                            ("digest", .string(entry.candidate.hex)), ("nest", .string(entry.nest)),
                            ("predicted_ns", .number(entry.predictedNs)),
                            ("screen_ns", entry.screenNs.map(JSON.number)),
                            ("final_ratio", entry.finalRatio.map(JSON.number)), ("readings", .integer(entry.readings)),
                            ("reason", entry.reason.isEmpty ? nil : .string(entry.reason)),
                        ])
                    })
            ), ("winner", winner.map { .string($0.candidate.hex) }),
            ("provisional", winner.map { .boolean($0.provisional) }), ("final_rounds", .integer(rounds)),
            ("sentence", .string(sentence)),
        ])
    }
}

struct ContestReport {
    var contests: [Contest]
    /// Workloads without any reading.
    var unread: [Digest]

    var text: String {
        let lines = contests.map(\.text) + unread.map { "workload \($0.short): nothing was measured" }
        return lines.isEmpty ? "no workloads" : lines.joined(separator: "\n\n")
    }

    var json: JSON {
        .object([
            ("schema", .string("ironworks.catalog_why/1")), ("contests", .array(contests.map(\.json))),
            ("unmeasured_workloads", .array(unread.map { .string($0.hex) })),
        ])
    }
}

/// The nest of a schedule's text; empty when the text is no schedule.
func nestText(_ schedule: String) -> String {
    guard let parsed = try? Schedule(parsing: schedule) else { return "" }
    return nestText(parsed)
}

func nestText(_ schedule: Schedule) -> String {
    let line = schedule.text.split(separator: "\n").map { $0.drop { $0 == " " } }.first { $0.hasPrefix("nest ") }
    return line.map { String($0.dropFirst("nest ".count)) } ?? ""
}

/// Columns like `table`, but left-aligned from column `first` on.
func leftAligned(_ rows: [[String]], from first: Int) -> String {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { c in rows.map { $0.indices.contains(c) ? $0[c].count : 0 }.max() ?? 0 }
    return table(
        rows.map { row in
            row.enumerated().map { c, cell in
                c < first ? cell : cell + String(repeating: " ", count: widths[c] - cell.count)
            }
        })
}
