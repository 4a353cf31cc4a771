// All compilers of this machine that may build a kernel, preferred first. Candidates name the one that built them by
// its digest; texts without a preference are built by the first. Input: which families in which order, a target.
// Output: compilers that compiled their probe, and what kept the others out.

import Basics

package struct CompilerSet: Sendable {
    /// Preferred first; never empty.
    package let compilers: [Compiler]
    /// Why a compiler that is installed is not among them.
    package let broken: [RuntimeError]

    /// - Parameter families: in order of preference; those that are not installed are left out.
    /// - Throws: `compilerNotFound` when none is installed; when all are broken, what is wrong with the first.
    package init(
        target: CompileTarget, families: [Toolchain.Family] = Toolchain.Family.allCases, searchPath: String,
        cacheFolder: String
    ) throws(RuntimeError) {
        let installed = try Toolchain.find(searchPath: searchPath)
        var working: [Compiler] = []
        var failures: [RuntimeError] = []
        for toolchain in families.compactMap({ family in installed.first { $0.family == family } }) {
            do throws(RuntimeError) {
                working.append(
                    try Compiler(toolchain, target: target, searchPath: searchPath, cacheFolder: cacheFolder))
            } catch {
                failures.append(error)
            }
        }
        guard !working.isEmpty else { throw failures.first ?? .compilerNotFound }
        compilers = working
        broken = failures
    }

    /// The preferred compiler.
    package var first: Compiler { compilers[0] }

    package subscript(digest: Digest) -> Compiler? { compilers.first { $0.digest == digest } }
}

extension Compiler {
    /// The toolchain as catalogs keep it: version and flags.
    package var identityText: String { toolchain.version + "\n" + flags.joined(separator: " ") + "\n" }
}
