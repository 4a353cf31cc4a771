// Opening a catalog. In order: is there a file we may touch; is it ours; is its version ours; is it sound; then
// settings, migrations and the winners. Input: a path. Output: a `Catalog`, or one error. A stranger's file is never
// changed, nor is a newer one; an older one is copied aside before it is migrated. `synchronous` is set after
// opening and read back, because a layer below may lower it while it sets up WAL.

import Basics
import GRDB
import Glibc

/// How long a statement waits for another connection.
private let busySecondsMax = 5.0

extension Catalog {
    static func open(
        _ path: String, mode: Mode, rule: WinnerRule, schema: Schema, filesystemType: @Sendable (String) -> String
    ) throws(CatalogError) -> Catalog {
        let kind = try probe(path, mode, filesystemType)
        if case .absent = kind, mode == .readOnly { throw .missing(path: path) }
        let journal = fileKind(path + "-wal")
        var crashed = false
        if case .regular(let bytes) = journal { crashed = bytes > 0 }
        let queue = try connect(path, mode, journal)
        var succeeded = false
        defer { if !succeeded { try? queue.close() } }

        let version = try identify(path, mode, queue, schema)
        do {
            switch mode {
            case .readOnly: break
            case .readWrite: try queue.writeWithoutTransaction { db in try configure(db, path: path, file: true) }
            }
            if crashed, mode == .readWrite { try check(queue, path) }
        } catch {
            throw catalogError(error, path: path)
        }
        let catalog = Catalog(
            path: path, mode: mode, recovered: crashed && mode == .readWrite, queue: queue, rule: rule, schema: schema)
        if mode == .readWrite { try catalog.bringUpToDate(from: version) }
        succeeded = true
        return catalog
    }

    static func openInMemory(rule: WinnerRule, schema: Schema) throws(CatalogError) -> Catalog {
        let path = ":memory:"
        do {
            let queue = try DatabaseQueue(configuration: configuration(.readWrite))
            try queue.writeWithoutTransaction { db in try configure(db, path: path, file: false) }
            let catalog = Catalog(
                path: path, mode: .readWrite, recovered: false, queue: queue, rule: rule, schema: schema)
            try catalog.bringUpToDate(from: 0)
            return catalog
        } catch {
            throw catalogError(error, path: path)
        }
    }

    /// What is at `path`, when we may go on.
    private static func probe(
        _ path: String, _ mode: Mode, _ filesystemType: (String) -> String
    ) throws(CatalogError) -> FileKind {
        guard !path.isEmpty, !path.utf8.contains(0) else { throw .notACatalog(path: path, what: .emptyPath) }
        let folder = parentFolder(path)
        let kind = fileKind(path)
        switch kind {
        case .folder: throw .notACatalog(path: path, what: .folder)
        case .special: throw .notACatalog(path: path, what: .specialFile)
        case .regular, .absent: break
        }
        if mode == .readWrite {
            guard fileKind(folder) == .folder else {
                throw .cannotWrite(path: path, reason: "its folder does not exist")
            }
            if let reason = refusal(folder, W_OK) { throw .cannotWrite(path: path, reason: reason) }
        }
        if case .regular(let bytes) = kind {
            if let reason = refusal(path, R_OK) { throw .cannotRead(path: path, reason: reason) }
            if mode == .readWrite, let reason = refusal(path, W_OK) { throw .cannotWrite(path: path, reason: reason) }
            guard startsAsSQLite(path) else { throw .notACatalog(path: path, what: .otherFile) }
            if mode == .readOnly, bytes == 0 { throw .notACatalog(path: path, what: .emptyFile) }
        }
        let type = filesystemType(kind == .absent ? folder : path)
        if isNetworkFilesystem(type) { throw .networkFilesystem(path: path, kind: type) }
        return kind
    }

