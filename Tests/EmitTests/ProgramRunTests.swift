// Printed programs, compiled and run: they compute what the interpreter computes, on aligned memory and on any other,
// and end with a status where the data or a caller asks for something impossible.

import Basics
import ProgramIR
import TensorIR
import Testing

@testable import Emit

private let rows = ProgramSample.floats((0..<64).map { Float(($0 * 37) % 29) - 14 })

@Suite struct ProgramRunTests {
    @Test func loopsBranchesAndCallsDoWhatTheInterpreterDoes() throws {
        let library = try LoadedProgram(ProgramSample.program)
        let model = try library.create()
        for n in -1...5 {
            let inputs = [rows, ProgramSample.integers([Int32(n), Int32(n + 1)])]
            let expected = try ProgramSample.interpret(ProgramSample.program, inputs: inputs)
            let (status, output) = try library.run(model, inputs)
            #expect(status == 0)
            #expect(output == expected, "n = \(n)")
            let shifted = try library.run(model, inputs, shift: 4)
            #expect(shifted.status == 0 && shifted.output == expected, "misaligned, n = \(n)")
        }
        try library.destroy(model)
    }

    @Test func everyScalarOperatorDoesWhatTheInterpreterDoes() throws {
        let operators: [BinaryOperator] = [
            .add, .subtract, .multiply, .floorDivide, .floorModulo, .truncDivide, .truncRemainder, .power, .maximum,
            .minimum,
        ]
        let comparisons: [BinaryOperator] = [.equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual]
        let values: [Int64] = [.min, -7, -1, 0, 1, 3, 1 << 40, .max]
        var steps: [Step] = []
        // Each result is folded into scalar 3 as a hash; what cannot be printed would fail to compile.
        func fold(_ e: Expr) {
            steps.append(.set(scalar: 3, .axis(3) * .integer(31) + e))
        }
        func literal(_ value: Int64) -> Expr { .literal(.integer(value)) }
        for a in values {
            // Scalars hide the values from constant folding in the C compiler's front end and in bounds.
            steps.append(.set(scalar: 1, .axis(1) * .integer(0) + literal(a)))
            fold(.cast(.i64, .cast(.bool, .axis(1))))
            for op in [UnaryOperator.negate, .absolute, .sign] { fold(.unary(op, .axis(1))) }
            for b in values {
                steps.append(.set(scalar: 2, .axis(2) * .integer(0) + literal(b)))
                for op in operators { fold(.binary(op, .axis(1), .axis(2))) }
                for op in comparisons { fold(.select(.binary(op, .axis(1), .axis(2)), .integer(5), .integer(9))) }
                let both = Expr.binary(
                    .and, .binary(.less, .axis(1), .axis(2)), .unary(.not, .binary(.equal, .axis(1), .integer(0))))
                fold(.select(both, .integer(2), .integer(4)))
            }
        }
        // The hash decides, bit by bit, whether 1 is added.
        let buffer = Address(buffer: 3)
        for bit in 0..<32 {
            let isSet = Expr.binary(
                .equal, .binary(.floorModulo, .binary(.floorDivide, .axis(3), .integer(1 << bit)), .integer(2)),
                .integer(1))
            steps.append(ProgramSample.run(1, 0, [buffer, buffer]))
            steps.append(.branch(isSet, [ProgramSample.run(1, 1, [buffer, buffer])], []))
            if bit % 16 == 15 { steps.append(ProgramSample.run(0, 0, [buffer, buffer, Address(buffer: 4)])) }
        }
        var program = ProgramSample.program
        program.lanes = [steps]
        let inputs = [rows, ProgramSample.integers([0, 0])]
        let library = try LoadedProgram(program)
        let model = try library.create()
        let expected = try ProgramSample.interpret(program, inputs: inputs)
        let (status, output) = try library.run(model, inputs)
        #expect(status == 0)
        #expect(output == expected)
        #expect(output != [UInt8](repeating: 0, count: 64))
        try library.destroy(model)
    }

    @Test func modelsOfOneProcessDoNotMeet() throws {
        let library = try LoadedProgram(ProgramSample.program)
        let other = try LoadedProgram(ProgramSample.program, prefix: "other")
        let (first, second, third) = (try library.create(), try library.create(), try other.create())
        let inputs = [rows, ProgramSample.integers([3, 2])]
        let expected = try ProgramSample.interpret(ProgramSample.program, inputs: inputs)
        try library.cancel(second)
        #expect(try library.run(first, inputs).output == expected)
        #expect(try library.run(second, inputs).status == 10)
        #expect(try library.run(second, inputs).output == expected)
        #expect(try other.run(third, inputs).output == expected)
        try library.destroy(first)
        #expect(try library.run(second, inputs).output == expected)
        try library.destroy(second)
        try other.destroy(third)
    }

