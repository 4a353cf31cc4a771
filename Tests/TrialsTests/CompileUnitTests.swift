// Candidates are shared out among translation units by family, and results of work done side by side keep their order.
// In: families and numbers.  Out: which unit holds which candidate.
// Families must stay together: they share the functions that cost most to compile.

import Testing

@testable import Trials

@Test func aFamilyStaysInOneTranslationUnit() {
    let families = [[6, 64], [14, 32], [6, 64], [9, 48], [14, 32], [6, 64], [6, 64], [9, 48]]
    let units = unitsOfFamilies(families, units: 2)
    #expect(units == [[0, 2, 5, 6], [1, 3, 4, 7]])
    let many = [[Int]](repeating: [8, 32], count: 8) + families
    #expect(unitsOfFamilies(many, units: 8).count == 4)
    #expect(unitsOfFamilies([], units: 2).isEmpty)
}

/// A unit of their own costs a few candidates more than their compilation.
@Test func fewCandidatesShareOneUnit() {
    let families = (0..<7).map { [$0, 64] }
    #expect(unitsOfFamilies(families, units: 8) == [[0, 1, 2, 3, 4, 5, 6]])
}

@Test func resultsComeInTheOrderOfTheirNumbers() {
    #expect(concurrently(100) { $0 * $0 } == (0..<100).map { $0 * $0 })
}
