// A program that uses every step a lane can have, with two kernels in hand-written C and in Swift, and what compiles
// and loads a printed program. Shared by the tests of program printing; tests may read the environment.

import Basics
import Glibc
import ProgramIR
import TensorIR
import Testing

@testable import Emit

enum ProgramSample {
    static let constant: [UInt8] = floats((0..<16).map { Float($0) * 0.5 - 3 })

    static func floats(_ values: [Float]) -> [UInt8] { values.flatMap { withUnsafeBytes(of: $0) { Array($0) } } }
    static func integers(_ values: [Int32]) -> [UInt8] { values.flatMap { withUnsafeBytes(of: $0) { Array($0) } } }

    /// add: out = a + b. scale: phase 0 is out = 2 in, phase 1 is out = in + 1. One element a task.
    static let kernels = [
        KernelUse(name: "add", digest: Digest(of: "add"), phases: [16], operandBytes: [64, 64, 64]),
        KernelUse(name: "scale", digest: Digest(of: "scale"), phases: [16, 16], operandBytes: [64, 64]),
    ]

    static let kernelText = """
        #include <stdint.h>
        void add_0(void *const *p, int64_t first, int64_t last, void *scratch) {
          for (int64_t i = first; i < last; i++) ((float *)p[2])[i] = ((float *)p[0])[i] + ((float *)p[1])[i];
        }
        void scale_0(void *const *p, int64_t first, int64_t last, void *scratch) {
          for (int64_t i = first; i < last; i++) ((float *)p[1])[i] = ((float *)p[0])[i] * 2;
        }
        void scale_1(void *const *p, int64_t first, int64_t last, void *scratch) {
          for (int64_t i = first; i < last; i++) ((float *)p[1])[i] = ((float *)p[0])[i] + 1;
        }
        """

    /// The same kernels in Swift, for the interpreter.
    static func perform(_ call: PhaseCall, _ operands: [UnsafeMutableRawBufferPointer]) {
        for i in call.tasks {
            func at(_ operand: Int) -> Float { operands[operand].load(fromByteOffset: 4 * i, as: Float.self) }
            let value = call.kernel == 0 ? at(0) + at(1) : call.phase == 0 ? at(0) * 2 : at(0) + 1
            operands[call.kernel == 0 ? 2 : 1].storeBytes(of: value, toByteOffset: 4 * i, as: Float.self)
        }
    }

    static let model = ModelDescription(
        name: "sample", inputs: [tensor("x", .f32, [4, 16]), tensor("n", .i32, [2])],
        outputs: [tensor("y", .f32, [16])])

    static func tensor(_ name: String, _ dtype: DType, _ shape: [Int]) -> ModelDescription.Tensor {
        ModelDescription.Tensor(name: name, type: TensorType(dtype, shape))
    }

    static func run(_ kernel: Int, _ phase: Int, _ operands: [Address]) -> Step {
        .run(kernel: kernel, phase: phase, from: .integer(0), to: .integer(16), operands: operands)
    }

    /// Adds the first n rows of x, n from the data, to the doubled constant; odd n go through a recursion that doubles
    /// three times; tasks `n[1] ..< 16` get 1 added.
    static let program = Program(
        kernels: kernels,
        buffers: [
            ProgramBuffer(bytes: 256, place: .input(0)), ProgramBuffer(bytes: 8, place: .input(1)),
            ProgramBuffer(bytes: 64, place: .constant(0, Digest(of: constant))),
            ProgramBuffer(bytes: 64, place: .arena(offset: 128)), ProgramBuffer(bytes: 64, place: .output(0)),
        ],
        scalars: 5, counters: 0, frames: 3,
        routines: [
            [
                .branch(.binary(.less, Program.depth, .integer(3)), [.call(routine: 0, keep: [3])], []),
                .set(scalar: 3, .axis(3) + .integer(1)), run(1, 0, [Address(buffer: 3), Address(buffer: 3)]),
            ]
        ],
        lanes: [
            [
                run(1, 0, [Address(buffer: 2), Address(buffer: 3)]), .load(scalar: 1, Address(buffer: 1), .i32),
                .loop(
                    scalar: 2, from: .integer(0), to: .integer(4),
                    [
                        .stopIf(.binary(.greaterOrEqual, .axis(2), .axis(1))),
                        run(
                            0, 0,
                            [
                                Address(buffer: 0, offset: .axis(2) * .integer(64)), Address(buffer: 3),
                                Address(buffer: 3),
                            ]),
                    ]),
                .branch(
                    .binary(.equal, .binary(.floorModulo, .axis(1), .integer(2)), .integer(1)),
                    [.call(routine: 0, keep: [2])], [run(1, 1, [Address(buffer: 3), Address(buffer: 3)])]),
                .load(scalar: 4, Address(buffer: 1, offset: .integer(4)), .i32),
                .run(
                    kernel: 1, phase: 1, from: .axis(4), to: .integer(16),
                    operands: [Address(buffer: 3), Address(buffer: 3)]),
                run(0, 0, [Address(buffer: 3), Address(buffer: 3), Address(buffer: 4)]),
            ]
        ],
        arenaBytes: 192, scratchBytes: 100)

