// Winograd's algorithm against the tensor interpreter: maps that tiles divide and maps that they do not, one and two
// images, padding and none, epilogues with a bias, a residual and a bound; every register tile and block of tiles.

import DeviceModel
import KernelIR
import Roller
import Schedules
import TensorIR
import Testing

@testable import Lowering

private struct Convolution {
    var images = 1
    var channels = 8
    var filters = 8
    var height: Int
    var width: Int
    var padding = 1

    var output: (height: Int, width: Int) { (height + 2 * padding - 2, width + 2 * padding - 2) }

    func workload() throws -> Workload {
        let (oh, ow) = output
        let inside =
            "y+r>=\(padding) && y+r<\(height + padding) && x+s>=\(padding) && x+s<\(width + padding)"
        let read = "X[n,c,y+r-\(padding),x+s-\(padding)]"
        let shape = "\(images),\(filters),\(oh),\(ow)"
        let axes = "n:\(images),k:\(filters),y:\(oh),x:\(ow)"
        let written = try Workload(
            parsing: """
                workload(X: f32[\(images),\(channels),\(height),\(width)], \
                W: const f32[\(filters),\(channels),3,3], B: const f32[\(filters)], R: f32[\(shape)]) {
                  acc: f32[\(axes)] = sum(c:\(channels),r:3,s:3) (\(inside) ? \(read) : 0.0) * W[k,c,r,s]
                  z: f32[\(axes)] = max(acc[n,k,y,x] + B[k] + R[n,k,y,x], 0.25)
                } -> z
                """)
        try written.verify()
        return canonicalise(written).workload
    }

    func interface(_ workload: Workload, block: Int) -> Interface {
        let (oh, ow) = output
        return Interface(
            entries: Interface.slots(workload).map { slot in
                let isInput =
                    !workload.results.contains(slot)
                    && workload.type(ofSlot: slot).elements == images * channels * height * width
                let layout =
                    isInput
                    ? MapLayout(
                        images: images, channels: channels, height: height, width: width, block: block, haloY: 1,
                        haloX: 1)
                    : MapLayout(images: images, channels: filters, height: oh, width: ow, block: block)
                return .init(slot: slot, layout: .maps(layout))
            })
    }
}

@Suite struct WinogradTests {
    /// Four lanes of vectors, so that a few channels are enough.
    private let device = testDevices[2]

    private func check(_ convolution: Convolution, block: Int) throws -> Int {
        let workload = try convolution.workload()
        let interface = convolution.interface(workload, block: block)
        var samples = WorkloadSamples(seed: 5)
        let lowered = LoweredKernels(workload, workload.parameters.map { samples.value($0.type) }, tolerance: 1e-5)
        let made = construct(workload, interface, device, lanes: 2, ConstructLimits(perRoot: 3)).entries.map(\.value)
        let schedules = made.filter { $0.algorithm != .direct }
        for schedule in schedules {
            #expect(try Schedule(parsing: schedule.text) == schedule)
            try schedule.verify(for: workload)
            let kernel = lower(workload, schedule)
            if let fault = lowered.fault(kernel, schedule, order: .shuffled(seed: 3)) {
                Issue.record("\(fault)\n\(workload)\(schedule.text)")
            }
        }
        return schedules.count
    }

    @Test func tilesThatDivideTheMapAndTilesThatDoNot() throws {
        for (height, width) in [(8, 8), (7, 9), (5, 6), (3, 11)] {
            let count = try check(Convolution(height: height, width: width), block: 4)
            #expect(count > 0, "\(height)x\(width)")
        }
    }

    @Test func imagesAndChannelsOfAllKinds() throws {
        let some = [
            (Convolution(images: 2, height: 6, width: 5), 4),
            (Convolution(channels: 4, filters: 16, height: 6, width: 5), 4),
            (Convolution(channels: 12, filters: 4, height: 6, width: 6, padding: 0), 4),
            (Convolution(height: 6, width: 6), 8),
        ]
        for (convolution, block) in some {
            let count = try check(convolution, block: block)
            #expect(count > 0, "\(convolution)")
        }
    }

    @Test func neverMeansNever() throws {
        let convolution = Convolution(height: 8, width: 8)
        let workload = try convolution.workload()
        let interface = convolution.interface(workload, block: 4)
        let made = construct(workload, interface, device, lanes: 1, ConstructLimits(winograd: false)).entries
        #expect(!made.isEmpty)
        #expect(made.allSatisfy { $0.value.algorithm == .direct })
        #expect(roots(workload, interface, device, ConstructLimits()).contains { $0.algorithm == .winograd4 })
    }

    @Test func schedulesThatDoNotFitAreRefused() throws {
        let convolution = Convolution(height: 8, width: 8)
        let workload = try convolution.workload()
        let interface = convolution.interface(workload, block: 4)
        let all = construct(workload, interface, device, lanes: 1, ConstructLimits()).entries.map(\.value)
        let schedule = try #require(all.first { $0.algorithm == .winograd4 })
        guard case .winograd(let nest) = schedule.nest else { return }
        var wrong = schedule
        wrong.algorithm = .direct
        #expect(throws: ScheduleFault.algorithm(.direct, nest: "winograd")) { try wrong.verify(for: workload) }
        wrong = schedule
        wrong.nest = .winograd(
            WinogradNest(
                tileLines: 3, tilePositions: nest.tilePositions, microRows: nest.microRows,
                microColumns: nest.microColumns))
        #expect(throws: ScheduleFault.size(what: "the task's lines of tiles", value: 3)) {
            try wrong.verify(for: workload)
        }
        wrong = schedule
        wrong.algorithm = .winograd2
        #expect(throws: ScheduleFault.prepares) { try wrong.verify(for: workload) }
        wrong = schedule
        wrong.interface = .rowMajor(workload)
        #expect(throws: ScheduleFault.self) { try wrong.verify(for: workload) }
    }
}
