// Axes whose length the model's data decides: NonZero, Compress, Unique, NonMaxSuppression, TopK with a computed K.
// Such an axis has the greatest length it can get as its extent in the graph; what counts on it is the first elements,
// as many as an i64[] value says when the model runs. The importer keeps that value beside the tensor and hands it on
// from node to node; an output of the model has it as an output of its own (`ResultExtent`).
//
// In:  operators that give such axes, operators with a rule for them (ExtentTable.swift).
// Out: definitions over the greatest lengths; elements behind what counts are anything, so a rule that lets elements
// meet along such an axis masks them first.

import TensorIR

/// For axes whose length only a run can tell, the `i64[]` value that tells it.
typealias RuntimeExtents = [Int: ValueID]

extension Emitter {
    func extents(_ value: ValueID) -> RuntimeExtents { runtimeExtents[value] ?? [:] }

    /// Only the first `count` elements along `axis` of `value` count. What is known of it already stays.
    mutating func bound(_ value: ValueID, _ axis: Int, by count: ValueID) {
        guard !builder.isConstant(value), runtimeExtents[value]?[axis] == nil else { return }
        runtimeExtents[value, default: [:]][axis] = count
    }

    /// `value` with `filler` in the place of elements that do not count along `axes`; the value itself when all do.
    mutating func masked(
        _ value: ValueID, along axes: [Int], with filler: Literal
    ) throws(NodeProblem) -> ValueID {
        let counts = extents(value).filter { axes.contains($0.key) }.sorted { $0.key < $1.key }
        guard !counts.isEmpty else { return value }
        let here = coordinates(shape(value))
        var slots = Slots()
        let own = Expr.read(slot: slots.slot(value), here)
        let inside = counts.map { axis, count in
            Expr.binary(.less, here[axis], .read(slot: slots.slot(count), []))
        }
        guard let condition = all(inside) else { return value }
        let result = try define(slots.values, type(value), .map(.select(condition, own, .literal(filler))))
        for (axis, count) in extents(value) { bound(result, axis, by: count) }
        return result
    }

    /// Runs a family whose operands may have axes of this kind.
    /// - Throws: `unsupportedForm` when there are such axes and the operator has no rule for them.
    mutating func imported(_ family: OperatorFamily, domain: String) throws(NodeProblem) -> [ValueID] {
        guard let input = inputs.firstIndex(where: { $0.map(hasExtents) ?? false }) else {
            return try family(&self)
        }
        guard let rule = extentRule(node.opType, domain: domain) else {
            throw .unsupportedForm("its input \(input), whose size is known only when the model runs")
        }
        return try rule(&self, family)
    }

    /// The value, or a tensor of the sequence that it stands for, has such an axis.
    private func hasExtents(_ value: ValueID) -> Bool {
        !extents(value).isEmpty || (elements(of: value) ?? []).contains { !extents($0).isEmpty }
    }

    /// What the operator cannot do with an axis whose length is known only when the model runs.
    func extentProblem(_ what: String) -> NodeProblem {
        .unsupportedForm("\(what) an axis whose length is known only when the model runs")
    }

    /// An extern over `operands`, which fit it.
    mutating func extern(_ extern: Extern, _ operands: [ValueID]) throws(NodeProblem) -> [ValueID] {
        guard let types = extern.results(operands.map { type($0) }) else {
            throw .misfit("operands of \(operands.map { shapeText(shape($0)) }.joined(separator: " and "))")
        }
        for type in types {
            guard isReasonable(type.shape) else { throw .tooLarge(type.shape) }
        }
        let results = types.map { builder.fresh($0) }
        builder.append(
            .extern(results: results, name: extern.name, attributes: extern.attributes, operands: operands))
        return results
    }
}
