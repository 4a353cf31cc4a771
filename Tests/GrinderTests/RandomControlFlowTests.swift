// A property over random control flow: functions that call earlier functions, loops of 0 to 4 trips, branches on
// constants and on data, nested in one another. Placement keeps every result, and what is known is gone.

import Basics
import TensorIR
import Testing

@testable import Grinder

private struct RandomControlFlow {
    var random: SeededRandom
    private var values: [TensorType] = []
    private var functions: [Function] = []
    private let vector = TensorType(.f32, [2])

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    private mutating func fresh(_ type: TensorType) -> ValueID {
        values.append(type)
        return ValueID(values.count - 1)
    }

    mutating func graph() -> Graph {
        for _ in 0..<random.below(3) {
            let parameters = (0..<1 + random.below(2)).map { _ in fresh(vector) }
            functions.append(Function(body: region(parameters, captures: [], depth: 2, results: 1 + random.below(2))))
        }
        let inputs = [fresh(vector), fresh(vector)]
        let body = region(inputs, captures: [], depth: 3, results: 2)
        return Graph(
            values: values, functions: functions, body: body, inputNames: ["x", "w"], outputNames: ["y", "z"]
        )
        .renumbered()
    }

    /// A region over vectors; `captures` are vectors from outside.
    private mutating func region(
        _ parameters: [ValueID], captures: [ValueID], depth: Int, results: Int, lead: [ValueID] = [],
        _ first: [TensorIR.Operation] = []
    ) -> Region {
        var visible = (parameters + captures).filter { values[$0.index] == vector }
        var operations = first
        for _ in 0..<1 + random.below(4) { step(&operations, &visible, depth) }
        let out = (0..<results).map { _ in visible[max(0, visible.count - 1 - random.below(3))] }
        return Region(parameters: parameters, operations: operations, results: lead + out)
    }

    private mutating func known(_ value: Int64, _ dtype: DType, _ operations: inout [TensorIR.Operation]) -> ValueID {
        let id = fresh(TensorType(dtype, []))
        operations.append(.constant(id, .inline([.integer(value, dtype)])))
        return id
    }

    private mutating func step(_ operations: inout [TensorIR.Operation], _ visible: inout [ValueID], _ depth: Int) {
        func pick(_ random: inout SeededRandom) -> ValueID { visible[random.below(visible.count)] }
        switch random.below(depth > 0 ? 6 : 2) {
        case 0, 1:
            let (a, b) = (pick(&random), pick(&random))
            let sum = Expr.read(slot: 0, [.axis(0)]) * .float(0.5) + .read(slot: 1, [.axis(0)])
            let id = fresh(vector)
            operations.append(.define(id, operands: [a, b], Definition(type: vector, body: .map(sum))))
            visible.append(id)
        case 2 where !functions.isEmpty:
            let function = random.below(functions.count)
            let body = functions[function].body
            let arguments = body.parameters.map { _ in pick(&random) }
            let results = body.results.map { _ in fresh(vector) }
            operations.append(.call(results: results, function: function, arguments: arguments))
            visible += results
        case 3, 2:
            let condition: ValueID
            if random.below(2) == 0 {
                condition = known(Int64(random.below(2)), .bool, &operations)
            } else {
                condition = fresh(TensorType(.bool, []))
                let less = Expr.binary(.less, .read(slot: 0, [.integer(0)]), .float(0.25))
                let definition = Definition(type: TensorType(.bool, []), body: .map(less))
                operations.append(.define(condition, operands: [pick(&random)], definition))
            }
            let captures = unique([pick(&random), pick(&random)])
            let then = region([], captures: captures, depth: depth - 1, results: 1)
            let otherwise = region([], captures: captures, depth: depth - 1, results: 1)
            let result = fresh(vector)
            operations.append(
                .branch(
                    Branch(
                        results: [result], condition: condition, captures: captures, then: then,
                        otherwise: otherwise)))
            visible.append(result)
        default:
            let trips = known(Int64(random.below(5)), .i64, &operations)
            let captures = unique([pick(&random)])
            let initial = (0..<1 + random.below(2)).map { _ in pick(&random) }
            let parameters = [fresh(TensorType(.i64, []))] + initial.map { _ in fresh(vector) }
            var first: [TensorIR.Operation] = []
            let goesOn = known(1, .bool, &first)
            let body = region(
                parameters, captures: captures, depth: depth - 1, results: initial.count, lead: [goesOn], first)
            let results = initial.map { _ in fresh(vector) }
            operations.append(
                .loop(
                    Loop(
                        results: results, tripCount: trips, condition: nil, initial: initial, captures: captures,
                        body: body)))
            visible += results
        }
    }

    private func unique(_ ids: [ValueID]) -> [ValueID] { Array(Set(ids)).sorted() }
}

@Test func placementKeepsTheResultsOfRandomControlFlow() throws {
    var random = SeededRandom(seed: 3)
    var unrolled = 0
    for seed in 0..<400 {
        var samples = RandomControlFlow(seed: UInt64(seed))
        let graph = samples.graph()
        try graph.verify()
        let out = placeControlFlow(graph)
        try out.verify()
        func isGone(_ region: Region) -> Bool {
            region.operations.allSatisfy { operation in
                switch operation {
                case .constant, .define, .extern: true
                case .loop, .call: false
                case .branch(let branch): isGone(branch.then) && isGone(branch.otherwise)
                }
            }
        }
        #expect(isGone(out.body), "seed \(seed)\n\(out)")
        #expect(out.functions.isEmpty)
        if out.body.operations.count > graph.body.operations.count { unrolled += 1 }
        for _ in 0..<4 {
            let inputs = (0..<2).map { _ in
                TensorValue(TensorType(.f32, [2]), floats: [random.unit() - 0.5, random.unit()])
            }
            let expected = try interpret(graph, inputs: inputs, constants: .init())
            let found = try interpret(out, inputs: inputs, constants: .init())
            #expect(found == expected, "seed \(seed)\n\(graph)\n\(out)")
        }
    }
    #expect(unrolled > 100)
}
