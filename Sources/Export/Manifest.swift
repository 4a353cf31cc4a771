// manifest.json of a bundle: what it is, what it was made from, and the SHA-256 of every file that was written beside
// it. Built files are not in it: compilers do not give the same bytes everywhere.

import Basics
import Emit
import ProgramIR
import TensorIR

func manifestText(_ request: BundleRequest, _ source: ProgramSource, files: [BundleFile]) -> String {
    let manifest: JSONText = [
        "schema": .string("ironworks.bundle/1"),
        "name": .string(request.name),
        "model": ["name": .string(request.model.name), "digest": digest(request.digests.model)],
        "program": [
            "digest": digest(request.digests.program),
            "source_digest": digest(source.digest),
            "lanes": .integer(request.lanes),
            "arena_bytes": .integer(request.program.arenaBytes),
            "scratch_bytes": .integer(request.program.scratchBytes),
        ],
        "toolchain": [
            "digest": digest(request.digests.toolchain),
            "flags": .array(request.flags.map(JSONText.string)),
        ],
        "isa": [
            "name": .string(request.isa.name),
            "features": .array(request.isa.features.map { .string($0.rawValue) }),
        ],
        "inputs": .array(request.model.inputs.map(tensor)),
        "outputs": .array(request.model.outputs.map(tensor)),
        "extents": .array(
            request.model.extents.map { extent in
                [
                    "output": .integer(extent.result), "axis": .integer(extent.axis),
                    "count_output": .integer(extent.count),
                ]
            }),
        "kernels": .array(request.kernels.map { kernel($0, in: request.program) }),
        "constants": .array(source.weights.constants.map(constant)),
        "selftest": [
            "vectors": .integer(request.vectors.count),
            "relative_ratio": .number(request.tolerance.relative),
            "absolute_ratio": .number(request.tolerance.absolute),
        ],
        "files": .array(files.map(file)),
    ]
    return manifest.text
}

private func digest(_ value: Digest) -> JSONText { .string(value.hex) }

private func tensor(_ tensor: ModelDescription.Tensor) -> JSONText {
    [
        "name": .string(tensor.name),
        "dtype": .string(tensor.type.dtype.rawValue),
        "shape": .array(tensor.type.shape.map(JSONText.integer)),
        "bytes": .integer(tensor.type.bytes),
    ]
}

private func constant(_ constant: WeightsLayout.Constant) -> JSONText {
    [
        "offset_bytes": .integer(constant.offset), "bytes": .integer(constant.bytes),
        "digest": digest(constant.digest),
    ]
}

private func file(_ file: BundleFile) -> JSONText {
    [
        "path": .string(file.path), "bytes": .integer(file.bytes.count),
        "sha256": digest(Digest(of: file.bytes)),
    ]
}

/// `request.kernels` are in the order of the program's, so each has its use there.
private func kernel(_ source: KernelSource, in program: Program) -> JSONText {
    guard let use = program.kernels.first(where: { $0.name == source.name }) else {
        preconditionFailure("a source without a kernel passed the check")
    }
    var members = [
        JSONText.Member("name", .string(source.name)),
        JSONText.Member("path", .string(kernelPath(source.name))),
        JSONText.Member("phases", .integer(use.phases.count)),
        JSONText.Member("kernel_digest", digest(use.digest)),
    ]
    if let compiler = source.compiler {
        let made: JSONText = ["family": .string(compiler.family), "digest": digest(compiler.digest)]
        members.append(JSONText.Member("compiler", made))
    }
    if let workload = source.workload { members.append(JSONText.Member("workload_digest", digest(workload))) }
    return .object(members)
}
