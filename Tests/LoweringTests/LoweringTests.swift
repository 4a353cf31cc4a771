// Every kernel that lowering makes computes its workload: random workloads of each structure, every schedule that
// Roller constructs for three devices and several lane counts, interpreted in shuffled task order.

import Basics
import KernelIR
import Schedules
import TensorIR
import Testing

@testable import Lowering

/// Schedules of all three devices whose kernels differ; lane counts vary with the sample.
private func schedules(_ workload: Workload, _ sample: Int) -> [Schedule] {
    testDevices.flatMap { schedulesOf(workload, $0, lanes: [1, 2, 4][sample % 3]) }
}

/// Checks `count` samples; says how many kernels ran.
private func check(
    seed: UInt64, count: Int, _ sample: (inout WorkloadSamples) -> String
) throws -> (kernels: Int, nests: Set<String>) {
    var samples = WorkloadSamples(seed: seed)
    var kernels = 0
    var nests: Set<String> = []
    for n in 0..<count {
        let text = sample(&samples)
        let written = try Workload(parsing: text)
        try written.verify()
        let workload = canonicalise(written).workload
        try workload.verify()
        let lowered = LoweredKernels(workload, workload.parameters.map { samples.value($0.type) })
        var all = schedules(workload, n)
        #expect(!all.isEmpty, "no schedule for\n\(workload)")
        if let last = all.last { all.append(recut(last, &samples.random)) }
        var seen: Set<Kernel> = []
        for schedule in all {
            #expect(try Schedule(parsing: schedule.text) == schedule)
            let kernel = lower(workload, schedule)
            guard seen.insert(kernel).inserted else { continue }
            kernels += 1
            nests.formUnion(features(workload, schedule))
            if let fault = lowered.fault(kernel, schedule, order: .shuffled(seed: UInt64(n))) {
                Issue.record("\(fault)\n\(text)\n\(workload)\(schedule.text)\(kernel)")
                return (kernels, nests)
            }
        }
    }
    return (kernels, nests)
}

/// What of a template a schedule uses; the tests assert that nothing of it stays unused.
private func features(_ workload: Workload, _ schedule: Schedule) -> [String] {
    switch schedule.nest {
    case .contraction(let nest):
        guard case .success(.contraction(let c)) = workload.structure() else { return [] }
        let g = ContractionGeometry(workload, c, nest)
        var out = ["a \(nest.a.rawValue)", "b \(nest.b.rawValue)"]
        if g.tiles > nest.taskRowTiles { out.append(g.tallTiles > 0 ? "row tasks with tall tiles" : "row tasks") }
        if g.columns > nest.taskColumns { out.append("column tasks") }
        if g.columns % nest.taskColumns != 0 { out.append("a short last column task") }
        if g.depth > nest.depth { out.append(g.depth % nest.depth == 0 ? "depth chunks" : "a short last chunk") }
        if g.batch > 1 { out.append("batch") }
        if c.columns.count > 1 { out.append("lines") }
        return out
    case .winograd: return ["winograd"]
    case .rows: return ["rows"]
    case .reduceInner: return ["reduceInner"]
    case .reduceOuter(_, let unrolled): return [unrolled ? "reduceOuter unrolled" : "reduceOuter"]
    case .map: return ["map"]
    }
}

/// The same contraction cut elsewhere: row tiles and depth of a task drawn at random, as Roller never would.
private func recut(_ schedule: Schedule, _ random: inout SeededRandom) -> Schedule {
    guard case .contraction(var nest) = schedule.nest else { return schedule }
    nest.taskRowTiles = 1 + random.below(3)
    nest.depth = 1 + random.below(9)
    var out = schedule
    out.nest = .contraction(nest)
    return out
}

@Suite struct LoweringTests {
    @Test func matrixProductsComputeTheirWorkload() throws {
        let (kernels, found) = try check(seed: 1, count: 300) { $0.matrixProduct() }
        #expect(kernels > 1500)
        let needed: Set = [
            "a direct", "a packed", "a prepared", "b direct", "b packed", "b prepared", "batch", "row tasks",
            "row tasks with tall tiles", "column tasks", "a short last column task", "depth chunks",
            "a short last chunk",
        ]
        #expect(found.isSuperset(of: needed), "missing: \(needed.subtracting(found))")
    }

    @Test func contractionsOverManyAxesComputeTheirWorkload() throws {
        let (kernels, found) = try check(seed: 2, count: 300) { $0.manyAxes() }
        #expect(kernels > 1000)
        let needed: Set = ["lines", "row tasks with tall tiles", "column tasks", "depth chunks", "a prepared"]
        #expect(found.isSuperset(of: needed), "missing: \(needed.subtracting(found))")
    }

    @Test func oddOperandsComputeTheirWorkload() throws {
        let (kernels, found) = try check(seed: 3, count: 350) { $0.oddContraction() }
        #expect(kernels > 1000)
        #expect(found.contains("batch"))
    }

    @Test func convolutionsComputeTheirWorkload() throws {
        let (kernels, found) = try check(seed: 4, count: 350) { $0.convolution() }
        #expect(kernels > 1000)
        let needed: Set = ["a prepared", "b packed", "b direct", "batch", "lines", "column tasks", "depth chunks"]
        #expect(found.isSuperset(of: needed), "missing: \(needed.subtracting(found))")
    }

    @Test func windowsComputeTheirWorkload() throws {
        let (kernels, found) = try check(seed: 5, count: 300) { $0.window() }
        #expect(kernels > 300)
        #expect(found.isSuperset(of: ["reduceOuter", "reduceOuter unrolled", "reduceInner"]))
    }

    @Test func reductionsComputeTheirWorkload() throws {
        let (kernels, found) = try check(seed: 6, count: 500) { $0.reduction() }
        #expect(kernels > 500)
        #expect(found.isSuperset(of: ["reduceOuter", "reduceOuter unrolled", "reduceInner"]))
    }

    @Test func rowsComputeTheirWorkload() throws {
        let (kernels, found) = try check(seed: 7, count: 400) { $0.rows() }
        #expect(kernels >= 400)
        #expect(found.contains("rows"))
    }

    @Test func mapsComputeTheirWorkload() throws {
        let (kernels, found) = try check(seed: 8, count: 400) { $0.maps() }
        #expect(kernels >= 400)
        #expect(found == ["map"])
    }
}
