// Rows about the search: expansions of the space, candidates, their readings, verdicts, failures and finals. Input:
// facts as workers sent them. Output: rows with their columns in order. Every row says all it needs to be judged
// alone (validity, correction, attempt), because rows are never edited afterwards.

import Basics

/// What one root of the search space of a workload yielded: the best schedules and why others were rejected.
package struct ExpansionRow: Hashable, Sendable {
    /// The unit of work that asked for it.
    package var unit: Digest
    package var workload: Digest
    package var calibration: Digest
    package var interface: String
    package var root: String
    /// The best schedules, best first.
    package var schedules: String
    /// One per schedule.
    package var predictedNs: [Double]
    /// One per schedule.
    package var lowerBoundNs: [Double]
    /// Reject reasons with their counts.
    package var rejects: String

    package init(
        unit: Digest, workload: Digest, calibration: Digest, interface: String, root: String, schedules: String,
        predictedNs: [Double], lowerBoundNs: [Double], rejects: String
    ) {
        self.unit = unit
        self.workload = workload
        self.calibration = calibration
        self.interface = interface
        self.root = root
        self.schedules = schedules
        self.predictedNs = predictedNs
        self.lowerBoundNs = lowerBoundNs
        self.rejects = rejects
    }
}

extension ExpansionRow: FactRow {
    package static let table = FactTable.expansions
    package static let columns: [Column] = [
        .digest("unit"), .digest("workload"), .digest("calibration"), .text("interface"), .text("root"),
        .text("schedules"), .reals("predicted_ns"), .reals("lower_bound_ns"), .text("rejects"),
    ]
    package var fields: [Field] {
        [
            .digest(unit), .digest(workload), .digest(calibration), .text(interface), .text(root),
            .text(schedules), .reals(predictedNs), .reals(lowerBoundNs), .text(rejects),
        ]
    }
    package init(_ reader: inout RowReader) throws(RowFlaw) {
        try self.init(
            unit: reader.digest(), workload: reader.digest(), calibration: reader.digest(),
            interface: reader.text(), root: reader.text(), schedules: reader.text(), predictedNs: reader.reals(),
            lowerBoundNs: reader.reals(), rejects: reader.text()
        )
    }
}

/// A schedule of a workload, built from a known source by a known toolchain. Two calibrations may predict
/// differently for one candidate: then it has two rows with one digest.
package struct CandidateRow: Hashable, Sendable {
    /// Identity: workload, schedule, source digest, toolchain.
    package var digest: Digest
    package var workload: Digest
    /// Layouts at the border: part of a winner's key.
    package var interface: String
    package var schedule: String
    /// Of the source text as it was compiled.
    package var sourceDigest: Digest
    package var toolchain: Digest
    /// Private memory of a lane.
    package var scratchBytes: Int
    package var predictedNs: Double
    package var lowerBoundNs: Double

    package init(
        digest: Digest, workload: Digest, interface: String, schedule: String, sourceDigest: Digest,
        toolchain: Digest, scratchBytes: Int, predictedNs: Double, lowerBoundNs: Double
    ) {
        self.digest = digest
        self.workload = workload
        self.interface = interface
        self.schedule = schedule
        self.sourceDigest = sourceDigest
        self.toolchain = toolchain
        self.scratchBytes = scratchBytes
        self.predictedNs = predictedNs
        self.lowerBoundNs = lowerBoundNs
    }
}

extension CandidateRow: FactRow {
    package static let table = FactTable.candidates
    package static let columns: [Column] = [
        .digest("digest"), .digest("workload"), .text("interface"), .text("schedule"), .digest("source_digest"),
        .digest("toolchain"), .integer("scratch_bytes"), .real("predicted_ns"), .real("lower_bound_ns"),
    ]
    package var fields: [Field] {
        [
            .digest(digest), .digest(workload), .text(interface), .text(schedule), .digest(sourceDigest),
            .digest(toolchain), .integer(scratchBytes), .real(predictedNs), .real(lowerBoundNs),
        ]
    }
    package init(_ reader: inout RowReader) throws(RowFlaw) {
        try self.init(
            digest: reader.digest(), workload: reader.digest(), interface: reader.text(), schedule: reader.text(),
            sourceDigest: reader.digest(), toolchain: reader.digest(), scratchBytes: reader.integer(),
            predictedNs: reader.real(), lowerBoundNs: reader.real()
        )
    }
}

/// One measurement of one candidate.
package struct ReadingRow: Hashable, Sendable {
    package var candidate: Digest
    package var deviceClass: Digest
    /// Lanes, state of the constants, precision, method version.
    package var recipe: String
    package var worker: String
    /// Time of a call, one per sample.
    package var samplesNs: [Double]
    package var lowerQuartileNs: Double
    package var medianNs: Double
    /// Calls in a sample.
    package var calls: Int
    /// What the reference says the device was off by, as a factor; 1 when it was as calibrated.
    package var correction: Double
    /// Whether the conditions held while it was taken.
    package var valid: Bool
    /// What was unusual, for instance `beside`.
    package var flags: String
    /// How often the candidate was run to get this row.
    package var executions: Int
    /// Nonce of the attempt: a row sent twice is one row.
    package var attempt: String

    package init(
        candidate: Digest, deviceClass: Digest, recipe: String, worker: String, samplesNs: [Double],
        lowerQuartileNs: Double, medianNs: Double, calls: Int, correction: Double, valid: Bool, flags: String,
        executions: Int, attempt: String
    ) {
        self.candidate = candidate
        self.deviceClass = deviceClass
        self.recipe = recipe
        self.worker = worker
        self.samplesNs = samplesNs
        self.lowerQuartileNs = lowerQuartileNs
        self.medianNs = medianNs
        self.calls = calls
        self.correction = correction
        self.valid = valid
        self.flags = flags
        self.executions = executions
        self.attempt = attempt
    }
}

