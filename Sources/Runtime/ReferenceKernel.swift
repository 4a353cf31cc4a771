// The reference kernel: a fixed loop of dependent multiply-adds that runs from registers, so its time depends on the
// processor's clock and on nothing else. Input: a target. Output: C source, and the request that times it.
// Timed at both ends of a burst (see BurstDrift).

import Basics

package enum ReferenceKernel {
    package static let symbol = "iw_reference"
    static let iterations = 2_000

    /// Eight independent chains, as many lanes as the target's registers hold.
    package static func source(for target: CompileTarget) -> String {
        let lanes = lanes(of: target)
        let chains = 0..<8
        var text = """
            #include <stdint.h>
            typedef float vector __attribute__((vector_size(\(lanes * 4)), aligned(4)));
            void \(symbol)_0(void *const *operands, int64_t first, int64_t last, void *scratch) {
              const float *in = operands[0];
              float *out = operands[1];
              (void)scratch;
              const vector scale = *(const vector *)in, shift = *(const vector *)(in + \(lanes));

            """
        for chain in chains { text += "  vector a\(chain) = shift * \(chain + 1).0f;\n" }
        text += "  for (int64_t i = first; i < last; i++) {\n"
        for chain in chains { text += "    a\(chain) = a\(chain) * scale + shift;\n" }
        text += "  }\n  *(vector *)out = " + chains.map { "a\($0)" }.joined(separator: " + ") + ";\n}\n"
        return text
    }

    /// How to time it, once compiled.
    package static func request(_ object: CompiledObject, target: CompileTarget) -> MeasureRequest {
        let lanes = lanes(of: target)
        let values = [Float](repeating: 0.999, count: lanes) + [Float](repeating: 0.001, count: lanes)  // scale, shift
        let bytes = values.withUnsafeBytes { Array($0) }
        var settings = MeasureSettings()
        settings.samples = 3
        settings.sampleNsMin = 2_000_000
        return MeasureRequest(
            candidate: Digest(of: "reference 1 \(target.rawValue) \(object.digest)"), objectPath: object.path,
            symbol: symbol, phases: [iterations],
            operands: [
                Operand(.input, bytes: bytes.count, contents: .bytes(bytes)), Operand(.result, bytes: lanes * 4),
            ],
            scratchBytes: 0, predictedNs: 2_500, settings: settings)
    }

    private static func lanes(of target: CompileTarget) -> Int {
        switch target {
        case .avx512: return 16
        case .avx2: return 8
        case .plain: return 4
        }
    }
}
