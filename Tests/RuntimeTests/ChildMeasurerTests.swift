// The real child: what it computes, and that no kernel can do more harm than to fail.
// Every hostile kernel is really compiled and run; each test then shows that the measurer still answers.
// The program that contains the child must have been built; without it these tests fail and say so.

import Basics
import Glibc
import Testing

@testable import Runtime

private let header = """
    #define _GNU_SOURCE
    #include <fcntl.h>
    #include <signal.h>
    #include <stdint.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/mman.h>
    #include <sys/socket.h>
    #include <sys/syscall.h>
    #include <unistd.h>

    """

/// A kernel over one input (4 KiB), one result (100 bytes) and 64 bytes of scratch, with this body.
private func kernel(_ body: String) -> String {
    header + """
        void bad_0(void *const *operands, int64_t first, int64_t last, void *scratch) {
          const volatile char *in = operands[0];
          volatile char *out = operands[1];
          volatile char *work = scratch;
          (void)in; (void)out; (void)work;
          \(body)
        }

        """
}

private func request(_ path: String, timeoutMs: Int = 5_000) -> ExecuteRequest {
    ExecuteRequest(
        objectPath: path, kernels: [KernelCall(symbol: "bad", phases: [1], operands: [0, 1], scratchBytes: 64)],
        operands: [
            Operand(.input, bytes: 4096, contents: .bytes([UInt8](repeating: 9, count: 4096))),
            Operand(.result, bytes: 100),
        ], timeoutMs: timeoutMs)
}

/// Runs one kernel body in a fresh child; then shows that the measurer still works.
private func failure(of body: String, timeoutMs: Int = 5_000) throws -> MeasureFailure? {
    let folder = try sharedFolder()
    let compiler = try sharedCompiler()
    let measurer = try childMeasurer(folder)
    let bad = try object(compiler.compile(source: kernel(body), name: "bad"))
    let outcome = measurer.execute(request(bad.path, timeoutMs: timeoutMs))
    let good = try object(compiler.compile(source: kernel("memset((void *)out, in[5], 100);"), name: "good"))
    #expect(measurer.execute(request(good.path)) == .outputs([[UInt8](repeating: 9, count: 100)]))
    switch outcome {
    case .outputs: return nil
    case .failed(let failure): return failure
    }
}

@Test func kernelsRunPhaseByPhaseOnTheOperandsGiven() throws {
    let folder = try TestFolder()
    for target in CompileTarget.allCases where target.runsHere {
        let built = try object(try testCompiler(folder, target: target).compile(source: twoPhaseSource, name: "twice"))
        let measurer = try childMeasurer(folder)
        let x = (0..<4096).map { Float($0) * 0.5 }
        let timing = twoPhaseRequest(built.path, built.digest, x: x)
        guard case .outputs(let outputs) = measurer.execute(ExecuteRequest(timing)) else {
            Issue.record("did not run")
            return
        }
        #expect(outputs.count == 1)
        #expect(floats(outputs[0]) == x.map { 3 * $0 })
        #expect(measurer.childrenStarted == 1)
    }
}

@Test func severalKernelsShareOperands() throws {
    let folder = try TestFolder()
    let built = try object(try testCompiler(folder).compile(source: twoPhaseSource, name: "twice"))
    let x = (0..<32).map(Float.init)
    let operands =
        [Operand(.input, bytes: 128, contents: .bytes(floats(x)))]
        + (0..<4).map { Operand($0 == 3 ? .result : .temporary, bytes: 128) }
    let first = KernelCall(symbol: "twice", phases: [2, 2], operands: [0, 1, 2], scratchBytes: 64)
    let second = KernelCall(symbol: "twice", phases: [2, 2], operands: [2, 3, 4], scratchBytes: 64)
    let outcome = try childMeasurer(folder).execute(
        ExecuteRequest(objectPath: built.path, kernels: [first, second], operands: operands))
    #expect(outcome == .outputs([floats(x.map { 9 * $0 })]))
}

