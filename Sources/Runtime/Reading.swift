// What a measurement yields: a reading with all its samples, or a failure with its facts.
// Both are values that become catalog rows; a failed candidate is a normal result of a search.
// Statistics are computed from the samples here, in one place, so that every consumer means the same quartile.

import Basics

/// Times of one candidate, in nanoseconds per call.
package struct Reading: Sendable, Equatable {
    package var samplesNs: [Double]
    /// Executions that this reading cost, warm-up included.
    package var calls: Int
    /// Within the samples that are kept; not 0 only if no undisturbed sample could be had.
    package var involuntarySwitches: Int
    /// Samples thrown away because of involuntary switches.
    package var dropped: Int
    /// Slower than the cutoff: stopped early, fewer samples.
    package var cut: Bool
    /// Something else may have run on the host meanwhile.
    package var beside: Bool

    package init(
        samplesNs: [Double], calls: Int, involuntarySwitches: Int = 0, dropped: Int = 0, cut: Bool = false,
        beside: Bool = false
    ) {
        precondition(!samplesNs.isEmpty, "a reading has a sample")
        self.samplesNs = samplesNs
        self.calls = calls
        self.involuntarySwitches = involuntarySwitches
        self.dropped = dropped
        self.cut = cut
        self.beside = beside
    }

    package var medianNs: Double { quantile(0.5) }
    package var lowerQuartileNs: Double { quantile(0.25) }
    package var leastNs: Double { quantile(0) }

    /// Nothing else ran on the host or on the measuring processor: the reading counts.
    package var undisturbed: Bool { !beside && involuntarySwitches == 0 }

    /// Linear interpolation between order statistics.
    package func quantile(_ share: Double) -> Double {
        let sorted = samplesNs.sorted()
        let place = share * Double(sorted.count - 1)
        let low = Int(place)
        let high = min(low + 1, sorted.count - 1)
        return sorted[low] + (sorted[high] - sorted[low]) * (place - Double(low))
    }
}

/// Why there is no reading or no output. An `Error` only so that it can stand in a `Result`.
package enum MeasureFailure: Error, Sendable, Equatable {
    case crashed(signal: Int32)
    case timedOut(ms: Int)
    /// The object was not run at all: it has constructors, lacks a symbol, exceeds a limit. Foreign text inside.
    case refused(reason: String)
    /// A byte outside every buffer was written; `offset` counts from the start of operand `operand` (operands first,
    /// then the scratch of each kernel).
    case wroteRedZone(operand: Int, offset: Int)
    /// A constant or an input was changed.
    case wroteInput(operand: Int)
    case programFailed(step: ProgramStep, status: Int32)
    /// The child has no memory for this request.
    case outOfMemory
    /// The child answered with something that is no answer.
    case confused
    /// No child could be started; not the candidate's fault.
    case unavailable(reason: String)
    /// The table holds nothing for this candidate; not the candidate's fault.
    case noRecord

    package enum ProgramStep: String, Sendable, Equatable { case create, run }

    /// A stable word for catalogs and counts.
    package var kind: String {
        switch self {
        case .crashed: return "crashed"
        case .timedOut: return "timed_out"
        case .refused: return "refused"
        case .wroteRedZone: return "wrote_red_zone"
        case .wroteInput: return "wrote_input"
        case .programFailed: return "program_failed"
        case .outOfMemory: return "out_of_memory"
        case .confused: return "confused"
        case .unavailable: return "unavailable"
        case .noRecord: return "no_record"
        }
    }

    /// Whether the candidate, and not this machine, is to blame.
    package var blamesCandidate: Bool {
        switch self {
        case .crashed, .timedOut, .refused, .wroteRedZone, .wroteInput, .programFailed, .confused: return true
        case .outOfMemory, .unavailable, .noRecord: return false
        }
    }

    /// For people; foreign text is escaped.
    package var sentence: String {
        switch self {
        case .crashed(let signal): return "crashed with signal \(signal)"
        case .timedOut(let ms): return "did not end within \(ms) ms"
        case .refused(let reason): return "refused: \(escaped(reason))"
        case .wroteRedZone(let operand, let offset): return "wrote outside operand \(operand), at byte \(offset)"
        case .wroteInput(let operand): return "changed operand \(operand), which it may only read"
        case .programFailed(let step, let status): return "\(step.rawValue) returned \(status)"
        case .outOfMemory: return "not enough memory for its buffers"
        case .confused: return "answered with something that is no answer"
        case .unavailable(let reason): return "the measuring child cannot run: \(escaped(reason))"
        case .noRecord: return "no recorded measurement"
        }
    }
}
