// Puts the parts of a program's C file together. The order: headers, interface, kernels, layout of weights and
// memory, descriptions of the tensors, the checks of `create`, the steps, the functions of the interface.

import Basics
import ProgramIR
import TensorIR

struct ProgramPrinter {
    let program: Program
    let model: ModelDescription
    let prefix: String
    let isa: InstructionSet
    let weights: WeightsLayout

    mutating func text(weightsDigest: [UInt8]) -> String {
        var steps = ProgramStepPrinter(program, prefix: prefix, weights: weights)
        let routines = Set(program.lanes.flatMap { program.routinesCalled(from: $0) }).sorted()
        var functions = routines.map { steps.function(ProgramStepPrinter.routineName($0), program.routines[$0]) }
        for (lane, body) in program.lanes.enumerated() {
            functions.append(steps.function(lanes.functionName(lane), body))
        }
        let parts = [
            opening, programDeclarations(prefix: prefix), kernels, memory(weightsDigest), tensors, statusTexts,
            cpuCheck, lanes.runtime, filled(ProgramTemplate.state),
            steps.expressions.definitions.joined(separator: "\n"), filled(lanes.meeting),
            routines.map { "static int \(ProgramStepPrinter.routineName($0))(Lane *l);" }.joined(separator: "\n"),
            functions.joined(separator: "\n"), filled(ProgramTemplate.fastMath), filled(lanes.running),
            filled(ProgramTemplate.loading), filled(ProgramTemplate.running), filled(ProgramTemplate.asking),
        ]
        return parts.filter { !$0.isEmpty }.map { $0.hasSuffix("\n") ? $0 : $0 + "\n" }.joined(separator: "\n")
    }

    private var lanes: ProgramLanes { ProgramLanes(program: program) }

    /// Only templates are searched for placeholders, never text that holds names of a model.
    private func filled(_ template: String) -> String {
        template
            .replacing("@MODEL@", with: lanes.modelMembers).replacing("@LANE@", with: lanes.laneMembers)
            .replacing("@STOP@", with: lanes.stopping).replacing("@START@", with: lanes.starting)
            .replacing("@ALLOCATE@", with: lanes.allocating).replacing("@P@", with: prefix)
    }

    private var opening: String {
        let table = program.buffers.enumerated().map { index, buffer in
            let place =
                switch buffer.place {
                case .input(let n): "input \(n)"
                case .output(let n): "output \(n)"
                case .constant(let n, let digest): "constant \(n), sha-256 \(digest.hex)"
                case .arena(let offset): "arena + \(offset)"
                }
            return "//   b\(index): \(buffer.bytes) bytes, \(place)"
        }
        return """
            // What runs when, and where every tensor lies. Generated: changes here are lost. Buffers of the program:
            \(table.joined(separator: "\n"))

            #ifndef _GNU_SOURCE
            #define _GNU_SOURCE
            #endif
            #include <fcntl.h>
            #include <stddef.h>
            #include <stdint.h>
            #include <stdlib.h>
            #include <string.h>
            #include <sys/mman.h>
            #include <sys/stat.h>
            #include <unistd.h>

            #define API __attribute__((visibility("default")))
            """
    }

    private var kernels: String {
        var lines: [String] = []
        for kernel in program.kernels {
            lines.append("// \(kernel.name), sha-256 \(kernel.digest.hex)")
            for phase in kernel.phases.indices {
                lines.append(
                    "void \(kernel.name)_\(phase)(void *const *operands, int64_t first, int64_t last, void *scratch);")
            }
        }
        return lines.joined(separator: "\n")
    }

