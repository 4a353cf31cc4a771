// The Graph: a tree of regions of tensor expressions. Values are an entity table; an operation defines values;
// a region sees its parameters, what it defines, and the captures that are listed explicitly where it is entered.
// Loop, branch and call stand here from the first day; every text and interpreter knows them.

package struct ValueID: Hashable, Sendable, Comparable {
    package var index: Int
    package init(_ index: Int) { self.index = index }
    package static func < (a: ValueID, b: ValueID) -> Bool { a.index < b.index }
}

package struct Graph: Hashable, Sendable {
    /// Type of every value, indexed by `ValueID.index`.
    package var values: [TensorType]
    package var functions: [Function]
    /// Parameters are the model's inputs, results its outputs.
    package var body: Region
    /// The model's own names, one per parameter and per result of `body`.
    package var inputNames: [String]
    package var outputNames: [String]
    /// Axes of results that are longer than what is meaningful on them, in order of result and axis.
    package var extents: [ResultExtent]

    package init(
        values: [TensorType], functions: [Function], body: Region, inputNames: [String], outputNames: [String],
        extents: [ResultExtent] = []
    ) {
        self.values = values
        self.functions = functions
        self.body = body
        self.inputNames = inputNames
        self.outputNames = outputNames
        self.extents = extents
    }

    package func type(_ value: ValueID) -> TensorType { values[value.index] }
}

/// Of result `result` only the first elements along `axis` are meaningful: as many as result `count`, an `i64[]`, says.
/// What a model's data decides has an upper bound as its extent and this beside it.
package struct ResultExtent: Hashable, Sendable, Comparable {
    package var result: Int
    package var axis: Int
    package var count: Int
    package init(result: Int, axis: Int, count: Int) {
        self.result = result
        self.axis = axis
        self.count = count
    }

    package static func < (a: ResultExtent, b: ResultExtent) -> Bool { (a.result, a.axis) < (b.result, b.axis) }
}

package struct Region: Hashable, Sendable {
    package var parameters: [ValueID]
    package var operations: [Operation]
    package var results: [ValueID]
    package init(parameters: [ValueID], operations: [Operation], results: [ValueID]) {
        self.parameters = parameters
        self.operations = operations
        self.results = results
    }
}

/// A named region that `call` enters; it captures nothing, so recursion needs no closure.
package struct Function: Hashable, Sendable {
    package var body: Region
    package init(body: Region) { self.body = body }
}

package indirect enum Operation: Hashable, Sendable {
    case constant(ValueID, ConstantSource)
    /// `definition` reads slot i as `operands[i]`.
    case define(ValueID, operands: [ValueID], Definition)
    /// An operator that is no tensor expression; `attributes` are sorted `name=value` texts.
    case extern(results: [ValueID], name: String, attributes: [String], operands: [ValueID])
    case loop(Loop)
    case branch(Branch)
    case call(results: [ValueID], function: Int, arguments: [ValueID])

    package var results: [ValueID] {
        switch self {
        case .constant(let id, _), .define(let id, _, _): [id]
        case .extern(let results, _, _, _), .call(let results, _, _): results
        case .loop(let loop): loop.results
        case .branch(let branch): branch.results
        }
    }

    /// Values used, captures of nested regions included.
    package var operands: [ValueID] {
        switch self {
        case .constant: []
        case .define(_, let operands, _), .extern(_, _, _, let operands): operands
        case .loop(let loop):
            [loop.tripCount, loop.condition].compactMap { $0 } + loop.initial + loop.captures
        case .branch(let branch): [branch.condition] + branch.captures
        case .call(_, _, let arguments): arguments
        }
    }
}

/// ONNX Loop without scan outputs: `body` takes (iteration: i64[], carried…) and gives (continue: bool[], carried…).
/// Runs while the trip count is not reached and the condition holds; either may be absent.
package struct Loop: Hashable, Sendable {
    package var results: [ValueID]
    package var tripCount: ValueID?
    package var condition: ValueID?
    package var initial: [ValueID]
    package var captures: [ValueID]
    package var body: Region
    package init(
        results: [ValueID], tripCount: ValueID?, condition: ValueID?, initial: [ValueID], captures: [ValueID],
        body: Region
    ) {
        self.results = results
        self.tripCount = tripCount
        self.condition = condition
        self.initial = initial
        self.captures = captures
        self.body = body
    }
}

/// Both regions take no parameter and give one value per result.
package struct Branch: Hashable, Sendable {
    package var results: [ValueID]
    package var condition: ValueID
    package var captures: [ValueID]
    package var then: Region
    package var otherwise: Region
    package init(
        results: [ValueID], condition: ValueID, captures: [ValueID], then: Region, otherwise: Region
    ) {
        self.results = results
        self.condition = condition
        self.captures = captures
        self.then = then
        self.otherwise = otherwise
    }
}
