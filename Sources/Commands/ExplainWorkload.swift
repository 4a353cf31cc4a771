// The explanation of a workload: per calibration and interface Roller's candidates in its order, each with its
// prediction, its bound, what was measured, its verdicts, failures and finals, what the compiler made of the best, and
// the reasons for which others were left aside. Input: facts of a
// catalog. Output: tables or JSON. The reasons come from constructing anew, which is pure and takes milliseconds.

import Basics
import Catalog
import DeviceModel
import Roller
import Schedules
import TensorIR
import Tuning

struct WorkloadExplanation: Explanation {
    struct Candidate: Hashable {
        var schedule: Digest
        var nest: String
        var predictedNs: Double
        var lowerBoundNs: Double
        /// Least corrected lower quartile of the valid readings.
        var measuredNs: Double?
        var readings: Int
        var right: Int
        var wrong: Int
        var failures: [String]
        /// The compiler of the fastest object; `nil` when nothing was measured.
        var compiler: String?
        /// Its median share of the rounds of a final; the least of its objects.
        var finalRatio: Double?
        /// What the compiler made of an object that came first in a final.
        var object: ObjectCheckRow?
        /// Some key has it as its winner.
        var wins: Bool
    }
    struct Ranking: Hashable {
        var device: String
        var calibration: Digest
        var interface: String
        /// How the times were taken; `nil` when none were.
        var recipe: String?
        var candidates: [Candidate]
        /// `12 registers: needs 40 vector registers, …`
        var rejections: [String]
    }
    struct Call: Hashable {
        var model: String
        var calls: Int
    }
    var digest: Digest
    var structure: String
    var flops: Double
    var bytes: Int
    var calls: [Call]
    var rankings: [Ranking]
    var workloadText: String

    var text: String {
        var out = "workload \(digest.hex)\n\(structure), \(fixed(flops / 1e6, 2)) Mflop, "
        out += "\(sizeText(bytes)) moved at least"
        for call in calls { out += "\ncalled \(call.calls) times by \(escaped(call.model))" }
        out += "\n\n" + workloadText
        for ranking in rankings { out += "\n" + ranking.text }
        return rankings.isEmpty ? out + "\nnothing was constructed or measured yet" : out
    }

    var json: JSON {
        .object([
            ("schema", .string("ironworks.explain/1")), ("workload", .string(digest.hex)),
            ("structure", .string(structure)), ("flops", .number(flops)), ("moved_bytes", .integer(bytes)),
            ("text", .string(workloadText)),
            (
                "calls",
                .array(calls.map { .object([("model", .string($0.model)), ("calls", .integer($0.calls))]) })
            ), ("rankings", .array(rankings.map(\.json))),
        ])
    }
}

extension WorkloadExplanation.Ranking {
    var text: String {
        var cells = [["rank", "schedule", "predicted", "bound", "measured", "ratio", "", "nest", ""]]
        for (n, one) in candidates.enumerated() {
            cells.append([
                "\(n + 1)", one.schedule.short, timeText(one.predictedNs), timeText(one.lowerBoundNs),
                one.measuredNs.map(timeText) ?? "-",
                one.measuredNs.map { fixed($0 / max(one.predictedNs, 1e-9), 2) } ?? "-", one.wins ? "wins" : "",
                one.nest, one.remark,
            ])
        }
        var out = "on \(device), calibration \(calibration.short), interface \(escaped(interface, limit: 400))"
        out += (recipe.map { ", " + escaped($0) } ?? "") + ":\n" + leftAligned(cells, from: 6)
        if !rejections.isEmpty { out += "\nleft aside:\n" + rejections.map { "  " + $0 }.joined(separator: "\n") }
        return out + "\n"
    }

    var json: JSON {
        .object([
            ("device", .string(device)), ("calibration", .string(calibration.hex)),
            ("interface", .string(interface)), ("recipe", recipe.map(JSON.string)),
            ("candidates", .array(candidates.map(\.json))), ("rejections", .array(rejections.map(JSON.string))),
        ])
    }
}

