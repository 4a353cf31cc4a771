// Makes a bundle: from a program, its kernels, its constants and the face of its model to all files of a folder that
// builds a library with any C compiler. In a bundle every function of a kernel gets the library's prefix (a macro at
// the top of the file), so that two archives with kernels of the same name link into one program.

import Basics
import Emit
import ProgramIR
import TensorIR

/// - Throws: when the parts do not belong together; see `ExportError`.
package func bundle(_ request: BundleRequest) throws(ExportError) -> Bundle {
    var request = request
    try checkExportName(request.name)
    request.kernels = try kernelsInOrder(request)
    for value in [request.tolerance.relative, request.tolerance.absolute] where !(value.isFinite && value >= 0) {
        throw .tolerance(relative: request.tolerance.relative, absolute: request.tolerance.absolute)
    }
    let source: ProgramSource
    let weights: [UInt8]
    do {
        source = try ProgramSource(request.program, model: request.model, prefix: request.name, isa: request.isa)
        weights = try source.weights.file(program: source.digest, contents: request.constants)
    } catch { throw .program(error) }
    let plan = try BuildPlan(
        name: request.name, kernels: request.kernels, flags: request.flags,
        lanes: request.lanes)
    let name = request.name
    let renaming = renamed(request.program.kernels, prefix: name)
    var files = [
        BundleFile("include/\(name).h", headerText(request)),
        BundleFile("src/\(name)_program.c", renaming + source.text),
        BundleFile("src/\(name)_selftest.c", selfTestText(request)),
        BundleFile(BuildPlan.exportList(name), exportListText(name)),
        BundleFile("weights.bin", bytes: weights),
        BundleFile("vectors.bin", bytes: try VectorsFile.bytes(request.vectors, request.model)),
        BundleFile("build.sh", plan.script, isExecutable: true),
        BundleFile("Makefile", plan.makefile(name: name)),
        BundleFile("python/\(name).py", pythonText(request)),
        BundleFile("README.md", readmeText(request)),
        BundleFile("examples/main.c", exampleText(request)),
    ]
    for (use, kernel) in zip(request.program.kernels, request.kernels) {
        files.append(BundleFile(kernelPath(kernel.name), renamed([use], prefix: name) + kernel.text))
    }
    files.sort { $0.path < $1.path }
    files.append(BundleFile("manifest.json", manifestText(request, source, files: files)))
    files.sort { $0.path < $1.path }
    return Bundle(files: files, plan: plan)
}

func kernelPath(_ name: String) -> String { "src/kernels/\(name).c" }

/// The sources in the order of the program's kernels, each exactly once.
private func kernelsInOrder(_ request: BundleRequest) throws(ExportError) -> [KernelSource] {
    var sources: [String: KernelSource] = [:]
    for kernel in request.kernels where sources.updateValue(kernel, forKey: kernel.name) != nil {
        throw .kernelTwice(kernel.name)
    }
    var ordered: [KernelSource] = []
    for use in request.program.kernels {
        guard let source = sources.removeValue(forKey: use.name) else { throw .kernelMissing(use.name) }
        ordered.append(source)
    }
    if let stranger = sources.keys.min() { throw .kernelUnknown(stranger) }
    return ordered
}

/// What the linker lets out of the shared library: the interface, and no marks of its own.
private func exportListText(_ prefix: String) -> String {
    "{\n  global: " + programFunctions(prefix: prefix).joined(separator: "; ") + ";\n  local: *;\n};\n"
}

/// Macros that give the functions of kernels the library's prefix.
private func renamed(_ kernels: [KernelUse], prefix: String) -> String {
    kernels.map { kernel in
        kernel.phases.indices.map { "#define \(kernel.name)_\($0) \(prefix)_\(kernel.name)_\($0)\n" }.joined()
    }.joined()
}
