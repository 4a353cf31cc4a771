// A job as the coordinator takes it: imported models as graph texts, the pinned device and calibration, the toolchains
// in order, the search. No file and no weight is in it. Its identity leaves out what changes nothing about the results.

import Basics
import DeviceModel
import TensorIR

package struct TuningJob: Sendable, Hashable {
    package struct Model: Sendable, Hashable {
        package var name: String
        package var priority: Double
        package var graph: Graph
        package init(name: String, priority: Double, graph: Graph) {
            self.name = name
            self.priority = priority
            self.graph = graph
        }
    }
    package struct Toolchain: Sendable, Hashable {
        package var digest: Digest
        package var text: String
        package init(digest: Digest, text: String) {
            self.digest = digest
            self.text = text
        }
    }
    package var name: String
    package var device: Device
    /// The first compiles every candidate, the others the best of them; not empty.
    package var toolchains: [Toolchain]
    /// Schedules measured per workload and interface.
    package var candidates: Int
    /// Whether Winograd's algorithm may be chosen.
    package var winograd: Bool
    package var models: [Model]

    package init(
        name: String, device: Device, toolchains: [Toolchain], candidates: Int, winograd: Bool = true, models: [Model]
    ) {
        precondition(!toolchains.isEmpty, "a job has a compiler")
        self.name = name
        self.device = device
        self.toolchains = toolchains
        self.candidates = candidates
        self.winograd = winograd
        self.models = models
    }

    /// Models, device, calibration, toolchains, search; not the name, not the priorities.
    package var identity: Digest {
        var out = RecordWriter(kind: "job")
        out.field("device", device.kind.digest)
        out.field("calibration", device.calibration.digest)
        for toolchain in toolchains { out.field("toolchain", toolchain.digest) }
        out.field("candidates", candidates)
        out.field("winograd", winograd ? 1 : 0)
        for model in models { out.field("graph", model.graph.digest) }
        return Digest(of: out.text)
    }

    package var text: String {
        var out = RecordWriter(kind: "job")
        out.field("name", name)
        out.field("device", device.kind.text)
        out.field("calibration", device.calibration.text)
        for toolchain in toolchains {
            out.field("toolchain", toolchain.digest)
            out.field("toolchain_text", toolchain.text)
        }
        out.field("candidates", candidates)
        out.field("winograd", winograd ? 1 : 0)
        for model in models {
            out.field("model", model.name)
            out.field("priority", model.priority)
            out.field("graph", model.graph.text)
        }
        return out.text
    }

    /// Parses what `text` prints.
    package init(parsing text: String) throws(TuningTextError) {
        do {
            var record = try RecordReader(text)
            guard record.kind == "job" else { throw TuningTextError.wrongKind(record.kind) }
            name = try record.string("name")
            device = Device(
                kind: try DeviceClass(parsing: try record.string("device")),
                calibration: try Calibration(parsing: try record.string("calibration")))
            toolchains = []
            while record.next == "toolchain" {
                toolchains.append(
                    Toolchain(
                        digest: try record.digest("toolchain"), text: try record.string("toolchain_text")))
            }
            guard !toolchains.isEmpty else { throw TuningTextError.damaged("a job without a compiler") }
            guard Set(toolchains.map(\.digest)).count == toolchains.count else {
                throw TuningTextError.damaged("a job with one compiler twice")
            }
            candidates = try record.integer("candidates")
            guard candidates > 0 else { throw TuningTextError.damaged("a job without candidates") }
            winograd = try record.integer("winograd") != 0
            models = []
            while record.next != nil {
                models.append(
                    Model(
                        name: try record.string("model"), priority: try record.double("priority"),
                        graph: try Graph(parsing: try record.string("graph"))))
            }
        } catch let error as any Explained {
            throw TuningTextError.wrapping(error)
        } catch {
            throw TuningTextError.damaged("\(error)")
        }
    }
}

extension Graph {
    package var digest: Digest { Digest(of: text) }
}

/// A job or unit text that does not parse.
package enum TuningTextError: Explained, Equatable {
    case wrongKind(String)
    case damaged(String)

    static func wrapping(_ error: any Explained) -> TuningTextError {
        if let own = error as? TuningTextError { return own }
        return .damaged(error.sentence)
    }

    package var sentence: String {
        switch self {
        case .wrongKind(let kind): "a record of kind '\(escaped(kind, limit: 40))' where another was expected"
        case .damaged(let message): message
        }
    }
}
