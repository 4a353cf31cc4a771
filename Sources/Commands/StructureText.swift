// A workload in a few words, for tables: `contraction 128x384x384`, `rows 128x384`, `reduction 64 over 49`, `map 8x8`.

import Schedules
import TensorIR

func structureText(_ workload: Workload) -> String {
    func joined(_ extents: [Int]) -> String {
        extents.isEmpty ? "1" : extents.map(String.init).joined(separator: "x")
    }
    switch workload.structure() {
    case .failure(let error):
        switch error.reason {
        case .severalReductions(let count): return "no structure: \(count) reductions"
        case .severalResults(let count): return "no structure: \(count) results"
        case .epilogueNotElementwise(let definition): return "no structure: definition \(definition) is not elementwise"
        case .inlinedTooLarge(let nodes): return "no structure: an inlined expression of \(nodes) nodes"
        }
    case .success(.contraction(let c)):
        let extents = workload.definitions[c.anchor].axisExtents
        func product(_ axes: [Int]) -> Int { axes.reduce(1) { $0 * extents[$1] } }
        let sizes = joined([product(c.rows), product(c.columns), product(c.depth)])
        let batch = product(c.batch)
        return "contraction " + (batch == 1 ? sizes : "\(batch) times \(sizes)")
    case .success(.rows(let rows)):
        return "rows \(joined([rows.rowExtents.reduce(1, *), rows.columnExtents.reduce(1, *)]))"
    case .success(.reduction(let reduction)):
        let anchor = workload.definitions[reduction.anchor]
        return "reduction \(joined(anchor.type.shape)) over \(joined(anchor.reductionExtents))"
    case .success(.maps(let maps)):
        return "map \(joined(workload.definitions[maps.stored].type.shape))"
    }
}
