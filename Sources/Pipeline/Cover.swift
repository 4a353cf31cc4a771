// Cover: the cheapest set of welds that computes every output. Welds of the present candidate set overlap only with
// the single anchors they are made of, so the shortest path falls apart into one choice per weld: the weld as grown,
// or its operations one by one. The result is exact.

import Basics
import DeviceModel
import Roller
import Schedules
import TensorIR
import Welder

package struct CoveredWeld: Hashable, Sendable {
    package var weld: Weld
    package var workload: Workload
    package var digest: Digest
    package var binding: Binding
    package var choice: Choice
}

package struct Cover: Hashable, Sendable {
    /// In an order in which they can run.
    package var welds: [CoveredWeld]
    /// Sum of the choices in nanoseconds.
    package var ns: Double { welds.reduce(0) { $0 + $1.choice.ns } }
}

func cover(_ graph: Graph, _ costs: inout CostTable) throws(PipelineError) -> Cover {
    let candidates = candidateWelds(graph)
    var index = GraphIndex(graph)
    index.stored = Set(candidates.flatMap(\.results))
    var welds: [CoveredWeld] = []
    for weld in candidates {
        let whole = covered([weld], index, &costs)
        let parts = weld.operations.count > 1 ? covered(singles(weld, index), index, &costs) : nil
        switch (whole, parts) {
        case (let whole?, let parts?):
            func sum(_ welds: [CoveredWeld]) -> Double { welds.reduce(0) { $0 + $1.choice.ns } }
            welds += sum(whole) <= sum(parts) ? whole : parts
        case (let one?, nil), (nil, let one?): welds += one
        case (nil, nil): throw .noWorkingKernel(workload: index.extract(weld).0.digest)
        }
    }
    return Cover(welds: welds)
}

private func singles(_ weld: Weld, _ index: GraphIndex) -> [Weld] {
    weld.operations.compactMap { at in
        guard let (value, _, _) = index.definition(at) else { return nil }
        return Weld(operations: [at], results: [value])
    }
}

private func covered(_ welds: [Weld], _ index: GraphIndex, _ costs: inout CostTable) -> [CoveredWeld]? {
    var out: [CoveredWeld] = []
    for weld in welds {
        let (workload, binding) = index.extract(weld)
        let digest = workload.digest
        guard let choice = costs.choice(workload, digest) else { return nil }
        out.append(CoveredWeld(weld: weld, workload: workload, digest: digest, binding: binding, choice: choice))
    }
    return out
}

/// A question worth asking about one workload.
package struct Wanted: Hashable, Sendable {
    package enum Need: Hashable, Sendable {
        /// Roots whose candidates nobody constructed yet.
        case expand([Root])
        /// Candidates without an outcome, best predicted first.
        case trial([Ranked<Schedule>.Entry])
    }
    package var workload: Workload
    package var digest: Digest
    package var interface: Interface
    package var need: Need
    /// Calls of the workload in one run of the model.
    package var calls: Int
    /// Calls × nanoseconds of the present choice: what a better kernel could save at most.
    package var weightNs: Double
}

/// What is open about the workloads in `cover`, greatest weight first.
func wanted(_ cover: Cover, _ costs: inout CostTable) -> [Wanted] {
    var calls: [Digest: Int] = [:]
    for weld in cover.welds { calls[weld.digest, default: 0] += 1 }
    var seen: Set<Digest> = []
    var out: [Wanted] = []
    for weld in cover.welds where seen.insert(weld.digest).inserted {
        guard let need = need(weld.workload, weld.digest, costs.table, costs.device, costs.limits) else { continue }
        let count = calls[weld.digest] ?? 1
        out.append(
            Wanted(
                workload: weld.workload, digest: weld.digest, interface: .rowMajor(weld.workload), need: need,
                calls: count, weightNs: Double(count) * weld.choice.ns))
    }
    return out.sorted { ($0.weightNs, $1.digest) > ($1.weightNs, $0.digest) }
}

/// What is open about one workload; `nil` when its candidates are known and have outcomes.
package func need(
    _ workload: Workload, _ digest: Digest, _ table: MeasurementTable, _ device: Device, _ limits: PlanLimits
) -> Wanted.Need? {
    let all = roots(workload, device)
    guard let entries = table.expansion(workload: digest, roots: all) else {
        return .expand(all.filter { !table.isExpanded(workload: digest, root: $0) })
    }
    let open = entries.prefix(limits.candidatesPerWorkload).filter {
        table.outcome(workload: digest, schedule: $0.value.digest) == nil
    }
    return open.isEmpty ? nil : .trial(Array(open))
}
