// Compiles a C source with the clang on the PATH into a shared object and calls its functions in this process. The
// sandboxed child that measures candidates is another module's business; here the sources are our own.

import DeviceModel
import Glibc
import KernelIR
import TensorIR
import Testing

@testable import Emit

struct CompileFailure: Error, CustomStringConvertible {
    var description: String
}

/// A loaded shared object; owned by one test.
final class CompiledC {
    typealias Entry =
        @convention(c) (
            UnsafePointer<UnsafeMutableRawPointer?>, Int64, Int64, UnsafeMutableRawPointer?
        ) -> Void

    private let handle: UnsafeMutableRawPointer

    init(_ source: String, isa: ISA = .plain, flags extra: [String] = [], libraries: [String] = []) throws {
        var template = Array("/tmp/ironworks-emit-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw CompileFailure(description: "no temporary folder") }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let (path, object) = (folder + "/k.c", folder + "/k.so")
        defer {
            unlink(path)
            unlink(object)
            rmdir(folder)
        }
        guard let file = fopen(path, "w") else { throw CompileFailure(description: "cannot write \(path)") }
        fputs(source, file)
        fclose(file)
        let flags = ["-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-ffp-contract=fast", "-fno-math-errno"]
        let machine =
            switch isa {
            case .avx512: ["-march=x86-64-v4", "-mprefer-vector-width=512"]
            case .avx2: ["-march=x86-64-v3"]
            case .plain: [String]()
            }
        let arguments = ["clang"] + flags + machine + extra + ["-fPIC", "-shared", "-o", object, path] + libraries
        try CompiledC.run(arguments)
        guard let handle = dlopen(object, RTLD_NOW | RTLD_LOCAL) else {
            throw CompileFailure(description: String(cString: dlerror()))
        }
        self.handle = handle
    }

    deinit { dlclose(handle) }

    static func run(_ arguments: [String]) throws {
        var child = pid_t()
        var argv = arguments.map { strdup($0) } + [nil]
        defer { for text in argv { free(text) } }
        guard posix_spawnp(&child, arguments[0], nil, nil, &argv, environ) == 0 else {
            throw CompileFailure(description: "cannot start \(arguments[0])")
        }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        guard status == 0 else { throw CompileFailure(description: "\(arguments[0]) failed, see its messages") }
    }

    private func address(_ symbol: String) throws -> UnsafeMutableRawPointer {
        guard let address = dlsym(handle, symbol) else { throw CompileFailure(description: "no symbol \(symbol)") }
        return address
    }

    func entry(_ symbol: String) throws -> Entry { unsafeBitCast(try address(symbol), to: Entry.self) }

    /// Calls `void SYMBOL(const IN *, …, OUT *, int64_t n)` through the entry's signature.
    func call(_ symbol: String, _ operands: [AlignedBytes], count: Int) throws {
        let pointers = operands.map { Optional($0.address) }
        try entry(symbol)(pointers, 0, Int64(count), nil)
    }
}

/// 64-byte aligned memory with a guard pattern behind it.
final class AlignedBytes {
    let address: UnsafeMutableRawPointer
    let count: Int
    private static let guardBytes = 64
    private static let pattern: UInt8 = 0xa5

    init(_ bytes: [UInt8]) {
        count = bytes.count
        address = .allocate(byteCount: max(1, count) + AlignedBytes.guardBytes, alignment: 64)
        address.copyMemory(from: bytes, byteCount: count)
        (address + count).initializeMemory(as: UInt8.self, repeating: AlignedBytes.pattern, count: 64)
    }

    convenience init<T>(of values: [T]) { self.init(values.withUnsafeBytes { Array($0) }) }

    deinit { address.deallocate() }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: address, count: count) }
    func array<T>(of type: T.Type) -> [T] { Array(bytes.bindMemory(to: type)) }

    var isIntact: Bool {
        (0..<AlignedBytes.guardBytes).allSatisfy {
            (address + count).load(fromByteOffset: $0, as: UInt8.self) == AlignedBytes.pattern
        }
    }
}

/// The instruction sets that this machine executes.
let runnableISAs: [ISA] = {
    let probe = """
        int avx512_0(void) {
          return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
        }
        int avx2_0(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
        void probe_0(void *const *operands, long first, long last, void *scratch) {
          (void)first, (void)last, (void)scratch;
          ((int *)operands[0])[0] = avx512_0();
          ((int *)operands[0])[1] = avx2_0();
        }
        """
    guard let compiled = try? CompiledC(probe) else { return [] }
    let flags = AlignedBytes(of: [Int32(0), 0])
    guard (try? compiled.call("probe_0", [flags], count: 1)) != nil else { return [] }
    let found = flags.array(of: Int32.self)
    return (found[0] != 0 ? [.avx512] : []) + (found[1] != 0 ? [.avx2] : []) + [.plain]
}()

extension Kernel {
    static func checked(_ text: String) throws -> Kernel {
        let kernel = try Kernel(parsing: text)
        try kernel.verify()
        return kernel
    }

    /// Runs the compiled kernel, its tasks in two ranges per phase; returns one tensor per buffer.
    func run(_ compiled: CompiledC, name: String, _ operands: [TensorValue]) throws -> [TensorValue] {
        let memory = operands.map { AlignedBytes($0.bytes) }
        let scratch = AlignedBytes([UInt8](repeating: 0x7f, count: scratchBytes))
        let pointers = memory.map { Optional($0.address) }
        for (index, phase) in phases.enumerated() {
            let entry = try compiled.entry(entryName(name, phase: index))
            let middle = Int64(phase.tasks / 2)
            entry(pointers, middle, Int64(phase.tasks), scratch.address)
            entry(pointers, 0, middle, scratch.address)
        }
        let isIntact = memory.allSatisfy { $0.isIntact } && scratch.isIntact
        #expect(isIntact)
        return zip(buffers, memory).map { TensorValue(TensorType($0.dtype, [$0.elements]), bytes: $1.bytes) }
    }
}