    /// One block of memory: arena, copies of misaligned inputs and outputs, scratch of each lane, slack.
    private func memory(_ weightsDigest: [UInt8]) -> String {
        var end = roundedUp(program.arenaBytes, to: WeightsLayout.lineBytes)
        func placed(_ tensors: [ModelDescription.Tensor]) -> [Int] {
            tensors.map { tensor in
                let start = end
                end = roundedUp(start + tensor.type.bytes, to: WeightsLayout.lineBytes)
                return start
            }
        }
        let (inputs, outputs) = (placed(model.inputs), placed(model.outputs))
        // lanes that write beside each other share no pair of lines
        let scratch = roundedUp(end, to: lanes.scratchAlignment)
        let stride = roundedUp(program.scratchBytes, to: lanes.scratchAlignment)
        let total = scratch + stride * lanes.count + WeightsLayout.slackBytes
        let magic = WeightsLayout.magic.replacing("\n", with: "\\n")
        return """
            enum {
              InputCount = \(model.inputs.count),
              OutputCount = \(model.outputs.count),
              ScalarCount = \(program.scalars),
              WeightsVersion = \(WeightsLayout.version),
              WeightsHeaderBytes = \(WeightsLayout.headerBytes)
            };
            static const size_t WeightsBytes = \(weights.totalBytes);
            static const char WeightsMagic[] = "\(magic)";
            static const unsigned char WeightsDigest[32] = {\(weightsDigest.map(String.init).joined(separator: ", "))};

            // The memory of a model: the arena, then a place for the copy of each misaligned input and output, scratch.
            static const size_t MemoryBytes = \(total);
            static const size_t ScratchPlace = \(scratch);\(lanes.areSeveral ? scratchStride(stride) : "")
            static const size_t InputPlaces[] = {\(list(inputs))};
            static const size_t OutputPlaces[] = {\(list(outputs))};
            """
    }

    private func scratchStride(_ bytes: Int) -> String {
        "\nstatic const size_t ScratchStride = \(bytes);  // from one lane's scratch to the next"
    }

    private var tensors: String { table("Input", model.inputs) + "\n" + table("Output", model.outputs) }

    private func table(_ side: String, _ tensors: [ModelDescription.Tensor]) -> String {
        var lines: [String] = []
        for (index, tensor) in tensors.enumerated() {
            lines.append("static const int64_t \(side)Shape\(index)[] = {\(list(tensor.type.shape))};")
        }
        lines.append("static const \(prefix)_tensor \(side)s[] = {")
        for (index, tensor) in tensors.enumerated() {
            lines.append(
                "  {\(cStringLiteral(tensor.name)), \"\(tensor.type.dtype.rawValue)\", \(tensor.type.rank), "
                    + "\(side)Shape\(index), \(tensor.type.bytes)},")
        }
        if tensors.isEmpty { lines.append("  {0, 0, 0, 0, 0},") }
        return (lines + ["};"]).joined(separator: "\n")
    }

    /// C has no empty array: no numbers become one zero that nobody reads.
    private func list(_ numbers: [Int]) -> String {
        numbers.isEmpty ? "0" : numbers.map(String.init).joined(separator: ", ")
    }

    private var statusTexts: String {
        let lines = ProgramStatus.allCases.map { status in
            "    case \(prefix)_\(status.name): return \(cStringLiteral(status.sentence(isa)));"
        }
        return """
            API const char *\(prefix)_error(int code) {
              switch (code) {
            \(lines.joined(separator: "\n"))
              }
              return "unknown status";
            }
            """
    }

    /// Whether processor and operating system have every feature; not printed when there is nothing to ask for.
    private var cpuCheck: String {
        guard !isa.features.isEmpty else { return "static int cpuSuffices(void) { return 1; }" }
        func mask(_ register: CPUFeature.Register) -> String {
            let bits = isa.features.map(\.place).filter { $0.register == register }.map { UInt32(1) << $0.bit }
            return "0x" + String(bits.reduce(0, |), radix: 16) + "u"
        }
        let state = isa.features.reduce(0) { $0 | $1.stateBits }
        return ProgramTemplate.cpuCheck
            .replacing("@LEAF1@", with: mask(.leaf1ecx)).replacing("@LEAF7@", with: mask(.leaf7ebx))
            .replacing("@EXTENDED@", with: mask(.extendedECX))
            .replacing("@STATE@", with: "0x" + String(state, radix: 16) + "u")
    }
}
