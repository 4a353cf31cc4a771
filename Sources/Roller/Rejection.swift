// Infeasible is an answer: every tile that construction leaves aside says why, with the numbers that decided.

import Schedules

package enum Rejection: Hashable, Sendable {
    /// The register tile needs more vector registers than there are.
    case registers(needed: Int, available: Int)
    /// Too few independent accumulators to cover the FMA latency.
    case accumulators(count: Int, needed: Int)
    /// A4: padding an axis to its tile wastes more than the rung of the ladder allows.
    case padding(extent: Int, tile: Int, wastePercent: Int)
    /// The task's tile does not fit the usable part of a cache.
    case capacity(level: String, neededBytes: Int, usableBytes: Int)
    /// Tasks do not divide well among the lanes.
    case grain(tasks: Int, lanes: Int)
    /// A task's columns would cut a line of the inner column axes.
    case line(columns: Int, line: Int)

    /// The word under which rejections are counted.
    package var kind: String {
        switch self {
        case .registers: "registers"
        case .accumulators: "accumulators"
        case .padding: "padding"
        case .capacity: "capacity"
        case .grain: "grain"
        case .line: "line"
        }
    }

    package var sentence: String {
        switch self {
        case .registers(let needed, let available):
            "needs \(needed) vector registers, the device has \(available)"
        case .accumulators(let count, let needed):
            "\(count) accumulators cannot hide the FMA latency, at least \(needed) can"
        case .padding(let extent, let tile, let waste): "extent \(extent) in tiles of \(tile) wastes \(waste) %"
        case .capacity(let level, let needed, let usable):
            "needs \(needed) bytes in \(level), \(usable) are usable"
        case .grain(let tasks, let lanes): "\(tasks) tasks do not divide well among \(lanes) lanes"
        case .line(let columns, let line): "\(columns) columns cut lines of \(line)"
        }
    }
}

/// An answer with its reason.
package enum Feasible<Value: Sendable>: Sendable {
    case fits(Value)
    case rejected(Rejection)
}

/// Candidates best first, and what was left aside: one count and one example per kind of reason, sorted by kind.
package struct Ranked<Element: Hashable & Sendable>: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        package var value: Element
        package var prediction: Prediction
        package init(value: Element, prediction: Prediction) {
            self.value = value
            self.prediction = prediction
        }
    }
    package struct Left: Hashable, Sendable {
        package var kind: String
        package var count: Int
        package var example: Rejection
    }
    package var entries: [Entry]
    package var rejections: [Left]
    package init(entries: [Entry], rejections: [Left]) {
        self.entries = entries
        self.rejections = rejections
    }
}

/// Counts rejections by kind and keeps the first example of each.
struct RejectionCounts {
    private var counts: [String: (count: Int, example: Rejection)] = [:]

    mutating func add(_ rejection: Rejection) {
        counts[rejection.kind, default: (0, rejection)].count += 1
    }

    var sorted: [Ranked<Schedule>.Left] {
        counts.sorted { $0.key < $1.key }.map { .init(kind: $0.key, count: $0.value.count, example: $0.value.example) }
    }
}
