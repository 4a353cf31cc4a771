// The figures of `bench`: samples of any number of bursts, rounds beside a peer, and how they are printed. Pure.

import Basics
import Runtime

struct Latency: Equatable {
    /// Least length of a sample.
    static let sampleNs = 1_000_000
    private static let burstNs = 1e9
    private static let samplesMax = 64
    private static let samplesMin = 3

    private(set) var samplesNs: [Double] = []
    /// Executions, warm-up included.
    private(set) var runs = 0

    /// Samples of a burst of about a second, when a call takes `callNs`.
    static func samples(callNs: Double) -> Int {
        let fitting = burstNs / max(callNs, Double(sampleNs))
        return max(samplesMin, Int(min(Double(samplesMax), fitting)))
    }

    mutating func add(_ reading: Reading) {
        samplesNs += reading.samplesNs
        runs += reading.calls
    }

    mutating func add(_ other: Latency) {
        samplesNs += other.samplesNs
        runs += other.runs
    }

    var leastNs: Double { samplesNs.min() ?? .nan }
    var medianNs: Double { median(samplesNs) }
}

/// Rounds in which both engines measured one after the other.
struct PeerRounds: Equatable {
    private(set) var rounds: [Round] = []

    struct Round: Equatable {
        var oursMs: Double
        var theirsMs: Double
    }

    mutating func add(oursMs: Double, theirsMs: Double) { rounds.append(Round(oursMs: oursMs, theirsMs: theirsMs)) }

    /// Median of ours / theirs; above 1 means slower than the peer.
    var ratio: Double { median(rounds.map { $0.oursMs / $0.theirsMs }) }
    var theirsLeastMs: Double { rounds.map(\.theirsMs).min() ?? .nan }
}

struct BenchReport: Equatable {
    var model: String
    var threads: Int
    var latency: Latency
    var limitNs: Double
    var rounds: PeerRounds?

    var text: String {
        var out =
            "\(model): min \(fixed(latency.leastNs / 1e6, 4)) ms, median \(fixed(latency.medianNs / 1e6, 4)) ms over "
            + "\(latency.runs) runs, limit \(fixed(limitNs / 1e6, 4)) ms"
        if let rounds {
            out += "\nONNX Runtime: min \(fixed(rounds.theirsLeastMs, 4)) ms over \(rounds.rounds.count) rounds"
            out += "\nratio \(fixed(rounds.ratio, 2)) (ironworks / ONNX Runtime)"
        }
        return out
    }

    var json: JSON {
        .object([
            ("schema", .string("ironworks.bench/1")), ("model", .string(model)), ("threads", .integer(threads)),
            ("runs", .integer(latency.runs)), ("min_ms", .number(latency.leastNs / 1e6)),
            ("median_ms", .number(latency.medianNs / 1e6)), ("limit_ms", .number(limitNs / 1e6)),
            ("rounds", rounds.map { .integer($0.rounds.count) }),
            ("onnx_runtime_min_ms", rounds.map { .number($0.theirsLeastMs) }),
            ("ratio", rounds.map { .number($0.ratio) }),
        ])
    }
}

/// The middle value, or the mean of the middle two.
func median(_ values: [Double]) -> Double {
    guard !values.isEmpty else { return .nan }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
