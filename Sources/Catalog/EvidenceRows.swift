// Rows that explain readings without deciding anything: how the device stood during a burst, and what a compiler made
// of a candidate. Input: facts as workers sent them. Output: rows with their columns in order.

import Basics

/// The reference kernel's times at both ends of one quiet burst.
package struct DriftRow: Hashable, Sendable {
    package var deviceClass: Digest
    /// The process that measured; its bursts are numbered from 1.
    package var worker: String
    package var sequence: Int
    package var beforeNs: Double
    package var afterNs: Double
    /// Whether the host was otherwise quiet.
    package var valid: Bool

    package init(
        deviceClass: Digest, worker: String, sequence: Int, beforeNs: Double, afterNs: Double, valid: Bool
    ) {
        self.deviceClass = deviceClass
        self.worker = worker
        self.sequence = sequence
        self.beforeNs = beforeNs
        self.afterNs = afterNs
        self.valid = valid
    }
}

extension DriftRow: FactRow {
    package static let table = FactTable.drifts
    package static let columns: [Column] = [
        .digest("device_class"), .text("worker"), .integer("sequence"), .real("before_ns"), .real("after_ns"),
        .flag("valid"),
    ]
    package var fields: [Field] {
        [.digest(deviceClass), .text(worker), .integer(sequence), .real(beforeNs), .real(afterNs), .flag(valid)]
    }
    package init(_ reader: inout RowReader) throws(RowFlaw) {
        try self.init(
            deviceClass: reader.digest(), worker: reader.text(), sequence: reader.integer(), beforeNs: reader.real(),
            afterNs: reader.real(), valid: reader.flag()
        )
    }
}

/// Instructions in the object of one candidate, built alone as it is exported.
package struct ObjectCheckRow: Hashable, Sendable {
    package var candidate: Digest
    /// Fused multiply-adds on the widest registers of the instruction set.
    package var fullWidthFmas: Int
    /// Fused multiply-adds on narrower vectors.
    package var narrowFmas: Int
    /// Moves of vectors to and from the stack inside contraction blocks.
    package var blockSpills: Int

    package init(candidate: Digest, fullWidthFmas: Int, narrowFmas: Int, blockSpills: Int) {
        self.candidate = candidate
        self.fullWidthFmas = fullWidthFmas
        self.narrowFmas = narrowFmas
        self.blockSpills = blockSpills
    }
}

extension ObjectCheckRow: FactRow {
    package static let table = FactTable.objectChecks
    package static let columns: [Column] = [
        .digest("candidate"), .integer("full_width_fmas"), .integer("narrow_fmas"), .integer("block_spills"),
    ]
    package var fields: [Field] {
        [.digest(candidate), .integer(fullWidthFmas), .integer(narrowFmas), .integer(blockSpills)]
    }
    package init(_ reader: inout RowReader) throws(RowFlaw) {
        try self.init(
            candidate: reader.digest(), fullWidthFmas: reader.integer(), narrowFmas: reader.integer(),
            blockSpills: reader.integer()
        )
    }
}
