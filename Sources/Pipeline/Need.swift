// What is open about one key of a search, in the order in which it is asked: construction, trials of the best predicted
// candidates with the first compiler, trials of the best measured with the others, a final among those that are close.

import Basics
import DeviceModel
import Roller
import Schedules
import TensorIR

/// Schedules that every compiler but the first tries: the best by screen. Compilers differ by a few percent on one
/// text, candidates by far more, so the fastest object is found among the few best.
package let secondToolchainCandidates = 2

/// A question worth asking about one key.
package enum Need: Hashable, Sendable {
    /// Roots whose candidates nobody constructed yet.
    case expand([Root])
    /// Candidates without an outcome under this compiler, best first; `nil` is the job's first compiler.
    case trial([Ranked<Schedule>.Entry], toolchain: Digest?)
    /// All are measured, and the decision stands on screens that are too close to tell.
    case final
}

/// What is open about one workload under an interface; `nil` when its winner is known.
package func need(
    _ workload: Workload, _ digest: Digest, _ interface: Interface, _ table: MeasurementTable, _ device: Device,
    _ limits: PlanLimits
) -> Need? {
    let all = roots(workload, interface, device, limits.construct)
    guard let entries = table.expansion(workload: digest, interface: interface, roots: all) else {
        return .expand(all.filter { !table.isExpanded(workload: digest, interface: interface, root: $0) })
    }
    let candidates = entries.prefix(limits.candidatesPerWorkload).map { (entry: $0, schedule: $0.value.digest) }
    guard let first = table.toolchains.first else {
        return candidates.isEmpty ? nil : .trial(candidates.map(\.entry), toolchain: nil)
    }
    func outcome(_ schedule: Digest, _ toolchain: Digest) -> MeasurementTable.Outcome? {
        table.outcome(workload: digest, schedule: schedule, toolchain: toolchain)
    }
    let open = candidates.filter { outcome($0.schedule, first) == nil }
    if !open.isEmpty { return .trial(open.map(\.entry), toolchain: first) }

    let screened = candidates.compactMap {
        candidate -> (ns: Double, entry: Ranked<Schedule>.Entry, schedule: Digest)? in
        guard case .ns(let ns) = outcome(candidate.schedule, first) else { return nil }
        return (ns, candidate.entry, candidate.schedule)
    }.sorted { ($0.ns, $0.schedule) < ($1.ns, $1.schedule) }.prefix(secondToolchainCandidates)
    for toolchain in table.toolchains.dropFirst() {
        let untried = screened.filter { outcome($0.schedule, toolchain) == nil }
        if !untried.isEmpty { return .trial(untried.map(\.entry), toolchain: toolchain) }
    }

    return table.decision(workload: digest, interface: interface)?.isComplete == false ? .final : nil
}
