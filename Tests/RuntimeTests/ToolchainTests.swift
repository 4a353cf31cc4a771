// Compilers: how they are found, identified, limited and cached; and what ElfCheck sees in their objects.
// Objects are really compiled, with every toolchain of this machine and for every target.
// Damaged objects come from seeded mutations of a good one.

import Basics
import Glibc
import Testing

@testable import Runtime

@Test func noCompilerOnThePathIsOneClearSentence() {
    do {
        _ = try Toolchain.find(searchPath: "/nowhere:/sys")
        Issue.record("a compiler was found")
    } catch {
        #expect(error == .compilerNotFound)
        #expect(
            error.sentence
                == "no C compiler on the PATH: install clang or gcc (Debian: apt-get install clang), "
                + "then run this again")
    }
}

@Test func aToolchainHasAVersionWithoutFoldersAndAStableDigest() throws {
    let folder = try TestFolder()
    let first = try testCompiler(folder)
    #expect(!first.toolchain.version.contains("InstalledDir"))
    #expect(!first.toolchain.firstLine.isEmpty)
    let elsewhere = try TestFolder()
    #expect(try testCompiler(elsewhere).digest == first.digest)
    #expect(try testCompiler(folder, target: .avx2).digest != first.digest)
}

@Test func flagsFollowTargetAndFamily() {
    let clang = Toolchain(family: .clang, path: "/x", version: "v")
    let gcc = Toolchain(family: .gcc, path: "/x", version: "v")
    #expect(clang.flags(for: .plain).allSatisfy { !$0.hasPrefix("-m") })
    #expect(clang.flags(for: .avx512).contains("-mprefer-vector-width=512"))
    #expect(gcc.flags(for: .avx2).contains("-mfma") && gcc.flags(for: .avx2).contains("-O3"))
    #expect(clang.flags(for: .avx2).contains("-O2"))
}

@Test func everyToolchainCompilesForEveryTarget() throws {
    let folder = try TestFolder()
    #expect(!testToolchains.isEmpty)
    for toolchain in testToolchains {
        for target in CompileTarget.allCases {
            let compiler = try Compiler(
                toolchain, target: target, searchPath: environmentPath(), cacheFolder: folder.path)
            let built = try object(compiler.compile(source: twoPhaseSource, name: "twice"))
            #expect(built.elf.definedFunctions == ["twice_0", "twice_1"], "\(toolchain.firstLine) \(target)")
        }
    }
}

@Test func theSameTextIsCompiledOnce() throws {
    let folder = try TestFolder()
    let compiler = try testCompiler(folder)
    let first = try object(compiler.compile(source: twoPhaseSource, name: "twice"))
    let second = try object(compiler.compile(source: twoPhaseSource, name: "twice"))
    #expect(!first.cached && second.cached)
    #expect(first.digest == second.digest && first.path == second.path)
    let other = try object(compiler.compile(source: twoPhaseSource + "// changed\n", name: "twice"))
    #expect(other.path != first.path)
    #expect(Folder.names(in: folder.path).allSatisfy { $0.hasSuffix(".so") }, "temporary folders are removed")
    try Folder.write([1, 2, 3], to: first.path)
    let again = try object(compiler.compile(source: twoPhaseSource, name: "twice"))
    #expect(!again.cached && again.digest == first.digest, "a damaged cache entry is compiled again")
}

@Test func sourcesMayIncludeEachOther() throws {
    let folder = try TestFolder()
    let built = try object(
        try testCompiler(folder).compile([
            SourceFile(name: "shared.h", text: "float half(float x);\n"),
            SourceFile(name: "a.c", text: "#include \"shared.h\"\nfloat half(float x) { return x / 2; }\n"),
            SourceFile(name: "b.c", text: "#include \"shared.h\"\nfloat quarter(float x) { return half(half(x)); }\n"),
        ]))
    #expect(built.elf.definedFunctions == ["half", "quarter"])
}

@Test func aTextThatDoesNotCompileFailsWithTheCompilersWords() throws {
    let folder = try TestFolder()
    guard case .failed(let failure) = try testCompiler(folder).compile(source: "int x = ;\n", name: "broken") else {
        Issue.record("it compiled")
        return
    }
    #expect(failure.reason == .rejected(exitCode: 1))
    #expect(failure.log.contains("broken.c:1"))
    #expect(Folder.names(in: folder.path).isEmpty)
}

@Test func undefinedSymbolsAreListed() throws {
    let folder = try TestFolder()
    let source = "#include <stdlib.h>\n#include <math.h>\nvoid *f(float x) { return malloc((size_t)sinf(x)); }\n"
    let built = try object(try testCompiler(folder).compile(source: source, name: "calls", links: ["m"]))
    #expect(built.elf.undefinedSymbols.contains("malloc") && built.elf.undefinedSymbols.contains("sinf"))
    #expect(built.elf.neededLibraries.contains("libm.so.6"))
}

@Test func anIndirectFunctionIsRefused() throws {
    let folder = try TestFolder()
    let source = """
        static int one(void) { return 1; }
        static int (*choose(void))(void) { return one; }
        int pick(void) __attribute__((ifunc("choose")));

        """
    guard case .failed(let failure) = try testCompiler(folder).compile(source: source, name: "indirect"),
        case .refused(.indirectFunction) = failure.reason
    else {
        Issue.record("an indirect function was accepted")
        return
    }
}

@Test func damagedObjectsAreRefusedAndNeverTrap() throws {
    #expect(ElfCheck([]) == .refused(.malformed("no ELF64 header")))
    let folder = try TestFolder()
    let built = try object(try testCompiler(folder).compile(source: twoPhaseSource, name: "twice"))
    let bytes = try Folder.read(built.path)
    var random = SeededRandom(seed: 11)
    var refused = 0
    for _ in 0..<300 {
        var damaged = bytes
        for _ in 0..<4 { damaged[random.below(min(1024, damaged.count))] = UInt8(random.below(256)) }
        if case .refused = ElfCheck(damaged) { refused += 1 }
        if case .refused = ElfCheck(Array(bytes.prefix(random.below(bytes.count)))) { refused += 1 }
    }
    #expect(refused > 100)
}

@Test func aDriversLinkCommandIsReadBack() throws {
    let answer = """
        clang version 21
         "/usr/bin/ld.gold" "-shared" "-L/a \\"b\\" c" "-o" "object.so" "/dev/null" "-lgcc"

        """
    let command = try #require(LinkCommand(answer: answer))
    #expect(command.linker == "/usr/bin/ld.gold")
    let expected = ["-shared", "-L/a \"b\" c", "-o", "object.so", "a.o", "b.o", "-lgcc"]
    #expect(command.arguments(objects: ["a.o", "b.o"]) == expected)
    for other in ["", " collect2 -o object.so /dev/null -lgcc", " \"/usr/bin/ld\" \"-o\" \"object.so\" \"-lgcc\""] {
        #expect(LinkCommand(answer: other) == nil)
    }
}

/// What clang itself would call is what makes its objects here: without it every object costs a second start.
@Test func clangSaysHowItLinks() throws {
    for toolchain in testToolchains where toolchain.family == .clang {
        let told = try runTool(
            toolchain.path, ["-###"] + LinkCommand.question, environment: Toolchain.environment(environmentPath()),
            wallMs: 20_000)
        #expect(LinkCommand(answer: told.output) != nil, "\(told.output)")
    }
}
