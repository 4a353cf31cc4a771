// Programs of three lanes, compiled and run: they compute what the interpreter computes in every run, also when lanes
// sleep, fail or are cancelled; every lane flushes denormals and has its own scratch; threads end with the model and
// the caller's thread is left as it was; the thread sanitizer, where the compiler has it, finds no race.

import Basics
import Glibc
import ProgramIR
import TensorIR
import Testing

@testable import Emit

private let rows = ProgramSample.floats((0..<64).map { Float(($0 * 37) % 29) - 14 })

enum LaneSample {
    /// mix: out[i] = in[(i + 7) % 16] / 2 + i, so that every lane needs what the others made.
    /// copy: out = in through the lane's scratch.
    static let kernels = [
        KernelUse(name: "mix", digest: Digest(of: "mix"), phases: [16], operandBytes: [64, 64]),
        KernelUse(name: "copy", digest: Digest(of: "copy"), phases: [16], operandBytes: [64, 64]),
    ]

    static let kernelText = """
        #include <stdint.h>
        #include <unistd.h>
        void mix_0(void *const *p, int64_t first, int64_t last, void *scratch) {
          (void)scratch;
          for (int64_t i = first; i < last; i++) ((float *)p[1])[i] = ((float *)p[0])[(i + 7) % 16] / 2 + (float)i;
        }
        void copy_0(void *const *p, int64_t first, int64_t last, void *scratch) {
          float *own = scratch;
          for (int64_t i = first; i < last; i++) own[i % 16] = ((float *)p[0])[i];
          for (int64_t i = first; i < last; i++) ((float *)p[1])[i] = own[i % 16];
        }

        """

    static func perform(_ call: PhaseCall, _ operands: [UnsafeMutableRawBufferPointer]) {
        for i in call.tasks {
            let from = call.kernel == 0 ? (i + 7) % 16 : i
            let value = operands[0].load(fromByteOffset: 4 * from, as: Float.self)
            operands[1].storeBytes(
                of: call.kernel == 0 ? value / 2 + Float(i) : value, toByteOffset: 4 * i, as: Float.self)
        }
    }

    private static let parts = [0..<5, 5..<10, 10..<16]

    private static func run(_ kernel: Int, _ lane: Int, _ operands: [Address]) -> Step {
        .run(
            kernel: kernel, phase: 0, from: .integer(parts[lane].lowerBound), to: .integer(parts[lane].upperBound),
            operands: operands)
    }

    /// Rounds of mixing between two halves of a buffer, as many as the data says; the last one goes to the output.
    static let program: Program = {
        let round = Expr.axis(1)
        func half(_ e: Expr) -> Address {
            Address(buffer: 3, offset: .binary(.floorModulo, e, .integer(2)) * .integer(64))
        }
        let lanes = (0..<3).map { lane -> [Step] in
            let others = (0..<3).filter { $0 != lane }
            func meet(_ value: Expr) -> [Step] { others.map { .wait(counter: $0, value) } }
            return [
                .load(scalar: 2, Address(buffer: 1), .i32), run(1, lane, [Address(buffer: 2), half(.integer(0))]),
                .publish(counter: lane, .integer(1)),
                .loop(
                    scalar: 1, from: .integer(0), to: .axis(2),
                    meet(round + .integer(1)) + [
                        run(0, lane, [half(round), half(round + .integer(1))]),
                        .publish(counter: lane, round + .integer(2)),
                    ]),
            ] + meet(.axis(2) + .integer(1)) + [run(1, lane, [half(.axis(2)), Address(buffer: 4)])]
        }
        return Program(
            kernels: kernels,
            buffers: [
                ProgramBuffer(bytes: 256, place: .input(0)), ProgramBuffer(bytes: 8, place: .input(1)),
                ProgramBuffer(bytes: 64, place: .constant(0, Digest(of: ProgramSample.constant))),
                ProgramBuffer(bytes: 128, place: .arena(offset: 0)), ProgramBuffer(bytes: 64, place: .output(0)),
            ],
            scalars: 3, counters: 3, frames: 0, routines: [], lanes: lanes, arenaBytes: 128, scratchBytes: 64)
    }()

    static func interpret(_ inputs: [[UInt8]], seed: UInt64) throws -> [UInt8] {
        var memory = ProgramMemory(program, inputs: inputs, constants: [ProgramSample.constant])
        try program.execute(&memory, order: .random(seed: seed)) { (call, bytes) throws(Never) in
            perform(call, bytes)
        }
        return memory.output(0)
    }

    static func inputs(rounds: Int) -> [[UInt8]] { [rows, ProgramSample.integers([Int32(rounds), 0])] }
}

