// The parts of `catalog` that copy, join, name and compact: dump, backup, merge, tag, vacuum. What writes takes the
// catalog's lock; a backup and a dump are taken beside a coordinator.

import ArgumentParser
import Basics
import Catalog
import Tuning

struct CatalogDumpCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dump", abstract: "Prints every fact and winner; equal facts print equal bytes.")

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let catalog = try openForReading(global.catalogPath)
        if global.json {
            let rows = try DumpLines(catalog)
            for line in rows.lines { standardOutput(line.text) }
        } else {
            try catalog.dump { writeAll(1, $0) }
        }
        try catalog.close()
    }
}

/// A dump as a stream of JSON objects: a row each, then the end.
struct DumpLines {
    private(set) var lines: [JSON] = []

    init(_ catalog: Catalog) throws(CatalogError) {
        var lines: [JSON] = []
        try catalog.forEachRow { row in
            lines.append(
                .object([
                    ("schema", .string("ironworks.catalog_dump/1")), ("type", .string("row")),
                    ("table", .string(row.table.rawValue)), ("key", .string(row.key.hex)),
                    ("text", .string(row.canonicalText)),
                ]))
        }
        let count = lines.count
        lines.append(
            .object([
                ("schema", .string("ironworks.catalog_dump/1")), ("type", .string("end")),
                ("outcome", .string("done")), ("rows", .integer(count)),
            ]))
        self.lines = lines
    }
}

struct CatalogBackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Writes a whole copy, also while a coordinator runs.")

    @OptionGroup var global: GlobalOptions
    @Option(name: .long, help: "The file to write; it must not exist.")
    var to: String

    func run() throws {
        let catalog = try openForReading(global.catalogPath)
        try catalog.backup(to: to)
        let rows = try catalog.summary().rows.reduce(0) { $0 + $1.rows }
        try catalog.close()
        report(
            "backup", "\(rows) rows copied to \(escaped(to, limit: 1024))",
            [("path", .string(to)), ("rows", .integer(rows))], global)
    }
}

struct CatalogMergeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge", abstract: "Takes over the facts of other catalogs.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "Catalogs to read.")
    var others: [String]

    func run() throws {
        let sources = try others.map { try openForReading($0) }
        var total = MergeReport()
        try withWritableCatalog(global.catalogPath, mayCreate: true) { catalog in
            for other in sources {
                let report = try catalog.merge(from: other)
                total.add(report)
                try other.close()
            }
        }
        report("merge", total.text, total.fields, global)
    }
}

extension MergeReport {
    mutating func add(_ other: MergeReport) {
        added += other.added
        known += other.known
        damaged += other.damaged
        dangling += other.dangling
        clashing += other.clashing
        unknownTables += other.unknownTables
    }

    var text: String {
        var out = "\(added) rows added, \(known) known already"
        let left = [
            (damaged, "damaged"), (dangling, "refer to rows that are nowhere"),
            (clashing, "clash with another content of their digest"),
        ]
        for (count, what) in left where count > 0 { out += "; left behind: \(count) \(what)" }
        if unknownTables > 0 { out += "; \(unknownTables) tables are unknown to this version" }
        return out
    }

    var fields: [(String, JSON?)] {
        [
            ("added", .integer(added)), ("known", .integer(known)), ("damaged", .integer(damaged)),
            ("dangling", .integer(dangling)), ("clashing", .integer(clashing)),
            ("unknown_tables", .integer(unknownTables)),
        ]
    }
}

struct CatalogTagCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tag", abstract: "Gives a row a name, takes a name away, or lists the names.")

    @OptionGroup var global: GlobalOptions
    @Argument(help: "The name; without it, all names are listed.")
    var name: String?
    @Argument(help: "The first digits of what it names.")
    var digest: String?
    @Option(name: .long, help: "What to remember about it.")
    var note: String = ""
    @Flag(name: .long, help: "Take the name away.")
    var remove = false

    func run() throws {
        guard let name else { return try list() }
        guard isTagName(name) else { throw InspectionError.badName(name) }
        guard remove || digest != nil else { return try list(named: name) }
        try withWritableCatalog(global.catalogPath) { catalog in
            let old = try catalog.tags(named: name)
            var rows: [CatalogRow] = []
            var line = "'\(name)' no longer names anything"
            if let prefix = digest, !remove {
                let target = try resolve(prefix, in: catalog).digest
                var tag = TagRow(name: name, target: target, note: note)
                // a tag that was taken away stays away; the same name for the same row is a new fact
                let voided = try catalog.voided()
                while voided.contains(tag.key) { tag.note += tag.note.isEmpty ? "again" : " again" }
                rows.append(.tag(tag))
                line = "'\(name)' names \(target.short)"
            }
            let kept = Set(rows.map(\.key))
            rows += old.filter { !kept.contains($0.key) }
                .map { .void(VoidRow(target: $0.key, reason: "tag \(name) was moved or removed")) }
            _ = try catalog.append(rows)
            report("tag", line, [("name", .string(name)), ("rows", .integer(rows.count))], global)
        }
    }

    private func list(named name: String? = nil) throws {
        let catalog = try openForReading(global.catalogPath)
        let voided = try catalog.voided()
        let tags = try catalog.rows(TagRow.self)
            .filter { !voided.contains($0.key) && (name == nil || $0.name == name) }
            .sorted { ($0.name, $0.target) < ($1.name, $1.target) }
        try catalog.close()
        if global.json {
            let list = tags.map { tag in
                JSON.object([
                    ("name", .string(tag.name)), ("target", .string(tag.target.hex)), ("note", .string(tag.note)),
                ])
            }
            standardOutput(JSON.object([("schema", .string("ironworks.catalog_tag/1")), ("tags", .array(list))]).text)
        } else {
            standardOutput(
                tags.isEmpty
                    ? "no tags"
                    : leftAligned(tags.map { [escaped($0.name), $0.target.short, escaped($0.note)] }, from: 1))
        }
    }
}

/// `[A-Za-z0-9._-]{1,64}`.
func isTagName(_ name: String) -> Bool {
    (1...64).contains(name.utf8.count)
        && name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                || byte == 0x2d || byte == 0x2e || byte == 0x5f
        }
}

struct CatalogVacuumCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vacuum", abstract: "Brings a catalog up to date and gives unused space back to the disk.")

    @OptionGroup var global: GlobalOptions

    func run() throws {
        try withWritableCatalog(global.catalogPath) { catalog in
            let before = try catalog.summary().bytes
            try catalog.vacuum()
            let after = try catalog.summary().bytes
            report(
                "vacuum", "\(sizeText(before)) before, \(sizeText(after)) now",
                [("before_bytes", .integer(before)), ("after_bytes", .integer(after))], global)
        }
    }
}

/// One line, or one object.
private func report(_ what: String, _ line: String, _ fields: [(String, JSON?)], _ global: GlobalOptions) {
    let head: [(String, JSON?)] = [("schema", .string("ironworks.catalog_\(what)/1"))]
    standardOutput(global.json ? JSON.object(head + fields).text : line)
}
