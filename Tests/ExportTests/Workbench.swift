// Folders and tools for tests that build a bundle: a temporary folder that goes away, and programs of the PATH that
// run in it. Tests may read the environment.

import Glibc
import Testing

@testable import Export

/// A fresh folder, removed with the last reference to it.
final class Workbench {
    let path: String

    init() throws {
        var template = Array("/tmp/export-XXXXXX".utf8CString)
        path = String(cString: try #require(mkdtemp(&template)))
    }

    deinit {
        let arguments = ["rm", "-rf", path]
        var argv = arguments.map { strdup($0) } + [nil]
        defer { for text in argv { free(text) } }
        var child: pid_t = 0
        if posix_spawnp(&child, "rm", nil, nil, &argv, nil) == 0 { waitpid(child, nil, 0) }
    }

    /// Writes the files of a bundle into `folder` of this one and makes the folders of its plan.
    func write(_ bundle: Bundle, to folder: String) throws {
        for name in bundle.plan.folders { try makeFolders(folder + "/" + name) }
        for file in bundle.files {
            let parts = file.path.split(separator: "/")
            try makeFolders(([folder] + parts.dropLast().map(String.init)).joined(separator: "/"))
            try write(file.bytes, to: folder + "/" + file.path)
            if file.isExecutable { chmod(path + "/" + folder + "/" + file.path, 0o755) }
        }
    }

    /// Runs the plan in `folder`.
    func build(_ plan: BuildPlan, in folder: String) throws {
        for step in plan.steps {
            let tools = step.tool == .compiler ? [try Workbench.compiler()] : ["ar"]
            try expectSuccess(tools + step.arguments, in: folder)
        }
    }

    func write(_ bytes: [UInt8], to file: String) throws {
        let stream = try #require(fopen(path + "/" + file, "wbe"), "cannot write \(file)")
        #expect(fwrite(bytes, 1, bytes.count, stream) == bytes.count)
        fclose(stream)
    }

    /// Exit status and everything said.
    @discardableResult
    func tool(
        _ arguments: [String], in folder: String = ".", environment: [String] = []
    ) throws -> (status: Int32, output: String) {
        let root = folder.hasPrefix("/") ? folder : path + "/" + folder
        let log = path + "/.output"
        let settings = ["PATH=" + Workbench.environmentPath, "LC_ALL=C", "HOME=" + path, "PYTHONDONTWRITEBYTECODE=1"]
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var argv = (["env", "-C", root] + arguments).map { strdup($0) } + [nil]
        var envp = (settings + environment).map { strdup($0) } + [nil]
        defer {
            for text in argv + envp { free(text) }
            posix_spawn_file_actions_destroy(&actions)
        }
        var child: pid_t = 0
        try #require(posix_spawnp(&child, "env", &actions, nil, &argv, &envp) == 0, "env is not there")
        var status: Int32 = 0
        waitpid(child, &status, 0)
        let file = try #require(fopen(log, "rb"), "no output was kept")
        defer { fclose(file) }
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while case let got = fread(&buffer, 1, buffer.count, file), got > 0 { output += buffer[..<got] }
        let code = status & 0x7f == 0 ? status >> 8 & 0xff : 128 + (status & 0x7f)
        return (code, String(decoding: output, as: UTF8.self))
    }

    func expectSuccess(_ arguments: [String], in folder: String = ".", environment: [String] = []) throws {
        let (status, output) = try tool(arguments, in: folder, environment: environment)
        #expect(status == 0, "\(arguments.joined(separator: " "))\n\(output)")
    }

    /// The first C compiler on the PATH.
    static func compiler() throws -> String {
        try #require(["clang", "gcc", "cc"].first(where: isOnPath), "no C compiler on the PATH")
    }

    /// A Python that has NumPy, or one without, or none.
    static func python() throws -> (path: String, hasNumPy: Bool)? {
        let bench = try Workbench()
        let home = getenv("HOME").map { String(cString: $0) } ?? ""
        let candidates = ["python3", home + "/.cache/ironworks/venv/bin/python"]
        let settings = ["HOME=" + home]
        func runs(_ python: String, _ code: String) throws -> Bool {
            try bench.tool([python, "-c", code], environment: settings).status == 0
        }
        for python in candidates where try runs(python, "import numpy") { return (python, true) }
        return try candidates.first { try runs($0, "") }.map { ($0, false) }
    }

    static func isOnPath(_ name: String) -> Bool {
        environmentPath.split(separator: ":").contains { access($0 + "/" + name, X_OK) == 0 }
    }

    private static var environmentPath: String { getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin" }

    private func makeFolders(_ folder: String) throws {
        var at = path
        for part in folder.split(separator: "/") {
            at += "/" + part
            #expect(mkdir(at, 0o755) == 0 || errno == EEXIST)
        }
    }
}

/// The small bundle, built once for all tests that only look at it.
struct BuiltBundle {
    var bench: Workbench
    var bundle: Bundle

    init(_ request: BundleRequest = ExportSample.request(), folder: String = "b") throws {
        bench = try Workbench()
        bundle = try Export.bundle(request)
        try bench.write(bundle, to: folder)
        try bench.build(bundle.plan, in: folder)
    }
}
