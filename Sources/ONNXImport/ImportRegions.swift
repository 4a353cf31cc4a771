// If, Loop and Scan. What is known at import is decided here: a branch on a known condition becomes its side, and a
// loop whose trips are bounded by a known number is spelled out. A condition that only a run can tell becomes data
// flow: both sides are computed and one is selected, and a trip after the loop's end keeps the carried values.
// A loop without a known bound becomes a region (ImportLoop.swift). (Deviation D2 of docs/compilers/grinder.md.)

import TensorIR

/// Operators that no family imports: they hold graphs, or take a value that may be absent.
enum ControlFlow {
    case branch, loop, scan, sequenceMap, flexAttention
    case optional(OptionalOperator)

    init?(_ node: Ironworks_Onnx_NodeProto, domain: String) {
        switch (domain, node.opType) {
        case ("", "If"): self = .branch
        case ("", "Loop"): self = .loop
        case ("", "Scan"): self = .scan
        case ("", "SequenceMap"): self = .sequenceMap
        case ("", let name):
            guard let known = OptionalOperator(rawValue: name) else { return nil }
            self = .optional(known)
        case ("ai.onnx.preview", "FlexAttention"): self = .flexAttention
        default: return nil
        }
    }
}

/// Trips that are spelled out at most.
private let spelledTripsMax = 1 << 14

extension Importer {
    mutating func controlFlow(
        _ construct: ControlFlow, _ node: Ironworks_Onnx_NodeProto, _ reference: NodeReference,
        _ operands: [ValueID?]
    ) throws(ImportError) -> [ValueID] {
        guard scopes.count < messageDepthMax else {
            throw .node(model: file.name, reference, .unsupportedForm("graphs nested deeper than \(messageDepthMax)"))
        }
        emitter.enter(node, version: Int(reference.version ?? 0), inputs: operands, tensors: [:])
        switch construct {
        case .branch: return try branch(node, reference)
        case .loop: return try loop(node, reference)
        case .scan:
            try requireWhole(operands.compactMap { $0 }, reference)
            if (reference.version ?? 0) < 9 { return try batchScan(node, reference) }
            return try scan(node, reference)
        case .sequenceMap: return try sequenceMap(node, reference)
        case .flexAttention:
            try requireWhole(operands.compactMap { $0 }, reference)
            return try flexAttention(node, reference)
        case .optional(let name): return try optional(name, operands, reference)
        }
    }

    /// The results of a graph for these inputs.
    mutating func region(
        _ graph: Ironworks_Onnx_GraphProto, _ inputs: [ValueID], _ reference: NodeReference
    ) throws(ImportError) -> [ValueID] {
        guard inputs.count == graph.input.count else {
            throw .node(
                model: file.name, reference,
                .misfit("\(inputs.count) values for \(graph.input.count) inputs of its graph"))
        }
        var scope = try scope(graph, scopes[scopes.count - 1].domains, seesOutside: true)
        for (input, value) in zip(graph.input, inputs) { scope.values[input.name] = value }
        scopes.append(scope)
        defer { scopes.removeLast() }
        try nodes()
        var results: [ValueID] = []
        for output in graph.output {
            guard let value = try value(output.name) else {
                throw .graph(model: file.name, .missingOutput(value: output.name))
            }
            results.append(value)
        }
        return results
    }

    /// The graph in an attribute.
    func graph(
        _ name: String, _ node: Ironworks_Onnx_NodeProto, _ reference: NodeReference
    ) throws(ImportError) -> Ironworks_Onnx_GraphProto {
        guard let attribute = node.attribute.first(where: { $0.name == name }), attribute.hasG else {
            throw .node(model: file.name, reference, .attribute(name, reason: "is missing"))
        }
        return attribute.g
    }

    /// `condition ? a : b` for a condition of one element.
    private mutating func selected(
        _ condition: ValueID, _ a: ValueID, _ b: ValueID, _ reference: NodeReference
    ) throws(ImportError) -> ValueID {
        guard a != b else { return a }
        let (x, y) = (emitter.type(a), emitter.type(b))
        guard x == y, emitter.elements(of: a) == nil, emitter.elements(of: b) == nil else {
            throw .node(
                model: file.name, reference,
                .unsupportedForm(
                    "results of \(x.dtype.rawValue) \(shapeText(x.shape)) or \(y.dtype.rawValue) "
                        + "\(shapeText(y.shape)) by a condition that is known only when it runs"))
        }
        try requireWhole([a, b], reference)
        return try attempt(reference) { (e: inout Emitter) throws(NodeProblem) in
            let scalar = try e.reshaped(condition, to: [])
            return try e.elementwise([scalar, a, b], x.dtype) { .select($0[0], $0[1], $0[2]) }
        }
    }

    /// State and selected values have one length on every trip and side.
    func requireWhole(_ values: [ValueID], _ reference: NodeReference) throws(ImportError) {
        guard values.allSatisfy({ emitter.extents($0).isEmpty }) else {
            throw .node(
                model: file.name, reference,
                .unsupportedForm("values whose size is known only when the model runs, in what a run decides"))
        }
    }

    private mutating func branch(
        _ node: Ironworks_Onnx_NodeProto, _ reference: NodeReference
    ) throws(ImportError) -> [ValueID] {
        let condition = try attempt(reference) { (e: inout Emitter) throws(NodeProblem) in try e.boolOperand(0) }
        let (then, otherwise) = (
            try graph("then_branch", node, reference), try graph("else_branch", node, reference)
        )
        if let known = emitter.literal(condition) {
            return try region(known.integer != 0 ? then : otherwise, [], reference)
        }
        let (a, b) = (try region(then, [], reference), try region(otherwise, [], reference))
        guard a.count == b.count else {
            throw .node(model: file.name, reference, .misfit("\(a.count) results or \(b.count)"))
        }
        var results: [ValueID] = []
        for (x, y) in zip(a, b) { results.append(try selected(condition, x, y, reference)) }
        return results
    }

