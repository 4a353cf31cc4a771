// Turns C texts into checked shared objects. A compiler is one toolchain for one target; its digest covers version
// text, flags and the object bytes of a fixed probe, so a changed compiler or assembler changes every candidate built
// with it. The texts of one object may have compilers of their own. Objects are cached under digest(compilers, flags,
// texts) by atomic rename: several processes may share the folder. Compilers run with an empty environment but PATH,
// TMPDIR and LC_ALL, and with limits.

import Basics
import CSystem
import Glibc

/// One C or header file handed to a compiler; only names ending in `.c` are compiled.
package struct SourceFile: Sendable, Equatable {
    package var name: String
    package var text: String
    package init(name: String, text: String) {
        self.name = name
        self.text = text
    }
}

/// One text and the compiler that compiles it.
package struct CompilePart: Sendable {
    package var source: SourceFile
    package var compiler: Compiler
    package init(source: SourceFile, compiler: Compiler) {
        self.source = source
        self.compiler = compiler
    }
}

/// A shared object on disk that passed ElfCheck.
package struct CompiledObject: Sendable, Equatable {
    package var path: String
    /// Digest of the object's bytes.
    package var digest: Digest
    package var elf: ElfObject
    /// It was there already; nothing was compiled.
    package var cached: Bool
}

/// Why texts did not become an object. A normal result: search goes on without this candidate.
package struct CompileFailure: Sendable, Equatable {
    package enum Reason: Sendable, Equatable {
        /// The compiler exited with this code after saying why.
        case rejected(exitCode: Int32)
        case crashed(signal: Int32)
        case timedOut(seconds: Int)
        /// The object would run code when opened, or is damaged.
        case refused(ElfRefusal)
        /// The cache folder or the compiler itself could not be used.
        case environment(RuntimeError)
    }
    package var reason: Reason
    /// The start of what the compiler said; foreign text, escape it before printing.
    package var log: String
}

package enum CompileOutcome: Sendable, Equatable {
    case compiled(CompiledObject)
    case failed(CompileFailure)
}

