// The probes of a calibration: for a device class, how large the data of each is, how to time it, and what its time
// says. Input: a class, later the least time per probe. Output: requests, then a Calibration.
// A probe's data fits the level it asks about with room to spare: half of L1, 60% of L2, 40% of L3 but no more than
// four times L2, and for memory four times L3 up to 256 MiB.

import Basics
import DeviceModel

enum CalibrationProbe: String, CaseIterable, Sendable {
    case multiplyAdd = "multiply_add"
    case l2, l3, memory, map, pack, call, phase
    case reference

    var symbol: String {
        switch self {
        case .l3, .memory: CalibrationProbe.l2.symbol
        case .reference: ReferenceKernel.symbol
        case .multiplyAdd, .l2, .map, .pack, .call, .phase: CalibrationSource.prefix + rawValue
        }
    }
}

struct CalibrationPlan: Equatable {
    static let memoryBytesMax = 256 << 20
    /// Read from memory where there is no L3 to be larger than.
    static let memoryBytesWithoutL3 = 64 << 20
    static let rounds = 3
    /// Passes over the same L1 data in one call.
    static let passes = 16
    /// Rows of the matrix that is packed.
    static let packRows = 256
    /// Micro-kernel calls in one call of the probe.
    static let calls = 256

    let isa: ISA
    let rows: Int
    let columns: Int
    /// Depth of the multiply-add panels.
    let depth: Int
    let l2Bytes: Int
    /// 0 where there is no L3.
    let l3Bytes: Int
    let memoryBytes: Int
    let mapElements: Int
    let packColumns: Int

    init(_ kind: DeviceClass) {
        func down(_ value: Int, _ unit: Int) -> Int { max(unit, value / unit * unit) }
        isa = kind.isa
        (rows, columns) = CalibrationSource.tile(kind.isa)
        depth = down(kind.l1Bytes / 2 / (4 * (rows + columns)), 16)
        mapElements = down(kind.l1Bytes / 16, CalibrationSource.mapVectors * kind.isa.vectorWidth)
        packColumns = down(kind.l2Bytes / (16 * CalibrationPlan.packRows), columns)
        l2Bytes = down(kind.l2Bytes * 3 / 5, 4096)
        // beyond L2 even where the share of L3 is small
        let beyondL2 = min(kind.l3Bytes, 2 * kind.l2Bytes)
        l3Bytes = kind.l3Bytes <= 0 ? 0 : down(max(beyondL2, min(kind.l3Bytes * 2 / 5, 4 * kind.l2Bytes)), 4096)
        memoryBytes =
            kind.l3Bytes <= 0
            ? CalibrationPlan.memoryBytesWithoutL3
            : down(min(4 * min(kind.l3Bytes, 1 << 40), CalibrationPlan.memoryBytesMax), 4096)
    }

    /// What to time, in order: every probe once, then the cheap ones again, so that a disturbance of a moment does not
    /// decide.
    var order: [CalibrationProbe] {
        let once = CalibrationProbe.allCases.filter { $0 != .l3 || l3Bytes > 0 }
        return (0..<CalibrationPlan.rounds).flatMap { round in once.filter { round == 0 || $0 != .memory } }
    }

    /// Operations, bytes, elements or calls in one call of a probe.
    func amount(_ probe: CalibrationProbe) -> Int {
        switch probe {
        case .multiplyAdd: 2 * rows * columns * depth * CalibrationPlan.passes
        case .l2: l2Bytes
        case .l3: l3Bytes
        case .memory: memoryBytes
        case .map: mapElements * CalibrationSource.mapOperators * CalibrationPlan.passes
        case .pack: CalibrationPlan.packRows * packColumns
        case .call: CalibrationPlan.calls
        case .phase, .reference: 1
        }
    }

    /// The figures that the least times say.
    /// - Parameter leastNs: nanoseconds per call of each probe of `order`, positive.
    func calibration(_ leastNs: (CalibrationProbe) -> Double) -> Calibration {
        func rate(_ probe: CalibrationProbe) -> Double { rounded(Double(amount(probe)) / leastNs(probe)) }
        func cost(_ probe: CalibrationProbe) -> Double { rounded(leastNs(probe) / Double(amount(probe))) }
        return Calibration(
            fmaFlopsPerNs: rate(.multiplyAdd), l2BytesPerNs: rate(.l2),
            l3BytesPerNs: rate(l3Bytes > 0 ? .l3 : .memory), memoryBytesPerNs: rate(.memory),
            mapOperatorsPerNs: rate(.map), packElementsPerNs: rate(.pack), callNs: cost(.call), phaseNs: cost(.phase),
            referenceNs: cost(.reference))
    }

