// Rows about whole programs, about trust (suspicions, voids) and for people (tags), and the winner that facts
// decide. Input: facts of the farm. Output: rows with their columns in order. A winner is no fact: it follows from
// the others.

import Basics

/// A whole model as one program, measured.
package struct ProgramRow: Hashable, Sendable {
    package var model: Digest
    /// Identity of the program text.
    package var digest: Digest
    package var text: String
    package var deviceClass: Digest
    package var recipe: String
    package var worker: String
    /// Median of a run.
    package var latencyNs: Double
    package var readingsNs: [Double]
    package var attempt: String

    package init(
        model: Digest, digest: Digest, text: String, deviceClass: Digest, recipe: String, worker: String,
        latencyNs: Double, readingsNs: [Double], attempt: String
    ) {
        self.model = model
        self.digest = digest
        self.text = text
        self.deviceClass = deviceClass
        self.recipe = recipe
        self.worker = worker
        self.latencyNs = latencyNs
        self.readingsNs = readingsNs
        self.attempt = attempt
    }
}

extension ProgramRow: FactRow {
    package static let table = FactTable.programs
    package static let columns: [Column] = [
        .digest("model"), .digest("digest"), .bigText("text"), .digest("device_class"), .text("recipe"),
        .text("worker"), .real("latency_ns"), .reals("readings_ns"), .text("attempt"),
    ]
    package var fields: [Field] {
        [
            .digest(model), .digest(digest), .text(text), .digest(deviceClass), .text(recipe), .text(worker),
            .real(latencyNs), .reals(readingsNs), .text(attempt),
        ]
    }
    package init(_ reader: inout RowReader) throws(RowFlaw) {
        try self.init(
            model: reader.digest(), digest: reader.digest(), text: reader.text(), deviceClass: reader.digest(),
            recipe: reader.text(), worker: reader.text(), latencyNs: reader.real(), readingsNs: reader.reals(),
            attempt: reader.text()
        )
    }
}

/// A worker died or vanished while it held this unit.
package struct SuspicionRow: Hashable, Sendable {
    package var unit: Digest
    package var worker: String
    package var reason: String
    package var attempt: String

    package init(unit: Digest, worker: String, reason: String, attempt: String) {
        self.unit = unit
        self.worker = worker
        self.reason = reason
        self.attempt = attempt
    }
}

extension SuspicionRow: FactRow {
    package static let table = FactTable.suspicions
    package static let columns: [Column] = [.digest("unit"), .text("worker"), .text("reason"), .text("attempt")]
    package var fields: [Field] {
        [.digest(unit), .text(worker), .text(reason), .text(attempt)]
    }
    package init(_ reader: inout RowReader) throws(RowFlaw) {
        try self.init(unit: reader.digest(), worker: reader.text(), reason: reader.text(), attempt: reader.text())
    }
}

/// Takes another row out of every decision without deleting it.
package struct VoidRow: Hashable, Sendable {
    /// Key of the row that no longer counts.
    package var target: Digest
    package var reason: String

    package init(target: Digest, reason: String) {
        self.target = target
        self.reason = reason
    }
}

extension VoidRow: FactRow {
    package static let table = FactTable.voids
    package static let columns: [Column] = [.digest("target"), .text("reason")]
    package var fields: [Field] {
        [.digest(target), .text(reason)]
    }
    package init(_ reader: inout RowReader) throws(RowFlaw) {
        try self.init(target: reader.digest(), reason: reader.text())
    }
}

/// A name that a person gave to a row, a model or a program.
package struct TagRow: Hashable, Sendable {
    package var name: String
    package var target: Digest
    package var note: String

    package init(name: String, target: Digest, note: String) {
        self.name = name
        self.target = target
        self.note = note
    }
}

extension TagRow: FactRow {
    package static let table = FactTable.tags
    package static let columns: [Column] = [.text("name"), .digest("target"), .text("note")]
    package var fields: [Field] {
        [.text(name), .digest(target), .text(note)]
    }
    package init(_ reader: inout RowReader) throws(RowFlaw) {
        try self.init(name: reader.text(), target: reader.digest(), note: reader.text())
    }
}

/// The decision for one key. A cache: recomputed from the facts at any time.
package struct WinnerRow: Hashable, Sendable {
    package var workload: Digest
    package var deviceClass: Digest
    package var recipe: String
    package var interface: String
    package var candidate: Digest
    /// Its least corrected time of a call.
    package var screenNs: Double
    /// Whether it stands on screening alone, without a final.
    package var provisional: Bool

    package init(
        workload: Digest, deviceClass: Digest, recipe: String, interface: String, candidate: Digest,
        screenNs: Double, provisional: Bool
    ) {
        self.workload = workload
        self.deviceClass = deviceClass
        self.recipe = recipe
        self.interface = interface
        self.candidate = candidate
        self.screenNs = screenNs
        self.provisional = provisional
    }
}

extension WinnerRow: StoredRow {
    package static let tableName = "winners"
    package static let columns: [Column] = [
        .digest("workload"), .digest("device_class"), .text("recipe"), .text("interface"), .digest("candidate"),
        .real("screen_ns"), .flag("provisional"),
    ]
    package var fields: [Field] {
        [
            .digest(workload), .digest(deviceClass), .text(recipe), .text(interface), .digest(candidate),
            .real(screenNs), .flag(provisional),
        ]
    }
    package init(_ reader: inout RowReader) throws(RowFlaw) {
        try self.init(
            workload: reader.digest(), deviceClass: reader.digest(), recipe: reader.text(),
            interface: reader.text(), candidate: reader.digest(), screenNs: reader.real(),
            provisional: reader.flag()
        )
    }
}
