// Bundles of a program with several lanes: the self-test passes, the library exports what any bundle exports and needs
// the C library and its threads only, and header, README and manifest say how many lanes there are.

import Basics
import Emit
import ProgramIR
import TensorIR
import Testing

@testable import Export

/// The small model, its first and last copy split between two lanes.
private func twoLanes() -> BundleRequest {
    var request = ExportSample.request()
    let (sum, output) = (Address(buffer: 3), Address(buffer: 4))
    func copy(_ from: Address, _ to: Address, _ tasks: Range<Int>) -> Step {
        .run(
            kernel: 1, phase: 1, from: .integer(tasks.lowerBound), to: .integer(tasks.upperBound), operands: [from, to])
    }
    let middle = Array(request.program.lanes[0][1...3])
    request.program.counters = 2
    request.program.lanes = [
        [copy(Address(buffer: 2), sum, 0..<8), .wait(counter: 1, .integer(1))] + middle
            + [.publish(counter: 0, .integer(1)), copy(sum, output, 0..<8)],
        [
            copy(Address(buffer: 2), sum, 8..<16), .publish(counter: 1, .integer(1)), .wait(counter: 0, .integer(1)),
            copy(sum, output, 8..<16),
        ],
    ]
    return request
}

@Suite struct LaneBundleTests {
    @Test func theSelfTestPassesAndTheLibraryNeedsNothingButTheCLibrary() throws {
        let built = try BuiltBundle(twoLanes())
        let test = try built.bench.tool(["b/bin/small_selftest"])
        #expect(test.output == "vector 0: agrees\nvector 1: agrees\nPASS\n")
        let needed = try built.bench.tool(["readelf", "-d", "b/lib/libsmall.so"]).output
        let libraries = needed.split(separator: "\n").filter { $0.contains("(NEEDED)") }
        #expect(libraries.allSatisfy { $0.contains("[libc.so") || $0.contains("[libpthread.so") })
        #expect(!needed.contains("INIT"))
        let symbols = try built.bench.tool(["nm", "-D", "--defined-only", "b/lib/libsmall.so"]).output
        #expect(symbols.split(separator: "\n").allSatisfy { $0.contains(" small_") })
        #expect(symbols.split(separator: "\n").count == programFunctions(prefix: "small").count)
    }

    @Test func theBundleBuildsAgainFromItsScript() throws {
        let bench = try Workbench()
        try bench.write(try Export.bundle(twoLanes()), to: "b")
        try bench.expectSuccess(["./build.sh"], in: "b", environment: ["CC=" + (try Workbench.compiler())])
        #expect(try bench.tool(["b/bin/small_selftest"]).status == 0)
    }

    @Test func papersSayHowManyLanesThereAre() throws {
        func text(_ request: BundleRequest, _ path: String) throws -> String {
            let file = try #require(try Export.bundle(request).files.first { $0.path == path })
            return String(decoding: file.bytes, as: UTF8.self)
        }
        let (one, two) = (ExportSample.request(), twoLanes())
        #expect(two.lanes == 2)
        #expect(try text(one, "manifest.json").contains("\"lanes\": 1,"))
        #expect(try text(two, "manifest.json").contains("\"lanes\": 2,"))
        #expect(try text(two, "README.md").contains("A run uses 2 threads"))
        #expect(try text(two, "README.md").contains("-lm -pthread -o example"))
        #expect(try text(two, "include/small.h").contains("a model has 2 lanes"))
        #expect(try text(two, "Makefile").contains("-pthread"))
        for path in ["README.md", "include/small.h", "Makefile", "build.sh"] {
            let words = try text(one, path)
            #expect(!words.contains("pthread") && !words.contains("lanes,"), "\(path)")
        }
    }
}
