// The texts of units: records that hold the texts of their parts. A parsed unit is checked as a whole, because what
// arrives over a network may be anything.

import Basics
import DeviceModel
import Roller
import Schedules
import TensorIR

extension TuningUnit {
    package var text: String {
        switch self {
        case .expand(let unit):
            var out = head("expand", unit.workload, unit.device)
            out.field("interface", unit.interface.text)
            for root in unit.roots { out.field("root", root.text) }
            return out.text
        case .trial(let unit):
            var out = head("trial", unit.workload, unit.device)
            out.field("toolchain", unit.toolchain)
            out.field("toolchain_text", unit.toolchainText)
            out.field("recipe", unit.recipe)
            for entry in unit.entries {
                out.field("schedule", entry.schedule.text)
                out.field("predicted_ns", entry.predictedNs)
                out.field("lower_bound_ns", entry.lowerBoundNs)
            }
            return out.text
        case .final(let unit):
            var out = head("final", unit.workload, unit.device)
            out.field("recipe", unit.recipe)
            out.field("rounds", unit.rounds)
            out.field("calls", unit.calls)
            for finalist in unit.finalists {
                out.field("schedule", finalist.schedule.text)
                out.field("toolchain", finalist.toolchain)
                out.field("screen_ns", finalist.screenNs)
            }
            return out.text
        }
    }

    private func head(_ kind: String, _ workload: Workload, _ device: Device) -> RecordWriter {
        var out = RecordWriter(kind: kind)
        out.field("workload", workload.text)
        out.field("device", device.kind.text)
        out.field("calibration", device.calibration.text)
        return out
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
            case "expand": self = .expand(try ExpandUnit(workload, device, &record))
            case "trial": self = .trial(try TrialUnit(workload, device, &record))
            case "final": self = .final(try FinalUnit(workload, device, &record))
            default: throw TuningTextError.wrongKind(record.kind)
            }
        } catch let error as any Explained {
            throw TuningTextError.wrapping(error)
        } catch {
            throw TuningTextError.damaged("\(error)")
        }
    }
}

extension ExpandUnit {
    fileprivate init(_ workload: Workload, _ device: Device, _ record: inout RecordReader) throws {
        let interface = try Interface(parsing: try record.string("interface"))
        guard interface.fits(workload) else { throw TuningTextError.damaged("an interface of another workload") }
        self.init(workload: workload, interface: interface, device: device, roots: [])
        while record.next != nil {
            let text = try record.string("root")
            guard let root = Root(parsing: text) else {
                throw TuningTextError.damaged("'\(escaped(text, limit: 40))' is no root")
            }
            roots.append(root)
        }
    }
}

extension TrialUnit {
    fileprivate init(_ workload: Workload, _ device: Device, _ record: inout RecordReader) throws {
        self.init(
            workload: workload, device: device, toolchain: try record.digest("toolchain"),
            toolchainText: try record.string("toolchain_text"), recipe: try record.string("recipe"), entries: [])
        while record.next != nil {
            entries.append(
                Entry(
                    schedule: try Schedule(parsing: try record.string("schedule")),
                    predictedNs: try record.double("predicted_ns"),
                    lowerBoundNs: try record.double("lower_bound_ns")))
        }
        guard (1...trialSchedulesMax).contains(entries.count) else {
            throw TuningTextError.damaged("a trial holds 1 to \(trialSchedulesMax) schedules")
        }
        try checkSchedules(entries.map(\.schedule), of: workload, what: "a trial")
    }
}

extension FinalUnit {
    private static let roundsMax = 31
    private static let callsMax = 1_000_000

    fileprivate init(_ workload: Workload, _ device: Device, _ record: inout RecordReader) throws {
        self.init(
            workload: workload, device: device, recipe: try record.string("recipe"),
            rounds: try record.integer("rounds"), calls: try record.integer("calls"), finalists: [])
        guard (1...FinalUnit.roundsMax).contains(rounds), (1...FinalUnit.callsMax).contains(calls) else {
            throw TuningTextError.damaged("a final with \(rounds) rounds of \(calls) calls")
        }
        while record.next != nil {
            finalists.append(
                Finalist(
                    schedule: try Schedule(parsing: try record.string("schedule")),
                    toolchain: try record.digest("toolchain"), screenNs: try record.double("screen_ns")))
        }
        guard (2...finalistsMax).contains(finalists.count) else {
            throw TuningTextError.damaged("a final holds 2 to \(finalistsMax) finalists")
        }
        guard finalists.allSatisfy({ $0.screenNs > 0 }) else {
            throw TuningTextError.damaged("a finalist that takes no time")
        }
        try checkSchedules(finalists.map(\.schedule), of: workload, what: "a final")
    }
}

/// One interface, and every schedule right for the workload.
private func checkSchedules(_ schedules: [Schedule], of workload: Workload, what: String) throws {
    guard let first = schedules.first, schedules.allSatisfy({ $0.interface == first.interface }) else {
        throw TuningTextError.damaged("\(what) of several interfaces")
    }
    for schedule in schedules { try schedule.verify(for: workload) }
}
