// Shapes of matrix products and convolutions as a person names them, and the workload behind a name: canonical, with a
// bias and a rectifier behind the sum, as models have them. Products are row-major; convolutions read and write maps in
// blocks of channels, with the padding as a halo of zeros on the input.
//
//     gemm:128x3072x768         rows x columns x depth
//     conv:64,56,128,3,2        channels, lines and positions, channels of the result, kernel, stride, padding
//
// In:  a name.  Out: workload, interface and multiply-adds; or why it is none.

import Basics
import Schedules
import TensorIR

enum KernelShape: Hashable {
    case product(rows: Int, columns: Int, depth: Int)
    /// A square kernel over square maps.
    case convolution(Convolution)

    struct Convolution: Hashable {
        var channels: Int
        var size: Int
        var outputs: Int
        var kernel: Int
        var stride: Int
        var padding: Int

        var outputSize: Int { (size + 2 * padding - kernel) / stride + 1 }
    }

    /// A number of a shape at most.
    static let extentMax = 1 << 16
    /// Floating-point operations of a shape at most: a second or so.
    static let flopsMax = 1e12

    /// Two per multiply-add; the epilogue is not counted.
    var flops: Double {
        switch self {
        case .product(let rows, let columns, let depth): 2 * Double(rows) * Double(columns) * Double(depth)
        case .convolution(let c):
            2 * Double(c.outputSize * c.outputSize) * Double(c.outputs) * Double(c.channels * c.kernel * c.kernel)
        }
    }

    /// What `init(parsing:)` takes; the padding only where it is not half of the kernel.
    var text: String {
        switch self {
        case .product(let rows, let columns, let depth): return "gemm:\(rows)x\(columns)x\(depth)"
        case .convolution(let c):
            let padding = c.padding == c.kernel / 2 ? "" : ",\(c.padding)"
            return "conv:\(c.channels),\(c.size),\(c.outputs),\(c.kernel),\(c.stride)\(padding)"
        }
    }

    init(parsing text: String) throws(KernelShapeError) {
        func numbers(_ prefix: String, _ separator: Character) -> [Int]? {
            guard text.hasPrefix(prefix) else { return nil }
            let parts = text.dropFirst(prefix.count).split(separator: separator, omittingEmptySubsequences: false)
            let values = parts.compactMap { $0.allSatisfy(\.isNumber) ? Int($0) : nil }
            return values.count == parts.count ? values : nil
        }
        if let n = numbers("gemm:", "x"), n.count == 3 {
            self = .product(rows: n[0], columns: n[1], depth: n[2])
            guard n.allSatisfy((1...KernelShape.extentMax).contains) else { throw .extents(text) }
        } else if let n = numbers("conv:", ","), (4...6).contains(n.count) {
            guard n.prefix(4).allSatisfy((1...KernelShape.extentMax).contains) else { throw .extents(text) }
            let c = Convolution(
                channels: n[0], size: n[1], outputs: n[2], kernel: n[3], stride: n.count > 4 ? n[4] : 1,
                padding: n.count > 5 ? n[5] : n[3] / 2)
            guard (1...KernelShape.extentMax).contains(c.stride), c.padding < c.kernel,
                c.size + 2 * c.padding >= c.kernel
            else { throw .window(text) }
            self = .convolution(c)
        } else {
            throw .unknown(text)
        }
        guard flops <= KernelShape.flopsMax else { throw .tooLarge(text) }
    }

    /// The canonical workload and the interface under which it is tiled.
    func kernelProblem() throws(KernelShapeError) -> KernelProblem {
        let workload: Workload
        switch self {
        case .product(let rows, let columns, let depth): workload = product(rows, columns, depth)
        case .convolution(let c): workload = c.workload
        }
        let canonical = canonicalise(workload).workload
        let interface = Interface(
            entries: Interface.slots(canonical).map { slot in
                .init(slot: slot, layout: layout(isResult: slot >= canonical.parameters.count))
            })
        guard canonical.isLowerable(interface) else { throw .notTiled(text) }
        return KernelProblem(shape: self, workload: canonical, interface: interface)
    }

    private func layout(isResult: Bool) -> Layout {
        switch self {
        case .product: .row
        case .convolution(let c): isResult ? c.resultLayout : c.inputLayout
        }
    }

    private func product(_ rows: Int, _ columns: Int, _ depth: Int) -> Workload {
        let sum = Definition(
            type: TensorType(.f32, [rows, columns]),
            body: .reduce(
                .sum, extents: [depth], condition: nil,
                .read(slot: 0, [.axis(0), .axis(2)]) * .read(slot: 1, [.axis(2), .axis(1)])))
        return KernelShape.rectified(
            sum, input: TensorType(.f32, [rows, depth]), weights: TensorType(.f32, [depth, columns]), biasAxis: 1)
    }

