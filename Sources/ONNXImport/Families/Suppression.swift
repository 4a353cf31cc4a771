// NonMaxSuppression: boxes by falling score, those that overlap a better one of their class left out. What is selected
// is as long as it can get, and how many rows count is a value. Numbers that are left out select nothing (the most per
// class), suppress every overlap above 0, or let every score pass.

import TensorIR

func emitNonMaxSuppression(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (boxes, scores) = (try e.floatOperand(0), try e.floatOperand(1))
    guard e.dtype(boxes) == .f32, e.dtype(scores) == .f32 else {
        throw .wrongType(input: 0, e.dtype(boxes), expected: "f32")
    }
    guard e.type(boxes).rank == 3, e.type(scores).rank == 3, e.shape(boxes)[2] == 4,
        e.shape(boxes)[0] == e.shape(scores)[0], e.shape(boxes)[1] == e.shape(scores)[2]
    else { throw .misfit("boxes of \(shapeText(e.shape(boxes))) and scores of \(shapeText(e.shape(scores)))") }
    let centered: Bool
    switch try e.integer("center_point_box", default: 0) {
    case 0: centered = false
    case 1: centered = true
    case let other: throw .attribute("center_point_box", reason: "is \(other) and must be 0 or 1")
    }
    let most = try scalar(&e, 2, .i64, missing: 0)
    let overlap = try scalar(&e, 3, .f32, missing: 0)
    let least = try scalar(&e, 4, .f32, missing: -.infinity)
    let boxCount = e.shape(boxes)[1]
    let limit = e.literal(most).map { Int(max(0, min($0.integer, Int64(boxCount)))) } ?? boxCount
    guard limit > 0, e.type(scores).elements > 0 else { return [e.empty(TensorType(.i64, [0, 3]))] }
    let found = try e.extern(.suppress(centered: centered, limit: limit), [boxes, scores, most, overlap, least])
    e.bound(found[0], 0, by: found[1])
    return [found[0]]
}

/// An optional number, as a scalar.
private func scalar(
    _ e: inout Emitter, _ input: Int, _ dtype: DType, missing: Double
) throws(NodeProblem) -> ValueID {
    guard e.optional(input) != nil else {
        let type = TensorType(dtype, [])
        return e.constant(
            dtype.isFloat ? TensorValue(type, floats: [missing]) : TensorValue(type, integers: [Int64(missing)]))
    }
    let value = try e.operand(input)
    guard e.dtype(value) == dtype else { throw .wrongType(input: input, e.dtype(value), expected: dtype.rawValue) }
    return try e.reshaped(value, to: [])
}
