// A planner with made-up work, for tests of the farm and for fleet benchmarks: jobs are grids of units in waves, and a
// wave opens when every fact of the one before is there. Facts are computed from the unit alone, so any farm, however
// disturbed, must end with the same set.
//
// Job text: `grid NAME units 20 waves 2 facts 3 slot cpu cost 1000` (cost in microseconds).

import Basics
import FarmCore

package struct MadeUpWork: WorkPlanner {
    private struct Grid {
        var name: String
        var units: Int
        var waves: Int
        var facts: Int
        var slot: SlotKind
        var cost: Tick.Span

        init(parsing text: String) throws(SyntaxError) {
            var lexer = try Lexer(text)
            try lexer.expectWord("grid")
            name = try lexer.word("a name")
            try lexer.expectWord("units")
            units = try lexer.integer("units")
            try lexer.expectWord("waves")
            waves = try lexer.integer("waves")
            try lexer.expectWord("facts")
            facts = try lexer.integer("facts")
            try lexer.expectWord("slot")
            let kind = try lexer.word("a slot kind")
            guard let slot = SlotKind(rawValue: kind) else { throw lexer.fail("'\(escaped(kind))' is no slot kind") }
            self.slot = slot
            try lexer.expectWord("cost")
            cost = Tick.Span(nanoseconds: Int64(try lexer.integer("a cost")) * 1000)
            guard units > 0, waves > 0, facts > 0, lexer.token == .end else { throw lexer.fail("no such grid") }
        }
    }

    private struct Wish {
        var unit: WorkUnit
        var grid: String
        var wave: Int
        var missing: Set<Digest>
        var isOut = false
        var parked = false
    }

    private var wishes: [Digest: Wish] = [:]
    /// Units that are not out, by grid and wave, the next one last; may hold units that are done meanwhile.
    private var waiting: [String: [[Digest]]] = [:]
    private var cancelled: Set<String> = []
    private var jobs: [JobID: String] = [:]
    private var wanting: [Digest: Digest] = [:]
    private var absorbed: Set<Digest> = []
    /// Unfinished units per grid and wave.
    private var open: [String: [Int: Int]] = [:]

    package init() {}

    package mutating func accept(_ job: JobText) -> Result<JobID, JobRejection> {
        let grid: Grid
        do {
            grid = try Grid(parsing: job.text)
        } catch {
            return .failure(JobRejection(error.sentence))
        }
        let id = JobID(Digest(of: job.text))
        cancelled.remove(grid.name)
        guard jobs[id] == nil else { return .success(id) }
        jobs[id] = grid.name
        if waiting[grid.name] == nil { waiting[grid.name] = Array(repeating: [], count: grid.waves) }
        for wave in 0..<grid.waves {
            for number in (0..<grid.units).reversed() { add(grid, wave: wave, number: number) }
        }
        return .success(id)
    }

    private mutating func add(_ grid: Grid, wave: Int, number: Int) {
        let body = "unit \(grid.name) \(wave) \(number) facts \(grid.facts)"
        let unit = WorkUnit(
            digest: Digest(of: body), slot: grid.slot, capabilities: [], cost: grid.cost, body: body)
        guard wishes[unit.digest] == nil else { return }
        let keys = Set(MadeUpWork.facts(of: unit).map(\.key))
        for key in keys { wanting[key] = unit.digest }
        let wish = Wish(unit: unit, grid: grid.name, wave: wave, missing: keys.subtracting(absorbed))
        wishes[unit.digest] = wish
        waiting[grid.name]?[wave].append(unit.digest)
        if !wish.missing.isEmpty { open[grid.name, default: [:]][wave, default: 0] += 1 }
    }

    /// What running a unit finds out.
    package static func facts(of unit: WorkUnit) -> [Fact] {
        let words = unit.body.split(separator: " ")
        guard let count = words.last.flatMap({ Int($0) }) else { return [] }
        return (0..<count).map { index in
            let body = "\(unit.body) result \(index) \(Digest(of: "\(unit.digest) \(index)").short)"
            return Fact(key: Digest(of: body), body: body)
        }
    }

    package mutating func cancel(_ job: JobID) -> [Digest] {
        guard let grid = jobs.removeValue(forKey: job) else { return [] }
        cancelled.insert(grid)
        var out: [Digest] = []
        for (digest, wish) in wishes where wish.grid == grid && wish.isOut { out.append(digest) }
        for digest in out { returned(digest) }
        return out.sorted()
    }

    package func admits(_ fact: Fact, of unit: Digest) -> Bool { wanting[fact.key] != nil }

    package mutating func absorb(_ fact: Fact) {
        guard absorbed.insert(fact.key).inserted, let digest = wanting[fact.key],
            wishes[digest]?.missing.remove(fact.key) != nil, let wish = wishes[digest]
        else { return }
        if wish.missing.isEmpty, !wish.parked { close(wish) }
    }

    private mutating func close(_ wish: Wish) { open[wish.grid]?[wish.wave]? -= 1 }

    private func isOpen(_ wish: Wish) -> Bool {
        !wish.isOut && !wish.parked && !wish.missing.isEmpty && !cancelled.contains(wish.grid)
            && currentWave(wish.grid) == wish.wave
    }

    package mutating func next(room: Room, capabilities: [String], now: Tick) -> [WorkUnit] {
        var left = room
        var units: [WorkUnit] = []
        for grid in waiting.keys.sorted() where !cancelled.contains(grid) {
            guard let wave = currentWave(grid) else { continue }
            while let digest = waiting[grid]?[wave].last, let wish = wishes[digest] {
                if isOpen(wish) {
                    guard left[wish.unit.slot] > 0 else { break }
                    left[wish.unit.slot] -= 1
                    wishes[digest]?.isOut = true
                    units.append(wish.unit)
                }
                waiting[grid]?[wave].removeLast()
            }
        }
        return units
    }

    /// The first wave that is not complete.
    private func currentWave(_ grid: String) -> Int? {
        open[grid]?.filter { $0.value > 0 }.keys.min()
    }

    package mutating func adopt(_ unit: WorkUnit) -> Bool {
        guard let wish = wishes[unit.digest], isOpen(wish) else { return false }
        wishes[unit.digest]?.isOut = true
        return true
    }

    package mutating func returned(_ unit: Digest) {
        guard let wish = wishes[unit], wish.isOut else { return }
        wishes[unit]?.isOut = false
        if !wish.missing.isEmpty { waiting[wish.grid]?[wish.wave].append(unit) }
    }

    package mutating func finished(_ unit: Digest) { returned(unit) }

    package mutating func park(_ subject: Digest, reason: String) {
        guard let wish = wishes[subject], !wish.parked else { return }
        wishes[subject]?.parked = true
        wishes[subject]?.isOut = false
        if !wish.missing.isEmpty { close(wish) }
    }

    package func hints() -> String { "facts \(absorbed.count)" }

    package func standing() -> Standing {
        let wanted = wishes.values.filter { !cancelled.contains($0.grid) }
        let done = wanted.count { $0.missing.isEmpty }
        return Standing(
            totalUnits: wanted.count, doneUnits: done, running: wanted.count(where: \.isOut), finished: isFinished)
    }

    package var isFinished: Bool {
        open.allSatisfy { grid, waves in cancelled.contains(grid) || waves.values.allSatisfy { $0 == 0 } }
    }
}
