// Shrinks a model that fails to a few nodes that fail in the same way. Input: a model, a test, and what an import
// finds out about a model's values. Output: the smallest model that was found, the same one every time. Steps: the
// fewest nodes (the rest become inputs of their type), the fewest outputs, nodes with graphs and calls opened, weights
// become inputs, attributes and optional operands left out; again until nothing changes. Whether a model is right or
// can be imported at all does not matter here: only the test's answer does.

import Basics
import TensorIR

package struct ShrunkModel: Sendable {
    package var model: Ironworks_Onnx_ModelProto
    package var nodesBefore: Int
    /// Of the model as it is now.
    package var nodesAfter: Int
    /// Models that were tested.
    package var candidates: Int
    /// Whether the limit ended it, so that it could have become smaller.
    package var reachedLimit: Bool
}

/// - Parameter Failure: why a test or an import could not be made at all; it ends the reduction.
package struct ModelShrinker<Failure: Error> {
    /// What an import of this model finds out; `nil` when the import itself comes to no end.
    package typealias Knowledge = (Ironworks_Onnx_ModelProto) throws(Failure) -> KnownValues?
    package typealias Test = (Ironworks_Onnx_ModelProto) throws(Failure) -> Bool

    private let limit: Int
    private let knownValues: Knowledge
    private let test: Test
    private let progress: (String) -> Void
    private var candidates = 0
    private var answers: [Digest: Bool] = [:]
    private(set) var model: Ironworks_Onnx_ModelProto

    /// - Parameters:
    ///   - limit: how many models are tested at most.
    ///   - progress: hears one line per model that is smaller.
    package init(
        _ model: Ironworks_Onnx_ModelProto, limit: Int, knownValues: @escaping Knowledge, fails test: @escaping Test,
        progress: @escaping (String) -> Void = { _ in }
    ) {
        (self.model, self.limit, self.knownValues, self.test, self.progress) = (
            model, limit, knownValues, test, progress
        )
    }

    /// Shrinks the model; `nil` when it does not fail.
    package mutating func run() throws(Failure) -> ShrunkModel? {
        let before = model
        guard try fails(model) else { return nil }
        var known = try learn()
        var isShrinking = true
        while isShrinking, candidates < limit {
            let size = measure
            try dropNodes(known)
            try dropOutputs(known)
            while try unwrap() { known = try learn() }
            try weightsToInputs()
            try dropDetails()
            isShrinking = measure < size
        }
        return ShrunkModel(
            model: model, nodesBefore: before.nodeCount, nodesAfter: model.nodeCount, candidates: candidates,
            reachedLimit: candidates >= limit)
    }

    /// What has to become less: nodes, then outputs, weights, attributes and operands.
    private var measure: Int {
        let graph = model.graph
        let details = graph.node.reduce(0) { $0 + $1.attribute.count + $1.input.count }
        return model.nodeCount * 1_000_000 + graph.output.count * 10_000 + graph.initializer.count * 100 + details
    }

    // MARK: tests

    private mutating func fails(_ candidate: Ironworks_Onnx_ModelProto) throws(Failure) -> Bool {
        guard let bytes = candidate.encoded else { return false }
        let digest = Digest(of: bytes)
        if let known = answers[digest] { return known }
        guard candidates < limit else { return false }
        candidates += 1
        let answer = try test(candidate)
        answers[digest] = answer
        return answer
    }

    /// Takes the candidate when it fails too.
    private mutating func take(_ candidate: Ironworks_Onnx_ModelProto?) throws(Failure) -> Bool {
        guard let candidate, try fails(candidate) else { return false }
        let count = candidate.nodeCount
        if count != model.nodeCount {
            progress("\(count) \(count == 1 ? "node" : "nodes") after \(candidates) candidates")
        }
        model = candidate
        return true
    }

    // MARK: what is known

    private static var learningRounds: Int { 8 }

    /// Types and constants of the model's values. Where an import ends early, parts of the model are imported: without
    /// the first node that ends it, and without what needs that node.
    private func learn() throws(Failure) -> KnownValues {
        var known = try knownValues(model) ?? KnownValues()
        if known.isComplete { return known }
        let order = nodeOrder(model)
        var tainted: Set<String> = []
        for _ in 0..<ModelShrinker.learningRounds {
            let cut = ModelCut(model, known)
            let sound = order.filter { n in
                let node = model.graph.node[n]
                guard node.valuesRead.contains(where: tainted.contains) || node.output.contains(where: tainted.contains)
                else { return true }
                tainted.formUnion(node.output)
                return false
            }
            var (low, high) = (0, sound.count + 1)
            while high - low > 1 {
                let middle = low == 0 && high == sound.count + 1 ? sound.count : (low + high) / 2
                if middle > 0, let part = cut(Array(sound[..<middle])), let found = try knownValues(part) {
                    known.merge(found)
                    if found.isComplete { low = middle } else { high = middle }
                } else {
                    high = middle
                }
            }
            if low >= sound.count { break }
            tainted.formUnion(model.graph.node[sound[low]].output.filter { !$0.isEmpty })
            if model.graph.node[sound[low]].output.allSatisfy(\.isEmpty) { break }
        }
        return known
    }

    // MARK: steps

    private mutating func dropNodes(_ known: KnownValues) throws(Failure) {
        let cut = ModelCut(model, known)
        let order = nodeOrder(model)
        // without nodes that no output needs
        _ = try take(cut(order.sorted()))
        _ = try fewest(order) { (kept: [Int]) throws(Failure) in try take(cut(kept.sorted())) }
    }

    private mutating func dropOutputs(_ known: KnownValues) throws(Failure) {
        let cut = ModelCut(model, known)
        let all = Array(model.graph.node.indices)
        _ = try fewest(model.graph.output.map(\.name)) { (kept: [String]) throws(Failure) in
            try take(cut(all, only: kept))
        }
    }

    /// Opens the first node that can be opened.
    private mutating func unwrap() throws(Failure) -> Bool {
        for at in model.graph.node.indices {
            for candidate in unwrapped(model, at: at) where try take(candidate) { return true }
        }
        return false
    }

    /// Weights become inputs, all of them or one by one.
    private mutating func weightsToInputs() throws(Failure) {
        let weights = model.graph.initializer.filter { $0.dims.reduce(1, { max($0, 1).multipliedFully($1) }) > 16 }
        guard !weights.isEmpty else { return }
        if try take(model.hiding(weights.map(\.name))) { return }
        for weight in weights { _ = try take(model.hiding([weight.name])) }
    }

    /// Attributes, operands at the end, names, and weights that nothing reads.
    private mutating func dropDetails() throws(Failure) {
        guard model.graph.node.count <= ModelShrinker.detailedNodes else { return }
        for at in model.graph.node.indices {
            for n in model.graph.node[at].attribute.indices.reversed() {
                var candidate = model
                candidate.graph.node[at].attribute.remove(at: n)
                _ = try take(candidate.withoutUnread)
            }
            while !model.graph.node[at].input.isEmpty {
                var candidate = model
                candidate.graph.node[at].input.removeLast()
                guard try take(candidate.withoutUnread) else { break }
            }
        }
    }

    /// Details are looked at when at most this many nodes are left.
    private static var detailedNodes: Int { 16 }
}

