// The text of printed programs, the layout of weights, and the sentences for what is not printed.

import Basics
import ProgramIR
import TensorIR
import Testing

@testable import Emit

@Suite struct ProgramSourceTests {
    @Test func theTextIsTheSameEveryTimeAndChangesWithTheProgram() throws {
        let source = try ProgramSource(ProgramSample.program, model: ProgramSample.model, prefix: "sample")
        #expect(try ProgramSource(ProgramSample.program, model: ProgramSample.model, prefix: "sample") == source)
        #expect(try emitProgram(ProgramSample.program, model: ProgramSample.model, prefix: "sample") == source.text)
        var other = ProgramSample.program
        other.buffers[2].place = .constant(0, Digest(of: "other bytes"))
        #expect(try ProgramSource(other, model: ProgramSample.model, prefix: "sample").digest != source.digest)
        let bytes = digestBytes(source.digest).map(String.init).joined(separator: ", ")
        #expect(source.text.contains("WeightsDigest[32] = {\(bytes)}"))
    }

    @Test func onlyTheFunctionsThatAreUsedArePrinted() throws {
        let text = try emitProgram(ProgramSample.program, model: ProgramSample.model, prefix: "sample")
        #expect(text.contains("int64_t floorMod(") && text.contains("int64_t loadI32("))
        #expect(!text.contains("wrapPow") && !text.contains("loadBool"))
    }

    @Test func theCancelFlagIsLookedAtEverySixtyFourRuns() throws {
        var program = ProgramSample.program
        let step = ProgramSample.run(1, 0, [Address(buffer: 2), Address(buffer: 4)])
        program.routines = []
        program.lanes = [[Step](repeating: step, count: 200)]
        let text = try emitProgram(program, model: ProgramSample.model, prefix: "sample")
        #expect(text.split(separator: "isCancelled(l)) return sample_cancelled;").count == 4)
    }

    @Test func theProcessorIsAskedForTheFeaturesOfTheInstructionSet() throws {
        let wide = try emitProgram(ProgramSample.program, model: ProgramSample.model, prefix: "sample", isa: .avx512)
        #expect(wide.contains("(b & 0xd0030128u) != 0xd0030128u") && wide.contains("(low & 0xe6u) != 0xe6u"))
        #expect(wide.contains("lacks instructions that the library was compiled for (avx512: avx2 fma f16c"))
        let plain = try emitProgram(ProgramSample.program, model: ProgramSample.model, prefix: "sample")
        #expect(!plain.contains("cpuid"))
        #expect(InstructionSet(named: "avx2") == .avx2 && InstructionSet(named: "sse9") == nil)
    }

    @Test func constantsLieOnLinesAndLargeOnesOnPages() throws {
        var program = ProgramSample.program
        let (small, large) = ([UInt8](repeating: 7, count: 64), [UInt8](repeating: 9, count: 5000))
        program.buffers[2] = ProgramBuffer(bytes: 64, place: .constant(1, Digest(of: small)))
        program.buffers.append(ProgramBuffer(bytes: 5000, place: .constant(0, Digest(of: large))))
        program.buffers.append(ProgramBuffer(bytes: 33, place: .constant(1, Digest(of: small))))
        let source = try ProgramSource(program, model: ProgramSample.model, prefix: "sample")
        #expect(source.weights.constants.map(\.offset) == [4096, 9152])
        #expect(source.weights.totalBytes == 9152 + 64 + 256)
        let file = try source.weights.file(program: source.digest, contents: [large, small])
        #expect(file.count == source.weights.totalBytes)
        #expect(Array(file[..<8]) == Array("IRONWTS\n".utf8) && file[8] == 1 && file[12] == 2)
        #expect(Array(file[24..<56]) == digestBytes(source.digest))
        #expect(file[4095] == 0 && file[4096] == 9 && file[9095] == 9 && file[9152] == 7 && file[9216] == 0)
        #expect(digestBytes(Digest(of: "abc")).prefix(3) == [0xba, 0x78, 0x16])
    }

    @Test func namesOfTensorsBecomeStringsOfTheirBytes() {
        #expect(cStringLiteral("a/b 1") == "\"a/b 1\"")
        #expect(cStringLiteral("\"\\\n??/*/") == #""\042\134\012\077\077/\052/""#)
        #expect(cStringLiteral("é0") == #""\303\2510""#)
    }

    @Test func whatCannotBePrintedIsOneSentence() {
        func sentence(_ change: (inout Program, inout ModelDescription) -> Void, prefix: String = "sample") -> String {
            var (program, model) = (ProgramSample.program, ProgramSample.model)
            change(&program, &model)
            do throws(ProgramEmissionError) {
                return try emitProgram(program, model: model, prefix: prefix)
            } catch {
                return error.sentence
            }
        }
        #expect(
            sentence { program, _ in program.counters = 1 }
                == "the program has one lane and 1 counter, which only lanes that run beside each other need; plan it "
                + "again")
        #expect(
            sentence({ _, _ in }, prefix: "9lives")
                == "'9lives' cannot begin the names of C functions; use a lower-case letter, then letters, digits and "
                + "'_', at most 63 in all")
        #expect(
            sentence({ _, _ in }, prefix: "scale_1")
                == "the name 'scale_1' is also that of a kernel's function in this program; choose another name")
        #expect(
            sentence { _, model in model.inputs.removeLast() }
                == "buffer 1 of the program lies in input 1, and the model has 1 input; program and model do not "
                + "belong together")
        #expect(
            sentence { _, model in model.outputs[0] = ProgramSample.tensor("y\n", .f32, [15]) }
                == "output 0 of the model, \"y\\n\", has 60 bytes, and the program uses 64 of it; program and model do "
                + "not belong together")
        #expect(
            sentence { _, model in model.outputs.append(ProgramSample.tensor("z", .f32, [1])) }
                == "no step of the program can write output 1 of the model, \"z\", since no buffer lies in it; program "
                + "and model do not belong together")
        #expect(
            sentence { program, _ in program.buffers[2].place = .constant(2, Digest(of: "")) }
                == "no buffer of the program lies in constant 0, though there are higher numbers; number the constants "
                + "without gaps")
        #expect(
            sentence { program, _ in program.scalars = 0 }.hasPrefix(
                "the program is not valid: the program has 0 scalars"))
    }

    @Test func constantsOfAnotherProgramAreRefused() throws {
        let source = try ProgramSource(ProgramSample.program, model: ProgramSample.model, prefix: "sample")
        func sentence(_ contents: [[UInt8]]) -> String? {
            do throws(ProgramEmissionError) {
                _ = try source.weights.file(program: source.digest, contents: contents)
                return nil
            } catch {
                return error.sentence
            }
        }
        #expect(sentence([ProgramSample.constant]) == nil)
        #expect(
            sentence([]) == "the program reads 1 constant and was given 0; give the constants of this program")
        #expect(
            sentence([[1, 2]])
                == "constant 0 has 2 bytes and the program reads 64; give the constants of this program")
        let wrong = [UInt8](repeating: 0, count: 64)
        #expect(
            sentence([wrong])
                == "the bytes of constant 0 have digest \(Digest(of: wrong).short) and the program was planned for "
                + "\(Digest(of: ProgramSample.constant).short); prepare the constants again")
    }
}
