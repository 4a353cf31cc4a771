// A region as parts that run one after the other: stretches of definitions, which are covered by welds, and between
// them what is no tensor expression (an extern, a loop, a branch). A definition goes into the first stretch in which
// what it reads is known, so a graph without such operations is a single stretch.
//
// Carried values of a loop live in the places of its body's parameters: copies write them before the loop, and again
// at the end of each round, when nothing of the round is read any more. A branch's results are copied by either side.
//
// In:  a placed graph.  Out: parts, the types of all values, and which values lie in another one's place.

import TensorIR

struct RegionParts: Hashable, Sendable {
    /// The graph's values and those that copies add.
    var values: [TensorType]
    /// Every constant of every region.
    var sources: [ValueID: ConstantSource]
    /// Values that lie where another one lies.
    var places: [ValueID: ValueID]
    var parts: [RegionPart]

    /// A stretch as a graph whose values have the same numbers.
    func graph(of stretch: Region) -> Graph {
        Graph(
            values: values, functions: [], body: stretch, inputNames: stretch.parameters.map { "v\($0.index)" },
            outputNames: stretch.results.map { "v\($0.index)" })
    }
}

indirect enum RegionPart: Hashable, Sendable {
    /// Definitions and the constants that they read; what comes from elsewhere is a parameter.
    case straight(Region)
    case extern(results: [ValueID], Extern, operands: [ValueID])
    /// Runs `body` while the number of trips (i64[]) is not reached and `goesOn` (bool[]) holds.
    case loop(tripCount: ValueID?, goesOn: ValueID?, body: [RegionPart])
    case branch(condition: ValueID, then: [RegionPart], otherwise: [RegionPart])
}

/// The parts of `graph`.
/// - Throws: `notRunnable` for what no program runs: recursive calls, and externs nobody knows.
func regionParts(_ graph: Graph) throws(PipelineError) -> RegionParts {
    var splitter = Splitter(values: graph.values)
    let parts = try splitter.split(graph.body.operations, results: graph.body.results)
    return RegionParts(values: splitter.values, sources: splitter.sources, places: splitter.places, parts: parts)
}

private struct Splitter {
    var values: [TensorType]
    var sources: [ValueID: ConstantSource] = [:]
    var places: [ValueID: ValueID] = [:]

    init(values: [TensorType]) { self.values = values }

    /// Stretches and barriers in turns: stretch n runs before barriers n, whose results stretch n + 1 may read.
    mutating func split(_ operations: [Operation], results: [ValueID]) throws(PipelineError) -> [RegionPart] {
        var level: [ValueID: Int] = [:]
        var stretches: [[Operation]] = []
        var barriers: [[Operation]] = []
        var readAfter = Set(results)
        func grow(_ list: inout [[Operation]], to count: Int) {
            while list.count < count { list.append([]) }
        }
        for operation in operations {
            let at = operation.operands.map { level[$0] ?? 0 }.max() ?? 0
            switch operation {
            case .constant(let id, let source): sources[id] = source
            case .define(let id, _, _):
                grow(&stretches, to: at + 1)
                stretches[at].append(operation)
                level[id] = at
            case .extern, .loop, .branch, .call:
                grow(&barriers, to: at + 1)
                barriers[at].append(operation)
                for result in operation.results { level[result] = at + 1 }
                readAfter.formUnion(operation.operands)
            }
        }
        for (n, stretch) in stretches.enumerated() {
            for operation in stretch { readAfter.formUnion(operation.operands.filter { (level[$0] ?? n) < n }) }
        }
        var parts: [RegionPart] = []
        for n in 0..<max(stretches.count, barriers.count) {
            if n < stretches.count, !stretches[n].isEmpty {
                parts.append(.straight(straight(stretches[n], readAfter)))
            }
            guard n < barriers.count else { continue }
            for operation in barriers[n] { parts += try expanded(operation) }
        }
        return parts
    }