extension WorkloadExplanation.Candidate {
    /// Verdicts, failures, finals and objects in words.
    var remark: String {
        var parts: [String] = []
        if let compiler { parts.append(escaped(compiler, limit: 40)) }
        if let finalRatio { parts.append("\(fixed(finalRatio, 3)) in its final") }
        if let object, object.fullWidthFmas + object.narrowFmas + object.blockSpills > 0 {
            parts.append(
                "\(object.fullWidthFmas) full-width and \(object.narrowFmas) narrow FMAs, \(object.blockSpills) spills")
        }
        if wrong > 0 { parts.append("wrong \(wrong) of \(right + wrong) times") }
        if wrong == 0, right > 0 { parts.append("right \(right) times") }
        return (parts + failures).joined(separator: "; ")
    }

    var json: JSON {
        .object([
            ("schedule", .string(schedule.hex)), ("nest", .string(nest)), ("predicted_ns", .number(predictedNs)),
            ("lower_bound_ns", .number(lowerBoundNs)), ("measured_ns", measuredNs.map(JSON.number)),
            ("readings", .integer(readings)), ("right", .integer(right)), ("wrong", .integer(wrong)),
            ("failures", .array(failures.map(JSON.string))), ("compiler", compiler.map(JSON.string)),
            ("final_ratio", finalRatio.map(JSON.number)),
            (
                "object",
                object.map { object in
                    .object([
                        ("full_width_fmas", .integer(object.fullWidthFmas)),
                        ("narrow_fmas", .integer(object.narrowFmas)), ("block_spills", .integer(object.blockSpills)),
                    ])
                }
            ), ("wins", .boolean(wins)),
        ])
    }
}

extension WorkloadExplanation {
    init(_ catalog: Catalog, _ workload: Workload, _ digest: Digest) throws {
        self.digest = digest
        structure = structureText(workload)
        flops = workload.flops
        bytes = workload.compulsoryBytes
        workloadText = workload.text
        calls = try catalog.calls(workload: digest).map { row in
            Call(model: try catalog.model(row.model)?.name ?? row.model.short, calls: row.calls)
        }
        let outcomes = try WorkloadOutcomes(catalog, digest)
        var pinned: [Place: [Ranked<Schedule>.Entry]] = [:]
        for row in try catalog.expansions(workload: digest) {
            guard let interface = try? Interface(parsing: row.interface), interface.fits(workload) else { continue }
            pinned[Place(calibration: row.calibration, interface: interface), default: []] +=
                (try? expansionEntries(row)) ?? []
        }
        rankings = []
        for (place, entries) in pinned.sorted(by: { $0.key < $1.key }) {
            var unique: [Ranked<Schedule>.Entry] = []
            var seen: Set<Schedule> = []
            for entry in ranked(entries) where seen.insert(entry.value).inserted { unique.append(entry) }
            let device = try WorkloadExplanation.device(place.calibration, catalog)
            let kind = device?.kind.digest
            let rejections = device.map { WorkloadExplanation.rejections(workload, place.interface, $0) } ?? []
            let recipes = outcomes.recipes(kind)
            for recipe in recipes.isEmpty ? [nil] : recipes.map(Optional.some) {
                rankings.append(
                    Ranking(
                        device: device.map { "\($0.kind.processor) \($0.kind.isa.rawValue)" } ?? "an unknown device",
                        calibration: place.calibration, interface: place.interface.text, recipe: recipe,
                        candidates: unique.map { outcomes.candidate($0, kind, recipe) }, rejections: rejections))
            }
        }
    }

    /// What one ranking is about.
    private struct Place: Hashable, Comparable {
        var calibration: Digest
        var interface: Interface
        static func < (a: Place, b: Place) -> Bool {
            (a.calibration, a.interface.text) < (b.calibration, b.interface.text)
        }
    }

    /// The device whose rates a calibration holds.
    private static func device(_ calibration: Digest, _ catalog: Catalog) throws -> Device? {
        guard let row = try catalog.calibration(calibration), let kind = try catalog.deviceClass(row.deviceClass) else {
            return nil
        }
        return Device(kind: try DeviceClass(parsing: kind.text), calibration: try Calibration(parsing: row.text))
    }

    static func rejections(_ workload: Workload, _ interface: Interface, _ device: Device) -> [String] {
        construct(workload, interface, device, ConstructLimits()).rejections.map {
            "\($0.count) \($0.kind): \($0.example.sentence)"
        }
    }
}
