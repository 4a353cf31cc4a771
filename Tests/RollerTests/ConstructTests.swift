// Construction on a device that nobody sells: tiles follow registers and caches, reasons carry numbers, the order is
// the same every time, and any grouping of the roots gives the same union.

import DeviceModel
import Schedules
import TensorIR
import Testing

@testable import Roller

@Suite struct ConstructTests {
    private func nests(_ ranked: Ranked<Schedule>) -> [ContractionNest] {
        ranked.entries.compactMap { entry in
            guard case .contraction(let nest) = entry.value.nest else { return nil }
            return nest
        }
    }

    private func made(_ w: Workload, _ device: Device, lanes: Int? = nil, perRoot: Int = 3) -> Ranked<Schedule> {
        construct(w, .rowMajor(w), device, lanes: lanes, ConstructLimits(perRoot: perRoot))
    }

    private func workloads() throws -> [Workload] {
        var out = try [
            Strange.product(97, 211, 83), Strange.product(1, 211, 997), Strange.product(977, 3, 41),
            Strange.product(13, 16, 2), Strange.product(97, 211, 83, constant: false, batch: 5),
            Strange.product(2, 2, 2), Strange.product(1009, 1013, 1019),
        ]
        out.append(try Strange.convolution())
        return out
    }

    @Test func registerTilesFitTheRegisters() throws {
        for registers in [6, 8, 12, 16, 24, 32] {
            for isa in ISA.allCases {
                let device = madeUpDevice(isa: isa, registers: registers)
                for w in try workloads() {
                    let roots = roots(w, .rowMajor(w), device)
                    #expect(!roots.isEmpty)
                    for root in roots {
                        let vectors = root.microColumns / isa.vectorWidth
                        #expect(root.microColumns % isa.vectorWidth == 0)
                        #expect(root.microRows * vectors + vectors + 1 <= registers, "\(root) of \(registers)")
                    }
                }
            }
        }
    }

    @Test func twelveRegistersHoldFewerAccumulatorsThanThirtyTwo() throws {
        let w = try Strange.product(97, 211, 83)
        func largest(_ registers: Int) -> Int {
            roots(w, .rowMajor(w), madeUpDevice(registers: registers)).map { $0.microRows * $0.microColumns / 8 }.max()
                ?? 0
        }
        #expect(largest(12) >= 8 && largest(12) <= 10)
        #expect(largest(32) >= 20)
    }

    @Test func rootsHideTheLatencyWhereTheResultAllows() throws {
        for registers in [12, 16, 32] {
            let device = madeUpDevice(registers: registers)
            for w in try [Strange.product(97, 211, 83), Strange.product(977, 3, 41), Strange.convolution()] {
                for root in roots(w, .rowMajor(w), device) {
                    #expect(root.microRows * root.microColumns / 8 >= accumulatorsMin, "\(root) of \(registers)")
                }
            }
        }
        // a single row takes as many vectors as there are registers for: 2v + 1 <= 12
        let one = try Strange.product(1, 211, 997)
        let row = roots(one, .rowMajor(one), madeUpDevice(registers: 12))
        #expect(row.map(\.microRows).max() == 1)
        #expect(row.map(\.microColumns).max() ?? 0 >= 4 * 8)
        let wide = roots(one, .rowMajor(one), madeUpDevice(registers: 32))
        #expect(wide.contains { $0.microColumns >= accumulatorsMin * 8 })
    }

    @Test func aLargerCacheNeverMakesTheBestTileSlower() throws {
        for w in try workloads() {
            var before = Double.infinity
            for l2 in [64 << 10, 200 << 10, 800 << 10, 3 << 20] {
                guard let best = made(w, madeUpDevice(l2: l2)).entries.first else { continue }
                guard case .contraction(let nest) = best.value.nest, nest.a != .packed, nest.b != .packed else {
                    continue
                }
                #expect(best.prediction.ns <= before * 1.0001, "\(nest) with \(l2) bytes")
                before = best.prediction.ns
            }
        }
    }

