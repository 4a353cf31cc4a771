// The sentences of this module: what happened, to which file, and what to do next. Input: errors and findings with
// their facts. Output: one sentence each, without a trailing newline. Texts that came out of a file or from a peer
// are escaped; tests hold every sentence as literal text.

import Basics

extension CatalogError: Explained {
    package var sentence: String {
        switch self {
        case .missing(let path):
            "\(shown(path)) does not exist: create it with 'ironworks tune', or name another file with --catalog"
        case .notACatalog(let path, let what):
            "\(shown(path)) is not an Ironworks catalog (\(what.phrase)): name another file with --catalog"
        case .newerVersion(let path, let version, let readsUpTo):
            "\(shown(path)) was written by a newer Ironworks (catalog version \(version), this one reads up to "
                + "\(readsUpTo)): update Ironworks, or name another file with --catalog"
        case .olderVersion(let path, let version, let current):
            "\(shown(path)) was written by an older Ironworks (catalog version \(version), this one reads \(current)): "
                + "run 'ironworks catalog vacuum --catalog \(shown(path))' once to bring it up to date"
        case .cannotWrite(let path, let reason):
            "\(shown(path)) cannot be written (\(escaped(reason))): make it writable, "
                + "or name another file with --catalog"
        case .cannotRead(let path, let reason):
            "\(shown(path)) cannot be read (\(escaped(reason))): make it readable, "
                + "or name another file with --catalog"
        case .corrupt(let path, let detail):
            "\(shown(path)) is damaged (\(escaped(detail))): put a backup in its place, "
                + "or name another file with --catalog"
        case .networkFilesystem(let path, let kind):
            "\(shown(path)) lies on a network file system (\(kind)), which can lose what SQLite writes: "
                + "put it on a local disk, or insist with --allow-network-filesystem"
        case .diskFull(let path):
            "the disk that holds \(shown(path)) is full; what was committed is safe: free some space "
                + "and run the same command again"
        case .locked(let path):
            "\(shown(path)) is locked by another program: close it (an open sqlite3 shell?) "
                + "and run the same command again"
        case .inUse(let path, let holder):
            "\(shown(path)) is in use by process \(holder.pid) on \(escaped(holder.host)): "
                + "wait until it has ended, or name another catalog with --catalog"
        case .malformed(let table, let flaw):
            "a row for table \(table.rawValue) cannot be stored: \(flaw.phrase)"
        case .dangling(let table, let key, let column, let parent, let missing):
            "row \(key.short) of table \(table.rawValue) names \(column) \(escaped(missing, limit: 12)) "
                + "that table \(parent.rawValue) does not hold: store that row first, or in the same batch"
        case .targetExists(let path):
            "\(shown(path)) exists already: remove it, or name another file"
        case .sqlite(let path, let code, let message):
            "SQLite failed on \(shown(path)) with code \(code) (\(escaped(message))): "
                + "check the disk, then run 'ironworks catalog verify'"
        }
    }
}

extension CatalogError.Stranger {
    var phrase: String {
        switch self {
        case .emptyPath: "the path is empty"
        case .folder: "it is a folder"
        case .specialFile: "it is no regular file"
        case .emptyFile: "it is empty"
        case .otherFile: "it is no SQLite file"
        case .otherDatabase(let id): "it is an SQLite file with application id \(id)"
        }
    }
}

extension RowFlaw {
    /// A clause that names the column.
    var phrase: String {
        switch self {
        case .notANumber(let column): "column \(column) is not a number"
        case .tooLong(let column, let bytes, let bytesMax):
            "column \(column) has \(bytes) bytes, the limit is \(bytesMax)"
        case .zeroByte(let column): "column \(column) holds a zero byte"
        case .notADigest(let column): "column \(column) is not a digest"
        case .wrongType(let column): "column \(column) has the wrong type"
        }
    }
}

extension Finding: Explained {
    package var sentence: String {
        switch self {
        case .damaged(let detail): "the file is damaged: \(escaped(detail))"
        case .unreadable(let table, let key, let flaw):
            "row \(escaped(key, limit: 12)) of table \(escaped(table)) cannot be read: \(flaw.phrase)"
        case .altered(let table, let key, let content):
            "row \(escaped(key, limit: 12)) of table \(escaped(table)) was altered: "
                + "its content has digest \(content.short)"
        case .dangling(let table, let key, let column, let parent, let missing):
            "row \(escaped(key, limit: 12)) of table \(escaped(table)) names \(column) "
                + "\(escaped(missing, limit: 12)) that table \(parent.rawValue) does not hold"
        case .staleWinner(let key, let stored, let computed):
            "the stored winner of workload \(key.workload.short) (\(escaped(key.recipe))) is "
                + "\(stored?.short ?? "missing"), the facts say \(computed?.short ?? "none")"
        case .executions(let candidate, let executions, let rows):
            "candidate \(candidate.short) was executed \(executions) times for \(rows) "
                + "reading\(rows == 1 ? "" : "s")"
        case .misnamed(let table, let key, let reason):
            "row \(key.short) of table \(table) does not have the digest of its text: \(escaped(reason))"
        case .notRegenerable(let candidate, let reason):
            "candidate \(candidate.short) cannot be generated again: \(escaped(reason))"
        }
    }
}

private func shown(_ path: String) -> String { escaped(path, limit: 1024) }
