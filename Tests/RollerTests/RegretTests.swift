// Regret against cases small enough to count by hand: every pick of k candidates written out.

import Testing

@testable import Roller

@Suite struct RegretTests {
    /// Predicted best first: 30, 10, 20, 40.
    private let four = Regret(predicted: [2, 1, 4, 3], measured: [10, 30, 40, 20])

    @Test func theFirstKAreComparedWithTheBestOfAll() {
        #expect(four.points == 4 && four.bestNs == 10)
        #expect(four.ofModel(1) == 2)
        #expect(four.ofModel(2) == 0)
        #expect(four.ofModel(4) == 0)
        // more than there are: all
        #expect(four.ofModel(50) == 0)
    }

    @Test func aRandomPickIsTheMeanOverAllPicks() {
        // one of four: (10 + 20 + 30 + 40) / 4 = 25
        #expect(abs(four.ofRandomOrder(1) - 1.5) < 1e-12)
        // six pairs: 10 three times, 20 twice, 30 once: 100 / 6
        #expect(abs(four.ofRandomOrder(2) - (100.0 / 60 - 1)) < 1e-12)
        // four triples: 10 three times, 20 once: 50 / 4
        #expect(abs(four.ofRandomOrder(3) - 0.25) < 1e-12)
        #expect(four.ofRandomOrder(4) == 0)
        #expect(four.ofRandomOrder(99) == 0)
    }

    @Test func everyPickOfALargerSetIsCounted() {
        let times = [7.0, 3, 11, 5, 13, 3, 17]
        let regret = Regret(predicted: times, measured: times)
        for k in 1...times.count {
            var total = 0.0
            var picks = 0
            for mask in 1..<(1 << times.count) where mask.nonzeroBitCount == k {
                total += times.indices.filter { mask >> $0 & 1 == 1 }.map { times[$0] }.min() ?? 0
                picks += 1
            }
            #expect(abs(regret.ofRandomOrder(k) - (total / Double(picks) / 3 - 1)) < 1e-12)
        }
    }

    @Test func largeSpacesStayFinite() {
        let times = (1...20_000).map(Double.init)
        let regret = Regret(predicted: times, measured: times)
        // the least of k out of 1 ... n is (n + 1) / (k + 1) on average
        #expect(abs(regret.ofRandomOrder(10) - (20_001.0 / 11 - 1)) < 1e-6)
        #expect(abs(regret.ofRandomOrder(19_999) - 1.0 / 20_000) < 1e-9)
    }

    @Test func equalPredictionsStayInOrder() {
        let regret = Regret(predicted: [1, 1, 1], measured: [3, 2, 1])
        #expect(regret.ofModel(1) == 2)
        #expect(regret.ofModel(2) == 1)
    }

    @Test func ranksCorrelateWhateverTheScale() throws {
        let rising = Regret(predicted: [1, 2, 3, 4], measured: [10, 100, 1_000, 10_000])
        #expect(abs(try #require(rising.rankCorrelation) - 1) < 1e-12)
        let falling = Regret(predicted: [4, 3, 2, 1], measured: [10, 100, 1_000, 10_000])
        #expect(abs(try #require(falling.rankCorrelation) + 1) < 1e-12)
        // d² = 1 + 1: 1 - 6·2 / (4·15)
        let swapped = Regret(predicted: [2, 1, 3, 4], measured: [10, 20, 30, 40])
        #expect(abs(try #require(swapped.rankCorrelation) - 0.8) < 1e-12)
        // ranks 1.5 1.5 3 and 1 2 3: 1.5 / √(1.5 · 2)
        let tied = Regret(predicted: [5, 5, 6], measured: [1, 2, 3])
        #expect(abs(try #require(tied.rankCorrelation) - 0.75.squareRoot()) < 1e-12)
        #expect(Regret(predicted: [1, 1], measured: [1, 2]).rankCorrelation == nil)
        #expect(Regret(predicted: [1], measured: [1]).rankCorrelation == nil)
    }
}
