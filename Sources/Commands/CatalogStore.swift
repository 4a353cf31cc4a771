// Records of the farm as rows of the catalog, both ways. Facts are rows already; suspicions keep their text in the
// reason. A job's row is for people: resuming is asking for the same job again.

import Basics
import Catalog
import FarmCore
import FarmTransport

struct CatalogStore: FactStore {
    let catalog: Catalog
    /// What people call the job of this run.
    let jobName: String
    let jobText: String

    func persist(_ records: [Record]) throws(PersistFailure) {
        var rows: [CatalogRow] = []
        for record in records {
            switch record {
            case .fact(let fact):
                guard let row = CatalogRow(parsing: fact.body) else { continue }
                rows.append(row)
            case .job(let id, _, _): rows.append(.job(JobRow(digest: id.digest, name: jobName, text: jobText)))
            case .cancelled: continue
            case .suspicion(let suspicion):
                rows.append(
                    .suspicion(
                        SuspicionRow(
                            unit: suspicion.subject, worker: suspicion.worker, reason: suspicion.text,
                            attempt: "\(suspicion.epoch).\(suspicion.attempt)")))
            }
        }
        do { _ = try catalog.append(rows) } catch { throw PersistFailure(error.sentence) }
    }
}

/// Everything a coordinator starts from: facts and suspicions, in key order.
func recoveredRecords(_ catalog: Catalog) throws(CatalogError) -> [Record] {
    var records: [Record] = []
    try catalog.forEachRow { row in
        switch row {
        case .workload, .expansion, .candidate, .reading, .verdict, .failure, .final:
            records.append(.fact(Fact(key: row.key, body: row.canonicalText)))
        case .suspicion(let row):
            if let suspicion = try? Suspicion(parsing: row.reason) { records.append(.suspicion(suspicion)) }
        case .job, .model, .modelWorkload, .deviceClass, .device, .calibration, .toolchain, .drift, .objectCheck,
            .program, .void, .tag:
            return
        }
    }
    return records
}
