// Einsum: the grammar of its equation, and products with diagonals, sums, ellipses and more than two operands.

import TensorIR
import Testing

@testable import ONNXImport

private func einsum(_ equation: String, _ operands: [TensorValue]) throws -> TensorValue {
    try evaluate("Einsum", operands, [attribute("equation", equation)])[0]
}

private let a = counting([2, 3])
private let b = counting([3, 2])
private let square = counting([2, 2])

@Test func equationsNameAxes() throws {
    let explicit = try EinsumEquation("ab...c , c -> ...a", ranks: [5, 1])
    #expect(explicit.operands == [[97, 98, -2, -1, 99], [99]] && explicit.result == [-2, -1, 97])
    let implicit = try EinsumEquation("ba,...aC", ranks: [2, 4])
    #expect(implicit.result == [-2, -1, 67, 98])
    #expect(throws: NodeProblem.attribute("equation", reason: "has 1 terms for 2 operands")) {
        try EinsumEquation("ab->a", ranks: [2, 2])
    }
    #expect(throws: NodeProblem.misfit("a term of 2 letters for 3 axes")) { try EinsumEquation("ab", ranks: [3]) }
    #expect(throws: NodeProblem.attribute("equation", reason: "has a . that is no ellipsis")) {
        try EinsumEquation("a..b", ranks: [3])
    }
    #expect(throws: NodeProblem.self) { try EinsumEquation("ab->c", ranks: [2]) }
    #expect(throws: NodeProblem.self) { try EinsumEquation("a1", ranks: [2]) }
}

@Test func sumsOfProducts() throws {
    let product = floats([2, 2], [10, 13, 28, 40])
    #expect(try einsum("ij,jk->ik", [a, b]) == product)
    #expect(try einsum("ij,jk", [a, b]) == product)
    #expect(try einsum("ij->ji", [a]) == floats([3, 2], [0, 3, 1, 4, 2, 5]))
    #expect(try einsum("ij->", [a]) == floats([], [15]))
    #expect(try einsum("ij,ij->i", [a, a]) == floats([2], [5, 50]))
    #expect(try einsum("ij,jk,kl->il", [a, b, square]) == floats([2, 2], [26, 49, 80, 148]))
    #expect(try einsum("i,i", [vector(1, 2), vector(3, 4)]) == integers([], [11]))
}

@Test func repeatedLettersAreDiagonals() throws {
    #expect(try einsum("ii->i", [square]) == floats([2], [0, 3]))
    #expect(try einsum("ii", [square]) == floats([], [3]))
    #expect(try einsum("...ii->...", [counting([2, 2, 2])]) == floats([2], [3, 11]))
}

@Test func ellipsesBroadcast() throws {
    let stack = counting([2, 1, 2])
    #expect(try einsum("...ij,...j->...i", [stack, floats([2], [1, 10])]) == floats([2, 1], [10, 32]))
    #expect(try einsum("b...->...b", [a]) == floats([3, 2], [0, 3, 1, 4, 2, 5]))
}

@Test func narrowFloatsAreSummedWide() throws {
    let ones = floats([4096], [Double](repeating: 1, count: 4096), .f16)
    #expect(try einsum("i,i->", [ones, ones]) == floats([], [4096], .f16))
}
