// Brings a placed graph into the form that welding expects. Outputs that are inputs, constants or other outputs get
// an identity of their own, so that every output is written exactly once by a kernel.

import TensorIR

func separateOutputs(_ graph: Graph) -> Graph {
    var out = graph
    var written: Set<ValueID> = []
    let defined = Set(
        graph.body.operations.flatMap { operation -> [ValueID] in
            if case .define(let id, _, _) = operation { return [id] }
            return []
        })
    for (n, value) in graph.body.results.enumerated() {
        if defined.contains(value), written.insert(value).inserted { continue }
        let type = graph.type(value)
        // nobody writes an output without elements
        if type.elements == 0 { continue }
        out.values.append(type)
        let copy = ValueID(out.values.count - 1)
        let identity = Expr.read(slot: 0, type.shape.indices.map { .axis($0) })
        out.body.operations.append(
            .define(copy, operands: [value], Definition(type: type, body: .map(identity))))
        out.body.results[n] = copy
    }
    return out
}
