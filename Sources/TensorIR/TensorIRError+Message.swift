// The sentences of this module's errors: where, what, and what would be right.

import Basics

extension VerifyError {
    package var sentence: String {
        place.isEmpty ? fault.message : place.map(\.words).joined(separator: ", ") + ": " + fault.message
    }
}

extension VerifyPlace {
    var words: String {
        switch self {
        case .slot(let slot): "t\(slot)"
        case .value(let value): "%\(value)"
        case .operation(let position): "operation \(position)"
        case .function(let index): "function @\(index)"
        case .piece(let index): "piece \(index)"
        case .condition: "the condition"
        case .loopBody: "the loop body"
        case .thenSide: "the then side"
        case .elseSide: "the else side"
        case .inputs: "the inputs"
        case .results: "the results"
        }
    }
}

extension VerifyFault {
    var message: String {
        switch self {
        case .type(let fault): fault.message
        case .expression(let fault): fault.message
        case .read(let fault): fault.message
        case .pieces(let fault): fault.message
        case .value(let fault): fault.message
        case .operation(let fault): fault.message
        }
    }
}

extension TypeFault {
    fileprivate var message: String {
        switch self {
        case .extentNotPositive(let axis, let extent): "axis \(axis) has extent \(extent); extents are at least 1"
        case .reductionExtentNotPositive(let axis, let extent):
            "reduction axis \(axis) has extent \(extent); extents are at least 1"
        case .rankTooLarge(let rank, let limit): "\(rank) axes; at most \(limit) are allowed"
        case .elementsBeyondLimit(let limit): "the tensor has more than \(limit) elements"
        case .pointsBeyondLimit(let limit): "space and reduction axes together have more than \(limit) points"
        }
    }
}

extension ExpressionFault {
    fileprivate var message: String {
        switch self {
        case .nestingBeyondLimit(let limit): "the expression nests deeper than \(limit) brackets"
        case .depthBeyondLimit(let limit): "the expression is a tree of more than \(limit) levels"
        case .literalDoesNotFit(let value, let dtype): "the literal \(value) does not fit \(dtype.rawValue)"
        case .operandDTypes(let name, let a, let b):
            "the operands of \(name) have dtypes \(a.rawValue) and \(b.rawValue); cast one of them"
        case .operandKind(let name, let needs, let found): "\(name) needs \(needs.rawValue), not \(found.rawValue)"
        case .storageOperand(let name, let found):
            "\(name) takes no \(found.rawValue), which only stores numbers; cast it"
        case .conditionNotBool(let found): "a condition is \(found.rawValue); it must be bool"
        case .sidesDiffer(let a, let b):
            "the sides of a select have dtypes \(a.rawValue) and \(b.rawValue); cast one of them"
        case .resultDType(let declared, let found):
            "the expression gives \(found.rawValue) and the definition declares \(declared.rawValue)"
        case .unknownAxis(let axis, let available): "axis \(axis) is used and the definition has \(available)"
        }
    }
}

extension ReadFault {
    fileprivate var message: String {
        switch self {
        case .indexDType(let slot, let axis, let found):
            "index \(axis) of the read of t\(slot) is \(found.rawValue); indices are i64"
        case .indexCount(let slot, let rank, let found):
            "t\(slot) has \(rank) axes and is read with \(found) indices"
        case .slotNotEarlier(let slot, let available):
            "t\(slot) is read and only the first \(available) tensors are defined before"
        case .outOfRange(let slot, let axis, let low, let high, let extent):
            "index \(axis) of the read of t\(slot) runs from \(low) to \(high) and the extent is \(extent); "
                + "guard the read with a select"
        }
    }
}

extension PieceFault {
    fileprivate var message: String {
        switch self {
        case .beyondLimit(let count, let limit): "\(count) pieces; at most \(limit) are allowed"
        case .rank(let rank, let found): "the box has \(found) ranges and the result \(rank) axes"
        case .outside(let axis, let range, let extent):
            "the box takes \(range.lowerBound)..<\(range.upperBound) of axis \(axis), whose extent is \(extent)"
        case .empty(let axis): "the box is empty along axis \(axis)"
        case .overlap(let first, let second): "pieces \(first) and \(second) overlap"
        case .gap(let covered, let elements):
            "the pieces cover \(covered) of \(elements) elements; they must cover all"
        }
    }
}

extension ValueFault {
    fileprivate var message: String {
        switch self {
        case .noResults: "there is no result; name at least one"
        case .extent(let result, let axis):
            "the extent of axis \(axis) of result \(result) names an axis twice or out of order, or no i64[] result"
        case .unknownResult(let slot, let available): "t\(slot) is a result and there are \(available) tensors"
        case .outsideTable(let value, let count): "%\(value) is used and the table has \(count) values"
        case .definedTwice(let value): "%\(value) is defined a second time"
        case .neverDefined(let value): "%\(value) is in the table of values and nothing defines it"
        case .notVisible(let value):
            "%\(value) is used and is not defined before or captured here"
        case .capturedTwice(let value): "%\(value) is captured twice"
        }
    }
}

extension OperationFault {
    fileprivate var message: String {
        switch self {
        case .constantCount(let elements, let found):
            "the constant lists \(found) values and its type has \(elements) elements"
        case .constantTooLarge(let elements, let limit):
            "a constant of \(elements) elements stands in the text; above \(limit) it is named by its digest"
        case .constantDType(let declared, let found):
            "the constant holds a \(found.rawValue) value and its type is \(declared.rawValue)"
        case .definitionType(let declared, let found): "the definition gives \(found) and the value is \(declared)"
        case .externWithoutName: "an extern operation has no name"
        case .externOperands(let name): "\(name) does not take operands of these types"
        case .attributeWithoutValue(let text): "the attribute \"\(escaped(text))\" is not of the form name=value"
        case .attributesNotSorted(let first, let second):
            "the attribute \"\(escaped(second))\" stands after \"\(escaped(first))\"; attributes are sorted"
        case .loopWithoutEnd: "the loop has neither a trip count nor a condition"
        case .signatureCount(let role, let expected, let found):
            "\(found) \(role.rawValue)\(found == 1 ? "" : "s"), expected \(expected)"
        case .signatureType(let role, let index, let expected, let found):
            "\(role.rawValue) \(index) is \(found), expected \(expected)"
        case .unknownFunction(let function, let count):
            "@\(function) is called and there are \(count) functions"
        case .regionsBeyondLimit(let limit): "regions nest deeper than \(limit)"
        }
    }
}

extension InterpretError {
    package var sentence: String {
        switch self {
        case .inputCount(let expected, let found): "the graph takes \(expected) inputs and was given \(found)"
        case .inputType(let index, let name, let expected, let found):
            "input \(index) \"\(escaped(name))\" is \(found), the graph takes \(expected)"
        case .constantMissing(let value, let digest):
            "the bytes \(digest.short) of constant %\(value) are not in the constant store"
        case .constantSize(let value, let expectedBytes, let foundBytes):
            "constant %\(value) needs \(expectedBytes) bytes and its data holds \(foundBytes)"
        case .externUnsupported(let value, let name):
            "\(place(value))the extern operation \"\(escaped(name))\" has no interpreter"
        case .callsTooDeep(let function, let limit): "calls of function @\(function) nest deeper than \(limit)"
        case .loopTooLong(let value, let limit): "\(place(value))a loop ran longer than \(limit) iterations"
        }
    }

    private func place(_ value: Int?) -> String { value.map { "%\($0): " } ?? "" }
}
