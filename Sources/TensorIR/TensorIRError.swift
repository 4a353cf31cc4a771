// What can be wrong with a workload or a graph that came from a text, a model or another pass, and what can stop
// the graph interpreter. Cases carry facts; TensorIRError+Message.swift turns them into sentences.

import Basics

/// The first rule that a workload or graph breaks, and where. `place` leads from the outside in.
package struct VerifyError: Explained, Equatable {
    package var place: [VerifyPlace]
    package var fault: VerifyFault

    package init(_ fault: VerifyFault, at place: [VerifyPlace]) {
        self.place = place
        self.fault = fault
    }
}

package enum VerifyPlace: Hashable, Sendable {
    /// A parameter or definition of a workload, by slot.
    case slot(Int)
    /// A value of a graph: the operation, input or parameter that defines it.
    case value(Int)
    /// An operation without a result, by its position in its region.
    case operation(Int)
    case function(Int)
    case piece(Int)
    case condition
    case loopBody, thenSide, elseSide
    case inputs, results
}

/// What an operator asks of its operands.
package enum OperandKind: String, Hashable, Sendable {
    case float = "a float"
    case number = "a float or an integer"
    case integer = "an integer"
    case boolean = "a bool"
}

/// Which values of a loop, branch, call or graph do not fit each other.
package enum SignatureRole: String, Hashable, Sendable {
    case tripCount = "trip count"
    case condition
    case initialValues = "initial value"
    case bodyParameters = "body parameter"
    case regionParameters = "region parameter"
    case regionResults = "region result"
    case arguments = "argument"
    case results = "result"
    case inputNames = "input name"
    case outputNames = "output name"
}

package enum VerifyFault: Hashable, Sendable {
    case type(TypeFault)
    case expression(ExpressionFault)
    case read(ReadFault)
    case pieces(PieceFault)
    case value(ValueFault)
    case operation(OperationFault)
}

package enum TypeFault: Hashable, Sendable {
    case extentNotPositive(axis: Int, extent: Int)
    case reductionExtentNotPositive(axis: Int, extent: Int)
    case rankTooLarge(rank: Int, limit: Int)
    case elementsBeyondLimit(limit: Int)
    case pointsBeyondLimit(limit: Int)
}

package enum ExpressionFault: Hashable, Sendable {
    case nestingBeyondLimit(limit: Int)
    case depthBeyondLimit(limit: Int)
    case literalDoesNotFit(value: Int64, dtype: DType)
    case operandDTypes(name: String, DType, DType)
    case operandKind(name: String, needs: OperandKind, found: DType)
    case storageOperand(name: String, found: DType)
    case conditionNotBool(found: DType)
    case sidesDiffer(DType, DType)
    case resultDType(declared: DType, found: DType)
    case unknownAxis(axis: Int, available: Int)
}

package enum ReadFault: Hashable, Sendable {
    case indexDType(slot: Int, axis: Int, found: DType)
    case indexCount(slot: Int, rank: Int, found: Int)
    case slotNotEarlier(slot: Int, available: Int)
    case outOfRange(slot: Int, axis: Int, low: Int, high: Int, extent: Int)
}

package enum PieceFault: Hashable, Sendable {
    case beyondLimit(count: Int, limit: Int)
    case rank(rank: Int, found: Int)
    case outside(axis: Int, range: Range<Int>, extent: Int)
    case empty(axis: Int)
    case overlap(first: Int, second: Int)
    case gap(covered: Int, elements: Int)
}

package enum ValueFault: Hashable, Sendable {
    case noResults
    case extent(result: Int, axis: Int)
    case unknownResult(slot: Int, available: Int)
    case outsideTable(value: Int, count: Int)
    case definedTwice(value: Int)
    case neverDefined(value: Int)
    case notVisible(value: Int)
    case capturedTwice(value: Int)
}

package enum OperationFault: Hashable, Sendable {
    case constantCount(elements: Int, found: Int)
    case constantTooLarge(elements: Int, limit: Int)
    case constantDType(declared: DType, found: DType)
    case definitionType(declared: TensorType, found: TensorType)
    case externWithoutName
    /// The operands' number or types are not what the extern takes.
    case externOperands(name: String)
    case attributeWithoutValue(String)
    case attributesNotSorted(String, String)
    case loopWithoutEnd
    case signatureCount(SignatureRole, expected: Int, found: Int)
    case signatureType(SignatureRole, index: Int, expected: TensorType, found: TensorType)
    case unknownFunction(function: Int, count: Int)
    case regionsBeyondLimit(limit: Int)
}

/// Why a graph could not be interpreted; a verified graph still meets these through its inputs and constants.
package enum InterpretError: Explained, Equatable {
    case inputCount(expected: Int, found: Int)
    case inputType(index: Int, name: String, expected: TensorType, found: TensorType)
    case constantMissing(value: Int, Digest)
    case constantSize(value: Int, expectedBytes: Int, foundBytes: Int)
    case externUnsupported(value: Int?, name: String)
    case callsTooDeep(function: Int, limit: Int)
    case loopTooLong(value: Int?, limit: Int)
}
