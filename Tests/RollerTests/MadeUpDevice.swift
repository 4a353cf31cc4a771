// A device that nobody sells, three levels deep: 12 vector registers of eight lanes, 24 KiB, 700 KiB. And workloads
// that no model has.

import DeviceModel
import TensorIR

@testable import Roller

func madeUpDevice(
    isa: ISA = .avx2, registers: Int = 12, l1: Int = 24 << 10, l2: Int = 700 << 10, l3: Int = 0
) -> Device {
    Device(
        kind: DeviceClass(
            isa: isa, processor: "made-up", vectorRegisters: registers, l1Bytes: l1, l2Bytes: l2, l3Bytes: l3,
            lineBytes: 64, lanes: 6),
        calibration: Calibration(
            fmaFlopsPerNs: 40, l2BytesPerNs: 50, l3BytesPerNs: 20, memoryBytesPerNs: 5, mapOperatorsPerNs: 10,
            packElementsPerNs: 2, callNs: 4, phaseNs: 40, referenceNs: 1000))
}

enum Strange {
    static func product(_ m: Int, _ n: Int, _ k: Int, constant: Bool = true, batch: Int? = nil) throws -> Workload {
        let (b, bx) = batch.map { ("b,", "\($0),") } ?? ("", "")
        let head = batch.map { "b:\($0)," } ?? ""
        return canonicalise(
            try Workload(
                parsing: """
                    workload(A: f32[\(bx)\(m),\(k)], B: \(constant ? "const " : "")f32[\(bx)\(k),\(n)]) {
                      C: f32[\(head)m:\(m),n:\(n)] = sum(k:\(k)) A[\(b)m,k] * B[\(b)k,n]
                    } -> C
                    """)
        ).workload
    }

    /// Eleven by five windows with dilation three, forty-seven channels in, twenty-nine out.
    static func convolution() throws -> Workload {
        canonicalise(
            try Workload(
                parsing: """
                    workload(X: f32[47,37,53], W: const f32[29,47,11,5]) {
                      C: f32[k:29,y:7,x:41] = sum(c:47,r:11,s:5) W[k,c,r,s] * X[c,y+r*3,x+s*3]
                    } -> C
                    """)
        ).workload
    }

    static func others() throws -> [Workload] {
        try [
            "workload(X: f32[97,211]) { s: f32[i:97] = sum(j:211) X[i,j] * X[i,j] } -> s",
            "workload(X: f32[97,211]) { s: f32[j:211] = max(i:97) X[i,j] } -> s",
            "workload(X: f32[97,211]) { s: f32[] = sum(i:97,j:211) X[i,j] } -> s",
            "workload(X: f32[97,211], Y: f32[211]) { s: f32[j:211,i:97] = X[i,j] - Y[j] } -> s",
            "workload(X: f32[]) { s: f32[] = exp(X[]) } -> s",
            """
            workload(X: f32[97,211]) {
              m: f32[i:97] = max(j:211) X[i,j]
              d: f32[i:97,j:211] = X[i,j] - m[i]
            } -> d
            """,
        ].map { canonicalise(try Workload(parsing: $0)).workload }
    }
}
