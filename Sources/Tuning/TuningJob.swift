// A job as the coordinator takes it: imported models as graph texts, the pinned device and calibration, the toolchain,
// the search. No file and no weight is in it. Its identity leaves out what changes nothing about the results.

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
    package var name: String
    package var device: Device
    package var toolchain: Digest
    package var toolchainText: String
    /// Schedules measured per workload.
    package var candidates: Int
    package var models: [Model]

    package init(
        name: String, device: Device, toolchain: Digest, toolchainText: String, candidates: Int, models: [Model]
    ) {
        self.name = name
        self.device = device
        self.toolchain = toolchain
        self.toolchainText = toolchainText
        self.candidates = candidates
        self.models = models
    }

    /// Models, device, calibration, toolchain, search; not the name, not the priorities.
    package var identity: Digest {
        var out = RecordWriter(kind: "job")
        out.field("device", device.kind.digest)
        out.field("calibration", device.calibration.digest)
        out.field("toolchain", toolchain)
        out.field("candidates", candidates)
        for model in models { out.field("graph", model.graph.digest) }
        return Digest(of: out.text)
    }

    package var text: String {
        var out = RecordWriter(kind: "job")
        out.field("name", name)
        out.field("device", device.kind.text)
        out.field("calibration", device.calibration.text)
        out.field("toolchain", toolchain)
        out.field("toolchain_text", toolchainText)
        out.field("candidates", candidates)
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
            toolchain = try record.digest("toolchain")
            toolchainText = try record.string("toolchain_text")
            candidates = try record.integer("candidates")
            guard candidates > 0 else { throw TuningTextError.damaged("a job without candidates") }
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