@Test func streamedConstantsAreRotatedAndStillRight() throws {
    let folder = try TestFolder()
    let measurer = try childMeasurer(folder)
    // counts how often a call sees constants at another address than the call before, and crashes if it never happens
    let source = kernel(
        """
        static const volatile char *before;
        static int moved, calls;
        if (before && before != in) moved++;
        before = in;
        if (in[0] != 9) abort();
        if (++calls == 50 && moved != 49) abort();
        """)
    let built = try object(try testCompiler(folder).compile(source: source, name: "rotate"))
    var operands = request(built.path).operands
    operands[0].role = .constant
    var settings = quickSettings()
    settings.constantCopies = 4
    let outcome = measurer.measure(
        MeasureRequest(
            candidate: built.digest, objectPath: built.path, symbol: "bad", phases: [1], operands: operands,
            scratchBytes: 64, predictedNs: 10, settings: settings))
    guard case .reading(let reading) = outcome else {
        Issue.record("\(outcome)")
        return
    }
    #expect(reading.calls > 50)
}

@Test func aCandidateFarBehindTheIncumbentIsCut() throws {
    let folder = try TestFolder()
    let source = kernel("for (volatile int i = 0; i < 20000; i++) {}")
    let built = try object(try testCompiler(folder).compile(source: source, name: "slow"))
    var settings = quickSettings()
    settings.cutoffNs = 1
    let outcome = try childMeasurer(folder).measure(
        MeasureRequest(
            candidate: built.digest, objectPath: built.path, symbol: "bad", phases: [1],
            operands: request("").operands, scratchBytes: 64, predictedNs: 10, settings: settings))
    guard case .reading(let reading) = outcome else {
        Issue.record("\(outcome)")
        return
    }
    #expect(reading.cut && reading.samplesNs.count == 1 && reading.samplesNs[0] > 1)
}

@Test func aCrashIsReportedWithItsSignal() throws {
    #expect(try failure(of: "*(volatile int *)8 = 1;") == .crashed(signal: SIGSEGV))
    #expect(try failure(of: "__builtin_trap();") == .crashed(signal: SIGILL))
    #expect(try failure(of: "abort();") == .crashed(signal: SIGABRT))
}

@Test func anEndlessKernelIsKilledInTime() throws {
    #expect(try failure(of: "for (;;) { *out = 1; }", timeoutMs: 200) == .timedOut(ms: 200))
}

@Test func forbiddenSystemCallsEndTheChild() throws {
    for body in [
        "socket(AF_INET, SOCK_STREAM, 0);", "fork();", "execve(\"/bin/true\", 0, 0);", "kill(1, 9);",
        "syscall(SYS_ptrace, 0, 0, 0, 0);", "syscall(SYS_unlink, \"/tmp/x\");",
    ] {
        #expect(try failure(of: body) == .crashed(signal: SIGSYS), "\(body)")
    }
}

@Test func aKernelCannotWriteFilesOrReadForeignOnes() throws {
    let folder = try TestFolder()
    let target = folder.path + "/made"
    #expect(
        try failure(of: "if (open(\"\(target)\", O_WRONLY | O_CREAT, 0644) >= 0) abort(); memset((void *)out, 1, 100);")
            == nil)
    #expect(access(target, F_OK) != 0)
    #expect(try failure(of: "if (write(2, \"x\", 1) >= 0) abort();") == nil)
    let measurer = try childMeasurer(folder)
    if try #require(measurer.sandbox).readOnlyFiles {
        #expect(try failure(of: "if (open(\"/etc/passwd\", O_RDONLY) >= 0) abort();") == nil)
    }
}

@Test func writesOutsideOperandsAreFound() throws {
    #expect(try failure(of: "out[100] = 1;") == .wroteRedZone(operand: 1, offset: 100))
    #expect(try failure(of: "out[-1] = 1;") == .wroteRedZone(operand: 1, offset: -1))
    #expect(try failure(of: "work[64] = 1;") == .wroteRedZone(operand: 2, offset: 64))
    #expect(try failure(of: "out[200] = 1;") == .wroteRedZone(operand: 1, offset: 200))
    #expect(try failure(of: "((char *)in)[17] = 1;") == .wroteInput(operand: 0))
    #expect(try failure(of: "memset((void *)work, 1, 64); memset((void *)out, 1, 100);") == nil)
}

