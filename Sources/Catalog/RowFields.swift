// Any row as named columns, and rows by a digest without knowing their table: for commands that show what is there.
// Input: a table and a digest that `find` gave. Output: rows, and their columns with names in stored order.

import Basics
import GRDB

extension CatalogRow {
    /// The columns after `key` with their values, in stored order.
    package var columns: [(name: String, value: Field)] {
        zip(table.columns, row.fields).map { ($0.name, $1) }
    }
}

extension Catalog {
    /// Rows of `table` that are stored under `digest`, or whose own digest it is; in key order.
    package func rows(of table: FactTable, named digest: Digest) throws(CatalogError) -> [CatalogRow] {
        let hasDigest = table.columns.contains { $0.name == "digest" }
        let condition = hasDigest ? "key = ? OR digest = ?" : "key = ?"
        return try reading { db in
            let cursor = try Row.fetchCursor(
                db, sql: "SELECT \(table.rowType.selection()) FROM \(table.rawValue) WHERE \(condition) ORDER BY key",
                arguments: StatementArguments(Array(repeating: digest.hex, count: hasDigest ? 2 : 1)))
            var rows: [CatalogRow] = []
            while let row = try cursor.next() {
                var reader = RowReader(row, table.columns)
                do throws(RowFlaw) {
                    rows.append(try table.read(&reader))
                } catch {
                    let detail = "a row of table \(table.rawValue): \(error.phrase)"
                    throw CatalogError.corrupt(path: path, detail: detail)
                }
            }
            return rows
        }
    }
}
