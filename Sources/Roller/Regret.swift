// How good an order of candidates is, once all of them have been measured. Regret at k is what is lost by measuring
// only the first k: the best time among them over the best of all, less one. Beside it stands the regret that k
// candidates drawn at random have on average, worked out exactly, and the rank correlation of prediction and time.
//
// In:  predicted and measured times of the same candidates.  Out: shares; 0 is perfect, 0.05 is 5 % slower.

package struct Regret: Hashable, Sendable {
    /// Measured times, best predicted first.
    private let times: [Double]
    /// Measured times, best first.
    private let sorted: [Double]
    /// Spearman's coefficient, ties at their mean rank; `nil` when either side is all one value.
    package let rankCorrelation: Double?

    /// - Parameters:
    ///   - predicted: what orders the candidates; equal ones stay in the order given.
    ///   - measured: nanoseconds of the same candidates, positive.
    package init(predicted: [Double], measured: [Double]) {
        precondition(
            !measured.isEmpty && predicted.count == measured.count, "every candidate is predicted and measured")
        precondition(measured.allSatisfy { $0 > 0 }, "a time is positive")
        let order = predicted.indices.sorted { (predicted[$0], $0) < (predicted[$1], $1) }
        times = order.map { measured[$0] }
        sorted = measured.sorted()
        rankCorrelation = correlation(ranks(predicted), ranks(measured))
    }

    package var points: Int { times.count }
    package var bestNs: Double { sorted[0] }

    /// Regret of measuring the `k` best predicted.
    package func ofModel(_ k: Int) -> Double {
        precondition(k > 0, "at least one candidate is measured")
        return (times.prefix(k).min() ?? sorted[0]) / sorted[0] - 1
    }

    /// Mean regret over all ways to pick `k` candidates. The best of a pick is the i-th best of all with probability
    /// `C(n - i, k - 1) / C(n, k)`, i from 1; each probability follows from the one before.
    package func ofRandomOrder(_ k: Int) -> Double {
        precondition(k > 0, "at least one candidate is measured")
        let n = sorted.count
        guard k < n else { return 0 }
        var probability = Double(k) / Double(n)
        var expected = 0.0
        for i in 0...(n - k) {
            expected += probability * sorted[i]
            probability *= Double(n - k - i) / Double(max(n - 1 - i, 1))
        }
        return expected / sorted[0] - 1
    }
}

/// Ranks from 1; equal values share the mean of theirs.
private func ranks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
    var out = [Double](repeating: 0, count: values.count)
    var first = 0
    while first < order.count {
        var end = first + 1
        while end < order.count, values[order[end]] == values[order[first]] { end += 1 }
        let rank = Double(first + 1 + end) / 2
        for place in first..<end { out[order[place]] = rank }
        first = end
    }
    return out
}

/// Pearson's coefficient; `nil` when either side does not vary.
private func correlation(_ x: [Double], _ y: [Double]) -> Double? {
    let n = Double(x.count)
    let (meanX, meanY) = (x.reduce(0, +) / n, y.reduce(0, +) / n)
    var (xx, yy, xy) = (0.0, 0.0, 0.0)
    for (a, b) in zip(x, y) {
        xx += (a - meanX) * (a - meanX)
        yy += (b - meanY) * (b - meanY)
        xy += (a - meanX) * (b - meanY)
    }
    guard xx > 0, yy > 0 else { return nil }
    return xy / (xx * yy).squareRoot()
}
