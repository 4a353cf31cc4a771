// Operators on the bits of integers: BitwiseAnd, BitwiseOr, BitwiseXor, BitwiseNot and BitShift. Each is one
// definition. Operands have one integer dtype and broadcast.

import Basics
import TensorIR

extension Emitter {
    /// An operand of any integer dtype that is computed in; bool is none.
    func integerOperand(_ index: Int) throws(NodeProblem) -> ValueID {
        let value = try operand(index)
        let found = dtype(value)
        guard found.isExact, found != .bool, !found.isStorage else {
            throw .wrongType(input: index, found, expected: "integers")
        }
        return value
    }
}

func bitwise(_ op: BinaryOperator) -> OperatorFamily {
    { (e: inout Emitter) throws(NodeProblem) in
        let (a, b) = (try e.integerOperand(0), try e.integerOperand(1))
        let dtype = try e.sameType([a, b])
        return [try e.elementwise([a, b], dtype) { .binary(op, $0[0], $0[1]) }]
    }
}

func emitBitwiseNot(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let x = try e.integerOperand(0)
    return [try e.elementwise([x], e.dtype(x)) { .unary(.bitNot, $0[0]) }]
}

/// A shift by the width or more, or by less than 0, leaves what infinitely many shifts leave: zeros, or the sign of a
/// signed number that is shifted to the right.
func emitBitShift(_ e: inout Emitter) throws(NodeProblem) -> [ValueID] {
    let (x, amount) = (try e.integerOperand(0), try e.integerOperand(1))
    let dtype = try e.sameType([x, amount])
    let isLeft: Bool
    switch try e.text("direction", default: "") {
    case "LEFT": isLeft = true
    case "RIGHT": isLeft = false
    case let other: throw .attribute("direction", reason: "is \"\(escaped(other))\" and must be LEFT or RIGHT")
    }
    let isSigned = dtype.leastInteger < 0
    let last = number(Double(8 * dtype.bytes - 1), dtype)
    return [
        try e.elementwise([x, amount], dtype) { reads in
            if isLeft { return .binary(.shiftLeft, reads[0], reads[1]) }
            guard isSigned else { return .binary(.shiftRight, reads[0], reads[1]) }
            let isOutside = Expr.binary(
                .or, .binary(.less, reads[1], zero(dtype)), .binary(.greater, reads[1], last))
            return .binary(.shiftRight, reads[0], .select(isOutside, last, reads[1]))
        }
    ]
}