extension ReadingRow: FactRow {
    package static let table = FactTable.readings
    package static let columns: [Column] = [
        .digest("candidate"), .digest("device_class"), .text("recipe"), .text("worker"), .reals("samples_ns"),
        .real("lower_quartile_ns"), .real("median_ns"), .integer("calls"), .real("correction"), .flag("valid"),
        .text("flags"), .integer("executions"), .text("attempt"),
    ]
    package var fields: [Field] {
        [
            .digest(candidate), .digest(deviceClass), .text(recipe), .text(worker), .reals(samplesNs),
            .real(lowerQuartileNs), .real(medianNs), .integer(calls), .real(correction), .flag(valid),
            .text(flags), .integer(executions), .text(attempt),
        ]
    }
    package init(_ reader: inout RowReader) throws(RowFlaw) {
        try self.init(
            candidate: reader.digest(), deviceClass: reader.digest(), recipe: reader.text(), worker: reader.text(),
            samplesNs: reader.reals(), lowerQuartileNs: reader.real(), medianNs: reader.real(),
            calls: reader.integer(), correction: reader.real(), valid: reader.flag(), flags: reader.text(),
            executions: reader.integer(), attempt: reader.text()
        )
    }
}

/// Whether a candidate computed the right values for one input.
package struct VerdictRow: Hashable, Sendable {
    package var candidate: Digest
    package var deviceClass: Digest
    package var inputClass: String
    package var seed: Int
    package var right: Bool
    /// Largest absolute error; infinite when a value was no number.
    package var maxError: Double
    package var tolerance: Double

    package init(
        candidate: Digest, deviceClass: Digest, inputClass: String, seed: Int, right: Bool, maxError: Double,
        tolerance: Double
    ) {
        self.candidate = candidate
        self.deviceClass = deviceClass
        self.inputClass = inputClass
        self.seed = seed
        self.right = right
        self.maxError = maxError.isNaN ? .infinity : maxError
        self.tolerance = tolerance
    }
}

extension VerdictRow: FactRow {
    package static let table = FactTable.verdicts
    package static let columns: [Column] = [
        .digest("candidate"), .digest("device_class"), .text("input_class"), .integer("seed"), .flag("is_right"),
        .real("max_error"), .real("tolerance"),
    ]
    package var fields: [Field] {
        [
            .digest(candidate), .digest(deviceClass), .text(inputClass), .integer(seed), .flag(right),
            .real(maxError), .real(tolerance),
        ]
    }
    package init(_ reader: inout RowReader) throws(RowFlaw) {
        try self.init(
            candidate: reader.digest(), deviceClass: reader.digest(), inputClass: reader.text(),
            seed: reader.integer(), right: reader.flag(), maxError: reader.real(), tolerance: reader.real()
        )
    }
}

/// Why a candidate has no reading: it did not compile, crashed, ran too long.
package struct FailureRow: Hashable, Sendable {
    package var candidate: Digest
    package var deviceClass: Digest
    package var kind: String
    package var reason: String
    package var attempt: String

    package init(candidate: Digest, deviceClass: Digest, kind: String, reason: String, attempt: String) {
        self.candidate = candidate
        self.deviceClass = deviceClass
        self.kind = kind
        self.reason = reason
        self.attempt = attempt
    }
}

extension FailureRow: FactRow {
    package static let table = FactTable.failures
    package static let columns: [Column] = [
        .digest("candidate"), .digest("device_class"), .text("kind"), .text("reason"), .text("attempt"),
    ]
    package var fields: [Field] {
        [.digest(candidate), .digest(deviceClass), .text(kind), .text(reason), .text(attempt)]
    }
    package init(_ reader: inout RowReader) throws(RowFlaw) {
        try self.init(
            candidate: reader.digest(), deviceClass: reader.digest(), kind: reader.text(), reason: reader.text(),
            attempt: reader.text()
        )
    }
}

/// Several candidates of one key against each other, in one process on one device.
package struct FinalRow: Hashable, Sendable {
    package var workload: Digest
    package var deviceClass: Digest
    package var recipe: String
    package var interface: String
    package var worker: String
    /// The candidates' digests, a line each, in the order of the columns of a round.
    package var contestants: String
    /// A line per round: the time of a call of each contestant in nanoseconds, separated by spaces.
    package var rounds: String
    package var valid: Bool
    package var attempt: String

    package init(
        workload: Digest, deviceClass: Digest, recipe: String, interface: String, worker: String,
        contestants: String, rounds: String, valid: Bool, attempt: String
    ) {
        self.workload = workload
        self.deviceClass = deviceClass
        self.recipe = recipe
        self.interface = interface
        self.worker = worker
        self.contestants = contestants
        self.rounds = rounds
        self.valid = valid
        self.attempt = attempt
    }
}

extension FinalRow: FactRow {
    package static let table = FactTable.finals
    package static let columns: [Column] = [
        .digest("workload"), .digest("device_class"), .text("recipe"), .text("interface"), .text("worker"),
        .text("contestants"), .text("rounds"), .flag("valid"), .text("attempt"),
    ]
    package var fields: [Field] {
        [
            .digest(workload), .digest(deviceClass), .text(recipe), .text(interface), .text(worker),
            .text(contestants), .text(rounds), .flag(valid), .text(attempt),
        ]
    }
    package init(_ reader: inout RowReader) throws(RowFlaw) {
        try self.init(
            workload: reader.digest(), deviceClass: reader.digest(), recipe: reader.text(),
            interface: reader.text(), worker: reader.text(), contestants: reader.text(), rounds: reader.text(),
            valid: reader.flag(), attempt: reader.text()
        )
    }
}
