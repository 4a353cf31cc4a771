// What must hold of a graph: (1) every value is defined once: input, region parameter or result of one operation;
// inputs and results have one name each. (2) A value is used only where it is visible: after
// its definition in its region, or captured; captures are listed where they are entered, once; functions capture
// nothing. (3) An inline constant has one literal per element, of the value's dtype, and is small. (4) A definition
// has its value's type and obeys VerifyDefinition.swift. (5) An extern has a name and sorted `name=value` attributes.
// (6) A loop has a trip count (i64[]), a condition (bool[]) or both; its body takes (i64[], carried…) and gives
// (bool[], carried…) with the types of initial values and results. (7) A branch's condition is bool[]; its sides take
// nothing and give the results' types. (8) A call fits its function. (9) Regions nest at most Graph.regionNestingMax
// deep. (10) A result's extent names an axis of it, each once and in order, and a result that is i64[]. Not checked:
// that recursion ends, and that constant data exists; the interpreter reports both.

extension Graph {
    /// Throws the first broken rule: types, functions, body, then values that nothing defines.
    package func verify() throws(VerifyError) {
        for (index, type) in values.enumerated() { try type.verify(at: [.value(index)], mayBeEmpty: true) }
        try verify(inputNames.count, body.parameters.count, .inputNames, at: [.inputs])
        try verify(outputNames.count, body.results.count, .outputNames, at: [.results])
        guard !body.results.isEmpty else { throw VerifyError(.value(.noResults), at: [.results]) }
        try verifyExtents()
        var checker = GraphChecker(graph: self)
        for (index, function) in functions.enumerated() {
            try checker.check(function.body, captures: [], at: [.function(index)], nesting: 1)
        }
        try checker.check(body, captures: [], at: [], nesting: 0)
        if let missing = checker.firstUndefined {
            throw VerifyError(.value(.neverDefined(value: missing)), at: [])
        }
    }

    private func verifyExtents() throws(VerifyError) {
        var last: ResultExtent?
        for extent in extents {
            guard body.results.indices.contains(extent.result), body.results.indices.contains(extent.count),
                values.indices.contains(body.results[extent.result].index),
                values.indices.contains(body.results[extent.count].index),
                type(body.results[extent.result]).shape.indices.contains(extent.axis),
                type(body.results[extent.count]) == TensorType(.i64, []), last.map({ $0 < extent }) ?? true
            else { throw VerifyError(.value(.extent(result: extent.result, axis: extent.axis)), at: [.results]) }
            last = extent
        }
    }

    private func verify(
        _ found: Int, _ expected: Int, _ role: SignatureRole, at place: [VerifyPlace]
    ) throws(VerifyError) {
        guard found == expected else {
            throw VerifyError(.operation(.signatureCount(role, expected: expected, found: found)), at: place)
        }
    }
}

private struct GraphChecker {
    let graph: Graph
    private var defined: [Bool]

    init(graph: Graph) {
        self.graph = graph
        defined = [Bool](repeating: false, count: graph.values.count)
    }

    var firstUndefined: Int? { defined.firstIndex(of: false) }

    mutating func check(
        _ region: Region, captures: [ValueID], at place: [VerifyPlace], nesting: Int
    ) throws(VerifyError) {
        guard nesting <= Graph.regionNestingMax else {
            throw VerifyError(.operation(.regionsBeyondLimit(limit: Graph.regionNestingMax)), at: place)
        }
        var visible = Set(captures)
        for parameter in region.parameters { try define(parameter, &visible, at: place) }
        for (position, operation) in region.operations.enumerated() {
            let inside = place + [operation.results.first.map { .value($0.index) } ?? .operation(position)]
            for operand in operation.operands { try use(operand, visible, at: inside) }
            for result in operation.results { try define(result, &visible, at: inside) }
            try check(operation, at: inside, nesting: nesting)
        }
        for result in region.results { try use(result, visible, at: place + [.results]) }
    }

    private mutating func define(
        _ id: ValueID, _ visible: inout Set<ValueID>, at place: [VerifyPlace]
    ) throws(VerifyError) {
        try inTable(id, at: place)
        guard !defined[id.index] else { throw VerifyError(.value(.definedTwice(value: id.index)), at: place) }
        defined[id.index] = true
        visible.insert(id)
    }

    private func use(_ id: ValueID, _ visible: Set<ValueID>, at place: [VerifyPlace]) throws(VerifyError) {
        try inTable(id, at: place)
        guard visible.contains(id) else { throw VerifyError(.value(.notVisible(value: id.index)), at: place) }
    }

    private func inTable(_ id: ValueID, at place: [VerifyPlace]) throws(VerifyError) {
        guard graph.values.indices.contains(id.index) else {
            throw VerifyError(.value(.outsideTable(value: id.index, count: graph.values.count)), at: place)
        }
    }

