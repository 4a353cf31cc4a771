// Shared by the tests of Runtime: a compiler with a throw-away cache, the executable that contains the measuring
// child, and small kernels.
// Tests may read the environment; the code under test gets the search path as an argument.

import Basics
import Glibc
import Testing

@testable import Runtime

let testSearchPath = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"

/// A fresh folder for one test, removed with the last reference to it.
final class TestFolder: Sendable {
    let path: String
    init() throws { path = try Folder.makeTemporary(in: "/tmp") }
    deinit { Folder.removeTree(path) }
}

/// One folder and one compiler for tests that do not ask about the cache; the folder goes when the tests end.
private let shared: (folder: TestFolder, compiler: Compiler)? = {
    guard let folder = try? TestFolder(), let compiler = try? testCompiler(folder) else { return nil }
    atexit { shared.map { Folder.removeTree($0.folder.path) } }
    return (folder, compiler)
}()

func sharedFolder() throws -> TestFolder { try #require(shared, "no working C compiler").folder }
func sharedCompiler() throws -> Compiler { try #require(shared, "no working C compiler").compiler }

/// The toolchains of this machine, found once.
let testToolchains: [Toolchain] = (try? Toolchain.find(searchPath: environmentPath())) ?? []

func environmentPath() -> String { getenv("PATH").map { String(cString: $0) } ?? testSearchPath }

func testCompiler(_ folder: TestFolder, target: CompileTarget = .plain) throws -> Compiler {
    let toolchain = try #require(testToolchains.first, "no C compiler on the PATH")
    return try Compiler(toolchain, target: target, searchPath: environmentPath(), cacheFolder: folder.path)
}

func object(_ outcome: CompileOutcome) throws -> CompiledObject {
    switch outcome {
    case .compiled(let object): return object
    case .failed(let failure):
        Issue.record("did not compile: \(failure.reason) \(failure.log)")
        throw FixtureError.notCompiled
    }
}

enum FixtureError: Error { case notCompiled }

/// The built program whose main starts with the measuring child: beside the test bundle, or in the package's build
/// folder.
func measuringExecutable() throws -> String {
    let bundle = Folder.absolute("/proc/self/exe").split(separator: "/").dropLast().joined(separator: "/")
    let package = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let places = ["/\(bundle)/ironworks", "/\(package)/.build/release/ironworks", "/\(package)/.build/debug/ironworks"]
    let found = places.first { access($0, X_OK) == 0 }
    return try #require(found, "build the ironworks program before its tests: no executable at \(places)")
}

func childMeasurer(_ folder: TestFolder) throws -> ChildMeasurer {
    var configuration = ChildMeasurer.Configuration(readableFolders: [folder.path])
    configuration.executablePath = try measuringExecutable()
    return ChildMeasurer(configuration)
}

/// Two phases: t = 2 x, then y = t + x, with one task per 16 elements.
let twoPhaseSource = """
    #include <stdint.h>
    void twice_0(void *const *operands, int64_t first, int64_t last, void *scratch) {
      const float *x = operands[0];
      float *t = operands[1];
      float *s = scratch;
      for (int64_t i = first * 16; i < last * 16; i++) { s[i % 16] = x[i]; t[i] = s[i % 16] + x[i]; }
    }
    void twice_1(void *const *operands, int64_t first, int64_t last, void *scratch) {
      const float *x = operands[0], *t = operands[1];
      float *y = operands[2];
      for (int64_t i = first * 16; i < last * 16; i++) y[i] = t[i] + x[i];
    }

    """

func floats(_ values: [Float]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }
func floats(_ bytes: [UInt8]) -> [Float] {
    bytes.withUnsafeBytes { raw in
        (0..<bytes.count / 4).map { raw.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
    }
}

/// Fast settings: tests assert what happens, not how fast.
func quickSettings() -> MeasureSettings {
    var settings = MeasureSettings()
    settings.warmNs = 10_000
    settings.sampleNsMin = 20_000
    return settings
}

func twoPhaseRequest(_ path: String, _ candidate: Digest, x: [Float]) -> MeasureRequest {
    MeasureRequest(
        candidate: candidate, objectPath: path, symbol: "twice", phases: [x.count / 16, x.count / 16],
        operands: [
            Operand(.constant, bytes: x.count * 4, contents: .bytes(floats(x))),
            Operand(.temporary, bytes: x.count * 4), Operand(.result, bytes: x.count * 4),
        ], scratchBytes: 64, predictedNs: 1_000, settings: quickSettings())
}