    private mutating func loop(
        _ node: Ironworks_Onnx_NodeProto, _ reference: NodeReference
    ) throws(ImportError) -> [ValueID] {
        let body = try graph("body", node, reference)
        let trips = emitter.optional(0)
        let bound = trips.flatMap { emitter.literal($0)?.integer }
        var state = LoopState(carried: [], scanned: [])
        state.carried = try attempt(reference) { (e: inout Emitter) throws(NodeProblem) in
            var values: [ValueID] = []
            for index in 2..<max(2, e.inputs.count) {
                guard let value = e.optional(index) else { throw .missingInput(index) }
                values.append(value)
            }
            return values
        }
        let first = emitter.optional(1)
        let neverRuns = first.flatMap { emitter.literal($0) }?.integer == 0
        let collects = body.output.count > 1 + state.carried.count
        if collects, trips != nil, bound == nil {
            throw .node(model: file.name, reference, .needsConstant(input: 0, name: "M"))
        }
        if !neverRuns, !collects, (bound ?? .max) > spelledTripsMax {
            return try runTimeLoop(body, trips: trips, first: first, carried: state.carried, reference)
        }
        state.see(first, first.flatMap { emitter.literal($0) })
        let scans = body.output.count - 1 - state.carried.count
        guard scans >= 0 else {
            throw .node(model: file.name, reference, .misfit("\(body.output.count) results of its body"))
        }
        state.scanned = Array(repeating: [], count: scans)
        var trip = 0
        while !state.hasEnded, trip < bound ?? .max {
            guard trip < spelledTripsMax else {
                throw .node(
                    model: file.name, reference,
                    .unsupportedForm("collected results of a loop of more than \(spelledTripsMax) trips"))
            }
            try step(body, trip, &state, reference)
            trip += 1
        }
        return state.carried + (try stacked(&state, body, reference))
    }

    /// One trip; values of a trip that may lie behind the loop's end are selected.
    private mutating func step(
        _ body: Ironworks_Onnx_GraphProto, _ trip: Int, _ state: inout LoopState, _ reference: NodeReference
    ) throws(ImportError) {
        let iteration = emitter.constant(TensorValue(TensorType(.i64, []), integers: [Int64(trip)]))
        let going = emitter.constant(TensorValue(TensorType(.bool, []), integers: [1]))
        let results = try region(body, [iteration, going] + state.carried, reference)
        for n in state.carried.indices {
            let new = results[1 + n]
            state.carried[n] =
                if let active = state.active { try selected(active, new, state.carried[n], reference) } else { new }
        }
        if state.active != nil, !state.scanned.isEmpty {
            throw .node(
                model: file.name, reference,
                .unsupportedForm("collected results of a loop whose trips are known only when it runs"))
        }
        try requireWhole(Array(results.suffix(state.scanned.count)), reference)
        for n in state.scanned.indices { state.scanned[n].append(results[1 + state.carried.count + n]) }
        let condition = results[0]
        let known = emitter.literal(condition)
        if known == nil, let active = state.active {
            let both = try attempt(reference) { (e: inout Emitter) throws(NodeProblem) in
                try e.elementwise([try e.reshaped(active, to: []), try e.reshaped(condition, to: [])], .bool) {
                    .binary(.and, $0[0], $0[1])
                }
            }
            state.see(both, nil)
        } else if known == nil || known?.integer == 0 {
            state.see(condition, known)
        }
    }

    /// What the trips gave, one after the other along a new first axis.
    private mutating func stacked(
        _ state: inout LoopState, _ body: Ironworks_Onnx_GraphProto, _ reference: NodeReference
    ) throws(ImportError) -> [ValueID] {
        guard !state.scanned.isEmpty else { return [] }
        if state.scanned[0].isEmpty {
            // a trip that never runs says which types there are
            var probe = LoopState(carried: state.carried, scanned: state.scanned)
            try step(body, 0, &probe, reference)
            return probe.scanned.map { values in
                let type = emitter.type(values[0])
                return emitter.empty(TensorType(type.dtype, [0] + type.shape))
            }
        }
        let scanned = state.scanned
        return try attempt(reference) { (e: inout Emitter) throws(NodeProblem) in
            var out: [ValueID] = []
            for values in scanned { out.append(try stack(&e, values, axis: 0)) }
            return out
        }
    }
}

private struct LoopState {
    var carried: [ValueID]
    /// One list per collected result.
    var scanned: [[ValueID]]
    /// Whether the next trip happens, where that is not certain.
    private(set) var active: ValueID?
    private(set) var hasEnded = false

    init(carried: [ValueID], scanned: [[ValueID]]) { (self.carried, self.scanned) = (carried, scanned) }

    /// A condition, and what it is when that is known; no condition holds.
    mutating func see(_ condition: ValueID?, _ known: Literal?) {
        if let known {
            if known.integer == 0 { hasEnded = true }
        } else {
            active = condition
        }
    }
}

/// Tensors of one type along a new axis.
func stack(_ e: inout Emitter, _ values: [ValueID], axis: Int) throws(NodeProblem) -> ValueID {
    var parts: [ValueID] = []
    for value in values {
        guard e.type(value) == e.type(values[0]) else {
            throw .misfit("\(shapeText(e.shape(values[0]))) in one trip and \(shapeText(e.shape(value))) in another")
        }
        var shape = e.shape(value)
        shape.insert(1, at: axis)
        parts.append(try e.reshaped(value, to: shape))
    }
    return try concatenated(&e, parts, axis)
}
