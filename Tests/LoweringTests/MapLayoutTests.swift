// Convolutions, windows, elementwise chains, joins and conversions whose tensors lie in maps: blocks of channels that
// divide them, all channels side by side, planes; with halos that answer the padding, wider ones, and none. Every
// schedule that Roller constructs is interpreted and compared with the tensor interpreter, halos included.

import Basics
import KernelIR
import Roller
import Schedules
import TensorIR
import Testing

@testable import Lowering

private struct Maps {
    var images = 1
    var channels: Int
    var height: Int
    var width: Int
    var elements: Int { images * channels * height * width }

    func layout(block: Int, halo: (Int, Int)) -> Layout {
        .maps(
            MapLayout(
                images: images, channels: channels, height: height, width: width, block: block, haloY: halo.0,
                haloX: halo.1))
    }
}

private struct MapSample {
    var text: String
    var input: Maps
    var output: Maps
    var padding: Int
}

extension WorkloadSamples {
    fileprivate mutating func maps(isDepthwise: Bool) -> MapSample {
        let groups = isDepthwise ? 1 : chance(25) ? 2 : 1
        let c = pick([2, 4, 8, 12])
        let k = isDepthwise ? c : pick([2, 4, 8, 12, 20])
        let (r, s) = (1 + random.below(3), 1 + random.below(3))
        let (stride, pad) = (1 + random.below(2), random.below(2))
        let (oh, ow) = (1 + random.below(5), pick([1, 2, 3, 5, 7, 9]))
        let images = chance(30) ? 2 : 1
        let inH = max((oh - 1) * stride + r - 2 * pad, 1)
        let inW = max((ow - 1) * stride + s - 2 * pad, 1)
        let (y, x) = ("y*\(stride)+r-\(pad)", "x*\(stride)+s-\(pad)")
        let inside =
            "y*\(stride)+r>=\(pad) && y*\(stride)+r<\(inH + pad) && x*\(stride)+s>=\(pad) "
            + "&& x*\(stride)+s<\(inW + pad)"
        let axes = [("n", images), ("g", groups), ("k", k), ("y", oh), ("x", ow)]
        let tail = epilogue(axes, channel: ("k", k))
        let head = axes.map { "\($0.0):\($0.1)" }.joined(separator: ",")
        let body: String
        let weights: String
        if isDepthwise {
            let read = "X[n,k,\(y),\(x)]"
            weights = ", W: const f32[\(k),\(r),\(s)]"
            switch random.below(3) {
            case 0: body = "max(r:\(r),s:\(s)) (\(inside) ? \(read) : -1000.0) * W[k,r,s]"
            default: body = "sum(r:\(r),s:\(s)) W[k,r,s] * (\(inside) ? \(read) : 0.0)"
            }
        } else {
            weights = ", W: const f32[\(groups),\(k),\(c),\(r),\(s)]"
            body = "sum(c:\(c),r:\(r),s:\(s)) W[g,k,c,r,s] * (\(inside) ? X[n,g*\(c)+c,\(y),\(x)] : 0.0)"
        }
        let text = """
            workload(X: f32[\(images),\(groups * c),\(inH),\(inW)]\(weights)\(tail.parameters)) {
              acc: f32[\(head)] = \(body)
              \(tail.lines)
            } -> \(tail.result)
            """
        return MapSample(
            text: text, input: Maps(images: images, channels: groups * c, height: inH, width: inW),
            output: Maps(images: images, channels: groups * k, height: oh, width: ow), padding: pad)
    }

    fileprivate mutating func streams() -> MapSample {
        let maps = Maps(
            images: pick([1, 1, 2]), channels: pick([4, 8, 12, 20]), height: 1 + random.below(4),
            width: 1 + random.below(5))
        let shape = "\(maps.images),\(maps.channels),\(maps.height),\(maps.width)"
        let head = "n:\(maps.images),c:\(maps.channels),y:\(maps.height),x:\(maps.width)"
        let text: String
        switch random.below(4) {
        case 0:
            text = """
                workload(X: f32[\(shape)], S: const f32[\(maps.channels)], B: const f32[\(maps.channels)]) {
                  z: f32[\(head)] = max(X[n,c,y,x] * S[c] + B[c], 0.25)
                } -> z
                """
        case 1:
            text = """
                workload(X: f32[\(shape)], Y: f32[\(shape)]) {
                  z: f32[\(head)] = X[n,c,y,x] * Y[n,c,y,x] - 1.5
                } -> z
                """
        case 2:
            let cut = 1 + random.below(maps.channels - 1)
            let map = "0..<\(maps.height), 0..<\(maps.width)"
            let first = "0..<\(maps.images), 0..<\(cut), \(map)"
            let rest = "0..<\(maps.images), \(cut)..<\(maps.channels), \(map)"
            text = """
                workload(X: f32[\(shape)], Y: f32[\(shape)]) {
                  z: f32[\(head)] = { [\(first)] X[n,c,y,x]; [\(rest)] Y[n,c,y,x] }
                } -> z
                """
        default: text = "workload(X: f32[\(shape)]) { z: f32[\(head)] = X[n,c,y,x] } -> z"
        }
        return MapSample(text: text, input: maps, output: maps, padding: 0)
    }
}

