// Loops whose number of trips only the run knows, as regions of the graph: the body is imported once, over parameters
// that carry the state from trip to trip, so every carried tensor has one type throughout.
//
//     %3 = loop trip %t while %c carry(%a) capture(%w) do(%i: i64[], %x: f32[4]) { … } -> (%goes_on, %y)
//
// In:  a Loop node whose state is tensors and which collects nothing.  Out: the state after the last trip.
// Loops with a known bound are spelled out instead (ImportRegions.swift), where what a trip computes may be known.

import TensorIR

extension Importer {
    /// - Parameter trips: the number of trips (one i64), if it counts.
    /// - Parameter first: the condition before the first trip, if there is one.
    mutating func runTimeLoop(
        _ body: Ironworks_Onnx_GraphProto, trips: ValueID?, first: ValueID?, carried: [ValueID],
        _ reference: NodeReference
    ) throws(ImportError) -> [ValueID] {
        func unsupported(_ reason: String) -> ImportError {
            .node(model: file.name, reference, .unsupportedForm(reason))
        }
        guard body.output.count == 1 + carried.count else {
            throw unsupported("collected results of a loop whose trips are known only when it runs")
        }
        guard carried.allSatisfy({ emitter.elements(of: $0) == nil }) else {
            throw unsupported("sequences carried by a loop whose trips are known only when it runs")
        }
        try requireWhole(carried, reference)
        let scalar = { (value: ValueID?) in
            { (e: inout Emitter) throws(NodeProblem) in
                if let value { return try e.reshaped(value, to: []) }
                return e.constant(TensorValue(TensorType(.bool, []), integers: [1]))
            }
        }
        let tripCount = trips == nil ? nil : try attempt(reference, scalar(trips))
        let starts = try attempt(reference, scalar(first))
        emitter.builder.openRegion()
        let iteration = emitter.builder.fresh(TensorType(.i64, []))
        let parameters = carried.map { emitter.builder.fresh(emitter.type($0)) }
        let going = emitter.constant(TensorValue(TensorType(.bool, []), integers: [1]))
        let given = try region(body, [iteration, going] + parameters, reference)
        let goesOn = try attempt(reference, scalar(given[0]))
        for (parameter, result) in zip(parameters, given.dropFirst()) {
            let (before, after) = (emitter.type(parameter), emitter.type(result))
            guard before == after, emitter.elements(of: result) == nil else {
                throw unsupported(
                    "state that is \(before.dtype.rawValue) \(shapeText(before.shape)) before a trip and "
                        + "\(after.dtype.rawValue) \(shapeText(after.shape)) after it, in a loop whose trips are known "
                        + "only when it runs")
            }
        }
        try requireWhole(given, reference)
        let endless = first == nil && emitter.literal(goesOn)?.integer == 1
        guard tripCount != nil || !endless else { throw unsupported("a loop without an end") }
        let closed = emitter.builder.closeRegion(
            parameters: [iteration] + parameters, results: [goesOn] + given.dropFirst())
        let results = carried.map { emitter.builder.fresh(emitter.type($0)) }
        emitter.builder.append(
            .loop(
                Loop(
                    results: results, tripCount: tripCount, condition: endless ? nil : starts, initial: carried,
                    captures: closed.captures, body: closed.region)))
        return results
    }
}
