// Measuring as the rest of Ironworks sees it: a request in, a reading or a failure out, whoever answers. Three answer:
// a sandboxed child process that really runs code, a table of recorded readings, and a seeded made-up device. The
// farm, the planner and their tests work the same with each; one conformance suite holds for all three.

import Basics

/// Answers timing requests. Owned by one thread.
package protocol Measurer: AnyObject {
    /// Times one candidate: all its kernels in order are one call.
    func measure(_ request: MeasureRequest) -> MeasureOutcome
    /// Times one whole-model program.
    func measureProgram(_ request: ProgramRequest) -> MeasureOutcome
    /// Times candidates against each other: each once a round.
    func measureRounds(_ request: RoundsRequest) -> RoundsOutcome
}

/// Runs code once and returns what it wrote; only the real child can.
package protocol Executor: AnyObject {
    /// Runs the kernels once, in order; checks that nothing but results, temporaries and scratch was written.
    /// - Returns: the bytes of every operand whose role is `result`, in operand order.
    func execute(_ request: ExecuteRequest) -> ExecuteOutcome
    /// Runs a bundle once.
    /// - Returns: the bytes of every output.
    func executeProgram(_ request: ProgramRequest) -> ExecuteOutcome
}

package enum MeasureOutcome: Sendable, Equatable {
    case reading(Reading)
    case failed(MeasureFailure)
}

package enum ExecuteOutcome: Sendable, Equatable {
    case outputs([[UInt8]])
    case failed(MeasureFailure)
}

/// What a buffer holds before the call.
package enum OperandContents: Sendable {
    /// A NaN pattern, so that an element that nobody writes shows itself.
    case unwritten
    case bytes([UInt8])
    /// Writes every byte of the buffer it is given.
    case fill(@Sendable (UnsafeMutableRawBufferPointer) -> Void)
}

/// One buffer that kernels are given.
package struct Operand: Sendable {
    package enum Role: Sendable, Equatable {
        /// Never written; what the state `streamed` copies.
        case constant
        case input
        case result
        case temporary
    }
    package var role: Role
    package var bytes: Int
    package var contents: OperandContents

    package init(_ role: Role, bytes: Int, contents: OperandContents = .unwritten) {
        if case .bytes(let given) = contents { precondition(given.count == bytes, "contents fill their operand") }
        precondition(bytes >= 0, "an operand has a size")
        self.role = role
        self.bytes = bytes
        self.contents = contents
    }
}

/// One kernel and its arguments. Phase p is the C function
/// `void SYMBOL_p(void *const *operands, int64_t first, int64_t last, void *scratch)`.
package struct KernelCall: Sendable, Equatable {
    package var symbol: String
    /// Tasks of each phase; each phase is called with (0, tasks).
    package var phases: [Int]
    /// Indices into the request's operands, in the order of the kernel's `operands`.
    package var operands: [Int]
    package var scratchBytes: Int

    package init(symbol: String, phases: [Int], operands: [Int], scratchBytes: Int = 0) {
        self.symbol = symbol
        self.phases = phases
        self.operands = operands
        self.scratchBytes = scratchBytes
    }
}

/// How to time. The defaults are those of screening.
package struct MeasureSettings: Sendable, Equatable {
    package var warmNs = 2_000_000
    package var samples = 3
    package var sampleNsMin = 5_000_000
    /// Stop early when a call takes longer than this; 0 never does. Screening: 1.5 x incumbent.
    package var cutoffNs = 0.0
    /// Copies of the constants to rotate through; 1 is the state `resident`.
    package var constantCopies = 1
    package var timeoutMs = 10_000
    package init() {}

    /// 20 times what the samples should take, between 1 s and 60 s.
    package static func timeoutMs(incumbentNs: Double, samples: Int) -> Int {
        Int(min(60_000, max(1_000, 20 * incumbentNs * Double(samples) * 1e-6)))
    }
}

package struct MeasureRequest: Sendable {
    package var candidate: Digest
    package var objectPath: String
    package var kernels: [KernelCall]
    package var operands: [Operand]
    /// What the model predicts for one call; the made-up device starts from it.
    package var predictedNs: Double
    package var settings: MeasureSettings

    package init(
        candidate: Digest, objectPath: String, kernels: [KernelCall], operands: [Operand], predictedNs: Double,
        settings: MeasureSettings = .init()
    ) {
        self.candidate = candidate
        self.objectPath = objectPath
        self.kernels = kernels
        self.operands = operands
        self.predictedNs = predictedNs
        self.settings = settings
    }

    /// One kernel that takes all operands in order.
    package init(
        candidate: Digest, objectPath: String, symbol: String, phases: [Int], operands: [Operand], scratchBytes: Int,
        predictedNs: Double, settings: MeasureSettings = .init()
    ) {
        let kernel = KernelCall(
            symbol: symbol, phases: phases, operands: Array(operands.indices), scratchBytes: scratchBytes)
        self.init(
            candidate: candidate, objectPath: objectPath, kernels: [kernel], operands: operands,
            predictedNs: predictedNs, settings: settings)
    }
}

package struct ExecuteRequest: Sendable {
    package var objectPath: String
    package var kernels: [KernelCall]
    package var operands: [Operand]
    package var timeoutMs: Int

    package init(objectPath: String, kernels: [KernelCall], operands: [Operand], timeoutMs: Int = 10_000) {
        self.objectPath = objectPath
        self.kernels = kernels
        self.operands = operands
        self.timeoutMs = timeoutMs
    }

    package init(_ request: MeasureRequest) {
        self.init(
            objectPath: request.objectPath, kernels: request.kernels, operands: request.operands,
            timeoutMs: request.settings.timeoutMs)
    }
}

/// A bundle: `int PREFIX_create(const char *weights, M **)`, `int PREFIX_run(M *, const void *const *inputs,
/// void *const *outputs)`, `void PREFIX_destroy(M *)`.
package struct ProgramRequest: Sendable {
    package var program: Digest
    package var libraryPath: String
    package var prefix: String
    package var weightsPath: String
    package var inputs: [Operand]
    package var outputBytes: [Int]
    package var predictedNs: Double
    package var settings: MeasureSettings

    package init(
        program: Digest, libraryPath: String, prefix: String, weightsPath: String, inputs: [Operand],
        outputBytes: [Int], predictedNs: Double, settings: MeasureSettings = .init()
    ) {
        self.program = program
        self.libraryPath = libraryPath
        self.prefix = prefix
        self.weightsPath = weightsPath
        self.inputs = inputs
        self.outputBytes = outputBytes
        self.predictedNs = predictedNs
        self.settings = settings
    }
}