private func check(seed: UInt64, count: Int, _ sample: (inout WorkloadSamples) -> MapSample) throws -> Set<String> {
    var samples = WorkloadSamples(seed: seed)
    var found: Set<String> = []
    for n in 0..<count {
        let sample = sample(&samples)
        let written = try Workload(parsing: sample.text)
        try written.verify()
        let workload = canonicalise(written).workload
        let lowered = LoweredKernels(workload, workload.parameters.map { samples.value($0.type) })
        for _ in 0..<3 {
            let interface = interface(workload, sample, &samples)
            guard workload.isLowerable(interface), !interface.isRowMajor else { continue }
            #expect(try Interface(parsing: interface.text) == interface)
            for device in testDevices {
                let lanes = [1, 2, 4][n % 3]
                let all = construct(workload, interface, device, lanes: lanes, ConstructLimits(perRoot: 2))
                #expect(!all.entries.isEmpty, "no schedule for\n\(workload)\(interface.text)")
                for schedule in all.entries.map(\.value).prefix(6) {
                    #expect(try Schedule(parsing: schedule.text) == schedule)
                    try schedule.verify(for: workload)
                    let kernel = lower(workload, schedule)
                    found.formUnion(features(schedule, kernel))
                    if let fault = lowered.fault(kernel, schedule, order: .shuffled(seed: UInt64(n))) {
                        Issue.record("\(fault)\n\(sample.text)\n\(workload)\(schedule.text)\(kernel)")
                        return found
                    }
                }
            }
        }
    }
    return found
}

private func interface(_ workload: Workload, _ sample: MapSample, _ samples: inout WorkloadSamples) -> Interface {
    func block(_ channels: Int) -> Int {
        samples.pick((1...channels).filter { channels % $0 == 0 && ($0 > 1 || channels < 4) } + [channels])
    }
    let extra = samples.random.below(2)
    let blocks = (block(sample.input.channels), block(sample.output.channels))
    let halo = (samples.random.below(3), samples.random.below(3))
    let isRow = samples.chance(15)
    return Interface(
        entries: Interface.slots(workload).map { slot in
            let elements = workload.type(ofSlot: slot).elements
            let isResult = workload.results.contains(slot)
            if !isResult, elements == sample.input.elements {
                let wide = sample.padding + extra
                return .init(slot: slot, layout: sample.input.layout(block: blocks.0, halo: (wide, wide)))
            }
            guard elements == sample.output.elements, !isRow else { return .init(slot: slot, layout: .row) }
            return .init(
                slot: slot, layout: sample.output.layout(block: blocks.1, halo: isResult ? halo : (extra, 0)))
        })
}

private func features(_ schedule: Schedule, _ kernel: Kernel) -> Set<String> {
    var out: Set<String> = [schedule.nest.kind]
    if case .contraction(let nest) = schedule.nest {
        out.insert(nest.microLines == nil ? "one run" : nest.microLines == 1 ? "parts of lines" : "whole lines")
        out.insert("outer \(nest.outer.rawValue)")
    }
    Statement.visit(kernel.phases[0].body) { statement in
        guard case .tile(let tile) = statement else { return }
        if tile.stored < tile.columns { out.insert("masked tail") }
        if tile.from != nil { out.insert("continues") }
        if !tile.operands.isEmpty { out.insert("operands") }
        if tile.inner.count > 1 { out.insert("nested depth") }
        if tile.into.block < tile.columns { out.insert("blocks of columns") }
    }
    return out
}

@Suite struct MapLayoutTests {
    @Test func convolutionsInMapsComputeTheirWorkload() throws {
        let found = try check(seed: 11, count: 150) { $0.maps(isDepthwise: false) }
        let needed: Set = [
            "contraction", "one run", "parts of lines", "whole lines", "outer columns", "outer rows", "masked tail",
            "operands", "nested depth", "blocks of columns",
        ]
        #expect(found.isSuperset(of: needed), "missing: \(needed.subtracting(found))")
    }

    @Test func windowsInMapsComputeTheirWorkload() throws {
        let found = try check(seed: 12, count: 150) { $0.maps(isDepthwise: true) }
        #expect(found.contains("reduceOuter"))
    }

    @Test func elementwiseChainsJoinsAndConversionsInMapsComputeTheirWorkload() throws {
        let found = try check(seed: 13, count: 150) { $0.streams() }
        #expect(found.contains("map"))
    }

    @Test func depthInChunksContinuesFromPartialSums() throws {
        let workload = try canonicalise(
            Workload(
                parsing: """
                    workload(X: f32[96,6,6], W: const f32[40,96,3,3]) {
                      t: f32[k:40,y:6,x:6] = sum(c:96,r:3,s:3) W[k,c,r,s] * \
                    (y+r>=1 && y+r<7 && x+s>=1 && x+s<7 ? X[c,y+r-1,x+s-1] : 0.0)
                      z: f32[k:40,y:6,x:6] = max(t[k,y,x], 0.0)
                    } -> z
                    """)
        ).workload
        let input = Maps(channels: 96, height: 6, width: 6).layout(block: 8, halo: (1, 1))
        let output = Maps(channels: 40, height: 6, width: 6).layout(block: 8, halo: (0, 0))
        let slots = Interface.slots(workload)
        let interface = Interface(entries: [
            .init(slot: slots[0], layout: input), .init(slot: slots[1], layout: output),
        ])
        var samples = WorkloadSamples(seed: 5)
        let lowered = LoweredKernels(workload, workload.parameters.map { samples.value($0.type) })
        let all = construct(workload, interface, testDevices[0], ConstructLimits(perRoot: 4000)).entries.map(\.value)
        let chunked = all.filter { schedule in
            if case .contraction(let nest) = schedule.nest { return nest.depth < 864 }
            return false
        }
        #expect(chunked.count > 3)
        for schedule in [chunked[0], chunked[chunked.count / 2], chunked[chunked.count - 1]] {
            let kernel = lower(workload, schedule)
            #expect(features(schedule, kernel).contains("continues"))
            #expect(lowered.fault(kernel, schedule, order: .descending) == nil)
        }
    }
}
