// What is known by measurement, as a value: per workload and schedule the screening time or the fact of failure.
// The farm fills it from the catalog; tests fill it by hand. Costs that nobody measured come from Roller's model.

import Basics
import DeviceModel
import Roller
import Schedules
import TensorIR

package struct MeasurementTable: Hashable, Sendable {
    package enum Outcome: Hashable, Sendable {
        /// Screening time of one call in nanoseconds.
        case ns(Double)
        /// Failed to compile, ran wrong, crashed: never chosen.
        case failed
    }
    private var outcomes: [Digest: [Digest: Outcome]] = [:]
    private var expansions: [Digest: [Root: [Ranked<Schedule>.Entry]]] = [:]

    package init() {}

    /// Records what Roller constructed from one root of a workload.
    package mutating func record(workload: Digest, root: Root, _ entries: [Ranked<Schedule>.Entry]) {
        expansions[workload, default: [:]][root] = entries
    }

    package func isExpanded(workload: Digest, root: Root) -> Bool { expansions[workload]?[root] != nil }

    /// The union over `roots`, best predicted first; `nil` while a root is missing.
    package func expansion(workload: Digest, roots: [Root]) -> [Ranked<Schedule>.Entry]? {
        var out: [Ranked<Schedule>.Entry] = []
        for root in roots {
            guard let entries = expansions[workload]?[root] else { return nil }
            out += entries
        }
        return ranked(out)
    }

    /// Records an outcome for (workload digest, schedule digest); a failure stays, else the least time counts.
    package mutating func record(workload: Digest, schedule: Digest, _ outcome: Outcome) {
        let old = outcomes[workload]?[schedule]
        switch (old, outcome) {
        case (.failed, _): return
        case (.ns(let before), .ns(let now)): outcomes[workload]?[schedule] = .ns(min(before, now))
        case (nil, _), (.ns, .failed): outcomes[workload, default: [:]][schedule] = outcome
        }
    }

    package func outcome(workload: Digest, schedule: Digest) -> Outcome? { outcomes[workload]?[schedule] }
}

package struct PlanLimits: Hashable, Sendable {
    /// Schedules measured per workload.
    package var candidatesPerWorkload: Int
    package var construct: ConstructLimits
    package init(candidatesPerWorkload: Int = 10, construct: ConstructLimits = ConstructLimits()) {
        self.candidatesPerWorkload = candidatesPerWorkload
        self.construct = construct
    }
}

/// What a workload costs and with which schedule.
package struct Choice: Hashable, Sendable {
    package var schedule: Schedule
    package var ns: Double
    package var isMeasured: Bool
}

/// Costs of workloads on one device: measured where the table knows, predicted elsewhere. Remembers constructions.
package struct CostTable: Sendable {
    package let device: Device
    package let table: MeasurementTable
    package let limits: PlanLimits
    private var ranked: [Digest: Ranked<Schedule>] = [:]

    package init(device: Device, table: MeasurementTable, limits: PlanLimits) {
        self.device = device
        self.table = table
        self.limits = limits
    }

    /// Roller's candidates, best predicted first, at most `candidatesPerWorkload`.
    package mutating func candidates(_ workload: Workload, _ digest: Digest) -> [Ranked<Schedule>.Entry] {
        Array(ranking(workload, digest).entries.prefix(limits.candidatesPerWorkload))
    }

    /// All candidates with why others were left aside; what workers expanded already is taken from the table.
    package mutating func ranking(_ workload: Workload, _ digest: Digest) -> Ranked<Schedule> {
        if let known = ranked[digest] { return known }
        let made: Ranked<Schedule>
        if let entries = table.expansion(workload: digest, roots: roots(workload, device)) {
            made = Ranked(entries: entries, rejections: [])
        } else {
            made = construct(workload, .rowMajor(workload), device, limits.construct)
        }
        ranked[digest] = made
        return made
    }

    /// The cheapest schedule; `nil` when every candidate failed.
    package mutating func choice(_ workload: Workload, _ digest: Digest) -> Choice? {
        var best: Choice?
        for entry in candidates(workload, digest) {
            let offer: Choice
            switch table.outcome(workload: digest, schedule: entry.value.digest) {
            case .failed: continue
            case .ns(let ns): offer = Choice(schedule: entry.value, ns: ns, isMeasured: true)
            case nil: offer = Choice(schedule: entry.value, ns: entry.prediction.ns, isMeasured: false)
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
}