    @Test func aRunThatIsCancelledEndsAtTheNextTurnOfALoop() throws {
        var program = ProgramSample.program
        program.lanes = [
            [
                .loop(
                    scalar: 1, from: .integer(0), to: .integer(Int.max),
                    [ProgramSample.run(1, 0, [Address(buffer: 2), Address(buffer: 4)])])
            ]
        ]
        // The kernel itself cancels in its third call, as another thread would.
        let kernels = """
            #include <stdint.h>
            extern void sample_cancel(void *model);
            __attribute__((visibility("default"))) void *running;
            static int calls;
            void scale_0(void *const *p, int64_t first, int64_t last, void *scratch) {
              if (++calls == 3) sample_cancel(running);
              ((float *)p[1])[0] = (float)calls;
            }
            """
        let library = try LoadedProgram(program, kernels: kernels)
        let model = try library.create()
        try library.symbol("running").storeBytes(of: model, as: OpaquePointer.self)
        let (status, output) = try library.run(model, [rows, ProgramSample.integers([0, 0])])
        #expect(try library.sentence(status) == "the run was cancelled")
        #expect(output[0..<4].elementsEqual(ProgramSample.floats([3])))
        try library.destroy(model)
    }

    @Test func whatTheDataMakesImpossibleIsAStatus() throws {
        func status(_ n: [Int32], _ steps: [Step], _ routines: [[Step]] = []) throws -> String {
            var program = ProgramSample.program
            program.routines = routines
            program.lanes = [[.load(scalar: 1, Address(buffer: 1), .i32)] + steps]
            let library = try LoadedProgram(program)
            let model = try library.create()
            let sentence = try library.sentence(try library.run(model, [rows, ProgramSample.integers(n)]).status)
            try library.destroy(model)
            return sentence
        }
        let (arena, output) = (Address(buffer: 3), Address(buffer: 4))
        let row = Address(buffer: 0, offset: .axis(1))
        #expect(try status([192, 0], [ProgramSample.run(0, 0, [row, arena, output])]) == "success")
        for n in [Int32(193), -1] {
            let sentence = try status([n, 0], [ProgramSample.run(0, 0, [row, arena, output])])
            #expect(sentence == "the model's data leads to an element that is not there")
        }
        let some = Step.run(kernel: 1, phase: 0, from: .integer(1), to: .axis(1), operands: [arena, output])
        #expect(try status([16, 0], [some]) == "success")
        for n in [Int32(17), 0] {
            #expect(try status([n, 0], [some]) == "the model's data asks for work that is not there")
        }
        let recursion: [[Step]] = [
            [.branch(.binary(.less, Program.depth, .axis(1)), [.call(routine: 0, keep: [])], [])]
        ]
        #expect(try status([3, 0], [.call(routine: 0, keep: [])], recursion) == "success")
        let deep = try status([4, 0], [.call(routine: 0, keep: [])], recursion)
        #expect(deep == "the model's data asks for deeper recursion than it was built for")
    }

    @Test func anAddressInLoadedDataIsChecked() throws {
        var program = ProgramSample.program
        program.lanes = [
            [
                .load(scalar: 1, Address(buffer: 1), .i32),
                .load(scalar: 2, Address(buffer: 0, offset: .axis(1)), .u8),
                ProgramSample.run(1, 0, [Address(buffer: 2), Address(buffer: 4)]),
            ]
        ]
        let library = try LoadedProgram(program)
        let model = try library.create()
        #expect(try library.run(model, [rows, ProgramSample.integers([255, 0])]).status == 0)
        #expect(try library.run(model, [rows, ProgramSample.integers([256, 0])]).status == 12)
        try library.destroy(model)
    }

    #if arch(x86_64)
        @Test func denormalsAreZeroDuringARunAndOnlyThen() throws {
            var program = ProgramSample.program
            program.lanes = [[ProgramSample.run(1, 0, [Address(buffer: 0), Address(buffer: 4)])]]
            let library = try LoadedProgram(program)
            let model = try library.create()
            let denormal = Float.leastNonzeroMagnitude
            let tiny = ProgramSample.floats([Float](repeating: denormal, count: 64))
            let (status, output) = try library.run(model, [tiny, ProgramSample.integers([2, 0])])
            #expect(status == 0 && output == [UInt8](repeating: 0, count: 64))
            let factor = Float(output.count) / 32
            #expect(denormal * factor > denormal)
            try library.destroy(model)
        }
    #endif
}
