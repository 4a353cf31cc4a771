// The judgement of `doctor`: facts in, checks out, each good, advisable or missing, with what to do. Pure, so that
// every sentence can have a test.

import Basics
import Runtime

struct DoctorCheck: Hashable {
    enum State: String {
        case ok
        /// Works without, but worse.
        case advice
        /// Nothing can be tuned without it.
        case missing
    }
    var name: String
    var state: State
    var value: String
    /// What to do; empty when all is well.
    var remedy: String = ""
}

/// Least versions: heartbeats came with libzmq 4.2, STRICT tables with SQLite 3.37.
private let queueVersionMin = [4, 2]
private let sqliteVersionMin = [3, 37]
private let cacheBytesNeeded = 64 << 20
private let cacheBytesComfortable = 1 << 30
private let memoryBytesComfortable = 2 << 30

/// Judges `facts`; checks come in a fixed order.
func diagnose(_ facts: DoctorFacts) -> [DoctorCheck] {
    [DoctorCheck(name: "program", state: .ok, value: facts.build)] + machineChecks(facts.host) + compilerChecks(facts)
        + [sandboxCheck(facts.protection), gateCheck(facts)] + libraryChecks(facts) + storeChecks(facts)
}

private func machineChecks(_ host: HostFacts) -> [DoctorCheck] {
    let sets = host.processor.instructionSets
    var processor = DoctorCheck(
        name: "processor", state: .ok,
        value: "\(printable(host.processor.vendor)) family \(host.processor.family) model \(host.processor.model), "
            + "\(host.processor.usable) of \(host.processor.online) processors usable, tunes for "
            + host.target.rawValue + (sets.isEmpty ? "" : " (\(sets.joined(separator: " ")))"))
    if host.target == .plain {
        processor.state = .advice
        processor.remedy = "this processor has no AVX2: kernels use vectors of 4 floats and will be slow"
    }
    let data = host.caches.filter { !$0.instructionOnly }.map { "L\($0.level) \(sizeText($0.bytes))" }
    var caches = DoctorCheck(name: "caches", state: .ok, value: data.joined(separator: ", "))
    if data.isEmpty {
        (caches.state, caches.value) = (.advice, "not listed by the system")
        caches.remedy = "usual sizes stand in; on a virtual machine, let the host pass its cache topology through"
    }
    var memory = DoctorCheck(name: "memory", state: .ok, value: sizeText(host.memoryBytes))
    if host.memoryBytes < memoryBytesComfortable {
        memory.state = .advice
        memory.remedy =
            "large models need more than \(sizeText(memoryBytesComfortable)): tune small ones, or with one worker"
    }
    var governor = DoctorCheck(name: "governor", state: .ok, value: host.governor.map(printable) ?? "not shown")
    if let name = host.governor, name != "performance" {
        governor.state = .advice
        governor.remedy = "clock rates follow the load and readings vary: 'cpupower frequency-set -g performance'"
    }
    var pages = DoctorCheck(
        name: "huge pages", state: .ok, value: host.transparentHugePages.map(printable) ?? "not shown")
    if host.transparentHugePages == "never" {
        pages.state = .advice
        pages.remedy = "large tensors miss the TLB: 'echo madvise > /sys/kernel/mm/transparent_hugepage/enabled'"
    }
    return [
        DoctorCheck(name: "system", state: .ok, value: "Linux " + printable(host.kernelRelease)), processor, caches,
        memory, governor, pages,
    ]
}

private func compilerChecks(_ facts: DoctorFacts) -> [DoctorCheck] {
    guard !facts.compilers.isEmpty else {
        return [
            DoctorCheck(
                name: "compiler", state: .missing, value: "none on the PATH",
                remedy: "install clang or gcc (Debian: apt-get install clang)")
        ]
    }
    let works = facts.compilers.contains { $0.problem == nil }
    return facts.compilers.map { compiler in
        DoctorCheck(
            name: "compiler", state: compiler.problem == nil ? .ok : works ? .advice : .missing,
            value: "\(printable(compiler.name)) (\(printable(compiler.path)))", remedy: compiler.problem ?? "")
    }
}

private func sandboxCheck(_ protection: DoctorFacts.Protection?) -> DoctorCheck {
    guard let protection else {
        return DoctorCheck(
            name: "sandbox", state: .missing, value: "the measuring child does not start",
            remedy: "kernels cannot be run: see that this program may execute itself (/proc mounted, no 'noexec') and "
                + "that the cache folder can be written")
    }
    var lacks: [String] = []
    var remedies: [String] = []
    if !protection.namespaces {
        lacks.append("namespaces")
        remedies.append("allow unprivileged user namespaces ('sysctl kernel.unprivileged_userns_clone=1')")
    }
    if !protection.readOnlyFiles {
        lacks.append("read-only files")
        remedies.append("use Linux 5.13 or later with Landlock ('lsm=landlock,…' at boot)")
    }
    if !protection.systemCallFilter {
        lacks.append("the system call filter")
        remedies.append("use a kernel with seccomp filters")
    }
    return lacks.isEmpty
        ? DoctorCheck(
            name: "sandbox", state: .ok, value: "measured code has namespaces, read-only files, a system call filter")
        : DoctorCheck(
            name: "sandbox", state: .advice, value: "measured code runs without " + lacks.joined(separator: ", "),
            remedy: "for catalogs of others: " + remedies.joined(separator: "; "))
}