    /// Slots: input, weights, bias, then the sum, the sum with its bias, and what is not negative of that.
    fileprivate static func rectified(
        _ sum: Definition, input: TensorType, weights: TensorType, biasAxis: Int
    ) -> Workload {
        let axes = sum.type.shape.indices.map { Expr.axis($0) }
        let shifted: Expr = .read(slot: 3, axes) + .read(slot: 2, [.axis(biasAxis)])
        return Workload(
            parameters: [
                .init(type: input, isConstant: false), .init(type: weights, isConstant: true),
                .init(type: TensorType(.f32, [sum.type.shape[biasAxis]]), isConstant: true),
            ],
            definitions: [
                sum, Definition(type: sum.type, body: .map(shifted)),
                Definition(type: sum.type, body: .map(.binary(.maximum, .read(slot: 4, axes), .float(0)))),
            ], results: [5])
    }
}

/// A shape ready for construction.
struct KernelProblem {
    var shape: KernelShape
    var workload: Workload
    var interface: Interface
}

/// Channels of a block: a line of the cache. Inputs of fewer channels than half a block are planes.
private let blockChannels = 16
private let planeChannelsMax = 7

extension KernelShape.Convolution {
    /// Maps in blocks where blocks divide the channels, planes for images, else all channels of a position together.
    private func maps(_ channels: Int, _ size: Int, halo: Int) -> Layout {
        let block =
            channels % blockChannels == 0 ? blockChannels : channels <= planeChannelsMax && halo > 0 ? 1 : channels
        return .maps(
            MapLayout(channels: channels, height: size, width: size, block: block, haloY: halo, haloX: halo))
    }

    fileprivate var inputLayout: Layout { maps(channels, size, halo: padding) }
    fileprivate var resultLayout: Layout { maps(outputs, outputSize, halo: 0) }

    /// Axes: channel of the result, line, position; channel, line and position of the window.
    var workload: Workload {
        func along(_ axis: Int) -> Expr {
            let scaled = stride == 1 ? Expr.axis(axis) : .axis(axis) * .integer(stride)
            return scaled + .axis(axis + 3) + .integer(-padding)
        }
        let position = [along(1), along(2)]
        var tests: [Expr] = []
        for index in position {
            if padding > 0 { tests.append(.binary(.greaterOrEqual, index, .integer(0))) }
            let last = (outputSize - 1) * stride + kernel - 1 - padding
            if last >= size { tests.append(.binary(.less, index, .integer(size))) }
        }
        var read = Expr.read(slot: 0, [.axis(3)] + position)
        if let first = tests.first {
            let inside = tests.dropFirst().reduce(first) { .binary(.and, $0, $1) }
            read = .select(inside, read, .float(0))
        }
        let sum = Definition(
            type: TensorType(.f32, [outputs, outputSize, outputSize]),
            body: .reduce(
                .sum, extents: [channels, kernel, kernel], condition: nil,
                read * .read(slot: 1, [.axis(0), .axis(3), .axis(4), .axis(5)])))
        return KernelShape.rectified(
            sum, input: TensorType(.f32, [channels, size, size]),
            weights: TensorType(.f32, [outputs, channels, kernel, kernel]), biasAxis: 0)
    }
}

enum KernelShapeError: Explained, Equatable {
    case unknown(String)
    case extents(String)
    case window(String)
    case tooLarge(String)
    case notTiled(String)

    var sentence: String {
        switch self {
        case .unknown(let text):
            "'\(escaped(text, limit: 80))' is no shape: use gemm:MxNxK (rows, columns, depth) or conv:C,H,O,K[,S[,P]] "
                + "(channels, lines, channels of the result, kernel, stride, padding)"
        case .extents(let text):
            "every number of \(escaped(text, limit: 80)) but stride and padding must lie in "
                + "1...\(KernelShape.extentMax)"
        case .window(let text):
            "the windows of \(escaped(text, limit: 80)) do not fit its maps: stride from 1, padding below the kernel, "
                + "kernel within the padded map"
        case .tooLarge(let text):
            "\(escaped(text, limit: 80)) takes more than \(fixed(KernelShape.flopsMax / 1e9, 0)) Gflop; "
                + "use a smaller shape"
        case .notTiled(let text): "no template tiles \(escaped(text, limit: 80)) in blocks of channels"
        }
    }
}
