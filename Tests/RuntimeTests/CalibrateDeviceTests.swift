// The device class of a machine from facts made up here: usual caches, shared ones, none, and a hostile vendor word.
// Also the two-way map between compile targets and instruction sets, and that this machine has a class that parses.

import DeviceModel
import Testing

@testable import Runtime

private func cache(_ level: Int, _ bytes: Int, sharedBy: Int = 1, instructionOnly: Bool = false) -> HostFacts.Cache {
    HostFacts.Cache(
        level: level, instructionOnly: instructionOnly, bytes: bytes, lineBytes: 64, ways: 8, sharedBy: sharedBy)
}

private func facts(
    _ caches: [HostFacts.Cache], vendor: String = "AuthenticAMD", usable: Int = 2, target: CompileTarget = .avx512
) -> HostFacts {
    HostFacts(
        processor: .init(
            vendor: vendor, family: 26, model: 2, stepping: 1, instructionSets: [], online: 4, usable: usable),
        caches: caches, memoryBytes: 1 << 34, target: target, kernelRelease: "6", governor: nil,
        transparentHugePages: nil, landlockABI: 0, compilers: [])
}

@Test func aClassNamesProcessorCachesAndLanes() {
    let caches = [
        cache(1, 32 << 10, instructionOnly: true), cache(1, 48 << 10), cache(2, 1 << 20),
        cache(3, 32 << 20, sharedBy: 8),
    ]
    let kind = localDeviceClass(facts(caches))
    #expect(
        kind
            == DeviceClass(
                isa: .avx512, processor: "AuthenticAMD-26-2", vectorRegisters: 32, l1Bytes: 48 << 10, l2Bytes: 1 << 20,
                l3Bytes: 32 << 20, lineBytes: 64, lanes: 2))
    let narrow = localDeviceClass(facts(caches), isa: .avx2)
    #expect(narrow.isa == .avx2 && narrow.vectorRegisters == 16 && narrow.l2Bytes == kind.l2Bytes)
    #expect(narrow.digest != kind.digest)
}

@Test func cachesAreCountedPerCoreButTheOutermostWhole() {
    // two threads a core; four cores share an L2
    let kind = localDeviceClass(
        facts([cache(1, 32 << 10, sharedBy: 2), cache(2, 4 << 20, sharedBy: 8), cache(3, 24 << 20, sharedBy: 16)]))
    #expect(kind.l1Bytes == 32 << 10 && kind.l2Bytes == 1 << 20 && kind.l3Bytes == 24 << 20)
    #expect(localDeviceClass(facts([cache(1, 32 << 10), cache(2, 1 << 20)])).l3Bytes == 0)
    let four = localDeviceClass(facts([cache(1, 32 << 10), cache(2, 1 << 20), cache(3, 6 << 20), cache(4, 128 << 20)]))
    #expect(four.l3Bytes == 128 << 20)
}

@Test func aSilentSystemGetsModestCaches() throws {
    for target in CompileTarget.allCases {
        let kind = localDeviceClass(facts([], vendor: "", usable: 0, target: target))
        #expect(kind.isa == target.isa)
        #expect(kind.l1Bytes == 32 << 10 && kind.lineBytes == 64 && kind.lanes == 1)
        #expect(kind.l2Bytes == (target == .avx512 ? 1 << 20 : 256 << 10) && kind.l3Bytes == 8 << 20)
        #expect(kind.processor == "unknown-26-2")
        #expect(try DeviceClass(parsing: kind.text) == kind)
    }
}

@Test func aVendorIsOneCleanWord() {
    #expect(localDeviceClass(facts([], vendor: " Evil \"} \n ü7")).processor == "Evil7-26-2")
}

@Test func targetsAndInstructionSetsCorrespond() {
    #expect(CompileTarget.allCases.map(\.isa.rawValue) == CompileTarget.allCases.map(\.rawValue))
    for isa in ISA.allCases { #expect(CompileTarget(isa).isa == isa) }
}

@Test func thisMachineHasAClassThatParsesBack() throws {
    let kind = localDeviceClass(HostFacts.gather(searchPath: ""))
    #expect(try DeviceClass(parsing: kind.text) == kind)
    #expect(kind.l1Bytes >= 4096 && kind.l2Bytes >= kind.l1Bytes && kind.lanes >= 1)
    #expect(!kind.processor.contains(" "))
}
