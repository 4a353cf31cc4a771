// Which nodes of a graph are needed, and in which order. Input: the graph message, and which names an enclosing graph
// has. Output: indices of the nodes that reach an output, each after its producers and otherwise in the file's order.
// A node also needs what the graphs in its attributes capture. Nodes that nothing needs are left out, so an operator
// that is never used is never refused.

import Basics

struct GraphOrder {
    /// Needed nodes, producers first.
    private(set) var nodes: [Int] = []
    private(set) var initializers: [String: Int] = [:]

    private let model: String
    private let graph: Ironworks_Onnx_GraphProto
    private let reference: (Int) -> NodeReference
    private let isOutside: (String) -> Bool
    /// Names that a node reads, those that its own graphs capture included.
    private let reads: [[String]]
    /// The node that defines a value.
    private var producers: [String: Int] = [:]
    private var inputs: Set<String> = []
    private var sparse: Set<String> = []

    /// - Throws: `graph` and, for a sparse tensor that is needed, `tensor`.
    init(
        _ graph: Ironworks_Onnx_GraphProto, model: String, isOutside: @escaping (String) -> Bool = { _ in false },
        reference: @escaping (Int) -> NodeReference
    ) throws(ImportError) {
        (self.graph, self.model, self.reference, self.isOutside) = (graph, model, reference, isOutside)
        reads = graph.node.map { $0.input.filter { !$0.isEmpty } + $0.captures }
        try collect()
        let needed = try neededNodes()
        try sort(needed)
    }

    private mutating func collect() throws(ImportError) {
        for input in graph.input where !inputs.insert(input.name).inserted { throw duplicate(input.name) }
        for (index, tensor) in graph.initializer.enumerated() {
            guard initializers.updateValue(index, forKey: tensor.name) == nil else { throw duplicate(tensor.name) }
        }
        for tensor in graph.sparseInitializer { sparse.insert(tensor.values.name) }
        for (index, node) in graph.node.enumerated() {
            for name in node.output where !name.isEmpty {
                guard producers.updateValue(index, forKey: name) == nil, !inputs.contains(name),
                    initializers[name] == nil
                else { throw duplicate(name) }
            }
        }
    }

    private func duplicate(_ name: String) -> ImportError { .graph(model: model, .duplicateValue(name)) }

    /// Marks everything from the outputs backwards.
    private func neededNodes() throws(ImportError) -> [Bool] {
        var needed = [Bool](repeating: false, count: graph.node.count)
        var pending: [Int] = []
        guard !graph.output.isEmpty else { throw .graph(model: model, .noOutput) }
        for output in graph.output {
            guard let producer = producers[output.name] else {
                guard inputs.contains(output.name) || initializers[output.name] != nil || isOutside(output.name) else {
                    throw .graph(model: model, .missingOutput(value: output.name))
                }
                continue
            }
            pending.append(producer)
        }
        while let index = pending.popLast() {
            guard !needed[index] else { continue }
            needed[index] = true
            for name in reads[index] {
                if let producer = producers[name] {
                    pending.append(producer)
                } else if sparse.contains(name) {
                    throw .tensor(model: model, tensor: name, .unusable("it is sparse; export it dense"))
                } else if !inputs.contains(name), initializers[name] == nil, !isOutside(name) {
                    throw .graph(model: model, .missingValue(reference(index), value: name))
                }
            }
        }
        return needed
    }

    /// Kahn's algorithm; among the nodes that are ready the one that comes first in the file.
    private mutating func sort(_ needed: [Bool]) throws(ImportError) {
        var consumers = [[Int]](repeating: [], count: needed.count)
        var missing = [Int](repeating: 0, count: needed.count)
        for index in needed.indices where needed[index] {
            for name in reads[index] {
                guard let producer = producers[name] else { continue }
                consumers[producer].append(index)
                missing[index] += 1
            }
        }
        var ready = MinimumHeap(needed.indices.filter { needed[$0] && missing[$0] == 0 })
        while let index = ready.pop() {
            nodes.append(index)
            for consumer in consumers[index] {
                missing[consumer] -= 1
                if missing[consumer] == 0 { ready.push(consumer) }
            }
        }
        guard nodes.count == needed.count(where: { $0 }) else {
            let rest = cycle(among: needed.indices.filter { needed[$0] && missing[$0] > 0 })
            throw .graph(model: model, .cyclic(rest.map(reference)))
        }
    }

    /// Follows unfinished producers from one unfinished node until one repeats; at most eight are named.
    private func cycle(among rest: [Int]) -> [Int] {
        let unfinished = Set(rest)
        var path: [Int] = []
        var at = rest.first
        while let index = at {
            if let start = path.firstIndex(of: index) { return Array(path[start...].prefix(8)) }
            path.append(index)
            at = reads[index].lazy.compactMap { producers[$0] }.first { unfinished.contains($0) }
        }
        return Array(rest.prefix(8))
    }
}

extension Ironworks_Onnx_NodeProto {
    /// The graphs in the node's attributes.
    var subgraphs: [Ironworks_Onnx_GraphProto] { attribute.flatMap { ($0.hasG ? [$0.g] : []) + $0.graphs } }

    /// Names that the node's own graphs read and do not define.
    fileprivate var captures: [String] { subgraphs.flatMap(\.captures) }
}

extension Ironworks_Onnx_GraphProto {
    fileprivate var captures: [String] {
        var own = Set(input.map(\.name) + initializer.map(\.name) + sparseInitializer.map(\.values.name))
        for node in node { own.formUnion(node.output) }
        let read = node.flatMap { $0.input + $0.captures } + output.map(\.name)
        return read.filter { !$0.isEmpty && !own.contains($0) }
    }
}

/// The least element first.
private struct MinimumHeap {
    private var items: [Int]

    /// `sorted` is ascending, which is a heap already.
    init(_ sorted: [Int]) { items = sorted }

    mutating func push(_ item: Int) {
        items.append(item)
        var at = items.count - 1
        while at > 0, items[at] < items[(at - 1) / 2] {
            items.swapAt(at, (at - 1) / 2)
            at = (at - 1) / 2
        }
    }

    mutating func pop() -> Int? {
        guard let least = items.first else { return nil }
        let last = items.removeLast()
        guard !items.isEmpty else { return least }
        items[0] = last
        var at = 0
        while true {
            var next = at
            for child in [2 * at + 1, 2 * at + 2] where child < items.count && items[child] < items[next] {
                next = child
            }
            if next == at { return least }
            items.swapAt(at, next)
            at = next
        }
    }
}
