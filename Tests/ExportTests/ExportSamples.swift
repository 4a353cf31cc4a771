// A small model with a loop, a branch and a call for the tests of bundles: two kernels in hand-written C, one
// constant, test vectors that follow from what the program says.

import Basics
import Emit
import ProgramIR
import TensorIR

@testable import Export

func floatBytes(_ values: [Float]) -> [UInt8] { values.flatMap { withUnsafeBytes(of: $0) { Array($0) } } }
func floatValues(_ bytes: [UInt8]) -> [Float] {
    stride(from: 0, to: bytes.count, by: 4).map { at in
        bytes[at..<at + 4].withUnsafeBytes { $0.loadUnaligned(as: Float.self) }
    }
}

enum ExportSample {
    static let ramp = (0..<16).map { Float($0) }

    /// y = c + x[0] + x[1] + x[2], doubled if `twice` is not zero; c is `factor` times 0, 1, 2, …
    static func program(_ constant: [UInt8]) -> Program {
        func all(_ kernel: Int, _ phase: Int, _ operands: [Address]) -> Step {
            .run(kernel: kernel, phase: phase, from: .integer(0), to: .integer(16), operands: operands)
        }
        let (sum, row) = (Address(buffer: 3), Address(buffer: 0, offset: .axis(2) * .integer(64)))
        return Program(
            kernels: [
                KernelUse(name: "add", digest: Digest(of: "add"), phases: [16], operandBytes: [64, 64, 64]),
                KernelUse(name: "scale", digest: Digest(of: "scale"), phases: [16, 16], operandBytes: [64, 64]),
            ],
            buffers: [
                ProgramBuffer(bytes: 192, place: .input(0)), ProgramBuffer(bytes: 4, place: .input(1)),
                ProgramBuffer(bytes: 64, place: .constant(0, Digest(of: constant))),
                ProgramBuffer(bytes: 64, place: .arena(offset: 0)), ProgramBuffer(bytes: 64, place: .output(0)),
            ],
            scalars: 3, counters: 0, frames: 1, routines: [[all(1, 0, [sum, sum])]],
            lanes: [
                [
                    all(1, 1, [Address(buffer: 2), sum]), .load(scalar: 1, Address(buffer: 1), .i32),
                    .loop(scalar: 2, from: .integer(0), to: .integer(3), [all(0, 0, [row, sum, sum])]),
                    .branch(
                        .binary(.notEqual, .axis(1), .integer(0)), [.call(routine: 0, keep: [])],
                        [.set(scalar: 2, .integer(0))]),
                    all(1, 1, [sum, Address(buffer: 4)]),
                ]
            ],
            arenaBytes: 64, scratchBytes: 64)
    }

    static let addText = """
        #include <stdint.h>
        void add_0(void *const *p, int64_t first, int64_t last, void *scratch) {
          (void)scratch;
          for (int64_t i = first; i < last; i++) ((float *)p[2])[i] = ((float *)p[0])[i] + ((float *)p[1])[i];
        }

        """
    static let scaleText = """
        #include <stdint.h>
        void scale_0(void *const *p, int64_t first, int64_t last, void *scratch) {
          (void)scratch;
          for (int64_t i = first; i < last; i++) ((float *)p[1])[i] = ((float *)p[0])[i] * 2;
        }
        void scale_1(void *const *p, int64_t first, int64_t last, void *scratch) {
          (void)scratch;
          for (int64_t i = first; i < last; i++) ((float *)p[1])[i] = ((float *)p[0])[i];
        }

        """

    static func vector(factor: Float, twice: Int32, start: Float) -> TestVector {
        let rows = (0..<48).map { start + Float($0 % 7) }
        let sums = (0..<16).map { Float($0) * factor + rows[$0] + rows[16 + $0] + rows[32 + $0] }
        return TestVector(
            inputs: [floatBytes(rows), withUnsafeBytes(of: twice) { Array($0) }],
            outputs: [floatBytes(twice == 0 ? sums : sums.map { $0 * 2 })])
    }

    /// - Parameter unread: names of more inputs, which the program does not look at.
    static func request(
        name: String = "small", factor: Float = 1, inputs: [String] = ["x", "twice"], output: String = "y",
        model: String = "Small model", unread: [String] = []
    ) -> BundleRequest {
        let constant = floatBytes(ramp.map { $0 * factor })
        func tensor(_ name: String, _ dtype: DType, _ shape: [Int]) -> ModelDescription.Tensor {
            ModelDescription.Tensor(name: name, type: TensorType(dtype, shape))
        }
        var vectors = [vector(factor: factor, twice: 0, start: 1), vector(factor: factor, twice: 1, start: -3)]
        for index in vectors.indices { vectors[index].inputs += unread.map { _ in [0] } }
        return BundleRequest(
            name: name, program: program(constant),
            model: ModelDescription(
                name: model,
                inputs: [tensor(inputs[0], .f32, [3, 16]), tensor(inputs[1], .i32, [])]
                    + unread.map { tensor($0, .bool, []) },
                outputs: [tensor(output, .f32, [16])]),
            kernels: [
                KernelSource(name: "scale", text: scaleText, workload: nil),
                KernelSource(name: "add", text: addText, workload: Digest(of: "workload of add")),
            ],
            constants: [constant], isa: .plain, flags: ["-O1", "-std=gnu11", "-ffp-contract=fast", "-shared"],
            digests: BundleDigests(
                model: Digest(of: "model"), program: Digest(of: "program"), toolchain: Digest(of: "toolchain")),
            vectors: vectors,
            tolerance: Tolerance())
    }
}
