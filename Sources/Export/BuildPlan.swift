// How to build a bundle: the calls of a compiler and an archiver, as data for a caller that runs them and as
// build.sh and Makefile for a person who does. Arguments are relative to the bundle's folder, which is where the
// tools run; no argument needs quoting.

import Basics

/// One call of a tool.
package struct BuildStep: Hashable, Sendable {
    package enum Tool: String, Hashable, Sendable {
        /// Any C compiler with the command line of gcc and clang.
        case compiler
        /// `ar` or `llvm-ar`.
        case archiver
    }
    package var tool: Tool
    /// The toolchain that a caller who has it should take; a script takes one compiler for all.
    package var toolchain: Digest?
    package var arguments: [String]
    package var inputs: [String]
    package var output: String
}

package struct BuildPlan: Hashable, Sendable {
    /// To be made before the first step.
    package var folders: [String]
    /// Independent of each other.
    package var compiles: [BuildStep]
    /// In order, after all compiles.
    package var links: [BuildStep]
    /// Holds object files only; may be removed at the end.
    package var objectFolder: String

    package var steps: [BuildStep] { compiles + links }

    package static func sharedLibrary(_ name: String) -> String { "lib/lib\(name).so" }
    package static func archive(_ name: String) -> String { "lib/lib\(name).a" }
    package static func selfTest(_ name: String) -> String { "bin/\(name)_selftest" }

    static func exportList(_ name: String) -> String { "src/\(name)_exports.map" }

    private static let common = ["-O2", "-std=gnu11"]
    private static let object = ["-fPIC", "-fvisibility=hidden"]
    private static let linking: Set<String> = ["-shared", "-nostartfiles", "-nostdlib", "-nodefaultlibs"]

    /// What compiles and links a program of that many lanes beside the other flags.
    static func threadFlags(lanes: Int) -> [String] { lanes > 1 ? ["-pthread"] : [] }

    /// - Throws: `flag` for a flag that would need quoting.
    init(name: String, kernels: [KernelSource], flags: [String], lanes: Int) throws(ExportError) {
        for flag in flags + kernels.flatMap({ $0.compiler?.flags ?? [] }) {
            guard BuildPlan.linking.contains(flag) || BuildPlan.isPlain(flag) else { throw .flag(flag) }
        }
        folders = ["bin", "lib", "obj"]
        objectFolder = "obj"
        compiles = kernels.map { kernel in
            let own = (kernel.compiler?.flags ?? flags).filter { !BuildPlan.linking.contains($0) }
            var step = BuildPlan.compile(
                kernelPath(kernel.name), to: "obj/kernel_\(kernel.name).o",
                own + BuildPlan.object.filter { !own.contains($0) })
            step.toolchain = kernel.compiler?.digest
            return step
        }
        let program = "src/\(name)_program.c"
        let threads = BuildPlan.threadFlags(lanes: lanes)
        compiles.append(BuildPlan.compile(program, to: "obj/program.o", BuildPlan.common + BuildPlan.object + threads))
        let objects = compiles.map(\.output)
        let (shared, archive) = (BuildPlan.sharedLibrary(name), BuildPlan.archive(name))
        // Without the start files the library runs nothing when it is loaded; it leaves no symbol open but libc's.
        let exports = BuildPlan.exportList(name)
        let linkFlags = [
            "-shared", "-nostartfiles", "-Wl,-soname,lib\(name).so", "-Wl,-z,defs", "-Wl,--as-needed",
            "-Wl,--version-script=" + exports,
        ]
        let test = "src/\(name)_selftest.c"
        links = [
            BuildStep(
                tool: .compiler, arguments: linkFlags + ["-o", shared] + objects + ["-lm"] + threads,
                inputs: objects + [exports], output: shared),
            BuildStep(tool: .archiver, arguments: ["rcs", archive] + objects, inputs: objects, output: archive),
            BuildStep(
                tool: .compiler,
                arguments: BuildPlan.common
                    + ["-Iinclude", "-o", BuildPlan.selfTest(name), test, archive, "-Wl,--as-needed", "-lm"]
                    + threads,
                inputs: [test, "include/\(name).h", archive], output: BuildPlan.selfTest(name)),
        ]
    }

    /// The plan as a shell script: `CC` and `AR` name the tools.
    var script: String {
        let lines = steps.map { step in
            (step.tool == .compiler ? "\"$CC\" " : "\"$AR\" ") + step.arguments.joined(separator: " ")
        }
        let archives = links.filter { $0.tool == .archiver }.map { "rm -f \($0.output)" }
        return """
            #!/bin/sh
            # Builds the libraries and the self-test from the sources beside this file, with any C compiler that takes
            # the flags of gcc: CC=clang ./build.sh
            set -eu
            cd "$(dirname "$0")"
            CC=${CC:-cc}
            AR=${AR:-ar}
            mkdir -p \(folders.joined(separator: " "))
            \(archives.joined(separator: "\n"))
            \(lines.joined(separator: "\n"))
            rm -rf \(objectFolder)

            """
    }

    /// The plan as a makefile with the goals `all`, `check` and `clean`.
    func makefile(name: String) -> String {
        var out = """
            # Builds what ./build.sh builds; `make check` also runs the self-test.
            CC ?= cc
            AR ?= ar

            all: \(links.map(\.output).joined(separator: " "))

            check: all
            \t./\(BuildPlan.selfTest(name))

            clean:
            \trm -rf \(objectFolder) \(links.map(\.output).joined(separator: " "))

            \(folders.joined(separator: " ")):
            \tmkdir -p $@

            .PHONY: all check clean

            """
        for step in steps {
            let folder = step.output.prefix { $0 != "/" }
            out += "\n\(step.output): \(step.inputs.joined(separator: " ")) | \(folder)\n\t"
            out += (step.tool == .compiler ? "$(CC) " : "$(AR) ") + step.arguments.joined(separator: " ") + "\n"
        }
        return out
    }

    private static func compile(_ source: String, to object: String, _ flags: [String]) -> BuildStep {
        BuildStep(tool: .compiler, arguments: flags + ["-c", source, "-o", object], inputs: [source], output: object)
    }

    private static func isPlain(_ flag: String) -> Bool {
        flag.utf8.first == UInt8(ascii: "-")
            && flag.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
                default: "_=+,.:/-".utf8.contains(byte)
                }
            }
    }
}