@Suite struct ProgramLaneTests {
    @Test func everyRunDoesWhatTheInterpreterDoes() throws {
        let library = try LoadedProgram(LaneSample.program, kernels: LaneSample.kernelText)
        let (first, second) = (try library.create(), try library.create())
        for rounds in [0, 1, 2, 7, 40, 3, 200] {
            let inputs = LaneSample.inputs(rounds: rounds)
            let expected = try LaneSample.interpret(inputs, seed: UInt64(rounds))
            for _ in 0..<20 {
                let (status, output) = try library.run(first, inputs)
                #expect(status == 0 && output == expected, "\(rounds) rounds")
            }
            #expect(try library.run(second, inputs, shift: 4).output == expected, "misaligned, \(rounds) rounds")
        }
        try library.destroy(first)
        try library.destroy(second)
    }

    @Test func lanesThatSleepAreCalled() throws {
        // lane 2 is late in every round, and runs are far apart: everyone sleeps everywhere
        let slow = LaneSample.kernelText.replacing(
            "for (int64_t i = first; i < last; i++) ((float *)p[1])[i] = ((float *)p[0])[(i",
            with: "if (first == 10) usleep(300);\n  for (int64_t i = first; i < last; i++) "
                + "((float *)p[1])[i] = ((float *)p[0])[(i")
        #expect(slow != LaneSample.kernelText)
        let library = try LoadedProgram(LaneSample.program, kernels: slow)
        let model = try library.create()
        let inputs = LaneSample.inputs(rounds: 9)
        let expected = try LaneSample.interpret(inputs, seed: 3)
        for _ in 0..<10 {
            #expect(try library.run(model, inputs).output == expected)
            usleep(500)
        }
        try library.destroy(model)
    }

    @Test func aLaneThatFailsHoldsNobody() throws {
        var program = LaneSample.program
        // lane 1 reads beside the buffer when n[1] is large, before anyone hears of it
        program.scalars = 4
        program.lanes[1].insert(
            contentsOf: [
                .load(scalar: 3, Address(buffer: 1, offset: .integer(4)), .i32),
                .load(scalar: 3, Address(buffer: 0, offset: .axis(3)), .u8),
            ], at: 1)
        let library = try LoadedProgram(program, kernels: LaneSample.kernelText)
        let model = try library.create()
        let good = LaneSample.inputs(rounds: 5)
        let expected = try LaneSample.interpret(good, seed: 1)
        for _ in 0..<5 {
            #expect(try library.run(model, [rows, ProgramSample.integers([5, 256])]).status == 12)
            let (status, output) = try library.run(model, good)
            #expect(status == 0 && output == expected)
        }
        try library.destroy(model)
    }

    @Test func aRunThatIsCancelledEndsOnEveryLane() throws {
        let kernels = LaneSample.kernelText.replacing(
            "void mix_0(",
            with: """
                extern void sample_cancel(void *model);
                __attribute__((visibility("default"))) void *running;
                static int calls;
                void mix_0(
                """
        ).replacing(
            "  (void)scratch;\n  for",
            with: "  (void)scratch;\n  if (first == 5 && ++calls == 3) sample_cancel(running);\n  for")
        let library = try LoadedProgram(LaneSample.program, kernels: kernels)
        let model = try library.create()
        try library.symbol("running").storeBytes(of: model, as: OpaquePointer.self)
        let inputs = LaneSample.inputs(rounds: 1 << 30)
        #expect(try library.sentence(try library.run(model, inputs).status) == "the run was cancelled")
        let few = LaneSample.inputs(rounds: 4)
        #expect(try library.run(model, few).output == LaneSample.interpret(few, seed: 1))
        try library.destroy(model)
    }

