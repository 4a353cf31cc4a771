// Phases of one source that differ in numbers alone share a driver; everything else stays as it was printed.

import Testing

@testable import Emit

private func phase(_ symbol: String, _ body: String, tiles: Bool = true) -> PrintedPhase {
    PrintedPhase(
        symbol: symbol, lines: ["void \(symbol)(\(phaseParameters)) {", "  \(body)", "}"], isLoopsAroundTiles: tiles)
}

@Test func phasesThatDifferInNumbersShareADriver() {
    let text = sharingDrivers([
        phase("c0_0", "for (int64_t v0 = 0; v0 < 14; ++v0) iw_block_t0(b1 + v0 * 16, 8);"),
        phase("c1_0", "for (int64_t v0 = 0; v0 < 28; ++v0) iw_block_t0(b1 + v0 * 16, 4);"),
    ]).joined(separator: "\n")
    #expect(text.contains("for (int64_t v0 = 0; v0 < n0; ++v0) iw_block_t0(b1 + v0 * 16, n1);"))
    #expect(text.contains("int64_t n0, int64_t n1) {"))
    #expect(text.contains("iw_driver_0(operands, first, last, scratch, 14, 8);"))
    #expect(text.contains("iw_driver_0(operands, first, last, scratch, 28, 4);"))
    #expect(text.components("iw_block_t0") == 1)
}

@Test func namesAndOtherNumbersAreNoParameters() {
    let text = sharingDrivers([phase("c0_0", "iw_block_t0(x1, 0x10, 1.5f);"), phase("c1_0", "iw_block_t1(x1, 2);")])
    #expect(!text.contains { $0.contains("iw_driver") })
}

@Test func phasesOfEqualTextShareADriverWithoutParameters() {
    let text = sharingDrivers([phase("c0_0", "iw_block_t0(b1, 2);"), phase("c1_0", "iw_block_t0(b1, 2);")])
    #expect(text.filter { $0.contains("iw_driver_0(operands, first, last, scratch);") }.count == 2)
}

@Test func arithmeticKeepsItsLiterals() {
    let phases = [phase("c0_0", "b0[v0] = 2;", tiles: false), phase("c1_0", "b0[v0] = 3;", tiles: false)]
    #expect(sharingDrivers(phases) == phases.flatMap { [""] + $0.lines })
}

extension String {
    fileprivate func components(_ word: String) -> Int {
        split(separator: word, omittingEmptySubsequences: false).count - 1
    }
}
