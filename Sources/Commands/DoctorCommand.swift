// `ironworks doctor`: what this machine has, what it lacks, and what to do about it. Input: the machine, the cache
// folder, the catalog if there is one. Output: one line per check; exit code 1 when something is missing without which
// nothing can be tuned.

import ArgumentParser
import Basics
import Catalog
import FarmTransport
import Glibc
import Runtime
import Tuning

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Examines this machine and says what to do about what it lacks.")

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let report = DoctorReport(checks: diagnose(DoctorFacts.gather(catalogPath: global.catalogPath)))
        standardOutput(global.json ? report.json.text : report.text)
        if !report.isReady { throw ExitCode(1) }
    }
}

/// What was found, before any judgement.
struct DoctorFacts {
    struct CompilerState: Hashable {
        /// First line of its version text.
        var name: String
        var path: String
        /// Why it does not compile a ten-line file; `nil` when it does.
        var problem: String?
    }
    struct Protection: Hashable {
        var namespaces: Bool
        var readOnlyFiles: Bool
        var systemCallFilter: Bool
    }
    enum CatalogState: Hashable {
        case absent
        case present(rows: Int, models: Int, winners: Int)
        case unusable(reason: String)
    }
    var build: String
    var host: HostFacts
    var compilers: [CompilerState]
    /// What the measuring child is protected by; `nil` when it cannot run.
    var protection: Protection?
    /// Whether a quiet burst gets the host to itself now.
    var gateIsFree: Bool
    var queueVersion: String
    /// `nil` when SQLite does not open even a catalog in memory.
    var sqliteVersion: String?
    var cachePath: String
    /// Why it cannot be written; `nil` when it can.
    var cacheProblem: String?
    var cacheFreeBytes: Int
    var isCalibrated: Bool
    var hasOnnxRuntime: Bool
    var catalogPath: String
    var catalog: CatalogState
}

extension DoctorFacts {
    static func gather(catalogPath: String) -> DoctorFacts {
        let host = HostFacts.gather(searchPath: searchPath())
        let folder = cacheFolder()
        let cacheProblem = problem(ofFolder: folder)
        let kind = localDeviceClass(host)
        var protection: Protection?
        if let objects = try? objectFolder(),
            let sandbox = ChildMeasurer(.init(readableFolders: [objects])).sandbox
        {
            protection = Protection(
                namespaces: sandbox.namespaces, readOnlyFiles: sandbox.readOnlyFiles,
                systemCallFilter: sandbox.systemCallFilter)
        }
        return DoctorFacts(
            build: buildID, host: host, compilers: compilers(), protection: protection,
            gateIsFree: Gate().withQuietBurst(waitMs: 100) { $0 == .alone }, queueVersion: queueLibraryVersion(),
            sqliteVersion: try? Catalog.inMemory(rule: winnerRule).sqliteVersion, cachePath: folder,
            cacheProblem: cacheProblem, cacheFreeBytes: freeBytes(folder),
            isCalibrated: ((try? storedCalibration(kind)) ?? nil) != nil,
            hasOnnxRuntime: OnnxRuntimePeer.python != nil, catalogPath: catalogPath, catalog: state(catalogPath))
    }

    private static func compilers() -> [CompilerState] {
        ((try? Toolchain.find(searchPath: searchPath())) ?? []).map { toolchain in
            var state = CompilerState(name: toolchain.firstLine, path: toolchain.path)
            do {
                _ = try Compiler(
                    toolchain, target: .best, searchPath: searchPath(), cacheFolder: try objectFolder())
            } catch {
                state.problem = sentence(of: error)
            }
            return state
        }
    }

    /// Tries what every command does with the cache.
    private static func problem(ofFolder folder: String) -> String? {
        do {
            try Folder.make(folder)
            let work = try Folder.makeTemporary(in: folder)
            defer { Folder.removeTree(work) }
            try Folder.write([1], to: work + "/probe")
            return nil
        } catch {
            return error.sentence
        }
    }

    private static func freeBytes(_ folder: String) -> Int {
        var facts = statvfs()
        guard statvfs(folder, &facts) == 0 else { return 0 }
        return Int(facts.f_bavail) * Int(facts.f_frsize)
    }

    private static func state(_ path: String) -> CatalogState {
        do {
            guard let catalog = try openIfPresent(path) else { return .absent }
            let summary = try catalog.summary()
            let models = try catalog.modelSummaries().count
            try catalog.close()
            return .present(rows: summary.rows.reduce(0) { $0 + $1.rows }, models: models, winners: summary.winners)
        } catch {
            return .unusable(reason: sentence(of: error))
        }
    }
}
