// Scan: a body over slices of its scan inputs, spelled out, one copy per slice. Since version 9 axes are free and there
// is no batch; before, axis 0 is the batch and axis 1 is scanned.

import TensorIR

extension Importer {
    /// Which slices a scan takes and where its results go.
    private struct ScanForm {
        var states: [ValueID]
        var scanned: [ValueID]
        var inputAxes: [Int]
        var outputAxes: [Int]
        var inputsReversed: [Bool]
        var outputsReversed: [Bool]
    }

    mutating func scan(
        _ node: Ironworks_Onnx_NodeProto, _ reference: NodeReference
    ) throws(ImportError) -> [ValueID] {
        let body = try self.body(node, reference)
        let form = try attempt(reference) { (e: inout Emitter) throws(NodeProblem) in
            let operands = try e.operands()
            let count = try e.integer("num_scan_inputs", default: 0)
            guard count >= 1, count <= operands.count else {
                throw .attribute("num_scan_inputs", reason: "is \(count)")
            }
            let states = Array(operands.dropLast(count))
            let scanned = Array(operands.suffix(count))
            let outputs = body.output.count - states.count
            guard outputs >= 0 else { throw .misfit("\(body.output.count) results for \(states.count) states") }
            var axes: [Int] = []
            for (n, raw) in (try e.integers("scan_input_axes") ?? Array(repeating: 0, count: count)).enumerated() {
                guard n < count else { throw .attribute("scan_input_axes", reason: "names too many axes") }
                axes.append(try e.axis(raw, rank: e.type(scanned[n]).rank))
            }
            func flags(_ name: String, _ count: Int) throws(NodeProblem) -> [Bool] {
                let values = try e.integers(name) ?? Array(repeating: 0, count: count)
                guard values.count == count else { throw .attribute(name, reason: "has \(values.count) entries") }
                return values.map { $0 != 0 }
            }
            let outputAxes = try e.integers("scan_output_axes") ?? Array(repeating: 0, count: outputs)
            guard axes.count == count, outputAxes.count == outputs else { throw .misfit("axes of \(count) inputs") }
            return ScanForm(
                states: states, scanned: scanned, inputAxes: axes, outputAxes: outputAxes,
                inputsReversed: try flags("scan_input_directions", count),
                outputsReversed: try flags("scan_output_directions", outputs))
        }
        return try scan(body, form, reference)
    }

    /// Scan of version 8: each element of the batch by itself.
    mutating func batchScan(
        _ node: Ironworks_Onnx_NodeProto, _ reference: NodeReference
    ) throws(ImportError) -> [ValueID] {
        let body = try self.body(node, reference)
        let (operands, count, reversed) = try attempt(reference) { (e: inout Emitter) throws(NodeProblem) in
            guard e.optional(0) == nil else { throw .unsupportedForm("sequence_lens") }
            var operands: [ValueID] = []
            for index in 1..<max(1, e.inputs.count) { operands.append(try e.operand(index)) }
            let count = try e.integer("num_scan_inputs", default: 0)
            guard count >= 1, count <= operands.count else {
                throw .attribute("num_scan_inputs", reason: "is \(count)")
            }
            let reversed = try e.integers("directions") ?? Array(repeating: 0, count: count)
            guard reversed.count == count else {
                throw .attribute("directions", reason: "has \(reversed.count) entries")
            }
            return (operands, count, reversed.map { $0 != 0 })
        }
        guard let batch = operands.first.flatMap({ emitter.shape($0).first }), batch > 0,
            operands.allSatisfy({ emitter.shape($0).first == batch })
        else { throw .node(model: file.name, reference, .misfit("operands without a common batch")) }
        let states = operands.count - count
        let outputs = max(0, body.output.count - states)
        var perElement: [[ValueID]] = []
        for element in 0..<batch {
            let own = try attempt(reference) { (e: inout Emitter) throws(NodeProblem) in
                var own: [ValueID] = []
                for operand in operands { own.append(try slice(&e, operand, axis: 0, element)) }
                return own
            }
            let form = ScanForm(
                states: Array(own[..<states]), scanned: Array(own[states...]),
                inputAxes: Array(repeating: 0, count: count), outputAxes: Array(repeating: 0, count: outputs),
                inputsReversed: reversed, outputsReversed: Array(repeating: false, count: outputs))
            perElement.append(try scan(body, form, reference))
        }
        return try attempt(reference) { (e: inout Emitter) throws(NodeProblem) in
            var out: [ValueID] = []
            for n in perElement[0].indices { out.append(try stack(&e, perElement.map { $0[n] }, axis: 0)) }
            return out
        }
    }

    private func body(
        _ node: Ironworks_Onnx_NodeProto, _ reference: NodeReference
    ) throws(ImportError) -> Ironworks_Onnx_GraphProto {
        guard let attribute = node.attribute.first(where: { $0.name == "body" }), attribute.hasG else {
            throw .node(model: file.name, reference, .attribute("body", reason: "is missing"))
        }
        return attribute.g
    }

    private mutating func scan(
        _ body: Ironworks_Onnx_GraphProto, _ form: ScanForm, _ reference: NodeReference
    ) throws(ImportError) -> [ValueID] {
        let lengths = zip(form.scanned, form.inputAxes).map { emitter.shape($0)[$1] }
        guard let length = lengths.first, length > 0, lengths.allSatisfy({ $0 == length }) else {
            throw .node(model: file.name, reference, .misfit("scans over \(lengths) slices"))
        }
        var states = form.states
        var collected = [[ValueID]](repeating: [], count: form.outputAxes.count)
        for step in 0..<length {
            let slices = try attempt(reference) { (e: inout Emitter) throws(NodeProblem) in
                var slices: [ValueID] = []
                for (n, value) in form.scanned.enumerated() {
                    let at = form.inputsReversed[n] ? length - 1 - step : step
                    slices.append(try slice(&e, value, axis: form.inputAxes[n], at))
                }
                return slices
            }
            let results = try region(body, states + slices, reference)
            states = Array(results[..<states.count])
            for n in collected.indices { collected[n].append(results[states.count + n]) }
        }
        let trips = collected
        let stacked = try attempt(reference) { (e: inout Emitter) throws(NodeProblem) in
            var out: [ValueID] = []
            for (n, values) in trips.enumerated() {
                let axis = try e.axis(form.outputAxes[n], rank: e.type(values[0]).rank + 1)
                out.append(try stack(&e, form.outputsReversed[n] ? values.reversed() : values, axis: axis))
            }
            return out
        }
        return states + stacked
    }
}

/// The elements at `index` of `axis`, without that axis.
func slice(_ e: inout Emitter, _ value: ValueID, axis: Int, _ index: Int) throws(NodeProblem) -> ValueID {
    var shape = e.shape(value)
    shape.remove(at: axis)
    return try e.moved(value, shape: shape) { out in
        var indices = out
        indices.insert(.integer(index), at: axis)
        return indices
    }
}
