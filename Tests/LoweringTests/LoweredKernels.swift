// Runs a workload under a schedule: prepares its constants, lowers, verifies, prints and parses, executes the kernel
// in its interpreter and compares with what the tensor interpreter says. Input: a canonical workload, operand values
// and a schedule. Output: a sentence about the first difference, nothing when there is none.

import Basics
import DeviceModel
import KernelIR
import Roller
import Schedules
import TensorIR

@testable import Lowering

/// Three devices: usual caches with the widest vectors, a narrow one whose tasks are small, and one that no model
/// has, with twelve registers and caches of a few lines, so that depth is cut and tasks are many.
let testDevices: [Device] = [
    testDevice(.avx512, registers: 32, l1: 48 << 10, l2: 1 << 20),
    testDevice(.avx2, registers: 16, l1: 8 << 10, l2: 12 << 10),
    testDevice(.plain, registers: 12, l1: 1 << 10, l2: 2 << 10),
]

private func testDevice(_ isa: ISA, registers: Int, l1: Int, l2: Int) -> Device {
    Device(
        kind: DeviceClass(
            isa: isa, processor: "made-up", vectorRegisters: registers, l1Bytes: l1, l2Bytes: l2, l3Bytes: l2 * 16,
            lineBytes: 64, lanes: 4),
        calibration: Calibration(
            fmaFlopsPerNs: 100, l2BytesPerNs: 80, l3BytesPerNs: 20, memoryBytesPerNs: 8, mapOperatorsPerNs: 20,
            packElementsPerNs: 4, callNs: 3, phaseNs: 30, referenceNs: 1000))
}

extension WorkloadSamples {
    /// Multiples of an eighth in [-1, 1]: sums of products are exact, so the order of summation does not show.
    mutating func value(_ type: TensorType) -> TensorValue {
        if type.dtype.isFloat {
            return TensorValue(type, floats: (0..<type.elements).map { _ in Double(random.below(17) - 8) / 8 })
        }
        let span = type.dtype == .bool ? 2 : 100
        return TensorValue(type, integers: (0..<type.elements).map { _ in Int64(random.below(span)) })
    }
}

struct LoweredKernels {
    let workload: Workload
    let parameters: [TensorValue]
    private let expected: [TensorValue]
    /// How far an element may be off, as a share of the largest one.
    private let tolerance: Double

    init(_ workload: Workload, _ parameters: [TensorValue], tolerance: Double = 1e-9) {
        self.tolerance = tolerance
        self.workload = workload
        self.parameters = parameters
        expected = interpret(workload, parameters: parameters)
    }

    /// What is wrong with `kernel`, lowered from `schedule`.
    func fault(_ kernel: Kernel, _ schedule: Schedule, order: TaskOrder) -> String? {
        do {
            try kernel.verify()
            guard try Kernel(parsing: kernel.text) == kernel else { return "the kernel does not parse back" }
            var operands = kernel.buffers.enumerated().map { slot, buffer in operand(slot, buffer, schedule) }
            try kernel.execute(&operands, order: order)
            for (r, value) in expected.enumerated() {
                let layout = schedule.interface.layout(ofSlot: workload.results[r])
                guard let found = collected(operands[workload.parameters.count + r], layout, value.type) else {
                    return "result \(r) has something in its halo"
                }
                if let difference = difference(found, value) { return "result \(r) \(difference)" }
            }
            return nil
        } catch {
            return "\(error)"
        }
    }

    private func operand(_ slot: Int, _ buffer: Buffer, _ schedule: Schedule) -> TensorValue {
        let type = TensorType(buffer.dtype, [buffer.elements])
        guard slot < parameters.count else {
            return buffer.dtype.isFloat
                ? TensorValue(type, floats: [Double](repeating: .nan, count: buffer.elements))
                : TensorValue(type, integers: [Int64](repeating: -1, count: buffer.elements))
        }
        var value = parameters[slot]
        let prepare = schedule.prepares.first { $0.slot == slot }
        if let prepare, case .floats(let floats) = value.elements {
            let prepared = floats.map(Float.init).withUnsafeBufferPointer {
                prepareConstant(workload, schedule, prepare, values: $0)
            }
            return TensorValue(type, floats: prepared.map(Double.init))
        }
        if case .maps = schedule.interface.layout(ofSlot: slot) {
            let layout = schedule.interface.layout(ofSlot: slot)
            return layout.arranged(value.bytes, value.type).withUnsafeBytes { TensorValue(type, bytes: $0) }
        }
        value.type = type
        return value
    }

    /// A result in row-major order; `nil` when its halo is not zero.
    private func collected(_ value: TensorValue, _ layout: Layout, _ type: TensorType) -> TensorValue? {
        guard case .maps(let maps) = layout, case .floats(var floats) = value.elements else { return value }
        let extents = maps.extents
        let out = (0..<type.elements).map { flat -> Double in
            let at = maps.address(
                MapPoint(
                    image: flat / (extents[1] * extents[2] * extents[3]),
                    channel: flat / (extents[2] * extents[3]) % extents[1], line: flat / extents[3] % extents[2],
                    position: flat % extents[3]))
            defer { floats[at] = 0 }
            return floats[at]
        }
        return floats.allSatisfy { $0 == 0 } ? TensorValue(type, floats: out) : nil
    }

    private func difference(_ found: TensorValue, _ expected: TensorValue) -> String? {
        switch (found.elements, expected.elements) {
        case (.floats(let a), .floats(let b)):
            let largest = b.reduce(1) { max($0, $1.isFinite ? abs($1) : 0) }
            for (at, (x, y)) in zip(a, b).enumerated() {
                let same = x == y || (x.isNaN && y.isNaN) || abs(x - y) <= tolerance * largest
                if !same { return "element \(at) is \(x) and should be \(y)" }
            }
            return a.count == b.count ? nil : "has \(a.count) elements and should have \(b.count)"
        case (.integers(let a), .integers(let b)): return a == b ? nil : "is \(a) and should be \(b)"
        case (.floats, .integers), (.integers, .floats): return "is of another kind"
        }
    }
}

func schedulesOf(_ workload: Workload, _ device: Device, lanes: Int = 1) -> [Schedule] {
    construct(workload, .rowMajor(workload), device, lanes: lanes, ConstructLimits(perRoot: 4)).entries.map(\.value)
}
