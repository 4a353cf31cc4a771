// A job that needs no file and no machine: two small graphs, a made-up device with fixed rates, two made-up toolchains.
// Simulations, and whoever wants to see the planner at work, run it; every host plans it alike.

import Basics
import DeviceModel
import TensorIR
import Tuning

enum SimulatedJob {
    /// Round numbers of a small processor; nothing is measured.
    static let device = Device(
        kind: DeviceClass(
            isa: .avx2, processor: "simulated-1-1", vectorRegisters: 16, l1Bytes: 32 << 10, l2Bytes: 512 << 10,
            l3Bytes: 8 << 20, lineBytes: 64, lanes: 1),
        calibration: Calibration(
            fmaFlopsPerNs: 80, l2BytesPerNs: 60, l3BytesPerNs: 25, memoryBytesPerNs: 10, mapOperatorsPerNs: 8,
            packElementsPerNs: 3, callNs: 8, phaseNs: 30, referenceNs: 1000))

    static func job(_ models: [TuningJob.Model], candidates: Int) -> TuningJob {
        TuningJob(
            name: "simulation", device: device,
            toolchains: ["first", "second"].map {
                .init(digest: Digest(of: "simulated \($0)"), text: "the \($0) toolchain compiles nothing\n")
            }, candidates: candidates, models: models)
    }

    /// A perceptron of three layers and a block of two convolutions.
    static var models: [TuningJob.Model] {
        [
            .init(name: "perceptron", priority: 1, graph: perceptron()),
            .init(name: "convolutions", priority: 1, graph: convolutions()),
        ]
    }

    private static func perceptron() -> Graph {
        var builder = GraphBuilder()
        var value = builder.input(name: "x", type: TensorType(.f32, [32, 96]))
        for (layer, width) in [128, 64, 10].enumerated() {
            value = linear(&builder, value, width: width, seed: UInt64(layer))
            if layer < 2 { value = rectified(&builder, value) }
        }
        return builder.finish(outputs: [(name: "y", value: value)])
    }

    private static func convolutions() -> Graph {
        var builder = GraphBuilder()
        var value = builder.input(name: "image", type: TensorType(.f32, [1, 8, 18, 18]))
        for seed in UInt64(10)...11 {
            value = rectified(&builder, convolution(&builder, value, channels: 16, seed: seed))
        }
        let shape = builder.type(value).shape
        let cell = Expr.read(slot: 0, [.axis(0), .axis(1), .axis(2), .axis(3)])
        let pooled = builder.define(
            [value],
            Definition(
                type: TensorType(.f32, [shape[0], shape[1]]),
                body: .reduce(.max, extents: [shape[2], shape[3]], condition: nil, cell)))
        return builder.finish(outputs: [(name: "features", value: pooled)])
    }

    private static func weights(_ builder: inout GraphBuilder, _ shape: [Int], seed: UInt64) -> ValueID {
        var random = SeededRandom(seed: seed)
        let type = TensorType(.f32, shape)
        let floats = (0..<type.elements).map { _ in Double(Float(random.unit() * 2 - 1)) }
        return builder.constant(TensorValue(type, floats: floats))
    }

    /// `x · w + b`.
    private static func linear(_ builder: inout GraphBuilder, _ x: ValueID, width: Int, seed: UInt64) -> ValueID {
        let (rows, depth) = (builder.type(x).shape[0], builder.type(x).shape[1])
        let w = weights(&builder, [depth, width], seed: seed)
        let b = weights(&builder, [width], seed: seed + 100)
        let type = TensorType(.f32, [rows, width])
        let term = Expr.read(slot: 0, [.axis(0), .axis(2)]) * Expr.read(slot: 1, [.axis(2), .axis(1)])
        let product = builder.define(
            [x, w], Definition(type: type, body: .reduce(.sum, extents: [depth], condition: nil, term)))
        let sum = Expr.read(slot: 0, [.axis(0), .axis(1)]) + Expr.read(slot: 1, [.axis(1)])
        return builder.define([product, b], Definition(type: type, body: .map(sum)))
    }

    /// A 3 × 3 convolution without padding.
    private static func convolution(
        _ builder: inout GraphBuilder, _ x: ValueID, channels: Int, seed: UInt64
    ) -> ValueID {
        let shape = builder.type(x).shape
        let w = weights(&builder, [channels, shape[1], 3, 3], seed: seed)
        let type = TensorType(.f32, [shape[0], channels, shape[2] - 2, shape[3] - 2])
        let pixel = Expr.read(slot: 0, [.axis(0), .axis(4), .axis(2) + .axis(5), .axis(3) + .axis(6)])
        let weight = Expr.read(slot: 1, [.axis(1), .axis(4), .axis(5), .axis(6)])
        return builder.define(
            [x, w],
            Definition(
                type: type, body: .reduce(.sum, extents: [shape[1], 3, 3], condition: nil, pixel * weight)))
    }

    private static func rectified(_ builder: inout GraphBuilder, _ x: ValueID) -> ValueID {
        let type = builder.type(x)
        let value = Expr.read(slot: 0, type.shape.indices.map { .axis($0) })
        return builder.define(
            [x], Definition(type: type, body: .map(.binary(.maximum, value, .float(0)))))
    }
}