    /// Four significant digits, or all before the point: a measurement has no more, and the text stays short.
    private func rounded(_ value: Double) -> Double {
        if value >= 1000 { return value.rounded() }
        var scale = 1.0
        while value * scale < 1000, scale < 1e15 { scale *= 10 }
        return max((value * scale).rounded(), 1) / scale
    }
}

// MARK: requests

extension CalibrationPlan {
    /// How to time a probe of the object made from `CalibrationSource`.
    func request(_ probe: CalibrationProbe, _ object: CompiledObject) -> MeasureRequest {
        precondition(probe != .reference, "the reference kernel has a request of its own")
        var settings = MeasureSettings()
        // one pass over so much memory is long enough for a sample, and what disturbs it lasts longer than that
        settings.samples = probe == .memory ? 8 : 3
        settings.warmNs = probe == .memory ? 1 : 1_000_000
        settings.sampleNsMin = probe == .memory ? 1 : 2_000_000
        let name = "calibration 1 \(probe.rawValue) \(isa.rawValue) \(amount(probe)) \(object.digest)"
        return MeasureRequest(
            candidate: Digest(of: name), objectPath: object.path, symbol: probe.symbol, phases: [tasks(probe)],
            operands: operands(probe), scratchBytes: 0, predictedNs: Double(amount(probe)) / usualRate(probe),
            settings: settings)
    }

    private func tasks(_ probe: CalibrationProbe) -> Int {
        switch probe {
        case .multiplyAdd, .map: CalibrationPlan.passes
        case .l2, .l3, .memory: amount(probe) / (CalibrationSource.readVectors * isa.vectorWidth * 4)
        case .pack: packColumns / columns
        case .call: CalibrationPlan.calls
        case .phase, .reference: 1
        }
    }

    private func operands(_ probe: CalibrationProbe) -> [Operand] {
        let result = Operand(.result, bytes: rows * columns * 4, contents: nonZeroes(rows * columns * 4))
        switch probe {
        case .multiplyAdd:
            return [data(rows * depth * 4), data(columns * depth * 4), result, sizes([depth])]
        case .call: return [data(rows * 4), data(columns * 4), result, sizes([1, columns])]
        case .l2, .l3, .memory: return [data(amount(probe)), Operand(.result, bytes: isa.vectorWidth * 4)]
        case .map: return [data(mapElements * 4), Operand(.result, bytes: mapElements * 4), sizes([mapElements])]
        case .pack:
            // a line more than the columns, so that the rows do not fall into a few sets of the cache
            let rowStride = packColumns + 16
            return [
                data(CalibrationPlan.packRows * rowStride * 4), Operand(.result, bytes: amount(probe) * 4),
                sizes([CalibrationPlan.packRows, rowStride]),
            ]
        case .phase, .reference: return []
        }
    }

    /// What a made-up device starts from: operations, bytes, elements or calls per nanosecond.
    private func usualRate(_ probe: CalibrationProbe) -> Double {
        switch probe {
        case .multiplyAdd: 6 * Double(isa.vectorWidth)
        case .map: 3 * Double(isa.vectorWidth)
        case .l2: 64
        case .l3: 24
        case .memory: 10
        case .pack: 8
        case .call: 0.05
        case .phase, .reference: 0.5
        }
    }

    private func data(_ bytes: Int) -> Operand { Operand(.input, bytes: bytes, contents: nonZeroes(bytes)) }

    private func sizes(_ values: [Int]) -> Operand {
        let bytes = values.map(Int64.init).withUnsafeBytes { Array($0) }
        return Operand(.input, bytes: bytes.count, contents: .bytes(bytes))
    }
}

/// Seeded floats of either sign between 0.5 and 1 in magnitude: with zeros some units draw less power and run faster.
private func nonZeroes(_ bytes: Int) -> OperandContents {
    let period = min(bytes, 64 << 10)
    var random = SeededRandom(seed: 0x6361_6c69)
    let floats = (0..<period / 4).map { _ in
        Float(0.5 + 0.5 * random.unit()) * (random.below(2) == 0 ? 1 : -1)
    }
    return .fill { buffer in
        floats.withUnsafeBytes { pattern in
            for start in stride(from: 0, to: buffer.count, by: max(1, pattern.count)) {
                let count = min(pattern.count, buffer.count - start)
                UnsafeMutableRawBufferPointer(rebasing: buffer[start..<start + count])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: pattern[..<count]))
            }
        }
    }
}
