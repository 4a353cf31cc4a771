// `ironworks catalog`: looking at a catalog, checking it, copying and joining it. Looking opens the file read-only, one
// short transaction per question, so it works beside a coordinator; changing it takes the lock. This file holds what
// the parts share: opening, and finding what a person means by a few digits.

import ArgumentParser
import Basics
import Catalog
import Glibc
import Tuning

struct CatalogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "catalog", abstract: "Shows, checks, copies and joins catalogs.",
        subcommands: [
            CatalogListCommand.self, CatalogShowCommand.self, CatalogWhyCommand.self, CatalogVerifyCommand.self,
            CatalogDumpCommand.self, CatalogBackupCommand.self, CatalogMergeCommand.self, CatalogTagCommand.self,
            CatalogVacuumCommand.self,
        ],
        defaultSubcommand: CatalogListCommand.self)
}

/// Opens the catalog beside whoever writes it.
func openForReading(_ path: String) throws -> Catalog {
    try Catalog.open(path, mode: .readOnly, rule: winnerRule)
}

/// Opens the catalog if there is one: without records, first choices stand.
func openIfPresent(_ path: String) throws -> Catalog? {
    access(path, F_OK) == 0 ? try openForReading(path) : nil
}

/// Opens an existing catalog for writing, under its lock, for as long as `body` runs.
func withWritableCatalog(_ path: String, mayCreate: Bool = false, _ body: (Catalog) throws -> Void) throws {
    guard mayCreate || access(path, F_OK) == 0 else { throw CatalogError.missing(path: path) }
    let lock = try lockCatalog(path)
    let catalog = try Catalog.open(path, mode: .readWrite, rule: winnerRule)
    try body(catalog)
    try catalog.close()
    withExtendedLifetime(lock) {}
}

/// What the first digits of a digest mean; every table that knows the digest, things before rows with that key.
func resolve(_ prefix: String, in catalog: Catalog) throws -> (digest: Digest, tables: [FactTable]) {
    guard isDigestPrefix(prefix) else { throw InspectionError.notAPrefix(prefix) }
    let found = try catalog.find(prefix: prefix)
    guard let first = found.first else {
        throw InspectionError.unknownDigest(prefix: prefix, catalog: catalog.path)
    }
    let others = found.filter { $0.digest != first.digest }
    guard others.isEmpty else {
        var named: [InspectionError.Named] = []
        for (table, digest) in found where !named.contains(where: { $0.digest == digest }) {
            named.append(.init(table: table, digest: digest))
        }
        throw InspectionError.ambiguousDigest(prefix: prefix, found: Array(named.prefix(8)))
    }
    var tables: [FactTable] = []
    for (table, _) in found where !tables.contains(table) { tables.append(table) }
    return (first.digest, tables)
}

/// 4 to 64 lower-case hex digits.
func isDigestPrefix(_ text: String) -> Bool {
    (4...64).contains(text.utf8.count)
        && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
}

/// `1.25 ms`, `12.3 µs`, `870 ns`.
func timeText(_ ns: Double) -> String {
    if ns >= 1e9 { return fixed(ns / 1e9, 2) + " s" }
    if ns >= 1e6 { return fixed(ns / 1e6, 3) + " ms" }
    if ns >= 1e3 { return fixed(ns / 1e3, 2) + " µs" }
    return fixed(ns, 0) + " ns"
}

/// `640 B`, `4.0 KiB`, `1.5 GiB`.
func sizeText(_ bytes: Int) -> String {
    var value = Double(bytes)
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024 { return fixed(value, unit == "B" ? 0 : 1) + " " + unit }
        value /= 1024
    }
    return fixed(value, 1) + " TiB"
}
