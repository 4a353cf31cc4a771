// Rows about what was asked for and on what: jobs, models, workloads, devices, calibrations, toolchains. Input:
// texts that other modules print, with the digests they computed. Output: rows with their columns in order. The
// texts mean nothing here: a catalog keeps what the compilers and the farm say, and neither is imported.

import Basics

/// A job file as it was accepted; models, bindings, targets and search make its digest, the budget does not.
package struct JobRow: Hashable, Sendable {
    /// Identity of the job.
    package var digest: Digest
    package var name: String
    /// The job file.
    package var text: String

    package init(digest: Digest, name: String, text: String) {
        self.digest = digest
        self.name = name
        self.text = text
    }
}

extension JobRow: FactRow {
    package static let table = FactTable.jobs
    package static let columns: [Column] = [.digest("digest"), .text("name"), .text("text")]
    package var fields: [Field] {
        [.digest(digest), .text(name), .text(text)]
    }
    package init(_ reader: inout RowReader) throws(RowFlaw) {
        try self.init(digest: reader.digest(), name: reader.text(), text: reader.text())
    }
}

/// A model that was imported. The same graph under two names is two rows.
package struct ModelRow: Hashable, Sendable {
    /// Identity of the graph.
    package var digest: Digest
    package var name: String
    /// The graph; weights appear as digests.
    package var graphText: String

    package init(digest: Digest, name: String, graphText: String) {
        self.digest = digest
        self.name = name
        self.graphText = graphText
    }
}

extension ModelRow: FactRow {
    package static let table = FactTable.models
    package static let columns: [Column] = [.digest("digest"), .text("name"), .bigText("graph_text")]
    package var fields: [Field] {
        [.digest(digest), .text(name), .text(graphText)]
    }
    package init(_ reader: inout RowReader) throws(RowFlaw) {
        try self.init(digest: reader.digest(), name: reader.text(), graphText: reader.text())
    }
}

/// What to compute: canonical, free of layouts and weights.
package struct WorkloadRow: Hashable, Sendable {
    /// Identity of the workload, computed by whoever owns its grammar.
    package var digest: Digest
    package var text: String

    package init(digest: Digest, text: String) {
        self.digest = digest
        self.text = text
    }
}

extension WorkloadRow: FactRow {
    package static let table = FactTable.workloads
    package static let columns: [Column] = [.digest("digest"), .text("text")]
    package var fields: [Field] {
        [.digest(digest), .text(text)]
    }
    package init(_ reader: inout RowReader) throws(RowFlaw) {
        try self.init(digest: reader.digest(), text: reader.text())
    }
}

/// How often a model calls a workload, and where.
package struct ModelWorkloadRow: Hashable, Sendable {
    package var model: Digest
    package var workload: Digest
    /// The welds of the model that are this workload.
    package var weldIndexes: String
    /// Calls in one run of the model.
    package var calls: Int

    package init(model: Digest, workload: Digest, weldIndexes: String, calls: Int) {
        self.model = model
        self.workload = workload
        self.weldIndexes = weldIndexes
        self.calls = calls
    }
}

extension ModelWorkloadRow: FactRow {
    package static let table = FactTable.modelWorkloads
    package static let columns: [Column] = [
        .digest("model"), .digest("workload"), .text("weld_indexes"), .integer("calls"),
    ]
    package var fields: [Field] {
        [.digest(model), .digest(workload), .text(weldIndexes), .integer(calls)]
    }
    package init(_ reader: inout RowReader) throws(RowFlaw) {
        try self.init(
            model: reader.digest(), workload: reader.digest(), weldIndexes: reader.text(), calls: reader.integer()
        )
    }
}

/// What makes two devices interchangeable: flags, model, cache geometry.
package struct DeviceClassRow: Hashable, Sendable {
    package var digest: Digest
    package var text: String

    package init(digest: Digest, text: String) {
        self.digest = digest
        self.text = text
    }
}

extension DeviceClassRow: FactRow {
    package static let table = FactTable.deviceClasses
    package static let columns: [Column] = [.digest("digest"), .text("text")]
    package var fields: [Field] {
        [.digest(digest), .text(text)]
    }
    package init(_ reader: inout RowReader) throws(RowFlaw) {
        try self.init(digest: reader.digest(), text: reader.text())
    }
}

/// One device of a class, on one host.
package struct DeviceRow: Hashable, Sendable {
    package var digest: Digest
    package var deviceClass: Digest
    package var text: String

    package init(digest: Digest, deviceClass: Digest, text: String) {
        self.digest = digest
        self.deviceClass = deviceClass
        self.text = text
    }
}

extension DeviceRow: FactRow {
    package static let table = FactTable.devices
    package static let columns: [Column] = [.digest("digest"), .digest("device_class"), .text("text")]
    package var fields: [Field] {
        [.digest(digest), .digest(deviceClass), .text(text)]
    }
    package init(_ reader: inout RowReader) throws(RowFlaw) {
        try self.init(digest: reader.digest(), deviceClass: reader.digest(), text: reader.text())
    }
}

/// Measured bandwidths, rates and costs of a device class.
package struct CalibrationRow: Hashable, Sendable {
    package var digest: Digest
    package var deviceClass: Digest
    package var text: String

    package init(digest: Digest, deviceClass: Digest, text: String) {
        self.digest = digest
        self.deviceClass = deviceClass
        self.text = text
    }
}

extension CalibrationRow: FactRow {
    package static let table = FactTable.calibrations
    package static let columns: [Column] = [.digest("digest"), .digest("device_class"), .text("text")]
    package var fields: [Field] {
        [.digest(digest), .digest(deviceClass), .text(text)]
    }
    package init(_ reader: inout RowReader) throws(RowFlaw) {
        try self.init(digest: reader.digest(), deviceClass: reader.digest(), text: reader.text())
    }
}

/// A compiler with its flags, named by what it makes of a fixed probe file.
package struct ToolchainRow: Hashable, Sendable {
    package var digest: Digest
    package var text: String

    package init(digest: Digest, text: String) {
        self.digest = digest
        self.text = text
    }
}

extension ToolchainRow: FactRow {
    package static let table = FactTable.toolchains
    package static let columns: [Column] = [.digest("digest"), .text("text")]
    package var fields: [Field] {
        [.digest(digest), .text(text)]
    }
    package init(_ reader: inout RowReader) throws(RowFlaw) {
        try self.init(digest: reader.digest(), text: reader.text())
    }
}
