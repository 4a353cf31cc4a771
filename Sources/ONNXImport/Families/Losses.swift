// SoftmaxCrossEntropyLoss and NegativeLogLikelihoodLoss: per label minus the logarithm of its class's probability,
// weighted by class, with one class of labels ignored, and summed or averaged. A label is read from data and kept
// inside of the classes; what is ignored is never read.

import TensorIR

func emitNegativeLogLikelihoodLoss(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    [try likelihoodLoss(&e, try e.floatOperand(0))]
}

/// Also gives the logarithms of the probabilities.
func emitSoftmaxCrossEntropyLoss(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let scores = try e.floatOperand(0)
    guard e.type(scores).rank >= 2 else { throw .misfit("scores of \(shapeText(e.shape(scores)))") }
    let logarithms = try logSoftmax(&e, scores, axes: [1])
    return [try likelihoodLoss(&e, logarithms), logarithms]
}

/// `logarithms` of shape [n, classes, d…]; labels of shape [n, d…] are input 1, weights per class input 2.
private func likelihoodLoss(_ e: inout Emitter, _ logarithms: ValueID) throws(NodeProblem) -> ValueID {
    let labels = try e.indexOperand(1)
    let (shape, places) = (e.shape(logarithms), e.shape(labels))
    guard shape.count >= 2, shape[1] >= 1, [shape[0]] + shape[2...] == places else {
        throw .misfit("labels of \(shapeText(places)) for \(shapeText(shape))")
    }
    var weights: ValueID?
    if e.optional(2) != nil {
        let value = try e.floatOperand(2)
        guard e.shape(value) == [shape[1]] else { throw .misfit("weights of \(shapeText(e.shape(value)))") }
        weights = value
    }
    let mean: Bool?
    switch try e.text("reduction", default: "mean") {
    case "none": mean = nil
    case "sum": mean = false
    case "mean": mean = true
    case let other: throw .attribute("reduction", reason: "has the unknown value \"\(other)\"")
    }
    let ignored = try e.integer("ignore_index")
    let dtype = e.dtype(logarithms)
    let wide = accumulator(dtype)
    let weight = try labelWeights(&e, labels, weights, ignored, classes: shape[1], wide)
    let isWide = e.dtype(labels) == .i64
    let loss = try e.mapped([logarithms, labels, weight], TensorType(wide, places)) { out in
        let label = Expr.read(slot: 1, out)
        let wideLabel = isWide ? label : .cast(.i64, label)
        let place = kept(wideLabel, inside: shape[1])
        let read = Expr.read(slot: 0, [out[0], place] + out[1...])
        let term = Expr.unary(.negate, wide == dtype ? read : .cast(wide, read)) * .read(slot: 2, out)
        guard let ignored else { return term }
        return .select(.binary(.equal, wideLabel, .integer(ignored)), zero(wide), term)
    }
    guard let mean else { return try e.cast(loss, to: dtype) }
    let axes = Array(places.indices)
    let sum = try e.reduced(loss, axes: axes, keep: false, .sum, wide)
    guard mean else { return try e.cast(sum, to: dtype) }
    let total = try e.reduced(weight, axes: axes, keep: false, .sum, wide)
    return try e.cast(try e.elementwise([sum, total], wide) { Formula.divide($0[0], $0[1]) }, to: dtype)
}

/// The weight of every label: that of its class, 0 where it is ignored, else 1.
private func labelWeights(
    _ e: inout Emitter, _ labels: ValueID, _ weights: ValueID?, _ ignored: Int?, classes: Int, _ wide: DType
) throws(NodeProblem) -> ValueID {
    let isWide = e.dtype(labels) == .i64
    let dtype = weights.map { e.dtype($0) } ?? wide
    var slots = Slots()
    let label = slots.slot(labels)
    let table = weights.map { slots.slot($0) }
    let usesLabels = table != nil || ignored != nil
    return try e.mapped(usesLabels ? slots.values : [], TensorType(wide, e.shape(labels))) { out in
        guard usesLabels else { return number(1, wide) }
        let read = Expr.read(slot: label, out)
        let place = isWide ? read : .cast(.i64, read)
        var weight = number(1, wide)
        if let table {
            let own = Expr.read(slot: table, [kept(place, inside: classes)])
            weight = dtype == wide ? own : .cast(wide, own)
        }
        return ignored.map { .select(.binary(.equal, place, .integer($0)), zero(wide), weight) } ?? weight
    }
}