/// Nodes that the outputs need, producers first where the graph has such an order.
private func nodeOrder(_ model: Ironworks_Onnx_ModelProto) -> [Int] {
    let order = try? GraphOrder(
        model.graph, model: "", reference: { reference(model.graph.node[$0], at: $0, [:]) })
    return order?.nodes ?? Array(model.graph.node.indices)
}

extension Ironworks_Onnx_ModelProto {
    /// With inputs of the same types in the place of these initialisers.
    fileprivate func hiding(_ names: [String]) -> Ironworks_Onnx_ModelProto? {
        let hidden = Set(names)
        var out = self
        out.graph.initializer.removeAll { hidden.contains($0.name) }
        let present = Set(graph.input.map(\.name))
        for tensor in graph.initializer where hidden.contains(tensor.name) && !present.contains(tensor.name) {
            guard let dtype = DType(onnx: tensor.dataType), tensor.dims.allSatisfy({ $0 >= 0 }) else { return nil }
            out.graph.input.append(valueInfo(tensor.name, TensorType(dtype, tensor.dims.map { Int($0) })))
        }
        return out
    }

    /// Without initialisers and inputs that nothing reads.
    fileprivate var withoutUnread: Ironworks_Onnx_ModelProto {
        var out = self
        let read = Set(graph.node.flatMap(\.valuesRead) + graph.output.map(\.name))
        out.graph.initializer.removeAll { !read.contains($0.name) }
        out.graph.input.removeAll { !read.contains($0.name) }
        return out
    }
}

extension Int64 {
    /// The product, or the greatest number when it does not fit.
    fileprivate func multipliedFully(_ other: Int64) -> Int64 {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }
}