    @Test func moreLanesThanProcessorsRunAllTheSame() throws {
        // the lanes of the sample, and more that publish and wait for each other in a ring
        var program = LaneSample.program
        program.counters = 12
        for lane in 3..<12 {
            program.lanes.append([
                .wait(counter: lane - 1, .integer(1)), .publish(counter: lane, .integer(1)),
                .wait(counter: lane == 11 ? 3 : 11, .integer(1)),
            ])
        }
        try program.verify()
        let library = try LoadedProgram(program, kernels: LaneSample.kernelText)
        let model = try library.create()
        let inputs = LaneSample.inputs(rounds: 6)
        for _ in 0..<5 { #expect(try library.run(model, inputs).output == LaneSample.interpret(inputs, seed: 9)) }
        try library.destroy(model)
    }

    #if arch(x86_64)
        @Test func everyLaneFlushesDenormals() throws {
            let (input, output) = (Address(buffer: 0), Address(buffer: 4))
            var program = LaneSample.program
            program.kernels = ProgramSample.kernels
            program.lanes = [0..<5, 5..<10, 10..<16].map { part in
                [
                    .run(
                        kernel: 1, phase: 0, from: .integer(part.lowerBound), to: .integer(part.upperBound),
                        operands: [input, output])
                ]
            }
            let library = try LoadedProgram(program)
            let model = try library.create()
            let tiny = ProgramSample.floats([Float](repeating: .leastNonzeroMagnitude, count: 64))
            let (status, result) = try library.run(model, [tiny, ProgramSample.integers([2, 0])])
            #expect(status == 0 && result == [UInt8](repeating: 0, count: 64))
            let factor = Float(result.count) / 32
            #expect(Float.leastNonzeroMagnitude * factor > 0)
            try library.destroy(model)
        }
    #endif

    @Test func eachLaneHasItsOwnScratch() throws {
        let source = try ProgramSource(LaneSample.program, model: ProgramSample.model, prefix: "sample")
        #expect(source.text.contains("static const size_t ScratchStride = 128;"))
        #expect(source.text.contains("enum { LaneCount = 3, CounterCount = 3 };"))
        #expect(source.text.contains("CounterLane[] = {0, 1, 2, 0};"))
        var other = LaneSample.program
        other.lanes.swapAt(0, 2)
        let swapped = try ProgramSource(other, model: ProgramSample.model, prefix: "sample")
        #expect(swapped.text.contains("CounterLane[] = {2, 1, 0, 0};"))
        #expect(swapped.digest != source.digest)
    }

    @Test func oneLaneHasNoThreadAndNoCounter() throws {
        let text = try emitProgram(ProgramSample.program, model: ProgramSample.model, prefix: "sample")
        for word in ["pthread", "futex", "LaneTeam", "waitFor", "ScratchStride"] { #expect(!text.contains(word)) }
    }

    @Test func namesOfTheRuntimeCannotBeThoseOfAnInterface() throws {
        let text = try emitProgram(LaneSample.program, model: ProgramSample.model, prefix: "sample")
        let names = text.matches(of: /\n(?:static|typedef)[^\n;={]* \*?([A-Za-z_0-9]+)\(/).map { String($0.output.1) }
        #expect(names.count > 15)
        for name in names { #expect(name.contains { $0.isUppercase } || name == "__attribute__", "\(name)") }
    }

    @Test func whatLanesCannotDoIsOneSentence() {
        func sentence(_ change: (inout Program) -> Void) -> String {
            var program = LaneSample.program
            change(&program)
            do throws(ProgramEmissionError) {
                return try emitProgram(program, model: ProgramSample.model, prefix: "sample")
            } catch {
                return error.sentence
            }
        }
        #expect(
            sentence { $0.lanes += [[Step]](repeating: [], count: 1022) }
                == "the program has 1025 lanes and programs of at most 1024 are printed as C; plan it for fewer threads"
        )
        #expect(
            sentence { $0.lanes[2].append(.publish(counter: 2, .integer(1 << 32))) }
                == "the program publishes 4294967296 on counter 2, and counters count from 0 to 4294967294; plan it "
                + "again")
    }
}

@Suite struct LaneThreadTests {
    @Test func threadsEndWithTheModelAndTheCallerIsLeftAsItWas() throws {
        let result = try LaneProgram("clang").run()
        #expect(result.output == "ok\n" && result.status == 0)
    }

    @Test(.enabled(if: LaneProgram.sanitizer != nil, "no compiler with a thread sanitizer"))
    func theThreadSanitizerFindsNoRace() throws {
        let compiler = try #require(LaneProgram.sanitizer)
        let result = try LaneProgram(compiler, ["-fsanitize=thread", "-g"]).run()
        #expect(result.output == "ok\n" && result.status == 0, "\(result.output)")
    }

    @Test(.enabled(if: LaneProgram.sanitizer != nil, "no compiler with a thread sanitizer"))
    func theThreadSanitizerFindsAWaitThatIsMissing() throws {
        var program = LaneSample.program
        program.lanes[1] = program.lanes[1].map { step in
            guard case .loop(let scalar, let from, let to, let body) = step else { return step }
            return .loop(scalar: scalar, from: from, to: to, Array(body.dropFirst()))
        }
        let compiler = try #require(LaneProgram.sanitizer)
        let result = try LaneProgram(compiler, ["-fsanitize=thread", "-g"], program).run()
        #expect(result.status != 0 && result.output.contains("ThreadSanitizer: data race"))
    }
}
