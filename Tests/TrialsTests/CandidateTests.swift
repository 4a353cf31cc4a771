// What candidates are given and what is made of their results when tensors lie in maps: packed with a halo of zeros,
// unpacked in row-major order, and a halo that is not zero is damage.

import Basics
import DeviceModel
import Roller
import Runtime
import Schedules
import TensorIR
import Testing

@testable import Trials

@Suite struct CandidateTests {
    private static let type = TensorType(.f32, [32, 4, 4])
    /// `y = max(x, 0)` over 32 channels of 4 × 4.
    private static let workload = Workload(
        parameters: [.init(type: type, isConstant: false)],
        definitions: [
            Definition(
                type: type, body: .map(.binary(.maximum, .read(slot: 0, [.axis(0), .axis(1), .axis(2)]), .float(0))))
        ], results: [1])

    private static let maps = Layout.maps(
        MapLayout(channels: 32, height: 4, width: 4, block: 16, haloY: 1, haloX: 1))
    private static let interface = Interface(entries: [.init(slot: 0, layout: maps), .init(slot: 1, layout: maps)])

    private var schedule: Schedule {
        Schedule(
            isa: .avx2, interface: Self.interface, algorithm: .direct, prepares: [], connects: [],
            nest: .map(linesPerTask: 4))
    }

    private var values: TensorValue {
        TensorValue(Self.type, floats: (0..<Self.type.elements).map { Double($0) - 100 })
    }

    @Test func parametersArePackedInTheirLayout() {
        let operands = CandidateOperands(workload: Self.workload)
        let packed = operands.contents(0, schedule, values)
        #expect(packed.count == Self.maps.bytes(Self.type) && packed.count > Self.type.bytes)
        let (plain, haloIsZero) = Self.maps.collected(packed, Self.type)
        #expect(haloIsZero && plain == values.bytes)
        var rowMajor = schedule
        rowMajor.interface = .rowMajor(Self.workload)
        #expect(operands.contents(0, rowMajor, values) == values.bytes)
    }

    @Test func resultsAreUnpackedAndTheirHaloIsChecked() throws {
        let operands = CandidateOperands(workload: Self.workload)
        var bytes = Self.maps.arranged(values.bytes, Self.type)
        #expect(try operands.results(schedule, [bytes]).get() == [values])
        bytes[1] = 1
        switch operands.results(schedule, [bytes]) {
        case .success: Issue.record("a halo that is not zero was accepted")
        case .failure(let damage): #expect(damage.result == 0)
        }
        // nobody wrote the halo: the red zone's pattern is still there
        let unwritten = [UInt8](repeating: 0x7f, count: bytes.count)
        #expect(throws: HaloDamage.self) { try operands.results(schedule, [unwritten]).get() }
    }
}