    /// The stretch as a region of its own.
    private func straight(_ operations: [Operation], _ readAfter: Set<ValueID>) -> Region {
        let defined = Set(operations.flatMap(\.results))
        var constants: [Operation] = []
        var parameters: [ValueID] = []
        var seen: Set<ValueID> = []
        for value in operations.flatMap(\.operands) where !defined.contains(value) && seen.insert(value).inserted {
            if let source = sources[value] {
                constants.append(.constant(value, source))
            } else {
                parameters.append(value)
            }
        }
        return Region(
            parameters: parameters, operations: constants + operations,
            results: operations.flatMap(\.results).filter(readAfter.contains))
    }

    private mutating func expanded(_ operation: Operation) throws(PipelineError) -> [RegionPart] {
        switch operation {
        case .constant, .define: return []
        case .extern(let results, let name, let attributes, let operands):
            guard let known = Extern(name: name, attributes: attributes) else {
                throw .notRunnable(kind: "the operator \(name)")
            }
            return [.extern(results: results, known, operands: operands)]
        case .loop(let loop): return try expanded(loop)
        case .branch(let branch):
            let then = try side(branch.then, branch.results)
            return [
                .branch(
                    condition: branch.condition, then: then, otherwise: try side(branch.otherwise, branch.results))
            ]
        case .call: throw .notRunnable(kind: "a recursive call")
        }
    }

    private mutating func side(_ region: Region, _ results: [ValueID]) throws(PipelineError) -> [RegionPart] {
        try split(region.operations, results: region.results) + [copies(zip(region.results, results).map { ($0, $1) })]
    }

    private mutating func expanded(_ loop: Loop) throws(PipelineError) -> [RegionPart] {
        let parameters = loop.body.parameters
        let zero = fresh(TensorType(.i64, []))
        sources[zero] = .inline([.integer(0)])
        var enter = [(zero, parameters[0])] + zip(loop.initial, parameters.dropFirst()).map { ($0, $1) }
        var operations = loop.body.operations
        let next = fresh(TensorType(.i64, []))
        operations.append(
            .define(
                next, operands: [parameters[0]],
                Definition(type: TensorType(.i64, []), body: .map(.read(slot: 0, []) + .integer(1)))))
        // what a round gives is its own: another carried value may be written before it is copied
        let defined = Set(loop.body.operations.flatMap(\.results))
        let carried = loop.body.results.dropFirst().map { value -> ValueID in
            if defined.contains(value), sources[value] == nil { return value }
            let own = fresh(values[value.index])
            operations.append(copy(own, of: value))
            return own
        }
        var leave = [(next, parameters[0])] + zip(carried, parameters.dropFirst()).map { ($0, $1) }
        var goesOn: ValueID?
        var results = [next] + carried
        if let condition = loop.condition, let said = loop.body.results.first {
            let place = fresh(TensorType(.bool, []))
            enter.append((condition, place))
            leave.append((said, place))
            results.append(said)
            goesOn = place
        }
        for (result, parameter) in zip(loop.results, parameters.dropFirst()) { places[result] = parameter }
        let entering = copies(enter)
        let body = try split(operations, results: results)
        return [entering, .loop(tripCount: loop.tripCount, goesOn: goesOn, body: body + [copies(leave)])]
    }

    /// Copies of `pairs`, each in the place of its second value.
    private mutating func copies(_ pairs: [(from: ValueID, to: ValueID)]) -> RegionPart {
        let operations = pairs.map { pair -> Operation in
            let written = fresh(values[pair.to.index])
            places[written] = pair.to
            return copy(written, of: pair.from)
        }
        return .straight(straight(operations, Set(operations.flatMap(\.results))))
    }

    private func copy(_ id: ValueID, of value: ValueID) -> Operation {
        let type = values[value.index]
        let axes = type.shape.indices.map { Expr.axis($0) }
        return .define(id, operands: [value], Definition(type: type, body: .map(.read(slot: 0, axes))))
    }

    private mutating func fresh(_ type: TensorType) -> ValueID {
        values.append(type)
        return ValueID(values.count - 1)
    }
}
