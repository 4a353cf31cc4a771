// `catalog list`: the file as a whole and one line per model. Input: an open catalog. Output: a table or JSON.

import ArgumentParser
import Basics
import Catalog

struct CatalogListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Lists the models of a catalog and what is known about them.")

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let catalog = try openForReading(global.catalogPath)
        let report = try CatalogListing(catalog)
        try catalog.close()
        standardOutput(global.json ? report.json.text : report.text)
    }
}

struct CatalogListing {
    struct Model: Hashable {
        var summary: ModelSummary
        /// Keys of its workloads that are decided.
        var winners: Int
    }
    var summary: CatalogSummary
    var models: [Model]

    init(summary: CatalogSummary, models: [Model]) {
        self.summary = summary
        self.models = models
    }

    init(_ catalog: Catalog) throws(CatalogError) {
        summary = try catalog.summary()
        let decided = try catalog.winners()
        models = []
        for model in try catalog.modelSummaries() {
            let own = Set(try catalog.calls(model: model.digest).map(\.workload))
            models.append(Model(summary: model, winners: decided.count { own.contains($0.workload) }))
        }
    }

    var text: String {
        var rows = [
            [
                "model", "digest", "calls", "workloads", "measured", "candidates", "readings", "failures", "winners",
                "program",
            ]
        ]
        for model in models {
            let known = model.summary
            rows.append([
                escaped(known.name), known.digest.short, "\(known.calls)", "\(known.workloads)",
                "\(known.measuredWorkloads)", "\(known.candidates)", "\(known.readings)", "\(known.failures)",
                "\(model.winners)", known.bestLatencyNs.map(timeText) ?? "-",
            ])
        }
        let counts = summary.rows.filter { $0.rows > 0 }.map { "\($0.rows) \($0.table.rawValue)" }
        var out = "\(escaped(summary.path, limit: 1024)): version \(summary.version), \(sizeText(summary.bytes)), "
        out += "\(summary.winners) winners (\(summary.provisionalWinners) provisional)"
        if !counts.isEmpty { out += "\n" + counts.joined(separator: ", ") }
        return out + "\n\n" + (models.isEmpty ? "no models" : table(rows))
    }

    var json: JSON {
        .object([
            ("schema", .string("ironworks.catalog_list/1")), ("path", .string(summary.path)),
            ("version", .integer(summary.version)), ("size_bytes", .integer(summary.bytes)),
            ("winners", .integer(summary.winners)), ("provisional_winners", .integer(summary.provisionalWinners)),
            ("rows", .object(summary.rows.map { ($0.table.rawValue, .integer($0.rows)) })),
            (
                "models",
                .array(
                    models.map { model in
                        let known = model.summary
                        return .object([
                            ("name", .string(known.name)), ("digest", .string(known.digest.hex)),
                            ("calls", .integer(known.calls)), ("workloads", .integer(known.workloads)),
                            ("measured_workloads", .integer(known.measuredWorkloads)),
                            ("candidates", .integer(known.candidates)), ("readings", .integer(known.readings)),
                            ("failures", .integer(known.failures)), ("winners", .integer(model.winners)),
                            ("program_ns", known.bestLatencyNs.map(JSON.number)),
                        ])
                    })
            ),
        ])
    }
}
