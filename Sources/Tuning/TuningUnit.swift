// The closed set of units of work and their texts. A unit is self-contained: a worker needs nothing but its body.
//
//     expand   workload, interface, device, calibration, roots   ->  one ExpansionRow per root
//     trial    workload, 1…16 schedules, one toolchain           ->  candidates, verdicts, readings or failures
//     final    workload, 2…8 finalists with their toolchains     ->  one FinalRow, or who cannot take part and why
//
// All schedules of a trial or final have one interface.

import Basics
import DeviceModel
import FarmCore
import Pipeline
import Roller
import Schedules
import TensorIR

package enum TuningUnit: Sendable, Hashable {
    case expand(ExpandUnit)
    case trial(TrialUnit)
    case final(FinalUnit)
}

package struct ExpandUnit: Sendable, Hashable {
    package var workload: Workload
    package var interface: Interface
    package var device: Device
    package var roots: [Root]
    package init(workload: Workload, interface: Interface, device: Device, roots: [Root]) {
        self.workload = workload
        self.interface = interface
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
    /// Never empty; of one interface.
    package var entries: [Entry]

    package var interface: Interface { entries[0].schedule.interface }
}

package struct FinalUnit: Sendable, Hashable {
    package struct Finalist: Sendable, Hashable {
        package var schedule: Schedule
        package var toolchain: Digest
        package var screenNs: Double
    }
    package var workload: Workload
    package var device: Device
    package var recipe: String
    package var rounds: Int
    /// Calls of each finalist in a round.
    package var calls: Int
    /// Least screen first; of one interface.
    package var finalists: [Finalist]

    package var interface: Interface { finalists[0].schedule.interface }

    /// For each round the order in which the finalists are called.
    /// - Parameter seed: of the unit's digest, so that everybody who runs it does the same.
    package func order(seed: UInt64) -> [[Int]] {
        var random = SeededRandom(seed: seed)
        return (0..<rounds).map { _ in
            var round = Array(finalists.indices)
            for at in round.indices.dropFirst().reversed() { round.swapAt(at, random.below(at + 1)) }
            return round
        }
    }
}

/// Most schedules of one trial: one translation unit.
package let trialSchedulesMax = 16

extension Root {
    /// `direct 6x64 search 2`: what construction finds under a root depends on its version.
    package var text: String { "\(algorithm.text) \(microRows)x\(microColumns) search \(constructVersion)" }

    package init?(parsing text: String) {
        let words = text.split(separator: " ")
        guard words.count == 4, words[2] == "search", words[3] == "\(constructVersion)",
            let algorithm = Algorithm(text: String(words[0]))
        else { return nil }
        let sizes = words[1].split(separator: "x").compactMap { Int($0) }
        guard sizes.count == 2, sizes.allSatisfy({ $0 > 0 }) else { return nil }
        self.init(algorithm: algorithm, microRows: sizes[0], microColumns: sizes[1])
    }
}

extension TuningUnit {
    package var workload: Workload {
        switch self {
        case .expand(let unit): unit.workload
        case .trial(let unit): unit.workload
        case .final(let unit): unit.workload
        }
    }

    package var interface: Interface {
        switch self {
        case .expand(let unit): unit.interface
        case .trial(let unit): unit.interface
        case .final(let unit): unit.interface
        }
    }

    /// What it is about.
    package var key: SearchKey { SearchKey(workload: workload.digest, interface: interface) }

    /// The unit as the farm moves it.
    package var workUnit: WorkUnit {
        let body = text
        let digest = Digest(of: body)
        switch self {
        case .expand:
            return WorkUnit(digest: digest, slot: .cpu, capabilities: [], cost: .milliseconds(50), body: body)
        case .trial(let unit):
            return WorkUnit(
                digest: digest, slot: .quietDevice, capabilities: unit.device.capabilities,
                cost: .milliseconds(Int64(200 + 100 * unit.entries.count)), body: body)
        case .final(let unit):
            return WorkUnit(
                digest: digest, slot: .quietDevice, capabilities: unit.device.capabilities,
                cost: .milliseconds(Int64(300 + 100 * unit.finalists.count)), body: body)
        }
    }
}

extension Device {
    /// What a worker must be able to do to run code for this device.
    fileprivate var capabilities: [String] { ["cpu.\(kind.isa.rawValue)"] }
}
