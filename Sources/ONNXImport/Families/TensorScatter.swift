// TensorScatter: a cache with new rows written from an index on that each batch has of its own, stopping at the end or
// going around. Seen from the result: an element is a new row where its distance from the index is below their number,
// else what the cache had.

import TensorIR

func emitTensorScatter(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (cache, update) = (try e.operand(0), try e.operand(1))
    let dtype = try e.sameType([cache, update])
    let (shape, new) = (e.shape(cache), e.shape(update))
    let axis = try e.axis(try e.integer("axis", default: -2), rank: shape.count)
    guard axis > 0, new.count == shape.count, new[axis] <= shape[axis],
        shape.indices.allSatisfy({ $0 == axis || shape[$0] == new[$0] })
    else { throw .misfit("an update of \(shapeText(new)) along axis \(axis) of \(shapeText(shape))") }
    let goesAround: Bool
    switch try e.text("mode", default: "linear") {
    case "linear": goesAround = false
    case "circular": goesAround = true
    case let other: throw .attribute("mode", reason: "has the unknown value \"\(other)\"")
    }
    var slots = Slots()
    let (from, to) = (slots.slot(update), slots.slot(cache))
    var start: Expr?
    if let indices = e.optional(2) {
        _ = try e.indexOperand(2)
        guard e.shape(indices) == [shape[0]] else {
            throw .misfit("indices of \(shapeText(e.shape(indices))) for \(shape[0]) batches")
        }
        let read = Expr.read(slot: slots.slot(indices), [coordinates(shape)[0]])
        start = e.dtype(indices) == .i64 ? read : .cast(.i64, read)
    }
    return [
        try e.mapped(slots.values, TensorType(dtype, shape)) { out in
            let distance = start.map { out[axis] - $0 } ?? out[axis]
            let row = goesAround ? Expr.binary(.floorModulo, distance, .integer(shape[axis])) : distance
            var source = out
            source[axis] = row
            let tests = [
                Expr.binary(.greaterOrEqual, row, .integer(0)), .binary(.less, row, .integer(new[axis])),
            ]
            let element = Expr.read(slot: from, source)
            return all(tests).map { .select($0, element, .read(slot: to, out)) } ?? element
        }
    ]
}