    static func interpret(_ program: Program, inputs: [[UInt8]]) throws -> [UInt8] {
        var memory = ProgramMemory(program, inputs: inputs, constants: [constant])
        try program.execute(&memory) { (call, bytes) throws(Never) in perform(call, bytes) }
        return memory.output(0)
    }
}

/// A program compiled with its kernels and loaded; freed with the last reference.
final class LoadedProgram {
    private let folder: String
    private let handle: UnsafeMutableRawPointer
    private let prefix: String
    let weightsPath: String

    init(_ program: Program, kernels: String = ProgramSample.kernelText, prefix: String = "sample") throws {
        let source = try ProgramSource(program, model: ProgramSample.model, prefix: prefix)
        var template = Array("/tmp/program-XXXXXX".utf8CString)
        folder = String(cString: try #require(mkdtemp(&template)))
        weightsPath = folder + "/weights.bin"
        self.prefix = prefix
        try write(Array(source.text.utf8), folder + "/program.c")
        try write(Array(kernels.utf8), folder + "/kernels.c")
        let count = source.weights.constants.count
        let contents = [[UInt8]](repeating: ProgramSample.constant, count: count)
        try write(try source.weights.file(program: source.digest, contents: contents), weightsPath)
        let library = folder + "/library.so"
        try compile([
            "-O1", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-fPIC", "-shared", "-fvisibility=hidden",
            "-pthread", "-o", library, folder + "/program.c", folder + "/kernels.c",
        ])
        handle = try #require(dlopen(library, RTLD_NOW | RTLD_LOCAL), "the library does not load")
    }

    deinit {
        dlclose(handle)
        for name in ["program.c", "kernels.c", "weights.bin", "library.so"] { unlink(folder + "/" + name) }
        rmdir(folder)
    }

    func create() throws -> OpaquePointer {
        typealias Create = @convention(c) (UnsafePointer<CChar>, UnsafeMutablePointer<OpaquePointer?>) -> CInt
        var model: OpaquePointer?
        #expect(try function("create", Create.self)(weightsPath, &model) == 0)
        return try #require(model)
    }

    func destroy(_ model: OpaquePointer) throws {
        typealias Destroy = @convention(c) (OpaquePointer) -> Void
        try function("destroy", Destroy.self)(model)
    }

    func cancel(_ model: OpaquePointer) throws {
        typealias Cancel = @convention(c) (OpaquePointer) -> Void
        try function("cancel", Cancel.self)(model)
    }

    /// Runs on memory that is `shift` bytes off a line.
    func run(_ model: OpaquePointer, _ inputs: [[UInt8]], shift: Int = 0) throws -> (status: Int32, output: [UInt8]) {
        typealias Run =
            @convention(c) (
                OpaquePointer, UnsafePointer<UnsafeRawPointer?>, UnsafePointer<UnsafeMutableRawPointer?>
            ) -> CInt
        let blocks = (inputs + [[UInt8](repeating: 0xff, count: 64)]).map { bytes in
            let block = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count + 64, alignment: 64)
            UnsafeMutableRawBufferPointer(rebasing: block[shift..<shift + bytes.count]).copyBytes(from: bytes)
            return block
        }
        defer { for block in blocks { block.deallocate() } }
        let pointers = blocks.map { $0.baseAddress.map { $0 + shift } }
        let status = try function("run", Run.self)(
            model, pointers.dropLast().map { UnsafeRawPointer($0) }, [pointers.last ?? nil])
        return (status, Array(blocks[blocks.count - 1][shift..<shift + 64]))
    }

    func sentence(_ status: Int32) throws -> String {
        typealias Sentence = @convention(c) (CInt) -> UnsafePointer<CChar>
        return String(cString: try function("error", Sentence.self)(status))
    }

    func symbol(_ name: String) throws -> UnsafeMutableRawPointer { try #require(dlsym(handle, name)) }

    private func function<F>(_ name: String, _: F.Type) throws -> F {
        unsafeBitCast(try symbol(prefix + "_" + name), to: F.self)
    }
}

private func write(_ bytes: [UInt8], _ path: String) throws {
    let file = try #require(fopen(path, "wbe"), "cannot write \(path)")
    let written = fwrite(bytes, 1, bytes.count, file)
    fclose(file)
    #expect(written == bytes.count)
}

private func compile(_ arguments: [String]) throws {
    let search = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
    var result: Int32 = -1
    for compiler in ["clang", "gcc", "cc"] {
        let settings = ["PATH=" + search, "LC_ALL=C"]
        var argv = ([compiler] + arguments).map { strdup($0) } + [nil]
        var environment = settings.map { strdup($0) } + [nil]
        defer { for text in argv + environment { free(text) } }
        var child: pid_t = 0
        guard posix_spawnp(&child, compiler, nil, nil, &argv, &environment) == 0 else { continue }
        waitpid(child, &result, 0)
        break
    }
    try #require(result == 0, "the generated C does not compile")
}