private func gateCheck(_ facts: DoctorFacts) -> DoctorCheck {
    facts.gateIsFree
        ? DoctorCheck(name: "quiet gate", state: .ok, value: "free")
        : DoctorCheck(
            name: "quiet gate", state: .advice, value: "not free within 0.1 s",
            remedy: "another process measures or compiles; if none does, /sys/devices/system/cpu cannot be locked and "
                + "readings will not count")
}

private func libraryChecks(_ facts: DoctorFacts) -> [DoctorCheck] {
    func check(_ name: String, _ version: String?, _ least: [Int], _ package: String) -> DoctorCheck {
        guard let version else {
            return DoctorCheck(
                name: name, state: .missing, value: "does not work", remedy: "reinstall it (Debian: \(package))")
        }
        let numbers = version.split(separator: ".").map { Int($0) ?? 0 }
        guard numbers.lexicographicallyPrecedes(least) else {
            return DoctorCheck(name: name, state: .ok, value: version)
        }
        let needed = least.map(String.init).joined(separator: ".")
        return DoctorCheck(
            name: name, state: .missing, value: version,
            remedy: "version \(needed) or later is needed (Debian: \(package))")
    }
    return [
        check("libzmq", facts.queueVersion, queueVersionMin, "libzmq5"),
        check("SQLite", facts.sqliteVersion, sqliteVersionMin, "libsqlite3-0"),
        DoctorCheck(
            name: "ONNX Runtime", state: .ok,
            value: facts.hasOnnxRuntime
                ? "installed, for comparison" : "not installed; only comparisons need it ('make peers')"),
    ]
}

private func storeChecks(_ facts: DoctorFacts) -> [DoctorCheck] {
    var cache = DoctorCheck(
        name: "cache folder", state: .ok,
        value: "\(escaped(facts.cachePath, limit: 1024)), \(sizeText(facts.cacheFreeBytes)) free")
    if let problem = facts.cacheProblem {
        (cache.state, cache.remedy) = (.missing, problem + "; make it writable, or set IRONWORKS_CACHE")
    } else if facts.cacheFreeBytes < cacheBytesNeeded {
        (cache.state, cache.remedy) = (.missing, "free some space, or set IRONWORKS_CACHE to another disk")
    } else if facts.cacheFreeBytes < cacheBytesComfortable {
        (cache.state, cache.remedy) = (.advice, "programs of large models take hundreds of megabytes; free some space")
    }
    let device = DoctorCheck(
        name: "calibration", state: .ok,
        value: facts.isCalibrated
            ? "measured ('ironworks device show')" : "not measured yet; the first command that needs it does it")
    var catalog = DoctorCheck(name: "catalog", state: .ok, value: "")
    let path = escaped(facts.catalogPath, limit: 1024)
    switch facts.catalog {
    case .absent: catalog.value = "none at \(path) yet"
    case .present(let rows, let models, let winners):
        catalog.value = "\(path): \(rows) rows, \(models) models, \(winners) winners"
    case .unusable(let reason): (catalog.state, catalog.value, catalog.remedy) = (.missing, path, reason)
    }
    return [cache, device, catalog]
}

struct DoctorReport {
    var checks: [DoctorCheck]

    var isReady: Bool { !checks.contains { $0.state == .missing } }

    var text: String {
        var lines: [String] = []
        let width = checks.map(\.name.count).max() ?? 0
        for check in checks {
            let mark: String
            switch check.state {
            case .ok: mark = "ok      "
            case .advice: mark = "advice  "
            case .missing: mark = "MISSING "
            }
            let pad = String(repeating: " ", count: width - check.name.count)
            lines.append("\(mark)\(check.name)\(pad)  \(check.value)")
            if !check.remedy.isEmpty { lines.append(String(repeating: " ", count: width + 10) + check.remedy) }
        }
        let missing = checks.count { $0.state == .missing }
        let advice = checks.count { $0.state == .advice }
        var ending = "ready"
        if advice > 0 { ending += ", with \(advice) thing\(advice == 1 ? "" : "s") to improve" }
        if missing > 0 { ending = "not ready: \(missing) missing" }
        return lines.joined(separator: "\n") + "\n" + ending
    }

    var json: JSON {
        .object([
            ("schema", .string("ironworks.doctor/1")),
            (
                "checks",
                .array(
                    checks.map { check in
                        .object([
                            ("name", .string(check.name)), ("state", .string(check.state.rawValue)),
                            ("value", .string(check.value)),
                            ("remedy", check.remedy.isEmpty ? nil : .string(check.remedy)),
                        ])
                    })
            ), ("outcome", .string(isReady ? "ready" : "not_ready")),
        ])
    }
}
