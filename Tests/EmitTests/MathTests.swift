// The functions of iw_math.h over samples of the whole f32 range, against libm in double and the bounds that the
// header states. The loops are the compiler's vector code; plain and the widest instruction set are both checked,
// since fused multiply-adds round differently.

import DeviceModel
import Glibc
import TensorIR
import Testing

@testable import Emit

@Suite struct MathTests {
    private static func harness() -> String {
        let kernel = emit(kernels: [], dialect: .c(.plain))
        let unary = [
            "exp", "log", "tanh", "erf", "sin", "cos", "asin", "acos", "atan", "floor", "ceil", "round", "sqrt", "sign",
        ]
        let wide = ["asin", "acos", "atan"].map { name in
            """
            void \(name)_f64_0(void *const *operands, int64_t first, int64_t last, void *scratch) {
              const double *restrict x = (const double *)operands[0];
              double *restrict y = (double *)operands[1];
              (void)scratch;
              IW_VECTOR
              for (int64_t i = first; i < last; ++i) y[i] = iw_\(name)_f64(x[i]);
            }
            """
        }
        let loops = unary.map { name in
            """
            void \(name)_0(void *const *operands, int64_t first, int64_t last, void *scratch) {
              const float *restrict x = (const float *)operands[0];
              float *restrict y = (float *)operands[1];
              (void)scratch;
              IW_VECTOR
              for (int64_t i = first; i < last; ++i) y[i] = iw_\(name)_f32(x[i]);
            }
            """
        }
        let power = """
            void pow_0(void *const *operands, int64_t first, int64_t last, void *scratch) {
              const float *restrict x = (const float *)operands[0], *restrict z = (const float *)operands[1];
              float *restrict y = (float *)operands[2];
              (void)scratch;
              IW_VECTOR
              for (int64_t i = first; i < last; ++i) y[i] = iw_pow_f32(x[i], z[i]);
            }
            """
        return kernel + (loops + wide + [power]).joined(separator: "\n") + "\n"
    }

    private static let isas: [ISA] = runnableISAs[0] == .plain ? [.plain] : [runnableISAs[0], .plain]

    /// Error in units of the last place of the result's binade; subnormal results may be anything up to 2^-126.
    private func error(_ found: Float, _ exact: Double) -> Double {
        if exact.isNaN || found.isNaN { return exact.isNaN && found.isNaN ? 0 : .infinity }
        let rounded = Float(exact)
        if rounded == found { return 0 }
        if rounded.isInfinite || found.isInfinite {
            return abs(exact) >= Double(Float.greatestFiniteMagnitude) * (1 - 0x1p-23) && !found.isNaN ? 0 : .infinity
        }
        if abs(exact) < 0x1p-126 { return abs(found) <= 0x1p-126 ? 0 : .infinity }
        return abs(Double(found) - exact) / Double(Float(abs(exact).binade).ulp)
    }

    @Test func functionsKeepTheirBoundsOverTheWholeRange() throws {
        let functions: [(String, Double, (Double) -> Double)] = [
            ("exp", 1.1, { Glibc.exp($0) }), ("log", 1, { Glibc.log($0) }), ("tanh", 6, { Glibc.tanh($0) }),
            ("erf", 7, { Glibc.erf($0) }), ("sin", 1, { Glibc.sin($0) }), ("cos", 1, { Glibc.cos($0) }),
            ("asin", 2, { Glibc.asin($0) }), ("acos", 1.5, { Glibc.acos($0) }), ("atan", 2, { Glibc.atan($0) }),
            ("floor", 0, { $0.rounded(.down) }), ("ceil", 0, { $0.rounded(.up) }),
            ("round", 0, { $0.rounded(.toNearestOrEven) }), ("sqrt", 0.5, { $0.squareRoot() }),
            ("sign", 0, { ScalarRules.apply(.sign, $0) }),
        ]
        // An odd stride through all bit patterns: every exponent, both signs, infinities and NaN.
        let samples = samples(every: 52_313)
        for isa in Self.isas {
            let compiled = try CompiledC(Self.harness(), isa: isa)
            let x = AlignedBytes(of: samples)
            let y = AlignedBytes(of: samples)
            for (name, bound, exact) in functions {
                try compiled.call("\(name)_0", [x, y], count: samples.count)
                let worst = zip(samples, y.array(of: Float.self)).reduce((0.0, Float(0))) { worst, pair in
                    let wrong = error(pair.1, exact(Double(pair.0)))
                    return wrong > worst.0 ? (wrong, pair.0) : worst
                }
                #expect(worst.0 <= bound, "\(name) at \(worst.1) on \(isa)")
            }
            #expect(y.isIntact)
        }
    }

