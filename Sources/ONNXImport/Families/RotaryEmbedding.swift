// RotaryEmbedding, of ONNX and of the com.microsoft domain: pairs of elements of every head are turned by an angle
// that depends on the position. A pair is (i, i + half) or, interleaved, (2i, 2i + 1); elements past the rotated part
// are copied. One piecewise definition over [outer…, head size], whose pieces are the halves and the rest:
//   first = cos · x1 - sin · x2,   second = sin · x1 + cos · x2

import TensorIR

/// What differs between the two domains.
struct RotaryOperands {
    var x: ValueID
    var cosine: ValueID
    var sine: ValueID
    /// `[batch, sequence]`, or one element that is the position of the first token; `nil`: the tables are per token.
    var positions: ValueID?
    var heads: Int
    /// How many elements of a head are rotated; 0 for all.
    var rotated: Int
    var isInterleaved: Bool
}

func emitRotaryEmbedding(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let operands = RotaryOperands(
        x: try e.floatOperand(0), cosine: try e.floatOperand(1), sine: try e.floatOperand(2),
        positions: e.optional(3) == nil ? nil : try e.indexOperand(3), heads: try e.integer("num_heads", default: 0),
        rotated: try e.integer("rotary_embedding_dim", default: 0), isInterleaved: try e.flag("interleaved"))
    return [try rotated(&e, operands)]
}

/// com.microsoft: positions are the second operand, and always there.
func emitMicrosoftRotaryEmbedding(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    guard try !e.flag("is_packed_batching") else { throw .unsupportedForm("is_packed_batching") }
    // the attribute is described as a factor, and its own runtime ignores it
    guard try e.float("scale", default: 1) == 1 else { throw .unsupportedForm("a scale other than 1") }
    var operands = RotaryOperands(
        x: try e.floatOperand(0), cosine: try e.floatOperand(2), sine: try e.floatOperand(3),
        positions: try e.indexOperand(1), heads: try e.integer("num_heads", default: 0),
        rotated: try e.integer("rotary_embedding_dim", default: 0), isInterleaved: try e.flag("interleaved"))
    let shape = e.shape(operands.x)
    if shape.count == 3, operands.heads == 0, let width = e.shape(operands.cosine).last, width > 0 {
        // without a number of heads the tables say how large one is
        operands.heads = shape[2] / (2 * width)
    }
    return [try rotated(&e, operands)]
}

func rotated(_ e: inout Emitter, _ operands: RotaryOperands) throws(NodeProblem) -> ValueID {
    let rotation = try Rotation(e, operands)
    let body = Definition.Body.pieces(rotation.pieces())
    let dtype = e.dtype(operands.x)
    let tables = [operands.cosine, operands.sine] + (operands.positions.map { [$0] } ?? [])
    let y = try e.define([operands.x] + tables, TensorType(dtype, rotation.shape), body)
    return try e.reshaped(y, to: e.shape(operands.x))
}

private struct Rotation {
    /// Of the definition: `[batch, heads, sequence, size]` or `[batch, sequence, heads, size]`, as the operand has it.
    let shape: [Int]
    private let isPacked: Bool
    private let operands: RotaryOperands
    private let rotated: Int
    private let dtype: DType
    private let tableShape: [Int]
    private let positionType: TensorType?

    init(_ e: Emitter, _ operands: RotaryOperands) throws(NodeProblem) {
        self.operands = operands
        dtype = try e.sameType([operands.x, operands.cosine, operands.sine])
        let own = e.shape(operands.x)
        isPacked = own.count == 3
        if isPacked {
            guard operands.heads >= 1, own[2] % operands.heads == 0 else {
                throw .misfit("\(operands.heads) heads in \(shapeText(own))")
            }
            shape = [own[0], own[1], operands.heads, own[2] / operands.heads]
        } else {
            guard own.count == 4 else { throw .misfit("an operand of \(shapeText(own))") }
            shape = own
        }
        rotated = operands.rotated == 0 ? shape[3] : operands.rotated
        let (batch, sequence) = (shape[0], shape[isPacked ? 1 : 2])
        tableShape = e.shape(operands.cosine)
        positionType = operands.positions.map { e.type($0) }
        let leading: Bool
        if let positionType {
            leading =
                tableShape.count == 2 && tableShape[0] > 0
                && (positionType.elements == 1 || positionType.shape == [batch, sequence])
        } else {
            leading = tableShape.count == 3 && tableShape[0] == batch && tableShape[1] == sequence
        }
        guard leading, rotated >= 2, rotated % 2 == 0, rotated <= shape[3], tableShape.last == rotated / 2,
            e.shape(operands.sine) == tableShape
        else {
            throw .misfit(
                "tables of \(shapeText(tableShape)) and \(shapeText(e.shape(operands.sine))) for "
                    + "\(rotated) elements of \(shapeText(shape))")
        }
    }

    func pieces() -> [Piece] {
        let half = rotated / 2
        let d = Expr.axis(3)
        var out: [Piece] = []
        func add(_ range: Range<Int>, _ value: Expr) {
            guard !range.isEmpty else { return }
            var box = shape.map { 0..<$0 }
            box[3] = range
            out.append(Piece(box: box, value: value))
        }
        if operands.isInterleaved {
            let pair = Expr.binary(.floorDivide, d, .integer(2))
            let isFirst = Expr.binary(.equal, .binary(.floorModulo, d, .integer(2)), .integer(0))
            add(0..<rotated, .select(isFirst, first(d, d + .integer(1), pair), second(d - .integer(1), d, pair)))
        } else {
            add(0..<half, first(d, d + .integer(half), d))
            add(half..<rotated, second(d - .integer(half), d, d - .integer(half)))
        }
        add(rotated..<shape[3], narrowed(element(d)))
        return out
    }

    private func first(_ a: Expr, _ b: Expr, _ pair: Expr) -> Expr {
        narrowed(table(1, pair) * element(a) - table(2, pair) * element(b))
    }

    private func second(_ a: Expr, _ b: Expr, _ pair: Expr) -> Expr {
        narrowed(table(2, pair) * element(a) + table(1, pair) * element(b))
    }

    private func wide(_ read: Expr) -> Expr { accumulator(dtype) == dtype ? read : .cast(accumulator(dtype), read) }

    private func narrowed(_ value: Expr) -> Expr { accumulator(dtype) == dtype ? value : .cast(dtype, value) }

    private func element(_ d: Expr) -> Expr {
        let out = coordinates(shape)
        let indices = isPacked ? [out[0], out[1], out[2] * .integer(shape[3]) + d] : [out[0], out[1], out[2], d]
        return wide(.read(slot: 0, indices))
    }

    private func table(_ slot: Int, _ pair: Expr) -> Expr {
        let out = coordinates(shape)
        let (batch, token) = (out[0], out[isPacked ? 1 : 2])
        guard let positionType else { return wide(.read(slot: slot, [batch, token, pair])) }
        let isOffset = positionType.elements == 1
        let place = isOffset ? positionType.shape.map { _ in Expr.integer(0) } : [batch, token]
        let read = Expr.read(slot: 3, place)
        let index = positionType.dtype == .i64 ? read : .cast(.i64, read)
        let position = isOffset ? index + token : index
        let inside = Formula.minimum(Formula.maximum(position, .integer(0)), .integer(tableShape[0] - 1))
        return wide(.read(slot: slot, [inside, pair]))
    }
}