    @Test func partialSumsFitTheUsableCache() throws {
        var chunked = 0
        for w in try workloads() {
            for l2 in [64 << 10, 700 << 10] {
                let device = madeUpDevice(l2: l2)
                let all = construct(w, .rowMajor(w), device, ConstructLimits(perRoot: 1000)).entries.map(\.value)
                for schedule in all {
                    guard case .contraction(let nest) = schedule.nest, nest.a != .packed, nest.b != .packed,
                        case .success(.contraction(let c)) = w.structure(),
                        nest.depth < c.depth.reduce(1, { $0 * w.definitions[c.anchor].axisExtents[$1] })
                    else { continue }
                    chunked += 1
                    let rows = c.rows.reduce(1) { $0 * w.definitions[c.anchor].axisExtents[$1] }
                    let taskRows = min(rows, nest.taskRowTiles * nest.microRows)
                    #expect(4 * taskRows * nest.taskColumns <= device.l2UsableBytes, "\(nest)")
                }
            }
        }
        #expect(chunked > 50)
    }

    @Test func everyWorkloadGetsASchedule() throws {
        for device in [madeUpDevice(), madeUpDevice(isa: .avx512, registers: 32), madeUpDevice(isa: .plain, l2: 1024)] {
            for w in try workloads() + Strange.others() {
                for lanes in [1, 3, 6] {
                    #expect(!made(w, device, lanes: lanes).entries.isEmpty, "\(w)")
                }
            }
        }
    }

    @Test func reasonsCarryNumbers() throws {
        let left = made(try Strange.product(97, 211, 83), madeUpDevice()).rejections
        #expect(left.map(\.kind) == left.map(\.kind).sorted())
        #expect(left.allSatisfy { $0.count > 0 })
        let kinds = Set(left.map(\.kind))
        #expect(kinds.isSuperset(of: ["padding", "registers"]), "\(kinds)")
        let small = made(try Strange.product(997, 1009, 997), madeUpDevice(l2: 64 << 10)).rejections
        let capacity = small.first { $0.kind == "capacity" }
        guard case .capacity("L2", let needed, let usable)? = capacity?.example else {
            Issue.record("a small cache rejects something")
            return
        }
        #expect(usable == Int(Double(64 << 10) * 0.57) && needed > usable)
        #expect(capacity?.example.sentence == "needs \(needed) bytes in L2, \(usable) are usable")
        let uneven = made(try Strange.product(97, 211, 83), madeUpDevice(), lanes: 5).rejections
        guard case .grain(let tasks, 5)? = uneven.first(where: { $0.kind == "grain" })?.example else {
            Issue.record("some grid does not divide among five lanes")
            return
        }
        #expect(tasks * 10 < (tasks + 4) / 5 * 5 * 9)
    }

    @Test func whatIsKeptDividesAmongTheLanes() throws {
        let w = try Strange.product(977, 1013, 83)
        for nest in nests(made(w, madeUpDevice(l2: 100 << 10), lanes: 5)) {
            let tiles = (977 + nest.microRows - 1) / nest.microRows
            let rowTasks = (tiles + nest.taskRowTiles - 1) / nest.taskRowTiles
            let tasks = rowTasks * ((1013 + nest.taskColumns - 1) / nest.taskColumns)
            #expect(tasks * 10 >= (tasks + 4) / 5 * 5 * 9)
        }
    }

    @Test func anyGroupingOfRootsGivesTheSameUnion() throws {
        let device = madeUpDevice()
        for w in try workloads() + Strange.others() {
            let all = roots(w, .rowMajor(w), device)
            let whole = made(w, device).entries
            for group in [1, 2, 3] {
                var union: [Ranked<Schedule>.Entry] = []
                for first in stride(from: 0, to: all.count, by: group) {
                    let some = Array(all[first..<min(first + group, all.count)])
                    union += construct(w, .rowMajor(w), device, ConstructLimits(), roots: some).entries
                }
                #expect(ranked(union) == whole)
            }
            let reversed = construct(w, .rowMajor(w), device, ConstructLimits(), roots: all.reversed())
            #expect(reversed.entries == whole)
            #expect(whole.count <= all.count * ConstructLimits().perRoot)
            #expect(Set(whole.map(\.value)).count == whole.count)
        }
    }

