// C compilers of this machine: which there are, what they call themselves, and the flags that Ironworks gives them.
// Input: the search path (the caller reads the environment). Output: toolchains in a fixed order, clang first.
// Flags are decided here and nowhere else, since they are part of a toolchain's identity.

import Basics
import CSystem
import Glibc

/// Which instructions a compiled kernel may use.
package enum CompileTarget: String, CaseIterable, Sendable, Comparable {
    case avx512, avx2, plain

    package static func < (a: CompileTarget, b: CompileTarget) -> Bool { a.rawValue < b.rawValue }

    /// Whether this machine executes such code.
    package var runsHere: Bool {
        var cpu = iw_cpu()
        iw_cpu_identify(&cpu)
        switch self {
        case .avx512:
            return [cpu.avx512f, cpu.avx512bw, cpu.avx512dq, cpu.avx512vl, cpu.fma, cpu.f16c].allSatisfy { $0 != 0 }
        case .avx2: return [cpu.avx2, cpu.fma, cpu.f16c].allSatisfy { $0 != 0 }
        case .plain: return true
        }
    }

    /// The widest target that this machine executes.
    package static var best: CompileTarget { avx512.runsHere ? .avx512 : avx2.runsHere ? .avx2 : .plain }
}

package struct Toolchain: Sendable, Equatable {
    package enum Family: String, CaseIterable, Sendable { case clang, gcc }

    package var family: Family
    /// Absolute path of the compiler.
    package var path: String
    /// What `--version` says, without lines that name folders of this machine.
    package var version: String

    package var firstLine: String { String(version.prefix { $0 != "\n" }) }

    /// How hard a compiler tries.
    package enum Effort: Sendable {
        /// As finals and exports are compiled.
        case full
        /// For sources of micro-kernels and loops around them, of which many are compiled to be timed once. The
        /// micro-kernels come out as with `full`: clang has nothing to improve in them after -O1, gcc contracts
        /// products and sums from -O2 on only and keeps its level.
        case screening
    }

    /// Flags for a shared object. The C runtime is left out (`-nostdlib`): an object that Ironworks opens has no
    /// constructors, and finds `memset` in the process that opens it; the compiler's own helpers are linked.
    package func flags(for target: CompileTarget, _ effort: Effort = .full) -> [String] {
        let level =
            switch (family, effort) {
            case (.gcc, .full), (.gcc, .screening): "-O3"
            case (.clang, .full): "-O2"
            case (.clang, .screening): "-O1"
            }
        var flags = [
            level, "-std=gnu11", "-ffp-contract=fast", "-fno-math-errno",
            "-fno-trapping-math", "-fPIC", "-shared", "-nostdlib", "-Wno-psabi",
        ]
        switch target {
        case .avx512: flags += ["-march=x86-64-v4", "-mprefer-vector-width=512"]
        case .avx2: flags += ["-mavx2", "-mfma", "-mf16c"]
        case .plain: break
        }
        return flags
    }

    /// Finds the compilers on a search path (`a:b:c`), one per family, clang first; a clang that came with Swift counts
    /// when the path has none.
    /// - Throws: `compilerNotFound` when there is none at all.
    package static func find(searchPath: String) throws(RuntimeError) -> [Toolchain] {
        var found: [Toolchain] = []
        for family in Family.allCases {
            guard let path = locate(family, searchPath: searchPath) else { continue }
            let told = try runTool(path, ["--version"], environment: environment(searchPath), wallMs: 20_000)
            guard told.succeeded else { continue }
            found.append(Toolchain(family: family, path: path, version: withoutFolders(told.output)))
        }
        guard !found.isEmpty else { throw RuntimeError.compilerNotFound }
        return found
    }

    /// Everything a compiler learns from its environment.
    static func environment(_ searchPath: String, temporary: String = "/tmp") -> [String] {
        ["PATH=" + searchPath, "TMPDIR=" + temporary, "LC_ALL=C"]
    }

    private static func locate(_ family: Family, searchPath: String) -> String? {
        if let path = onPath(family.rawValue, searchPath) { return path }
        guard family == .clang, let swift = onPath("swift", searchPath) else { return nil }
        let folder = Folder.absolute(swift).split(separator: "/").dropLast().joined(separator: "/")
        let beside = "/" + folder + "/clang"
        return Folder.isExecutable(beside) ? beside : nil
    }

    private static func onPath(_ name: String, _ searchPath: String) -> String? {
        for folder in searchPath.split(separator: ":") where folder.hasPrefix("/") {
            let path = folder + "/" + name
            if Folder.isExecutable(path) { return path }
        }
        return nil
    }

    private static func withoutFolders(_ version: String) -> String {
        version.split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.hasPrefix("InstalledDir:") && !$0.hasPrefix("Configuration file:") }
            .joined(separator: "\n")
    }
}
