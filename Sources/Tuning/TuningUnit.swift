// The closed set of units of work and their texts. A unit is self-contained: a worker needs nothing but its body.
//
//     expand   workload, device, calibration, roots         ->  one ExpansionRow per root
//     trial    workload, 1…16 schedules, one toolchain      ->  per candidate: candidate, verdicts, reading or failure

import Basics
import DeviceModel
import FarmCore
import Roller
import Schedules
import TensorIR

package enum TuningUnit: Sendable, Hashable {
    case expand(ExpandUnit)
    case trial(TrialUnit)
}

package struct ExpandUnit: Sendable, Hashable {
    package var workload: Workload
    package var device: Device
    package var roots: [Root]
    package init(workload: Workload, device: Device, roots: [Root]) {
        self.workload = workload
        self.device = device
        self.roots = roots
    }
}

package struct TrialUnit: Sendable, Hashable {
    package struct Entry: Sendable, Hashable {
        package var schedule: Schedule
        package var predictedNs: Double
        package var lowerBoundNs: Double
    }
    package var workload: Workload
    package var device: Device
    package var toolchain: Digest
    package var toolchainText: String
    package var recipe: String
    package var entries: [Entry]
}

/// Most schedules of one trial: one translation unit.
package let trialSchedulesMax = 16

extension Root {
    /// `direct 6x64 search 2`: what construction finds under a root depends on its version.
    package var text: String { "\(algorithm.rawValue) \(microRows)x\(microColumns) search \(constructVersion)" }

    package init?(parsing text: String) {
        let words = text.split(separator: " ")
        guard words.count == 4, words[2] == "search", words[3] == "\(constructVersion)",
            let algorithm = Algorithm(rawValue: String(words[0]))
        else { return nil }
        let sizes = words[1].split(separator: "x").compactMap { Int($0) }
        guard sizes.count == 2, sizes.allSatisfy({ $0 > 0 }) else { return nil }
        self.init(algorithm: algorithm, microRows: sizes[0], microColumns: sizes[1])
    }
}

extension TuningUnit {
    package var text: String {
        switch self {
        case .expand(let unit):
            var out = RecordWriter(kind: "expand")
            out.field("workload", unit.workload.text)
            out.field("device", unit.device.kind.text)
            out.field("calibration", unit.device.calibration.text)
            for root in unit.roots { out.field("root", root.text) }
            return out.text
        case .trial(let unit):
            var out = RecordWriter(kind: "trial")
            out.field("workload", unit.workload.text)
            out.field("device", unit.device.kind.text)
            out.field("calibration", unit.device.calibration.text)
            out.field("toolchain", unit.toolchain)
            out.field("toolchain_text", unit.toolchainText)
            out.field("recipe", unit.recipe)
            for entry in unit.entries {
                out.field("schedule", entry.schedule.text)
                out.field("predicted_ns", entry.predictedNs)
                out.field("lower_bound_ns", entry.lowerBoundNs)
            }
            return out.text
        }
    }

    /// Parses what `text` prints.
    package init(parsing text: String) throws(TuningTextError) {
        do {
            var record = try RecordReader(text)
            let workload = try Workload(parsing: try record.string("workload"))
            try workload.verify()
            let device = Device(
                kind: try DeviceClass(parsing: try record.string("device")),
                calibration: try Calibration(parsing: try record.string("calibration")))
            switch record.kind {
            case "expand":
                var roots: [Root] = []
                while record.next != nil {
                    let text = try record.string("root")
                    guard let root = Root(parsing: text) else {
                        throw TuningTextError.damaged("'\(escaped(text, limit: 40))' is no root")
                    }
                    roots.append(root)
                }
                self = .expand(ExpandUnit(workload: workload, device: device, roots: roots))
            case "trial":
                var unit = TrialUnit(
                    workload: workload, device: device, toolchain: try record.digest("toolchain"),
                    toolchainText: try record.string("toolchain_text"), recipe: try record.string("recipe"),
                    entries: [])
                while record.next != nil {
                    unit.entries.append(
                        .init(
                            schedule: try Schedule(parsing: try record.string("schedule")),
                            predictedNs: try record.double("predicted_ns"),
                            lowerBoundNs: try record.double("lower_bound_ns")))
                }
                guard (1...trialSchedulesMax).contains(unit.entries.count) else {
                    throw TuningTextError.damaged("a trial holds 1 to \(trialSchedulesMax) schedules")
                }
                for entry in unit.entries { try entry.schedule.verify(for: workload) }
                self = .trial(unit)
            default: throw TuningTextError.wrongKind(record.kind)
            }
        } catch let error as any Explained {
            throw TuningTextError.wrapping(error)
        } catch {
            throw TuningTextError.damaged("\(error)")
        }
    }

    /// The unit as the farm moves it.
    package var workUnit: WorkUnit {
        let body = text
        switch self {
        case .expand:
            return WorkUnit(
                digest: Digest(of: body), slot: .cpu, capabilities: [], cost: .milliseconds(50), body: body)
        case .trial(let unit):
            return WorkUnit(
                digest: Digest(of: body), slot: .quietDevice, capabilities: ["cpu.\(unit.device.kind.isa.rawValue)"],
                cost: .milliseconds(Int64(200 + 100 * unit.entries.count)), body: body)
        }
    }
}