    private mutating func check(
        _ operation: Operation, at place: [VerifyPlace], nesting: Int
    ) throws(VerifyError) {
        switch operation {
        case .constant(let id, let source): try check(source, graph.type(id), at: place)
        case .define(let id, let operands, let definition):
            guard definition.type == graph.type(id) else {
                throw fault(.definitionType(declared: graph.type(id), found: definition.type), place)
            }
            try definition.verify(slots: operands.map(graph.type), at: place)
        case .extern(let results, let name, let attributes, let operands):
            try check(name, attributes, at: place)
            // a graph may hold externs nobody knows; those that are known have types
            guard let known = Extern(name: name, attributes: attributes) else { return }
            guard let types = known.results(operands.map(graph.type)) else {
                throw fault(.externOperands(name: name), place)
            }
            try match(results, types, .results, at: place)
        case .loop(let loop): try check(loop, at: place, nesting: nesting)
        case .branch(let branch): try check(branch, at: place, nesting: nesting)
        case .call(let results, let function, let arguments):
            guard graph.functions.indices.contains(function) else {
                throw fault(.unknownFunction(function: function, count: graph.functions.count), place)
            }
            let body = graph.functions[function].body
            try match(arguments, types(body.parameters, at: place), .arguments, at: place)
            try match(results, types(body.results, at: place), .results, at: place)
        }
    }

    private func check(_ source: ConstantSource, _ type: TensorType, at place: [VerifyPlace]) throws(VerifyError) {
        switch source {
        case .data: return
        case .inline(let literals):
            guard literals.count <= ConstantSource.inlineElementsMax else {
                let limit = ConstantSource.inlineElementsMax
                throw fault(.constantTooLarge(elements: literals.count, limit: limit), place)
            }
            guard literals.count == type.elements else {
                throw fault(.constantCount(elements: type.elements, found: literals.count), place)
            }
            for literal in literals {
                guard literal.dtype == type.dtype else {
                    throw fault(.constantDType(declared: type.dtype, found: literal.dtype), place)
                }
                _ = try ExprChecker(slots: [], axes: [], place: place).checkWhole(.literal(literal))
            }
        }
    }

    private func check(_ name: String, _ attributes: [String], at place: [VerifyPlace]) throws(VerifyError) {
        guard !name.isEmpty else { throw fault(.externWithoutName, place) }
        for attribute in attributes {
            guard let mark = attribute.utf8.firstIndex(of: 0x3d), mark > attribute.startIndex else {
                throw fault(.attributeWithoutValue(attribute), place)
            }
        }
        for (first, second) in zip(attributes, attributes.dropFirst())
        where !first.utf8.lexicographicallyPrecedes(second.utf8) {
            throw fault(.attributesNotSorted(first, second), place)
        }
    }

    private mutating func check(_ loop: Loop, at place: [VerifyPlace], nesting: Int) throws(VerifyError) {
        let (counter, flag) = (TensorType(.i64, []), TensorType(.bool, []))
        if loop.tripCount == nil && loop.condition == nil { throw fault(.loopWithoutEnd, place) }
        try match(loop.tripCount.map { [$0] } ?? [], loop.tripCount == nil ? [] : [counter], .tripCount, at: place)
        try match(loop.condition.map { [$0] } ?? [], loop.condition == nil ? [] : [flag], .condition, at: place)
        let carried = try types(loop.results, at: place)
        try match(loop.initial, carried, .initialValues, at: place)
        try match(loop.body.parameters, [counter] + carried, .bodyParameters, at: place)
        try match(loop.body.results, [flag] + carried, .regionResults, at: place)
        try distinct(loop.captures, at: place)
        try check(loop.body, captures: loop.captures, at: place + [.loopBody], nesting: nesting + 1)
    }

    private mutating func check(_ branch: Branch, at place: [VerifyPlace], nesting: Int) throws(VerifyError) {
        try match([branch.condition], [TensorType(.bool, [])], .condition, at: place)
        try distinct(branch.captures, at: place)
        let results = try types(branch.results, at: place)
        for (side, step) in [(branch.then, VerifyPlace.thenSide), (branch.otherwise, .elseSide)] {
            try match(side.parameters, [], .regionParameters, at: place + [step])
            try match(side.results, results, .regionResults, at: place + [step])
            try check(side, captures: branch.captures, at: place + [step], nesting: nesting + 1)
        }
    }

    private func distinct(_ captures: [ValueID], at place: [VerifyPlace]) throws(VerifyError) {
        var seen: Set<ValueID> = []
        for capture in captures where !seen.insert(capture).inserted {
            throw VerifyError(.value(.capturedTwice(value: capture.index)), at: place)
        }
    }

    private func types(_ ids: [ValueID], at place: [VerifyPlace]) throws(VerifyError) -> [TensorType] {
        for id in ids { try inTable(id, at: place) }
        return ids.map(graph.type)
    }

    private func match(
        _ ids: [ValueID], _ expected: [TensorType], _ role: SignatureRole, at place: [VerifyPlace]
    ) throws(VerifyError) {
        guard ids.count == expected.count else {
            throw fault(.signatureCount(role, expected: expected.count, found: ids.count), place)
        }
        for (index, (found, expected)) in zip(try types(ids, at: place), expected).enumerated()
        where found != expected {
            throw fault(.signatureType(role, index: index, expected: expected, found: found), place)
        }
    }

    private func fault(_ fault: OperationFault, _ place: [VerifyPlace]) -> VerifyError {
        VerifyError(.operation(fault), at: place)
    }
}
