// Candidates are shared out among translation units by family, and results of work done side by side keep their order.
// In: families and numbers.  Out: which unit holds which candidate.
// Families must stay together: they share the functions that cost most to compile.

import Testing

@testable import Trials

@Test func aFamilyStaysInOneTranslationUnit() {
    let families = [[6, 64], [14, 32], [6, 64], [9, 48], [14, 32], [6, 64]]
    let units = unitsOfFamilies(families, units: 2)
    #expect(units == [[0, 2, 5], [1, 3, 4]])
    #expect(unitsOfFamilies(families, units: 8).count == 3)
    #expect(unitsOfFamilies([], units: 2).isEmpty)
}

@Test func resultsComeInTheOrderOfTheirNumbers() {
    #expect(concurrently(100) { $0 * $0 } == (0..<100).map { $0 * $0 })
}
