// Every way in which a catalog can refuse. Cases carry facts; the sentences are in CatalogError+Message.swift.
// Input: what SQLite or the file system said. Output: one typed error, so that a shell never sees a database code. A
// row that cannot be stored is an error of its sender and is named with its table and column.

import Basics
import GRDB

/// A catalog could not be opened, read or written.
package enum CatalogError: Error, Hashable, Sendable {
    case missing(path: String)
    case notACatalog(path: String, what: Stranger)
    case newerVersion(path: String, version: Int, readsUpTo: Int)
    case olderVersion(path: String, version: Int, current: Int)
    case cannotWrite(path: String, reason: String)
    case cannotRead(path: String, reason: String)
    case corrupt(path: String, detail: String)
    case networkFilesystem(path: String, kind: String)
    case diskFull(path: String)
    case locked(path: String)
    case inUse(path: String, holder: Holder)
    case malformed(table: FactTable, flaw: RowFlaw)
    case dangling(table: FactTable, key: Digest, column: String, parent: FactTable, missing: String)
    case targetExists(path: String)
    case sqlite(path: String, code: Int, message: String)

    /// The process that holds a catalog.
    package struct Holder: Hashable, Sendable {
        package var pid: Int
        package var host: String
        package init(pid: Int, host: String) {
            self.pid = pid
            self.host = host
        }
    }

    /// What stands where a catalog was expected.
    package enum Stranger: Hashable, Sendable {
        case emptyPath
        case folder
        case specialFile
        case emptyFile
        case otherFile
        case otherDatabase(applicationID: Int)
    }
}

/// Turns what GRDB threw into a fact about `path`.
func catalogError(_ error: any Error, path: String) -> CatalogError {
    if let own = error as? CatalogError { return own }
    guard let sql = error as? DatabaseError else {
        return .sqlite(path: path, code: 0, message: "\(error)")
    }
    let message = sql.message ?? "no message"
    switch sql.resultCode {
    case .SQLITE_NOTADB: return .notACatalog(path: path, what: .otherFile)
    case .SQLITE_CORRUPT: return .corrupt(path: path, detail: message)
    case .SQLITE_FULL: return .diskFull(path: path)
    case .SQLITE_BUSY, .SQLITE_LOCKED: return .locked(path: path)
    case .SQLITE_READONLY, .SQLITE_PERM: return .cannotWrite(path: path, reason: message)
    default: return .sqlite(path: path, code: Int(sql.extendedResultCode.rawValue), message: message)
    }
}
