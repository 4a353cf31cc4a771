// A property over random graphs: maps, broadcasts, views of every kind, reductions, products, concatenations, values
// with several readers and outputs anywhere. Welds cover each of them and compute the same.

import Basics
import TensorIR
import Testing

@testable import Welder

private struct RandomGraph {
    var sketch: GraphSketch
    private var values: [(id: ValueID, shape: [Int])] = []

    init(seed: UInt64) {
        sketch = GraphSketch(seed: seed)
        for _ in 0..<1 + sketch.random.below(2) {
            let shape = (0..<1 + sketch.random.below(3)).map { _ in 1 + sketch.random.below(4) }
            values.append((sketch.input(shape), shape))
        }
    }

    private mutating func below(_ n: Int) -> Int { sketch.random.below(n) }

    private func axes(_ shape: [Int]) -> (head: String, at: String) {
        let names = shape.indices.map { "i\($0)" }
        return (zip(names, shape).map { "\($0):\($1)" }.joined(separator: ","), names.joined(separator: ","))
    }

    private mutating func add(_ text: String, _ shape: [Int], _ operands: [ValueID]) throws {
        values.append((try sketch.define(text, of: operands), shape))
    }

    mutating func grow() throws {
        // recent values are read more often, so chains form
        let at = max(0, values.count - 1 - below(3))
        let (x, shape) = values[at]
        let (head, all) = axes(shape)
        switch below(12) {
        case 0: try add("f32[\(head)] = \(["exp", "tanh", "abs"][below(3)])(a[\(all)])", shape, [x])
        case 1: try add("f32[\(head)] = a[\(all)] * 0.5 + a[\(all)]", shape, [x])
        case 2, 3:
            let fitting = values.filter { $0.shape == shape }
            let other = fitting[below(fitting.count)].id
            try add("f32[\(head)] = a[\(all)] + b[\(all)]", shape, [x, other])
        case 4:
            guard let last = shape.last else { return }
            let c = sketch.constant([last])
            try add("f32[\(head)] = a[\(all)] * b[i\(shape.count - 1)]", shape, [x, c])
        case 5: try view(x, shape)
        case 6: try view(x, shape)
        case 7: try reduce(x, shape, keep: below(2) == 0)
        case 8: try normalise(x, shape)
        case 9:
            guard let k = shape.last, !shape.isEmpty else { return }
            let n = 1 + below(4)
            let w = sketch.constant([k, n])
            let out = Array(shape.dropLast()) + [n]
            let (outHead, outAll) = axes(out)
            let lead = shape.dropLast().indices.map { "i\($0)," }.joined()
            _ = outAll
            try add("f32[\(outHead)] = sum(k:\(k)) a[\(lead)k] * b[k,i\(out.count - 1)]", out, [x, w])
        case 10:
            guard let first = shape.first else { return }
            let out = [first + first] + shape.dropFirst()
            let (outHead, outAll) = axes(out)
            let rest = shape.dropFirst().map { "0..<\($0)" }
            let low = (["0..<\(first)"] + rest).joined(separator: ", ")
            let high = (["\(first)..<\(2 * first)"] + rest).joined(separator: ", ")
            let moved = (["i0-\(first)"] + shape.dropFirst().indices.map { "i\($0)" }).joined(separator: ",")
            guard out.reduce(1, *) <= 256 else { return }
            try add("f32[\(outHead)] = { [\(low)] a[\(outAll)]; [\(high)] a[\(moved)] }", out, [x])
        default:
            guard !shape.isEmpty else { return }
            try add("f32[\(head)] = (i0 < 1 ? a[\(all)] : 0.25)", shape, [x])
        }
    }

