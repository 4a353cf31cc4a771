// A farm without processes: workers with one slot of each kind ask a planner for units, tell its facts one by one, out
// of order and more than once, and finish. Every choice comes from a seed. It holds what must always hold: a unit that
// is out is never handed out again, and in a world without bad luck no unit comes twice.

import Basics
import Catalog
import DeviceModel
import FarmCore
import Testing

@testable import Tuning

struct Farm {
    private struct Running {
        var unit: WorkUnit
        var worker: Int
        var untold: [CatalogRow]
        var told: [CatalogRow] = []
    }

    var planner: TuningPlanner
    let world: World
    /// Workers tell facts in the order in which they find them out; a network may not.
    var keepsOrder = false
    private(set) var rows: [CatalogRow] = []
    private(set) var handedOut: [WorkUnit] = []
    private var running: [Running] = []

    init(_ planner: TuningPlanner, _ world: World = World()) {
        self.planner = planner
        self.world = world
    }

    /// Runs until the planner is finished, or until `stop` rows are known.
    mutating func run(workers: Int, seed: UInt64, stop: Int = .max) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<100_000 {
            if planner.isFinished || rows.count >= stop { return }
            ask(worker: random.below(workers))
            if !running.isEmpty { step(random.below(running.count), &random) }
        }
        Issue.record("the farm does not end")
    }

    private mutating func ask(worker: Int) {
        var room = Room(cpu: 1, device: 1)
        for one in running where one.worker == worker { room[one.unit.slot] -= 1 }
        guard !room.isEmpty else { return }
        let units = planner.next(room: room, capabilities: Sample.capabilities, now: .zero)
        for unit in units {
            room[unit.slot] -= 1
            #expect(!running.contains { $0.unit.digest == unit.digest }, "a unit that is out is not handed out")
            handedOut.append(unit)
            running.append(Running(unit: unit, worker: worker, untold: world.rows(of: unit, worker: "w\(worker)")))
        }
        #expect(room.cpu >= 0 && room.device >= 0, "no more units than room")
    }

    /// Tells one fact of a running unit, perhaps one that was told before, or finishes it.
    private mutating func step(_ n: Int, _ random: inout SeededRandom) {
        if running[n].untold.isEmpty {
            planner.finished(running[n].unit.digest)
            running.remove(at: n)
            return
        }
        if random.below(4) == 0, let old = running[n].told.last { planner.absorb(old.fact) }
        let row = running[n].untold.remove(at: keepsOrder ? 0 : random.below(running[n].untold.count))
        #expect(planner.admits(row.fact, of: running[n].unit.digest))
        planner.absorb(row.fact)
        running[n].told.append(row)
        rows.append(row)
    }
}

/// Winners by key: what any catalog would compute from these rows.
func winners(_ rows: [CatalogRow]) -> [WinnerRow] {
    struct Key: Hashable {
        var workload: Digest
        var interface: String
    }
    var candidates: [Key: [Digest: CandidateRow]] = [:]
    for case .candidate(let row) in rows {
        candidates[Key(workload: row.workload, interface: row.interface), default: [:]][row.digest] = row
    }
    let keys = candidates.keys.sorted { ($0.workload, $0.interface) < ($1.workload, $1.interface) }
    return keys.compactMap { key in
        let known = candidates[key] ?? [:]
        var evidence = WinnerEvidence(
            key: WinnerKey(
                workload: key.workload, deviceClass: Sample.device.kind.digest, recipe: Sample.recipe,
                interface: key.interface),
            candidates: Array(known.values), readings: [], verdicts: [], failures: [], finals: [])
        for row in rows {
            switch row {
            case .reading(let row) where known[row.candidate] != nil: evidence.readings.append(row)
            case .verdict(let row) where known[row.candidate] != nil: evidence.verdicts.append(row)
            case .failure(let row) where known[row.candidate] != nil: evidence.failures.append(row)
            case .final(let row) where row.workload == key.workload && row.interface == key.interface:
                evidence.finals.append(row)
            default: break
            }
        }
        return winner(of: evidence)
    }
}

func shuffled<T>(_ items: [T], seed: UInt64) -> [T] {
    var random = SeededRandom(seed: seed)
    var out = items
    for n in out.indices.dropFirst().reversed() { out.swapAt(n, random.below(n + 1)) }
    return out
}

/// A planner that has accepted the sample job.
func accepted(_ job: TuningJob = Sample.job()) throws -> TuningPlanner {
    var planner = Sample.planner()
    _ = try planner.accept(JobText(job.text)).get()
    return planner
}

/// Everything there is to know about the sample job.
func finishedFarm(
    _ world: World = World(), workers: Int = 1, seed: UInt64 = 0, job: TuningJob = Sample.job()
) throws -> Farm {
    var farm = Farm(try accepted(job), world)
    farm.run(workers: workers, seed: seed)
    return farm
}