    @Test func theRankingIsSortedAndAlwaysTheSame() throws {
        let device = madeUpDevice()
        for w in try workloads() + Strange.others() {
            let first = made(w, device)
            let times = first.entries.map(\.prediction.ns)
            #expect(times == times.sorted())
            #expect(made(w, device) == first)
            #expect(ranked(first.entries.reversed()) == first.entries)
        }
    }

    @Test func predictionsAreNeverBelowTheLowerBound() throws {
        for device in [madeUpDevice(), madeUpDevice(isa: .avx512, registers: 32, l2: 2 << 20, l3: 32 << 20)] {
            for w in try workloads() + Strange.others() {
                for entry in made(w, device, perRoot: 50).entries {
                    #expect(entry.prediction.lowerBoundNs > 0)
                    #expect(entry.prediction.ns >= entry.prediction.lowerBoundNs)
                    #expect(entry.prediction.ns.isFinite)
                    #expect(entry.prediction.lowerBoundNs == lowerBoundNs(w, device))
                }
            }
        }
    }

    @Test func theBoundIsWorkAtPeakOrBytesAtL2Speed() throws {
        // 2·97·211·83 flops at 40 per ns
        let bound = lowerBoundNs(try Strange.product(97, 211, 83), madeUpDevice())
        #expect(bound == Double(2 * 97 * 211 * 83) / 40)
        // depth 1: the result's bytes at 50 per ns take longer than 2·97·211 flops
        #expect(lowerBoundNs(try Strange.product(97, 211, 1), madeUpDevice()) == Double(4 * 97 * 211) / 50)
    }

    @Test func aSlowerDeviceIsPredictedToTakeLonger() throws {
        for w in try workloads() {
            let device = madeUpDevice()
            var slow = device
            slow.calibration.fmaFlopsPerNs /= 4
            slow.calibration.memoryBytesPerNs /= 4
            slow.calibration.l2BytesPerNs /= 4
            slow.calibration.packElementsPerNs /= 4
            for entry in made(w, device).entries {
                #expect(predict(w, entry.value, slow).ns > entry.prediction.ns)
            }
        }
    }

    @Test func efficiencyOfRegisterTiles() {
        // 24 FMAs at two a cycle; 10 loads hide below them
        #expect(microEfficiency(rows: 6, vectors: 4) == 1)
        // one accumulator waits four cycles for half a cycle of work
        #expect(microEfficiency(rows: 1, vectors: 1) == 0.125)
        #expect(microEfficiency(rows: 14, vectors: 1) == 7 / 7.5)
    }

    @Test func schedulesNameTheDevicesInstructionSetAndEveryHandOver() throws {
        let w = canonicalise(
            try Workload(
                parsing: """
                    workload(A: f32[37,41], B: const f32[41,43], b: const f32[43]) {
                      C: f32[m:37,n:43] = sum(k:41) A[m,k] * B[k,n]
                      D: f32[m:37,n:43] = C[m,n] + b[n]
                      E: f32[m:37,n:43] = max(D[m,n], 0.0)
                    } -> E
                    """)
        ).workload
        for entry in made(w, madeUpDevice(isa: .plain)).entries {
            #expect(entry.value.isa == .plain)
            #expect(entry.value.connects.map(\.kind) == [.register, .register])
            #expect(entry.value.connects.map(\.to) == [4, 5])
            #expect(entry.value.prepares.count == 1)
            #expect(entry.value.interface == .rowMajor(w))
        }
    }
}
