// Builds small graphs for welding tests: operations are written as definitions over a, b, c, …, constants are drawn
// from a seed. Runs welds one after the other through the tensor interpreter and says what is wrong with them.

import Basics
import Schedules
import TensorIR

@testable import Welder

struct GraphSketch {
    private(set) var builder = GraphBuilder()
    var random: SeededRandom

    init(seed: UInt64 = 1) { random = SeededRandom(seed: seed) }

    mutating func input(_ shape: [Int], _ dtype: DType = .f32) -> ValueID {
        builder.input(name: "x\(builder.values.count)", type: TensorType(dtype, shape))
    }

    mutating func value(_ type: TensorType) -> TensorValue {
        if type.dtype.isFloat {
            return TensorValue(type, floats: (0..<type.elements).map { _ in Double(random.below(17) - 8) / 8 })
        }
        return TensorValue(type, integers: (0..<type.elements).map { _ in Int64(random.below(100)) })
    }

    mutating func constant(_ shape: [Int]) -> ValueID { builder.constant(value(TensorType(.f32, shape))) }

    mutating func literal(_ value: Double) -> ValueID {
        builder.constant(TensorValue(TensorType(.f32, []), floats: [value]))
    }

    /// `text` is a definition such as `f32[i:4] = a[i] + b[0]`; a, b, … are the operands.
    mutating func define(_ text: String, _ operands: ValueID...) throws -> ValueID {
        try define(text, of: operands)
    }

    mutating func define(_ text: String, of operands: [ValueID]) throws -> ValueID {
        let names = Array("abcdefgh").map(String.init)
        let heads = operands.enumerated().map { "\(names[$0]): \(builder.type($1))" }.joined(separator: ", ")
        let workload = try Workload(parsing: "workload(\(heads)) { out: \(text) } -> out")
        try workload.verify()
        return builder.define(operands, workload.definitions[0])
    }

    func graph(_ outputs: ValueID...) throws -> Graph { try graph(of: outputs) }

    func graph(of outputs: [ValueID]) throws -> Graph {
        let graph = builder.finish(outputs: outputs.enumerated().map { ("y\($0)", $1) })
        try graph.verify()
        return graph
    }
}

/// What is wrong with the welds of `graph`, if anything: an operation in no weld or in two, an operand that nothing
/// before has computed, an output that is missing or differs from what the graph computes.
func weldFaults(_ graph: Graph, _ constants: ConstantStore, _ sketch: inout GraphSketch) throws -> [String] {
    var faults: [String] = []
    let index = GraphIndex(graph)
    let welds = candidateWelds(graph)
    for (at, operation) in graph.body.operations.enumerated() {
        guard let result = operation.results.first, index.definition(at) != nil else { continue }
        let count = welds.filter { $0.operations.contains(at) }.count
        let isWanted = !index.isView(at) || index.outputs.contains(result)
        if isWanted && count != 1 || count > 1 { faults.append("operation \(at) is in \(count) welds") }
    }
    let inputs = graph.body.parameters.map { sketch.value(graph.type($0)) }
    let expected = try interpret(graph, inputs: inputs, constants: constants)
    var values = Dictionary(uniqueKeysWithValues: zip(graph.body.parameters, inputs))
    for case .constant(let id, let source) in graph.body.operations {
        switch source {
        case .inline(let literals): values[id] = TensorValue(graph.type(id), literals: literals)
        case .data(let digest):
            guard let bytes = constants[digest] else { return ["a constant without bytes"] }
            values[id] = bytes.withBytes { TensorValue(graph.type(id), bytes: $0) }
        }
    }
    for (n, weld) in welds.enumerated() {
        let (workload, binding) = index.extract(weld)
        try workload.verify()
        if case .failure(let error) = workload.structure() { faults.append("weld \(n): \(error.reason)\n\(workload)") }
        var operands: [TensorValue] = []
        for (parameter, value) in zip(workload.parameters, binding.parameters) {
            guard var known = values[value] else { return faults + ["weld \(n) reads %\(value.index) too early"] }
            if parameter.isConstant != index.isConstant(value) { faults.append("weld \(n) misplaces a constant") }
            known.type = parameter.type
            operands.append(known)
        }
        for (result, var value) in zip(binding.results, interpret(workload, parameters: operands)) {
            if values[result] != nil { faults.append("%\(result.index) is computed twice") }
            value.type = graph.type(result)
            values[result] = value
        }
    }
    for (n, output) in graph.body.results.enumerated() {
        guard let found = values[output] else {
            faults.append("output \(n) is never computed")
            continue
        }
        if !isClose(found, expected[n]) { faults.append("output \(n) is \(found) and should be \(expected[n])") }
    }
    return faults
}

private func isClose(_ a: TensorValue, _ b: TensorValue) -> Bool {
    switch (a.elements, b.elements) {
    case (.floats(let x), .floats(let y)):
        return x.count == y.count
            && zip(x, y).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) || abs($0 - $1) <= 1e-9 * max(1, abs($1)) }
    case (.integers(let x), .integers(let y)): return x == y
    case (.floats, .integers), (.integers, .floats): return false
    }
}