    private static func configuration(_ mode: Mode) -> Configuration {
        var configuration = Configuration()
        configuration.readonly = mode == .readOnly
        configuration.foreignKeysEnabled = true
        configuration.busyMode = .timeout(busySecondsMax)
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0")
        }
        return configuration
    }

    private static func connect(
        _ path: String, _ mode: Mode, _ journal: FileKind
    ) throws(CatalogError) -> DatabaseQueue {
        // Never an absolute-looking keyword or URI: a relative path starts with a dot.
        let plain = path.hasPrefix("/") ? path : "./" + path
        // Readers of a WAL file need its -shm beside it; where none can be made, nobody writes either.
        let frozen = mode == .readOnly && journal == .absent && refusal(parentFolder(path), W_OK) != nil
        do {
            return try DatabaseQueue(
                path: frozen ? uri(plain) + "?immutable=1" : plain, configuration: configuration(mode))
        } catch {
            let failure = catalogError(error, path: path)
            guard case .sqlite(_, let code, let message) = failure, code & 0xff == 14 else { throw failure }
            switch mode {
            case .readOnly: throw .cannotRead(path: path, reason: message)
            case .readWrite: throw .cannotWrite(path: path, reason: message)
            }
        }
    }

    private static func uri(_ path: String) -> String {
        var out = "file:"
        for byte in path.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x2f, 0x5f, 0x7e:
                out.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                out += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return out
    }

    /// The version of the file, 0 for a new one.
    private static func identify(
        _ path: String, _ mode: Mode, _ queue: DatabaseQueue, _ schema: Schema
    ) throws(CatalogError) -> Int {
        let header: (id: Int, version: Int, tables: Int)
        do {
            header = try queue.read { db in
                (
                    try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0,
                    try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0,
                    try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
                )
            }
        } catch {
            throw catalogError(error, path: path)
        }
        if header.id == 0, header.version == 0, header.tables == 0 {
            if mode == .readOnly { throw .notACatalog(path: path, what: .emptyFile) }
            return 0
        }
        guard header.id == Schema.applicationID else {
            throw .notACatalog(path: path, what: .otherDatabase(applicationID: header.id))
        }
        if header.version > schema.version {
            throw .newerVersion(path: path, version: header.version, readsUpTo: schema.version)
        }
        if header.version < schema.version, mode == .readOnly {
            throw .olderVersion(path: path, version: header.version, current: schema.version)
        }
        return header.version
    }

    /// Settings of the one connection that writes; each is read back.
    private static func configure(_ db: Database, path: String, file: Bool) throws {
        if file {
            let journal = try String.fetchOne(db, sql: "PRAGMA journal_mode = WAL")
            guard journal == "wal" else {
                throw CatalogError.cannotWrite(path: path, reason: "its journal mode stays \(journal ?? "unknown")")
            }
        }
        try db.execute(sql: "PRAGMA synchronous = FULL")
        let synchronous = try Int.fetchOne(db, sql: "PRAGMA synchronous")
        precondition(synchronous == 2, "an acknowledged row must survive a power cut: synchronous is FULL")
        let foreignKeys = try Int.fetchOne(db, sql: "PRAGMA foreign_keys")
        precondition(foreignKeys == 1, "foreign keys are enforced")
    }

    private static func check(_ queue: DatabaseQueue, _ path: String) throws {
        let answer = try queue.read { db in try String.fetchOne(db, sql: "PRAGMA quick_check(1)") }
        guard answer == "ok" else {
            throw CatalogError.corrupt(path: path, detail: answer ?? "no answer from quick_check")
        }
    }

    /// Migrates, and recomputes the winners when the facts are not those that they were computed from.
    private func bringUpToDate(from version: Int) throws(CatalogError) {
        if version < schema.version {
            if version > 0 {
                let copy = path + ".v\(version).backup"
                if fileKind(copy) == .absent { try backup(to: copy) }
            }
            try transact { db in try schema.migrate(db, from: version) }
        }
        let current = try reading { db in try winnersAreCurrent(db) }
        if !current { try transact { db in try recomputeWinners(db) } }
    }
}
