// The device class of a machine, from the facts about it. Input: HostFacts, and an instruction set to use instead of
// the widest one. Output: a DeviceClass. Where the system is silent about caches (containers, some virtual machines),
// sizes that most processors of the last ten years reach stand in: a class needs numbers, and too small a cache costs
// less than one that is not there.

import DeviceModel

extension CompileTarget {
    /// The target that an instruction set is compiled for.
    package init(_ isa: ISA) {
        switch isa {
        case .avx512: self = .avx512
        case .avx2: self = .avx2
        case .plain: self = .plain
        }
    }

    /// The instruction set that this target may use.
    package var isa: ISA {
        switch self {
        case .avx512: .avx512
        case .avx2: .avx2
        case .plain: .plain
        }
    }
}

/// Names the class of the machine that `facts` describe. Cache sizes are what one core has of L1 and L2, and the whole
/// of the outermost cache that it reaches; `l3Bytes` is 0 where the system lists caches but no third level.
/// - Parameter isa: the instruction set to tune for; `nil` takes the widest that the machine executes. The caller sees
///   to it that the machine executes it.
package func localDeviceClass(_ facts: HostFacts, isa: ISA? = nil) -> DeviceClass {
    let isa = isa ?? facts.target.isa
    let data = facts.caches.filter { !$0.instructionOnly && $0.bytes > 0 }
    let l1 = data.first { $0.level == 1 }
    let threadsPerCore = max(1, l1?.sharedBy ?? 1)
    /// Bytes of one instance divided among the cores that share it.
    func perCore(_ cache: HostFacts.Cache?) -> Int? {
        cache.map { $0.bytes / max(1, $0.sharedBy / threadsPerCore) }
    }
    let outermost = data.filter { $0.level >= 3 }.max { $0.level < $1.level }
    return DeviceClass(
        isa: isa, processor: processorWord(facts.processor), vectorRegisters: isa.vectorRegisters,
        l1Bytes: perCore(l1) ?? SilentSystem.l1Bytes,
        l2Bytes: perCore(data.first { $0.level == 2 }) ?? SilentSystem.l2Bytes(facts.target),
        l3Bytes: outermost?.bytes ?? (data.isEmpty ? SilentSystem.l3Bytes : 0),
        lineBytes: data.map(\.lineBytes).first { $0 > 0 } ?? SilentSystem.lineBytes,
        lanes: max(1, facts.processor.usable))
}

/// What stands in for caches that the system does not list.
private enum SilentSystem {
    static let l1Bytes = 32 << 10
    static let l3Bytes = 8 << 20
    static let lineBytes = 64

    /// Processors with AVX-512 came with 1 MiB of L2 from the first server generation on, others with 256 KiB.
    static func l2Bytes(_ target: CompileTarget) -> Int {
        switch target {
        case .avx512: 1 << 20
        case .avx2, .plain: 256 << 10
        }
    }
}

/// `AuthenticAMD-26-2`: vendor, family, model. A vendor is foreign text: only letters and digits of it are kept.
private func processorWord(_ processor: HostFacts.Processor) -> String {
    let kept = processor.vendor.unicodeScalars.filter {
        ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0)
    }
    let vendor = kept.isEmpty ? "unknown" : String(String.UnicodeScalarView(kept))
    return "\(vendor)-\(processor.family)-\(processor.model)"
}