    private mutating func view(_ x: ValueID, _ shape: [Int]) throws {
        switch below(4) {
        case 0:  // flatten
            let count = shape.reduce(1, *)
            let strides = TensorType(.f32, shape).strides
            let at = shape.indices.map { "k/\(strides[$0])%\(shape[$0])" }.joined(separator: ",")
            try add("f32[k:\(count)] = a[\(at)]", [count], [x])
        case 1:  // turn around
            let out = Array(shape.reversed())
            let (head, _) = axes(out)
            let at = shape.indices.map { "i\(shape.count - 1 - $0)" }.joined(separator: ",")
            try add("f32[\(head)] = a[\(at)]", out, [x])
        case 2:  // every second, or backwards
            guard let first = shape.first else { return }
            let out = [(first + 1) / 2] + shape.dropFirst()
            let (head, _) = axes(out)
            let index = below(2) == 0 ? "i0*2" : "\(first - 1)-i0"
            let at = ([index] + shape.dropFirst().indices.map { "i\($0)" }).joined(separator: ",")
            try add("f32[\(head)] = a[\(at)]", out, [x])
        default:  // broadcast along a new axis
            guard shape.count < 4, shape.reduce(1, *) <= 64 else { return }
            let out = [2] + shape
            let (head, _) = axes(out)
            let at = shape.indices.map { "i\($0 + 1)" }.joined(separator: ",")
            try add("f32[\(head)] = a[\(at)]", out, [x])
        }
    }

    private mutating func reduce(_ x: ValueID, _ shape: [Int], keep: Bool) throws {
        guard !shape.isEmpty else { return }
        let axis = below(shape.count)
        var out = shape
        if keep { out[axis] = 1 } else { out.remove(at: axis) }
        let (head, _) = axes(out)
        var next = 0
        let at = shape.indices.map { d -> String in
            if d == axis {
                if keep { next += 1 }
                return "r"
            }
            next += 1
            return "i\(next - 1)"
        }.joined(separator: ",")
        try add("f32[\(head)] = \(["sum", "max"][below(2)])(r:\(shape[axis])) a[\(at)]", out, [x])
    }

    /// A softmax-like chain over the last axis, so that rows are frequent.
    private mutating func normalise(_ x: ValueID, _ shape: [Int]) throws {
        guard let n = shape.last else { return }
        let rows = Array(shape.dropLast())
        let (rowHead, rowAt) = axes(rows)
        let (head, all) = axes(shape)
        let lead = rowAt.isEmpty ? "" : rowAt + ","
        let top = try sketch.define("f32[\(rowHead)] = max(r:\(n)) a[\(lead)r]", x)
        let e = try sketch.define("f32[\(head)] = exp(a[\(all)] - b[\(rowAt)])", x, top)
        let sum = try sketch.define("f32[\(rowHead)] = sum(r:\(n)) a[\(lead)r]", e)
        try add("f32[\(head)] = a[\(all)] / b[\(rowAt)]", shape, [e, sum])
        if below(3) == 0 { values.append((sum, rows)) }
        if below(3) == 0 { values.append((e, shape)) }
    }

    /// One to three outputs among the later values; `nil` when they are all inputs or constants.
    mutating func graph() throws -> Graph? {
        var outputs: [ValueID] = []
        for _ in 0..<1 + below(3) {
            let id = values[max(0, values.count - 1 - below(5))].id
            if !outputs.contains(id), !sketch.builder.isConstant(id), id.index >= 2 { outputs.append(id) }
        }
        guard !outputs.isEmpty else { return nil }
        let graph = try sketch.graph(of: outputs)
        let index = GraphIndex(graph)
        guard graph.body.results.allSatisfy({ index.producer(of: $0) != nil }) else { return nil }
        return graph
    }
}

@Test func weldsOfRandomGraphsCoverAndComputeThem() throws {
    var graphs = 0
    var welded = 0
    for seed in 0..<600 {
        var random = RandomGraph(seed: UInt64(seed))
        for _ in 0..<2 + seed % 10 { try random.grow() }
        guard let graph = try random.graph() else { continue }
        graphs += 1
        welded += candidateWelds(graph).filter { $0.operations.count > 1 }.count
        let constants = random.sketch.builder.constants
        let faults = try weldFaults(graph, constants, &random.sketch)
        if !faults.isEmpty {
            Issue.record("seed \(seed): \(faults.joined(separator: "\n"))\n\(graph)")
            return
        }
    }
    #expect(graphs > 500 && welded > 300)
}
