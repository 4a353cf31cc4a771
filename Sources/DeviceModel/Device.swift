// What the compilers know of a device. The class is identity only (ISA, processor, caches, lanes); the calibration
// holds what was measured on it. Both are texts that parse back and have digests; a Device is the pair. The model
// uses + − × ÷ min max only, so every host ranks the same schedules in the same order.

import Basics

/// Instruction sets the CPU printer knows.
package enum ISA: String, Hashable, Sendable, CaseIterable {
    case avx512, avx2, plain

    /// f32 lanes of one vector register.
    package var vectorWidth: Int {
        switch self {
        case .avx512: 16
        case .avx2: 8
        case .plain: 4
        }
    }

    /// Architectural vector registers.
    package var vectorRegisters: Int {
        switch self {
        case .avx512: 32
        case .avx2, .plain: 16
        }
    }
}

package struct DeviceClass: Hashable, Sendable {
    package var isa: ISA
    /// Vendor, family and model as one word without blanks, e.g. `AuthenticAMD-26-2`.
    package var processor: String
    package var vectorRegisters: Int
    package var l1Bytes: Int
    package var l2Bytes: Int
    /// Last-level cache reachable from one lane; 0 when there is none.
    package var l3Bytes: Int
    package var lineBytes: Int
    package var lanes: Int

    package init(
        isa: ISA, processor: String, vectorRegisters: Int, l1Bytes: Int, l2Bytes: Int, l3Bytes: Int, lineBytes: Int,
        lanes: Int
    ) {
        self.isa = isa
        self.processor = processor
        self.vectorRegisters = vectorRegisters
        self.l1Bytes = l1Bytes
        self.l2Bytes = l2Bytes
        self.l3Bytes = l3Bytes
        self.lineBytes = lineBytes
        self.lanes = lanes
    }

    package var digest: Digest { Digest(of: text) }
}

/// Measured rates of one device class, per lane. Bandwidths in bytes per nanosecond (GB/s), rates in operations per
/// nanosecond (Gop/s).
package struct Calibration: Hashable, Sendable {
    package var fmaFlopsPerNs: Double
    package var l2BytesPerNs: Double
    package var l3BytesPerNs: Double
    package var memoryBytesPerNs: Double
    /// Scalar operators per nanosecond in a vectorised map.
    package var mapOperatorsPerNs: Double
    /// Elements per nanosecond that a packing loop copies.
    package var packElementsPerNs: Double
    /// One micro-kernel call: prologue, loop set-up, accumulator write-back.
    package var callNs: Double
    /// One kernel phase entered from a program.
    package var phaseNs: Double
    /// One call of the reference kernel on the undisturbed device: readings are corrected by how much slower it runs.
    package var referenceNs: Double

    package init(
        fmaFlopsPerNs: Double, l2BytesPerNs: Double, l3BytesPerNs: Double, memoryBytesPerNs: Double,
        mapOperatorsPerNs: Double, packElementsPerNs: Double, callNs: Double, phaseNs: Double,
        referenceNs: Double
    ) {
        self.fmaFlopsPerNs = fmaFlopsPerNs
        self.l2BytesPerNs = l2BytesPerNs
        self.l3BytesPerNs = l3BytesPerNs
        self.memoryBytesPerNs = memoryBytesPerNs
        self.mapOperatorsPerNs = mapOperatorsPerNs
        self.packElementsPerNs = packElementsPerNs
        self.callNs = callNs
        self.phaseNs = phaseNs
        self.referenceNs = referenceNs
    }

    package var digest: Digest { Digest(of: text) }
}

package struct Device: Hashable, Sendable {
    package var kind: DeviceClass
    package var calibration: Calibration
    package init(kind: DeviceClass, calibration: Calibration) {
        self.kind = kind
        self.calibration = calibration
    }

    /// Share of L1 and L2 that a tile may count on: the rest goes to streams, stacks and conflict misses.
    package static let l1UsableFraction = 0.8
    package static let l2UsableFraction = 0.57

    package var l1UsableBytes: Int { Int(Double(kind.l1Bytes) * Device.l1UsableFraction) }
    package var l2UsableBytes: Int { Int(Double(kind.l2Bytes) * Device.l2UsableFraction) }
}
