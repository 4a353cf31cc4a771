// The probe kernels really compute what their rates are named for: run once each in the child, with every instruction
// set that this machine has, and compared with the same arithmetic here. Red zones show that they stay in their data.

import Basics
import DeviceModel
import Testing

@testable import Runtime

private let smallClass = DeviceClass(
    isa: .plain, processor: "test-1-1", vectorRegisters: 16, l1Bytes: 32 << 10, l2Bytes: 256 << 10, l3Bytes: 1 << 20,
    lineBytes: 64, lanes: 1)

/// What a probe's operands hold before it runs.
private func contents(_ operand: Operand) -> [Float] {
    var bytes = [UInt8](repeating: 0, count: operand.bytes)
    switch operand.contents {
    case .unwritten: break
    case .bytes(let given): bytes = given
    case .fill(let write): bytes.withUnsafeMutableBytes { write($0) }
    }
    return floats(bytes)
}

private func close(_ found: [Float], _ expected: [Float], within share: Float) -> Bool {
    let largest = expected.map(abs).max() ?? 0
    return found.count == expected.count
        && zip(found, expected).allSatisfy { abs($0 - $1) <= share * max(largest, 1) }
}

/// Every probe's result, computed here.
private func expected(_ probe: CalibrationProbe, _ plan: CalibrationPlan, _ data: [[Float]]) -> [Float]? {
    let (rows, columns, width) = (plan.rows, plan.columns, plan.isa.vectorWidth)
    /// The product of packed panels, element by element.
    func product(_ depth: Int) -> [Float] {
        var sums = [Float](repeating: 0, count: rows * columns)
        for k in 0..<depth {
            for place in sums.indices {
                sums[place] += data[0][k * rows + place / columns] * data[1][k * columns + place % columns]
            }
        }
        return sums
    }
    switch probe {
    case .multiplyAdd: return product(plan.depth).map { $0 * Float(CalibrationPlan.passes) }
    case .call:
        return zip(data[2], product(1)).map { $0 + $1 * Float(CalibrationPlan.calls) }
    case .l2, .l3, .memory:
        var sums = [Double](repeating: 0, count: width)
        for (place, value) in data[0].enumerated() { sums[place % width] += Double(value) }
        return sums.map { Float($0) }
    case .map:
        return data[0].map { x in
            var y: Float = 0.3 * x - 0.7
            y = y * x + 0.9
            y = y * x - 0.2
            return y * x + 0.6
        }
    case .pack:
        let rowStride = plan.packColumns + 16
        var packed: [Float] = []
        for panel in 0..<plan.packColumns / columns {
            for k in 0..<CalibrationPlan.packRows {
                let start = k * rowStride + panel * columns
                packed += data[0][start..<start + columns]
            }
        }
        return packed
    case .phase, .reference: return nil
    }
}

@Test func probesComputeWhatTheyAreNamedFor() throws {
    let folder = try TestFolder()
    let measurer = try childMeasurer(folder)
    for target in CompileTarget.allCases where target.runsHere {
        var kind = smallClass
        kind.isa = target.isa
        let plan = CalibrationPlan(kind)
        let built = try object(
            try testCompiler(folder, target: target).compile(
                source: CalibrationSource.text(for: kind.isa), name: "calibration"))
        for probe in CalibrationProbe.allCases where probe != .reference && probe != .memory {
            let request = plan.request(probe, built)
            guard case .outputs(let outputs) = measurer.execute(ExecuteRequest(request)) else {
                Issue.record("\(target) \(probe) did not run")
                continue
            }
            guard let expected = expected(probe, plan, request.operands.map(contents)) else {
                #expect(outputs.isEmpty)
                continue
            }
            #expect(outputs.count == 1, "\(target) \(probe)")
            #expect(close(floats(outputs[0]), expected, within: 1e-3), "\(target) \(probe)")
        }
    }
    #expect(measurer.childrenStarted == 1)
}

@Test func everyToolchainCompilesTheProbes() throws {
    let folder = try TestFolder()
    for toolchain in testToolchains {
        let compiler = try Compiler(
            toolchain, target: .best, searchPath: environmentPath(), cacheFolder: folder.path)
        let source = CalibrationSource.text(for: CompileTarget.best.isa)
        let elf = try object(compiler.compile(source: source, name: "calibration")).elf
        #expect(elf.undefinedSymbols.isEmpty, "\(toolchain.family)")
        for probe in CalibrationProbe.allCases where probe != .reference {
            #expect(elf.definedFunctions.contains(probe.symbol + "_0"), "\(toolchain.family) \(probe)")
        }
    }
}

@Test func probeDataHasNoZeroAndEverySign() {
    let plan = CalibrationPlan(smallClass)
    let elf = ElfObject(undefinedSymbols: [], definedFunctions: [], neededLibraries: [])
    let object = CompiledObject(path: "/none", digest: Digest(of: ""), elf: elf, cached: false)
    let data = contents(plan.request(.l2, object).operands[0])
    #expect(data.count == plan.l2Bytes / 4)
    let magnitudes = data.map { abs($0) }
    #expect(magnitudes.allSatisfy { $0 >= 0.5 && $0 <= 1 })
    let negativeShare = Double(data.filter { $0 < 0 }.count) / Double(data.count)
    #expect(negativeShare > 0.4 && negativeShare < 0.6)
    #expect(Set(data).count > 1_000)
}