@Test func anObjectWithAConstructorIsNeverOpened() throws {
    let folder = try TestFolder()
    let mark = folder.path + "/mark"
    let source =
        header + """
            __attribute__((constructor)) static void early(void) { open("\(mark)", O_WRONLY | O_CREAT, 0644); }
            void bad_0(void *const *operands, int64_t first, int64_t last, void *scratch) {}

            """
    let outcome = try testCompiler(folder).compile(source: source, name: "constructor")
    guard case .failed(let failure) = outcome else {
        Issue.record("an object with a constructor was accepted")
        return
    }
    #expect(failure.reason == .refused(.constructors(tag: "init_array")))
    // the same object, made behind the compiler's back
    let path = folder.path + "/raw.so"
    try Folder.write(Array(source.utf8), to: folder.path + "/raw.c")
    let made = try runTool(
        testToolchains[0].path, ["-shared", "-fPIC", "-o", path, folder.path + "/raw.c"],
        environment: Toolchain.environment(environmentPath()), wallMs: 60_000)
    #expect(made.succeeded, "\(made.output)")
    guard case .failed(.refused) = try childMeasurer(folder).execute(request(path)) else {
        Issue.record("an object with a constructor was opened")
        return
    }
    #expect(access(mark, F_OK) != 0)
}

@Test func aMissingPhaseOrObjectIsRefusedWithoutLosingTheChild() throws {
    let folder = try TestFolder()
    let measurer = try childMeasurer(folder)
    let built = try object(try testCompiler(folder).compile(source: kernel("*out = 1;"), name: "one"))
    var twoPhases = request(built.path)
    twoPhases.kernels[0].phases = [1, 1]
    #expect(measurer.execute(twoPhases) == .failed(.refused(reason: "has no function bad_1")))
    #expect(measurer.execute(request(folder.path + "/none.so")).failure?.kind == "refused")
    var tooMany = request(built.path)
    tooMany.kernels[0].phases = Array(repeating: 1, count: 17)
    #expect(measurer.execute(tooMany).failure?.kind == "refused")
    #expect(measurer.execute(request(built.path)).failure == nil)
    #expect(measurer.childrenStarted == 1)
}

@Test func aProgramRunsThroughItsThreeFunctions() throws {
    let folder = try TestFolder()
    let measurer = try childMeasurer(folder)
    let good = try bundleRequest(folder)
    #expect(measurer.executeProgram(good) == .outputs([floats([3] + [Float](repeating: 6, count: 63))]))
    #expect(
        measurer.executeProgram(try bundleRequest(folder, weights: "absent.bin"))
            == .failed(.programFailed(step: .create, status: 7)))
    #expect(
        measurer.executeProgram(try bundleRequest(folder, first: -1))
            == .failed(.programFailed(step: .run, status: 3)))
    #expect(
        measurer.measureProgram(try bundleRequest(folder, first: -1))
            == .failed(.programFailed(step: .run, status: 3)))
    guard case .reading = measurer.measureProgram(good) else {
        Issue.record("the program was not timed")
        return
    }
    #expect(measurer.childrenStarted == 1)
}

@Test func aProgramThatIsNoMeasuringChildIsReportedAsUnavailable() throws {
    var configuration = ChildMeasurer.Configuration(readableFolders: [])
    configuration.executablePath = "/bin/true"
    configuration.helloTimeoutMs = 2_000
    let failure = ChildMeasurer(configuration).execute(request("/none.so")).failure
    #expect(failure?.kind == "unavailable")
    #expect(failure?.blamesCandidate == false)
    configuration.executablePath = "/no/such/program"
    #expect(ChildMeasurer(configuration).execute(request("/none.so")).failure?.kind == "unavailable")
}

@Test func theReferenceKernelIsTimedOnEveryTarget() throws {
    let folder = try TestFolder()
    let measurer = try childMeasurer(folder)
    for target in CompileTarget.allCases where target.runsHere {
        let compiler = try testCompiler(folder, target: target)
        let built = try object(compiler.compile(source: ReferenceKernel.source(for: target), name: "reference"))
        var request = ReferenceKernel.request(built, target: target)
        request.settings = quickSettings()
        guard case .reading(let reading) = measurer.measure(request) else {
            Issue.record("no reading on \(target)")
            continue
        }
        #expect(reading.leastNs > 100, "2,000 iterations cannot be that fast")
    }
}

extension ExecuteOutcome {
    fileprivate var failure: MeasureFailure? {
        switch self {
        case .outputs: return nil
        case .failed(let failure): return failure
        }
    }
}
