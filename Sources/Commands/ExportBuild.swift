// Makes a bundle's folder: writes its files, runs its build plan with the local compilers and an archiver, and runs its
// self-test. Input: a bundle and an empty folder. Output: the folder, complete, or an error. Compilers see the search
// path and nothing else of the environment; compiling takes turns with quiet bursts.

import Basics
import Export
import Glibc
import Runtime

struct ExportBuild {
    /// Paths of the compilers that kernels may name.
    private let compilers: [Digest: String]
    /// Builds what names none, and links.
    let compiler: String
    let archiver: String
    let searchPath: String
    private let gate = Gate()

    private static let toolWallMs = 300_000
    private static let testWallMs = 300_000

    /// - Throws: `archiverMissing`.
    init(_ local: LocalCompiler, searchPath: String) throws(ModelError) {
        compiler = local.compiler.toolchain.path
        compilers = Dictionary(
            local.compilers.compilers.map { ($0.digest, $0.toolchain.path) }, uniquingKeysWith: { first, _ in first })
        self.searchPath = searchPath
        let besideCompiler = "/" + compiler.split(separator: "/").dropLast().joined(separator: "/")
        let folders = searchPath.split(separator: ":").map(String.init) + [besideCompiler]
        let candidates = ["ar", "llvm-ar"].flatMap { name in folders.map { $0 + "/" + name } }
        guard let found = candidates.first(where: { $0.hasPrefix("/") && access($0, X_OK) == 0 }) else {
            throw .archiverMissing
        }
        archiver = found
    }

    /// Writes and builds; objects are removed at the end.
    func make(_ bundle: Bundle, in folder: String) throws {
        for name in bundle.plan.folders { try Folder.make(folder + "/" + name) }
        for file in bundle.files {
            let path = folder + "/" + file.path
            if let slash = path.lastIndex(of: "/") { try Folder.make(String(path[..<slash])) }
            try Folder.write(file.bytes, to: path)
            if file.isExecutable { chmod(path, 0o755) }
        }
        for step in bundle.plan.steps {
            try gate.withCPUWork { try run(step, in: folder) }
        }
        Folder.removeTree(folder + "/" + bundle.plan.objectFolder)
    }

    /// Runs the self-test that was built; throws what it said unless that is PASS.
    func selfTest(_ name: String, model: String, in folder: String) throws {
        let result = try runTool(
            folder + "/" + BuildPlan.selfTest(name), [folder], environment: variables, wallMs: ExportBuild.testWallMs)
        guard result.succeeded, result.output.hasSuffix("PASS\n") else {
            throw ModelError.selfTestFailed(model: model, log: result.output)
        }
    }

    private func run(_ step: BuildStep, in folder: String) throws {
        let tool: String
        switch step.tool {
        case .compiler: tool = step.toolchain.flatMap { compilers[$0] } ?? compiler
        case .archiver:
            tool = archiver
            // an archiver adds to what is there
            unlink(folder + "/" + step.output)
        }
        var options = ChildProcess.Options()
        options.directory = folder
        let result = try runTool(
            tool, step.arguments, environment: variables, options: options, wallMs: ExportBuild.toolWallMs)
        guard result.succeeded else { throw ModelError.toolFailed(tool: tool, log: result.output) }
    }

    private var variables: [String] {
        ["PATH=" + searchPath, "TMPDIR=" + (environment("TMPDIR") ?? "/tmp"), "LC_ALL=C"]
    }
}