package struct Compiler: Sendable {
    static let cpuSecondsMax = 60
    static let memoryBytesMax = 4 << 30
    static let objectBytesMax = 256 << 20
    static let wallMsMax = 180_000
    static let logBytesMax = 2_000

    package let toolchain: Toolchain
    package let target: CompileTarget
    package let flags: [String]
    /// Digest of version text, flags and the probe's object bytes: the toolchain's identity in the catalog.
    package let digest: Digest
    let searchPath: String
    let cacheFolder: String
    /// `nil` when the driver links.
    private let linking: LinkCommand?

    /// Compiles the probe, which also shows that the toolchain can compile and link here.
    /// - Throws: `compilerBroken`, or a file error for the cache folder.
    package init(
        _ toolchain: Toolchain, target: CompileTarget, searchPath: String, cacheFolder: String
    ) throws(RuntimeError) {
        self.toolchain = toolchain
        self.target = target
        self.searchPath = searchPath
        self.cacheFolder = cacheFolder
        flags = toolchain.flags(for: target)
        try Folder.make(cacheFolder)
        let probe = SourceFile(name: "probe.c", text: Compiler.probeText)
        let unidentified = Digest(of: toolchain.version + "\n" + flags.joined(separator: " "))
        let environment = Toolchain.environment(searchPath)
        let told = try runTool(
            toolchain.path, ["-###"] + LinkCommand.question, environment: environment, wallMs: 20_000)
        let linking = LinkCommand(answer: told.output)
        self.linking = linking
        let steps = Compiler.steps(toolchain, flags, [probe.name], links: [], linking)
        let (outcome, bytes) = Compiler.build([probe], steps, searchPath: searchPath, folder: cacheFolder)
        guard let bytes else { throw RuntimeError.compilerBroken(path: toolchain.path, log: outcome?.log ?? "") }
        digest = Digest(of: "toolchain 1\n\(unidentified.hex)\n\(Digest(of: bytes).hex)\n")
    }

    /// Compiles one text. `name` shows up in messages and must be a plain file name without suffix.
    package func compile(
        source: String, name: String, links: [String] = [], effort: Toolchain.Effort = .full
    ) -> CompileOutcome {
        let source = SourceFile(name: name + ".c", text: source)
        return link([CompilePart(source: source, compiler: self)], links: links, effort: effort)
    }

    /// Compiles texts into one shared object, or finds it in the cache.
    /// - Parameters:
    ///   - sources: headers and C files; names must be plain file names.
    ///   - links: libraries for `-l`, such as `m`.
    package func compile(_ sources: [SourceFile], links: [String] = []) -> CompileOutcome {
        link(sources.map { CompilePart(source: $0, compiler: self) }, links: links)
    }

    /// Compiles each text with its own compiler and links all into one shared object, or finds it in the cache. This
    /// compiler links.
    package func link(
        _ parts: [CompilePart], links: [String] = [], effort: Toolchain.Effort = .full
    ) -> CompileOutcome {
        precondition(
            parts.map(\.source.name).allSatisfy { !$0.isEmpty && !$0.contains("/") && !$0.hasPrefix("-") },
            "source names are plain file names")
        let flags = toolchain.flags(for: target, effort)
        let path = "\(cacheFolder)/\(cacheKey(parts, links, flags).hex).so"
        if let bytes = try? Folder.read(path, limit: Compiler.objectBytesMax),
            case .accepted(let elf) = ElfCheck(bytes)
        {
            return .compiled(CompiledObject(path: path, digest: Digest(of: bytes), elf: elf, cached: true))
        }
        let groups = Dictionary(grouping: parts, by: \.compiler.digest)
        let steps: [Step]
        if groups.count <= 1, groups.keys.allSatisfy({ $0 == digest }) {
            steps = Compiler.steps(toolchain, flags, parts.map(\.source.name), links: links, linking)
        } else {
            steps = mixedSteps(parts, links, effort)
        }
        let (failure, bytes) = Compiler.build(
            parts.map(\.source), steps, searchPath: searchPath, folder: cacheFolder, keepAs: path)
        guard let bytes else {
            return .failed(failure ?? CompileFailure(reason: .refused(.malformed("no object")), log: ""))
        }
        switch ElfCheck(bytes) {
        case .accepted(let elf):
            return .compiled(CompiledObject(path: path, digest: Digest(of: bytes), elf: elf, cached: false))
        case .refused(let refusal): return .failed(CompileFailure(reason: .refused(refusal), log: ""))
        }
    }

    /// One call of a compiler in the folder of the sources.
    private struct Step {
        var tool: String
        var arguments: [String]
    }

    /// Texts to one object, all by one compiler.
    private static func steps(
        _ toolchain: Toolchain, _ flags: [String], _ files: [String], links: [String], _ linking: LinkCommand?
    ) -> [Step] {
        let texts = files.filter { $0.hasSuffix(".c") }
        guard linking != nil, links.isEmpty else {
            return [Step(tool: toolchain.path, arguments: driverArguments(flags, texts, links))]
        }
        return [
            Step(tool: toolchain.path, arguments: withoutLinking(flags) + ["-c"] + texts),
            linkStep(toolchain, flags, objects(of: texts), links: links, linking),
        ]
    }

    private static func linkStep(
        _ toolchain: Toolchain, _ flags: [String], _ objects: [String], links: [String], _ linking: LinkCommand?
    ) -> Step {
        guard let linking, links.isEmpty else {
            return Step(tool: toolchain.path, arguments: driverArguments(flags, objects, links))
        }
        return Step(tool: linking.linker, arguments: linking.arguments(objects: objects))
    }

    private static func driverArguments(_ flags: [String], _ files: [String], _ links: [String]) -> [String] {
        flags + ["-o", "object.so"] + files + (links + ["gcc"]).map { "-l" + $0 }
    }

    private static func withoutLinking(_ flags: [String]) -> [String] {
        flags.filter { $0 != "-shared" && $0 != "-nostdlib" }
    }

    private static func objects(of texts: [String]) -> [String] { texts.map { String($0.dropLast(2)) + ".o" } }

    /// Every compiler makes objects of its texts in one call, in the order in which the parts first name it; then the
    /// link.
    private func mixedSteps(_ parts: [CompilePart], _ links: [String], _ effort: Toolchain.Effort) -> [Step] {
        let texts = parts.filter { $0.source.name.hasSuffix(".c") }
        var steps: [Step] = []
        var seen: Set<Digest> = []
        for part in texts where seen.insert(part.compiler.digest).inserted {
            let own = texts.filter { $0.compiler.digest == part.compiler.digest }.map(\.source.name)
            let flags = Compiler.withoutLinking(part.compiler.toolchain.flags(for: part.compiler.target, effort))
            steps.append(Step(tool: part.compiler.toolchain.path, arguments: flags + ["-c"] + own))
        }
        let objects = Compiler.objects(of: texts.map(\.source.name))
        return steps + [Compiler.linkStep(toolchain, flags, objects, links: links, linking)]
    }

    private func cacheKey(_ parts: [CompilePart], _ links: [String], _ flags: [String]) -> Digest {
        var text = "object 2\n\(digest.hex)\n\(flags.joined(separator: " "))\n\(links.joined(separator: " "))\n"
        for part in parts {
            text += "\(part.compiler.digest.hex) \(part.source.name) \(part.source.text.utf8.count)\n"
            text += part.source.text + "\n"
        }
        return Digest(of: text)
    }

    /// Runs the steps in a temporary folder; an accepted object is moved to `keepAs`. One of the two results is `nil`.
    private static func build(
        _ sources: [SourceFile], _ steps: [Step], searchPath: String, folder: String, keepAs path: String? = nil
    ) -> (CompileFailure?, [UInt8]?) {
        do {
            let work = try Folder.makeTemporary(in: folder)
            defer { Folder.removeTree(work) }
            for source in sources { try Folder.write(Array(source.text.utf8), to: work + "/" + source.name) }
            var options = ChildProcess.Options()
            options.directory = work
            options.cpuSecondsMax = cpuSecondsMax
            options.memoryBytesMax = memoryBytesMax
            options.fileBytesMax = objectBytesMax
            for step in steps {
                let result = try runTool(
                    step.tool, step.arguments, environment: Toolchain.environment(searchPath, temporary: work),
                    options: options, wallMs: wallMsMax)
                if let reason = reasonOfFailure(result) {
                    return (CompileFailure(reason: reason, log: excerpt(result.output)), nil)
                }
            }
            let bytes = try Folder.read(work + "/object.so", limit: objectBytesMax)
            if case .refused(let refusal) = ElfCheck(bytes) {
                return (CompileFailure(reason: .refused(refusal), log: ""), nil)
            }
            if let path { try Folder.replace(work + "/object.so", final: path) }
            return (nil, bytes)
        } catch {
            return (CompileFailure(reason: .environment(error), log: ""), nil)
        }
    }

    private static func reasonOfFailure(_ result: ToolResult) -> CompileFailure.Reason? {
        guard let end = result.end else { return .timedOut(seconds: wallMsMax / 1000) }
        switch end {
        case .exited(0): return nil
        case .exited(let code):
            // a driver reports the death of its compiler proper as an exit
            return result.cpuSeconds >= Double(cpuSecondsMax)
                ? .timedOut(seconds: cpuSecondsMax) : .rejected(exitCode: code)
        case .signalled(SIGXCPU), .signalled(SIGKILL): return .timedOut(seconds: cpuSecondsMax)
        case .signalled(let signal): return .crashed(signal: signal)
        }
    }

    private static func excerpt(_ output: String) -> String {
        guard output.utf8.count > logBytesMax else { return output }
        return String(decoding: output.utf8.prefix(logBytesMax), as: UTF8.self) + "…"
    }

    /// Vector code, a reduction, a call into the C library and a division: enough to see a changed code generator.
    private static let probeText = """
        #include <stdint.h>
        #include <string.h>
        typedef float v8 __attribute__((vector_size(32), aligned(4)));
        void probe_0(void *const *operands, int64_t first, int64_t last, void *scratch) {
          float *out = operands[0];
          const float *in = operands[1];
          memset(out, 0, 32);
          v8 sum = {0};
          for (int64_t i = first; i < last; i++) sum += *(const v8 *)(in + 8 * i) * in[i];
          *(v8 *)out = sum / (1.0f + in[0]);
          (void)scratch;
        }

        """
}
