// How the candidates of a trial are shared out among translation units, and how units are compiled at once.

import Dispatch
import Schedules
import Synchronization

extension Schedule {
    /// Candidates of one family call the same micro-kernels: a contraction's register tile, else the kind of nest.
    var family: [Int] {
        switch nest {
        case .contraction(let nest): [nest.microLines ?? 0, nest.microRows, nest.microColumns]
        case .winograd(let nest): [-5, nest.microRows, nest.microColumns]
        case .rows: [-1]
        case .reduceInner: [-2]
        case .reduceOuter: [-3]
        case .map: [-4]
        }
    }
}

/// Starting a compiler and a linker costs about as much as two candidates: fewer than this many get no unit of their
/// own.
let candidatesPerUnitMin = 4

/// Indices of `families` in at most `units` groups of about the same size, a family always in one group, and on average
/// at least `candidatesPerUnitMin` in each.
func unitsOfFamilies(_ families: [[Int]], units: Int) -> [[Int]] {
    var members: [[Int]: [Int]] = [:]
    for (n, family) in families.enumerated() { members[family, default: []].append(n) }
    let largestFirst = members.values.sorted { ($1.count, $0[0]) < ($0.count, $1[0]) }
    let groups = max(1, min(units, largestFirst.count, families.count / candidatesPerUnitMin))
    var out: [[Int]] = Array(repeating: [], count: groups)
    for family in largestFirst {
        guard let least = out.indices.min(by: { (out[$0].count, $0) < (out[$1].count, $1) }) else { break }
        out[least] += family
    }
    return out.filter { !$0.isEmpty }.map { $0.sorted() }
}

/// `body` of 0 ..< count, as many at once as there are processors.
func concurrently<Result: Sendable>(_ count: Int, _ body: @Sendable (Int) -> Result) -> [Result] {
    let results = Mutex([Result?](repeating: nil, count: count))
    DispatchQueue.concurrentPerform(iterations: count) { n in
        let result = body(n)
        results.withLock { $0[n] = result }
    }
    return results.withLock { $0 }.compactMap { $0 }
}
