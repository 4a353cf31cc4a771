// What is known by measurement, as a value: per workload, schedule and toolchain the screening time or the fact of
// failure, per key of a search what was constructed and what a final decided. The farm fills it from the catalog; tests
// fill it by hand. Costs that nobody measured come from Roller's model.

import Basics
import DeviceModel
import Roller
import Schedules
import TensorIR

/// What one search is for: a workload with the layouts at its border.
package struct SearchKey: Hashable, Sendable {
    package var workload: Digest
    package var interface: Interface
    package init(workload: Digest, interface: Interface) {
        self.workload = workload
        self.interface = interface
    }

    package var digest: Digest { Digest(of: workload.hex + " " + interface.text) }
}

package struct MeasurementTable: Hashable, Sendable {
    package enum Outcome: Hashable, Sendable {
        /// Screening time of one call in nanoseconds.
        case ns(Double)
        /// Failed to compile, ran wrong, crashed: never chosen.
        case failed
    }
    /// Who wins a key by the rule of winners.
    package struct Decision: Hashable, Sendable {
        package var schedule: Digest
        package var toolchain: Digest
        /// Every finalist of today took part in a final, or there is only one; else screens decided for the time being.
        package var isComplete: Bool
        package init(schedule: Digest, toolchain: Digest, isComplete: Bool) {
            self.schedule = schedule
            self.toolchain = toolchain
            self.isComplete = isComplete
        }
    }
    private struct Built: Hashable {
        var schedule: Digest
        var toolchain: Digest
    }

    /// The compilers of a job, preferred first; empty when nothing was measured by any.
    package let toolchains: [Digest]
    private var outcomes: [Digest: [Built: Outcome]] = [:]
    private var expansions: [SearchKey: [Root: [Ranked<Schedule>.Entry]]] = [:]
    private var decisions: [SearchKey: Decision] = [:]

    package init(toolchains: [Digest] = []) { self.toolchains = toolchains }

    /// Records what Roller constructed from one root of a workload under an interface.
    package mutating func record(
        workload: Digest, interface: Interface, root: Root, _ entries: [Ranked<Schedule>.Entry]
    ) {
        expansions[SearchKey(workload: workload, interface: interface), default: [:]][root] = entries
    }

    package func isExpanded(workload: Digest, interface: Interface, root: Root) -> Bool {
        expansions[SearchKey(workload: workload, interface: interface)]?[root] != nil
    }

    /// The union over `roots`, best predicted first, each schedule once; `nil` while a root is missing.
    package func expansion(workload: Digest, interface: Interface, roots: [Root]) -> [Ranked<Schedule>.Entry]? {
        let known = expansions[SearchKey(workload: workload, interface: interface)] ?? [:]
        var out: [Ranked<Schedule>.Entry] = []
        for root in roots {
            guard let entries = known[root] else { return nil }
            out += entries
        }
        var seen: Set<Schedule> = []
        return ranked(out).filter { seen.insert($0.value).inserted }
    }

    /// Records an outcome of a candidate; a failure stays, else the least time counts.
    package mutating func record(workload: Digest, schedule: Digest, toolchain: Digest, _ outcome: Outcome) {
        let built = Built(schedule: schedule, toolchain: toolchain)
        switch (outcomes[workload]?[built], outcome) {
        case (.failed, _): return
        case (.ns(let before), .ns(let now)): outcomes[workload]?[built] = .ns(min(before, now))
        case (nil, _), (.ns, .failed): outcomes[workload, default: [:]][built] = outcome
        }
    }

    package func outcome(workload: Digest, schedule: Digest, toolchain: Digest) -> Outcome? {
        outcomes[workload]?[Built(schedule: schedule, toolchain: toolchain)]
    }

    /// Records who wins a key; the last word counts.
    package mutating func record(workload: Digest, interface: Interface, _ decision: Decision) {
        decisions[SearchKey(workload: workload, interface: interface)] = decision
    }

    package func decision(workload: Digest, interface: Interface) -> Decision? {
        decisions[SearchKey(workload: workload, interface: interface)]
    }

    /// The least time of a schedule over the toolchains, the preferred one among equals; `nil` when none measured it.
    func best(workload: Digest, schedule: Digest) -> (ns: Double, toolchain: Digest)? {
        var best: (ns: Double, toolchain: Digest)?
        for toolchain in toolchains {
            guard case .ns(let ns) = outcome(workload: workload, schedule: schedule, toolchain: toolchain) else {
                continue
            }
            if ns < best?.ns ?? .infinity { best = (ns, toolchain) }
        }
        return best
    }

    func isFailed(workload: Digest, schedule: Digest) -> Bool {
        toolchains.contains { outcome(workload: workload, schedule: schedule, toolchain: $0) == .failed }
    }
}

