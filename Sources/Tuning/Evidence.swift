// Rows and hints as the planner, workers and commands read them: the schedules of an expansion, the measurement table
// that a set of rows amounts to, the incumbents that hints name, failures that speak only for made-up measurements.

import Basics
import Catalog
import Pipeline
import Roller
import Schedules

/// The schedules of an expansion as one record, and back.
package func expansionText(_ entries: [Ranked<Schedule>.Entry]) -> String {
    var out = RecordWriter(kind: "schedules")
    for entry in entries { out.field("schedule", entry.value.text) }
    return out.text
}

package func expansionEntries(_ row: ExpansionRow) throws(TuningTextError) -> [Ranked<Schedule>.Entry] {
    do {
        var record = try RecordReader(row.schedules)
        var out: [Ranked<Schedule>.Entry] = []
        while record.next != nil {
            let schedule = try Schedule(parsing: try record.string("schedule"))
            guard out.count < row.predictedNs.count, out.count < row.lowerBoundNs.count else {
                throw TuningTextError.damaged("an expansion with fewer predictions than schedules")
            }
            let prediction = Prediction(ns: row.predictedNs[out.count], lowerBoundNs: row.lowerBoundNs[out.count])
            out.append(.init(value: schedule, prediction: prediction))
        }
        return out
    } catch let error as any Explained {
        throw TuningTextError.wrapping(error)
    } catch {
        throw TuningTextError.damaged("\(error)")
    }
}

/// The measurement table that a set of rows amounts to, for any workload in them.
/// - Parameters:
///   - toolchains: whose candidates count, preferred first.
///   - deviceClass: whose readings count; `nil` when the rows are of one class anyway.
package func measurementTable(
    _ rows: [CatalogRow], toolchains: [Digest], calibration: Digest, recipe: String = recipeText,
    deviceClass: Digest? = nil
) -> MeasurementTable {
    var knowledge = Knowledge()
    for row in rows { knowledge.absorb(row) }
    let scope = EvidenceScope(
        deviceClass: deviceClass, calibration: calibration, toolchains: toolchains, recipe: recipe)
    return knowledge.table(in: scope)
}

/// The incumbent that hints name for a key.
/// - Parameter key: `SearchKey.digest`.
package func incumbentNs(in hints: String, of key: Digest) -> Double? {
    for line in hints.split(separator: "\n") where line.hasPrefix(key.hex) {
        return line.split(separator: " ").last.flatMap { Double($0) }
    }
    return nil
}

private let madeUpFailureMark = " under "

/// The kind of a failure that recorded or synthetic measurements reported: it says nothing about real ones.
package func madeUpFailureKind(_ kind: String, recipe: String) -> String { kind + madeUpFailureMark + recipe }

func madeUpRecipe(ofFailure kind: String) -> String? {
    guard let space = kind.firstIndex(of: " "), kind[space...].hasPrefix(madeUpFailureMark) else { return nil }
    return String(kind[space...].dropFirst(madeUpFailureMark.count))
}
