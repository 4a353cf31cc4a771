// The doctor's judgement: a healthy machine is ready, every lack is named with what to do, and only what tuning cannot
// do without makes it not ready. Beside it what `device` prints.

import Basics
@testable import Commands
import DeviceModel
@testable import Runtime
import Testing

private func healthy() -> DoctorFacts {
    DoctorFacts(
        build: "ironworks test",
        host: HostFacts(
            processor: .init(
                vendor: "AuthenticAMD", family: 26, model: 2, stepping: 1, instructionSets: ["avx2", "fma"], online: 8,
                usable: 4),
            caches: [
                .init(level: 1, instructionOnly: false, bytes: 48 << 10, lineBytes: 64, ways: 12, sharedBy: 2),
                .init(level: 2, instructionOnly: false, bytes: 1 << 20, lineBytes: 64, ways: 16, sharedBy: 2),
            ],
            memoryBytes: 16 << 30, target: .avx2, kernelRelease: "6.1.0", governor: "performance",
            transparentHugePages: "madvise", landlockABI: 3, compilers: ["clang"]),
        compilers: [.init(name: "clang version 21", path: "/usr/bin/clang")],
        protection: .init(namespaces: true, readOnlyFiles: true, systemCallFilter: true), gateIsFree: true,
        queueVersion: "4.3.4", sqliteVersion: "3.40.1", cachePath: "/cache", cacheFreeBytes: 10 << 30,
        isCalibrated: true, hasOnnxRuntime: false, catalogPath: "a.db", catalog: .absent)
}

private func check(_ name: String, _ change: (inout DoctorFacts) -> Void) -> DoctorCheck? {
    var facts = healthy()
    change(&facts)
    return diagnose(facts).first { $0.name == name }
}

@Test func aHealthyMachineIsReady() throws {
    let report = DoctorReport(checks: diagnose(healthy()))
    #expect(report.isReady)
    #expect(report.checks.allSatisfy { $0.state == .ok && $0.remedy.isEmpty })
    #expect(report.text.hasSuffix("\nready"))
    #expect(
        report.text.contains(
            "AuthenticAMD family 26 model 2, 4 of 8 processors usable, tunes for avx2 (avx2 fma)"))
    #expect(report.text.contains("L1 48.0 KiB, L2 1.0 MiB"))
    #expect(report.json.text.hasSuffix("\"outcome\":\"ready\"}"))
}

@Test func whatTuningCannotDoWithoutIsMissing() {
    let compiler = check("compiler") { $0.compilers = [] }
    #expect(compiler?.state == .missing)
    #expect(compiler?.remedy == "install clang or gcc (Debian: apt-get install clang)")
    #expect(check("sandbox") { $0.protection = nil }?.state == .missing)
    let queue = check("libzmq") { $0.queueVersion = "4.1.9" }
    #expect((queue?.state, queue?.remedy) == (.missing, "version 4.2 or later is needed (Debian: libzmq5)"))
    #expect(check("SQLite") { $0.sqliteVersion = nil }?.remedy == "reinstall it (Debian: libsqlite3-0)")
    #expect(check("SQLite") { $0.sqliteVersion = "3.36.0" }?.state == .missing)
    #expect(check("SQLite") { $0.sqliteVersion = "3.37" }?.state == .ok)
    let cache = check("cache folder") { $0.cacheProblem = "cannot write /cache: read-only" }
    #expect(cache?.remedy == "cannot write /cache: read-only; make it writable, or set IRONWORKS_CACHE")
    #expect(check("cache folder") { $0.cacheFreeBytes = 1 << 20 }?.state == .missing)
    let catalog = check("catalog") { $0.catalog = .unusable(reason: "it is damaged") }
    #expect((catalog?.state, catalog?.remedy) == (.missing, "it is damaged"))
    var facts = healthy()
    facts.compilers = []
    #expect(!DoctorReport(checks: diagnose(facts)).isReady)
    #expect(DoctorReport(checks: diagnose(facts)).text.hasSuffix("not ready: 1 missing"))
}

@Test func whatOnlyMakesThingsWorseIsAdvice() {
    #expect(check("processor") { $0.host.target = .plain }?.state == .advice)
    #expect(check("caches") { $0.host.caches = [] }?.value == "not listed by the system")
    #expect(check("memory") { $0.host.memoryBytes = 1 << 30 }?.state == .advice)
    #expect(
        check("governor") { $0.host.governor = "powersave" }?.remedy
            == "clock rates follow the load and readings vary: 'cpupower frequency-set -g performance'")
    #expect(check("governor") { $0.host.governor = nil }?.state == .ok)
    #expect(check("huge pages") { $0.host.transparentHugePages = "never" }?.state == .advice)
    #expect(check("quiet gate") { $0.gateIsFree = false }?.state == .advice)
    let sandbox = check("sandbox") { $0.protection?.namespaces = false }
    #expect((sandbox?.state, sandbox?.value) == (.advice, "measured code runs without namespaces"))
    let one = check("compiler") {
        $0.compilers.append(.init(name: "gcc 12", path: "/usr/bin/gcc"))
        $0.compilers[0].problem = "it cannot link"
    }
    #expect((one?.state, one?.remedy) == (.advice, "it cannot link"))
    var facts = healthy()
    facts.host.governor = "powersave"
    #expect(DoctorReport(checks: diagnose(facts)).isReady)
    #expect(DoctorReport(checks: diagnose(facts)).text.hasSuffix("ready, with 1 thing to improve"))
}

@Test func aDeviceIsShownWithItsTextsAndWhatChanged() throws {
    let device = SimulatedJob.device
    var before = device.calibration
    before.l2BytesPerNs = 120
    let shown = ShownDevice(device: device, before: before, path: "/c/x.txt")
    #expect(shown.changes == ["l2BytesPerNs 0.50"])
    #expect(shown.text.hasSuffix("// kept in /c/x.txt\n// against the one before: l2BytesPerNs 0.50"))
    #expect(shown.json.text.contains("\"l2BytesPerNs\":60.0"))
    let file = try IRFile(shown.text, path: "d")
    #expect(file.parts.map(\.canonical) == [device.kind.text, device.calibration.text])
    #expect(
        InspectionError.neverMeasured(processor: "AuthenticAMD-26-2 (avx2)").sentence
            == "AuthenticAMD-26-2 (avx2) was never measured with this cache folder: run 'ironworks device measure'")
}

@Test func sizesAndTimesReadWell() {
    #expect([640, 4096, 3 << 29].map(sizeText) == ["640 B", "4.0 KiB", "1.5 GiB"])
    #expect([870, 12_340, 1_250_000, 2e9].map(timeText) == ["870 ns", "12.34 µs", "1.250 ms", "2.00 s"])
    #expect("a, b, c".replacingLast(", ", with: " or ") == "a, b or c")
}