    @Test func arcFunctionsInDoubleKeepTheirBounds() throws {
        let functions: [(String, Double, (Float80) -> Float80)] = [
            ("asin", 2.5, { asinl($0) }), ("acos", 1.5, { acosl($0) }), ("atan", 2, { atanl($0) }),
        ]
        // [-1.5, 1.5] evenly, and every exponent.
        var samples: [Double] = [0, -0.0, 1, -1, 0.5, .nan, .infinity, -.infinity, 0x1.3504f333f9de6p+1]
        samples += (0...60_000).map { Double($0 - 30_000) / 20_000 }
        samples += (1..<2046).map { Double(bitPattern: UInt64($0) << 52 | 0x5_1234_5678_9abc) }
        for isa in Self.isas {
            let compiled = try CompiledC(Self.harness(), isa: isa)
            let (x, y) = (AlignedBytes(of: samples), AlignedBytes(of: samples))
            for (name, bound, exact) in functions {
                try compiled.call("\(name)_f64_0", [x, y], count: samples.count)
                let worst = zip(samples, y.array(of: Double.self)).reduce((0.0, 0.0)) { worst, pair in
                    let wrong = error(pair.1, exact(Float80(pair.0)))
                    return wrong > worst.0 ? (wrong, pair.0) : worst
                }
                #expect(worst.0 <= bound, "\(name) at \(worst.1) on \(isa)")
            }
            #expect(y.isIntact)
        }
    }

    private func error(_ found: Double, _ exact: Float80) -> Double {
        if exact.isNaN || found.isNaN { return exact.isNaN && found.isNaN ? 0 : .infinity }
        let rounded = Double(exact)
        if rounded == found { return 0 }
        return Double(abs(Float80(found) - exact) / Float80(rounded.ulp))
    }

    private func samples(every step: UInt32) -> [Float] {
        let special: [Float] = [
            0, -0.0, .infinity, -.infinity, .nan, 88.72283, 88.72284, -87.33654, -87.33655, 0.5, 1.5, 2.5, -2.5, 1,
            .leastNormalMagnitude, .greatestFiniteMagnitude, 9.01, 3.92, 0x1p20, 0x1p23, -0x1p23,
        ]
        let patterns = stride(from: UInt32(0), to: UInt32.max - step, by: Int(step))
        return special + patterns.map { Float(bitPattern: $0) }
    }

    @Test func powerKeepsItsBoundAndItsSpecialCases() throws {
        let special: [Float] = [
            0, -0.0, 1, -1, 2, -2, 0.5, -0.5, 3, -3, .infinity, -.infinity, .nan, 1e-30, 1e30, -1e30, 16_777_216, -5.5,
        ]
        var bases: [Float] = []
        var exponents: [Float] = []
        for base in special {
            for exponent in special {
                bases.append(base)
                exponents.append(exponent)
            }
        }
        let ordinary = samples(every: 700_001).map { abs($0) }
        for (at, base) in ordinary.enumerated() {
            bases += [base, 1 + Float(at % 1000) * 1e-4]
            exponents += [Float(at % 41 - 20) / 7, Float(at % 2001 - 1000) / 2]
        }
        for isa in Self.isas {
            let compiled = try CompiledC(Self.harness(), isa: isa)
            let y = AlignedBytes(of: bases)
            try compiled.call("pow_0", [AlignedBytes(of: bases), AlignedBytes(of: exponents), y], count: bases.count)
            var worst = (0.0, Float(0), Float(0))
            for (at, found) in y.array(of: Float.self).enumerated() {
                let exact = Glibc.pow(Double(bases[at]), Double(exponents[at]))
                let wrong = found == 0 && exact == 0 && found.sign != exact.sign ? .infinity : error(found, exact)
                if wrong > worst.0 { worst = (wrong, bases[at], exponents[at]) }
            }
            #expect(worst.0 < 1, "pow(\(worst.1), \(worst.2)) on \(isa)")
        }
    }

    @Test func noFunctionCallsTheLibrary() throws {
        // Linked without any library, and every symbol is required. Loading needs no instruction set.
        for isa in ISA.allCases {
            #expect(throws: Never.self) {
                _ = try CompiledC(Self.harness(), isa: isa, flags: ["-nostdlib", "-Wl,-z,defs"])
            }
        }
    }
}
