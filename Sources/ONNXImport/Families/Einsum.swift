// Einsum: products of any number of operands summed over the axes that the result does not name. Two operands are
// taken at a time, from the left; each step sums what neither the result nor a later operand needs. A label that an
// operand repeats is its diagonal, an extent of 1 broadcasts.

import TensorIR

/// Labels of a value's axes, each once.
private struct Labelled {
    var value: ValueID
    var labels: [Int]
}

func emitEinsum(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let operands = try e.operands()
    for index in operands.indices { _ = try e.numberOperand(index) }
    let dtype = try e.sameType(operands)
    let equation = try EinsumEquation(try e.text("equation", default: ""), ranks: operands.map { e.type($0).rank })
    let extents = try labelExtents(e, operands, equation)
    var left = Labelled(value: operands[0], labels: equation.operands[0])
    if operands.count == 1 {
        left = try contracted(&e, [left], keeps: equation.result, extents, dtype)
    }
    for index in operands.indices.dropFirst() {
        let right = Labelled(value: operands[index], labels: equation.operands[index])
        let isLast = index == operands.count - 1
        let later = equation.operands[(index + 1)...].flatMap { $0 } + equation.result
        let seen = (left.labels + right.labels).reduce(into: [Int]()) { if !$0.contains($1) { $0.append($1) } }
        let keeps = isLast ? equation.result : seen.filter { later.contains($0) }
        left = try contracted(&e, [left, right], keeps: keeps, extents, dtype)
    }
    return [try e.cast(left.value, to: dtype)]
}

/// The extent of every label; operands agree but for extents of 1.
private func labelExtents(
    _ e: Emitter, _ operands: [ValueID], _ equation: EinsumEquation
) throws(NodeProblem) -> [Int: Int] {
    var extents: [Int: Int] = [:]
    for (operand, labels) in zip(operands, equation.operands) {
        for (label, extent) in zip(labels, e.shape(operand)) {
            let known = extents[label] ?? 1
            guard known == 1 || extent == 1 || known == extent else {
                throw .misfit("extents of \(known) and \(extent) under one letter")
            }
            extents[label] = known == 1 ? extent : known
        }
    }
    return extents
}

/// The product of one or two operands, summed over every label but `keeps`, in the accumulator's type.
private func contracted(
    _ e: inout Emitter, _ operands: [Labelled], keeps: [Int], _ extents: [Int: Int], _ dtype: DType
) throws(NodeProblem) -> Labelled {
    let work = accumulator(dtype)
    var summed: [Int] = []
    for label in operands.flatMap(\.labels) where !keeps.contains(label) && !summed.contains(label) {
        summed.append(label)
    }
    let axes = keeps + summed
    let sizes = axes.map { extents[$0] ?? 1 }
    let shape = Array(sizes[..<keeps.count])
    // an operand without elements sums to zero
    guard !sizes.contains(0) else {
        return Labelled(value: try e.define([], TensorType(work, shape), .map(zero(work))), labels: keeps)
    }
    var slots = Slots()
    var product: Expr?
    for operand in operands {
        let own = e.shape(operand.value)
        let indices = zip(operand.labels, own).map { label, extent -> Expr in
            guard extent > 1, let axis = axes.firstIndex(of: label) else { return .integer(0) }
            return .axis(axis)
        }
        let read = Expr.read(slot: slots.slot(operand.value), indices)
        let factor = e.dtype(operand.value) == work ? read : .cast(work, read)
        product = product.map { $0 * factor } ?? factor
    }
    guard let product else { preconditionFailure("a product of operands") }
    let value = try e.define(
        slots.values, TensorType(work, shape),
        summed.isEmpty
            ? .map(product)
            : .reduce(.sum, extents: Array(sizes[keeps.count...]), condition: nil, product))
    return Labelled(value: value, labels: keeps)
}