package struct PlanLimits: Hashable, Sendable {
    /// Schedules measured per workload and interface.
    package var candidatesPerWorkload: Int
    package var construct: ConstructLimits
    package init(candidatesPerWorkload: Int = 10, construct: ConstructLimits = ConstructLimits()) {
        self.candidatesPerWorkload = candidatesPerWorkload
        self.construct = construct
    }
}

/// What a workload costs, with which schedule and compiler.
package struct Choice: Hashable, Sendable {
    package var schedule: Schedule
    package var ns: Double
    package var isMeasured: Bool
    /// Whose object it is; `nil` when nobody measured it: the first compiler of the job builds it.
    package var toolchain: Digest?
}

/// Costs of workloads on one device: measured where the table knows, predicted elsewhere. Remembers constructions.
package struct CostTable: Sendable {
    package let device: Device
    package let table: MeasurementTable
    package let limits: PlanLimits
    private var ranked: [SearchKey: Ranked<Schedule>] = [:]

    package init(device: Device, table: MeasurementTable, limits: PlanLimits) {
        self.device = device
        self.table = table
        self.limits = limits
    }

    /// Roller's candidates, best predicted first, at most `candidatesPerWorkload`.
    package mutating func candidates(
        _ workload: Workload, _ digest: Digest, _ interface: Interface
    ) -> [Ranked<Schedule>.Entry] {
        Array(ranking(workload, digest, interface).entries.prefix(limits.candidatesPerWorkload))
    }

    /// All candidates with why others were left aside; what workers expanded already is taken from the table.
    package mutating func ranking(_ workload: Workload, _ digest: Digest, _ interface: Interface) -> Ranked<Schedule> {
        let key = SearchKey(workload: digest, interface: interface)
        if let known = ranked[key] { return known }
        let made: Ranked<Schedule>
        let all = roots(workload, interface, device, limits.construct)
        if let entries = table.expansion(workload: digest, interface: interface, roots: all) {
            made = Ranked(entries: entries, rejections: [])
        } else {
            made = construct(workload, interface, device, limits.construct)
        }
        ranked[key] = made
        return made
    }

    /// The winner by the rule, else the cheapest schedule; `nil` when every candidate failed.
    package mutating func choice(_ workload: Workload, _ digest: Digest, _ interface: Interface) -> Choice? {
        if let decided = decided(workload, digest, interface) { return decided }
        var best: Choice?
        for entry in candidates(workload, digest, interface) {
            let schedule = entry.value.digest
            let offer: Choice
            if let measured = table.best(workload: digest, schedule: schedule) {
                offer = Choice(
                    schedule: entry.value, ns: measured.ns, isMeasured: true, toolchain: measured.toolchain)
            } else if table.isFailed(workload: digest, schedule: schedule) {
                continue
            } else {
                offer = Choice(schedule: entry.value, ns: entry.prediction.ns, isMeasured: false, toolchain: nil)
            }
            guard let current = best else {
                best = offer
                continue
            }
            // a measurement beats any prediction; among equals the first, which the model ranks better
            if offer.isMeasured != current.isMeasured ? offer.isMeasured : offer.ns < current.ns { best = offer }
        }
        return best
    }

    private mutating func decided(_ workload: Workload, _ digest: Digest, _ interface: Interface) -> Choice? {
        guard let decision = table.decision(workload: digest, interface: interface),
            case .ns(let ns) = table.outcome(
                workload: digest, schedule: decision.schedule, toolchain: decision.toolchain),
            let entry = ranking(workload, digest, interface).entries.first(where: {
                $0.value.digest == decision.schedule
            })
        else { return nil }
        return Choice(schedule: entry.value, ns: ns, isMeasured: true, toolchain: decision.toolchain)
    }
}
