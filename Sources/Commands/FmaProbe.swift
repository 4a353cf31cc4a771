// How fast this processor multiplies and adds right now: independent chains that never leave their registers, so
// nothing but the units themselves can be the limit. What kernels reach is printed as a share of this.
//
// In:  a compiler for an instruction set.  Out: operations per nanosecond when asked, two per multiply-add and lane.

import Basics
import DeviceModel
import Runtime

struct FmaProbe {
    /// Steps of every chain in one call.
    private static let steps = 4_000

    private let request: MeasureRequest
    private let flops: Double

    init(_ compiler: Compiler, _ isa: ISA, _ gate: Gate) throws(KernelBenchError) {
        let object: CompiledObject
        switch gate.withCPUWork({ compiler.compile(source: FmaProbe.source(isa), name: "probe") }) {
        case .compiled(let made): object = made
        case .failed(let failure): throw .probe(reason: "\(failure.reason): \(failure.log)")
        }
        let lanes = isa.vectorWidth
        // every chain tends to 1 and none towards denormal numbers
        let values = [Float](repeating: 0.999, count: lanes) + [Float](repeating: 0.001, count: lanes)
        let bytes = values.withUnsafeBytes { Array($0) }
        flops = Double(2 * lanes * FmaProbe.chains(isa) * FmaProbe.steps)
        var settings = MeasureSettings()
        settings.samples = 5
        settings.warmNs = 1_000_000
        settings.sampleNsMin = 2_000_000
        request = MeasureRequest(
            candidate: Digest(of: "fma probe 1 \(isa.rawValue) \(object.digest.hex)"), objectPath: object.path,
            symbol: "iw_fma", phases: [FmaProbe.steps],
            operands: [
                Operand(.input, bytes: bytes.count, contents: .bytes(bytes)), Operand(.result, bytes: lanes * 4),
            ], scratchBytes: 0, predictedNs: flops / Double(8 * lanes), settings: settings)
    }

    /// The rate of the fastest sample.
    func flopsPerNs(_ measurer: any Measurer) throws(KernelBenchError) -> Double {
        switch measurer.measure(request) {
        case .reading(let reading): return flops / reading.leastNs
        case .failed(let failure): throw .probe(reason: failure.sentence)
        }
    }

    /// Chains that fill the registers but for the two operands they share: more than any latency needs.
    static func chains(_ isa: ISA) -> Int { isa.vectorRegisters - 4 }

    static func source(_ isa: ISA) -> String {
        let lanes = isa.vectorWidth
        let all = 0..<chains(isa)
        var text = """
            #include <stdint.h>
            typedef float vector __attribute__((vector_size(\(lanes * 4)), aligned(4)));
            void iw_fma_0(void *const *operands, int64_t first, int64_t last, void *scratch) {
              const float *in = operands[0];
              (void)scratch;
              const vector scale = *(const vector *)in, shift = *(const vector *)(in + \(lanes));

            """
        for n in all { text += "  vector a\(n) = shift * \(n + 1).0f;\n" }
        text += "  for (int64_t i = first; i < last; ++i) {\n"
        for n in all { text += "    a\(n) = a\(n) * scale + shift;\n" }
        text += "  }\n  *(vector *)operands[1] = " + all.map { "a\($0)" }.joined(separator: " + ") + ";\n}\n"
        return text
    }
}
