// What goes into a bundle and what comes out: values only, no disk and no compiler. A caller writes the files below
// one folder, makes the plan's folders and runs its steps there.

import Basics
import Emit
import ProgramIR

/// Everything a bundle is made from.
package struct BundleRequest: Sendable {
    /// Prefix of symbols and name of files; see `exportName(from:)`.
    package var name: String
    package var program: Program
    package var model: ModelDescription
    /// One source per kernel of the program, in any order.
    package var kernels: [KernelSource]
    /// The bytes of constant n, prepared.
    package var constants: [[UInt8]]
    package var isa: InstructionSet
    /// Flags with which kernels are compiled; flags of linking among them are left out.
    package var flags: [String]
    package var digests: BundleDigests
    package var vectors: [TestVector]
    package var tolerance: Tolerance

    /// Threads of a run, the caller's included.
    package var lanes: Int { program.lanes.count }

    package init(
        name: String, program: Program, model: ModelDescription, kernels: [KernelSource], constants: [[UInt8]],
        isa: InstructionSet, flags: [String], digests: BundleDigests, vectors: [TestVector], tolerance: Tolerance
    ) {
        self.name = name
        self.program = program
        self.model = model
        self.kernels = kernels
        self.constants = constants
        self.isa = isa
        self.flags = flags
        self.digests = digests
        self.vectors = vectors
        self.tolerance = tolerance
    }
}

package struct KernelSource: Hashable, Sendable {
    /// `KernelUse.name`.
    package var name: String
    /// C that defines a function `NAME_P` for each phase.
    package var text: String
    /// What it computes; `nil` for what no workload describes.
    package var workload: Digest?
    /// Whose object of it was measured best; `nil` takes the compiler and flags of the whole bundle.
    package var compiler: KernelCompiler?

    package init(name: String, text: String, workload: Digest?, compiler: KernelCompiler? = nil) {
        self.name = name
        self.text = text
        self.workload = workload
        self.compiler = compiler
    }
}

/// The compiler that builds one kernel. Its flags are understood by gcc and clang alike.
package struct KernelCompiler: Hashable, Sendable {
    /// `clang` or `gcc`.
    package var family: String
    /// Of the toolchain.
    package var digest: Digest
    package var flags: [String]

    package init(family: String, digest: Digest, flags: [String]) {
        self.family = family
        self.digest = digest
        self.flags = flags
    }
}

/// Where a bundle comes from, for its manifest.
package struct BundleDigests: Hashable, Sendable {
    package var model: Digest
    package var program: Digest
    package var toolchain: Digest

    package init(model: Digest, program: Digest, toolchain: Digest) {
        self.model = model
        self.program = program
        self.toolchain = toolchain
    }
}

/// Bytes of every input, and of the outputs that they should give.
package struct TestVector: Hashable, Sendable {
    package var inputs: [[UInt8]]
    package var outputs: [[UInt8]]

    package init(inputs: [[UInt8]], outputs: [[UInt8]]) {
        self.inputs = inputs
        self.outputs = outputs
    }
}

/// |a - b| <= relative * |b| + absolute * max|b| over the output; other dtypes than floats are compared exactly.
package struct Tolerance: Hashable, Sendable {
    package var relative: Double
    package var absolute: Double

    package init(relative: Double = 1e-3, absolute: Double = 1e-4) {
        self.relative = relative
        self.absolute = absolute
    }
}

package struct Bundle: Sendable {
    /// Sorted by path.
    package var files: [BundleFile]
    package var plan: BuildPlan
}

package struct BundleFile: Hashable, Sendable {
    /// Relative to the bundle's folder; folders separated by `/`.
    package var path: String
    package var bytes: [UInt8]
    package var isExecutable: Bool

    init(_ path: String, _ text: String, isExecutable: Bool = false) {
        self.init(path, bytes: Array(text.utf8), isExecutable: isExecutable)
    }

    init(_ path: String, bytes: [UInt8], isExecutable: Bool = false) {
        self.path = path
        self.bytes = bytes
        self.isExecutable = isExecutable
    }
}
